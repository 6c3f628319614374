"""X branches to Y and to Z: the two ways back are added up.
X が Y と Z に分岐する場合。逆伝播では2つの道から来た勾配を足し合わせる。

Source: the Qiita article on backpropagation with matrices, third picture.
"""

import scalargrad as sg

x = sg.Value(2, "x")
y, z = x * 3, x**2
y.label, z.label = "y", "z"
L = y * z
L.label = "L"
L.backward()

print(f"dL/dx = dL/dy dy/dx + dL/dz dz/dx = 4*3 + 6*4 = {x.grad:g}")

sg.draw(L, symbols="chain").save("matrices_pic3_1.svg")
sg.draw(L).save("matrices_pic3_2.svg")
