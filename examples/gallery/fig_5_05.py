"""The derivative of the price, passed on from right to left: 1, 1.1, 2.2.
逆伝播によって微分を右から左へ伝える。リンゴが1円値上がりすると支払金額は2.2円増える。

Source: Saito, Deep Learning from Scratch, figure 5-5.
"""

import scalargrad as sg

apple, apples, tax = sg.values(apple=100, apples=2, tax=1.1)

price = apple * apples * tax
price.label = "price"
price.backward()

print(f"one yen more for an apple: {apple.grad:g} yen more to pay")

sg.draw(price, constants=[apples, tax]).save("fig_5_05.svg")
