"""The node for the square, z = t²: its derivative is 2t.
2乗のノード z = t²。微分は 2t。

Source: Saito, Deep Learning from Scratch, section 5.2.2.
"""

import scalargrad as sg

t = sg.Value(3, "t")
z = t**2
z.label = "z"
z.backward()

print(f"z = {z.data:g}, dz/dt = {t.grad:g}")

sg.draw(z, symbols="both").save("node_square.svg")
