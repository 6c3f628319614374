"""`compile`: a function traced once and replayed, at one point or over a whole batch."""

from __future__ import annotations

import copy
import functools
import inspect
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from .. import errors
from .._engine import Value, quick
from ..calculus import transforms
from ..calculus.graph_gradients import graph_sweep
from ..core import modes, refusals, tracer
from ..core.arguments import whole
from ..core.arithmetic import data_of, is_value
from ..core.around import Inputs, call_inside
from ..core.nesting import NUMBER, Container, Structure
from ..core.pickles import Reader, content_of
from ..core.signatures import Argument, PlainNumbers
from ..functions import elementary
from ..functions.custom import with_derivatives
from ..table.row import digest
from . import calls, variants
from .derivatives import Derivative, replayed
from .flattening import columns, flatten_result
from .lane_arguments import Lanes, Seen, lanes_of
from .lanes_on_paths import run_batch, run_point, warn_of_unsolved
from .listing import counted
from .paths import Collected, Path, Paths, add_sums
from .pickled import Elsewhere, check_fields, qualified_name
from .recordings import Recordings
from .replay import BY_CAPTURED, BY_INPUTS, UNSOLVED, VALUES, Point
from .staged import runner_for
from .tape import Tape
from .tracing import trace
from .watched import Watched

MODES = ("strict", "fast")
CHOICES = ("paths", "lanes")  # how `max` and `min` of Python choose: see choices.py

#: so many kinds of arguments, as lists of other lengths, are remembered; then the oldest goes
MOST_KINDS = 256

#: so often what was traced is kept for when the same is found outside again: a flag, to and fro
MOST_EARLIER = 16

#: after so many recordings in a row, for other things found outside each time, it is said
TIMES_ANEW = 8

P = ParamSpec("P")
Q = ParamSpec("Q")
N = TypeVar("N", bound=PlainNumbers)
W = TypeVar("W", bound=Value)
R = TypeVar("R")
S = TypeVar("S")


