"""Derivatives of plain Python functions: of numbers and of nestings of them, to any order.

Each of these turns a function into another one. The arguments that are differentiated become
Values, the function runs as it is, and what comes out is a nesting like what went in. They nest:
`grad(grad(f))` is the second derivative, exactly.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Literal, ParamSpec, TypeVar, overload

from .. import errors
from .._engine import Value, are_floats
from ..core import tracer
from ..core.arguments import as_whole
from ..core.arithmetic import is_value
from ..core.around import Inputs, around, call_inside
from ..core.modes import recording
from ..core.nesting import (
    NUMBER,
    BareFields,
    Container,
    Leaf,
    Structure,
    aligned,
    array_of,
    flatten,
    flatten_output,
    holds_objects,
    values_in,
)
from ..core.order import edges
from ..core.signatures import Derived, Gradient, ValueAndGradient
from .graph_gradients import graph_sweep, numbered, order_of, partials_on_values, sweep
from .kinks import on_one_side

P = ParamSpec("P")
R = TypeVar("R")


class Arrangement:
    """How derivatives stand: in the structure of what a function returns, and of its arguments."""

    def __init__(self, *, single: bool) -> None:
        self.single = single
        self.structures: list[Structure] = []  # of the arguments that are differentiated
        self.structure: Structure = NUMBER  # of what the function returns

    def like_arguments(self, numbers: Sequence[Any]) -> Any:
        """Return numbers in the structure of the arguments: of one, or a tuple of several."""
        row = iter(numbers)
        if self.single:
            return self.structures[0].unflatten(row)
        return tuple(structure.unflatten(row) for structure in self.structures)

    def blocks(self, rows: Sequence[Sequence[Any]]) -> Any:
        """Return a Jacobian: in the structure of the outputs, each in that of the arguments."""
        return self.structure.map(functools.partial(self._block, iter(rows)))

    def _block(self, rows: Iterator[Sequence[Any]], out: Leaf) -> Any:
        """Return the next rows of a Jacobian: the derivatives of one number, or of an array."""
        if not out.shape:
            return self.like_arguments(next(rows))
        own = [iter(row) for row in islice(rows, out.size)]
        blocks = []
        for structure in self.structures:
            parts = [list(islice(row, structure.size)) for row in own]
            blocks.append(_of_array(out, structure, parts))
        if self.single:
            (block,) = blocks
            return block
        return tuple(blocks)


class _Run(Arrangement):
    """One run of a function on Values, and what can be asked of it."""

    def __init__(
        self, who: str, function: Callable[..., Any], argnums: int | Sequence[int],
        args: Sequence[Any], kwargs: dict[str, Any], has_aux: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(single=not isinstance(argnums, (tuple, list)))
        self.who = who
        self.argnums = _argnums(who, argnums, len(args), [*kwargs])
        self.inputs: list[Any] = []
        outer = around.get()
        given = list(args)
        others = [x for i, x in enumerate(args) if i not in self.argnums]
        # what is recorded for a replay stays a graph too
        nested = tracer.is_on() or bool(values_in([*others, *kwargs.values()]))
        with recording():
            for argnum in self.argnums:
                structure, leaves = flatten(who, f"argument {argnum}", args[argnum], "pass a float")
                fresh: list[Any]
                if set(map(type, leaves)) <= {float}:  # the common case, and most of the time
                    fresh = list(map(Value, leaves))
                else:
                    nested = nested or any(is_value(leaf) for leaf in leaves)
                    fresh = [x * 1.0 if is_value(x) else Value(x) for x in leaves]
                given[argnum] = structure.unflatten(iter(fresh))
                self.structures.append(structure if structure.shape == () else structure.hollow)
                self.inputs += fresh
            result = call_inside(Inputs(self.inputs), function, *given, **kwargs)
        self.aux = None
        if has_aux:
            result, self.aux = self._with_aux(result)
        what = "what the function returns"
        self.structure, self.outputs = flatten_output(who, what, result, "return a number")
        self.keeps_graph = nested or (bool(outer) and self._needs(outer, self._values()))
        if has_aux and not (nested or (outer and self._needs(outer, values_in(self.aux)))):
            self.aux = _plain(self.aux)

    def _with_aux(self, result: Any) -> tuple[Any, Any]:
        if not isinstance(result, tuple) or len(result) != 2:
            must = "with has_aux the function must return a pair (value, aux)"
            raise errors.OperandError(errors.unwanted(self.who, must, result, "return both"))
        return result

    def _needs(self, outer: Sequence[Inputs], values: Sequence[Any]) -> bool:
        """Tell whether something that came out depends on the inputs of what is around."""
        return any(node in inputs for node in order_of(values, self.inputs) for inputs in outer)

    def _values(self) -> list[Any]:
        return [output for output in self.outputs if is_value(output)]

    @property
    def value(self) -> Any:
        """What came out: numbers, unless a transformation around needs the graph."""
        if self.keeps_graph:
            return self.structure.unflatten(iter(self.outputs))
        return self.structure.unflatten(map(_number, self.outputs))

    def one(self) -> None:
        """Refuse what is not one number."""
        if self.structure != NUMBER:
            got = self.structure.unflatten(map(_number, self.outputs))
            must = "the function must return one number"
            raise errors.OperandError(
                errors.unwanted(self.who, must, got, "use jacobian, or return a sum")
            )

    def pull(self, upstream: Sequence[Any]) -> list[Any]:
        """Return the gradient of Σ upstream·output by every input."""
        pairs = [
            (output, start)
            for output, start in zip(self.outputs, upstream, strict=True)
            if is_value(output)
        ]
        if not pairs:
            return [0.0] * len(self.inputs)
        outputs, starts = map(list, zip(*pairs, strict=True))
        if self.keeps_graph or any(is_value(start) for start in starts):
            return graph_sweep(outputs, starts, self.inputs, independent=True)
        return sweep(outputs, starts, self.inputs)

    def pull_one(self, output: Any) -> list[Any]:
        """Return the gradient of one output by every input."""
        if not is_value(output):
            return [0.0] * len(self.inputs)
        if self.keeps_graph:
            return graph_sweep([output], [1.0], self.inputs, independent=True)
        return sweep([output], [1.0], self.inputs)

    def push(self, directions: Sequence[Any], graph: bool) -> list[Any]:
        """Return how every output moves when the inputs do, in a graph if that is wanted."""
        order = order_of(self._values(), self.inputs)
        with recording():
            moved = self._push(order, self.outputs, directions, graph)
            anew = on_one_side(order, {id(x) for x in self.inputs}) if graph else {}
            if not anew:
                return moved
            outputs = [anew.get(id(output), output) for output in self.outputs]
            order = order_of([x for x in outputs if is_value(x)], self.inputs)
            graphs = self._push(order, outputs, directions, graph)
            return [numbered(number, graph) for number, graph in zip(moved, graphs, strict=True)]

    def _push(
        self, order: Sequence[Any], outputs: Sequence[Any], directions: Sequence[Any], graph: bool
    ) -> list[Any]:
        moved: dict[int, Any] = {id(x): t for x, t in zip(self.inputs, directions, strict=True)}
        for node in order:
            if id(node) not in moved and any(id(parent) in moved for parent in node.parents):
                moved[id(node)] = _pushed(node, moved, graph)
        return [moved.get(id(output), 0.0) for output in outputs]


def _of_array(out: Leaf, structure: Structure, rows: Sequence[Sequence[Any]]) -> Any:
    """Return the derivatives of an array: one of both shapes, or one that holds a nesting each."""
    if structure.axes is not None:
        return Leaf((*out.shape, *structure.axes)).unflatten(chain.from_iterable(rows))
    return array_of([structure.unflatten(iter(row)) for row in rows], out.shape)


def _argnums(who: str, argnums: Any, count: int, named: Sequence[str]) -> list[int]:
    several = isinstance(argnums, (tuple, list))
    positions = []
    for argnum in argnums if several else (argnums,):
        position = as_whole(argnum)
        if position is None:
            must = "argnums must be an int or a tuple of ints"
            raise errors.OperandError(errors.unwanted(who, must, argnums, "pass e.g. 0"))
        if not -count <= position < count:
            must = f"argnums must name one of {count} positional arguments"
            remedy = "count from 0"
            if named:
                must += f", beside which {', '.join(named)} came by name"
                remedy = "pass what is differentiated by position"
            raise errors.InputError(errors.unwanted(who, must, argnums, remedy))
        positions.append(position % count)
    if len(set(positions)) < len(positions):
        must = "argnums must name different arguments"
        raise errors.InputError(errors.unwanted(who, must, argnums, "name each one once"))
    return positions


def _number(x: Any) -> float:
    return float(x.data if is_value(x) else x)


def _plain(aux: Any) -> Any:
    """Return what was brought along with its Values as numbers."""
    if is_value(aux):
        return _number(aux)
    if type(aux) in (list, tuple):
        return type(aux)(map(_plain, aux))
    if isinstance(aux, tuple) and hasattr(aux, "_make"):
        return aux._make(map(_plain, aux))
    if type(aux) in (dict, OrderedDict):
        return type(aux)((key, _plain(value)) for key, value in aux.items())
    if dataclasses.is_dataclass(aux) and not isinstance(aux, type) and values_in(aux):
        fields = [one.name for one in dataclasses.fields(aux) if hasattr(aux, one.name)]
        return BareFields(type(aux))((name, _plain(getattr(aux, name))) for name in fields)
    if holds_objects(aux) and values_in(aux):
        plain = list(map(_plain, aux.ravel().tolist()))
        return array_of(plain, aux.shape, float if are_floats(plain) else object)
    return aux


def _check_function(who: str, function: Any) -> None:
    if not callable(function):
        remedy = "pass e.g. lambda x: x * x"
        if is_value(function):
            remedy += ", or call gradients(value, inputs)"
        raise errors.OperandError(errors.unwanted(who, "wants a function", function, remedy))


def named_like(function: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Give a function that is made from another one its names, not its words."""
    return functools.wraps(function, assigned=("__name__", "__qualname__", "__module__"))


