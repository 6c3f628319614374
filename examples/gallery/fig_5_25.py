"""The Affine layer backward: ∂L/∂X = ∂L/∂Y·Wᵀ and ∂L/∂W = Xᵀ·∂L/∂Y, in the shapes of X and W.
Affine レイヤの逆伝播。∂L/∂X = ∂L/∂Y·Wᵀ、∂L/∂W = Xᵀ·∂L/∂Y で、形状は元の行列と一致する。

Source: Saito, Deep Learning from Scratch, figure 5-25.
"""

import scalargrad as sg

X = [sg.Value(1), sg.Value(2)]
W = [[sg.Value(w) for w in row] for row in ((1, 3, 5), (2, 4, 6))]
B = [sg.Value(b) for b in (1, 2, 3)]
upstream = [1.0, 0.5, -1.0]

with sg.scope("dot"):
    XW = [sg.dot(X, column) for column in zip(*W, strict=True)]
with sg.scope("+"):
    Y = [s + b for s, b in zip(XW, B, strict=True)]
with sg.scope("next layers"):  # made so that ∂L/∂Y is `upstream`
    L = sg.sum(y * d for y, d in zip(Y, upstream, strict=True))
L.label = "L"
L.backward()

transposed = [list(column) for column in zip(*W, strict=True)]
print(f"W ({len(W)}, {len(W[0])}), W^T ({len(transposed)}, {len(transposed[0])})")
print("dX =", [x.grad for x in X], "= dY·W^T =", [sg.dot(upstream, row).data for row in W])
print("dW =", [[w.grad for w in row] for row in W])
print("X^T·dY =", [[x.data * d for d in upstream] for x in X])
print("dB =", [b.grad for b in B], "= dY")

names = {"X": X, "W": W, "B": B, "X·W": XW, "Y": Y}
sg.draw(L, fold=True, names=names).save("fig_5_25.svg")
