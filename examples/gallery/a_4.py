"""Cross entropy forward: logarithms, times t, their sum, times −1.
Cross Entropy Error レイヤの順伝播。log をとって教師ラベルを掛け、総和に −1 を掛ける。

Source: Saito, Deep Learning from Scratch, figure A-4.
"""

import scalargrad as sg

y = [sg.Value(0.3, "y₁"), sg.Value(0.2, "y₂"), sg.Value(0.5, "y₃")]
t = [sg.Value(0, "t₁"), sg.Value(1, "t₂"), sg.Value(0, "t₃")]

L = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
L.label = "L"

print(f"L = {L.data:.4f} = -log(0.2)")

sg.draw(L, symbols=True).save("a_4.svg")
