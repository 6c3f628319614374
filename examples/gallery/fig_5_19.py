"""The sigmoid in steps, forward: times −1, exp, plus 1, and 1 over that.
シグモイド関数の計算グラフ（順伝播）。「×」「exp」「+」「/」の4つのノードからなる。

Source: Saito, Deep Learning from Scratch, figure 5-19.
"""

import scalargrad as sg

x = sg.Value(0.5, "x")

y = 1 / (1 + sg.exp(x * -1))
y.label = "y"

print(f"y = {y.data:.6f}, as sigmoid(0.5) = {sg.sigmoid(0.5):.6f}")

sg.draw(y, symbols=True).save("fig_5_19.svg")
