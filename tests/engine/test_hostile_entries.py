"""Objects whose own code runs while C reads numbers and lists, at every entry of the native engine.

What such code does (empty and fill the lists it stands in, build and differentiate, write numbers,
trace, collect) may fail with an ordinary error; it may not end the process, nor leave anything
behind. The debug build sees what else it touches: tests/sanitizers.sh.
"""

from __future__ import annotations

import contextlib
import gc
import numbers
import sys
import weakref
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engines import ENGINES, engine_class

import scalargrad as sg
from scalargrad import _engine, optim
from scalargrad.functions.elementary import affine
from scalargrad.table import ops, optimizers
from scalargrad.table.codes import SHAPES
from scalargrad.tape.planning import NEVER, plan_tape

if "native" not in ENGINES:
    pytest.skip("no native engine was built", allow_module_level=True)

from scalargrad._native import Kin, _core

Value = engine_class("native")
MOST_ACTS = 100
SIZE = 37  # of the lists, so that they are told from all others
ORDINARY = (TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError, BufferError,
            LookupError)  # fmt: skip


class Parameter(Value):
    """A leaf with attributes, and so with cycles."""


class Related(Kin):
    """A node that can be linked anew."""

    def __init__(self, data: Any, children: Any = (), op: Any = "") -> None:
        self._start(data, children, op)


class World:
    """What hostile code can reach."""

    def __init__(self, action: Callable[[World], None]) -> None:
        self.action, self.count, self.is_busy = action, 0, False
        self.x, self.p, self.k = Value(0.5), Parameter(1.5), Related(2)
        self.kin = Related(1.0, (self.k, self.p), "mine") * self.k
        self.hostile = Hostile(self)
        self.values = [Value(float(i)) for i in range(SIZE)]
        self.mixed = [*(Value(1.0) for _ in range(SIZE - 2)), self.hostile, self.p]
        self.others = [*(Value(2.0) for _ in range(SIZE - 2)), self.p, self.hostile]
        self.rows = [list(self.values) for _ in range(SIZE)]
        self.numbers = [1.0] * 3
        self.kept = [array("d", [0.0]) * SIZE, array("d", [0.0]) * SIZE]
        self.arrays: list[Any] = []
        with sg.scope("A"):
            self.node = sg.sum([value * self.p for value in self.values])
        self.node.label = "node"
        self.lists = [self.values, self.mixed, self.others, self.rows, self.numbers, self.kept,
                      self.arrays, *self.rows]  # fmt: skip

    def act(self) -> None:
        """Do the worst, but not inside of itself, nor for ever: lists may grow as they are read."""
        if not self.is_busy and self.count < MOST_ACTS:
            self.is_busy, self.count = True, self.count + 1
            try:
                self.action(self)
            finally:
                self.is_busy = False


class Hostile:
    """A number, a list, a buffer, a key and a function, all of which act."""

    def __init__(self, world: World) -> None:
        self.world = world

    def acts(result: Any) -> Any:  # noqa: N805 - makes the methods below
        def method(self: Hostile, *_: Any) -> Any:
            self.world.act()
            return result(self) if callable(result) else result

        return method

    __float__ = acts(2.0)
    __index__ = __len__ = acts(1)
    __bool__ = __contains__ = acts(True)
    __hash__ = acts(7)
    __eq__ = __ne__ = __lt__ = __gt__ = acts(False)
    __iter__ = acts(lambda self: iter([self.world.x, 1.0, 2.0]))
    __call__ = acts(lambda self: self.world.x * 2.0)
    __str__ = __repr__ = acts("hostile")
    __array__ = acts(None)
    __buffer__ = acts(lambda _: memoryview(array("d", [0.0]) * SIZE))
    __release_buffer__ = acts(None)

    def __getattr__(self, name: str) -> Any:
        self.__dict__["world"].act()
        raise AttributeError(name)


numbers.Real.register(Hostile)


class HostileName(str):
    """A text that acts where it is looked up."""

    world: World

    def __hash__(self) -> int:
        self.world.act()
        return super().__hash__()

    __eq__ = str.__eq__


def name(world: World) -> HostileName:
    text = HostileName("mine")
    text.world = world
    return text


# -- what hostile code does ------------------------------------------------------------------------


def clear(world: World) -> None:
    for each in world.lists:
        each.clear()


def fill(world: World) -> None:
    for each in world.lists:
        each += each[:100]


def strangers(world: World) -> None:
    for each in world.lists:
        each[:] = [object()] * len(each)


def build(world: World) -> None:
    root = sg.sum([world.x * float(i) + world.p for i in range(100)])
    root = sg.softmax([root, world.x, world.p])[0] + sg.record(1.0, [world.x], [1.0], op="mine")
    root.backward()
    world.kin._relink("mine", (world.k, world.x), (1.0, 2.0))
    Related.__init__(world.kin, 2.0, (world.k,), "again")
    (world.kin + 1)._pass(1.0)


