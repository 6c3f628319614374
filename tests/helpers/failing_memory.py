"""Every allocation of the native engine failing, one after the other, at all of its entries.

    python3 tests/helpers/failing_memory.py [--most NUMBER] [entry ...]

runs itself below `failing_memory.c`, which lets one allocation fail, or all from one on, that the C
of the engine asks for: for each entry each of them, or at most so many. The call succeeds with the
bits that it always has, or raises MemoryError and leaves everything as it was: it does not end the
process, no half of anything is added, no memory is lost, and the same call succeeds behind it.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import ctypes
import faulthandler
import functools
import gc
import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import interrupted
import numpy as np
from memory import IS_SANITIZED  # there blocks are counted otherwise, and it takes long

import scalargrad as sg
from scalargrad import Value, _engine, nn, optim
from scalargrad._native import Kin, _core
from scalargrad.functions.elementary import affine
from scalargrad.micrograd import engine as micrograd
from scalargrad.table import ops
from scalargrad.table.row import ROWS, ManyRow
from scalargrad.tape.machine import Machine

HERE = Path(__file__).resolve().parent
FOREVER = 1 << 60
#: kinds of functions in C
OF_C = ("builtin_function_or_method", "method_descriptor", "staticmethod")
#: pictures take long, and only read fields; a bar writes
LONG = {
    "draw", "draw, symbols and opened", "walkthrough", "save a picture", "fit with a bar",
}  # fmt: skip
PATIENCE = 250  # seconds for one of them
LEAK = 24  # calls that fail in the same place, and are looked at for what they leave

# -- below the library -------------------------------------------------------------------------


def library(folder: Path) -> Path:
    """Compile failing_memory.c."""
    path = folder / "failing_memory.so"
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("cc") or "cc"
    command = [compiler, "-shared", "-fPIC", "-O1", f"-I{sysconfig.get_path('include')}",
               str(HERE / "failing_memory.c"), "-o", str(path), "-ldl"]  # fmt: skip
    plain = {name: text for name, text in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run(command, check=True, env=plain, capture_output=True, text=True)
    return path


def run(
    folder: Path, *arguments: str, output: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run this program below the library."""
    path = str(library(folder))
    preload = f"{path} {os.environ.get('LD_PRELOAD', '')}".strip()
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    environment = {**os.environ, "LD_PRELOAD": preload, "FAILING_MEMORY": path,
                   "ASAN_OPTIONS": asan, "SCALARGRAD_ENGINE": "native"}  # fmt: skip
    paths = [str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "ignore", __file__, *arguments],
        env=environment, text=True, check=False, stdout=output, stderr=output,
    )  # fmt: skip


# -- what is tried -----------------------------------------------------------------------------


class Parameter(Value):
    """A leaf with attributes, and so with cycles."""


class World:
    """What entries work on, and all that they might change."""

    def __init__(self) -> None:
        self.x, self.y, self.p = Value(0.5), Value(2.0, label="y"), Parameter(1.5)
        self.w = Value(0.75, label="w")
        with sg.scope("Layer"):
            h = self.x * self.y * self.p
        self.graph = sg.dot([h, self.x, 1.0], [self.y, self.p, h]).tanh()
        self.graph.label = "graph"
        self.many = [self.x, self.y] * 700  # more than fit on the stack of C
        self.leaves = [self.x, self.y, self.p, self.w]
        for leaf in self.leaves:
            leaf.grad = 0.25
        self.optimizers: list[Any] = []
        self.model: Any = None
        self.made: Any = None  # by what makes an entry ready
        self.check: Callable[[], None] = interrupted.nothing

    def state(self) -> Any:
        """Return what may not be half changed."""
        values = [*self.leaves, self.graph, *self.graph.parents]
        values += self.model.parameters() if self.model else []
        kept = [list(optimizer.state_dict().values()) for optimizer in self.optimizers]
        return [(bits(value), value.op, value._notes) for value in values], bits(kept)


def bits(thing: Any) -> Any:
    """Return a result so that two are equal if every bit of them is."""
    if isinstance(thing, float):
        return thing.hex()
    if isinstance(thing, Value):
        return bits([thing.data, thing.grad]), thing.op, thing.label, bits(list(thing.partials))
    if isinstance(thing, np.ndarray):
        return str(thing.dtype), thing.shape, thing.tobytes()
    if isinstance(thing, (list, tuple)):
        return [bits(part) for part in thing]
    if isinstance(thing, dict):
        return [bits(pair) for pair in thing.items()]
    if type(thing).__name__ == "Plan":
        return repr(thing.describe()), thing.verify()
    return thing if isinstance(thing, (int, str, bytes, type(None))) else type(thing).__name__


