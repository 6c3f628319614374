"""g = (x + y)·z at x = 1, y = 3, z = −3, forward and backward.
g = (x + y)·z の計算グラフ。x = 1、y = 3、z = −3 での順伝播と逆伝播。

Source: the tutorial on computational graphs.
"""

import scalargrad as sg

x, y, z = sg.values(x=1, y=3, z=-3)
p = x + y
g = p * z
p.label, g.label = "p", "g"
g.backward()

print(f"p = {p.data:g}, g = {g.data:g}, dg/dg = {g.grad:g}")
for value in (p, x, y, z):
    print(f"dg/d{value.label} = {value.grad:g}")

sg.draw(g).save("training_2_product_1.svg")
sg.draw(g, symbols=True, loss="g").save("training_2_product_2.svg")
