"""Solutions of equations as nodes, differentiated by the implicit function theorem.

The steps that lead to a solution do not matter to its derivative; the equations do. So each number
of a solution is one node, however many steps it took, and its parents are the Values that the
equations contain. Where a function is traced, the node is a line that solves anew in every replay.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from .. import errors
from .._engine import Value
from ..core import tracer
from ..core.arithmetic import data_of, is_value
from ..core.around import Inputs, call_inside
from ..core.modes import Scope, current, recording, scope
from ..core.nesting import NUMBER, Structure, flatten
from ..core.node_rows import named_row, result_index, results_of
from ..core.order import post_order
from ..functions.custom import on_operands, with_derivatives
from ..functions.elimination import solve_columns
from ..table.libm import divide
from ..table.row import ROWS, is_plural
from .graph_gradients import graph_sweep

#: what is left of each equation at some numbers, and its derivatives by each of them
Left: TypeAlias = tuple[Sequence[float], Sequence[Sequence[float]]]
#: asks what is left at some numbers, again and again, and returns those where nothing is
Search: TypeAlias = Generator[list[float], Left, list[float]]
#: how a search begins, from the numbers to start with
Begin: TypeAlias = Callable[[list[float]], Search]


def follow(search: Search, at: Callable[[Sequence[float]], Left]) -> list[float]:
    """Answer a search until it ends; return what it found."""
    try:
        asked = next(search)
        while True:
            asked = search.send(at(asked))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


class Equations:
    """f(x) = 0 for a number or a nesting of numbers, and what f contains besides x."""

    def __init__(
        self, who: str, f: Callable[[Any], Any], structure: Structure, *, is_fixed: bool = False
    ) -> None:
        if not callable(f):
            raise errors.OperandError(
                errors.unwanted(who, "wants a function of x", f, "pass e.g. lambda x: x * x - 2")
            )
        if not structure.size:
            raise errors.InputError(
                f"{who}: x0 must hold at least one number; got none; pass e.g. [1.0, 2.0]"
            )
        self.who = who
        self.f = f
        self.structure = structure
        self.is_fixed = is_fixed  # then it is f(x) = x

    def solve(self, begin: Begin, starts: Sequence[Any]) -> Any:
        """Return the solution in the structure of x, from numbers or Values to start with."""
        numbers = [
            float(data_of(x)) for x in starts
        ]  # in float32 all that follows would be rounded
        if not tracer.is_on():
            found = follow(begin(numbers), self._at)
            solved = _Solution(self._run(found), found).nodes()
            return self.structure.unflatten(iter(solved))
        nearby = [math.nextafter(x, math.inf) for x in numbers[: self.structure.size]]
        replayed = _Replayed(self._run(nearby), begin, starts)
        try:
            found = replayed.find(replayed.numbers, numbers)
        except errors.ScalargradError as error:  # of these numbers: no guard tells it of others
            tracer.keep(error)
            raise
        residual = self._run(found)
        pairs = zip(replayed.numbers, residual.numbers, strict=True)
        if any(x != y and (x == x or y == y) for x, y in pairs):
            raise tracer.refusal(
                f"{self.who}: Values from outside of x must not change with it while a function is"
                " recorded; got one that was cut off from x; leave .detach() and no_grad out of f"
            )
        return self.structure.unflatten(iter(_Solution(residual, found, replayed).nodes()))

    def _at(self, xs: Sequence[float]) -> Left:
        residual = self._run(xs)
        return residual.values, [residual.gradient(i)[: len(xs)] for i in range(len(xs))]

    def _run(self, xs: Sequence[float]) -> _Residual:
        with recording():
            leaves = list(map(Value, xs))
            group, results = scope(self.who).call(self._in_group, leaves)
        return _Residual(self.who, results, leaves, group)

    def _in_group(self, leaves: list[Any]) -> tuple[Any, list[Any]]:
        return current().scope, call_inside(Inputs(leaves), self._left, leaves)

    def _left(self, leaves: list[Any]) -> list[Any]:
        """Return what is left of each equation."""
        if tracer.is_on():
            tracer.solving.set(self.who)  # in a context of its own
        result = self.f(self.structure.unflatten(iter(leaves)))
        what, remedy = "what f returns", "return an equation for each"
        structure, results = flatten(self.who, what, result, remedy)
        if len(results) != len(leaves) or (structure == NUMBER) != (self.structure == NUMBER):
            got = structure.unflatten(map(data_of, results))
            count = "one number" if self.structure == NUMBER else f"{len(leaves)} numbers"
            must = f"f must return {count}, as many as it takes"
            raise errors.OperandError(errors.unwanted(self.who, must, got, remedy))
        if self.is_fixed:
            return [y - x for x, y in zip(leaves, results, strict=True)]
        return results


class _Residual:
    """The graph of f(x) at one point, as far as f computed it, and the Values from outside."""

    def __init__(self, who: str, results: Sequence[Any], xs: Sequence[Any], group: Scope) -> None:
        self.who = who
        self.results = results
        self.xs = xs
        order = post_order(
            *filter(is_value, results),
            parents=lambda node: node.parents if _is_inside(node, group) else (),
            key=id,
        )
        self.inside: list[Any] = [
            node for node in order if _is_inside(node, group) and node.parents
        ]
        own = {id(node) for node in (*self.inside, *xs)}
        self.others: list[Any] = [node for node in order if id(node) not in own]
        self.numbers: list[float] = [other._data for other in self.others]

    @property
    def values(self) -> list[float]:
        """What is left of each equation."""
        return list(map(data_of, self.results))

    def gradient(self, index: int) -> list[float]:
        """Return the derivatives of one equation by each number of x, and by each of the others."""
        grads: dict[int, float] = {id(self.results[index]): 1.0}
        for node in reversed(self.inside):
            grad = grads.get(id(node))
            if grad is not None:
                for parent, partial in zip(node.parents, node.partials, strict=True):
                    grads[id(parent)] = grads.get(id(parent), 0.0) + grad * partial
        return [grads.get(id(value), 0.0) for value in (*self.xs, *self.others)]

    def on(self, xs: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """Return the same equations on other nodes, which have the same numbers."""
        old = (*self.xs, *self.others)
        twins = {id(node): twin for node, twin in zip(old, (*xs, *others), strict=True)}
        for node in self.inside:
            operands = [twins.get(id(operand), operand) for operand in node.operands]
            twins[id(node)] = on_operands(node, operands)
        return [twins.get(id(result), result) for result in self.results]


def _is_inside(node: Any, group: Scope) -> bool:
    scope = node.scope
    while scope is not None and scope is not group:
        scope = scope.outer
    return scope is not None


class _Solution:
    """Solved equations: where, and what they are there."""

    def __init__(
        self, residual: _Residual, found: list[float], replayed: _Replayed | None = None
    ) -> None:
        self.residual = residual
        self.found = found
        self.replayed = replayed
        rows = [residual.gradient(index) for index in range(len(found))]
        self.partials: list[list[Any]] = _implicit(rows, len(found))

    def nodes(self, operands: Sequence[Any] | None = None) -> list[Any]:
        """Return a node for each number, or the number where the equations contain no Values."""
        if operands is None:
            operands = [*self.residual.others, *(self.replayed.starts if self.replayed else ())]
        return [self._node(index, operands) for index in range(len(self.found))]

    def _node(self, index: int, operands: Sequence[Any]) -> Any:
        starts = [0.0] * (len(operands) - len(self.residual.others))
        partials = [*self.partials[index], *starts]
        arrows = [(x, p) for x, p in zip(operands, partials, strict=True) if is_value(x)]
        if not arrows:
            return self.found[index]
        parents, local = zip(*arrows, strict=True)
        who = self.residual.who
        node = parents[0]._record(self.found[index], who, tuple(operands), parents, local)
        own = _Component(self, index)
        at_work = tracer.at_work()
        if at_work is not None:
            at_work.call(node, own)
        return with_derivatives(node, own.on_values, own)

    def check(self, node: Any, others: Sequence[Any], number: float) -> None:
        """Refuse other numbers than those at which it was solved."""
        if list(map(data_of, others)) != self.residual.numbers or node._data != number:
            raise errors.StateError(
                f"create_graph: the operands of {node.op!r} must be as in the forward pass; got"
                f" other numbers than {self.residual.numbers[:3]!r}; solve it anew"
            )


class _Component:
    """One number of a solution: how it is found again, and its derivatives as Values."""

    def __init__(self, solution: _Solution, index: int) -> None:
        self.solution = solution
        self.index = index
        self.__name__ = solution.residual.who  # in the listing of a tape

    def __call__(self, *operands: Any) -> Any:
        return self.solution.nodes(operands)[self.index]

    def step(self, *numbers: float) -> tuple[float, tuple[float, ...]]:
        """Solve anew; return the number, and its partial by each operand."""
        solution = self.solution
        assert solution.replayed is not None
        found, partials = solution.replayed.solve(numbers)
        return found[self.index], tuple(partials[self.index])

    def on_values(self, node: Any, positions: Sequence[int]) -> list[Any]:
        """Return the partials as Values, by the operands at some positions."""
        solution, residual = self.solution, self.solution.residual
        count, others = len(solution.found), node.operands[: len(residual.others)]
        solution.check(node, others, solution.found[self.index])
        with recording():
            xs = solution.nodes(node.operands) if count > 1 else [node]
            xs[self.index] = node
            inputs = [*xs, *others]
            rows = [
                graph_sweep([result], [1.0], inputs, independent=True)
                if is_value(result)
                else [0.0] * len(inputs)
                for result in residual.on(xs, others)
            ]
            wanted = [position for position in positions if position < len(others)]
            picked = [[*row[:count], *(row[count + p] for p in wanted)] for row in rows]
            partials = dict(zip(wanted, _implicit(picked, count)[self.index], strict=True))
        return [partials.get(position, 0.0) for position in positions]


def _implicit(rows: Sequence[Sequence[Any]], count: int) -> list[list[Any]]:
    """Return the derivatives of each number of x by each of the others, from those of f by both.

    Maths: ∂x/∂p = −(∂f/∂x)⁻¹·∂f/∂p
    Source: Krantz, Parks, The Implicit Function Theorem, section 1.1
    """
    if count == 1:
        slope, *others = rows[0]
        return [[_divided(-other, slope) for other in others]]
    width = len(rows[0]) - count
    solved = solve_columns([[*row[:count], *(-x for x in row[count:])] for row in rows])
    if isinstance(solved, int):  # as a slope of 0 gives no number
        return [[float("nan")] * width for _ in rows]
    return [[column[index] for column in solved] for index in range(count)]


def _divided(x: Any, y: Any) -> Any:
    return x / y if is_value(x) or is_value(y) else divide(x, y)


# -- in a replay ---------------------------------------------------------------------------------


class _Replayed:
    """The equations as steps on numbers: f itself runs only while it is traced."""

    def __init__(self, residual: _Residual, begin: Begin, starts: Sequence[Any]) -> None:
        inputs = (*residual.xs, *residual.others)
        slots = {id(node): slot for slot, node in enumerate((*inputs, *residual.inside))}
        self.starts: list[Any] = [start for start in starts if is_value(start)]
        self.numbers: list[float] = residual.numbers
        self._starts = starts
        self._begin = begin
        self._count = len(residual.xs)
        self._inputs = len(inputs)
        self._steps = [_step_of(node, slots) for node in residual.inside]
        self._results = [(slots.get(id(result)), data_of(result)) for result in residual.results]
        self._last: tuple[Sequence[float], Any] = (), None  # of some numbers, what was found

    def starts_in(self, numbers: Sequence[float]) -> list[float]:
        """Return the numbers to start with, of the numbers of all operands."""
        given = iter(numbers[len(self.numbers) :])
        return [next(given) if is_value(start) else start for start in self._starts]

    def find(self, others: Sequence[float], starts: list[float]) -> list[float]:
        """Return the numbers that solve the equations with other numbers from outside."""
        return follow(self._begin(starts), lambda xs: self._at(xs, others, self._count))

    def solve(self, numbers: Sequence[float]) -> tuple[list[float], list[list[float]]]:
        """Return the solution for the numbers of all operands, and the partials by them."""
        before, result = self._last
        if before == numbers:  # of the components of one solution, each asks
            return result  # type: ignore[no-any-return]
        others = numbers[: len(self.numbers)]
        found = self.find(others, self.starts_in(numbers))
        rows = self._at(found, others, self._inputs)[1]
        partials = [[*row, *[0.0] * len(self.starts)] for row in _implicit(rows, self._count)]
        self._last = numbers, (found, partials)
        return found, partials

    def _at(self, xs: Sequence[float], others: Sequence[float], width: int) -> Left:
        """Return what is left of each equation, and its derivatives by the first inputs."""
        values = [*xs, *others]
        local: list[Sequence[float]] = []
        for step in self._steps:
            numbers = (plain if slot is None else values[slot] for slot, plain in step.operands)
            value, partials = step.run(*numbers)
            values.append(value)
            local.append(partials)
        results = [plain if slot is None else values[slot] for slot, plain in self._results]
        return results, [self._gradient(slot, local)[:width] for slot, _ in self._results]

    def _gradient(self, slot: int | None, local: Sequence[Sequence[float]]) -> list[float]:
        grads = {slot: 1.0}
        for index in reversed(range(len(self._steps))):
            grad = grads.get(self._inputs + index)
            if grad is not None:
                operands = self._steps[index].operands
                for (slot, _), partial in zip(operands, local[index], strict=True):
                    grads[slot] = grads.get(slot, 0.0) + grad * partial
        return [grads.get(slot, 0.0) for slot in range(self._inputs)]


class Searches:
    """A solution that a tape asks for, as many searches beside each other answer it."""

    def __init__(self, solution: _Solution, components: list[int]) -> None:
        replayed = solution.replayed
        assert replayed is not None
        self.who: str = solution.residual.who
        self.components: list[int] = components  # which numbers of the solution are asked for
        self.count: int = replayed._count  # of x
        self.outside: int = len(replayed.numbers)  # Values that the equations contain besides
        #: the slot, or else the number, of each equation
        self.results: list[tuple[int | None, Any]] = replayed._results
        self._replayed = replayed

    @property
    def lines(self) -> Iterator[tuple[str, int, list[Any]]]:
        """Row, index of the result, and operands of what is left of the equations."""
        for step in self._replayed._steps:
            assert step.row is not None
            yield *step.row, step.operands

    def begin(self, numbers: Sequence[float]) -> Search:
        """Begin with the numbers of all operands."""
        return self._replayed._begin(self._replayed.starts_in(numbers))

    def partials(self, rows: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return those of each number of x by the operands, from those of the equations."""
        starts = [0.0] * len(self._replayed.starts)
        return [[*row, *starts] for row in _implicit(rows, self.count)]


