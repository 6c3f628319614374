"""Broadcasting copies a row to N rows; backward, the N rows are added up.
ブロードキャストノード。順伝播では行を N 行にコピーし、逆伝播では N 行を足し合わせる。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg

b = [sg.Value(1, "b₁"), sg.Value(2, "b₂")]
E = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]  # what comes back to the N = 3 copies

L = sg.sum(b[d] * E[n][d] for n in range(3) for d in range(2))
L.backward()

print("b is added up by columns:", [value.grad for value in b])

column = sg.sum(b[0] * E[n][0] for n in range(3))
column.label = "L"
column.backward()
sg.draw(column, branches=True).save("qiita_broadcast.svg")