def every_row(w: World) -> Any:
    """Build a node of each row of the table, of Values, numbers, subclasses."""
    made = []
    for name, row in ROWS.items():
        if isinstance(row, ManyRow):
            for xs in ([w.x, w.y, 1.0], [w.x, w.p], [1.0, 2.0]):
                made.append(Value._many(row, *[xs] * row.lists))
        elif row.arity == 1:
            made += [Value._unary(row, w.x), Value._unary(row, w.p)]
            made.append(getattr(sg, name, float)(0.25))
        else:
            made += [Value._binary(row, w.x, w.y), Value._binary(row, w.x, 2), w.p.__add__(w.x)]
            made += [Value._binary(row, 2.0, w.y), Value._binary(row, w.p, w.y)]
    return made


def every_field(w: World) -> Any:
    """Read every field of C, and write those that can be written."""
    kinds = {name: type(kind).__name__ for name, kind in vars(Value).items()}
    fields = [name for name, kind in kinds.items() if kind == "getset_descriptor"]
    assert len(fields) > 5
    read = [[getattr(node, name) for name in fields] for node in (w.x, w.graph, w.p)]
    for node in (Value(1.0), Parameter(1.0), w.x * 2.0):
        for name, new in {"data": 2.0, "grad": 3, "_data": 2.5, "_grad": None,
                          "_notes": {"label": "new"}}.items():  # fmt: skip
            setattr(node, name, new)
        read.append([node._notes, node._grad])
        node._notes = None
    return read


def kin(w: World) -> Any:
    """Build and differentiate with Values of micrograd's manners, all of them fresh."""
    x, y = micrograd.Value(0.5), micrograd.Value(2, label="y")
    z = (x * y + 1) ** 2 - 3 / x + y.relu() * (2 * x) + x.tanh()
    x.note, z.note = "x", y
    z.backward()
    z._backward()
    x.data, x.grad, y.grad = 3, None, 0.5
    return [z, z._prev, z._op, x, y, z.note, sg.sum([x, y, 1.0]), sg.softmax([x, y])]


def kin_by_hand(w: World) -> Any:
    """The same with nodes whose way back is a function in Python."""
    x = micrograd.Value(0.5)
    made = [micrograd.Value(2.0, (x,), "f"), micrograd.Value(2.0, (x, x), "tanh")]
    for node in made:
        node._backward = lambda node=node: setattr(x, "grad", x.grad + node.grad)
    total = made[0] + made[1] * made[0]
    total.backward()
    given = micrograd.Value(1.0, (x, *made), (1, 2.0, 3.0))
    given._prev = {x}
    return [total, x, given, made[0].partials, sg.gradients(total, [x])]


def in_blocks(w: World) -> Any:
    with sg.scope("outer"), sg.scope("inner"):
        a = sg.softmax([w.x, w.y, w.p])[1] * w.x
    with sg.no_grad():
        b = w.x * w.y + sg.sum([w.x, w.p])
    with sg.detect_anomaly(), sg.scope("checked"):
        c = w.x * w.y
    return a, a.scope, b, c, c.scope


def moved(w: World) -> Any:
    for optimizer in w.optimizers:
        optimizer.step()
    return [leaf.data for leaf in w.leaves]


def with_optimizer(name: str) -> Callable[[World], None]:
    def prepare(w: World) -> None:
        options = {"momentum": 0.5} if name in ("SGD", "RMSprop") else {}
        w.optimizers = [getattr(optim, name)(w.leaves, lr=0.1, **options)]
        w.optimizers[0].step()

    return prepare


def program(w: World, *, stubborn: bool = False) -> Any:
    """Return a function of two numbers with all that a tape may hold; or one that tries twice."""

    def function(x: Any, y: Any) -> Any:
        h = [sg.tanh(sg.dot([x, y, 1.0], [w.x, w.y, c])) for c in (0.5, w.w, 2.0)]
        with sg.no_grad():
            still = x * y
        s = sg.softmax([*h, w.p])
        z = sg.sum([a * b for a, b in zip(s, h, strict=False)]) + still.detach() + 3.0 * 0.5
        return z * w.x if x > y else sg.max(h) - z

    def twice(x: Any, y: Any) -> Any:
        try:
            return function(x, y)
        except MemoryError:
            return function(x, y)

    def steps(x: Any, y: Any) -> Any:
        total = x
        for _ in range(4):
            for step in (lambda t: t * y, lambda t: t + 1.5, lambda t: sg.max([t, w.x, y])):
                try:
                    total = step(total)
                except MemoryError:  # and go on with what there is
                    total = step(total)
        return total

    return {False: function, True: twice, "steps": steps}[stubborn]  # type: ignore[index]


