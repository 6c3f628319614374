"""The same as two boxes: scores go in, probabilities between, one loss comes out.
簡略化した Softmax-with-Loss レイヤの計算グラフ。

Source: Saito, Deep Learning from Scratch, figure A-2.
"""

import math

import scalargrad as sg

a = [sg.Value(math.log(p), f"a{k}") for p, k in zip((0.3, 0.2, 0.5), "₁₂₃", strict=True)]
t = [sg.Value(0, "t₁"), sg.Value(1, "t₂"), sg.Value(0, "t₃")]

with sg.scope("Softmax"):
    y = sg.softmax(a)
with sg.scope("Cross Entropy Error"):
    L = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
L.label = "L"
for p, k in zip(y, "₁₂₃", strict=True):
    p.label = f"y{k}"

print("y =", *(f"{p.data:.2f}" for p in y))
print(f"L = {L.data:.4f}")

sg.draw(L, fold=True).save("a_2.svg")
