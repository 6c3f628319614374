"""The public functions: of floats, Values and lists of them, one a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Never, Protocol, TypeVar, overload

from .. import errors
from .._engine import Value, quick
from ..core import refusals, tracer
from ..core.arguments import by_position, is_iterable, number, of_python, without_rest
from ..core.arithmetic import Arithmetic, data_of, is_value
from ..table import ops
from ..table.row import LETTERS, ManyRow, Row
from ..table.written import docstring, example

__all__ = ["leaky_relu", "values", "where", "zero_grad"]
# == written from the table: names
__all__ += [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "copysign", "cos",
    "cosh", "degrees", "dot", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "floor", "fmod",
    "gelu", "hypot", "log", "log1p", "log2", "log10", "log_ndtr", "log_softmax", "logsumexp", "max",
    "maximum", "mean", "min", "minimum", "ndtr", "pow", "radians", "relu", "remainder", "rint",
    "sigmoid", "silu", "sin", "sinh", "softmax", "softplus", "sqrt", "sum", "tan", "tanh", "trunc",
    "xlogy",
]  # fmt: skip
# == end of names

V = TypeVar("V", bound=Arithmetic)


class Unary(Protocol):
    """A function of one operand: a float gives a float, a Value a Value."""

    @overload
    def __call__(self, x: V, /) -> V: ...
    @overload
    def __call__(self, x: float, /) -> float: ...


class Binary(Protocol):
    """A function of two operands: floats give a float, a Value anywhere a Value."""

    @overload
    def __call__(self, x: V, y: V | float, /) -> V: ...
    @overload
    def __call__(self, x: float, y: V, /) -> V: ...
    @overload
    def __call__(self, x: float, y: float, /) -> float: ...


class Reduction(Protocol):
    """A function of one iterable: floats alone give a float, a Value anywhere a Value."""

    @overload  # first, so that elements of which nothing is known give what nothing is known of
    def __call__(self, operands: Iterable[V], /) -> V: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, operands: Iterable[float], /
    ) -> float: ...
    @overload
    def __call__(self, operands: Iterable[V | float], /) -> V: ...
    @overload
    def __call__(self, operands: Iterable[Any], /) -> Any: ...


class Spread(Protocol):
    """A function of one iterable that gives a list."""

    @overload
    def __call__(self, operands: Iterable[V], /) -> list[V]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, operands: Iterable[float], /
    ) -> list[float]: ...
    @overload
    def __call__(self, operands: Iterable[V | float], /) -> list[V]: ...
    @overload
    def __call__(self, operands: Iterable[Any], /) -> list[Any]: ...


class Pairing(Protocol):
    """A function of two iterables, equally long: it gives what a reduction gives."""

    @overload
    def __call__(self, xs: Iterable[V], ys: Iterable[V]) -> V: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, xs: Iterable[float], ys: Iterable[float]
    ) -> float: ...
    @overload
    def __call__(self, xs: Iterable[V | float], ys: Iterable[V | float]) -> V: ...
    @overload
    def __call__(self, xs: Iterable[Any], ys: Iterable[Any]) -> Any: ...


# -- how a row becomes a function -----------------------------------------------------------


def apply_unary(row: Row, x: Any) -> Any:
    """Apply a row of one operand in the engine of `x`, or to a float."""
    if is_value(x):
        return x._unary(row, x)
    return row.value(number(row.name, "x", x))


def apply_binary(row: Row, x: Any, y: Any, who: str = "", names: Sequence[str] = LETTERS) -> Any:
    """Apply a row of two operands in the engine of either, or to floats.

    `who` and `names` are those of the function in its messages, where the row has others.
    """
    who = who or row.name
    if values := _values((x, y)):
        try:
            result = values[0]._binary(row, x, y)
        except errors.OperandError:  # of a complex number: say so in the name of the function
            result = NotImplemented
        if result is not NotImplemented:
            return result
        check_engine(who, values)
    numbers = [
        number(who, name, operand)
        for name, operand in zip(names, (x, y), strict=True)
        if not is_value(operand)
    ]
    return row.value(*numbers)


def apply_many(row: ManyRow, *lists: list[Any], who: str = "") -> Any:
    """Apply a row of many operands in the engine of a Value among them, or to floats."""
    for operands in lists:
        for operand in operands:
            if is_value(operand):
                try:
                    return operand._many(row, *lists)
                except errors.OperandError:  # of two engines, say so
                    check_engine(who or row.name, _values(*lists))
                    raise
    who = who or row.name
    return row.value(*([number(who, "each operand", x) for x in xs] for xs in lists))


def _values(*lists: Iterable[Any]) -> list[Any]:
    return [operand for xs in lists for operand in xs if is_value(operand)]


def listed(
    who: str, operands: Any, what: str = "one iterable of Values and numbers", remedy: str = ""
) -> list[Any]:
    """Return the operands as a list, or refuse what cannot be iterated."""
    if isinstance(operands, (list, tuple)):
        return list(operands)
    operands = by_position(operands)
    if not is_iterable(operands) or isinstance(operands, Mapping):
        remedy = remedy or f"write {who}([a, b])"
        if callable(getattr(operands, "parameters", None)):
            remedy = "pass its .parameters()"
        if isinstance(operands, Mapping):
            remedy = "pass its .values()"
        raise errors.OperandError(errors.unwanted(who, f"wants {what}", operands, remedy))
    return list(of_python(operands) if getattr(operands, "ndim", 0) == 1 else operands)


def check_engine(who: str, operands: Sequence[Any], what: str = "operands") -> None:
    """Raise `TypeError` where not all operands are Values of one engine."""
    for operand in operands:
        if not is_value(operand) or operand._record is not operands[0]._record:
            raise errors.OperandError(
                errors.unwanted(
                    who, f"{what} must be Values of one engine", operand,
                    "pass Values made by the same class",
                )
            )  # fmt: skip


def _documented(function: Callable[..., Any], row: Row | ManyRow, shown: Sequence[float]) -> Any:
    function.__name__ = function.__qualname__ = row.name
    function.__doc__ = docstring(row) + (f"\n\n{example(row, *shown)}" if shown else "")
    return quick(function, row)


def unary(row: Row, *shown: float) -> Unary:
    """Return the function of a row of one operand, with the numbers of its example."""
    return _documented(lambda x, /: apply_unary(row, x), row, shown)  # type: ignore[no-any-return]


def binary(row: Row, *shown: float) -> Binary:
    """Return the function of a row of two operands."""
    return _documented(lambda x, y, /: apply_binary(row, x, y), row, shown)  # type: ignore[no-any-return]


def reduction(row: ManyRow, *shown: float) -> Any:
    """Return the function of a row of one list."""

    def function(operands: Iterable[Any], /, *others: Never) -> Any:
        if others:
            raise errors.OperandError(
                f"{row.name}: wants one iterable of Values and numbers; got {1 + len(others)}"
                f" arguments; write {row.name}([a, b])"
            )
        return apply_many(row, _not_empty(row, listed(row.name, operands)))

    return _documented(without_rest(function), row, shown)


def pairing(row: ManyRow, *shown: float) -> Pairing:
    """Return the function of a row of two lists."""

    def function(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
        remedy = f"write {row.name}([a, b], [c, d])"
        xs, ys = (
            listed(row.name, x, "two iterables of Values and numbers", remedy) for x in (xs, ys)
        )
        check_lengths(row.name, xs, ys)
        return apply_many(row, _not_empty(row, xs), ys)

    return _documented(function, row, shown)  # type: ignore[no-any-return]


def _not_empty(row: ManyRow, xs: list[Any]) -> list[Any]:
    if not xs and not row.empty:
        raise errors.InputError(
            errors.unwanted(row.name, "needs at least one operand", xs, "pass e.g. [1.0]")
        )
    return xs


# == written from the table: functions
pow: Binary = binary(ops.POW, 2.5, 2.0, 6.25, 5.0, 5.726817)
exp: Unary = unary(ops.EXP, 0.5, 1.648721, 1.648721)
expm1: Unary = unary(ops.EXPM1, 0.5, 0.648721, 1.648721)
exp2: Unary = unary(ops.EXP2, 0.5, 1.414214, 0.980258)
log: Unary = unary(ops.LOG, 0.5, -0.693147, 2.0)
log1p: Unary = unary(ops.LOG1P, 0.5, 0.405465, 0.666667)
log2: Unary = unary(ops.LOG2, 0.5, -1.0, 2.88539)
log10: Unary = unary(ops.LOG10, 0.5, -0.30103, 0.868589)
xlogy: Binary = binary(ops.XLOGY, 2.5, 2.0, 1.732868, 0.693147, 1.25)
sqrt: Unary = unary(ops.SQRT, 0.5, 0.707107, 0.707107)
cbrt: Unary = unary(ops.CBRT, 0.5, 0.793701, 0.529134)
hypot: Binary = binary(ops.HYPOT, 2.5, 2.0, 3.201562, 0.780869, 0.624695)
sin: Unary = unary(ops.SIN, 0.5, 0.479426, 0.877583)
cos: Unary = unary(ops.COS, 0.5, 0.877583, -0.479426)
tan: Unary = unary(ops.TAN, 0.5, 0.546302, 1.298446)
asin: Unary = unary(ops.ASIN, 0.5, 0.523599, 1.154701)
acos: Unary = unary(ops.ACOS, 0.5, 1.047198, -1.154701)
atan: Unary = unary(ops.ATAN, 0.5, 0.463648, 0.8)
atan2: Binary = binary(ops.ATAN2, 2.5, 2.0, 0.896055, 0.195122, -0.243902)
degrees: Unary = unary(ops.DEGREES, 0.5, 28.64789, 57.29578)
radians: Unary = unary(ops.RADIANS, 0.5, 0.008727, 0.017453)
sinh: Unary = unary(ops.SINH, 0.5, 0.521095, 1.127626)
cosh: Unary = unary(ops.COSH, 0.5, 1.127626, 0.521095)
tanh: Unary = unary(ops.TANH, 0.5, 0.462117, 0.786448)
asinh: Unary = unary(ops.ASINH, 0.5, 0.481212, 0.894427)
acosh: Unary = unary(ops.ACOSH, 2.5, 1.566799, 0.436436)
atanh: Unary = unary(ops.ATANH, 0.5, 0.549306, 1.333333)
sigmoid: Unary = unary(ops.SIGMOID, 0.5, 0.622459, 0.235004)
relu: Unary = unary(ops.RELU, 0.5, 0.5, 1.0)
softplus: Unary = unary(ops.SOFTPLUS, 0.5, 0.974077, 0.622459)
silu: Unary = unary(ops.SILU, 0.5, 0.31123, 0.739961)
erf: Unary = unary(ops.ERF, 0.5, 0.5205, 0.878783)
erfc: Unary = unary(ops.ERFC, 0.5, 0.4795, -0.878783)
erfinv: Unary = unary(ops.ERFINV, 0.5, 0.476936, 1.112585)
ndtr: Unary = unary(ops.NDTR, 0.5, 0.691462, 0.352065)
log_ndtr: Unary = unary(ops.LOG_NDTR, 0.5, -0.368946, 0.50916)
gelu: Unary = unary(ops.GELU, 0.5, 0.345731, 0.867495)
floor: Unary = unary(ops.FLOOR, 0.5, 0.0, 0.0)
ceil: Unary = unary(ops.CEIL, 0.5, 1.0, 0.0)
trunc: Unary = unary(ops.TRUNC, 0.5, 0.0, 0.0)
rint: Unary = unary(ops.RINT, 0.5, 0.0, 0.0)
fmod: Binary = binary(ops.FMOD, 2.5, 2.0, 0.5, 1.0, -1.0)
remainder: Binary = binary(ops.REMAINDER, 2.5, 2.0, 0.5, 1.0, -1.0)
copysign: Binary = binary(ops.COPYSIGN, 2.5, 2.0, 2.5, 1.0, 0.0)
maximum: Binary = binary(ops.MAXIMUM, 2.5, 2.0, 2.5, 1.0, 0.0)
minimum: Binary = binary(ops.MINIMUM, 2.5, 2.0, 2.0, 0.0, 1.0)
sum: Reduction = reduction(ops.SUM, 1.0, 3.0, 4.0, 1.0, 1.0)
mean: Reduction = reduction(ops.MEAN, 1.0, 3.0, 2.0, 0.5, 0.5)
dot: Pairing = pairing(ops.DOT, 1.0, 3.0, 3.5, 2.0, 0.5)
max: Reduction = reduction(ops.MAX, 1.0, 3.0, 3.0, 0.0, 1.0)
min: Reduction = reduction(ops.MIN, 1.0, 3.0, 1.0, 1.0, 0.0)
logsumexp: Reduction = reduction(ops.LOGSUMEXP, 1.0, 3.0, 3.126928, 0.119203, 0.880797)
softmax: Spread = reduction(ops.SOFTMAX, 1.0, 3.0, 0.119203, 0.104994, -0.104994)
log_softmax: Spread = reduction(ops.LOG_SOFTMAX, 1.0, 3.0, -2.126928, 0.880797, -0.880797)
# == end of functions

# -- written by hand, for their options ------------------------------------------------------


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """Keep positive numbers, multiply the others by `slope`.

    Maths: z = x if x > 0 else slope·x, dz/dx = 1 or slope, dz/dslope = 0 or x
    Domain: any x; the derivative at 0 is taken as the slope
    Source: Maas, Hannun, Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models

    >>> leaky_relu(-2.0), leaky_relu(3.0, slope=0.1)
    (-0.02, 3.0)
    """
    return apply_binary(ops.LEAKY_RELU, x, slope, names=("x", "slope"))


def where(condition: Any, a: Any, b: Any) -> Any:
    """Choose `a` where the condition holds, else `b`.

    Maths: z = a or b, dz/da = 1 or 0, dz/db = 0 or 1; the condition has no derivative
    Raises: `TypeError` where the condition is neither a truth value, a number nor a Value.

    What is not chosen is no part of the graph: whatever its derivative is, it arrives nowhere.

    >>> where(2.0 > 1.0, 10.0, 20.0)
    10.0
    """
    if is_value(condition) and not isinstance(condition, tracer.Lazy):
        condition = condition != 0.0
    if isinstance(condition, tracer.Lazy):
        return condition.choose(a, b)
    condition = number("where", "the condition", condition, "x > 0")
    if is_value(a) and is_value(b):
        check_engine("where", (a, b))
    if condition != 0.0:
        return _chosen(ops.WHERE, a, data_of(b), beside=b)
    return _chosen(ops.OTHERWISE, data_of(a), b, beside=a)


def _chosen(row: Row, a: Any, b: Any, beside: Any) -> Any:
    """Return the operand of which a row is; a leaf where that is a number `beside` a Value."""
    result = apply_binary(row, a, b, "where", ("a", "b"))
    if is_value(result) or not is_value(beside):
        return result
    return (Value if isinstance(beside, Value) else type(beside))(result)


def affine(lefts: Sequence[Any], rights: Sequence[Any], offsets: Sequence[Any]) -> list[Any]:
    """Return left · right + offset for every pair of lists and its offset: a layer of neurons."""
    rows = zip(lefts, rights, offsets, strict=True)
    return [dot(left, right) + offset for left, right, offset in rows]


affine = quick(affine, kind="affine")


def check_lengths(who: str, xs: list[Any], ys: list[Any]) -> None:
    """Raise `ValueError` where two lists are not equally long."""
    if len(xs) != len(ys):
        raise errors.InputError(
            f"{who}: both lists must be equally long; got {len(xs)} and {len(ys)} operands;"
            " check their shapes"
        )


def values(**numbers: float) -> tuple[Value, ...]:
    """Return one labelled leaf for each keyword, in the order written.

    Raises: `TypeError` for anything that is not a number, `ValueError` where nothing is given.

    >>> x, y = values(x=1, y=3)
    >>> x
    Value(data=1.0, grad=0.0, label='x')
    """
    if not numbers:
        raise errors.InputError(
            "values: needs at least one named number; got none; write values(x=1.0)"
        )
    return tuple(Value(number, label=name) for name, number in numbers.items())


def zero_grad(values: Iterable[Any]) -> None:
    """Set the gradient of every given Value to 0.

    >>> import scalargrad as sg
    >>> x = sg.Value(2.0)
    >>> (x * x).backward()
    >>> sg.zero_grad([x])
    >>> x.grad
    0.0
    """
    values = listed("zero_grad", values, "an iterable of Values")
    for value in values:
        if not is_value(value):
            raise errors.OperandError(
                errors.unwanted("zero_grad", "wants Values only", value, "leave plain numbers out")
            )
    if tracer.is_on():
        raise refusals.frozen_write("grad")
    for value in values:  # an interior node is as before its first pass: a picture shows no red
        value._grad = None if value.parents else 0.0


zero_grad = quick(zero_grad, kind="zero_grad")
