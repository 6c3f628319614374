"""The same purchase with the number of apples and the tax as variables of their own.
同じ買い物を、「リンゴの個数」と「消費税」も変数として円の外に書いた計算グラフ。

Source: Saito, Deep Learning from Scratch, figure 5-2.
"""

import scalargrad as sg

apple, apples, tax = sg.values(apple=100, apples=2, tax=1.1)

total = apple * apples
price = total * tax
price.label = "price"

print(f"{apple.data:g} -> {total.data:g} -> {price.data:g}")

sg.draw(price).save("fig_5_02.svg")
