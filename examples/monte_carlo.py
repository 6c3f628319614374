"""An average-price option by simulation, with its Greeks path by path, through a Python `if`.

The option pays what the average of 16 prices is above the strike. `payoff` follows one path of the
price; `sg.compile` replays it for 20,000, and each goes through the `if` its own way.
Glasserman, Monte Carlo Methods in Financial Engineering, section 7.2.
"""

import sys

import scalargrad as sg
from scalargrad import math

try:
    import numpy as np
except ImportError:
    sys.exit('monte_carlo: needs NumPy; run: python3 -m pip install ".[arrays]" in the checkout')

PATHS, STEPS = 20_000, 16
STRIKE, YEARS = 100.0, 1.0


def payoff(spot, volatility, rate, draws):
    """Return what one path pays, in today's money; the draws are normal."""
    step = YEARS / len(draws)
    drift, spread = (rate - volatility**2 / 2) * step, volatility * math.sqrt(step)
    price, total = spot, 0.0
    for draw in draws:
        price = price * math.exp(drift + spread * draw)
        total = total + price
    average = total / len(draws)
    # The mean of the paths' derivatives is the derivative of the mean only where the payoff is
    # continuous: here the two branches meet at the strike. A barrier that knocks out is a jump,
    # which no path's derivative sees; it would have to be smoothed first.
    if average > STRIKE:
        return math.exp(-rate * YEARS) * (average - STRIKE)
    return 0.0


f = sg.compile(payoff)
draws = np.random.default_rng(seed=0).standard_normal((PATHS, STEPS))
point = 100.0, 0.2, 0.05  # spot, volatility, rate


def by_differences(index, h=1e-6):
    """Return the central difference of the mean on the same draws."""
    above, below = list(point), list(point)
    above[index] += h
    below[index] -= h
    return (f(*above, draws).mean() - f(*below, draws).mean()) / (2 * h)


paid, (delta, vega, rho, _) = f.value_and_grad(*point, draws)
print(f"{PATHS:,} paths of {STEPS} steps, {np.mean(paid > 0):.1%} of them end above the strike")
print(f"{len(f.tapes)} tapes, one for each way through the if")

print("            mean  standard error  by differences")
print(f"price  {paid.mean():9.6f}  {paid.std() / math.sqrt(PATHS):14.6f}")
for index, (name, column) in enumerate({"delta": delta, "vega": vega, "rho": rho}.items()):
    error = column.std() / math.sqrt(PATHS)
    print(f"{name:5}  {column.mean():9.6f}  {error:14.6f}  {by_differences(index):14.6f}")
