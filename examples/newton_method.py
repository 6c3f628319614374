"""Newton's method with its own second derivative: from 2 down to the minimum of x⁴ − 2x².

Saito, Deep Learning from Scratch 3, steps 29 and 33. There the second derivative was first typed
by hand, then computed by differentiating the graph of the first; here it is `grad(grad(f))`.
"""

import scalargrad as sg


def f(x):
    return x**4 - 2 * x**2


slope = sg.grad(f)
curvature = sg.grad(slope)

x = 2.0
for step in range(8):
    print(f"{step}  x = {x:.16f}  f' = {slope(x):.1e}  f'' = {curvature(x):.6f}")
    x = x - slope(x) / curvature(x)

print(f"in one call: sg.newton(sg.grad(f), 2.0) = {sg.newton(slope, 2.0)!r}")
