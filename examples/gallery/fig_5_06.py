"""Backward through y = f(x): what comes from the right times the local derivative.
y = f(x) の逆伝播。上流から来た値に、ノードの局所的な微分 ∂y/∂x を掛けて下流へ渡す。

Source: Saito, Deep Learning from Scratch, figure 5-6.
"""

import scalargrad as sg


@sg.custom(lambda x: 2 * x)  # the derivative
def f(x):
    """Square a number."""
    return x * x


x = sg.Value(3, "x")
y = f(x)
y.label = "y"
E = 1.3
y.backward(E)

print(f"y = {y.data:g}, E * dy/dx = {E} * 6 = {x.grad:g}")

sg.draw(y, symbols=True).save("fig_5_06.svg")
