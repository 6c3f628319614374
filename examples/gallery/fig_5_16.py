"""buy_apple.py: the purchase with two layers that multiply, forward and backward by hand.
buy_apple.py：MulLayer を2つ使い、順伝播と逆伝播を自分で呼び出す。

Source: Saito, Deep Learning from Scratch, section 5.4.1 and figure 5-16.
"""

import scalargrad as sg
from scalargrad.nn.book import MulLayer

apple, apple_num, tax = sg.values(apple=100, apple_num=2, tax=1.1)
mul_apple_layer, mul_tax_layer = MulLayer(), MulLayer()

apple_price = mul_apple_layer.forward(apple, apple_num)
price = mul_tax_layer.forward(apple_price, tax)

dapple_price, dtax = mul_tax_layer.backward(1)
dapple, dapple_num = mul_apple_layer.backward(dapple_price)

print(f"price: {int(price.data)}, that is int({price.data})")
print(f"dApple: {dapple}")
print(f"dApple_num: {int(dapple_num)}, that is int({dapple_num})")
print(f"dTax: {dtax:g}")

price.label = "price"
price.backward()  # the same in one go
sg.draw(price).save("fig_5_16.svg")
