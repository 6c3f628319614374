"""The multiply node multiplies what comes from the right by the other operand.
乗算ノードの逆伝播。順伝播の入力を「ひっくり返した値」を上流の値に掛ける。

Source: Saito, Deep Learning from Scratch, figure 5-12.
"""

import scalargrad as sg

x, y = sg.values(x=10, y=5)

z = x * y
z.label = "z"
z.backward()

print(f"dz/dx = y = {x.grad:g}, dz/dy = x = {y.grad:g}")

sg.draw(z, symbols=True).save("fig_5_12.svg")
