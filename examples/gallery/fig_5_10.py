"""An add node in the middle of a large calculation that ends in L.
大きな計算の途中にある加算ノード。上流から ∂L/∂z が伝わってくる。

Source: Saito, Deep Learning from Scratch, figure 5-10.
"""

import scalargrad as sg

x, y = sg.values(x=0.5, y=0.25)

z = x + y
z.label = "z"
with sg.scope("a large calculation"):
    L = z
    for _ in range(1000):
        L = sg.sin(L)
L.label = "L"
L.backward()

print(f"dL/dz = {z.grad:.3e} = dL/dx = {x.grad:.3e} = dL/dy = {y.grad:.3e}")

sg.draw(L, symbols=True, fold="a large calculation").save("fig_5_10.svg")