def compiled(w: World, **options: Any) -> Any:
    return sg.compile(program(w), **options)


def plan_of(f: Any) -> Any:
    return Machine(f.tape, _engine.machine(), "strict").plan(0)


LANES = 41


def batch(kind: str = "float64") -> list[Any]:
    return [np.linspace(-2, 2, LANES).astype(kind), np.linspace(2, -1, LANES).astype(kind)]


def traced_before(w: World, x: float = 1.0, y: float = 0.5, **options: Any) -> Any:
    f = compiled(w, **options)
    f(x, y), f(y, x)
    return f


def network(*sizes: int) -> Any:
    return nn.MLP(3, [*sizes], seed=1)


def long_function(w: World) -> Callable[..., Any]:
    def function(x: Any, y: Any) -> Any:
        hidden = [sg.tanh(x * (0.1 * i) + y * w.x - i) for i in range(24)]
        powers = [h**2 + sg.exp(-h) / (1.0 + h * h) for h in hidden]
        return sg.sum([p * w.w for p in powers]) + sg.max(powers) + sg.logsumexp(hidden)

    return function


def planned(function: Callable[[World], Any], count: int) -> tuple[Any, Any]:
    """Return how a function is prepared, and the making of every plan of its tape."""
    tapes: dict[str, Any] = {}

    def prepare(w: World) -> None:
        f = sg.compile(function(w))
        f(*[0.5 + 0.25 * i for i in range(count)])
        tapes["tape"] = f.tape

    def action(w: World) -> Any:
        made = []
        for mode in ("strict", "fast"):
            machine = Machine(tapes["tape"], _engine.machine(), mode)
            for request in range(4):
                for share, points in ((-1.0, False), (-1.0, True), (float("inf"), True)):
                    plan = machine.planned(request, 0, share, is_for_points=points)
                    made.append(plan)
        return made

    return action, prepare


def learnt(w: World) -> Any:
    history = sg.fit(
        w.model, [[0.0, 1.0, 0.5], [1.0, 0.5, 0.25], [0.5, 0.25, -1.0]], [1.0, 0.0, 0.5],
        loss="mse", optimizer=w.optimizers[0], epochs=1, batch_size=None, progress=False,
    )  # fmt: skip
    return history.steps


def with_model(w: World) -> None:
    w.model = network(4, 1)
    w.optimizers = [optim.Adam(w.model.parameters(), lr=0.1)]


def many_threads(w: World) -> Any:
    f = sg.compile(lambda x, y: sg.tanh(x * y) * w.x, threads=3)
    numbers = np.linspace(-1.0, 1.0, 3 * _engine.machine().costs["CHUNK"] + 5)
    return f.value_and_grad(numbers, numbers)


def ready(make: Callable[[World], Any]) -> Callable[[World], None]:
    """Return what makes something for a world before memory fails."""

    def prepare(w: World) -> None:
        w.made = make(w)

    return prepare


Action = Callable[[Any], Any]