def searches_of(functions: Sequence[Any]) -> Searches | None:
    """Return the searches for some numbers of one solution; None where f does what is no row."""
    if not all(isinstance(function, _Component) for function in functions):
        return None
    solution = functions[0].solution
    if any(step.row is None for step in solution.replayed._steps):
        return None
    return Searches(solution, [function.index for function in functions])


class _Step(NamedTuple):
    """One node of the equations, on numbers."""

    run: Callable[..., Any]  # returns the number and its partials
    operands: list[tuple[int | None, Any]]  # the slot, or else the number, of each
    row: tuple[str, int] | None  # its name and the index of the result; None for one's own


def _step_of(node: Any, slots: Mapping[int, int]) -> _Step:
    """Return what computes a node and its partials anew, and where its operands stand."""
    operands = [(slots.get(id(operand)), data_of(operand)) for operand in node.operands]
    own, row = (node._notes or {}).get("derivatives"), named_row(node)
    if own is not None and own.operation is not None:
        return _Step(own.operation.step, operands, None)
    assert row is not None  # what is none was refused while it was traced
    index = result_index(node, len(operands)) if is_plural(row) else 0
    return _Step(functools.partial(_row_step, row.name, index), operands, (row.name, index))


def _row_step(name: str, index: int, *numbers: float) -> tuple[float, Sequence[float]]:
    return results_of(ROWS[name], numbers)[index]  # by name, for a pickle
