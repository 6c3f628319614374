"""The add node passes on unchanged what comes from the right.
加算ノードの逆伝播。上流から来た値を1倍して、そのまま下流へ流す。

Source: Saito, Deep Learning from Scratch, figure 5-9.
"""

import scalargrad as sg

x, y = sg.values(x=10, y=5)

z = x + y
z.label = "z"
z.backward()

print(f"dz/dx = {x.grad:g}, dz/dy = {y.grad:g}")

sg.draw(z, symbols=True).save("fig_5_09.svg")
