"""100,000 calls priced at once, each with its five first Greeks: one plain function, replayed.

`call_price` is written for one option. `sg.compile` records it once and replays it for every row of
the arrays. Hull, Options, Futures and Other Derivatives, chapters 15 and 19.
"""

import sys
from time import perf_counter

import scalargrad as sg
from scalargrad import math

try:
    import numpy as np
except ImportError:
    sys.exit('black_scholes: needs NumPy; run: python3 -m pip install ".[arrays]" in the checkout')

SCENARIOS = 100_000


def call_price(spot, strike, volatility, rate, years):
    """Return the price of a European call by Black and Scholes."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    first, second = math.erfc(-d1 / math.sqrt(2)) / 2, math.erfc(-d2 / math.sqrt(2)) / 2
    return spot * first - strike * math.exp(-rate * years) * second


def closed_forms(spot, strike, volatility, rate, years):
    """Return the price and the Greeks as the textbook writes them."""
    erfc, root = np.vectorize(math.erfc), np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * root)
    d2 = d1 - volatility * root
    first, second = erfc(-d1 / math.sqrt(2)) / 2, erfc(-d2 / math.sqrt(2)) / 2
    density, discount = np.exp(-d1 * d1 / 2) / math.sqrt(math.tau), np.exp(-rate * years)
    owed = strike * discount * second
    return {
        "price": spot * first - owed,
        "delta": first,
        "by strike": -discount * second,
        "vega": spot * density * root,
        "rho": years * owed,
        "theta": -spot * density * volatility / (2 * root) - rate * owed,
    }


def main():
    """Price all scenarios in both modes, and compare with the textbook."""
    draw = np.random.default_rng(seed=0)
    scenarios = {
        "spot": draw.uniform(80, 120, SCENARIOS),
        "strike": draw.uniform(80, 120, SCENARIOS),
        "volatility": draw.uniform(0.1, 0.5, SCENARIOS),
        "rate": draw.uniform(0.0, 0.08, SCENARIOS),
        "years": draw.uniform(0.1, 2.0, SCENARIOS),
    }
    columns = scenarios.values()
    exact = closed_forms(*columns)

    for mode in ("strict", "fast"):
        f = sg.compile(call_price, mode=mode)
        seconds = []
        for _ in range(6):  # the first call records, too
            start = perf_counter()
            price, (delta, by_strike, vega, rho, by_years) = f.value_and_grad(*columns)
            seconds.append(perf_counter() - start)
        results = {  # what is left of the years shrinks as time goes on: hence the minus
            "price": price, "delta": delta, "by strike": by_strike, "vega": vega, "rho": rho,
            "theta": -by_years,
        }  # fmt: skip
        if mode == "strict":
            print(f"the first 4 of {SCENARIOS:,} scenarios, and what each gives")
            for name, column in (scenarios | results).items():
                print(f"{name:10}", *(f"{x:10.4f}" for x in column[:4]))
        worst = max(np.max(np.abs(results[name] - exact[name])) for name in exact)
        print(
            f"{mode + ':':7} {min(seconds) / SCENARIOS * 1e9:.0f} ns a scenario,"
            f" largest difference from the closed formulas {worst:.0e}"
        )


if __name__ == "__main__":
    main()
