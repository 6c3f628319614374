"""Element by element: the product of two matrices, a sum, and a function of each element.
行列の要素ごとの積と和、そして要素ごとの関数。逆伝播も要素ごとに進む。

Source: the Qiita article on backpropagation with matrices.
"""

import scalargrad as sg

X = [[sg.Value(x) for x in row] for row in ((1, 2), (3, 4))]
Y = [[sg.Value(y) for y in row] for row in ((5, 6), (7, 8))]
B = [[sg.Value(b) for b in row] for row in ((0, 4), (4, 0))]
i, j = range(2), range(2)

with sg.scope("×"):
    P = [[X[k][m] * Y[k][m] for m in j] for k in i]
with sg.scope("+"):
    S = [[P[k][m] + B[k][m] for m in j] for k in i]
with sg.scope("log"):
    Z = [[sg.log(S[k][m]) for m in j] for k in i]
L = sg.sum(Z[k][m] for k in i for m in j)
L.label = "L"
L.backward()

print("s =", [[s.data for s in row] for row in S])
for name, matrix in {"s": S, "b": B, "x": X, "y": Y}.items():
    print(f"dL/d{name} =", *(f"{value.grad:.4f}" for row in matrix for value in row))

names = {"X": X, "Y": Y, "B": B, "X×Y": P, "S": S, "Z": Z}
sg.draw(L, fold=["×", "+", "log"], names=names).save("matrices_elements.svg")
