"""The modes of a thread or task: `no_grad`, `detect_anomaly`, `scope`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar

from .. import errors
from . import readable_tracer, tracer
from .arithmetic import is_value
from .order import edges
from .source_lines import running_line_text

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Scope:
    """One entry of a `scope` block: the group of nodes made inside it."""

    __slots__ = ("__weakref__", "name", "outer")

    def __init__(self, name: str, outer: Scope | None = None) -> None:
        self.name: str = name
        self.outer: Scope | None = outer

    def __repr__(self) -> str:
        return f"Scope({self.name!r}, {self.outer!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Scope, (self.name, self.outer)


class Mode:
    """What holds inside one entry of a block."""

    __slots__ = ("anomaly", "block", "outer", "recording", "scope")

    def __init__(
        self,
        outer: Mode | None = None,
        block: Block[Any] | None = None,
        recording: bool = True,
        anomaly: bool = False,
        scope: Scope | None = None,
    ) -> None:
        self.outer: Mode | None = outer
        self.block: Block[Any] | None = block
        self.recording: bool = recording
        self.anomaly: bool = anomaly
        self.scope: Scope | None = scope


#: the open entries of the whole process; engines look at modes only when there is one
active: set[Mode] = set()

#: the entry that a thread or task is in
variable: ContextVar[Mode] = ContextVar("scalargrad mode")
_NONE = Mode()


def current() -> Mode:
    """Return the innermost entry that this thread or task is in and that is still open."""
    mode = variable.get(_NONE)
    while mode not in active and mode.outer is not None:  # left behind, e.g. in a task's context
        mode = mode.outer
    return mode


class Block(Generic[T]):
    """What `no_grad()` and the others return: a `with` block, or a decorator.

    One block may be entered any number of times, also inside itself and by many threads.
    """

    def __init__(self, change: Callable[[Mode], T], text: str = "a block") -> None:
        self._change = change
        self._text = text  # as it was written

    def __repr__(self) -> str:
        return self._text

    def _entry(self) -> tuple[Mode, T]:
        outer = current()
        mode = Mode(outer, self, outer.recording, outer.anomaly, outer.scope)
        return mode, self._change(mode)

    def __enter__(self) -> T:
        mode, made = self._entry()
        try:
            variable.set(mode)
            active.add(mode)
            return made
        except BaseException:  # an interrupt: nobody else would leave what is half entered
            _leave(mode)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        mode: Mode | None = None
        try:
            mode = self._entered()
            _leave(mode)
        finally:  # an interrupt before does not keep it open; one before this function can, where
            _leave(mode or self._entered())  # no engine leaves in C: use `call`, or a decorator

    def _entered(self) -> Mode:
        """Return the innermost open entry of this block."""
        mode = variable.get(_NONE)
        while mode.outer is not None and not (mode.block is self and mode in active):
            mode = mode.outer
        if mode is _NONE:  # entered in another context
            mode = next((mode for mode in list(active) if mode.block is self), _NONE)
        return mode

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        import inspect

        late = inspect.isgeneratorfunction, inspect.iscoroutinefunction, inspect.isasyncgenfunction
        if not callable(function) or any(runs_late(function) for runs_late in late):
            raise errors.OperandError(
                errors.unwanted(
                    "decorator", "wants a function that returns its result when called", function,
                    "write the with block inside",
                )
            )  # fmt: skip

        @functools.wraps(function)
        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            return self.call(function, *args, **kwargs)

        return inside

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function inside; no interrupt can leave the block open, whatever the engine."""
        mode, _ = self._entry()
        try:
            try:
                variable.set(mode)
                active.add(mode)
                return function(*args, **kwargs)
            finally:
                _leave(mode)
        finally:
            _leave(mode)  # where an interrupt came before the other one


def _leave(mode: Mode) -> None:
    active.discard(mode)
    if mode.outer is not None and variable.get(_NONE) is mode:  # else `current` steps over it
        variable.set(mode.outer)


def no_grad() -> Block[None]:
    """Compute without recording: results are leaves. Also a decorator.

    >>> import scalargrad as sg
    >>> x = sg.Value(3.0)
    >>> with sg.no_grad():
    ...     y = x * x
    >>> y.data, y.parents
    (9.0, ())
    """

    def change(mode: Mode) -> None:
        mode.recording = False

    return Block(change, "no_grad()")


