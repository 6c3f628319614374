"""Softmax forward: exponentials, their sum S, and each exponential times 1/S.
Softmax レイヤの順伝播。exp の総和 S を求め、それぞれの exp に 1/S を掛ける。

Source: Saito, Deep Learning from Scratch, figure A-3.
"""

import math

import scalargrad as sg

a = [sg.Value(math.log(e), f"a{k}") for e, k in zip((3, 2, 5), "₁₂₃", strict=True)]

with sg.scope("Softmax"):
    exps = [sg.exp(score) for score in a]
    S = sg.sum(exps)
    ratio = 1 / S
    y = [e * ratio for e in exps]
with sg.scope("next layer"):
    L = sg.sum(y)
S.label, L.label = "S", "L"
for p, k in zip(y, "₁₂₃", strict=True):
    p.label = f"y{k}"

print(f"S = {S.data:g}")
print("y =", *(f"{p.data:.2f}" for p in y))

sg.draw(L, symbols=True, fold="next layer").save("a_3.svg")
