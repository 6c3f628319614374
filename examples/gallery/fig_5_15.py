"""An exercise: fill in the empty boxes of the backward pass; below, the answers.
練習問題：逆伝播の値を四角の中に書き入れよう。下は解答。

Source: Saito, Deep Learning from Scratch, figure 5-15.
"""

import scalargrad as sg

apples, apple, orange, oranges, tax = sg.values(apples=2, apple=100, orange=150, oranges=3, tax=1.1)

price = (apples * apple + orange * oranges) * tax
price.label = "price"
price.backward()

blank = sg.draw(price, exercise="backward")
blank.save("fig_5_15_1.svg")
sg.draw(price).save("fig_5_15_2.svg")

print(blank.answer_sheet, end="")
