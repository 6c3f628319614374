"""The valley of Rosenbrock, minimised by SciPy with exact gradients and curvature.

SciPy does the search; scalargrad gives it the gradient of an ordinary loop (`jac=True`), and for
the second method the Hessian times a vector, without the Hessian.
"""

import sys
from itertools import pairwise

import scalargrad as sg

try:
    import numpy as np
    from scipy.optimize import minimize
except ImportError:
    sys.exit('rosenbrock: needs SciPy; run: python3 -m pip install ".[solvers]" in the checkout')


def rosenbrock(x):
    """Return the chained function; it is 0 where every x is 1."""
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100 * (b - a * a) ** 2 + (1 - a) ** 2
    return total


start = np.tile([-1.2, 1.0], 10)
both = sg.value_and_grad(rosenbrock)

print("method      steps  calls  value at the end  furthest from 1")
for method, curvature in [
    ("BFGS", {}),
    ("trust-ncg", {"hessp": lambda x, v: sg.hvp(rosenbrock, x, v)}),
]:
    result = minimize(both, start, jac=True, method=method, options={"gtol": 1e-10}, **curvature)
    furthest = np.max(np.abs(result.x - 1))
    print(f"{method:10}  {result.nit:5}  {result.nfev:5}  {result.fun:16.1e}  {furthest:.1e}")

value, gradient = both(start)
print(f"at the start: value {value:g}, gradient {gradient[0]:g} {gradient[1]:g} ...")
print(sg.check_gradients(rosenbrock, start[:3]))
