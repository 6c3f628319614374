"""The life of native nodes: interrupts, threads, forks, finalisers, whatever comes in between."""

from __future__ import annotations

import contextvars
import ctypes
import gc
import operator
import os
import signal
import subprocess
import sys
import threading
import weakref
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from engines import ENGINES, engine_class
from native_nodes import CHECKOUT, chain, run
from threads import run_in_threads

import scalargrad as sg
from scalargrad.core import modes
from scalargrad.table import ops

if "native" not in ENGINES:
    pytest.skip("no native engine was built", allow_module_level=True)

Value = engine_class("native")
PATIENCE = 1 << 14  # nodes between two looks for a Ctrl-C; see backward.c


def test_assertions_are_compiled_in_where_the_debug_build_is_said_to_run():
    core = sys.modules["scalargrad._native._core"]
    assert core.debug == ("SCALARGRAD_SANITIZED" in os.environ)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda x: Value._unary(ops.MUL, x), "_unary: wants a row of one operand"),
        (lambda x: Value._unary(ops.EXP, 2.0), "_unary: wants a row and a Value"),
        (lambda x: Value._binary(ops.EXP, x, x), "_binary: wants a row of two operands"),
        (lambda x: Value._binary(ops.MUL, x), "_binary: wants a row and two operands"),
        (lambda x: Value._many(ops.MUL, [x], [x]), "_many: wants a row and its lists"),
        (lambda x: Value._many(ops.DOT, [x]), "_many: wants a row and its lists"),
    ],
)
def test_row_of_another_arity_is_refused(build, words):
    with pytest.raises(TypeError, match=words):
        build(Value(2.0))


# -- interrupts ------------------------------------------------------------------------------------


def interrupted(action: Callable[[], Any]) -> None:
    """Run an action with a Ctrl-C that arrives after it was called."""
    # `map` calls one after the other without giving Python a chance to handle the signal between
    press = ctypes.pythonapi.PyErr_SetInterrupt
    deque(map(operator.call, [press, action]), maxlen=0)


def deep() -> tuple[Any, Any]:
    x = Value(2.0)
    return x, chain(x, 2 * PATIENCE)


def wide() -> tuple[Any, Any]:
    x = Value(2.0)
    return x, sg.sum([x, *(Value(1.0) for _ in range(2 * PATIENCE))])


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("make", [deep, wide])
def test_interrupt_in_a_pass_changes_nothing_and_the_next_pass_is_right(make):
    x, root = make()
    x.grad = 5.0

    with pytest.raises(KeyboardInterrupt):
        interrupted(root.backward)
    assert (x.grad, root.grad) == (5.0, 0.0)

    root.backward()
    assert (x.grad, root.grad) == (6.0, 1.0)


@pytest.mark.parametrize("make", [deep, wide])
def test_handler_that_returns_lets_the_pass_go_on(make):
    x, root = make()
    heard = []

    def handle(number: int, frame: Any) -> None:
        heard.append(number)
        (x * 3.0).backward()  # the same leaf, in the middle of the other pass

    before = signal.signal(signal.SIGINT, handle)
    try:
        interrupted(root.backward)
    finally:
        signal.signal(signal.SIGINT, before)

    assert heard == [signal.SIGINT]
    assert (x.grad, root.grad) == (4.0, 1.0)


PRESS = """
import os, random, signal, sys, time
for _ in range(100):
    end = time.perf_counter() + random.uniform(0.0, 0.005)
    while time.perf_counter() < end:
        pass
    os.kill(os.getppid(), signal.SIGINT)
"""


def test_interrupts_at_any_moment_leave_passes_whole_or_undone():
    x = Value(2.0)
    root = chain(x, 100_000)
    inside = False
    cut = whole = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal inside
        if inside:
            inside = False
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    try:
        with subprocess.Popen([sys.executable, "-c", PRESS]) as presser:
            while presser.poll() is None:
                grad = x.grad
                try:
                    inside = True
                    root.backward()
                    inside = False
                    whole += 1
                except KeyboardInterrupt:
                    cut += 1
                assert x.grad - grad in (0.0, 1.0)
    finally:
        signal.signal(signal.SIGINT, before)

    assert presser.returncode == 0
    assert cut > 0
    assert whole <= x.grad <= whole + cut
    x.grad = 0.0
    root.backward()
    assert (x.grad, root.grad) == (1.0, 1.0)


