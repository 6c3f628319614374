"""Backpropagation through time: three times share u and w, so each gradient is a sum of three.
通時的逆伝播（BPTT）。3つの時刻が重み u と w を共有するので、勾配は3つの和になる。

Source: the tutorial on computational graphs.
"""

import scalargrad as sg

u, w, h = sg.Value(0.8, "u"), sg.Value(0.5, "w"), sg.Value(0, "h₀")
x = [sg.Value(1, "x₁"), sg.Value(-1, "x₂"), sg.Value(2, "x₃")]
data = [h, *x]

for time, x_t in enumerate(x, 1):
    with sg.scope(f"time {time}"):
        h = sg.tanh(u * h + w * x_t)
    h.label = "h" + "₀₁₂₃"[time]
with sg.scope("squared error"):
    L = (h - 1) ** 2
L.label = "L"
L.backward()

print(f"L = {L.data:.6f}, dL/du = {u.grad:.6f}, dL/dw = {w.grad:.6f}")

sg.draw(L, fold=True, constants=data, digits=4).save("through_time_1.svg")
sg.draw(L, fold="squared error", constants=data, digits=4).save("through_time_2.svg")
