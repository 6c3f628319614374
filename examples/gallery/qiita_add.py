"""The add node: E goes back unchanged to both operands.
加算ノード z = x + y。E をそのまま両方の入力へ返す。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg

x, y = sg.values(x=2, y=3)
z = x + y
z.label = "z"
E = 0.5
z.backward(E)

print(f"z = {z.data:g}; {x.grad:g} and {y.grad:g} go back")

sg.draw(z, symbols="both").save("qiita_add.svg")