def write(world: World) -> None:
    for value in (world.x, world.p, world.node):
        value.__init__(7.0)
        value._notes = None
        value.grad = 2.0


def trace(_: World) -> None:
    with contextlib.suppress(sg.StateError):  # where something is traced already
        assert sg.compile(lambda x: x * x)(3.0) == 9.0


def trace_below(world: World) -> None:
    """By the functions of C alone, which nothing guards."""
    with contextlib.suppress(*ORDINARY):
        _core.watch([world.x], lambda: world.x * 2.0)
    _core.forget_trace()
    _core.reference_of(Value(3.0))
    _core.traced()


def scan(_: World) -> None:
    """Empty each list that the collector knows, also one that is being made.

    Lists that Python itself is making do not stand it, so only C is tried with it.
    """
    for each in gc.get_objects():
        if type(each) is list and len(each) == SIZE:
            each.clear()


ACTIONS = [clear, fill, strangers, build, write, trace, trace_below]

# -- where it stands -------------------------------------------------------------------------------


def plan(world: World, *, is_for_points: bool = False) -> Any:
    """Return a plan of three inputs."""
    f = sg.compile(lambda x, y, z: sg.dot([x, y, z], [world.x, 2.0, y]))
    f(1.0, 2.0, 3.0)
    return plan_tape(
        _engine.machine(), f.tape, 0, by_inputs=True, by_captured=True, is_fast=False,
        is_for_points=is_for_points, vector_share=NEVER,
    )  # fmt: skip


def point(world: World, *numbers: Any) -> Any:
    made = plan(world, is_for_points=True)
    world.numbers[:] = numbers
    made.describe()
    return made.point(world.numbers, array("d", [0.5]), world.hostile)


def run(world: World, *arrays: Any) -> Any:
    made = plan(world)
    world.numbers[:] = [world.hostile, 1.0, 1.0]
    world.arrays[:] = arrays
    values, grads = array("d", [0.0]) * 4, array("d", [0.0]) * 4
    return made.run(
        0, 4, 4, world.numbers, world.arrays, array("d", [0.5]), 1.0, values, [(0, grads)], None,
        None, None,
    )  # fmt: skip


def traced(function: Callable[[Any], Any]) -> Any:
    return sg.compile(function).value_and_grad(1.5)


def in_modes(world: World) -> None:
    with sg.detect_anomaly(), sg.scope("B"):
        world.x * world.hostile
        sg.softmax(world.mixed)[0].backward()
    with sg.no_grad():
        world.hostile * world.p