def _on_tape(
    who: str, f: Any, argnums: int | Sequence[int], eager: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a transformation of a compiled function, which replays; `eager` of any other one."""
    derivative = getattr(type(f), "_derivative", None)  # see tape/derivatives.py
    return eager if derivative is None else derivative(f, who, argnums, eager)


def _replayed(
    f: Any, who: str, transformed: Callable[..., Any], args: Sequence[Any]
) -> tuple[Any] | None:
    """Return what a transformation of a compiled function gives at numbers; else None.

    `transformed` is what is recorded for it: of the function itself and these arguments.
    """
    replayed = getattr(type(f), "_replayed", None)
    return None if replayed is None else replayed(f, who, transformed, args)


# -- the transformations -----------------------------------------------------------------------


@overload  # first, or a checker would lose what it knows of the inner one
def grad(
    f: Gradient[P], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Gradient[P]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Gradient[P]: ...
@overload
def grad(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Derived[P, Any]: ...
def grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes the gradient of `f`, which returns one number.

    Maths: x ↦ ∂f/∂x
    Shapes: what comes out is like the argument: a float for a number, a nesting for a nesting
    of lists, tuples, dicts, dataclasses and arrays, with None for what is no number; a tuple of
    them where `argnums` is a tuple.
    Domain: whole numbers count as floats; an argument that `f` does not use has the gradient 0.
    Raises: `TypeError` where `f` does not return one number, `ValueError` for an argument that
    there is not, `RuntimeError` where `f` copies or pickles what depends on the argument.

    With `has_aux`, `f` returns a pair of which only the first is differentiated, and the second
    comes out too. Gradients nest, and a Value that goes in keeps its graph.

    >>> import scalargrad as sg
    >>> sg.grad(lambda x: x**3)(2.0), sg.grad(sg.grad(lambda x: x**3))(2.0)
    (12.0, 12.0)
    """
    gradient = gradient_for("grad", f, argnums, has_aux)
    return gradient if has_aux else _on_tape("grad", f, argnums, gradient)


def gradient_for(
    who: str, f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool = False
) -> Callable[..., Any]:
    """Return what `grad` returns, for a function whose errors have another name."""
    _check_function(who, f)

    @named_like(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        run = _Run(who, f, argnums, args, kwargs, has_aux)
        run.one()
        result = run.like_arguments(run.pull([1.0]))
        return (result, run.aux) if has_aux else result

    return gradient


@overload  # first, or a checker would lose what it knows of the inner one
def value_and_grad(
    f: Gradient[P], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> ValueAndGradient[P, Any]: ...
@overload
def value_and_grad(
    f: Callable[P, R], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> ValueAndGradient[P, R]: ...
@overload
def value_and_grad(
    f: Callable[P, Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Derived[P, Any]: ...
def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return the function that computes both the value of `f` and its gradient.

    Maths: x ↦ (f(x), ∂f/∂x)
    Shapes: as `grad`; with `has_aux` the value is the pair that `f` returns.
    Raises: what `grad` raises.

    >>> import scalargrad as sg
    >>> sg.value_and_grad(lambda xs: xs[0] * xs[1])([2.0, 3.0])
    (6.0, [3.0, 2.0])
    """
    _check_function("value_and_grad", f)

    @named_like(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        run = _Run("value_and_grad", f, argnums, args, kwargs, has_aux)
        run.one()
        value = (run.value, run.aux) if has_aux else run.value
        return value, run.like_arguments(run.pull([1.0]))

    return both if has_aux else _on_tape("value_and_grad", f, argnums, both)


def jacobian(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Derived[P, Any]:
    """Return the function that computes all derivatives of all that `f` returns.

    Maths: x ↦ ∂f_i/∂x_j
    Shapes: the nesting of what `f` returns, with the nesting of the argument at every number, so
    that the i-th part of it is the gradient of the i-th output. Where `f` returns an array, and the
    argument is an array too, a number, or lists of equal lengths, one array of both shapes
    together. A tuple of `argnums` gives a tuple at every number, of an array one of arrays.
    Raises: what `grad` raises.

    >>> import scalargrad as sg
    >>> sg.jacobian(lambda x: [x[0] * x[1], x[0] + x[1]])([2.0, 3.0])
    [[3.0, 2.0], [1.0, 1.0]]
    """
    _check_function("jacobian", f)

    @named_like(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        run = _Run("jacobian", f, argnums, args, kwargs)
        rows = [run.pull_one(output) for output in run.outputs]
        return run.blocks(rows)

    return _on_tape("jacobian", f, argnums, matrix)


def hessian(f: Callable[P, Any], argnums: int | Sequence[int] = 0) -> Derived[P, Any]:
    """Return the function that computes all second derivatives of `f`, which returns one number.

    Maths: x ↦ ∂²f/∂x_i∂x_j
    Shapes: those of the `jacobian` of the gradient: the nesting of the argument, with itself at
    every number; for a tuple of `argnums` a tuple of tuples, of nestings a tuple at every number.
    Raises: what `grad` raises, `RuntimeError` for a node of `record` on the way.

    >>> import scalargrad as sg
    >>> sg.hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
    [[6.0, 4.0], [4.0, 0.0]]
    """
    matrix = jacobian(gradient_for("hessian", f, argnums), argnums)
    return _on_tape("hessian", f, argnums, matrix)


def vjp(f: Callable[..., R], *primals: Any) -> tuple[R, Callable[[Any], tuple[Any, ...]]]:
    """Return the value of `f`, and the function that pulls an upstream gradient back through it.

    Maths: f(x), u ↦ Σ u_i·∂f_i/∂x
    Shapes: the upstream is like what `f` returns, what comes back a tuple like the arguments.
    Raises: what `grad` raises, `ValueError` for an upstream of another shape.

    >>> import scalargrad as sg
    >>> value, back = sg.vjp(lambda x, y: [x * y, x + y], 2.0, 3.0)
    >>> value, back([1.0, 10.0])
    ([6.0, 5.0], (13.0, 12.0))
    """
    _check_function("vjp", f)
    replayed = _replayed(f, "vjp", lambda function, *primals: function(*primals), primals)
    if replayed is not None:
        kept = copy.deepcopy(primals)  # plain numbers: they may change before `back` is called

        def back_on_tape(upstream: Any) -> tuple[Any, ...]:
            again = _replayed(f, "vjp back", _pulled_back, (kept, upstream))
            grads: tuple[Any, ...] = again[0] if again else vjp(f.function, *kept)[1](upstream)  # type: ignore[attr-defined]
            return grads

        return replayed[0], back_on_tape
    run = _Run("vjp", f, tuple(range(len(primals))), primals, {})

    def back(upstream: Any) -> tuple[Any, ...]:
        starts = _matching("vjp", "the upstream", upstream, run.structure, flatten_output)
        grads: tuple[Any, ...] = run.like_arguments(run.pull(starts))
        return grads

    return run.value, back


def _pulled_back(function: Callable[..., Any], primals: Any, upstream: Any) -> tuple[Any, ...]:
    return vjp(function, *primals)[1](upstream)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """Return the value of `f`, and its derivative in a direction.

    Maths: f(x), Σ ∂f/∂x_j·t_j, computed forward along the graph
    Shapes: `primals` and `tangents` are tuples of arguments, alike; the derivative is like f(x).
    Raises: what `grad` raises, `ValueError` for tangents of another shape.

    >>> import scalargrad as sg
    >>> sg.jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 10.0))
    (6.0, 23.0)
    """
    _check_function("jvp", f)
    if not isinstance(primals, (tuple, list)):
        must = "primals must be a tuple of arguments"
        raise errors.OperandError(errors.unwanted("jvp", must, primals, "pass (x,)"))
    try:
        replayed = _replayed(f, "jvp", jvp, (primals, tangents))
        if replayed is not None:
            outcome: tuple[Any, Any] = replayed[0]
            return outcome
        run = _Run("jvp", f, tuple(range(len(primals))), primals, {})
    except TypeError as error:
        _check_primals(f, primals, error)
        raise
    structure = Container(tuple, tuple(run.structures))
    directions = _matching("jvp", "the tangents", tangents, structure)
    graph = run.keeps_graph or any(is_value(t) for t in directions)
    outcomes = run.push(directions, graph)
    return run.value, run.structure.hollow.unflatten(iter(outcomes))


def _check_primals(function: Callable[..., Any], primals: Sequence[Any], error: TypeError) -> None:
    """Refuse numbers where a list of them, the one argument that a function takes, was meant."""
    if _takes(function, *primals) or not _takes(function, primals):
        return
    must = f"primals must be a tuple of the arguments, of which {_name(function)} takes one"
    raise errors.OperandError(errors.unwanted("jvp", must, primals, "pass (x,)")) from error


def _takes(function: Callable[..., Any], *args: Any) -> bool:
    """Tell whether a function can be called with so many arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    except ValueError:  # it says nothing, as one in C
        return True
    return True


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _pushed(node: Any, moved: dict[int, Any], graph: bool) -> Any:
    """Return how a node moves when its parents do: Σ partial · movement."""
    partials: Sequence[Any] = node.partials
    if graph:
        partials = partials_on_values(node, [position for position, _, _ in edges(node)])
    total: Any = 0.0
    for parent, partial in zip(node.parents, partials, strict=True):
        if id(parent) in moved:
            total = total + partial * moved[id(parent)]
    return total


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """Return the Hessian of `f` at x times a vector, without the Hessian.

    Maths: Σ_j ∂²f/∂x_i∂x_j·v_j
    Shapes: `v` and what comes out are like x.
    Raises: what `grad` raises, `ValueError` for a vector of another shape.

    >>> import scalargrad as sg
    >>> sg.hvp(lambda x: x[0] ** 2 * x[1], [2.0, 3.0], [1.0, 0.0])
    [6.0, 4.0]
    """
    _check_function("hvp", f)
    replayed = _replayed(f, "hvp", hvp, (x, v))
    if replayed is not None:
        return replayed[0]
    run = _Run("hvp", f, 0, (x,), {})
    run.one()
    direction = _matching("hvp", "the vector", v, run.structures[0])
    values = run._values()
    first = graph_sweep(values, [1.0], run.inputs, independent=True) if values else []
    pairs = [(g, t) for g, t in zip(first, direction, strict=False) if is_value(g)]
    if not pairs:
        return run.like_arguments([0.0] * len(run.inputs))
    slopes, starts = map(list, zip(*pairs, strict=True))
    if run.keeps_graph or any(is_value(start) for start in starts):
        return run.like_arguments(graph_sweep(slopes, starts, run.inputs, independent=True))
    return run.like_arguments(sweep(slopes, starts, run.inputs))


def gradients(outputs: Any, inputs: Any, upstream: Any = None, create_graph: bool = False) -> Any:
    """Return the gradients of outputs by inputs on an existing graph; every `.grad` stays.

    Maths: Σ_i upstream_i·∂output_i/∂input, the upstream being 1 unless it is given
    Shapes: outputs and inputs are Values or nestings of them; what comes out is like the inputs.
    Raises: `TypeError` for inputs that are no Values, `ValueError` for an upstream of another
    shape; with `create_graph` `RuntimeError` where the number of an operand was assigned since the
    forward pass, and for nodes of `record`.

    With `create_graph` the gradients are Values that can be differentiated again.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> slope = sg.gradients(x**3 * y, x, create_graph=True)
    >>> slope.data, sg.gradients(slope, [x, y]), x.grad
    (36.0, [36.0, 12.0], 0.0)
    """
    who = "gradients"
    of_outputs, ends = flatten_output(who, "outputs", outputs, "pass Values")
    structure, starts = flatten(who, "inputs", inputs, "pass Values")
    structure = structure.hollow
    for start in starts:
        if not is_value(start):
            must = "inputs must be Values"
            raise errors.OperandError(errors.unwanted(who, must, start, "pass leaves or nodes"))
    above = [1.0] * len(ends)
    if upstream is not None:
        above = _matching(who, "upstream", upstream, of_outputs, flatten_output)
    pairs = [(e, u) for e, u in zip(ends, above, strict=True) if is_value(e)]
    if not pairs:
        return structure.unflatten(iter([0.0] * len(starts)))
    values, weights = map(list, zip(*pairs, strict=True))
    if create_graph or any(is_value(weight) for weight in weights):
        grads = graph_sweep(values, weights, starts)
        values = [x if is_value(x) else Value(x) for x in grads]
        return structure.unflatten(iter(values))
    return structure.unflatten(iter(sweep(values, weights, starts)))


def _matching(
    who: str, what: str, thing: Any, structure: Structure, taken_apart: Any = flatten
) -> list[Any]:
    """Return the numbers of a nesting that must have the structure of another one, in its order."""
    other, numbers = taken_apart(who, what, thing, "pass numbers")
    ordered = aligned(structure, other, numbers)
    if ordered is None:
        raise errors.InputError(
            f"{who}: {what} must have the structure of what it goes with: its lengths, keys and"
            f" shapes; got {errors.shown(thing)} for {structure.size} numbers; check the nesting"
        )
    return ordered