class Compiled(Generic[P, R]):
    """A function that is traced when it is first called, and replayed from then on."""

    #: what answers calls like the last one in C: see calls.py
    _last_call: Any = None
    _last_gradient: Any = None
    _last_backward: Any = None

    _many_paths = "pass a larger max_paths to compile"  # the remedy where there are too many

    def __init__(
        self,
        function: Callable[..., Any],
        mode: str,
        threads: int,
        max_paths: int | None,
        static: tuple[str, ...] = (),
        choose: str = "paths",
    ) -> None:
        self.function: Callable[..., Any] = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.mode: str = mode
        self.threads: int = threads
        self.max_paths: int | None = max_paths
        self.static: tuple[str, ...] = static
        self.choose: str = choose
        self._orders: dict[tuple[Any, ...], list[str]] = {}  # of names, by those that are given
        #: of other static arguments, and of others by name: the last one called stands last
        self._variants: OrderedDict[Any, Compiled[..., Any]] = OrderedDict()
        self._paths: dict[tuple[Structure, ...], Paths] = {}
        self._watched: Watched | None = None  # what was found outside, when these paths were traced
        self._earlier: list[tuple[Watched, dict[tuple[Structure, ...], Paths]]] = []
        self._times_anew = 0  # in a row that other things were found outside
        self._recordings = Recordings()
        self._seen: Seen | None = None
        self._inners: dict[str, Compiled[..., Any]] = {}  # derivatives that are recorded
        self._classes: dict[type, Compiled[..., Any]] = {}
        self._attribute = f"_compiled {self.name} {id(self)}"  # a child may have one of that name
        functools.update_wrapper(self, function, updated=())

    # -- calls -------------------------------------------------------------------------------

    # numbers give numbers, also where the function says Value; beside arrays stands anything
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self: Compiled[Concatenate[N, W, Q], Value],
        x: N,
        w: W,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> Value: ...
    @overload
    def __call__(
        self: Compiled[Concatenate[N, Q], Value],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> float: ...
    @overload
    def __call__(
        self: Compiled[Concatenate[N | Value, Q], Value],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> float: ...
    @overload
    def __call__(
        self: Compiled[Concatenate[N, Q], list[Value]],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> list[float]: ...
    @overload
    def __call__(
        self: Compiled[Concatenate[N | Value, Q], list[Value]],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> list[float]: ...
    @overload
    def __call__(self, /, *arguments: P.args, **named: P.kwargs) -> R: ...
    @overload
    def __call__(self, first: Argument, /, *arguments: Any, **named: Any) -> Any: ...
    @overload
    def __call__(self, first: Any, second: Argument, /, *arguments: Any, **named: Any) -> Any: ...
    @overload
    def __call__(self, /, **named: Any) -> Any: ...
    @functools.partial(quick, kind="replay_call")
    def __call__(self: Any, /, *arguments: Any, **named: Any) -> Any:
        """Return what the function returns: numbers for a point, arrays for a batch.

        Numbers, lists and tuples are one point. The first axis of an array is the batch, numbers
        beside arrays are shared by all lanes. With Values the result is one node of their graph.
        A lane in which an equation or a matrix has no solution is nan, which is warned of once.
        """
        if named or self.static:
            variant, arguments, _ = self._variant(arguments, named)
            return variant(*arguments)
        arguments, structures, lanes = self._taken(arguments)
        if tracer.is_on():  # its operations belong to the function that is being traced
            self._check_inside(lanes)
            return self.function(*arguments)
        if lanes.has_values:
            return self._on_values(arguments, structures, lanes.shared)
        paths = self._ready(structures, lanes, back=False)
        if lanes.is_point:
            path, point = run_point(paths, lanes.shared, VALUES)
            codes = functools.partial(calls.result, path.structure)
            if self._count_call():
                self._last_call = calls.remember(paths, path, structures, "call", VALUES, codes)
            return path.structure.unflatten(iter(point.values))
        batch = self._batch(paths, arguments, lanes, VALUES, 1.0)
        return columns(batch.structure, batch.values)

    @overload
    def value_and_grad(  # type: ignore[overload-overlap]
        self: Compiled[Concatenate[N, W, Q], Value],
        x: N,
        w: W,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> tuple[Value, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self: Compiled[Concatenate[N, Q], Value],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> tuple[float, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self: Compiled[Concatenate[N | Value, Q], Value],
        x: N,
        /,
        *arguments: Q.args,
        **named: Q.kwargs,
    ) -> tuple[float, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self, /, *arguments: P.args, **named: P.kwargs
    ) -> tuple[R, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self, first: Argument, /, *arguments: Any, **named: Any
    ) -> tuple[Any, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(
        self, first: Any, second: Argument, /, *arguments: Any, **named: Any
    ) -> tuple[Any, tuple[Any, ...]]: ...
    @overload
    def value_and_grad(self, /, **named: Any) -> tuple[Any, tuple[Any, ...]]: ...
    @functools.partial(quick, kind="replay_gradient")
    def value_and_grad(self: Any, /, *arguments: Any, **named: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the value and its gradient by every argument, for every lane.

        The gradients stand in a tuple, also where there is one argument, in the order of the
        function's parameters, also of named ones; `sg.value_and_grad(f)` gives that by the first.
        Raises: `TypeError` where the function does not return one number.
        """
        if named or self.static:
            variant, arguments, _ = self._variant(arguments, named)
            of_variant: tuple[Any, tuple[Any, ...]] = variant.value_and_grad(*arguments)
            return of_variant
        arguments, structures, lanes = self._taken(arguments)
        if tracer.is_on():
            self._check_inside(lanes)
        if lanes.has_values or tracer.is_on():
            every = tuple(range(len(arguments)))
            on_values: tuple[Any, tuple[Any, ...]] = transforms.value_and_grad(
                self.function, argnums=every
            )(*arguments)
            return on_values
        paths = self._ready(structures, lanes, back=True)
        if lanes.is_point:
            path, point = run_point(paths, lanes.shared, BY_INPUTS)
            self._check_one(path.structure)
            assert point.inputs is not None
            both = Container(tuple, (NUMBER, Container(tuple, tuple(paths.gradients))))
            codes = functools.partial(calls.result, both)
            if self._count_call():
                self._last_gradient = calls.remember(
                    paths, path, structures, "gradient", BY_INPUTS, codes
                )
            result: tuple[Any, tuple[Any, ...]]
            result = both.unflatten(iter([point.values[0], *point.inputs]))
            return result
        collected = self._batch(paths, arguments, lanes, BY_INPUTS, 1.0)
        self._check_one(collected.structure)
        grads = map(columns, paths.gradients, collected.inputs)
        return collected.values[:, 0], tuple(grads)

    @functools.partial(quick, kind="replay_backward")
    def backward(self, /, *arguments: Any, reduction: str = "mean", **named: Any) -> float:
        """Add the gradient of the mean, or of the sum, over all lanes to what was captured.

        The Values that the function captured, a model's parameters, get it in their `grad`.
        Returns the mean or the sum.

        Raises: `TypeError` where the function does not return one number; nothing is added then.
        """
        if reduction not in ("mean", "sum"):
            raise errors.InputError(
                errors.unwanted(
                    self.name, 'reduction must be "mean" or "sum"', reduction, "leave it out"
                )
            )
        if tracer.is_on():
            raise refusals.frozen_pass()
        if named or self.static:
            variant, arguments, _ = self._variant(arguments, named)
            return variant.backward(*arguments, reduction=reduction)
        arguments, structures, lanes = self._taken(arguments)
        if lanes.has_values:
            raise errors.OperandError(
                f"{self.name}: backward wants numbers and arrays; got a Value; call the function"
                " and use the backward() of what it returns"
            )
        paths = self._ready(structures, lanes, back=True)
        if lanes.is_point:
            path, point = run_point(paths, lanes.shared, BY_CAPTURED)
            self._check_one(path.structure)
            add_sums([(path, point.captured)])
            if self._count_call() and path.are_leaves:
                codes = functools.partial(calls.result, NUMBER)
                self._last_backward = calls.remember(
                    paths, path, structures, "backward", BY_CAPTURED, codes
                )
            return point.values[0]
        share = 1.0 / lanes.count if reduction == "mean" else 1.0
        collected = self._batch(paths, arguments, lanes, BY_CAPTURED, share)
        self._check_one(collected.structure)
        add_sums(collected.captured)
        total = paths.known[0].runner.total(collected.values)
        return total / lanes.count if reduction == "mean" else total

    # -- derivatives: see derivatives.py -----------------------------------------------------

    def _derivative(self, who: str, argnums: Any, eager: Callable[..., Any]) -> Callable[..., Any]:
        """Return what `grad` and its kin make of this function."""
        if who != "hessian":
            return Derivative(who, self, argnums, eager)
        if self.static:
            return eager
        gradient = self._inner(
            f"{who} {argnums}",
            lambda function, *args: transforms.gradient_for(who, function, argnums)(*args),
        )
        return Derivative("jacobian", gradient, argnums, eager, is_second=True)

    def _replayed(
        self, who: str, transformed: Callable[..., Any], args: Sequence[Any]
    ) -> tuple[Any] | None:
        """Return what a transformation gives at numbers, in a tuple; None where that is eager's."""
        return None if self.static else replayed(self, who, transformed, args)

    def _inner(self, who: str, transformed: Callable[..., Any]) -> Compiled[..., Any]:
        """Return a transformation of the function, compiled too."""
        if who not in self._inners:
            function = self.function

            def inner(*args: Any) -> Any:
                return transformed(function, *args)

            functools.update_wrapper(inner, function, assigned=(), updated=())
            inner.__name__ = self.name
            self._inners[who] = self._like(inner, ())
        return self._inners[who]

    # -- what was traced ---------------------------------------------------------------------

    @property
    def tapes(self) -> list[Tape]:
        """The tape of every path traced so far."""
        own = [path.tape for paths in self._paths.values() for path in paths.every]
        return own + [tape for one in self._variants.values() for tape in one.tapes]

    @property
    def tape(self) -> Tape:
        """The tape of the first path that was traced.

        Raises: `RuntimeError` before the first call.
        """
        if not self.tapes:
            raise errors.StateError(
                f"{self.name}: nothing is recorded before the first call; got no tape; call it once"
            )
        return self.tapes[0]

    def __repr__(self) -> str:
        tapes = self.tapes
        lines = counted(sum(map(len, tapes)), "line")
        what = f"{counted(len(tapes), 'tape')}, {lines}" if tapes else "no tape"
        return f"compile({self.name}, {self.mode}: {what})"

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> Self: ...
    @overload
    def __get__(
        self: Compiled[Concatenate[S, Q], R], instance: S, owner: type | None = None
    ) -> Compiled[Q, R]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        if isinstance(instance, type):  # of a class method
            if instance not in self._classes:
                self._classes[instance] = self._like(self.function.__get__(instance))
            return self._classes[instance]
        owned = getattr(instance, "__dict__", {})  # it lives as long as the instance
        kept = owned.get(self._attribute)
        if not (isinstance(kept, _Bound) and kept.owner is self and kept.instance is instance):
            method = self._like(self.function.__get__(instance))
            kept = owned[self._attribute] = _Bound(self, instance, method)
        return kept.compiled

    def __copy__(self) -> Compiled[..., Any]:
        return self._like(self.function)

    def __deepcopy__(self, memo: dict[int, Any]) -> Compiled[..., Any]:
        return self._like(copy.deepcopy(self.function, memo))

    def _like(
        self, function: Callable[..., Any], static: tuple[str, ...] | None = None
    ) -> Compiled[..., Any]:
        """Return another function compiled in the same way, with nothing traced."""
        static = self.static if static is None else static
        return Compiled(function, self.mode, self.threads, self.max_paths, static, self.choose)

    def __reduce__(self) -> tuple[Any, ...]:
        paths = {
            structures: [(path.tape, path.structure) for path in known.known]
            for structures, known in self._paths.items()
        }
        options = self.mode, self.threads, self.max_paths, self.static, self.choose
        name = qualified_name(self.function)
        signature = _portable(self._signature)
        return _restored.pickled(self.name, name, options, paths, digest(), signature)

    # -- inside ------------------------------------------------------------------------------

    @functools.cached_property
    def _signature(self) -> inspect.Signature:
        """The parameters of the function; any number of them where it does not say, as of C."""
        try:
            return inspect.signature(self.function)
        except (ValueError, TypeError):
            return inspect.signature(lambda *arguments: None)

    def _variant(
        self, arguments: Sequence[Any], named: dict[str, Any]
    ) -> tuple[Compiled[..., Any], tuple[Any, ...], list[int | None]]:
        """Return what runs a call, its arguments by place, and where those given by place are.

        Raises: `TypeError` where the function does not take them so.
        """
        order = self._orders.get((len(arguments), *named))
        if order is not None:  # the same names as once before, and all of them by place too
            given = (*arguments, *map(named.__getitem__, order))
            return self, given, list(range(len(arguments)))
        try:
            bound = self._signature.bind(*arguments, **named)
        except TypeError as error:
            why = str(error).removeprefix("got ")
            raise errors.OperandError(
                f"{self.name}: arguments must fit the function; got other ones ({why}); see"
                f" help({self.name})"
            ) from None
        if bound.kwargs:  # behind one that was left out, or by name only
            last = max(map([*bound.signature.parameters].index, bound.arguments))
            bound.apply_defaults()
            bound = bound.signature.bind_partial(*bound.args[: last + 1], **bound.kwargs)
        if not bound.kwargs and not self.static:
            behind = list(bound.arguments)[len(arguments) :]
            if len(bound.args) == len(arguments) + len(behind) and set(behind) == set(named):
                self._orders[len(arguments), *named] = behind
            return self, bound.args, list(range(len(arguments)))
        key, how, rest, places = variants.filled(self.name, bound, self.static)
        variant = self._variants.get(key)
        if variant is None:
            if len(self._variants) >= variants.MOST_VARIANTS:
                self._variants.popitem(last=False)
            special = variants.Special(self.function, how)
            variant = self._variants.setdefault(key, self._like(special, ()))
            self._recordings.note(None, " and ".join(self.static) or "default")
        self._recordings.count(self.name, 0)
        self._variants.move_to_end(key)
        return variant, tuple(rest), places

    def _taken(
        self, arguments: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], tuple[Structure, ...], Lanes]:
        """Return the arguments of a call by position, and taken apart."""
        seen = self._seen
        again = seen.lanes(arguments) if seen is not None else None
        if seen is not None and again is not None:
            return arguments, seen.structures, again
        structures, lanes = lanes_of(self.name, arguments)
        self._seen = Seen.of(arguments, structures, lanes)
        return arguments, structures, lanes

    def _ready(self, structures: tuple[Structure, ...], lanes: Lanes, *, back: bool) -> Paths:
        """Return the paths on which lanes may be replayed."""
        if not lanes.is_point:
            self._check_batch(lanes)
        if modes.anomaly():
            self._look(structures, lanes, back=back)
        return self._paths_of(structures)

    def _paths_of(self, structures: tuple[Structure, ...]) -> Paths:
        """Return the paths for arguments of some structures."""
        self._look_outside()
        paths = self._paths.get(structures)
        if paths is None:

            def make(numbers: Sequence[Any], is_lazy: bool) -> Path:
                return self._trace(structures, numbers, is_lazy)

            if len(self._paths) >= MOST_KINDS:
                del self._paths[next(iter(self._paths))]
            paths = Paths(self.name, make, self.max_paths, self.mode, self._many_paths)
            paths.gradients = tuple(structure.hollow for structure in structures)
            paths.watched = self._triples
            self._paths[structures] = paths
        return paths

    def _look_outside(self) -> None:
        """Take the paths that were traced with what stands outside now, perhaps none yet."""
        if self._watched is None:
            self._watched = Watched.by(self.function)
        name = self._watched.changed()
        if name is None:
            return
        self._earlier.append((self._watched, self._paths))
        known = [i for i, (watched, _) in enumerate(self._earlier) if watched.changed() is None]
        if known:
            self._watched, self._paths = self._earlier.pop(known[0])
            self._times_anew = 0
        else:
            self._watched, self._paths = Watched.by(self.function), {}
            self._times_anew += 1
            self._recordings.in_a_row = 0  # of which is said what changed
            if self._times_anew == TIMES_ANEW:
                warnings.warn(
                    f"{self.name}: what it finds outside should seldom change, as it is recorded"
                    f" anew; got {TIMES_ANEW} recordings, the last one as {name} changed; pass it"
                    " as an argument",
                    stacklevel=4,
                )
        del self._earlier[:-MOST_EARLIER]
        self._last_call = self._last_gradient = self._last_backward = None

    def _count_call(self) -> bool:
        """Count a call that has ended; tell whether others like it may go past Python: in C."""
        if self._recordings.count(self.name, len(self._paths)):
            return True
        self._last_call = self._last_gradient = self._last_backward = None
        return False

    def _triples(self) -> tuple[tuple[Any, str, Any], ...]:
        return self._watched.triples if self._watched is not None else ()

    def _trace(
        self,
        structures: tuple[Structure, ...],
        numbers: Sequence[Any],
        is_lazy: bool,
    ) -> Path:
        def arguments(values: Sequence[Any]) -> list[Any]:
            row = iter(values)
            return [structure.unflatten(row) for structure in structures]

        called = zip(structures, _argument_names(self._signature, len(structures)), strict=True)
        inputs = [name for structure, argument in called for name in structure.names(argument)]
        try:
            tape, structure = trace(
                self.name, self.function, arguments, numbers, inputs, is_lazy=is_lazy,
                by_lanes=self.choose == "lanes",
            )  # fmt: skip
        except (TypeError, AttributeError, ValueError) as error:
            is_told = isinstance(error, UNSOLVED) or str(error).startswith("compile: ")
            if any(structure.shape for structure in structures) and not is_told:
                error.add_note(_A_ROW_IS_AN_ARRAY)
            if not isinstance(error, TypeError):
                raise
            if any(isinstance(structure, Container) for structure in structures):
                error.add_note(_A_LIST_IS_ONE_POINT)
            elif any(word in str(error) for word in ("subscriptable", "iterable", "len()")):
                error.add_note(_AN_ARRAY_IS_A_BATCH)
            raise
        if self._watched is not None and self._watched.changed():  # by the function itself
            self._watched = self._watched.lasting()
            for paths in self._paths.values():
                paths.calls.clear()
        self._recordings.note(tape)
        return self._path(tape, structure)

    def _path(self, tape: Tape, structure: Structure) -> Path:
        again = functools.partial(runner_for, mode=self.mode)
        return Path(again(tape), structure, again)

    def _look(self, structures: tuple[Structure, ...], lanes: Lanes, *, back: bool) -> None:
        """Run the function itself in each lane: what is not finite is reported with its line."""
        for row in range(lanes.count):
            values = [x if isinstance(x, int) else Value(x) for x in lanes.lane(row)]
            numbers = iter(values)
            result = self.function(*(one.unflatten(numbers) for one in structures))
            if back and is_value(result):
                leaves = list(filter(is_value, values))
                transforms.gradients(result, leaves)

    def _check_one(self, structure: Structure) -> None:
        if structure != NUMBER:
            count = "a list of one number" if structure.size == 1 else f"{structure.size} numbers"
            raise errors.OperandError(
                f"{self.name}: a gradient wants a function of one number; got one that returns"
                f" {count}; return a sum, or call it with Values"
            )

    def _check_inside(self, lanes: Lanes) -> None:
        if not lanes.is_point:
            remedy = "call it with the Values of one lane"
            raise refusals.frozen_call(f"{self.name} with arrays", remedy)

    def _check_batch(self, lanes: Lanes) -> None:
        if not lanes.count:
            raise errors.InputError(
                f"{self.name}: a batch must have at least one lane; got none; check the slice"
            )

    def _batch(
        self,
        paths: Paths,
        arguments: Sequence[Any],
        lanes: Lanes,
        request: int,
        upstream: float,
    ) -> Collected:
        """Replay a batch; where the function takes a number of it for an array, say how it is."""
        try:
            collected = run_batch(paths, lanes, request, upstream, self.threads)
            self._count_call()
        except (TypeError, AttributeError, ValueError) as error:
            shapes = [x.shape for x in arguments if getattr(x, "ndim", None) == 1]
            if not shapes or not _WANTS_AN_ARRAY.search(str(error)):
                raise
            raise errors.OperandError(
                f"{self.name}: an array with one axis is a batch, of which the function sees one"
                f" number at a time; got the shape {shapes[0]} ({error}); where it is one point,"
                " pass x[None] and take [0] of what comes back, or let sg.value_and_grad(f)"
                " (minimize: jac=True) or sg.jacobian(f) take it"
            ) from error
        warn_of_unsolved(self.name, collected)
        return collected

    def _on_values(
        self, arguments: Sequence[Any], structures: tuple[Structure, ...], leaves: list[Any]
    ) -> Any:
        """Return the results as nodes, each with the Values given and captured as parents."""
        paths = self._paths_of(structures)
        numbers = list(map(data_of, leaves))
        nodes: list[tuple[Path, Point]] = []
        output = 0
        while not nodes or output < len(nodes[0][1].values):
            nodes.append(run_point(paths, numbers, BY_INPUTS | BY_CAPTURED, output))
            output += 1
        results = [
            self._node(path, point, output, arguments, structures, leaves)
            for output, (path, point) in enumerate(nodes)
        ]
        return nodes[0][0].structure.unflatten(iter(results))

    def _node(
        self,
        path: Path,
        point: Any,
        output: int,
        arguments: Sequence[Any],
        structures: tuple[Structure, ...],
        leaves: list[Any],
    ) -> Any:
        grads = [*zip(leaves, point.inputs, strict=True)]
        grads += zip(path.captured, memoryview(point.captured).cast("B").cast("d"), strict=True)
        pairs = [(x, grad) for x, grad in grads if is_value(x)]
        elementary.check_engine(self.name, [x for x, _ in pairs])
        parents, partials = zip(*pairs, strict=True)
        node = parents[0]._record(point.values[output], self.name, parents, parents, partials)

        def on_values(node: Any, positions: Sequence[int]) -> list[Any]:
            operands, given = node.operands, arguments
            if any(x is not y for x, y in zip(operands, parents, strict=True)):  # a copy of it
                others = {id(x): y for x, y in zip(parents, operands, strict=True)}
                moved = iter([others.get(id(leaf), leaf) for leaf in leaves])
                given = [structure.unflatten(moved) for structure in structures]
            with modes.recording():
                inputs = Inputs([x for x in operands if is_value(x)], shared=True)
                result = call_inside(inputs, self.function, *given)
                _, outputs = flatten_result(self.name, "the result", result, "return a number")
                if not is_value(outputs[output]):
                    return [0.0] * len(positions)
                grads = graph_sweep([outputs[output]], [1.0], operands, independent=True)
            return [grads[i] for i in positions]

        return with_derivatives(node, on_values)


#: what Python and NumPy say where a number is used as an array
_WANTS_AN_ARRAY = re.compile(
    r"'(Value|Integer)' object (is not (subscriptable|iterable)|has no attribute)"
    r"|'(Value|Integer)' has no len|non-int of type '(Value|Integer)'"
    r"|'int' object has no attribute|enough dimensions"
)


_A_ROW_IS_AN_ARRAY = (
    "compile: an array of a point, and each row of a matrix, is an array to the function: + and *"
    " compute with its elements; x.tolist() makes a list of it"
)


_A_LIST_IS_ONE_POINT = (
    "compile: a list among the arguments is a list to the function; for a batch of numbers pass a"
    " NumPy array of them"
)


_AN_ARRAY_IS_A_BATCH = (
    "compile: the function saw one number: the first axis of an array is the batch; where an array"
    " is one point, as for SciPy, write minimize(sg.value_and_grad(f), x0, jac=True)"
)


class _Bound:
    """What an instance keeps of a compiled method; its copies and pickles make their own."""

    def __init__(
        self,
        owner: Compiled[..., Any] | None = None,
        instance: Any = None,
        compiled: Compiled[..., Any] | None = None,
    ) -> None:
        self.owner, self.instance, self.compiled = owner, instance, compiled

    def __reduce__(self) -> tuple[Any, ...]:
        return _Bound, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Bound:
        return _Bound()


def _portable(signature: inspect.Signature) -> inspect.Signature:
    """Return the parameters of a function for a pickle: names, and defaults that are numbers."""
    parameters = []
    for p in signature.parameters.values():
        is_number = p.default is p.empty or isinstance(p.default, (int, float))
        kept = p.default if is_number else None  # else it might not fit into a pickle
        parameters.append(p.replace(annotation=p.empty, default=kept))
    return inspect.Signature(parameters)


def _argument_names(signature: inspect.Signature, count: int) -> list[str]:
    """Return what a function calls its arguments; x0, x1, ... where it does not say."""
    parameters = signature.parameters.values()
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return named[:count] + [f"x{i}" for i in range(len(named[:count]), count)]


def _content(
    name: str, qualified: Any, options: Any, paths: Any, table: int, signature: inspect.Signature
) -> Iterator[Any]:
    """Yield what a pickle holds beside its tapes, which have checksums of their own."""
    yield content_of((name, qualified, options, table))
    yield content_of(list(map(_parts, signature.parameters.values())))
    for structures, known in paths.items():
        yield content_of(structures), [content_of(structure) for _, structure in known]


def _parts(parameter: inspect.Parameter) -> tuple[Any, ...]:
    return parameter.name, int(parameter.kind), parameter.default


@partial(Reader, content=_content)
def _restored(
    name: str,
    qualified: Any,
    options: tuple[str, int, int | None, tuple[str, ...], str],
    paths: Any,
    table: int,
    signature: inspect.Signature,
) -> Compiled[..., Any]:
    """Return what a pickle holds: tapes are replayed as they are, further ones are traced."""
    if table != digest():
        raise errors.StateError(
            f"{name}: a pickled tape wants the operations it was recorded with; got another"
            " version of scalargrad; record it anew"
        )
    check_fields(name, qualified, options, paths, signature)
    mode, threads, most, static, choose = options
    keeps = any(tape.captured for known in paths.values() for tape, _ in known)
    compiled = _checked(Elsewhere(name, qualified, keeps), mode, threads, most, (), choose)
    compiled._signature, compiled.static = signature, static
    for structures, known in paths.items():
        restored = compiled._paths_of(structures)
        restored.is_restored = True
        for tape, structure in known:
            restored.add(compiled._path(tape, structure))
    return compiled


@overload
def compile(
    function: Callable[P, R],
    *,
    mode: str = "strict",
    threads: int = 1,
    max_paths: int | None = None,
    static: Sequence[str] = (),
    choose: str = "paths",
) -> Compiled[P, R]: ...
@overload
def compile(
    function: None = None,
    *,
    mode: str = "strict",
    threads: int = 1,
    max_paths: int | None = None,
    static: Sequence[str] = (),
    choose: str = "paths",
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...
def compile(
    function: Callable[..., Any] | None = None,
    *,
    mode: str = "strict",
    threads: int = 1,
    max_paths: int | None = None,
    static: Sequence[str] = (),
    choose: str = "paths",
) -> Any:
    """Trace a function on its first call and replay it from then on; also a decorator.

    `function` is ordinary Python on Values: it sees one lane, numbers, lists or arrays of them; a
    row of a matrix is an array.
    To see that it does the same each time, it is run a few times where it is traced. Values that it
    finds outside, a model's parameters, are read anew at each call. What stands in its object
    (`self.rate`) and its class, its closure or its module, and in the lists, dicts and arrays of
    Values there, is compared at each call: where it is another thing, the function is recorded for
    it. The numbers in an array of numbers stay as they were: pass what changes.
    Where Python asks how a comparison turns out (`if`, `and`, `sorted`), a lane that turns another
    way is replayed on a tape of its own path, of which there are at most `max_paths`, by default as
    many as some 128 MB hold; in `where`, in arithmetic, between `&` and `|` it is a line of the
    tape, and parts no paths; with `choose="lanes"` also in Python's `max` and `min` of numbers. The
    lanes of a large batch are shared by `threads`, to the same bits. For each other thing that an
    argument named in `static` is, a text, None, a date, a member of an enumeration, the function is
    traced anew. Whole numbers stay ints for Python (`range`, an index), each on a path of its own;
    `take` reads rows by them without a path. True and False are 1 and 0. What comes back has the
    methods `value_and_grad` and `backward`; `tape` and `tapes` are what was traced, for each path
    and each kind of arguments. `grad`, `jacobian` and their kin replay it at plain numbers, and
    take a one-dimensional array as one point.

    Maths: the same numbers as the function gives itself. Mode "strict" computes the same bits,
    but where layers become a matrix product, and where gradients are added over a batch, as which
    the rows of a `jacobian` run too: these terms are added in another order, fused where the
    processor can; "fast" uses vector mathematics of at most 4 ulp an operation.
    Shapes: f(numbers, lists) is one point; f(arrays) a batch along their first axes.
    Raises: `RuntimeError` where the function does what no replay could: reads or writes `.data`,
    runs a backward pass, is random; the message names the line that does it, where one does.
    Source: Griewank, Walther, Evaluating Derivatives, section 4.5 (tapes)

    >>> import scalargrad as sg
    >>> @sg.compile
    ... def f(x, y):
    ...     return x * y if x > 0 else y
    >>> f(2.0, 3.0), f(-2.0, 3.0)
    (6.0, 3.0)
    >>> f.value_and_grad(2.0, 3.0)
    (6.0, (3.0, 2.0))
    """
    if function is None:
        return functools.partial(
            compile, mode=mode, threads=threads, max_paths=max_paths, static=static, choose=choose
        )
    if not callable(function):
        is_wrapped = isinstance(function, (classmethod, staticmethod))
        advice = "put the other decorator above" if is_wrapped else "pass e.g. lambda x: x * x"
        raise errors.OperandError(errors.unwanted("compile", "wants a function", function, advice))
    return _checked(function, mode, threads, max_paths, static, choose)


def _checked(
    function: Callable[P, R],
    mode: str,
    threads: int,
    max_paths: int | None,
    static: Sequence[str],
    choose: str,
) -> Compiled[P, R]:
    if mode not in MODES:
        raise errors.InputError(
            errors.unwanted("compile", 'mode must be "strict" or "fast"', mode, "leave it out")
        )
    if choose not in CHOICES:
        raise errors.InputError(
            errors.unwanted("compile", 'choose must be "paths" or "lanes"', choose, "leave it out")
        )
    threads = whole("compile", "threads", threads)
    most = whole("compile", "max_paths", max_paths) if max_paths is not None else None
    names = (static,) if isinstance(static, str) else tuple(static)
    compiled = Compiled[P, R](function, mode, threads, most, names, choose)
    for name in names:
        if name not in compiled._signature.parameters:
            must = f"static must name parameters of {compiled.name}"
            raise errors.InputError(errors.unwanted("compile", must, name, "see its definition"))
    return compiled
