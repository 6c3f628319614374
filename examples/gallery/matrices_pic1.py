"""From X and W to L by way of Y = f(X, W) and Z = g(Y): the gradient goes back the same way.
X と W から Y = f(X, W)、Z = g(Y) を経て L に至る計算。勾配は同じ道を逆にたどる。

Source: the Qiita article on backpropagation with matrices, first picture.
"""

import scalargrad as sg

X = [[sg.Value(x) for x in row] for row in ((1, 2), (3, 4))]
W = [[sg.Value(w) for w in row] for row in ((0.5, -2), (0.25, 1))]

with sg.scope("f"):  # the product of the matrices
    Y = [[sg.dot(row, column) for column in zip(*W, strict=True)] for row in X]
with sg.scope("g"):  # the square of every element
    Z = [[y**2 for y in row] for row in Y]
L = sg.sum(z for row in Z for z in row)
L.label = "L"
L.backward()

print("Y =", [[y.data for y in row] for row in Y])
print("dL/dW =", [[w.grad for w in row] for row in W])
print("dL/dX =", [[x.grad for x in row] for row in X])

sg.draw(L, fold=["f", "g"], names={"X": X, "W": W, "Y": Y, "Z": Z}).save("matrices_pic1.svg")
