"""The four nodes as one: only what goes in and what comes out matters.
4つのノードを1つの「sigmoid」ノードにまとめる。途中の値を気にせず入出力だけに集中できる。

Source: Saito, Deep Learning from Scratch, figure 5-21.
"""

import scalargrad as sg

x = sg.Value(0.5, "x")

with sg.scope("sigmoid"):
    y = 1 / (1 + sg.exp(x * -1))
y.label = "y"
y.backward()

print(f"dy/dx = y^2 exp(-x) = {x.grad:.6f}")

sg.draw(y, symbols=True, fold="sigmoid").save("fig_5_21.svg")
