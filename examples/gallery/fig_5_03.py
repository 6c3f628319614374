"""Two apples and three oranges with a tax of 10 %: 715 yen.
リンゴ2個とミカン3個を買い、消費税10%を払うと715円になる。

Source: Saito, Deep Learning from Scratch, figure 5-3.
"""

import scalargrad as sg

apple, apples, orange, oranges, tax = sg.values(apple=100, apples=2, orange=150, oranges=3, tax=1.1)

price_of_apples = apple * apples
price_of_oranges = orange * oranges
total = price_of_apples + price_of_oranges
price = total * tax
price.label = "price"

for value in (price_of_apples, price_of_oranges, total, price):
    print(f"{value.data:g}")

sg.draw(price).save("fig_5_03.svg")
