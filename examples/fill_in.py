"""An exercise: find the gradients of a purchase, as figure 5-15 of the book asks."""

import scalargrad as sg

apple, apples, orange, oranges, tax = sg.values(apple=100, apples=2, orange=150, oranges=3, tax=1.1)
price = (apple * apples + orange * oranges) * tax
price.label = "price"
price.backward()

blank = sg.draw(price, exercise="backward")
blank.save("fill_in.svg")  # for the learner: empty boxes with numbers

print(blank.answer_sheet)  # for the teacher
print(sg.check_answers(price, [1.1, 650, 1.1, 1.1, 2.2, 100, 3.3, 165]))  # somebody's answers
