"""The mask of the Relu layer: where x ≦ 0 nothing comes back.
Relu レイヤの mask。x ≦ 0 の要素が True になり、そこでは勾配が 0 になる。

Source: Saito, Deep Learning from Scratch, section 5.5.1.
"""

import scalargrad as sg
from scalargrad.nn.book import Relu

x = [[sg.Value(1.0, "x₁₁"), sg.Value(-0.5, "x₁₂")], [sg.Value(-2.0, "x₂₁"), sg.Value(3.0, "x₂₂")]]

layer = Relu()
out = layer.forward(x)

print("mask =", layer.mask)
print("out =", [[y.data for y in row] for row in out])
print("dx =", layer.backward([[1, 1], [1, 1]]))

total = sg.sum(y for row in out for y in row)
total.label = "sum"
total.backward()
sg.draw(total).save("program_relu.svg")
