"""What an idiom is: one computation, as different people write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple, TypeVar

import numpy as np

import scalargrad as sg
from scalargrad.tape.compiled import Compiled

#: numbers for one idiom: its parameters, then for every lane what the function is called with
Drawn = tuple[Any, list[tuple[Any, ...]]]
Written = TypeVar("Written", bound=Callable[..., Any])


class Spelling(NamedTuple):
    """One way to write it, and what `compile` does with that today."""

    name: str
    function: Callable[..., Any]  #: of the parameters and the inputs
    parts: bool = False  #: lanes go by several paths
    refused: type[Exception] | None = None  #: what is raised while it is recorded
    choose: str = "paths"  #: how `max` and `min` of Python do

    def closed(self, parameters: Any) -> Callable[..., Any]:
        """Return the function of the inputs alone, which captures its parameters."""

        def function(*inputs: Any) -> Any:
            return self.function(parameters, *inputs)

        function.__name__ = self.name
        return function

    def compiled(self, parameters: Any, mode: str = "strict") -> Compiled:
        """Return that compiled."""
        return sg.compile(self.closed(parameters), mode=mode, choose=self.choose)


@dataclass
class Idiom:
    """One computation and its spellings; all give one number, the same."""

    name: str
    #: draws numbers by a random generator: few of them, or as many as a benchmark wants
    draw: Callable[[Random, bool], Drawn]
    spellings: list[Spelling] = field(default_factory=list)
    best: Spelling | None = None

    def written(
        self,
        *,
        parts: bool = False,
        refused: type[Exception] | None = None,
        choose: str = "paths",
    ) -> Callable[[Written], Written]:
        """Add a spelling: `@IDIOM.written()`; the marks say what does not go well today."""

        def add(function: Written) -> Written:
            self.spellings.append(Spelling(function.__name__, function, parts, refused, choose))
            return function

        return add

    def best_written(self, *, parts: bool = False) -> Callable[[Written], Written]:
        """Add the spelling that the others are measured by."""

        def add(function: Written) -> Written:
            self.written(parts=parts)(function)
            self.best = self.spellings[-1]
            return function

        return add


# -- numbers for them ------------------------------------------------------------------------


def vector(random: Random, size: int, scale: float = 1.0) -> list[float]:
    """Draw a list of numbers around 0."""
    return [random.gauss(0.0, scale) for _ in range(size)]


def matrix(random: Random, rows: int, columns: int, scale: float = 1.0) -> list[list[float]]:
    """Draw rows of numbers around 0."""
    return [vector(random, columns, scale) for _ in range(rows)]


def as_values(tree: Any) -> Any:
    """Return nested lists and dicts with a Value for each float; whole numbers stay."""
    if isinstance(tree, float):
        return sg.Value(tree)
    if isinstance(tree, dict):
        return {name: as_values(part) for name, part in tree.items()}
    return [as_values(part) for part in tree] if isinstance(tree, (list, tuple)) else tree


def leaves(tree: Any) -> Iterator[Any]:
    """Yield what nested lists, tuples, dicts and arrays hold."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)) or (isinstance(tree, np.ndarray) and tree.ndim):
        for part in tree:
            yield from leaves(part)
    elif tree is not None:
        yield tree


def captured_in(parameters: Any) -> list[sg.Value]:
    """Return the Values among the parameters; a knot may be a plain number."""
    return [p for p in leaves(parameters) if isinstance(p, sg.Value)]


# -- three ways to run one -------------------------------------------------------------------


class Outcome(NamedTuple):
    """Value, gradient by the floats of the inputs, gradient by the parameters."""

    value: float
    by_inputs: list[float]
    by_parameters: list[float]


def eagerly(spelling: Spelling, parameters: Any, inputs: tuple[Any, ...]) -> Outcome:
    """Run it on Values, backward too."""
    values, captured = as_values(inputs), captured_in(parameters)
    sg.zero_grad(captured)
    result = spelling.function(parameters, *values)
    result.backward()
    given = [x.grad for x in leaves(values) if isinstance(x, sg.Value)]
    return Outcome(result.data, given, [p.grad for p in captured])


def columns(lanes: list[tuple[Any, ...]]) -> list[Any]:
    """Return all lanes as a compiled function takes them, an array for each argument."""
    return [np.array(column) for column in zip(*lanes, strict=True)]


def at_point(f: Compiled, parameters: Any, inputs: tuple[Any, ...]) -> Outcome:
    """Call what is compiled at one point."""
    value, gradients = f.value_and_grad(*inputs)
    captured = captured_in(parameters)
    sg.zero_grad(captured)
    assert f(*inputs) == f.backward(*inputs) == value
    return Outcome(value, by_floats(gradients, inputs), [p.grad for p in captured])


def over_lanes(f: Compiled, parameters: Any, lanes: list[tuple[Any, ...]]) -> list[Outcome]:
    """Call what is compiled over a batch; the gradient by the parameters is added up."""
    batch, captured = columns(lanes), captured_in(parameters)
    values, gradients = f.value_and_grad(*batch)
    sg.zero_grad(captured)
    f.backward(*batch, reduction="sum")
    sums = [p.grad for p in captured]
    assert np.array_equal(f(*batch), values)
    return [
        Outcome(value, by_floats([column[row] for column in gradients], lane), sums)
        for row, (value, lane) in enumerate(zip(values, lanes, strict=True))
    ]


def by_floats(gradients: Any, inputs: tuple[Any, ...]) -> list[float]:
    """Return the gradient by those inputs that are no whole numbers."""
    pairs = zip(leaves(gradients), leaves(inputs), strict=True)
    return [float(gradient) for gradient, x in pairs if isinstance(x, float)]
