"""Two apples at 100 yen, and a tax of 10 %: what does the price depend on, and how much?

Saito, Deep Learning from Scratch, figures 5-2 and 5-14.
"""

import scalargrad as sg

apple, count, tax = sg.values(apple=100, count=2, tax=1.1)

total = apple * count
price = total * tax
total.label, price.label = "total", "price"

price.backward()

print(f"price {price.data:g}")
print(f"one yen more for an apple: {apple.grad:g}")
print(f"one apple more: {count.grad:g}")
print(f"a tax of 100 % more: {tax.grad:g}")

sg.draw(price).save("two_apples.svg")
