"""Apples and many other purchases: + adds two numbers, wherever they come from.
リンゴとその他の多くの買い物。「+」ノードは届いた2つの数を足すだけでよい（局所的な計算）。

Source: Saito, Deep Learning from Scratch, figure 5-4.
"""

import scalargrad as sg

apple, apples, tax = sg.values(apple=100, apples=2, tax=1.1)
prices = [sg.Value(price) for price in (100, 200, 300, 400)]
numbers = [sg.Value(4) for _ in prices]

with sg.scope("many other purchases"):
    others = sg.dot(prices, numbers)
total = apple * apples + others
price = total * tax
price.label = "price"

print(f"200 + {others.data:g} = {total.data:g}, with tax {price.data:g}")

drawing = sg.draw(price, fold="many other purchases", names={"prices": prices, "numbers": numbers})
drawing.save("fig_5_04.svg")
