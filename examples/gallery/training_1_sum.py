"""The smallest graph: p = x + y.
もっとも小さな計算グラフ p = x + y。

Source: the tutorial on computational graphs.
"""

import scalargrad as sg

x, y = sg.values(x=1, y=3)
p = x + y
p.label = "p"
p.backward()

print(f"p = {p.data:g}, dp/dx = {x.grad:g}, dp/dy = {y.grad:g}")

sg.draw(p, symbols=True, loss="p").save("training_1_sum.svg")
