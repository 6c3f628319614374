"""Cross entropy backward: −t/y comes out.
Cross Entropy Error レイヤの逆伝播。上流の 1 から始まり、−t/y が得られる。

Source: Saito, Deep Learning from Scratch, figure A-5.
"""

import scalargrad as sg

y = [sg.Value(0.3, "y₁"), sg.Value(0.2, "y₂"), sg.Value(0.5, "y₃")]
t = [sg.Value(0, "t₁"), sg.Value(1, "t₂"), sg.Value(0, "t₃")]

L = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
L.label = "L"
L.backward()

print("-t/y =", *(f"{p.grad:g}" for p in y))

sg.draw(L, symbols=True, constants=t).save("a_5.svg")
