"""Broadcasting in Y = X + b: b is used in every row, so ∂L/∂b is the sum of the rows of ∂L/∂Y.
Y = X + b のブロードキャスト。b はすべての行で使われるので、∂L/∂b は ∂L/∂Y の列ごとの和になる。

Source: the Qiita article on backpropagation with matrices.
"""

import scalargrad as sg

X = [[sg.Value(x) for x in row] for row in ((1, 2), (3, 4), (5, 6))]
b = [sg.Value(10), sg.Value(20)]
upstream = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]

with sg.scope("+"):
    Y = [[x + b_j for x, b_j in zip(row, b, strict=True)] for row in X]
for j in (0, 1):  # the derivative of y_ij by b_k is 1 where j is k, else 0
    sg.zero_grad(b)
    Y[0][j].backward()
    print(f"dy_1{j + 1}/db =", *(f"{b_k.grad:g}" for b_k in b))
with sg.scope("next layers"):  # made so that ∂L/∂Y is `upstream`
    L = sg.sum(Y[i][j] * upstream[i][j] for i in range(3) for j in range(2))
L.label = "L"
sg.zero_grad(b)
L.backward()

print("dL/db =", *(f"{b_j.grad:g}" for b_j in b))

sg.draw(L, fold=True, names={"X (N, D)": X, "b (D,)": b, "Y (N, D)": Y}).save(
    "matrices_broadcast.svg"
)
