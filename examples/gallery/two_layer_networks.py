"""Regression and classification with two layers, sigmoid or ReLU in the middle: STEP 1, 1.5 and 2.
回帰と分類の2層ネットワーク（中間層はシグモイド関数か ReLU）。STEP 1、1.5、2 の順に逆伝播する。

The layers are x; h = f(u), u = w·x + b; and v·h + c, which is y in regression and whose softmax is
y in classification. The teacher wants d, and what comes back to the outer layer is y − d in both.
ReLU lets the gradient pass only where u > 0.
The lecture leaves its formulas to the reader: here they are, in red.
Where u is exactly 0 the derivative is 0, as in the book; the lecture's first case is u ≧ 0.

Source: the lecture on two-layer networks.
"""

import scalargrad as sg

ACTIVATIONS = {"sigmoid": sg.sigmoid, "relu": sg.relu}


def squared_error(outer, d):
    """Return outputs and error of regression, and the boxes of its picture."""
    with sg.scope("squared error"):
        E = sg.sum((y_k - d_k) ** 2 for y_k, d_k in zip(outer, d, strict=True)) / 2
    return {"y": outer}, E, "squared error"


def cross_entropy_error(outer, d):
    """Return scores, outputs and error of classification, and the boxes of its picture."""
    with sg.scope("Softmax"):
        exps = [sg.exp(a_k) for a_k in outer]
        S = sg.sum(exps)
        y = [e / S for e in exps]
    S.label = "S"
    with sg.scope("Cross Entropy Error"):
        E = -sg.sum(d_k * sg.log(y_k) for d_k, y_k in zip(d, y, strict=True))
    return {"a": outer, "y": y}, E, ["Softmax", "Cross Entropy Error"]


ERRORS = {"regression": squared_error, "classification": cross_entropy_error}


def show(head, activation):
    """Print the gradients of one network, and draw the three steps that lead to them."""
    x = [sg.Value(1, "x₁"), sg.Value(0.5, "x₂")]
    w = [
        [sg.Value(0.4, "w₁₁"), sg.Value(0.2, "w₁₂")],
        [sg.Value(-0.9, "w₂₁"), sg.Value(0.6, "w₂₂")],
    ]
    b = [sg.Value(0.1, "b₁"), sg.Value(-0.1, "b₂")]
    v = [
        [sg.Value(0.7, "v₁₁"), sg.Value(-0.2, "v₁₂")],
        [sg.Value(0.3, "v₂₁"), sg.Value(0.5, "v₂₂")],
    ]
    c = [sg.Value(0.2, "c₁"), sg.Value(0, "c₂")]
    d = [sg.Value(1, "d₁"), sg.Value(0, "d₂")]

    p = [sg.dot(w_j, x) for w_j in w]
    u = [p_j + b_j for p_j, b_j in zip(p, b, strict=True)]
    h = [ACTIVATIONS[activation](u_j) for u_j in u]
    q = [sg.dot(v_k, h) for v_k in v]
    outputs, E, boxes = ERRORS[head]([q_k + c_k for q_k, c_k in zip(q, c, strict=True)], d)
    for letter, pair in {"p": p, "u": u, "h": h, "q": q, **outputs}.items():
        for k in (0, 1):
            pair[k].label = letter + "₁₂"[k]
    E.label = "E"
    E.backward()

    print(f"{head}, {activation}: E = {E.data:.6f}")
    for name, values in {"v": v[0] + v[1], "c": c, "h": h, "w": w[0] + w[1], "b": b}.items():
        print(f"dE/d{name} =", *(f"{value.grad:.6f}" for value in values))

    steps = {"1": [h, u, p, w, b], "1.5": [u, p, w, b], "2": []}
    for number, (step, later) in enumerate(steps.items(), 1):
        sg.draw(
            E,
            symbols=True,
            loss="E",
            fold=boxes,
            constants=[x, d, later],  # no red where the step has not come yet
            title=f"STEP {step}",
        ).save(f"two_layer_{head}_{activation}_{number}.svg")


for head in ERRORS:
    for activation in ACTIVATIONS:
        show(head, activation)
