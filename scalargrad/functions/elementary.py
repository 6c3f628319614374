"""The public functions: of floats, Values and lists of them, one a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Never, Protocol, TypeVar, overload

from .. import errors
from .._engine import Value, quick
from ..core import refusals, tracer
from ..core.arguments import by_position, is_iterable, number, without_rest
from ..core.arithmetic import Arithmetic, is_value
from ..table import ops
from ..table.row import LETTERS, ManyRow, Row
from ..table.written import docstring

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

    def __call__(self, operands: Iterable[Any], /) -> Any: ...


class Spread(Protocol):
    """A function of one iterable that gives a list."""

    def __call__(self, operands: Iterable[Any], /) -> list[Any]: ...


class Pairing(Protocol):
    """A function of two iterables, equally long: it gives what a reduction gives."""

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
        result = values[0]._binary(row, x, y)
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
    return list(operands)


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


def _documented(function: Callable[..., Any], row: Row | ManyRow) -> Any:
    function.__name__ = function.__qualname__ = row.name
    function.__doc__ = docstring(row)
    return quick(function, row)


def unary(row: Row) -> Unary:
    """Return the function of a row of one operand."""
    return _documented(lambda x, /: apply_unary(row, x), row)  # type: ignore[no-any-return]


def binary(row: Row) -> Binary:
    """Return the function of a row of two operands."""
    return _documented(lambda x, y, /: apply_binary(row, x, y), row)  # type: ignore[no-any-return]


def reduction(row: ManyRow) -> Any:
    """Return the function of a row of one list."""

    def function(operands: Iterable[Any], /, *others: Never) -> Any:
        if others:
            raise errors.OperandError(
                f"{row.name}: wants one iterable of Values and numbers; got {1 + len(others)}"
                f" arguments; write {row.name}([a, b])"
            )
        return apply_many(row, _not_empty(row, listed(row.name, operands)))

    return _documented(without_rest(function), row)


def pairing(row: ManyRow) -> Pairing:
    """Return the function of a row of two lists."""

    def function(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
        remedy = f"write {row.name}([a, b], [c, d])"
        xs, ys = (
            listed(row.name, x, "two iterables of Values and numbers", remedy) for x in (xs, ys)
        )
        check_lengths(row.name, xs, ys)
        return apply_many(row, _not_empty(row, xs), ys)

    return _documented(function, row)  # type: ignore[no-any-return]


def _not_empty(row: ManyRow, xs: list[Any]) -> list[Any]:
    if not xs and not row.empty:
        raise errors.InputError(
            errors.unwanted(row.name, "needs at least one operand", xs, "pass e.g. [1.0]")
        )
    return xs


# == written from the table: functions
pow: Binary = binary(ops.POW)
exp: Unary = unary(ops.EXP)
expm1: Unary = unary(ops.EXPM1)
exp2: Unary = unary(ops.EXP2)
log: Unary = unary(ops.LOG)
log1p: Unary = unary(ops.LOG1P)
log2: Unary = unary(ops.LOG2)
log10: Unary = unary(ops.LOG10)
xlogy: Binary = binary(ops.XLOGY)
sqrt: Unary = unary(ops.SQRT)
cbrt: Unary = unary(ops.CBRT)
hypot: Binary = binary(ops.HYPOT)
sin: Unary = unary(ops.SIN)
cos: Unary = unary(ops.COS)
tan: Unary = unary(ops.TAN)
asin: Unary = unary(ops.ASIN)
acos: Unary = unary(ops.ACOS)
atan: Unary = unary(ops.ATAN)
atan2: Binary = binary(ops.ATAN2)
degrees: Unary = unary(ops.DEGREES)
radians: Unary = unary(ops.RADIANS)
sinh: Unary = unary(ops.SINH)
cosh: Unary = unary(ops.COSH)
tanh: Unary = unary(ops.TANH)
asinh: Unary = unary(ops.ASINH)
acosh: Unary = unary(ops.ACOSH)
atanh: Unary = unary(ops.ATANH)
sigmoid: Unary = unary(ops.SIGMOID)
relu: Unary = unary(ops.RELU)
softplus: Unary = unary(ops.SOFTPLUS)
silu: Unary = unary(ops.SILU)
erf: Unary = unary(ops.ERF)
erfc: Unary = unary(ops.ERFC)
erfinv: Unary = unary(ops.ERFINV)
ndtr: Unary = unary(ops.NDTR)
log_ndtr: Unary = unary(ops.LOG_NDTR)
gelu: Unary = unary(ops.GELU)
floor: Unary = unary(ops.FLOOR)
ceil: Unary = unary(ops.CEIL)
trunc: Unary = unary(ops.TRUNC)
rint: Unary = unary(ops.RINT)
fmod: Binary = binary(ops.FMOD)
remainder: Binary = binary(ops.REMAINDER)
copysign: Binary = binary(ops.COPYSIGN)
maximum: Binary = binary(ops.MAXIMUM)
minimum: Binary = binary(ops.MINIMUM)
sum: Reduction = reduction(ops.SUM)
mean: Reduction = reduction(ops.MEAN)
dot: Pairing = pairing(ops.DOT)
max: Reduction = reduction(ops.MAX)
min: Reduction = reduction(ops.MIN)
logsumexp: Reduction = reduction(ops.LOGSUMEXP)
softmax: Spread = reduction(ops.SOFTMAX)
log_softmax: Spread = reduction(ops.LOG_SOFTMAX)
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

    >>> where(2.0 > 1.0, 10.0, 20.0)
    10.0
    """
    if not is_value(condition):
        condition = number("where", "the condition", condition, "x > 0")
    row = ops.WHERE if condition != 0.0 else ops.OTHERWISE
    return apply_binary(row, a, b, "where", ("a", "b"))


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
