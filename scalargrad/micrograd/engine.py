"""micrograd's Value, with the numbers, the depth and the speed of scalargrad.

A Value is true, whatever its number, and equal to itself alone. It takes attributes, and so does a
result, which is of the class of its operands. Every plain number becomes a leaf.

What differs from micrograd 0.1.0:

- A second `backward()` on one graph adds to the leaves what the first one added. There it also
  starts from what the nodes between still hold, and `x*x*x` at 3 gets 72 instead of 54.
- The derivative is taken where the value was computed. There it reads `.data` when `backward()`
  comes, so that a parameter which was moved in between gives the derivative of neither place.
- Numbers are floats, or ints up to 2**53, by the rules of IEEE: beyond their range is `inf`, and a
  root of a negative number is `nan`. There they are what was given: arrays, fractions, complex
  numbers and ints of any size too. What is no real number is refused here.
- Any depth: there is no recursion. Graphs can be copied and pickled.
- `_prev` is a set of its own each time it is read: assign to it, do not add to it.
- A subclass gets results of its class, made without its `__init__`. There they are plain Values.
- What micrograd lacks is there: powers of two Values, `<` and `>` by number, `exp`, `tanh` and the
  other functions, and the pictures of scalargrad.
- `op`, `operands`, `parents`, `partials` and `scope` are scalargrad's until they are assigned; then
  the program reads what it wrote, and scalargrad goes on with its own.
- `data`, `grad`, `label`, `_prev`, `_op`, `_backward`, `_children`, `_local_grads` take what makes
  sense there; `_data _grad _marks _notes _sweep _gradients` are scalargrad's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from .. import errors
from .._engine import engine
from ..core import kin, modes, refusals, tracer
from ..core.arguments import number
from ..core.arithmetic import is_value
from ..core.order import post_order
from ..functions.custom import with_derivatives
from ..table.row import ROWS

if TYPE_CHECKING or engine == "python":
    from .relatives import Kin
else:
    from .._native import Kin

__all__ = ["Value"]

#: the texts of micrograd, where they are not the symbol
_TEXTS = {"mul": "*", "relu": "ReLU", "?": ""}
#: what a node is called in scalargrad that was given no operation
_UNNAMED = "?"


class Value(Kin):
    """Hold a number and its gradient, as micrograd's Value does.

    >>> a, b = Value(2), Value(-3.0)
    >>> c = a * b + 1
    >>> c.backward()
    >>> a, c._op, len(c._prev)
    (Value(data=2, grad=-3.0), '+', 2)
    """

    if not TYPE_CHECKING:
        __slots__ = ()  # the base has a dictionary

    def __init__(
        self,
        data: float,
        _children: Iterable[Any] = (),
        _op: Any = "",
        *,
        children: Iterable[Any] = (),
        local_grads: Iterable[float] | None = None,
        label: Any = "",
    ) -> None:
        """Make a leaf; or a node, whose `_backward` or local derivatives are the caller's."""
        if not Kin._start(self, data, _children, _op) or children:
            Value._link(self, tuple(_children or children), _op, local_grads)
        if label != "":
            self.label = label

    # -- numbers ---------------------------------------------------------------------------

    def item(self) -> float:
        """Return the number."""
        return self.data

    # -- operators, made of others as micrograd's are ---------------------------------------------

    # fmt: off
    def __neg__(self) -> Any: return self * -1
    def __sub__(self, other: Any) -> Any: return self + (-other)
    def __rsub__(self, other: Any) -> Any: return other + (-self)
    def __truediv__(self, other: Any) -> Any: return self * other**-1
    def __rtruediv__(self, other: Any) -> Any: return other * self**-1
    def pow(self, other: Any) -> Any:
        """Raise to a power."""
        return self**other

    def __bool__(self) -> bool: return True
    __eq__: ClassVar[Callable[[object, object], bool]] = object.__eq__
    __ne__: ClassVar[Callable[[object, object], bool]] = object.__ne__
    __hash__: ClassVar[Callable[[object], int]] = object.__hash__
    # fmt: on

    def __repr__(self) -> str:
        if tracer.is_on():
            return super().__repr__()
        return f"Value(data={self.data}, grad={self.grad})"

    @staticmethod
    def no_grad() -> modes.Block[None]:
        """Return `scalargrad.no_grad()`: a block in which results are leaves."""
        return modes.no_grad()

    # -- the graph -------------------------------------------------------------------------

    @property
    def label(self) -> Any:
        """Whatever was given as a label; texts are names in pictures."""
        return self.__dict__.get("label", Kin.label.__get__(self))

    @label.setter
    def label(self, label: Any) -> None:
        self.__dict__.pop("label", None)
        if isinstance(label, str):
            Kin.label.__set__(self, label)  # type: ignore[attr-defined]
        else:
            self.__dict__["label"] = label

    @property  # type: ignore[override]
    def _prev(self) -> set[Any]:
        """The operands, plain numbers as leaves."""
        return set(self.parents)

    @_prev.setter
    def _prev(self, children: Iterable[Any]) -> None:
        Value._link(self, tuple(children), self._op, None)

    @property
    def _op(self) -> str:
        """The operation in the texts of micrograd, or its symbol."""
        if "_op" in self.__dict__:
            return str(self.__dict__["_op"])
        if self.op == "pow" and not is_value(self.operands[1]):
            exponent = self.operands[1]
            return f"**{int(exponent) if self._marks & kin.WHOLE_EXPONENT else exponent}"
        row = ROWS.get(self.op)
        return _TEXTS.get(self.op, row.symbol if row else self.op)

    @_op.setter
    def _op(self, text: str) -> None:
        self.__dict__["_op"] = text

    def _handed_on(self) -> tuple[float, ...]:
        """Return the derivative by each operand; of a function of one's own, what it hands on."""
        if self._marks & kin.OWN_BACKWARD and self.parents:
            return Value._measured(self)
        return Kin.partials.__get__(self)  # type: ignore[attr-defined, no-any-return]

    if not TYPE_CHECKING:
        op, operands, parents = map(kin.FreeName, (Kin.op, Kin.operands, Kin.parents))
        partials, scope = kin.FreeName(Kin.partials, _handed_on), kin.FreeName(Kin.scope)

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        kin.keep_names(cls)

    def _measured(self) -> tuple[float, ...]:
        """Return what a backward of one's own hands on, a unit of gradient; nothing is changed."""
        nodes = (self, *self.parents)
        kept = [(node, node._grad, getattr(node, "_marks", 0)) for node in nodes]
        upstream = self._grad or 1.0
        try:
            for parent in self.parents:
                parent.grad = 0.0
            self.grad = upstream
            self._backward()
            return tuple((parent._grad or 0.0) / upstream for parent in self.parents)
        finally:
            for node, grad, marks in kept:
                node._grad = grad
                if isinstance(node, Kin):
                    node._marks = marks

    @property
    def _children(self) -> tuple[Any, ...]:
        """The operands in order, as GPT scripts name them."""
        return self.parents

    @_children.setter
    def _children(self, children: Iterable[Any]) -> None:
        Value._link(self, tuple(children), self._op, None)

    @property
    def _local_grads(self) -> tuple[float, ...]:
        """The derivative by each operand, as GPT scripts name them."""
        return self.partials

    @_local_grads.setter
    def _local_grads(self, partials: Iterable[float]) -> None:
        Value._link(self, self.parents, self._op, tuple(partials))

    def _link(self, children: tuple[Any, ...], op: Any, local_grads: Any) -> None:
        """Take operands, with derivatives by them or else without a way back."""
        Value._check(self, children)
        if not isinstance(op, str):
            op, local_grads = "", op
        if local_grads is None:
            children = tuple(dict.fromkeys(children))
            partials = (math.nan,) * len(children)  # not known, and not 0
        else:
            partials = tuple(number("Value", "each local derivative", x) for x in local_grads)
        if len(partials) != len(children):
            raise errors.InputError(
                f"Value: needs one local derivative a child; got {len(children)} children and"
                f" {len(partials)} derivatives; pass as many"
            )
        if modes.active and not modes.current().recording:
            children = partials = ()
        self.__dict__.pop("_op", None)
        Kin._relink(self, (op or _UNNAMED) if children else "", children, partials)
        self._marks &= ~kin.OWN_BACKWARD
        if children and local_grads is None:
            self._marks |= kin.OWN_BACKWARD
        if op and (op in ROWS or not children):
            self._op = op
            with_derivatives(self)  # it is not that row

    def _check(self, children: tuple[Any, ...]) -> None:
        if tracer.is_on():
            raise refusals.unknown_operation("Value")
        for child in children:
            if not is_value(child):
                raise errors.OperandError(
                    errors.unwanted("Value", "children must be Values", child, "write Value(2.0)")
                )
        is_below = self._marks & kin.USED and any(n is self for n in post_order(*children))
        if is_below or any(child is self for child in children):
            raise errors.InputError(
                "Value: a child must not be computed from its own result; got a circle;"
                " make a new Value"
            )

    # -- backward ----------------------------------------------------------------------------

    def backward(self, upstream: float = 1) -> None:
        """Compute the gradients of everything below, by the functions of one's own where there
        are some.
        """
        if not self.parents and not self._marks & kin.OWN_BACKWARD:
            self.grad = upstream
            return
        order = Kin._pass(self, upstream)
        if order is None:
            return
        for node in order:
            if node.parents:
                node.grad = 0
        self.grad = upstream
        for node in reversed(order):
            if node.parents or node._marks & kin.OWN_BACKWARD:
                node._backward()

    def _sweep(self, upstream: float) -> Any:
        with Value._all_measured(self):
            return super()._sweep(float(upstream))

    def _gradients(self, upstream: float, values: list[Any]) -> list[float]:
        with Value._all_measured(self):
            return super()._gradients(upstream, values)

    @contextmanager
    def _all_measured(self) -> Iterator[None]:
        """Let functions of one's own take part in passes that hand no gradient to any node."""
        own = [n for n in post_order(self) if getattr(n, "_marks", 0) & kin.OWN_BACKWARD]
        links = [(n, n.op, n.operands, Kin.partials.__get__(n)) for n in own]  # type: ignore[attr-defined]
        try:
            for node, op, operands, _ in links:
                if operands:
                    Kin._relink(node, op, operands, Value._measured(node))
                    node._marks &= ~kin.OWN_BACKWARD  # its partials are what it hands on
            yield
        finally:
            for node, *link in links:
                Kin._relink(node, *link)
                node._marks |= kin.OWN_BACKWARD

    def detach(self) -> Any:
        """Return a leaf with the same number and label, cut off from the graph."""
        leaf = type(self).__new__(type(self))
        Value.__init__(leaf, self.data, label=self.label)
        return leaf