@pytest.mark.usefixtures("ctrl_c")
def test_pass_that_is_too_short_for_an_interrupt_is_whole():
    x = Value(2.0)
    root = chain(x, 10)

    with pytest.raises(KeyboardInterrupt):
        interrupted(root.backward)

    assert (x.grad, root.grad) == (1.0, 1.0)


# -- threads and processes -------------------------------------------------------------------------


def test_threads_build_differentiate_and_free_side_by_side():
    shared = [Value(0.5), Value(-1.5)]
    wrong = []

    def work(number: int) -> None:
        x = Value(float(number))
        for turn in range(30):
            with sg.scope(f"turn {turn}"):
                nodes = [x]
                for _ in range(200):
                    nodes.append((nodes[-1] * shared[0] + shared[1]).tanh())
                    nodes[-1].label = "h"
                total = sg.sum(nodes) + sg.dot(nodes, nodes)
            x.grad = 0.0
            total.backward()
            first = x.grad
            x.grad = 0.0
            total.backward()
            if x.grad != first or total.scope.name != f"turn {turn}":
                wrong.append((number, turn))

    run_in_threads(work, numbered=True)

    assert wrong == []
    assert all(p.grad != 0.0 for p in shared)


def test_child_of_a_fork_goes_on_with_the_graph():
    done = run("""
import os, scalargrad as sg
x = sg.Value(3.0, label="x")
y = x * x
y.backward()
child = os.fork()
y.backward()
assert (x.grad, y.grad, x.label) == (12.0, 1.0, "x")
del y
z = [x * float(i) for i in range(100_000)]
if child:
    assert os.waitpid(child, 0)[1] == 0
print("right")
""")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["right", "right"]


def test_interpreter_ends_quietly_with_live_graphs():
    done = run("""
import atexit, sys, weakref, scalargrad as sg
class Parameter(sg.Value):
    def __del__(self):
        (self * 2.0).backward()
p = Parameter(1.0, label="p")
with sg.scope("Layer"):
    graph = [p * 2.0]
    for _ in range(10_000):
        graph.append(graph[-1] + p)
graph[-1].backward()
p.cycle = graph
sys.graph = graph
block = sg.scope("open at the end")
block.__enter__()
last = sg.custom(lambda x: 1.0, op="mine")(lambda x: x)(graph[-1])
atexit.register(last.backward)
""")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_subinterpreter_gets_the_readable_engine():
    interpreters = pytest.importorskip("_xxsubinterpreters" if sys.version_info < (3, 13)
                                       else "_interpreters")  # fmt: skip
    program = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r})\n"
        "import scalargrad as sg\n"
        "x = sg.Value(3.0); (x * x).backward()\n"
        "assert (sg.engine, x.grad) == ('python', 6.0), (sg.engine, x.grad)\n"
    )
    done = run(
        f"import {interpreters.__name__} as i\n"
        f"error = i.run_string(i.create(), {program!r})\n"
        "assert error is None, error\n",
        SCALARGRAD_ENGINE="",
    )

    assert (done.returncode, done.stderr) == (0, "")


# -- subclasses, cycles, finalisers ----------------------------------------------------------------


class Parameter(Value):
    """A leaf with attributes, and so with cycles."""


def test_plain_nodes_are_not_seen_by_the_cyclic_collector():
    x = Value(1.0)

    assert not any(
        map(gc.is_tracked, [x, x * 2.0, sg.sum([x, x]), sg.record(1.0, [x], [1.0], "f")])
    )


def nodes_with(p: Any) -> list[Any]:
    """Return nodes of every kind that come from an instance of a subclass."""
    return [
        p * p, p + 1.0, 2.0 / p, -p, p.exp(), sg.hypot(p, 2.0), sg.sum([p, 1.0]),
        sg.dot([p, p], [1.0, p]), *sg.softmax([p, Value(1.0)]), sg.record(1.0, [p], [1.0], "f"),
        sg.mse([p], [1.0]), (p * 2.0).tanh(), sg.sum([p * 2.0, Value(1.0) * 2.0]),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(len(nodes_with(Parameter(1.0)))))
def test_cycle_through_a_subclass_is_collected(place):
    p = Parameter(2.0)
    p.cache = nodes_with(p)[place]
    alive = weakref.ref(p)
    p.cache.backward()
    assert gc.is_tracked(p.cache)

    del p
    gc.collect()

    assert alive() is None


def test_long_graph_of_a_subclass_is_freed_without_recursion():
    p = Parameter(2.0)
    alive = weakref.ref(p)
    root = chain(p, 200_000)
    root.backward()
    assert p.grad == 1.0

    del p, root

    assert alive() is None


