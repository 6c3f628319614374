"""Softmax and cross entropy as boxes: y − t in symbols, for a poor and for a good prediction.
簡略化した Softmax-with-Loss レイヤ。認識が正解に近いほど、逆伝播する誤差 y − t は小さい。

With a probability of 0 it has to be one node: 0 · log(0) is not a number.

Source: Saito, Deep Learning from Scratch, figure 5-30 and section 5.6.3.
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

print(f"y = (0.3, 0.2, 0.5): loss {L.data:.4f}, y - t =", *(f"{score.grad:.2f}" for score in a))
sg.draw(L, symbols=True, fold=True, constants=t).save("fig_5_30_1.svg")
sg.draw(L, fold=True, constants=t).save("fig_5_30_2.svg")

for score, number in zip(a, (math.log(0.01), math.log(0.99), -math.inf), strict=True):
    score.data = number
with sg.scope("Softmax with Loss"):
    L = sg.cross_entropy(a, t)
L.label = "L"
sg.zero_grad(a)
L.backward()

print(f"y = (0.01, 0.99, 0): loss {L.data:.5f}, y - t =", *(f"{score.grad:.2f}" for score in a))
sg.draw(L, fold=True, constants=t).save("fig_5_30_3.svg")
