"""Steps of gradient descent from a state: where they lead, and the results on the way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from .._engine import Value
from ..drawing.words import text
from ..expressions.entries import read_number
from ..optim import SGD
from .curve import curve
from .live_expression import LiveExpression, NotShown
from .messages import Message


def descent_reply(live: LiveExpression, message: Message) -> dict[str, Any]:
    """Return the state after some steps; see the table of `messages`.

    At every step values are rounded to six digits, or as many as the picture shows, so that what
    one reads is what is computed with. What has no finite number ends the steps before it.

    Raises: `NotShown` where not even one step can be taken.
    """
    inputs = {name: Value(value.data) for name, value in live.values.items()}
    chosen = [*inputs] if message.names is None else list(dict.fromkeys(message.names))
    if not (chosen and inputs.keys() >= set(chosen)):
        raise NotShown(f"names: some of {', '.join(inputs)} are wanted; choose an input", "names")
    moved = [inputs[name] for name in chosen]
    optimizer = SGD(moved, read_number("learning rate", message.rate))
    results, digits = [live.root.data], max(live.state.digits, 6)
    for _ in range(message.steps):
        live.formula(**inputs).backward()
        optimizer.step()
        optimizer.zero_grad()
        for value in moved:
            value.data = float(f"{value.data:.{digits}g}")
        there = float(live.formula(**{name: value.data for name, value in inputs.items()}))
        if not all(map(math.isfinite, (*results, there, *(value.data for value in moved)))):
            break
        typed = {name: f"{inputs[name].data:.{digits}g}" for name in chosen}
        results.append(there)
    if len(results) == 1:
        raise NotShown(
            f"learning rate: a step would lead from {text.number(results[0])} to no finite number;"
            " take a smaller one, or begin elsewhere",
            "rate",
        )
    before = message.results[:-1] if message.results[-1:] == (results[0],) else ()
    return {
        "kind": "descent",
        "state": replace(live.state, values={**live.state.values, **typed}).plain(),
        "results": [*before, *results],
        "said": _said(live, message.steps, results),
        "curve": curve(live.name, [*before, *results], live.state.digits),
    }


def _said(live: LiveExpression, wanted: int, results: list[float]) -> str:
    """Return in a sentence where the steps have led."""
    first, last = (text.number(x, live.state.digits) for x in (results[0], results[-1]))
    taken = len(results) - 1
    count = f"{taken} step{'s' * (taken > 1)}"
    said = f"{count}: {text.harmless(live.name)} went from {first} to {last}."
    if taken < wanted:
        said += " The next one leads to no finite number; a smaller learning rate may go on."
    return said