ENTRIES: dict[str, Callable[[World, Hostile], Any]] = {
    "x + h": lambda w, h: w.x + h,
    "h ** x": lambda w, h: h**w.x,
    "pow": lambda w, h: pow(w.x, h, h),
    "p * h": lambda w, h: w.p * h,
    "x < h": lambda w, h: w.x < h,
    "x == h": lambda w, h: w.x == h,
    "Value": lambda w, h: Value(h, label=h),
    "Value again": lambda w, h: w.node.__init__(h, h),
    "data": lambda w, h: setattr(w.x, "data", h),
    "grad": lambda w, h: setattr(w.node, "grad", h),
    "_grad": lambda w, h: setattr(w.node, "_grad", h),
    "label": lambda w, h: setattr(w.node, "label", h),
    "_notes": lambda w, h: setattr(w.node, "_notes", {h: h}) or w.node.scope,
    "k + h": lambda w, h: w.k + h,
    "h * k": lambda w, h: h * w.k,
    "k ** h": lambda w, h: w.k**h,
    "Related": lambda w, h: Related(h, (w.k, w.p), "mine"),
    "Related again": lambda w, h: w.kin.__init__(h, h, h),
    "_relink": lambda w, h: w.kin._relink(name(w), (w.k, w.p), (1.0, 2.0)),
    "data of k": lambda w, h: setattr(w.k, "data", h),
    "grad of k": lambda w, h: setattr(w.k, "grad", h),
    "attribute of k": lambda w, h: setattr(w.kin, "h", h) or setattr(w.k, "kin", w.kin),
    "_backward": lambda w, h: setattr(w.kin, "_backward", h) or w.kin._backward(),
    "_pass": lambda w, h: w.kin._pass(h),
    "_pass by hand": lambda w, h: setattr(w.k, "_backward", h) or w.kin._pass(1.0),
    "sum": lambda w, h: sg.sum(w.mixed),
    "max": lambda w, h: sg.max(w.mixed),
    "dot": lambda w, h: sg.dot(w.mixed, w.others),
    "dot of values": lambda w, h: sg.dot(w.values, w.values),
    "affine": lambda w, h: affine(w.rows, w.rows, w.values),
    "affine of numbers": lambda w, h: affine([w.mixed] * SIZE, [w.others] * SIZE, w.mixed),
    "softmax": lambda w, h: sg.softmax(w.mixed),
    "softmax of values": lambda w, h: sg.softmax([w.p] * SIZE),
    "logsumexp": lambda w, h: sg.logsumexp(h),
    "relu": lambda w, h: sg.relu(h),
    "zero_grad": lambda w, h: sg.zero_grad(w.mixed),
    "backward": lambda w, h: w.node.backward(h),
    "backward of p": lambda w, h: (w.p * 2.0).backward(h),
    "detach": lambda w, h: w.node.detach(),
    "_sweep": lambda w, h: w.node._sweep(h),
    "_gradients": lambda w, h: w.node._gradients(h, w.values),
    "parents": lambda w, h: (w.node.parents, w.node.operands, w.node.partials, repr(w.node)),
    "_record": lambda w, h: Value._record(h, name(w), (w.x, 2.0), (w.x,), (1.0,)),
    "_make": lambda w, h: Value._make(
        Parameter, h, {"label": h}, h, name(w), (1.0,), (w.x,), (w.x,)
    ),
    "_unary": lambda w, h: Value._unary(h, w.x),
    "_binary": lambda w, h: Value._binary(h, w.x, h),
    "_many": lambda w, h: Value._many(ops.DOT, w.mixed, h),
    "_many of one": lambda w, h: Value._many(ops.SUM, h),
    "_many of none": lambda w, h: Value._many(ops.MAX, []),
    "record": lambda w, h: sg.record(h, w.mixed, w.others, op="mine"),
    "modes": lambda w, h: in_modes(w),
    "numbers": lambda w, h: _core.numbers((*w.values, h)),
    "set_numbers": lambda w, h: _core.set_numbers(tuple(w.values), h),
    "add_gradients": lambda w, h: _core.add_gradients(tuple(w.values), h),
    "are_floats": lambda w, h: _core.are_floats(w.mixed),
    "move by h": lambda w, h: optim._move(h, w.values, w.kept, (0.1,) * 5),
    "move": lambda w, h: optim._move(
        optimizers.ADAGRAD, w.values, [h], (0.1,) * len(optimizers.ADAGRAD.settings)
    ),
    "move_flat": lambda w, h: _core.move_flat(
        h, array("d", [1.0]) * SIZE, array("d", [1.0]) * SIZE, w.kept, (h,)
    ),
    "sift": lambda w, h: _core.sift(*[array("i", [0])] * 10, h, h, h),
    "watch": lambda w, h: _core.watch(w.values, h),
    "reference_of": lambda w, h: _core.reference_of(h),
    "call_line": lambda w, h: _core.watch([w.x], lambda: _core.call_line(w.x.detach())),
    "alias": lambda w, h: _core.watch([w.x], lambda: _core.alias(Value(1.0), w.x * h)),
    "traced": lambda w, h: _core.watch([w.x], lambda: (w.x * h, _core.traced())),
    "compile": lambda w, h: traced(lambda x: sg.sum(w.mixed) * x if x > h else x),
    "compile softmax": lambda w, h: traced(lambda x: sg.softmax([w.p, x, w.p])[1] * h),
    "point": lambda w, h: point(w, h, 1.0, 2.0),
    "run": lambda w, h: run(w, (h, array("d", [1.0]) * 4)),
    "run of a buffer": lambda w, h: run(w, *[(h, h)] * 60),
    "total": lambda w, h: _engine.machine().total(h),
    "use": lambda w, h: _engine.machine().use(h),
}


@pytest.fixture(autouse=True, scope="module")
def _what_is_old_stays() -> Iterator[None]:
    """So that collections are short: what there was before is not looked at."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a finaliser raises is not the test's."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)


def check_all_is_well() -> None:
    """Nothing that came before is left over."""
    x = Value(3.0)
    y = sg.softmax([x, 1.0])[0] * x
    y.backward()
    slope = x.grad
    f = sg.compile(lambda x: sg.softmax([x, 1.0])[0] * x)
    assert f.value_and_grad(3.0) == (y.data, (slope,))
    optim.SGD([x], lr=1.0).step()
    assert x.data == 3.0 - slope


def natives() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every function and method that is written in C."""
    homes: list[Any] = [_core, Value, Kin, Value(1.0)]
    if machine := _engine.machine():
        calls = machine.calls(1, 1, array("I", [SHAPES.index("FLOAT")]).tobytes(), None, ())
        homes += [machine, plan(World(clear)), calls]
    for home in homes:
        for name in dir(home):
            native = getattr(home, name)
            kind = type(native).__name__
            is_ours = not name.startswith("__") and kind in ("builtin_function_or_method",
                                                             "method_descriptor")  # fmt: skip
            if is_ours:
                yield f"{getattr(home, '__name__', type(home).__name__)}.{name}", native


