"""What every Value has beside its arithmetic: fields, label, text, and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from .. import errors
from . import refusals, tracer
from .arguments import number
from .modes import Scope


class Node:
    """The fields of a Value as users see them."""

    __slots__ = ()

    if TYPE_CHECKING:
        _data: float
        _grad: float | None  # None in an interior node that no pass has reached
        _notes: dict[str, Any] | None
        op: str
        operands: tuple[Any, ...]
        parents: tuple[Any, ...]
        partials: tuple[float, ...]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for method in ("__eq__", "__hash__"):  # a walk must tell two nodes apart, always
            if vars(cls).get(method, getattr(object, method)) is not getattr(object, method):
                raise errors.OperandError(
                    f"{cls.__name__}: a subclass of Value must keep {method}, graphs are walked by"
                    " identity; got one of its own; give the comparison another name"
                )

    @property
    def data(self) -> float:
        """The number, always an exact float."""
        if tracer.current is not None and tracer.is_on():
            raise refusals.frozen_read("data")
        return self._data

    @data.setter
    def data(self, value: float) -> None:
        if tracer.current is not None and tracer.is_on():
            raise refusals.frozen_write("data")
        self._data = number("Value", "data", value)  # type: ignore[misc]

    @property
    def grad(self) -> float:
        """The gradient: of the latest pass in an interior node, of all passes in a leaf."""
        if tracer.current is not None and tracer.is_on():
            raise refusals.frozen_read("grad")
        return 0.0 if self._grad is None else self._grad

    @grad.setter
    def grad(self, value: float) -> None:
        if tracer.current is not None and tracer.is_on():
            raise refusals.frozen_write("grad")
        self._grad = number("Value", "grad", value, "0.0")  # type: ignore[misc]

    @property
    def label(self) -> str:
        """The name that pictures and messages use, or an empty text."""
        return str((self._notes or {}).get("label", ""))

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            raise errors.OperandError(
                errors.unwanted("Value", "label must be a text", text, 'pass e.g. "x"')
            )
        self._notes = {**(self._notes or {}), "label": str(text)}  # type: ignore[misc]

    @property
    def scope(self) -> Scope | None:
        """The innermost `scope` block in which this node was made."""
        return (self._notes or {}).get("scope")

    @property
    def _prev(self) -> tuple[Self, ...]:
        """The parents, under micrograd's name."""
        return self.parents

    @property
    def _op(self) -> str:
        """The operation, under micrograd's name."""
        return self.op

    def __repr__(self) -> str:
        parts = [f"data={self._data!r}", f"grad={self._grad or 0.0!r}"]
        if tracer.is_on():  # whoever prints is not to take a number along that never changes
            parts = ["recorded"]
        parts += [f"op={self.op!r}"] * bool(self.op)
        parts += [f"label={self.label!r}"] * bool(self.label)
        return f"{type(self).__name__}({', '.join(parts)})"

    def __format__(self, spec: str) -> str:
        if spec and tracer.is_on():
            raise refusals.frozen_text()
        return format(self._data, spec) if spec else str(self)

    def _refuse(self, function: str) -> NoReturn:
        if function in ("int", "index"):
            number = "" if tracer.is_on() else ", int(v.data) for the number"
            remedy = f"write sg.take(rows, sg.floor(v)) for an element{number}"
        elif function == "complex":
            number = "" if tracer.is_on() else "write v.data for the number, or "
            remedy = f"{number}compute with real and imaginary parts: sg.cos(v) and sg.sin(v) are"
            remedy += " those of cmath.exp(1j * v)"
        else:
            number = "" if tracer.is_on() else "write v.data for the number, or "
            remedy = f"{number}use a scalargrad function (sg.exp(v), not math.exp(v)), or an array"
            remedy += " of dtype=object, to keep the gradient"
        raise errors.OperandError(
            f"{function}: a Value is not turned into a plain number silently, the gradient would"
            f" be lost; got {self!r}; {remedy}"
        )

    def __bool__(self) -> bool:
        raise errors.OperandError(
            "bool: a Value is not turned into true or false silently, one whose number is 0 would"
            f" drop out with its gradient; got {self!r}; write v != 0, or v is not None"
        )

    # fmt: off
    def __float__(self) -> float: self._refuse("float")
    def __int__(self) -> int: self._refuse("int")
    def __index__(self) -> int: self._refuse("index")
    def __complex__(self) -> complex: self._refuse("complex")
    # fmt: on


def parents_given(given: tuple[Any, ...]) -> errors.OperandError:
    """Return the error for a leaf that is to have parents, as other libraries make nodes."""
    return errors.OperandError(
        errors.unwanted(
            "Value", "takes a number and a label, its parents come from operations", given,
            'write scalargrad.record(data, parents, partials, op="name")',
        )
    )  # fmt: skip
