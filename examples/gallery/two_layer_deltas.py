"""At the outputs both kinds of network hand back the same y − d.
回帰（恒等写像と二乗和誤差）でも分類（softmax と交差エントロピー誤差）でも、出力層の誤差は y − d。

Source: the lecture on two-layer networks; Saito, Deep Learning from Scratch, section 5.6.3.
"""

import math

import scalargrad as sg

probabilities = (0.3, 0.2, 0.5)
d = [sg.Value(0, "d₁"), sg.Value(1, "d₂"), sg.Value(0, "d₃")]

y = [sg.Value(p, f"y{k}") for p, k in zip(probabilities, "₁₂₃", strict=True)]
with sg.scope("squared error"):
    regression = sg.sum((y_k - d_k) ** 2 for y_k, d_k in zip(y, d, strict=True)) / 2

a = [sg.Value(math.log(p), f"a{k}") for p, k in zip(probabilities, "₁₂₃", strict=True)]
with sg.scope("Softmax with Loss"):
    classification = sg.cross_entropy(a, d)

for index, (E, outputs) in enumerate([(regression, y), (classification, a)], 1):
    E.label = "E"
    E.backward()
    print(f"E = {E.data:.4f}, y - d =", *(f"{value.grad:.2f}" for value in outputs))
    sg.draw(E, fold=True, constants=d).save(f"two_layer_deltas_{index}.svg")