def entries() -> dict[str, tuple[Action, Callable[[Any], None]]]:
    """Return all entries: what is done, and what is made ready for it."""
    found: dict[str, Any] = {
        "leaf": lambda w: [Value(1.0), Value(2, label="two"), Parameter(1.0), Value(True)],
        "labels": lambda w: [Value(1.0, label="one"), setattr(w.p, "label", "p")],
        "rows": every_row,
        "operators": lambda w: [w.x + 1, 1 - w.x, w.x * w.p, w.y ** 2, 2.0 ** w.x, -w.x, abs(w.p),
                                w.x / 3, w.x < 1, w.x < True, w.x == w.y, w.p >= 2.0],
        "kin": kin,
        "kin by hand": kin_by_hand,
        "methods": lambda w: [w.x.tanh(), w.p.exp(), (w.x * 2.0).relu(), w.y.detach(),
                              w.graph.detach()],
        "fields": every_field,
        "sum of many": lambda w: [sg.sum(w.many), sg.max(w.many), sg.mean(w.many)],
        "sum of numbers": lambda w: [sg.sum([1.0, 2.0]), sg.softmax([1.0, 2.0]),
                                     sg.dot([1.0], [2.0])],
        "dot": lambda w: [sg.dot(w.many, w.many), sg.dot([w.x, w.p], [1, 2.0])],
        "softmax": lambda w: sg.softmax([w.x, w.y, 1.0, w.p]),
        "strange": lambda w: Value._many(ops.SUM, [w.x, True, np.float32(2.0)]),
        "affine": lambda w: affine([[w.x, w.y]] * 3, [[w.x, 2.0]] * 3, [w.x, w.y, w.p]),
        "affine of numbers": lambda w: affine([[1.0, 2.0]] * 3, [[3.0, 2.0]] * 3, [1.0, 2.0, 3.0]),
        "record": lambda w: [sg.record(1.0, [w.x, w.p], [1.0, 2.0], op="mine"),
                             sg.record(1.0, [w.x, w.y, w.w], [1.0, 2.0, 3.0], op="own")],
        "custom": lambda w: sg.custom(lambda x: 2.0 * x)(lambda x: x * x)(w.x) * 2.0,
        "losses": lambda w: [sg.cross_entropy([w.x, w.y, w.p], 1), sg.mse([w.x, w.y], [1.0, 2.0])],
        "backward": lambda w: w.graph.backward(),
        "backward of one": lambda w: (w.p * 2.0).backward(2.0),
        "sweep": lambda w: w.graph._sweep(1.0),
        "gradients": lambda w: w.graph._gradients(1.0, [w.x, w.p, w.graph]),
        "gradients as graphs": lambda w: sg.gradients(w.graph, [w.x, w.p], create_graph=True),
        "blocks": in_blocks,
        "anomaly": lambda w: _anomaly(w),
        "sift": lambda w: _core.sift(
            array("i", [0, 1, 3]), *[array("i", [0] * 3)] * 3, array("i", [0, 0, 1, 2]),
            array("i", [0, 0]), array("i", [0, 2, 2, 2]), array("i", [1, 2]), array("i", [0, 0]),
            array("i", [0, 2, 1]), array("i", [0, 1, 0]), 2, 3),
        "repr": lambda w: [repr(w.x), repr(w.graph)],
        "zero_grad": lambda w: sg.zero_grad(w.leaves),
        "copy": lambda w: [copy.copy(w.graph), copy.deepcopy([w.graph, w.p])],
        "pickle": lambda w: pickle.loads(pickle.dumps([w.graph, w.graph])),
        "total": lambda w: _engine.machine().total(np.arange(5.0)),
        "kernels": lambda w: [_engine.machine().kinds(),
                              [_engine.machine().use(kind) for kind in _engine.machine().kinds()]],
        "compile": lambda w: compiled(w)(1.0, 0.5),
        "compile twice": lambda w: sg.compile(program(w, stubborn=True))(1.0, 0.5),
        "compile and go on": lambda w: sg.compile(program(w, stubborn="steps"))(1.0, 0.5),
        "compile, paths": lambda w: [f := compiled(w), f(1.0, 0.5), f(0.5, 1.0), f(*batch())],
        "compile, record": lambda w: sg.compile(
            lambda x: sg.custom(lambda x: 2.0 * x)(lambda x: x * x)(x) * w.x)(3.0),
        "compile, choose": lambda w: sg.compile(
            lambda x: sg.where((x > 0.25) & (x < 0.75), x * w.x, 2.0))(0.5),
        "compile, take": lambda w: sg.compile(
            lambda i: sg.take([[w.x, 2.0], [w.p, w.y]], i)[0] * 2.0)(1),
        "compile, slopes": lambda w: sg.compile(
            sg.grad(lambda x: sg.softmax([x, w.x, 1.0])[1]))(0.5),
        "threads": many_threads,
        "network": lambda w: [f := sg.compile(network(4, 4, 1)), f.value_and_grad([.5, .25, 2.])],
        "hessian": lambda w: sg.hessian(lambda x, y: sg.tanh(x * y) * x)(2.0, 0.5),
    }  # fmt: skip
    found = {name: (action, lambda w: None) for name, action in found.items()}
    for name in ("SGD", "AdaGrad", "RMSprop", "Adam", "AdamW"):
        found[name] = moved, with_optimizer(name)
    calls: dict[str, Action] = {
        "point": lambda w: [w.made(1.0, 0.5), w.made(0.5, 1.0)],
        "point, gradients": lambda w: w.made.value_and_grad(1.0, 0.5),
        "point, backward": lambda w: w.made.backward(1.0, 0.5),
        "point of Values": lambda w: w.made(w.x, w.y),
        "batch": lambda w: w.made(*batch()),
        "batch of whole numbers": lambda w: w.made(*batch("int64")),
        "batch, gradients": lambda w: w.made.value_and_grad(*batch()),
        "batch, backward": lambda w: w.made.backward(*batch()),
        "batch and a number": lambda w: w.made.value_and_grad(batch()[0], 0.5),
        "describe": lambda w: [w.made.tape.plan(), str(w.made.tape), plan_of(w.made).verify()],
        "pickle of a tape": lambda w: pickle.loads(pickle.dumps(w.made))(1.0, 0.5),
    }
    for name, action in calls.items():
        found[name] = action, ready(traced_before)
    found["many labels"] = (  # more than there is room for at first, and so few that it goes again
        lambda w: [setattr(value, "_notes", w.x._notes or {"label": "x"}) for value in w.made],
        ready(lambda w: [Value(1.0) for _ in range(3200)]),
    )
    found["fast"] = calls["batch, gradients"], ready(lambda w: traced_before(w, mode="fast"))
    found["long at a point"] = (
        lambda w: [w.made.value_and_grad(0.5, 0.25) for _ in range(40)],
        ready(lambda w: sg.compile(long_function(w))),
    )
    found["plans"] = planned(program, 2)
    found["plans of many lines"] = planned(long_function, 2)
    found["plans of layers"] = planned(lambda w: lambda *xs: network(4, 4, 2)(list(xs))[0], 3)
    found["fit"] = learnt, with_model
    for name, make in interrupted.ENTRIES.items():
        if name not in LONG:
            found[f"whole: {name}"] = whole, functools.partial(made_whole, make)
    return found


