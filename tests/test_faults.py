"""Faults of our own are heard: whatever breaks inside is raised, and nothing goes on without it."""

from __future__ import annotations

import copy
import itertools
import pickle
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from positions import functions_of, is_heard

import scalargrad as sg
from scalargrad import nn, optim
from scalargrad.core import around, modes

#: finalisers cannot raise; the name of a function is looked up in a module of the user's
OF_STRANGERS = {"__del__", "_look_up"}

FAULTS = [IndexError, KeyError, AssertionError, MemoryError, ValueError, TypeError, AttributeError]

INPUTS = np.arange(12.0).reshape(6, 2) / 12


def learn(**options: Any) -> sg.History:
    model = nn.MLP(2, [3, 1], seed=1)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    check = INPUTS[:3], INPUTS[:3].sum(1)
    history = sg.fit(
        model, INPUTS, INPUTS.sum(1), loss="mse", optimizer=optimizer, batch_size=4, epochs=2,
        validation=check, progress=False, **options,
    )  # fmt: skip
    if "raises" in history.why_not_replayed:  # in the model, which might have been another's
        raise RuntimeError(history.why_not_replayed)
    return history


def compiled() -> Any:
    w = sg.Value(2.0)
    return sg.compile(lambda x: w * x if x > 0.5 else w + x)


def graph() -> Any:
    x, y = sg.values(x=2.0, y=3.0)
    with sg.scope("Layer"):
        h = (x * y).tanh()
    root = sg.max([h, x]) * y
    root.backward()
    return root


#: hundreds of functions, each of which takes long: some of them are tried
DRAWN = {"draw", "symbols", "exercise", "notebook", "open", "dot", "page"}

LANES = np.linspace(0.0, 1.0, 5)
ACTIONS: dict[str, Callable[[], Any]] = {
    "fit": learn,
    "fit on graphs": lambda: learn(compile=False),
    "call at a point": lambda: compiled()(1.0),
    "call of a batch": lambda: compiled()(LANES),
    "gradient of a batch": lambda: compiled().value_and_grad(LANES),
    "backward of a batch": lambda: compiled().backward(LANES),
    "call with Values": lambda: compiled()(sg.Value(1.0)),
    "plan": lambda: [f := compiled(), f(1.0), f.tape.plan(), str(f.tape)],
    "draw": lambda: sg.draw(graph()).svg,
    "symbols": lambda: sg.draw(graph(), symbols=True).svg,
    "exercise": lambda: sg.draw(graph(), exercise="backward").answers,
    "notebook": lambda: sg.draw(graph())._repr_mimebundle_(),
    "open": lambda: sg.draw(graph(), open=True).svg,
    "dot": lambda: str(sg.draw_dot(graph())),
    "page": lambda: sg.walkthrough(graph())._repr_html_(),
    "hessian": lambda: sg.hessian(lambda x: x * x * x)(2.0),
    "newton": lambda: sg.newton(lambda x: x * x - 2.0, 1.0),
    "expression": lambda: sg.expression("x * tanh(y) + 1")(2.0, 3.0),
    "copy": lambda: copy.deepcopy(graph()),
    "pickle": lambda: pickle.loads(pickle.dumps(graph())),
    "pickle of a tape": lambda: [f := compiled(), f(1.0), pickle.loads(pickle.dumps(f))],
}


@pytest.fixture(autouse=True)
def _blocks() -> Iterator[None]:
    """Close the blocks that a fault in their end left open."""
    token = modes.variable.set(modes.current())
    yield
    modes.variable.reset(token)
    modes.active.clear()
    around._everywhere.clear()


@pytest.mark.parametrize("name", ACTIONS)
def test_fault_of_our_own_is_raised(name: str) -> None:
    action = ACTIONS[name]
    action()  # what is kept from then on is not made again
    kinds = itertools.cycle(FAULTS)
    functions = functions_of(action)
    if name in DRAWN:
        functions = random.Random(name).sample(functions, 12)
    unheard = [
        (code.co_qualname, fault.__name__)
        for code in functions
        if code.co_name not in OF_STRANGERS
        for fault in (next(kinds), next(kinds))
        if not is_heard(code, action, fault("planted"))
    ]
    assert unheard == []
