"""Regression with two layers, sigmoid in the middle: STEP 1, 1.5 and 2 of the backward pass.
回帰問題の2層ネットワーク（中間層はシグモイド関数）。STEP 1、1.5、2 の順に逆伝播する。

The layers are x; h = sigmoid(u), u = w·x + b; and y = v·h + c.
The teacher wants d. The lecture leaves its formulas to the reader: here they are, in red.

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
h = [sg.sigmoid(u_j) for u_j in u]
q = [sg.dot(v_k, h) for v_k in v]
y = [q_k + c_k for q_k, c_k in zip(q, c, strict=True)]
with sg.scope("squared error"):
    E = sg.sum((y_k - d_k) ** 2 for y_k, d_k in zip(y, d, strict=True)) / 2
for letter, pair in {"p": p, "u": u, "h": h, "q": q, "y": y}.items():
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
        fold="squared error",
        constants=[x, d, later],  # no red where the step has not come yet
        title=f"STEP {step}",
    ).save(f"two_layer_regression_sigmoid_{place}.svg")
