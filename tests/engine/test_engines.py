"""Twins: both engines give the same bits, names, texts and errors, in one process."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import inspect
import itertools
import json
import math
import os
import pickle
import subprocess
import sys
import weakref
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import ENGINES, apply_row, engine_class
from hypothesis import given
from row_programs import LEAVES, PROFILE, STEPS, build

import scalargrad as sg
from scalargrad import optim
from scalargrad.core import copying, evaluation
from scalargrad.core.order import post_order
from scalargrad.functions import elementary
from scalargrad.table import ops, optimizers
from scalargrad.table.row import ROWS, RULES, ManyRow, Row

if "native" not in ENGINES:  # where CI is set, test_engine_choice.py fails for it
    pytest.skip("no native engine was built", allow_module_level=True)

CHECKOUT = Path(__file__).parents[2]
INF, NAN = math.inf, math.nan


def pair(make: Callable[[type], Any]) -> tuple[Any, Any]:
    """Make the same thing with the readable and with the native engine."""
    return make(engine_class("python")), make(engine_class("native"))


def bits(number: float) -> str:
    """Return a number to the last bit; all nans are one, and so are both zeros."""
    return (number + 0.0 if number == 0.0 else number).hex()


def told(node: Any, *, grads: bool = True) -> tuple[Any, ...]:
    """Return all that a node holds, as texts to the last bit."""
    operands = [o.hex() if isinstance(o, float) else o.data.hex() for o in node.operands]
    kept = (node.op, node.label, node.data.hex(), operands, list(map(bits, node.partials)))
    return (*kept, bits(node.grad), node._grad is None) if grads else kept


# -- the same bits ---------------------------------------------------------------------------------

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.0,
    3.0,
    1e-310,
    -5e-324,
    1e308,
    -1e308,
    1e-9,
    INF,
    -INF,
    NAN,
]
USUAL = [0.1, 0.7, -0.3, 2.5, -7.25, 19.0, 123.456, -36.0, 709.0, -745.1, 1e5]


def nodes_of(Value: type, row: Row | ManyRow, numbers: tuple[float, ...]) -> Iterator[Any]:
    """Yield nodes of a row at a point, with Values and plain numbers in every mixture."""
    for mask in itertools.product((True, False), repeat=len(numbers)):
        if not any(mask):
            continue
        operands = [Value(x) if is_value else x for x, is_value in zip(numbers, mask, strict=True)]
        if isinstance(row, ManyRow):
            size = len(operands) // row.arity
            operands = [operands[i * size : (i + 1) * size] for i in range(row.arity)]
        result = apply_row(Value, row, *operands)
        yield from result if isinstance(result, list) else [result]


@pytest.mark.parametrize("name", ROWS)
def test_row_has_the_same_bits_at_every_pair_of_special_and_usual_points(name):
    row = ROWS[name]
    numbers = SPECIAL + USUAL
    points = [(x,) for x in numbers] if row.arity == 1 and isinstance(row, Row) else []
    points = points or list(itertools.product(numbers, repeat=2))
    if isinstance(row, ManyRow):
        points += [(x, 0.5, -1.0, y) for x, y in itertools.product(SPECIAL, repeat=2)]

    for point in points:
        python, native = pair(lambda Value, point=point: list(nodes_of(Value, row, point)))
        found = zip(map(told, python), map(told, native), strict=True)
        assert all(theirs == ours for theirs, ours in found), (point, python, native)


@pytest.mark.parametrize("name", [n for n in ROWS if hasattr(elementary, n) and n != "where"])
def test_function_of_floats_has_the_same_bits(name):
    row, function = ROWS[name], getattr(sg, name, None) or getattr(elementary, name)
    for point in itertools.product(SPECIAL + USUAL, repeat=row.arity):
        if isinstance(row, Row):
            found, expected = function(*point), row.value(*point)
        else:
            lists = [[x, 0.5] for x in point]
            found, expected = function(*lists), row.value(*lists)
        as_list = found if isinstance(found, list) else [found]
        wanted = expected if isinstance(expected, list) else [expected]
        assert [x.hex() for x in as_list] == [x.hex() for x in wanted], point
        assert {type(x) for x in as_list} == {float}


@PROFILE
@given(numbers=LEAVES, program=STEPS)
def test_random_program_has_the_same_bits_everywhere(numbers, program):
    python, native = pair(lambda Value: build(Value, numbers, program)[1])
    for pool in (python, native):
        pool[-1].backward()
        pool[len(pool) // 2].backward(-0.75)

    assert list(map(told, python)) == list(map(told, native))
    orders = [list(map(told, post_order(pool[-1]))) for pool in (python, native)]
    assert orders[0] == orders[1]


def test_sweep_finds_the_same_nodes_in_the_same_order():
    def make(Value: type) -> Any:
        x, y = Value(0.3), Value(-1.2)
        h = [x * y, x + 2.0, (x * x).tanh()]
        root = apply_row(Value, ROWS["dot"], [*h, x], [y, *h]) * h[0]
        order, grads = root._sweep(1.5)
        return list(map(told, order)), [(told(node), grad.hex()) for node, grad in grads.items()]

    python, native = pair(make)

    assert python == native


def test_gradients_of_chosen_values_are_those_of_the_pass():
    def make(Value: type) -> Any:
        x, y, apart = Value(0.3), Value(-1.2), Value(7.0)
        h = [x * y, x + 2.0, (x * x).tanh()]
        root = apply_row(Value, ROWS["dot"], [*h, x], [y, *h]) * h[0]
        chosen = [y, root, apart, x, h[2], x]
        _, grads = root._sweep(1.5)
        found = root._gradients(1.5, chosen)
        assert found == [grads.get(value, 0.0) for value in chosen]
        assert (x.grad, root.grad) == (0.0, 0.0)
        assert root._gradients(1.5, []) == []
        return [number.hex() for number in found]

    python, native = pair(make)

    assert python == native


def under_modes(Value: type) -> list[Any]:
    x, y = Value(0.5, label="x"), Value(2.0)

    def made() -> list[Any]:
        nodes = [x * y, x + 1, -x, x.exp(), sg.sum([x, y]), *sg.softmax([x, y]), x.detach()]
        return [*nodes, sg.record(1.0, [x], [2.0], op="mine"), Value(3.0)]

    found = made()
    with sg.no_grad():
        found += made()
        with sg.scope("quiet"):
            found += made()
    with sg.scope("outer"), sg.scope("inner"):
        found += made()
        with sg.detect_anomaly():
            found += made()
    return found


def test_blocks_make_the_same_nodes():
    python, native = pair(under_modes)

    assert list(map(told, python)) == list(map(told, native))
    for theirs, ours in zip(python, native, strict=True):
        assert set(theirs._notes or ()) == set(ours._notes or ())
        assert (theirs._notes or {}).get("line") == (ours._notes or {}).get("line")
        assert getattr(theirs.scope, "name", None) == getattr(ours.scope, "name", None)


@pytest.mark.parametrize("name", RULES)
def test_optimiser_moves_by_the_same_bits(name):
    rule = RULES[name]
    settings = [0.01, 0.1, 0.9, 1e-8, 0.9, True][: len(rule.settings)]

    def make(Value: type) -> Any:
        w = [Value(x) for x in (0.5, -1.25, 3.0, 0.0)]
        kept = [array("d", [0.1, 0.2, 0.3, 0.4]) for _ in rule.kept]
        move = optim._move if Value is engine_class("native") else evaluation.move
        for turn in range(5):
            for p, grad in zip(w, (0.1, -2.0, 1e-3 * turn, NAN), strict=True):
                p.grad = grad
            move(rule, w, kept, tuple(settings))
        return [p.data.hex() for p in w], [[x.hex() for x in column] for column in kept]

    python, native = pair(make)

    assert python == native


# -- the same names and texts ----------------------------------------------------------------------


def test_values_have_the_same_names():
    python, native = pair(lambda Value: {n for n in dir(Value) if not n.startswith("__")})
    assert python == native

    python, native = pair(dir)
    # what any class of Python has, and no class of C
    assert set(python) ^ set(native) <= {"__slots__", "__annotations__", "__static_attributes__",
                                         "__firstlineno__"}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in dir(engine_class("python")) if n != "__doc__"])
def test_attribute_has_the_same_words_and_signature(name):
    python, native = pair(lambda Value: getattr(Value, name, None))
    if name.startswith("_") and not name.endswith("__") and name not in ("_prev", "_op"):
        return  # not for users
    if name in ("__new__", "__slots__", "__init_subclass__", "__subclasshook__", "__module__"):
        return

    assert inspect.getdoc(python) == inspect.getdoc(native)
    if callable(python) and not isinstance(python, type):
        assert signature(python) == signature(native)


def signature(thing: Any) -> str:
    try:
        return str(inspect.signature(thing))
    except ValueError:
        return "none"


def test_class_has_the_same_words_and_signature():
    python, native = pair(lambda Value: (Value.__doc__, signature(Value), Value.__name__,
                                         Value.__qualname__))  # fmt: skip

    assert python == native


PUBLIC_SURFACE = """
import inspect, json, scalargrad as sg
def told(name):
    thing = getattr(sg, name)
    try:
        words = str(inspect.signature(thing))
    except (TypeError, ValueError):
        words = ""
    names = [getattr(thing, a, None) for a in ("__name__", "__qualname__")]
    return [words, inspect.getdoc(thing), *names]
