"""buy_apple_orange.py: apples and oranges with four layers, forward and backward by hand.
buy_apple_orange.py：リンゴとミカンの買い物を4つのレイヤで実装する。

Source: Saito, Deep Learning from Scratch, section 5.4.2 and figure 5-17.
"""

import scalargrad as sg
from scalargrad.nn.book import AddLayer, MulLayer

apple_num, apple, orange, orange_num, tax = sg.values(
    apple_num=2, apple=100, orange=150, orange_num=3, tax=1.1
)
mul_apple_layer, mul_orange_layer, mul_tax_layer = MulLayer(), MulLayer(), MulLayer()
add_apple_orange_layer = AddLayer()

apple_price = mul_apple_layer.forward(apple_num, apple)
orange_price = mul_orange_layer.forward(orange, orange_num)
all_price = add_apple_orange_layer.forward(apple_price, orange_price)
price = mul_tax_layer.forward(all_price, tax)

dall_price, dtax = mul_tax_layer.backward(1)
dapple_price, dorange_price = add_apple_orange_layer.backward(dall_price)
dorange, dorange_num = mul_orange_layer.backward(dorange_price)
dapple_num, dapple = mul_apple_layer.backward(dapple_price)

print(f"price: {int(price.data)}, that is int({price.data})")
print(f"dApple: {dapple}")
print(f"dApple_num: {int(dapple_num)}, that is int({dapple_num})")
print(f"dOrange: {dorange}")
print(f"dOrange_num: {int(dorange_num)}, that is int({dorange_num})")
print(f"dTax: {dtax:g}")

price.label = "price"
price.backward()  # the same in one go
sg.draw(price).save("fig_5_17.svg")
