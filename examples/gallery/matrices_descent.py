"""Gradient descent: each W becomes W − α·∂L/∂W, and L gets smaller.
勾配降下法。W を W − α·∂L/∂W に更新すると、L は小さくなる。

Source: the Qiita article on backpropagation with matrices.
"""

import scalargrad as sg

x, targets, alpha = (1, 2), (1, -1), 0.1
W = [[sg.Value(0.5, "w₁₁"), sg.Value(-0.5, "w₁₂")], [sg.Value(0.2, "w₂₁"), sg.Value(0.3, "w₂₂")]]

for step, title in enumerate(("before the update", "after the update"), 1):
    y = [sg.dot(x, column) for column in zip(*W, strict=True)]
    with sg.scope("mean squared error"):
        L = sg.mse(y, targets)
    L.label = "L"
    sg.zero_grad(W[0] + W[1])
    L.backward()
    print(f"L = {L.data:.4f}, W =", *(f"{w.data:.2f}" for row in W for w in row))
    drawing = sg.draw(L, title=title, fold="mean squared error", names={"targets": targets})
    drawing.save(f"matrices_descent_{step}.svg")
    for w in W[0] + W[1]:
        w.data -= alpha * w.grad
