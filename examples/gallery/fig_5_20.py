"""The sigmoid backward in four steps: /, +, exp, ×.
シグモイド関数の逆伝播を4つのステップで求める。右から順に「/」「+」「exp」「×」。

Source: Saito, Deep Learning from Scratch, section 5.5.2 and figure 5-20.
"""

import math

import scalargrad as sg

x = sg.Value(0.5, "x")

minus_x = x * -1
power = sg.exp(minus_x)
below = 1 + power
y = 1 / below
y.label = "y"
y.backward()

print(f"/: -y^2 = {below.grad:.6f}")
print(f"+: the same, {power.grad:.6f}")
print(f"exp: times exp(-x), {minus_x.grad:.6f}")
print(f"×: times -1, {x.grad:.6f} = y^2 exp(-x) = {y.data**2 * math.exp(-0.5):.6f}")

waiting = [power, minus_x, x]
for step, node in enumerate(("/", "+", "exp", "×"), 1):
    title = f"Step {step}: the node {node}"
    drawing = sg.draw(y, symbols=True, constants=waiting[step - 1 :], title=title)
    drawing.save(f"fig_5_20_{step}.svg")
