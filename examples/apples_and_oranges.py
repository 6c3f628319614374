"""Two apples at 100 yen and three oranges at 150 yen, and a tax of 10 %.

Saito, Deep Learning from Scratch, figures 5-3, 5-15 and 5-17.
"""

import scalargrad as sg

apple, apples, orange, oranges, tax = leaves = sg.values(
    apple=100, apples=2, orange=150, oranges=3, tax=1.1
)

price = (apple * apples + orange * oranges) * tax
price.label = "price"

price.backward()

print(f"price {price.data:g}")
for leaf in leaves:
    print(f"d price / d {leaf.label} = {leaf.grad:g}")

sg.draw(price).save("apples_and_oranges.svg")