print(json.dumps({name: told(name) for name in sg.__all__ if name != "engine"}))
"""


def test_public_functions_have_the_same_words_and_signatures():
    def surface(engine: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", PUBLIC_SURFACE], capture_output=True, check=True, cwd=CHECKOUT,
            env={**os.environ, "SCALARGRAD_ENGINE": engine},
        )  # fmt: skip
        return json.loads(done.stdout)

    assert surface("python") == surface("native")


def graph(Value: type) -> list[Any]:
    x, y = Value(1.5, label="x"), Value(-2)
    with sg.scope("Layer"):
        h = (x * y - 3).tanh()
    root = h / x + h
    root.backward()
    return [x, y, h, root, root * 0.5]


def test_values_look_the_same():
    python, native = pair(lambda Value: [f"{v!r} {v} {v:.3f} {v:>12}" for v in graph(Value)])

    assert python == native


def test_pickles_of_a_scope_are_as_long():
    def dumped(Value: type) -> bytes:
        with sg.scope("Layer"):
            nodes = [Value(float(i)) * 2.0 for i in range(50)]
        return pickle.dumps(nodes)

    python, native = pair(dumped)

    assert len(python) == len(native)


def test_pickles_go_from_engine_to_engine(monkeypatch):
    pickles = pair(lambda Value: pickle.dumps(graph(Value)))

    for name, pickled in itertools.product(ENGINES, pickles):
        monkeypatch.setitem(copying.chosen, "Value", engine_class(name))
        twins = pickle.loads(pickled)
        assert {type(twin) for twin in twins} == {engine_class(name)}
        assert list(map(told, twins)) == list(map(told, graph(engine_class(name))))
        assert [twin.scope and twin.scope.name for twin in twins] == [
            None,
            None,
            "Layer",
            None,
            None,
        ]


# -- the same errors -------------------------------------------------------------------------------


class Stubborn:
    """A number that is none."""

    def __float__(self) -> float:
        raise ZeroDivisionError("not today")


MISTAKES: dict[str, Callable[[type], Any]] = {
    "no number": lambda V: V(),
    "too many": lambda V: V(1.0, "x", 2),
    "twice": lambda V: V(1.0, data=2.0),
    "unknown keyword": lambda V: V(1.0, name="x"),
    "text": lambda V: V("1"),
    "none": lambda V: V(None),
    "complex": lambda V: V(1j),
    "list": lambda V: V([1.0]),
    "a Value": lambda V: V(V(1.0)),
    "huge": lambda V: V(10**400),
    "label": lambda V: V(1.0, label=3),
    "late label": lambda V: setattr(V(1.0), "label", None),
    "data": lambda V: setattr(V(1.0), "data", "x"),
    "grad": lambda V: setattr(V(1.0), "grad", [0.0]),
    "delete data": lambda V: delattr(V(1.0), "data"),
    "delete grad": lambda V: delattr(V(1.0), "grad"),
    "add text": lambda V: V(1.0) + "1",
    "text first": lambda V: "1" * V(1.0),
    "list times": lambda V: [1] * V(1.0),
    "divide none": lambda V: V(1.0) / None,
    "add huge": lambda V: V(1.0) + 10**400,
    "power of text": lambda V: "2" ** V(1.0),
    "power modulo": lambda V: pow(V(2.0), 3, 5),
    "power modulo of a float": lambda V: pow(2.0, V(2.0), 5),
    "matrix product": lambda V: V(1.0) @ V(1.0),
    "floor": lambda V: V(1.0) // "2",
    "in order with text": lambda V: V(1.0) < "1",
    "float": lambda V: float(V(1.0)),
    "int": lambda V: int(V(1.0)),
    "math": lambda V: math.exp(V(1.0)),
    "round": lambda V: round(V(1.0), 2.5),
    "complex()": lambda V: complex(V(1.0)),
    "index": lambda V: [1, 2][V(1.0)],
    "length": lambda V: len(V(1.0)),
    "item": lambda V: V(1.0)[0],
    "loop": lambda V: list(V(1.0)),
    "call": lambda V: V(1.0)(),
    "unknown attribute": lambda V: V(1.0).weight,
    "new attribute": lambda V: setattr(V(1.0), "weight", 1.0),
    "weak reference": lambda V: weakref.ref(V(1.0)),
    "upstream": lambda V: V(1.0).backward("one"),
    "upstreams": lambda V: V(1.0).backward(1.0, 2.0),
    "unknown upstream": lambda V: V(1.0).backward(up=1.0),
    "method with operand": lambda V: V(1.0).exp(2.0),
    "detach with operand": lambda V: V(1.0).detach(2.0),
    "function of nothing": lambda V: sg.exp(),
    "function of two": lambda V: sg.exp(V(1.0), V(1.0)),
    "function of text": lambda V: sg.log("1"),
    "named operand": lambda V: sg.log(x=V(1.0)),
    "two of text": lambda V: sg.hypot(V(1.0), "1"),
    "sum of text": lambda V: sg.sum([V(1.0), "1"]),
    "sum of a number": lambda V: sg.sum(V(1.0)),
    "sum of huge": lambda V: sg.sum([V(1.0), 10**400]),
    "mean of nothing": lambda V: sg.mean([]),
    "dot of lengths": lambda V: sg.dot([V(1.0)], [1.0, 2.0]),
    "dot of none": lambda V: sg.dot([V(1.0)], [None]),
    "dot of one": lambda V: sg.dot([V(1.0)]),
    "softmax of text": lambda V: sg.softmax([V(1.0), "x"]),
    "zero_grad of floats": lambda V: sg.zero_grad([V(1.0), 1.0]),
    "record without parents": lambda V: sg.record(1.0, [], [], op="x"),
    "record of text": lambda V: sg.record(1.0, [V(1.0)], ["x"], op="x"),
    "a mean number": lambda V: V(1.0) + Stubborn(),
    "method of a number": lambda V: V.exp(2.0),
    "delete data of a subclass": lambda V: delattr(type("Sub", (V,), {})(1.0), "data"),
    "eq of a subclass": lambda V: type("Sub", (V,), {"__eq__": lambda a, b: True}),
    "layout": lambda V: type("Sub", (V, int), {}),
}


def outcome(action: Callable[[type], Any], Value: type) -> tuple[str, str]:
    try:
        return "result", repr(action(Value))
    except Exception as error:
        return type(error).__name__, str(error)


@pytest.mark.parametrize("action", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake_gets_the_same_words(action):
    python, native = pair(lambda Value: outcome(action, Value))

    assert python == native
    assert python[0] != "result"


def test_rows_that_the_native_table_lacks_are_refused():
    Value = engine_class("native")
    strange = Row("strange", "?", "x", ("1",), "Do nothing.")

    with pytest.raises(TypeError, match=r"does not know the row .*scalargrad\.table"):
        apply_row(Value, strange, Value(1.0))


def test_value_of_the_other_engine_is_a_foreign_operand():
    python, native = engine_class("python")(1.0), engine_class("native")(2.0)

    for a, b in ((python, native), (native, python)):
        with pytest.raises(TypeError, match="unsupported operand"):
            a + b
        with pytest.raises(TypeError, match="one engine"):
            sg.dot([a], [b])
        with pytest.raises(TypeError, match="one engine"):
            sg.maximum(a, b)
    assert python < native
    assert native == engine_class("python")(2.0)
    assert sg.exp(python).op == "exp"
    assert type(sg.sum([python, python])) is engine_class("python")


def test_every_rule_of_an_optimiser_is_in_the_native_table():
    w = [engine_class("native")(1.0)]
    for kind in (optim.SGD, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW):
        optimizer = kind(w, lr=0.1)
        settings = optimizer._settings(0.1, 1)
        short = sys.modules["scalargrad._native._core"].short_cut(
            "move", lambda *arguments: "asked", 0
        )
        assert short(optimizer._rule, w, optimizer._kept, settings) is None
    plain = optimizers.rule("plain", kept=(), settings=("lr",), text="w - lr * g")
    RULES.pop("plain")
    assert short(plain, w, [], (0.1,)) == "asked"


def test_short_cuts_are_used_and_the_functions_behind_them_agree():
    Value = engine_class("native")
    x = [Value(0.5), Value(-1.5)]
    for name in ("exp", "sum", "dot", "softmax", "maximum", "zero_grad"):
        quick = getattr(sg, name)
        assert type(quick).__name__ == "Quick"
        behind = quick.__wrapped__
        arguments = {"exp": x[:1], "dot": [x, x], "maximum": x}.get(name, [x])
        found, expected = quick(*arguments), behind(*arguments)
        for ours, theirs in zip(*([r] if not isinstance(r, list) else r for r in (found, expected)),
                                strict=True):  # fmt: skip
            assert ours is theirs is None or told(ours) == told(theirs)
    assert pickle.loads(pickle.dumps(sg.exp)) is sg.exp
    assert pickle.loads(pickle.dumps(Value.exp)) is Value.exp
    assert weakref.ref(sg.exp)() is sg.exp
    assert sg.dot.__code__ is sg.dot.__wrapped__.__code__
    assert repr(sg.exp).startswith("<function exp at ")
    assert ops.EXP.doc in (sg.exp.__doc__ or "")
