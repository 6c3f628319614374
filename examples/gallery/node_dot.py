"""The dot node is made of × and +, so its derivatives are the other vector.
「dot」ノードは「×」と「+」からできている。だから微分は相手のベクトルになる。

Source: Saito, Deep Learning from Scratch, section 5.6.1.
"""

import scalargrad as sg

x1, x2, w1, w2 = sg.values(x1=1, x2=2, w1=3, w2=4)
s = sg.dot([x1, x2], [w1, w2])
s.label = "s"
s.backward()

print(f"s = {s.data:g}, ds/dx = {x1.grad:g} {x2.grad:g}, ds/dw = {w1.grad:g} {w2.grad:g}")

sg.draw(s, symbols=True).save("node_dot_1.svg")
sg.draw(s, symbols=True, open="dot").save("node_dot_2.svg")
