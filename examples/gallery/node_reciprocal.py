"""The node / for y = 1/x: its derivative is −1/x² = −y².
「/」ノード y = 1/x。微分は −1/x² = −y² と、出力だけで表せる。

Source: Saito, Deep Learning from Scratch, section 5.5.2, step 1.
"""

import scalargrad as sg

x = sg.Value(4, "x")
y = 1 / x
y.label = "y"
y.backward()

print(f"y = {y.data:g}, dy/dx = {x.grad:g} = -y^2 = {-(y.data**2):g}")

sg.draw(y, symbols="both").save("node_reciprocal.svg")
