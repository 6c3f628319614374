"""Two peaks of a spectrum that overlap, fitted by SciPy with an exact Jacobian.

The model is an ordinary function of a list of parameters. `sg.jacobian` of the residuals is what
`least_squares` wants as `jac`, and gives the uncertainty of every parameter at the end.
"""

import random
import sys

import scalargrad as sg
from scalargrad import math

try:
    import numpy as np
    from matplotlib.figure import Figure
    from scipy.optimize import least_squares
except ImportError:
    sys.exit('peaks: run: python3 -m pip install ".[solvers,plots]" in the checkout')

NAMES = ["height 1", "centre 1", "height 2", "centre 2", "width", "background", "slope"]
TRUE = [9.0, 4.2, 5.0, 6.0, 0.7, 2.0, 0.15]
NOISE = 0.25


def spectrum(energy, p):
    """Return two bells of one width on a background that rises."""
    first = p[0] * math.exp(-(((energy - p[1]) / p[4]) ** 2) / 2)
    second = p[2] * math.exp(-(((energy - p[3]) / p[4]) ** 2) / 2)
    return first + second + p[5] + p[6] * energy


draw = random.Random(5)
energies = [0.1 * i for i in range(101)]
counts = [spectrum(e, TRUE) + draw.gauss(0.0, NOISE) for e in energies]


@sg.compile
def residuals(p):
    """Return how far the model is from each count, in units of the noise."""
    return [(spectrum(e, p) - c) / NOISE for e, c in zip(energies, counts, strict=True)]


start = [6.0, 3.5, 6.0, 6.8, 1.0, 1.0, 0.0]
fit = least_squares(lambda p: residuals(p.tolist()), start, jac=sg.jacobian(residuals))
jacobian = np.array(sg.jacobian(residuals)(fit.x.tolist()))
errors = np.sqrt(np.diag(np.linalg.inv(jacobian.T @ jacobian)))

print(f"{fit.nfev} calls, chi² = {2 * fit.cost:.1f} of {len(counts) - len(start)} expected")
for name, value, error, true in zip(NAMES, fit.x, errors, TRUE, strict=True):
    print(f"{name:10}  {value:7.3f} ± {error:.3f}  true {true:g}")

figure = Figure(figsize=(7, 4.6), layout="constrained")
upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
upper.errorbar(energies, counts, NOISE, fmt=".", color="#999999", label="counts", zorder=1)
upper.plot(energies, [spectrum(e, start) for e in energies], ":", color="#0072b2", label="start")
upper.plot(energies, [spectrum(e, fit.x.tolist()) for e in energies], color="#d55e00", label="fit")
upper.set_ylabel("counts")
upper.legend(frameon=False)
lower.axhline(0.0, color="#d55e00")
lower.plot(energies, residuals(fit.x.tolist()), ".", color="#999999")
lower.set(xlabel="energy", ylabel="residual / noise")
figure.savefig("peaks.png", dpi=150)
