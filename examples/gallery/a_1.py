"""Softmax with cross entropy in full, forward and backward: y − t comes back to the scores.
Softmax-with-Loss レイヤの計算グラフの全体。スコア a には y − t が逆伝播する。

Source: Saito, Deep Learning from Scratch, figure A-1.
"""

import math

import scalargrad as sg

a = [sg.Value(math.log(p), f"a{k}") for p, k in zip((0.3, 0.2, 0.5), "₁₂₃", strict=True)]
t = [sg.Value(0, "t₁"), sg.Value(1, "t₂"), sg.Value(0, "t₃")]

with sg.scope("Softmax"):
    exps = [sg.exp(score) for score in a]
    S = sg.sum(exps)
    ratio = 1 / S
    y = [e * ratio for e in exps]
with sg.scope("Cross Entropy Error"):
    L = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
S.label, L.label = "S", "L"
for p, k in zip(y, "₁₂₃", strict=True):
    p.label = f"y{k}"
L.backward()

print("-t/y =", *(f"{p.grad:g}" for p in y))
print(f"S = {S.data:g}, dL/dS = 1/S = {S.grad:g}")
print("y - t =", *(f"{score.grad:.2f}" for score in a))

# one line, as in the book
sg.draw(L, symbols=True, constants=t, width=math.inf).save("a_1_1.svg")
sg.draw(L, constants=t, width=math.inf).save("a_1_2.svg")