def made_whole(make: Callable[[], interrupted.Entry], w: World) -> None:
    w.made, w.check = make()


def whole(w: World) -> None:
    """Do what interrupts are tried on; what it gives is looked at there."""
    w.made()


def _anomaly(w: World) -> Any:
    try:
        with sg.detect_anomaly():
            sg.log(w.x * 0.0)
    except FloatingPointError as error:
        return str(error)
    return None


# -- trying it ---------------------------------------------------------------------------------


class Trial:
    """Tries one entry with the library that lets memory fail."""

    def __init__(self, name: str, library: Any, action: Action | None = None) -> None:
        self.name, self.library = name, library
        usual, self.prepare = entries()[name]
        self.action = action or usual
        gc.collect()  # what is left of others
        gc.freeze()
        for _ in range(2):  # what is kept from then on is not made again
            world = self.world()
            self.before = world.state()
            self.result = bits(self.action(world))
            self.after = world.state()

    def world(self) -> World:
        world = World()
        self.prepare(world)
        return world

    def count(self) -> int:
        """Return how many allocations it takes."""
        world = self.world()
        spare = drained()
        self.library.fail(FOREVER, FOREVER)
        try:
            self.action(world)
        finally:
            counted = int(self.library.stop())
        del spare
        return counted

    def attempt(self, first: int, last: int) -> tuple[str, bool]:
        """Let some allocations fail; return what is wrong, and whether any was asked for."""
        world = self.world()
        result, fault = None, ""
        spare = drained()
        self.library.fail(first, last)
        try:
            result = self.action(world)
        except MemoryError:
            self.library.stop()
            failed = True
        except BaseException as error:
            self.library.stop()
            failed = True
            if "the same each time" not in str(error):  # what caught it did something else
                fault = f"{type(error).__name__}: {str(error)[:200]}"
        else:
            self.library.stop()
            failed = False
        del spare
        was_asked = bool(self.library.failures())
        if fault:
            return fault, was_asked
        if not failed and bits(result) != self.result:
            return f"another result: {bits(result)!r:.300} for {self.result!r:.300}", was_asked
        world.check()
        state = world.state()
        if state not in ((self.before, self.after) if failed else (self.after,)):
            return f"a part was done: {state!r:.300}", was_asked
        if failed and self.before != self.after and state == self.after:
            return "", was_asked
        if self.action is whole:  # which may leave nothing to go on with
            world = self.world()
        if failed and not is_whole(self.action, world, self.result, self.after):
            return "does not give the same behind it", was_asked
        return "", was_asked

    def leaks(self, first: int, last: int) -> bool:
        """Tell whether a call that fails there leaves something behind each time.

        Python keeps some of what is freed, of each kind up to a hundred, and fills tables of its
        own: what is lost goes on being lost, however often it is called.
        """
        turns = [1, 1, 1], [120, LEAK, LEAK], [LEAK, 100, 100], [100, 500, 500]
        return all(self._grows(first, last, times) for times in turns)

    def _grows(self, first: int, last: int, times: list[int]) -> bool:
        """Tell whether calls leave a block each, in each of the last turns of so many."""
        growths = []
        for count in times:
            before = int(self.library.blocks_held())
            for _ in range(count):
                world = self.world()
                self.library.fail(first, last)
                with contextlib.suppress(MemoryError, sg.errors.StateError):
                    self.action(world)
                self.library.stop()
                del world
            gc.collect()
            growths.append(int(self.library.blocks_held()) - before)
        return all(grown >= count for grown, count in zip(growths[1:], times[1:], strict=True))


