"""The four steps of training: forward to the cost c, backward, W = W − rate·∂c/∂W, and again.
学習の4つのステップ：コスト c までの順伝播、逆伝播、パラメータの更新、そして繰り返し。

Source: the tutorial on computational graphs.
"""

import scalargrad as sg

x, d, W, b = sg.values(x=2, d=1, W=-0.5, b=0.5)  # W·x + b shall become d
rate = 0.05

for step in range(1, 100):
    sg.zero_grad([W, b])
    c = (W * x + b - d) ** 2
    c.label = "c"
    print(f"step {step}: c = {c.data:.4f}, W = {W.data:.4f}, b = {b.data:.4f}")
    if c.data < 0.001:
        break
    if step == 1:
        sg.draw(c, title="1. forward to the cost").save("training_3_steps_1.svg")
    c.backward()
    if step == 1:
        title = "2. backward to the parameters"
        sg.draw(c, constants=[x, d], title=title).save("training_3_steps_2.svg")
    for parameter in (W, b):
        parameter.data -= rate * parameter.grad

title = "3. updated, and 4. again, until the cost is small"
sg.draw(c, title=title, digits=3).save("training_3_steps_3.svg")
