"""What a Value can do: one line an operator or method, each naming its row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeGuard, TypeVar

from .. import errors
from ..table import ops
from ..table.row import ManyRow, Row
from ..table.written import docstring
from . import tracer
from .arguments import as_number, as_whole, number

Number: TypeAlias = float | int
A = TypeVar("A", bound="Arithmetic")


class Arithmetic:
    """Operators and methods; an engine supplies `_unary`, `_binary` and `_many`."""

    __slots__ = ()

    if TYPE_CHECKING:
        _data: float
        _grad: float | None
        parents: tuple[Any, ...]
        _many: Callable[..., Any]
        _record: Callable[..., Any]

        def _unary(self, row: Row, x: Any, /) -> Self: ...
        def _binary(self, row: Row, x: Any, y: Any, /) -> Self: ...

    # fmt: off
    def __add__(self, other: Self | Number) -> Self: return self._binary(ops.ADD, self, other)
    def __radd__(self, other: Number) -> Self: return self._binary(ops.ADD, other, self)
    def __sub__(self, other: Self | Number) -> Self: return self._binary(ops.SUB, self, other)
    def __rsub__(self, other: Number) -> Self: return self._binary(ops.SUB, other, self)
    def __mul__(self, other: Self | Number) -> Self: return self._binary(ops.MUL, self, other)
    def __rmul__(self, other: Number) -> Self: return self._binary(ops.MUL, other, self)
    def __truediv__(self, other: Self | Number) -> Self: return self._binary(ops.DIV, self, other)
    def __rtruediv__(self, other: Number) -> Self: return self._binary(ops.DIV, other, self)
    def __pow__(self, other: Self | Number) -> Self: return self._binary(ops.POW, self, other)
    def __rpow__(self, other: Number) -> Self: return self._binary(ops.POW, other, self)
    def __floordiv__(self, other: Self | Number) -> Self:
        return self._binary(ops.FLOORDIV, self, other)
    def __rfloordiv__(self, other: Number) -> Self: return self._binary(ops.FLOORDIV, other, self)
    def __mod__(self, other: Self | Number) -> Self: return self._binary(ops.MOD, self, other)
    def __rmod__(self, other: Number) -> Self: return self._binary(ops.MOD, other, self)
    def __divmod__(self, other: Self | Number) -> tuple[Self, Self]:
        return _divmod(self, self, other)
    def __rdivmod__(self, other: Number) -> tuple[Self, Self]: return _divmod(self, other, self)
    def __neg__(self) -> Self: return self._unary(ops.NEG, self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Self: return self._unary(ops.ABS, self)
    def __floor__(self) -> Self: return self._unary(ops.FLOOR, self)
    def __ceil__(self) -> Self: return self._unary(ops.CEIL, self)
    def __trunc__(self) -> Self: return self._unary(ops.TRUNC, self)

    # == written from the table: methods
    def exp(self) -> Self: return self._unary(ops.EXP, self)
    def expm1(self) -> Self: return self._unary(ops.EXPM1, self)
    def exp2(self) -> Self: return self._unary(ops.EXP2, self)
    def log(self) -> Self: return self._unary(ops.LOG, self)
    def log1p(self) -> Self: return self._unary(ops.LOG1P, self)
    def log2(self) -> Self: return self._unary(ops.LOG2, self)
    def log10(self) -> Self: return self._unary(ops.LOG10, self)
    def sqrt(self) -> Self: return self._unary(ops.SQRT, self)
    def cbrt(self) -> Self: return self._unary(ops.CBRT, self)
    def sin(self) -> Self: return self._unary(ops.SIN, self)
    def cos(self) -> Self: return self._unary(ops.COS, self)
    def tan(self) -> Self: return self._unary(ops.TAN, self)
    def asin(self) -> Self: return self._unary(ops.ASIN, self)
    def acos(self) -> Self: return self._unary(ops.ACOS, self)
    def atan(self) -> Self: return self._unary(ops.ATAN, self)
    def degrees(self) -> Self: return self._unary(ops.DEGREES, self)
    def radians(self) -> Self: return self._unary(ops.RADIANS, self)
    def sinh(self) -> Self: return self._unary(ops.SINH, self)
    def cosh(self) -> Self: return self._unary(ops.COSH, self)
    def tanh(self) -> Self: return self._unary(ops.TANH, self)
    def asinh(self) -> Self: return self._unary(ops.ASINH, self)
    def acosh(self) -> Self: return self._unary(ops.ACOSH, self)
    def atanh(self) -> Self: return self._unary(ops.ATANH, self)
    def sigmoid(self) -> Self: return self._unary(ops.SIGMOID, self)
    def relu(self) -> Self: return self._unary(ops.RELU, self)
    def softplus(self) -> Self: return self._unary(ops.SOFTPLUS, self)
    def silu(self) -> Self: return self._unary(ops.SILU, self)
    def erf(self) -> Self: return self._unary(ops.ERF, self)
    def erfc(self) -> Self: return self._unary(ops.ERFC, self)
    def erfinv(self) -> Self: return self._unary(ops.ERFINV, self)
    def ndtr(self) -> Self: return self._unary(ops.NDTR, self)
    def log_ndtr(self) -> Self: return self._unary(ops.LOG_NDTR, self)
    def gelu(self) -> Self: return self._unary(ops.GELU, self)
    def floor(self) -> Self: return self._unary(ops.FLOOR, self)
    def ceil(self) -> Self: return self._unary(ops.CEIL, self)
    def trunc(self) -> Self: return self._unary(ops.TRUNC, self)
    def rint(self) -> Self: return self._unary(ops.RINT, self)
    # == end of methods
    # what NumPy asks for where it has another name, or asks a method for two operands
    # == written from the table: methods of NumPy
    def fabs(self) -> Self: return self._unary(ops.ABS, self)
    def hypot(self, other: Self | Number) -> Self:
        return self._of_two(ops.HYPOT, other)
    def arcsin(self) -> Self: return self._unary(ops.ASIN, self)
    def arccos(self) -> Self: return self._unary(ops.ACOS, self)
    def arctan(self) -> Self: return self._unary(ops.ATAN, self)
    def arctan2(self, other: Self | Number) -> Self:
        return self._of_two(ops.ATAN2, other)
    def rad2deg(self) -> Self: return self._unary(ops.DEGREES, self)
    def deg2rad(self) -> Self: return self._unary(ops.RADIANS, self)
    def arcsinh(self) -> Self: return self._unary(ops.ASINH, self)
    def arccosh(self) -> Self: return self._unary(ops.ACOSH, self)
    def arctanh(self) -> Self: return self._unary(ops.ATANH, self)
    def fmod(self, other: Self | Number) -> Self:
        return self._of_two(ops.FMOD, other)
    # == end of methods of NumPy

    def leaky_relu(self, slope: Self | Number = 0.01) -> Self:
        return self._of_two(ops.LEAKY_RELU, slope, "slope")

    def __round__(self, digits: int | None = None) -> Self:
        """Round to some digits after the point, half-way to the even one, as Python does.

        Maths: z = the nearest multiple of 10^(−digits), dz/dx = 0
        Raises: `TypeError` where the digits are no whole number from −22 to 22.
        """
        return _rounded(self, digits)

    def conjugate(self) -> Self:
        """Return the Value itself, which is real: NumPy asks for it in a variance."""
        return self

    def _of_two(self, row: Row, other: Any, what: str = "y") -> Self:
        result = NotImplemented if isinstance(other, complex) else self._binary(row, self, other)
        if result is NotImplemented:  # what is no number is refused
            result = self._binary(row, self, number(row.name, what, other))
        return result

    # comparisons are of the numbers; a graph has no order
    def __eq__(self, other: object) -> bool: return _compare("__eq__", self, other)
    def __ne__(self, other: object) -> bool: return _compare("__ne__", self, other)
    def __lt__(self, other: Self | Number) -> bool: return _compare("__lt__", self, other)
    def __le__(self, other: Self | Number) -> bool: return _compare("__le__", self, other)
    def __gt__(self, other: Self | Number) -> bool: return _compare("__gt__", self, other)
    def __ge__(self, other: Self | Number) -> bool: return _compare("__ge__", self, other)
    __hash__: ClassVar[Callable[[object], int]] = object.__hash__
    # fmt: on


if TYPE_CHECKING:

    def is_value(thing: object, /) -> TypeGuard[Any]:
        """Tell whether a thing is a Value, of either engine."""

else:  # the same as isinstance(thing, Arithmetic), without a frame: it stands in every function
    is_value = Arithmetic.__instancecheck__


def data_of(thing: Any) -> Any:
    """Return the number of a Value, and anything else as it is."""
    return thing._data if isinstance(thing, Arithmetic) else thing


def are_values(things: Iterable[Any], *others: type) -> bool:
    """Tell whether things are all Values, or of some other types; of many it looks at types only.

    >>> are_values([1.0, 2.0]), are_values([1.0, 2.0], float)
    (False, True)
    """
    return all(kind in others or issubclass(kind, Arithmetic) for kind in set(map(type, things)))


def _rounded(x: A, digits: object) -> A:
    if digits is None:
        return x._unary(ops.RINT, x)
    count = as_whole(digits)
    if count is None or abs(count) > _MOST_DIGITS:
        must = f"digits must be a whole number from -{_MOST_DIGITS} to {_MOST_DIGITS}"
        raise errors.OperandError(errors.unwanted("round", must, digits, "pass e.g. 2"))
    return x._binary(ops.ROUND, x, float(count))


def _divmod(one: A, x: Any, y: Any) -> tuple[A, A]:
    quotient = one._binary(ops.FLOORDIV, x, y)
    if quotient is NotImplemented:
        return NotImplemented  # type: ignore[no-any-return]
    return quotient, one._binary(ops.MOD, x, y)


#: the powers of ten that are doubles
_MOST_DIGITS = 22

#: name of a method -> the row it names
METHOD_ROWS: dict[str, Row | ManyRow] = {}

for _method_name, _method in list(vars(Arithmetic).items()):
    for _name in getattr(getattr(_method, "__code__", None), "co_names", ()):
        if isinstance(_row := getattr(ops, _name, None), (Row, ManyRow)):
            METHOD_ROWS[_method_name] = _row
            _method.__doc__ = docstring(_row)


def _compare(method: str, x: Arithmetic, other: object) -> bool:
    y = data_of(other)
    if not isinstance(y, (float, int)):  # an int of any size compares as it does with a float
        y = None if isinstance(y, complex) else as_number(y)
    if y is None:
        return NotImplemented  # type: ignore[no-any-return]
    outcome: bool = getattr(x._data, method)(y)
    if tracer.current is not None and tracer.is_on():
        right: Any = other if is_value(other) else y
        truth: bool = tracer.note_guard(_METHODS.index(method), x, right, outcome)
        return truth
    return outcome


#: the comparisons, in the order of `codes.COMPARISONS`
_METHODS = ("__lt__", "__le__", "__eq__", "__ne__", "__gt__", "__ge__")