def drained() -> Any:
    """Take what Python keeps at hand, so that new objects are asked for."""
    return [float(i) for i in range(150)], [[] for _ in range(100)], [(i, i) for i in range(50)]


def is_whole(action: Action, world: World, result: Any, after: Any) -> bool:
    return bits(action(world)) == result and world.state() == after


def places(count: int, most: int) -> list[int]:
    """Return places from 1 to a count, at most so many, evenly."""
    return list(range(1, count + 1, max(1, -(-count // most))))


# -- what of C they reach -----------------------------------------------------------------------


def functions_of_c() -> set[str]:
    """Return the names of all functions and methods of the engine in C."""
    f = sg.compile(lambda x: x * x)
    f(1.0)
    plan = type(plan_of(f))
    owners: list[tuple[str, Any]] = [("_core", _core), ("_machine", _engine.machine())]
    owners += [("Plan", plan), ("Value", Value), ("Value", Kin)]  # by the subclass of that name
    return {
        f"{owner}.{name}"
        for owner, thing in owners
        for name, function in vars(thing).items()
        if type(function).__name__ in OF_C
    }


def reached(names: Iterable[str]) -> set[str]:
    """Return the names of those that are called while entries run."""
    found: set[str] = set()

    def note(frame: Any, event: str, function: Any) -> None:
        if event == "c_call" and not isinstance(function, FunctionType):
            owner = getattr(function, "__self__", None)
            name = function.__qualname__
            if isinstance(owner, ModuleType):
                name = f"{owner.__name__}.{name}"
            found.add(".".join(name.split(".")[-2:]))

    for name in names:
        action, prepare = entries()[name]
        world = World()
        prepare(world)
        sys.setprofile(note)
        try:
            action(world)
        finally:
            sys.setprofile(None)
    return found


def main() -> int:
    """Try entries; say what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--most", type=int, default=FOREVER, help="allocations of an entry")
    parser.add_argument("names", nargs="*", metavar="entry")
    options = parser.parse_args()
    if "FAILING_MEMORY" not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder), *sys.argv[1:], output=None).returncode
    gc.disable()
    library = ctypes.PyDLL(os.environ["FAILING_MEMORY"])
    library.fail.argtypes = ctypes.c_long, ctypes.c_long
    library.stop.restype = library.blocks_held.restype = ctypes.c_long
    _engine.machine()
    assert library.begin() >= 2, "a part of the engine was not found"
    faults = total = 0
    for name in options.names or entries():
        print(f"in {name}", flush=True)
        trial = Trial(name, library)
        count, tried = trial.count(), 0
        for place in places(count, options.most):
            for last in (place, FOREVER):
                faulthandler.dump_traceback_later(PATIENCE, exit=True)
                print(
                    f"at {name}, {place} of {count}{' and all behind it' * (last > place)}",
                    flush=True,
                )
                fault, was_asked = trial.attempt(place, last)
                if was_asked and not fault and not IS_SANITIZED and trial.leaks(place, last):
                    fault = "leaves memory behind"
                tried += was_asked
                if fault:
                    faults += 1
                    print(f"FAULT {name}, {place} of {count}: {fault}", flush=True)
        total += tried
        print(f"tried {name}: {tried}, of {count}", flush=True)
    print(f"{total} failures tried, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
