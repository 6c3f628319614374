"""Two apples again: what the price depends on, and how much.
リンゴの買い物の逆伝播。リンゴの値段、個数、消費税それぞれについての支払金額の微分。

Source: Saito, Deep Learning from Scratch, figure 5-14.
"""

import scalargrad as sg

apple, apples, tax = sg.values(apple=100, apples=2, tax=1.1)

price = apple * apples * tax
price.label = "price"
price.backward()

print(f"price {price.data:g}")
print(f"d price / d apple = {apple.grad:g}: one yen more for an apple, {apple.grad:g} yen to pay")
print(f"d price / d apples = {apples.grad:g}")
print(f"d price / d tax = {tax.grad:g}: a tax of 100 % more, {tax.grad:g} yen to pay")

sg.draw(price).save("fig_5_14.svg")
