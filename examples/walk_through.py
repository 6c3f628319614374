"""A page that goes through figure 5-17 of the book step by step, with sliders and a quiz."""

import scalargrad as sg

apple, apples, orange, oranges, tax = sg.values(apple=100, apples=2, orange=150, oranges=3, tax=1.1)
price = (apple * apples + orange * oranges) * tax
price.label = "price"

walk = sg.walkthrough(price, title="Two apples and three oranges")
walk.save("walk_through.html")
print(f"walk_through.html: {walk.steps} steps")
