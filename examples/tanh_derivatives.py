"""Derivatives of tanh to the fifth, each one a graph of its own that can be drawn.

Saito, Deep Learning from Scratch 3, step 35. A derivative is computed by operations, so it has a
graph; differentiating that one gives the next, and each is larger than the one before.
"""

import scalargrad as sg

(x,) = sg.values(x=1.0)
y = sg.tanh(x)
y.label = "y"
t = y.data
exact = {  # polynomials in t = tanh(x), by hand
    1: 1 - t**2,
    2: -2 * t + 2 * t**3,
    3: -2 + 8 * t**2 - 6 * t**4,
    4: 16 * t - 40 * t**3 + 24 * t**5,
    5: 16 - 136 * t**2 + 240 * t**4 - 120 * t**6,
}

print("order   derivative at 1    polynomial in tanh")
derivative = y
for order, polynomial in exact.items():
    derivative = sg.gradients(derivative, x, create_graph=True)
    derivative.label = "y" + "′" * order
    sg.draw(derivative, title=f"Derivative {order} of tanh").save(f"tanh_{order}.svg")
    print(f"{order:5}   {derivative.data: .13f}   {polynomial: .13f}")
