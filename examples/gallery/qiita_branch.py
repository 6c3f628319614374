"""The branch node copies a value; backward, what comes back along the branches is added up.
分岐ノード。順伝播では値をコピーし、逆伝播では戻ってきた値を足し合わせる。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg

x = sg.Value(3, "x")
z = 4 * x + x**2
z.label = "z"
z.backward()

print(f"z = {z.data:g}; back go 4 + 6 = {x.grad:g}")

sg.draw(z, branches=True).save("qiita_branch.svg")
