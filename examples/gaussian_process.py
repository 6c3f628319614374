"""A curve through measurements, by a Gaussian process whose three settings are learnt.

The settings are those under which the measurements surprise least: there the gradient is 0, which
Newton's method solves as a system. Matrices come from `sg.linalg`, gradients go through them, and
the curvature at the end says how well the measurements tell the settings.
"""

import math

import scalargrad as sg

x = [0.0, 0.5, 1.1, 1.5, 2.2, 2.9, 3.4, 4.1, 4.6, 5.0]
y = [0.12, 0.42, 0.95, 0.93, 0.86, 0.18, -0.31, -0.74, -1.05, -0.91]


def alike(p, q, height, length):
    """Return how much the curve has in common at two places."""
    return height**2 * sg.exp(-(((p - q) / length) ** 2) / 2)


def covariance(height, length, noise):
    """Return that of all pairs of measurements, each of which has its own noise."""
    return [[alike(p, q, height, length) + (p == q) * noise**2 for q in x] for p in x]


def surprise(logarithms):
    """Return minus the logarithm of the likelihood."""
    lower = sg.linalg.cholesky(covariance(*map(sg.exp, logarithms)))
    white = sg.linalg.solve(lower, y)
    size = sg.sum([sg.log(row[i]) for i, row in enumerate(lower)])
    return sg.dot(white, white) / 2 + size + len(x) / 2 * math.log(2 * math.pi)


best = sg.newton(sg.grad(surprise), [0.0, 0.5, -2.0])
uncertain = sg.linalg.inv(sg.hessian(surprise)(best))
print(f"surprise {surprise(best):.6f}, gradient {max(map(abs, sg.grad(surprise)(best))):.0e}")
for i, name in enumerate(["height", "length", "noise"]):
    print(f"{name:6}  {math.exp(best[i]):.4f}, give or take {100 * uncertain[i][i] ** 0.5:.0f} %")

height, length, noise = map(math.exp, best)


def curve(place, measured):
    """Return the height of the curve at a place."""
    weights = sg.linalg.solve(covariance(height, length, noise), measured)
    return sg.dot([alike(place, p, height, length) for p in x], weights)


print("place    curve  sin(x)    slope  cos(x)")
for place in (0.25, 1.8, 3.1, 4.8):
    value, slope = sg.value_and_grad(curve)(place, y)
    print(f"{place:5}  {value:7.4f} {math.sin(place):7.4f}  {slope:7.4f} {math.cos(place):7.4f}")

weights = sg.grad(curve, argnums=1)(1.8, y)
most = max(range(len(x)), key=lambda i: abs(weights[i]))
print(f"at 1.8 the measurement at {x[most]} counts most: {weights[most]:.4f} of it")