def test_finaliser_may_do_anything_while_a_graph_is_freed():
    seen = []

    class Busy(Value):
        def __del__(self) -> None:
            y = self * 2.0 + self
            y.backward()
            seen.append((self.data, self.grad))
            chain(Value(1.0), 1000).backward()
            gc.collect()

    leaves = [Busy(float(i)) for i in range(50)]
    root = sg.sum([chain(leaf, 20) for leaf in leaves])
    root.backward()

    del leaves, root

    assert seen == [(float(i), 4.0) for i in range(50)] or sorted(seen) == [
        (float(i), 4.0) for i in range(50)
    ]


def test_finaliser_may_bring_a_leaf_back_to_life():
    saved = []

    class Phoenix(Value):
        def __del__(self) -> None:
            saved.append(self)

    root = Phoenix(3.0) * 2.0
    del root
    (leaf,) = saved
    again = leaf * 5.0
    again.backward()

    assert (leaf.data, leaf.grad, again.data) == (3.0, 5.0, 15.0)


def test_weak_reference_to_a_subclass_tells_of_its_end():
    told = []
    p = Parameter(1.0)
    reference = weakref.ref(p, told.append)
    root = p * 2.0

    del p
    assert told == []
    del root
    assert told == [reference]


def test_constructor_called_again_makes_a_leaf_of_a_node():
    x = Value(3.0)
    node = x * x
    consumer = node + 1.0
    node.label = "old"

    node.__init__(5.0)

    assert (node.op, node.parents, node.data, node.label) == ("", (), 5.0, "")
    consumer.backward()
    assert (node.grad, x.grad) == (1.0, 0.0)


@pytest.mark.parametrize("make", [lambda: Value(3.0, "old"), lambda: Value(3.0) * 2.0])
def test_constructor_called_again_leaves_nothing_of_names_or_operands(make):
    node = make()

    node.__init__(5.0)

    assert (node.op, node.operands, node.data, node.label) == ("", (), 5.0, "")
    assert node._notes is None


def test_class_of_a_value_cannot_be_assigned_where_the_layout_differs():
    class Slotless(Value):
        __slots__ = ()

    node, leaf = Value(2.0) * 2.0, Slotless(3.0)

    with pytest.raises(TypeError, match="__class__ assignment"):
        node.__class__ = Slotless
    with pytest.raises(TypeError, match="__class__ assignment"):
        leaf.__class__ = Value
    leaf.__class__ = type("Other", (Value,), {"__slots__": ()})
    assert (node * leaf).data == 12.0


def test_constructor_that_is_replaced_is_called(monkeypatch):
    made = []
    init = Value.__init__

    def counted(self, *args, **kwargs):
        made.append(args)
        init(self, *args, **kwargs)

    monkeypatch.setattr(Value, "__init__", counted)
    assert Value(1.0).data == Value(data=1.0).data == 1.0
    assert made == [(1.0,), ()]
    monkeypatch.undo()
    assert Value(2.0).data == 2.0
    assert len(made) == 2


def test_subclass_may_have_a_constructor_and_slots_of_its_own():
    class Named(Value):
        __slots__ = ("name",)

        def __init__(self, name: str, data: float) -> None:
            super().__init__(data, label=name)
            self.name = name

    p = Named("p", 2)
    root = p * 3.0

    assert (p.name, p.label, p.data, type(root)) == ("p", "p", 2.0, Value)
    assert type(Value.__new__(Named)) is Named


# -- re-entrance -----------------------------------------------------------------------------------


class Number(float):
    """A number that does something when it is asked for its value."""

    action: Callable[[], Any]

    def __float__(self) -> float:
        self.action()
        return 2.0


def test_operand_that_empties_the_list_it_stands_in_does_no_harm():
    for function in (sg.sum, sg.max, sg.logsumexp, lambda xs: sg.dot(xs, xs)):
        number = Number(2.0)
        operands = [Value(float(i)) for i in range(100)] + [number]
        number.action = operands.clear
        operands += [Value(1.0)] * 10

        node = function(operands)

        node.backward()
        assert len(node.operands) in (111, 222)


def test_operand_that_uses_the_other_one_does_no_harm():
    x = Value(3.0)
    number = Number(2.0)

    def act() -> None:
        x.data = 7.0
        (x * x).backward()
        gc.collect()

    number.action = act
    node = x * number

    assert (node.data, x.grad) == (14.0, 14.0)
    x.data = 3.0
    x.backward(number)
    assert (x.data, x.grad) == (7.0, 14.0 + 14.0 + 2.0)


