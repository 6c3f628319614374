"""The sigmoid node: its derivative needs nothing but its output, y(1 − y).
「sigmoid」ノードの逆伝播は、順伝播の出力 y だけから y(1 − y) と計算できる。

Source: Saito, Deep Learning from Scratch, figure 5-22.
"""

import scalargrad as sg

x = sg.Value(0.5, "x")

y = sg.sigmoid(x)
y.label = "y"
y.backward()

print(f"dy/dx = y(1 - y) = {y.data * (1 - y.data):.6f} = {x.grad:.6f}")

sg.draw(y, symbols=True).save("fig_5_22_1.svg")
sg.draw(y, symbols=True, open="sigmoid").save("fig_5_22_2.svg")  # both levels at once
