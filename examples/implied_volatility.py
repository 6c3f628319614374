"""The volatility that explains a price, as one node: an equation solved and differentiated.

How much the solution moves with the price comes from the equation (the implicit function theorem),
not from the steps that solved it: d volatility / d price = 1 / vega.
"""

import scalargrad as sg
from scalargrad import math


def call_price(spot, strike, volatility, rate=0.1, years=0.5):
    """Return the price of a European call by Black and Scholes."""
    spread = volatility * math.sqrt(years)
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    d2 = d1 - spread
    first, second = (math.erfc(-d / math.sqrt(2)) / 2 for d in (d1, d2))
    return spot * first - strike * math.exp(-rate * years) * second


def implied_volatility(price, spot, strike):
    """Return the volatility at which the call has this price."""
    return sg.root(lambda volatility: call_price(spot, strike, volatility) - price, 1e-4, 5.0)


print("strike   price  volatility  d/d price  1/vega     d/d spot")
for strike, quoted in [(36.0, 7.95), (40.0, 4.76), (44.0, 2.45), (48.0, 1.12)]:
    price, spot = sg.values(price=quoted, spot=42.0)
    volatility = implied_volatility(price, spot, strike)
    volatility.backward()
    vega = sg.grad(call_price, 2)(42.0, strike, volatility.data)
    print(
        f"{strike:6g}  {quoted:6.2f}  {volatility.data:.8f}  {price.grad:.6f}   {1 / vega:.6f}"
        f"  {spot.grad:.6f}"
    )

volatility.label = "volatility"
sg.draw(volatility, title="An equation is one node").save("implied_volatility.svg")
