"""An add node in numbers: 10 + 5 = 15, and 1.3 goes back to both.
加算ノードの具体例。10 + 5 = 15 に対して、上流の 1.3 がそのまま両方へ流れる。

Source: Saito, Deep Learning from Scratch, figure 5-11.
"""

import scalargrad as sg

x, y = sg.values(x=10, y=5)

z = x + y
z.label = "z"
z.backward(1.3)

print(f"{x.data:g} + {y.data:g} = {z.data:g}; backward {x.grad:g} and {y.grad:g}")

sg.draw(z).save("fig_5_11.svg")
