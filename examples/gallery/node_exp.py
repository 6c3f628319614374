"""The node exp: its derivative is its own output.
「exp」ノード y = exp(x)。微分は出力 y そのもの。

Source: Saito, Deep Learning from Scratch, section 5.5.2, step 3.
"""

import scalargrad as sg

x = sg.Value(2, "x")
y = sg.exp(x)
y.label = "y"
y.backward()

print(f"y = {y.data:.6g}, dy/dx = {x.grad:.6g}")

sg.draw(y, symbols="both").save("node_exp.svg")
