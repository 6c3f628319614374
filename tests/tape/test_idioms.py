"""However one writes it: each spelling of an idiom gives what the others give, compiled as well."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import replays
from idioms import IDIOMS
from idioms.calls import CALLS, chained, six
from idioms.idiom import Idiom, Outcome, Spelling, at_point, eagerly, leaves, over_lanes
from replays import KINDS

import scalargrad as sg

runner = replays.runner

#: relative to the largest number of a gradient: sums are added up in another order
CLOSE = 1e-12

SPELLINGS = [
    pytest.param(idiom, spelling, id=f"{idiom.name}-{spelling.name}")
    for idiom in IDIOMS
    for spelling in idiom.spellings
]


def alike(found: Outcome, wanted: Outcome) -> None:
    """Check a value and both gradients."""
    assert found.value == pytest.approx(wanted.value, rel=CLOSE, abs=CLOSE)
    for ours, theirs in zip(found[1:], wanted[1:], strict=True):
        assert ours == pytest.approx(
            theirs, rel=CLOSE, abs=CLOSE * (1.0 + max(map(abs, theirs), default=0.0))
        )


@pytest.mark.parametrize("idiom", IDIOMS, ids=lambda idiom: idiom.name)
def test_an_idiom_has_many_spellings_and_one_that_is_best(idiom: Idiom) -> None:
    names = [spelling.name for spelling in idiom.spellings]

    assert len(set(names)) == len(names) >= 7
    assert idiom.best is idiom.spellings[0]


@pytest.mark.parametrize(("idiom", "spelling"), SPELLINGS)
def test_spelling_gives_eagerly_what_the_best_one_gives(idiom: Idiom, spelling: Spelling) -> None:
    parameters, lanes = idiom.draw(Random(idiom.name), False)
    assert idiom.best is not None

    for lane in lanes:
        alike(eagerly(spelling, parameters, lane), eagerly(idiom.best, parameters, lane))


@pytest.mark.parametrize("runner", ["replay", *KINDS[:1]], indirect=True)
@pytest.mark.parametrize(("idiom", "spelling"), SPELLINGS)
def test_compiled_spelling_gives_what_it_gives_eagerly(
    idiom: Idiom,
    spelling: Spelling,
    runner: str,
) -> None:
    parameters, lanes = idiom.draw(Random(idiom.name), False)
    f = spelling.compiled(parameters)
    if spelling.refused is not None:
        with pytest.raises(spelling.refused, match="compile: "):
            at_point(f, parameters, lanes[0])
        with pytest.raises(spelling.refused, match="compile: "):
            over_lanes(f, parameters, lanes)
        return
    wanted = [eagerly(spelling, parameters, lane) for lane in lanes]
    sums = [sum(parts) for parts in zip(*(w.by_parameters for w in wanted), strict=True)]

    batch = over_lanes(f, parameters, lanes)
    parted = len(f.tapes) > 1
    for lane, eager, of_batch in zip(lanes, wanted, batch, strict=True):
        alike(at_point(f, parameters, lane), eager)
        alike(of_batch, eager._replace(by_parameters=sums))
    assert parted == spelling.parts, f"now it is parts={parted}: change its mark"


@pytest.mark.parametrize("make", CALLS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("function", "point"), [(six, [0.5, 1.25]), (chained, [0.5, -1.0, 2.0, 0.25, 1.5, 0.75])]
)
def test_every_way_to_call_gives_value_and_gradient(
    make: Callable[..., Any], function: Callable[..., Any], point: list[float]
) -> None:
    call = make(function)
    near = [x + 0.125 for x in point]
    for here in (near, point, near, near):  # the point last called is not kept
        x = [sg.Value(number) for number in here]
        y = function(x)
        y.backward()

        found = list(leaves(call(here)))

        assert found == pytest.approx([y.data, *(v.grad for v in x)], rel=CLOSE)