def detect_anomaly() -> Block[None]:
    """Stop at the first operation whose value or gradient is not finite.

    Raises: `FloatingPointError` naming the operation, its operands and the source line that
    made it, at the operation itself or in a pass (`backward`, `gradients`, `grad`). A compiled
    function is run in every lane for it, before it is replayed.

    >>> import scalargrad as sg
    >>> with sg.detect_anomaly():
    ...     sg.log(sg.Value(0.0, label="x"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    scalargrad.errors.NonFiniteError: log(x=0.0): the value is -inf; keep ...; made at ...
    """

    def change(mode: Mode) -> None:
        mode.anomaly = True

    return Block(change, "detect_anomaly()")


def scope(name: str) -> Block[Scope]:
    """Name the group of nodes made inside; pictures draw it as a layer.

    Every entry of the block is a group of its own. Blocks nest.

    Raises: `TypeError` where the name is not a text, `ValueError` where it is empty.

    >>> import scalargrad as sg
    >>> with sg.scope("Affine"):
    ...     y = sg.Value(2.0) * 3.0
    >>> y.scope.name
    'Affine'
    """
    if not isinstance(name, str):
        raise errors.OperandError(
            errors.unwanted("scope", "the name must be a text", name, 'pass e.g. "Affine"')
        )
    if not name:
        raise errors.InputError(
            errors.unwanted("scope", "the name must not be empty", name, 'pass e.g. "Affine"')
        )

    def change(mode: Mode) -> Scope:
        mode.scope = Scope(name, mode.scope)
        return mode.scope

    return Block(change, f"scope({name!r})")


def recording() -> AbstractContextManager[None]:
    """Record, also inside `no_grad`; where that is so already, open no block: it costs time."""

    def change(mode: Mode) -> None:
        mode.recording = True

    return nullcontext() if not active or current().recording else Block(change)


def recording_in(group: Scope | None) -> Block[None]:
    """Record in a scope that exists already, whatever the blocks around say."""

    def change(mode: Mode) -> None:
        mode.recording, mode.anomaly, mode.scope = True, False, group

    return Block(change)


#: in place of a block: a function that is traced for `compile`
_TRACED = Block[None](lambda mode: None)


def call_traced(function: Callable[[], R]) -> R:
    """Call a function that is traced, in a context of its own: it records, and engines look here.

    One function is traced at a time: another entry of this kind was left by an interrupt.
    """
    for old in list(active):
        if old.block is _TRACED:
            active.discard(old)
    outer = current()
    mode = Mode(outer, _TRACED, True, outer.anomaly, outer.scope)
    variable.set(mode)
    active.add(mode)
    try:
        return function()
    finally:
        active.discard(mode)


def apply(node: Any) -> Any:
    """Give a fresh node what the open blocks of this thread ask for."""
    at_work = tracer.at_work()
    if isinstance(at_work, readable_tracer.Tracer):
        at_work.line(node)
    mode = current()
    if mode.anomaly:
        check_fresh(node)
    if not mode.recording:
        if isinstance(at_work, readable_tracer.Tracer):
            at_work.detach(node, node)
        node.op = ""
        node.operands = node.parents = node.partials = ()
        node._grad = 0.0
        node._notes = None
    elif mode.scope is not None:
        node._notes = {**(node._notes or {}), "scope": mode.scope}
    return node


def check_fresh(node: Any) -> None:
    """Note the line that made a fresh node, and raise where its value is not finite."""
    node._notes = {"line": running_line_text()}
    check(node, "value", node._data)


def anomaly() -> bool:
    """Tell whether this thread or task is inside `detect_anomaly`."""
    return bool(active) and current().anomaly


def check_pass(order: Sequence[Any], grads: Mapping[Any, float]) -> None:
    """Raise at the first gradient of a finished pass that is not finite."""
    for node in reversed(order):
        grad = grads[node]
        check(node, "gradient", grad)
        for position, parent, partial in edges(node):
            name = parent.label or f"operand {position + 1}"
            check(node, f"gradient passed to {name}", grad * partial)
    for node, grad in grads.items():
        check(node, "gradient", grad)


_REMEDY = "keep numbers inside the domain and of moderate size"


def check(node: Any, what: str, number: float) -> None:
    """Raise where a number that belongs to `node` is not finite."""
    if math.isfinite(number):
        return
    if not node.op:
        raise errors.NonFiniteError(f"Value {_operand(node)}: the {what} is {number}; {_REMEDY}")
    line = (node._notes or {}).get("line", "an unknown line: build it inside the block too")
    operands = ", ".join(_operand(operand) for operand in node.operands)
    raise errors.NonFiniteError(
        f"{node.op}({operands}): the {what} is {number}; {_REMEDY}; made at {line}"
    )


def _operand(operand: Any) -> str:
    if not is_value(operand):
        return repr(operand)
    return f"{operand.label}={operand._data!r}" if operand.label else repr(operand._data)
