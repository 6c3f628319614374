"""The multiply node: E times the other operand goes back.
乗算ノード z = x × y。E に相手側の入力を掛けて返す。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg

x, y = sg.values(x=2, y=3)
z = x * y
z.label = "z"
E = 0.5
z.backward(E)

print(f"z = {z.data:g}; E y = {x.grad:g} and E x = {y.grad:g} go back")

sg.draw(z, symbols="both").save("qiita_multiply.svg")
