"""A cup of tea cools: a model that is a dataclass, fitted to a table by the steps of Gauss.

The function takes the dataclass as it is; a gradient is one again, with None for the name. Each
step solves a linear system by `sg.linalg`, and ends up at the least squares. What was computed at
the end is written as JSON, and read back as a graph.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import scalargrad as sg
from scalargrad import linalg, math

try:
    import pandas as pd
except ImportError:
    sys.exit("cooling: run: python3 -m pip install pandas")


@dataclass
class Cup:
    """Newton's law: what is warmer than the room cools in proportion to that."""

    room: float
    start: float
    rate: float  # a minute
    name: str = "tea"

    def celsius(self, minutes):
        """Return the temperature after some minutes."""
        return self.room + (self.start - self.room) * math.exp(-self.rate * minutes)


draw, truth = Random(4), Cup(room=21.0, start=88.0, rate=0.062)
minutes = [float(m) for m in range(0, 60, 3)]
table = pd.DataFrame({"minutes": minutes, "celsius": map(truth.celsius, minutes)})
table["celsius"] += [draw.gauss(0.0, 0.5) for _ in minutes]
table = table.sort_values("celsius")  # its index is in no order now; columns go by position


def residuals(cup):
    """Return how far the model is from each row of the table."""
    rows = zip(table["minutes"], table["celsius"], strict=True)
    return [cup.celsius(minute) - celsius for minute, celsius in rows]


def loss(cup):
    """Return the mean of the squares."""
    return sg.mean([r * r for r in residuals(cup)])


slopes = sg.jacobian(residuals)
cup = Cup(room=15.0, start=70.0, rate=0.03)
for step in range(1, 6):
    matrix = [[row.room, row.start, row.rate] for row in slopes(cup)]
    change = linalg.lstsq(matrix, residuals(cup)).solution
    room, start, rate = (
        x - d for x, d in zip((cup.room, cup.start, cup.rate), change, strict=True)
    )
    cup = replace(cup, room=room, start=start, rate=rate)
    print(f"step {step}: loss {loss(cup):.6f}, room {room:.3f}, start {start:.3f}, rate {rate:.5f}")

error, slope = sg.value_and_grad(loss)(cup)
print(f"{slope.name=}, largest slope {max(map(abs, (slope.room, slope.start, slope.rate))):.1e}")

values = sg.values(room=cup.room, start=cup.start, rate=cup.rate)
Path("cooling.json").write_text(sg.to_json(loss(Cup(*values))), encoding="utf-8")
again = sg.from_json(Path("cooling.json").read_text(encoding="utf-8"))
print(f"read back: {again.op} of {len(again.parents)} squares, same loss: {again.data == error}")