def test_comparison_and_assignment_of_busy_numbers():
    x = Value(3.0)
    number = Number(2.0)
    number.action = lambda: setattr(x, "label", "busy")

    x.data = number

    assert (x.data, x.label) == (2.0, "busy")
    assert x < Number(5.0)


class Trap:
    """Garbage that does something when the cyclic collector finds it."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.cycle, self.action = self, action

    def __del__(self) -> None:
        self.action()


@pytest.mark.parametrize(
    "read",
    [
        lambda node: node.parents, lambda node: node.operands, lambda node: node.partials,
        lambda node: node._sweep(1.0), lambda node: node.scope, lambda node: node._notes,
        lambda node: repr(node), lambda node: sg.softmax([node, node, node]),
    ],
)  # fmt: skip
def test_collector_that_makes_a_leaf_of_what_is_read_does_no_harm(read):
    thresholds = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(100):
            with sg.scope("A"):
                node = sg.sum([Value(float(i)) * 2.0 for i in range(20)])
            Trap(lambda node=node: node.__init__(1.0))
            read(node)
            node.__init__(2.0)
    finally:
        gc.set_threshold(*thresholds)

    assert node.parents == ()


def test_callback_that_opens_another_block_does_not_change_this_one():
    def elsewhere() -> None:
        with sg.scope("B"):
            Value(1.0) * 2.0

    x = Value(2.0)
    with sg.scope("A") as scope:
        x * x
    reference = weakref.ref(scope, lambda _: contextvars.Context().run(elsewhere))
    del scope
    with sg.no_grad():
        node = x * x

    assert (node.op, node.scope, reference()) == ("", None, None)


# -- anomaly, in C and in Python -------------------------------------------------------------------


@pytest.fixture
def threads_end() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize("part", ["recording", "anomaly", "scope"])
def test_a_mode_that_lacks_a_part_fails_and_nothing_is_made(part):
    mode, x = modes.Mode(modes.current()), Value(2.0)
    delattr(mode, part)
    before = modes.variable.set(mode)
    modes.active.add(mode)
    try:
        with pytest.raises(AttributeError, match=part):
            x * 3.0
    finally:
        modes.active.discard(mode)
        modes.variable.reset(before)
    assert (x * 3.0).data == 6.0


def test_modes_of_another_thread_are_not_obeyed(threads_end):
    inside, leave = threading.Event(), threading.Event()

    def quiet() -> None:
        with sg.no_grad():
            inside.set()
            leave.wait()

    other = threading.Thread(target=quiet)
    other.start()
    inside.wait()
    x = Value(2.0)
    with sg.scope("mine"):
        scoped = x * x
    node = x * x
    leave.set()
    other.join()

    assert (node.op, node.scope, scoped.scope.name) == ("mul", None, "mine")


# -- many numbers at once --------------------------------------------------------------------------

core = sys.modules["scalargrad._native._core"]


def test_gradients_added_to_leaves_leave_their_names_and_count_as_computed():
    named, plain = Value(1.0, "w"), Value(2.0)
    named.grad, plain._grad = 0.5, None

    core.add_gradients((named, plain), array("d", [3.0, 4.0]))

    assert [(x._grad, x.label) for x in (named, plain)] == [(3.5, "w"), (4.0, "")]


@pytest.mark.parametrize("numbers", [[1.0], [1.0, 2.0, 3.0], []])
@pytest.mark.parametrize("name", ["set_numbers", "add_gradients"])
def test_numbers_must_be_as_many_as_the_values(name, numbers):
    values = Value(1.0), Value(2.0)

    with pytest.raises(TypeError, match=f"{name}: wants a tuple of Values, a double each"):
        getattr(core, name)(values, array("d", numbers))

    assert [(x.data, x.grad) for x in values] == [(1.0, 0.0), (2.0, 0.0)]


@pytest.mark.parametrize("values", [[Value(1.0)], (1.0,), (Value(1.0), None)])
def test_numbers_are_those_of_a_tuple_of_values(values):
    with pytest.raises(TypeError, match="numbers: wants a tuple of Values"):
        core.numbers(values)
    for name in ("set_numbers", "add_gradients"):
        with pytest.raises(TypeError, match=f"{name}: wants a tuple of Values"):
            getattr(core, name)(values, array("d", [2.0] * len(values)))


def test_second_engine_in_a_process_is_refused():
    with pytest.raises(ImportError, match="the native engine can be loaded once in a process"):
        core.create((), (), [], [], {})
