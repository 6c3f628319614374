"""The chain rule on z = (x + y)²: every node appends its own derivative.
z = (x + y)² の連鎖律。逆伝播は各ノードで局所的な微分を掛け合わせていく。

Source: Saito, Deep Learning from Scratch, figure 5-7.
"""

import scalargrad as sg

x, y = sg.values(x=1, y=2)

t = x + y
z = t**2
t.label, z.label = "t", "z"
z.backward()

print(f"dz/dx = dz/dz * dz/dt * dt/dx = 1 * {2 * t.data:g} * 1 = {x.grad:g}")

sg.draw(z, symbols="chain", loss="z").save("fig_5_07.svg")
