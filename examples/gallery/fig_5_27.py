"""The Affine layer for a batch: N rows share W and B, so B gets the sum over the rows.
バッチ版の Affine レイヤ。N 個のデータが同じ W と B を使うので、∂L/∂B は列ごとの和になる。

Source: Saito, Deep Learning from Scratch, figure 5-27.
"""

import scalargrad as sg

X = [[sg.Value(x) for x in row] for row in ((1, 2), (3, 4))]
W = [[sg.Value(w) for w in row] for row in ((1, 3, 5), (2, 4, 6))]
B = [sg.Value(b) for b in (1, 2, 3)]
upstream = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

with sg.scope("dot"):
    XW = [[sg.dot(x, column) for column in zip(*W, strict=True)] for x in X]
with sg.scope("+"):
    Y = [[s + b for s, b in zip(row, B, strict=True)] for row in XW]
with sg.scope("next layers"):  # made so that ∂L/∂Y is `upstream`
    L = sg.sum(Y[n][j] * upstream[n][j] for n in range(2) for j in range(3))
L.label = "L"
L.backward()

print("dB =", [b.grad for b in B], "= the sum of the rows of dY")
print("dW =", [[w.grad for w in row] for row in W])
print("dX =", [[x.grad for x in row] for row in X])

names = {"X (N, 2)": X, "W (2, 3)": W, "B (3,)": B, "X·W (N, 3)": XW, "Y (N, 3)": Y}
sg.draw(L, fold=True, names=names).save("fig_5_27.svg")
