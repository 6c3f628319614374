"""What moves the price of an option: every first and second Greek from one plain function.

Hull, Options, Futures and Other Derivatives, chapters 15 and 19; the example of section 15.9.
"""

import scalargrad as sg
from scalargrad import math


def normal(x):
    """Return the normal distribution function."""
    return math.erfc(-x / math.sqrt(2)) / 2


def call_price(spot, volatility, rate, years, strike=40.0):
    """Return the price of a European call by Black and Scholes."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    return spot * normal(d1) - strike * math.exp(-rate * years) * normal(d1 - spread)


def closed_forms(spot, volatility, rate, years, strike=40.0):
    """Return the Greeks as the textbook writes them."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    density = math.exp(-d1 * d1 / 2) / math.sqrt(math.tau)
    owed = strike * math.exp(-rate * years)
    vega = spot * density * math.sqrt(years)
    return {
        "delta": normal(d1),
        "vega": vega,
        "rho": owed * years * normal(d2),
        "theta": -spot * density * volatility / (2 * math.sqrt(years)) - rate * owed * normal(d2),
        "gamma": density / (spot * spread),
        "vanna": -density * d2 / volatility,
        "vomma": vega * d1 * d2 / volatility,
        "charm": -density * (rate / spread - d2 / (2 * years)),
    }


point = 42.0, 0.2, 0.1, 0.5  # spot, volatility, rate, years
inputs = 0, 1, 2, 3
price, (delta, vega, rho, by_years) = sg.value_and_grad(call_price, inputs)(*point)
second = sg.hessian(call_price, inputs)(*point)
greeks = {  # what is left of the years shrinks as time goes on: hence the minus
    "delta": delta, "vega": vega, "rho": rho, "theta": -by_years,
    "gamma": second[0][0], "vanna": second[0][1], "vomma": second[1][1], "charm": -second[0][3],
}  # fmt: skip

print(f"price {price:.6f}")
print("         scalargrad            closed form")
for name, exact in closed_forms(*point).items():
    print(f"{name:6} {greeks[name]: .15f}  {exact: .15f}")
worst = max(abs(greeks[name] / exact - 1) for name, exact in closed_forms(*point).items())
print(f"largest relative difference {worst:.0e}")
