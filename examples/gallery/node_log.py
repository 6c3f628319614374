"""The node log: its derivative is 1/x.
「log」ノード y = log x。微分は 1/x。

Source: Saito, Deep Learning from Scratch, appendix A.2.
"""

import scalargrad as sg

x = sg.Value(0.2, "x")
y = sg.log(x)
y.label = "y"
y.backward()

print(f"y = {y.data:.6g}, dy/dx = {x.grad:g}")

sg.draw(y, symbols="both").save("node_log.svg")
