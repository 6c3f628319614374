"""What a type checker knows of a function that is made from another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeAlias, TypeVar, overload

P = ParamSpec("P")
Q = ParamSpec("Q")
X = TypeVar("X")
N = TypeVar("N", bound="PlainNumbers | Shaped")
R_co = TypeVar("R_co", covariant=True)


class Shaped(Protocol):
    """An array of any library, a series, a table."""

    @property
    def shape(self) -> Any: ...


class HasData(Protocol):
    """A Value of any engine."""

    @property
    def data(self) -> float: ...


#: what may stand for a number, whatever the function says itself: an array, a nesting, a Value
Argument: TypeAlias = float | HasData | Shaped | list[Any] | tuple[Any, ...] | dict[Any, Any]


#: numbers, of which no array is
PlainNumbers: TypeAlias = float | Sequence[float] | Sequence[Sequence[float]]


class Derived(Protocol[P, R_co]):
    """A function with the parameters of another one."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(self, first: Argument, /, *args: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, first: Any, second: Argument, /, *args: Any, **kwargs: Any) -> Any: ...


class Gradient(Protocol[P]):
    """A function with the parameters of another one, which gives what its first argument is."""

    @property
    def __wrapped__(self) -> Callable[..., Any]: ...
    @overload
    def __call__(
        self: Gradient[Concatenate[X, Q]], x: X, /, *args: Q.args, **kwargs: Q.kwargs
    ) -> X: ...
    @overload
    def __call__(self, x: Argument, /, *args: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, /, **kwargs: Any) -> Any: ...


class ValueAndGradient(Protocol[P, R_co]):
    """A function with the parameters of another one, which gives its value before the gradient."""

    # numbers give a number, also where the function says Value
    @overload
    def __call__(
        self: ValueAndGradient[Concatenate[N, Q], HasData],
        x: N,
        /,
        *args: Q.args,
        **kwargs: Q.kwargs,
    ) -> tuple[float, N]: ...
    @overload
    def __call__(
        self: ValueAndGradient[Concatenate[X, Q], R_co],
        x: X,
        /,
        *args: Q.args,
        **kwargs: Q.kwargs,
    ) -> tuple[R_co, X]: ...
    @overload
    def __call__(self, x: Argument, /, *args: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, /, **kwargs: Any) -> Any: ...
