"""The total derivative: ∂L/∂y is a sum over all z, and each of its terms is an arrow.
全微分。∂L/∂y はすべての z についての和になり、和の各項がグラフの1本の矢印にあたる。

Source: the Qiita article on backpropagation with matrices, second picture.
"""

import scalargrad as sg

y1, y2 = sg.Value(1, "y₁"), sg.Value(2, "y₂")
z1, z2 = y1 * y2, y1 + y2
z1.label, z2.label = "z₁", "z₂"
L = z1 * z2
L.label = "L"
L.backward()

print(f"dL/dy1 = dL/dz1 dz1/dy1 + dL/dz2 dz2/dy1 = 3*2 + 2*1 = {y1.grad:g}")
print(f"dL/dy2 = dL/dz1 dz1/dy2 + dL/dz2 dz2/dy2 = 3*1 + 2*1 = {y2.grad:g}")

sg.draw(L, symbols="chain").save("matrices_pic2_1.svg")
sg.draw(L).save("matrices_pic2_2.svg")
