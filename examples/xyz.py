"""g = (x + y) · z: the smallest graph in which gradients are added to and multiplied."""

import scalargrad as sg

x, y, z = sg.values(x=1, y=3, z=-3)

g = (x + y) * z
g.label = "g"

g.backward()

print(f"g = {g.data:g}")
for value in (x, y, z):
    print(f"dg/d{value.label} = {value.grad:g}")

sg.draw(g).save("xyz.svg")
