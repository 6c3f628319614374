"""Two apples at 100 yen and a tax of 10 %: the number and the tax belong to the operators.
1個100円のリンゴを2個買い、消費税10%を払う。個数と税率は「×」に付いた定数とみなす。

Source: Saito, Deep Learning from Scratch, figure 5-1.
"""

import scalargrad as sg

apple = sg.Value(100, "apple")

total = apple * 2
price = total * 1.1
price.label = "price"

print(f"{apple.data:g} -> {total.data:g} -> {price.data:g}")

sg.draw(price).save("fig_5_01.svg")
