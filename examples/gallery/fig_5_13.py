"""A multiply node in numbers: 10 · 5 = 50, and 1.3 comes back as 6.5 and 13.
乗算ノードの具体例。10 × 5 = 50 に対して、上流の 1.3 は 6.5 と 13 になって下流へ流れる。

Source: Saito, Deep Learning from Scratch, figure 5-13.
"""

import scalargrad as sg

x, y = sg.values(x=10, y=5)

z = x * y
z.label = "z"
z.backward(1.3)

print(f"{x.data:g} * {y.data:g} = {z.data:g}; backward {x.grad:g} and {y.grad:g}")

sg.draw(z).save("fig_5_13.svg")
