"""Classification with two layers, ReLU in the middle: the gradient passes only where u > 0.
分類問題の2層ネットワーク（中間層は ReLU）。u > 0 のユニットだけ勾配が通る。

The layers are x; h = relu(u), u = w·x + b; and y = softmax(a), a = v·h + c.
The teacher wants d. The lecture leaves its formulas to the reader: here they are, in red.
Where u is exactly 0 the derivative is 0, as in the book; the lecture's first case is u ≧ 0.

Source: the lecture on two-layer networks.
"""

import scalargrad as sg

x = [sg.Value(1, "x₁"), sg.Value(0.5, "x₂")]
w = [[sg.Value(0.4, "w₁₁"), sg.Value(0.2, "w₁₂")], [sg.Value(-0.9, "w₂₁"), sg.Value(0.6, "w₂₂")]]
b = [sg.Value(0.1, "b₁"), sg.Value(-0.1, "b₂")]
v = [[sg.Value(0.7, "v₁₁"), sg.Value(-0.2, "v₁₂")], [sg.Value(0.3, "v₂₁"), sg.Value(0.5, "v₂₂")]]
c = [sg.Value(0.2, "c₁"), sg.Value(0, "c₂")]
d = [sg.Value(1, "d₁"), sg.Value(0, "d₂")]

p = [sg.dot(w_j, x) for w_j in w]
u = [p_j + b_j for p_j, b_j in zip(p, b, strict=True)]
h = [sg.relu(u_j) for u_j in u]
q = [sg.dot(v_k, h) for v_k in v]
a = [q_k + c_k for q_k, c_k in zip(q, c, strict=True)]
with sg.scope("Softmax"):
    exps = [sg.exp(a_k) for a_k in a]
    S = sg.sum(exps)
    y = [e / S for e in exps]
S.label = "S"
with sg.scope("Cross Entropy Error"):
    E = -sg.sum(d_k * sg.log(y_k) for d_k, y_k in zip(d, y, strict=True))
for letter, pair in {"p": p, "u": u, "h": h, "q": q, "a": a, "y": y}.items():
    for k in (0, 1):
        pair[k].label = letter + "₁₂"[k]
E.label = "E"
E.backward()

print(f"E = {E.data:.6f}")
for name, values in {"v": v[0] + v[1], "c": c, "h": h, "w": w[0] + w[1], "b": b}.items():
    print(f"dE/d{name} =", *(f"{value.grad:.6f}" for value in values))

for place, (step, later) in enumerate(
    [("1", [h, u, p, w, b]), ("1.5", [u, p, w, b]), ("2", [])], 1
):
    sg.draw(
        E,
        symbols=True,
        loss="E",
        fold=["Softmax", "Cross Entropy Error"],
        constants=[x, d, later],  # no red where the step has not come yet
        title=f"STEP {step}",
    ).save(f"two_layer_classification_relu_{place}.svg")
