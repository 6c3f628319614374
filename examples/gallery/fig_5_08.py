"""The same with the derivatives written out: ∂z/∂t = 2t and ∂t/∂x = 1, so ∂z/∂x = 2(x + y).
同じ図に微分の結果を書き込む。∂z/∂t = 2t、∂t/∂x = 1 だから ∂z/∂x = 2(x + y)。

Source: Saito, Deep Learning from Scratch, figure 5-8.
"""

import scalargrad as sg

x, y = sg.values(x=1, y=2)

t = x + y
z = t**2
t.label, z.label = "t", "z"
z.backward()

print(f"dz/dt = 2t = {t.grad:g}, dt/dx = 1, dz/dx = 2(x + y) = {x.grad:g}")

sg.draw(z, symbols=True, loss="z").save("fig_5_08_1.svg")
t.label = ""  # without a name it is x + y
sg.draw(z, symbols=True, loss="z").save("fig_5_08_2.svg")
