"""The Affine layer, Y = X·W + B, as a graph in which matrices flow.
Affine レイヤの計算グラフ。スカラではなく行列が流れ、X·W + B を計算する。

Source: Saito, Deep Learning from Scratch, figure 5-24.
"""

import scalargrad as sg

X = [sg.Value(1), sg.Value(2)]
W = [[sg.Value(w) for w in row] for row in ((1, 3, 5), (2, 4, 6))]
B = [sg.Value(b) for b in (1, 2, 3)]

with sg.scope("dot"):
    XW = [sg.dot(X, column) for column in zip(*W, strict=True)]
with sg.scope("+"):
    Y = [s + b for s, b in zip(XW, B, strict=True)]
with sg.scope("next layers"):
    L = sg.sum(y**2 for y in Y)
L.label = "L"

print("X·W =", [value.data for value in XW], " Y =", [value.data for value in Y])

names = {"X": X, "W": W, "B": B, "X·W": XW, "Y": Y}
sg.draw(L, fold=True, names=names).save("fig_5_24.svg")