@pytest.mark.parametrize("count", [*range(7), 12])
def test_nothing_is_taken_for_what_it_is_not(count: int) -> None:
    refused = 0
    for _, native in natives():
        try:
            native(*[None] * count)
        except ORDINARY:
            refused += 1
    assert refused > 30
    check_all_is_well()


class Trap:
    """Garbage that acts when the cyclic collector finds it, by a finaliser or a weak reference."""

    def __init__(self, world: World) -> None:
        self.cycle, self.world = self, world

    def __del__(self) -> None:
        self.world.act()


#: entries that meet no object which acts, but what finalisers do; buffers act from Python 3.12 on
QUIET = {
    "pow", "_relink", "attribute of k", "_pass by hand", "dot of values", "affine", "detach",
    "softmax of values", "parents", "_many of none", "numbers", "set_numbers", "add_gradients",
    "are_floats", "move", "call_line", "total",
}  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
@pytest.mark.parametrize("entry", ENTRIES)
def test_objects_that_act_while_they_are_read_do_no_harm(
    entry: str, action: Callable[[World], None]
) -> None:
    if entry in ("point", "run", "run of a buffer", "total", "use") and not _engine.machine():
        pytest.skip("no machine was built")
    world = World(action)
    with contextlib.suppress(*ORDINARY):
        ENTRIES[entry](world, world.hostile)

    assert world.count or entry in QUIET
    check_all_is_well()


#: here Python unpacks a list, which its 3.11 does not bear to be changed by a finaliser meanwhile
UNPACKING = {"move by h", "record"}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry not in UNPACKING])
def test_finalisers_that_act_in_the_middle_do_no_harm(
    entry: str, action: Callable[[World], None]
) -> None:
    if entry in ("point", "run", "run of a buffer", "total", "use") and not _engine.machine():
        pytest.skip("no machine was built")
    acted = 0
    for young in (1, 3, 8):  # so that the collector comes at different places
        world = World(action)
        gc.collect()
        gc.disable()
        trap = Trap(world)
        reference = weakref.ref(trap, lambda _, world=world: world.act())
        del trap
        gc.set_threshold(gc.get_count()[0] + young, 1, 1)
        gc.enable()
        with contextlib.suppress(*ORDINARY):
            ENTRIES[entry](world, world.hostile)
        gc.set_threshold(700, 10, 10)
        gc.collect()
        acted += world.count
        assert reference() is None

    assert acted
    check_all_is_well()


@pytest.mark.parametrize("young", range(1, 16))
def test_finaliser_that_builds_between_the_results_of_softmax_gets_lines_of_its_own(
    young: int,
) -> None:
    """A node of one result is never taken for a later one of several."""
    p, others = Parameter(1.0), [Value(float(i)) for i in range(5)]
    products: list[Any] = []

    def function(x: Any) -> Any:
        gc.collect()
        gc.disable()
        Trap(World(lambda _: products.append(sg.sum(others))))
        gc.set_threshold(gc.get_count()[0] + young, 1, 1)
        gc.enable()
        result = sg.softmax([x, p, 1.0, *[2.0] * 20])
        gc.set_threshold(700, 10, 10)
        gc.collect()
        return sg.dot(result, [1.0] * len(result))

    f = sg.compile(function)
    x = Value(2.0)
    expected = function(x)
    expected.backward()

    assert f.value_and_grad(2.0) == (expected.data, (x.grad,))
    assert products
    assert {line.result for line in f.tape.lines if line.op != "softmax"} == {0}


@pytest.mark.parametrize(
    "make",
    [
        lambda w: affine([[w.p]] * SIZE, [[w.x]] * SIZE, [w.p] * SIZE),
        lambda w: sg.softmax([w.p] * SIZE),
        lambda w: w.node._sweep(1.0),
        lambda w: w.node._gradients(1.0, w.values),
    ],
    ids=["affine", "softmax", "_sweep", "_gradients"],
)
def test_no_list_is_seen_before_it_is_whole(make: Callable[[World], Any]) -> None:
    acted = 0
    for young in range(1, 60):
        world = World(scan)
        gc.collect()
        gc.disable()
        Trap(world)
        gc.set_threshold(gc.get_count()[0] + young, 1, 1)
        gc.enable()
        with contextlib.suppress(*ORDINARY):
            make(world)
        gc.set_threshold(700, 10, 10)
        gc.collect()
        acted += world.count

    assert acted
    check_all_is_well()
