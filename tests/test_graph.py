"""Graphs: what a Value remembers, what a backward pass does, and what is refused."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import gc
import math
import operator
import os
import signal
import subprocess
import sys
import threading
import weakref
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.order import post_order

ROOT = Path(sg.__file__).parents[1]
HUGE = 10**400


# -- the two expressions that micrograd publishes ----------------------------------------------


def test_backward_gives_micrograds_digits_for_its_first_expression(Value):
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x

    y.backward()

    assert y.data == -20.0
    assert x.grad == 46.0


def test_backward_gives_micrograds_digits_for_its_second_expression(Value):
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f

    g.backward()

    assert g.data == 24.70408163265306
    assert a.grad == 138.83381924198252  # what micrograd 0.1.0 computes; its text says 138.8338
    assert b.grad == 645.5772594752186


def test_backward_gives_the_exact_gradients_of_a_quotient(Value):
    a, b = Value(-4.0), Value(2.0)
    c = a * b + b**3 + 1 / b
    d = (c - a).relu() * c / 3 + (-a) ** 2

    d.backward()

    assert (d.data, a.grad, b.grad) == pytest.approx((16.75, -29 / 6, 155 / 12), rel=1e-15)


def test_value_runs_a_micrograd_program(Value):
    weights = [Value(0.5), Value(-0.25)]
    samples = [([1.0, 2.0], 1), ([-1.0, 0.5], -1)]
    for _ in range(3):
        scores = [sum((w * x for w, x in zip(weights, xs, strict=True)), 0) for xs, _ in samples]
        losses = [
            (1 + -label * score).relu() for (_, label), score in zip(samples, scores, strict=True)
        ]
        total = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(w * w for w in weights)
        for weight in weights:
            weight.grad = 0
        total.backward()
        for weight in weights:
            weight.data -= 0.1 * weight.grad

    assert [type(w.data) for w in weights] == [float, float]
    # the numbers of micrograd 0.1.0, whose sums run in the order of its sets
    micrograd = [0.799964000639996, -0.024989500269998022]
    assert [w.data for w in weights] == pytest.approx(micrograd, rel=1e-14)
    assert set(total._prev) == set(total.parents)
    assert total._op == total.op == "add"
    assert all(w.grad != 0 for w in weights)


# -- what a node remembers -----------------------------------------------------------------------


def test_leaf_has_no_operation_no_parents_and_a_zero_gradient(Value):
    x = Value(2, "x")

    assert (x.op, x.parents, x.operands, x.grad, x.label) == ("", (), (), 0.0, "x")
    assert type(x.data) is float


def test_node_holds_its_parents_in_order_and_twice_where_used_twice(Value):
    x, y = Value(2.0), Value(3.0)

    assert (x * y).parents == (x, y)
    assert (y * x).parents[0] is y
    assert (x * x).parents[0] is (x * x).parents[1] is x
    assert len((x * x).parents) == 2


def test_operands_hold_plain_numbers_as_written_and_parents_do_not(Value):
    x = Value(3.0)

    node = 2 - x

    assert node.op == "sub"
    assert node.data == -1.0
    assert node.operands[0] == 2.0
    assert type(node.operands[0]) is float
    assert node.operands[1] is x
    assert len(node.parents) == 1
    assert node.parents[0] is x


def test_many_operands_are_one_node(Value):
    x, y = Value(3.0), Value(4.0)

    node = sg.dot([x, 2.0], [y, x])

    assert node.op == "dot"
    assert [id(p) for p in node.parents] == [id(x), id(y), id(x)]
    assert [o if isinstance(o, float) else id(o) for o in node.operands] == [
        id(x),
        2.0,
        id(y),
        id(x),
    ]
    node.backward()
    assert (x.grad, y.grad) == (4.0 + 2.0, 3.0)


@pytest.mark.parametrize(
    ("make", "op", "data", "gradients"),
    [
        (lambda x, y: x + y, "add", 8.0, (1.0, 1.0)),
        (lambda x, y: x - y, "sub", 4.0, (1.0, -1.0)),
        (lambda x, y: x * y, "mul", 12.0, (2.0, 6.0)),
        (lambda x, y: x / y, "div", 3.0, (0.5, -1.5)),
        (lambda x, y: x**y, "pow", 36.0, (12.0, 36.0 * math.log(6.0))),
        (lambda x, y: 2 + x, "add", 8.0, (1.0, 0.0)),
        (lambda x, y: 2 - x, "sub", -4.0, (-1.0, 0.0)),
        (lambda x, y: 2 * x, "mul", 12.0, (2.0, 0.0)),
        (lambda x, y: 3 / y, "div", 1.5, (0.0, -0.75)),
        (lambda x, y: 2**y, "pow", 4.0, (0.0, 4.0 * math.log(2.0))),
        (lambda x, y: x + 2, "add", 8.0, (1.0, 0.0)),
        (lambda x, y: x - 2, "sub", 4.0, (1.0, 0.0)),
        (lambda x, y: x * 2, "mul", 12.0, (2.0, 0.0)),
        (lambda x, y: x / 2, "div", 3.0, (0.5, 0.0)),
        (lambda x, y: x**2, "pow", 36.0, (12.0, 0.0)),
        (lambda x, y: -x, "neg", -6.0, (-1.0, 0.0)),
        (lambda x, y: abs(-x), "abs", 6.0, (1.0, 0.0)),
        (lambda x, y: pow(x, 2), "pow", 36.0, (12.0, 0.0)),
        (lambda x, y: sg.where(x > y, x, y), "where", 6.0, (1.0, 0.0)),
        (lambda x, y: sg.where(x < y, x, y), "otherwise", 2.0, (0.0, 1.0)),
        (lambda x, y: sg.where(x, x, 0.0), "where", 6.0, (1.0, 0.0)),
        (lambda x, y: sg.where(0.0, x, y), "otherwise", 2.0, (0.0, 1.0)),
        (lambda x, y: sum([x, y]), "add", 8.0, (1.0, 1.0)),
        (lambda x, y: math.prod([x, y]), "mul", 12.0, (2.0, 6.0)),
    ],
)  # fmt: skip
def test_operator_makes_one_node_with_the_right_gradients(Value, make, op, data, gradients):
    x, y = Value(6.0), Value(2.0)

    node = make(x, y)
    node.backward()

    assert (node.op, node.data) == (op, data)
    assert (x.grad, y.grad) == gradients


def test_augmented_assignment_makes_a_new_node(Value):
    x = before = Value(2.0)

    x += 1
    x *= 3
    x -= 1
    x /= 2
    x **= 2

    assert x.data == 16.0
    assert before.data == 2.0
    assert before.op == ""
    x.backward()
    assert before.grad == 2 * 4.0 * 3 / 2


def test_plus_returns_the_value_itself(Value):
    x = Value(2.0)

    assert +x is x


def test_operators_on_a_subclass_return_the_engines_value(Value):
    class Parameter(Value):
        pass

    p = Parameter(2.0, label="p")

    for node in (p + 1, 1 - p, p * p, p.tanh(), -p, sg.sum([p, p]), p.detach()):
        assert type(node) is Value
    (p * Value(3.0)).backward()
    assert p.grad == 3.0
    assert repr(p) == "Parameter(data=2.0, grad=3.0, label='p')"


def test_label_may_be_assigned_and_must_be_text(Value):
    x = Value(1.0)

    x.label = "weight"

    assert x.label == "weight"
    for wrong in (1, None, b"x", x):
        with pytest.raises(TypeError, match="label must be a text"):
            x.label = wrong
        with pytest.raises(TypeError, match="label must be a text"):
            Value(1.0, label=wrong)
    assert x.label == "weight"


def test_values_makes_labelled_leaves_in_the_order_written():
    z, x = sg.values(z=-3, x=1)

    assert (z.label, z.data, x.label, x.data) == ("z", -3.0, "x", 1.0)
    with pytest.raises(ValueError, match="needs at least one named number"):
        sg.values()


# -- a backward pass ---------------------------------------------------------------------------


def test_leaves_accumulate_and_interior_nodes_are_reset_over_calls(Value):
    x = Value(3.0)
    square = x * x
    cube = square * x

    cube.backward()
    first = (x.grad, square.grad, cube.grad)
    cube.backward()

    assert first == (27.0, 3.0, 1.0)
    assert (x.grad, square.grad, cube.grad) == (54.0, 3.0, 1.0)


def test_leaves_accumulate_over_different_roots(Value):
    x = Value(3.0)

    (x * x).backward()
    (2 * x).backward()

    assert x.grad == 8.0


def test_backward_adds_up_what_arrives_over_several_branches(Value):
    x = Value(2.0)
    a = x * 3
    b = a + x
    c = a * b

    c.backward()

    assert c.data == 48.0
    assert x.grad == 3 * (8 + 6) + 6
    assert a.grad == 8 + 6


def test_backward_multiplies_by_the_upstream_gradient(Value):
    x = Value(3.0)
    node = x * x

    node.backward(1.5)
    node.backward(upstream=2)

    assert x.grad == 9.0 + 12.0
    assert node.grad == 2.0


@pytest.mark.parametrize("upstream", ["one", None, [1.0], 1j, Decimal(1)])
def test_backward_refuses_an_upstream_that_is_no_number(Value, upstream):
    x = Value(3.0)
    node = x * x

    with pytest.raises(
        TypeError, match=r"^backward: upstream must be a number; got .*; "
    ) as caught:
        node.backward(upstream)

    assert isinstance(caught.value, sg.ScalargradError)
    assert (x.grad, node.grad) == (0.0, 0.0)


def test_backward_refusal_is_one_sentence_word_for_word(Value):
    with pytest.raises(TypeError) as caught:
        Value(1.0).backward("one")

    assert (
        str(caught.value) == "backward: upstream must be a number; got 'one' (str); pass e.g. 1.0"
    )


def test_backward_on_a_leaf_adds_the_upstream_to_its_own_gradient(Value):
    x = Value(3.0)

    x.backward()
    x.backward(0.5)

    assert x.grad == 1.5


def test_zero_grad_sets_the_gradients_of_all_given_values_to_zero(Value):
    x, y = Value(1.0), Value(2.0)
    (x * y).backward()

    sg.zero_grad([x, y])

    assert (x.grad, y.grad) == (0.0, 0.0)
    x.grad = 7.0
    with pytest.raises(TypeError, match=r"zero_grad: wants Values only; got 1.0"):
        sg.zero_grad([x, 1.0])
    with pytest.raises(TypeError, match="zero_grad: wants an iterable"):
        sg.zero_grad(x)
    assert x.grad == 7.0


def test_partials_are_those_of_the_forward_pass_when_data_is_assigned_later(Value):
    x, y = Value(3.0), Value(4.0)
    node = x * y
    root = node * node

    x.data, node.data = 100.0, 1000.0
    root.backward()

    assert root.data == 144.0
    assert (x.grad, y.grad, node.grad) == (2 * 12.0 * 4.0, 2 * 12.0 * 3.0, 24.0)


def test_data_and_grad_take_numbers_and_become_floats(Value):
    x = Value(1.0)

    x.data, x.grad = 7, True

    assert (x.data, type(x.data), x.grad, type(x.grad)) == (7.0, float, 1.0, float)
    for wrong in ("1", None, [1.0], x, 1j):
        with pytest.raises(TypeError, match="data must be a number"):
            x.data = wrong
        with pytest.raises(TypeError, match="grad must be a number"):
            x.grad = wrong
    with pytest.raises(OverflowError):
        x.data = HUGE
    assert (x.data, x.grad) == (7.0, 1.0)


def test_backward_is_quick_where_there_are_two_to_the_two_thousandth_paths(Value):
    x = node = Value(1.0)
    for _ in range(2000):
        node = (node + node) * 0.5

    node.backward()

    assert x.grad == 1.0
    assert node.data == 1.0


# -- the order is part of the contract -----------------------------------------------------------


def test_order_is_the_post_order_that_enters_parents_from_left_to_right(Value):
    a, b = Value(1.0, "a"), Value(2.0, "b")
    c = b * a
    d = a + c
    e = c - b
    root = e * d

    order = post_order(root)

    assert [id(node) for node in order] == [id(node) for node in (b, a, c, e, d, root)]
    assert [id(node) for node in post_order(root, leaves=False)] == [id(n) for n in (c, e, d, root)]
    assert post_order(a, leaves=False) == []


def test_gradient_is_summed_in_the_reverse_of_the_post_order(Value):
    # consumers of x are left to right; the last one in the post-order adds first
    x = Value(1.0)
    consumers = [x * 1e16, x * 1.0, x * -1e16]

    sg.sum(consumers).backward()

    assert x.grad == (0.0 + -1e16 + 1.0) + 1e16
    assert x.grad != (0.0 + 1e16 + -1e16) + 1.0


def test_node_adds_to_its_parents_from_left_to_right(Value):
    x = Value(1.0)

    sg.dot([x, x, x], [1e16, 1.0, -1e16]).backward()

    assert x.grad == ((0.0 + 1e16) + 1.0) + -1e16 == 0.0


def test_pass_starts_from_zero_and_adds_its_total_to_a_leaf_once(Value):
    x = Value(1.0)
    x.grad = 1e16
    node = sg.sum([x, x])

    node.backward()

    assert x.grad == 1e16 + 2.0
    assert x.grad != (1e16 + 1.0) + 1.0


SCRIPT = """
import random, scalargrad as sg
draw = random.Random(5)
pool = [sg.Value(draw.uniform(-2, 2)) for _ in range(5)]
leaves = list(pool)
for _ in range(400):
    a, b = draw.choice(pool), draw.choice(pool)
    made = [a + b, a * b, (a - b).tanh(), sg.sum(draw.sample(pool, 4)) / 3]
    pool.append(draw.choice(made).tanh())
sg.sum(pool).backward()
print([x.grad.hex() for x in leaves], [x.data.hex() for x in pool[-3:]])
"""


def test_bits_do_not_depend_on_the_hash_seed():
    outputs = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)

    assert len(outputs) == 1
    assert outputs.pop().startswith("['")


# -- size ------------------------------------------------------------------------------------------


def test_chain_of_a_million_nodes_is_built_differentiated_and_freed(Value):
    class Leaf(Value):
        pass

    x = node = Leaf(1.0)
    for _ in range(1_000_000):
        node = node + 1.0
    freed = weakref.ref(x)

    node.backward()

    assert (node.data, x.grad) == (1_000_001.0, 1.0)
    assert repr(node).startswith("Value(data=1000001.0, grad=1.0")
    del x, node
    assert freed() is None


def test_sum_of_a_million_terms_is_built_differentiated_and_freed(Value):
    x = Value(0.5)
    doubled = x * 2.0

    node = sg.sum([doubled] * 1_000_000)
    node.backward()

    assert node.data == 1_000_000.0
    assert (x.grad, doubled.grad) == (2_000_000.0, 1_000_000.0)


def test_built_in_sum_of_many_terms_stays_within_the_recursion_limit(Value):
    x = Value(1.0)

    total = sum([x] * 20_000)
    total.backward()

    assert x.grad == 20_000.0


# -- freedom from cycles -----------------------------------------------------------------------


def graph_with_everything(Value: type, x: Any) -> Any:
    y = Value(2.0, "y")
    parts = [*sg.softmax([x, y]), sg.dot([x, y], [y, 2.0]), sg.mse([x], [y]), x**y, x.gelu()]
    with sg.scope("group"):
        return sg.sum(parts) * sg.where(x > y, x, y)


def test_graph_is_freed_by_reference_counting_alone(Value):
    class Leaf(Value):
        pass

    gc.collect()
    gc.disable()
    try:
        x = Leaf(3.0)
        alive = weakref.ref(x)
        root = graph_with_everything(Value, x)
        root.backward()
        root.backward()
        with pytest.raises(TypeError):
            root.backward("one")

        del x, root

        assert alive() is None
        assert not [o for o in gc.get_objects() if type(o) is Value and o.label == "y"]
    finally:
        gc.enable()


def test_node_does_not_keep_its_consumers_alive(Value):
    class Leaf(Value):
        pass

    x, other = Value(2.0), Leaf(3.0)
    alive = weakref.ref(other)
    (x * other).backward()

    del other

    assert alive() is None


# -- interrupts and failures -----------------------------------------------------------------------


class Interrupt(BaseException):
    """What no library catches."""


def interrupted_at(step: int, action: Any) -> bool:
    """Run the action, raising at the given step of the interpreter; tell whether it was reached."""
    counted = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal counted
        frame.f_trace_opcodes = True
        if event == "opcode":
            counted += 1
            if counted == step:
                raise Interrupt
        return trace

    before = sys.gettrace()
    gc.disable()  # or the step may fall into the finaliser of a stranger
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for it when tracing begins
    sys.settrace(trace)
    try:
        action()
    except Interrupt:
        return True
    finally:
        sys.settrace(before)
        gc.enable()
    return False


def test_interrupt_at_any_step_of_a_pass_changes_all_gradients_or_none(Value):
    x, y = Value(3.0), Value(4.0)
    product = x * y
    root = product * x
    nodes = (x, y, product, root)
    before = (10.0, 20.0, 30.0, 40.0)
    after = (10.0 + 24.0, 20.0 + 9.0, 3.0, 1.0)
    seen = set()
    step = 1
    while True:
        for node, grad in zip(nodes, before, strict=True):
            node.grad = grad

        reached = interrupted_at(step, root.backward)

        state = tuple(node.grad for node in nodes)
        assert state in (before, after)
        seen.add((reached, state))
        if not reached:
            break
        step += 1
    assert step > 1
    assert (True, before) in seen
    assert (False, after) in seen


def test_signal_in_the_middle_of_a_pass_changes_nothing(Value):
    x = Value(2.0)
    node = x * 3.0

    class Hostile(tuple):
        def __iter__(self):
            signal.raise_signal(signal.SIGINT)
            return super().__iter__()

    middle = node * 5.0
    root = middle * 7.0
    middle.parents = Hostile(middle.parents)

    with pytest.raises(KeyboardInterrupt):
        root.backward()

    assert [v.grad for v in (x, node, middle, root)] == [0.0] * 4


# -- threads ---------------------------------------------------------------------------------------


def test_threads_that_share_leaves_lose_no_gradient(Value):
    x, y = Value(3.0), Value(5.0)
    start = threading.Barrier(8)
    failures = []

    def work() -> None:
        try:
            start.wait()
            for _ in range(200):
                (x * y + x.detach() * y).backward()
        except BaseException as failure:  # handed to the main thread
            failures.append(failure)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)

    assert failures == []
    assert (x.grad, y.grad) == (8 * 200 * 5.0, 8 * 200 * 6.0)


# -- text, truth, comparison -----------------------------------------------------------------------


def test_repr_and_str_and_format_show_the_number(Value):
    x = Value(1.5, label="x")
    node = x * 2

    assert repr(x) == str(x) == f"{x}" == "Value(data=1.5, grad=0.0, label='x')"
    assert repr(node) == "Value(data=3.0, grad=0.0, op='mul')"
    assert f"{node:.2f}" == "3.00"
    assert f"{node:>8.1f}|" == "     3.0|"
    assert str(Value(1)) == "Value(data=1.0, grad=0.0)"


def test_truth_is_that_of_the_number(Value):
    assert Value(1e-300)
    assert Value(math.nan)
    assert not Value(0.0)
    assert not Value(-0.0)


def test_comparisons_are_of_the_numbers(Value):
    x, y = Value(1.0), Value(2.0)

    assert x < y
    assert x <= y
    assert y > x
    assert y >= x
    assert x != y
    assert x == Value(1.0)
    assert x == 1
    assert operator.eq(1, x)
    assert x < 1.5
    assert operator.lt(0.5, x)
    assert operator.gt(1.5, x)
    assert x < np.float64(2.0)
    assert np.float64(0.5) < x
    assert not x < 1
    assert Value(math.nan) != Value(math.nan)
    assert max([y, x], key=lambda v: v.data) is y
    assert min(x, y) is x
    assert sorted([y, x]) == [x, y]


def test_comparison_with_a_stranger_is_unequal_and_not_ordered(Value):
    x = Value(1.0)

    assert x != "1"
    assert (x == None) is False  # noqa: E711 - the operator is what is tested
    assert x != [1.0]
    assert x != HUGE
    assert HUGE not in [x]
    assert x < HUGE
    assert x > -HUGE
    with pytest.raises(TypeError):
        assert x < "1"
    with pytest.raises(TypeError):
        assert x >= None


def test_hash_is_identity(Value):
    x, twin = Value(1.0), Value(1.0)

    assert x == twin
    assert len({x, twin}) == 2
    assert {x: "x", twin: "twin"}[x] == "x"


def test_equal_numbers_are_never_taken_for_the_same_value(Value):
    xs = [Value(2.0) for _ in range(4)]

    (xs[0] * xs[1] + xs[2] / xs[3]).backward()

    assert [x.grad for x in xs] == [2.0, 2.0, 0.5, -0.5]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("float", float), ("int", int), ("complex", complex), ("round", round),
        ("trunc", math.trunc), ("floor", math.floor), ("ceil", math.ceil),
        ("float", math.exp), ("float", math.sqrt), ("float", math.sin), ("float", np.float64),
    ],
)  # fmt: skip
def test_silent_way_out_of_the_graph_is_refused_and_names_the_right_one(Value, name, function):
    with pytest.raises(TypeError, match=rf"^{name}: .*v\.data.*sg\.exp") as caught:
        function(Value(1.0))

    assert isinstance(caught.value, sg.ScalargradError)


@pytest.mark.parametrize(
    "use", [lambda v: [1, 2][v], lambda v: range(v), lambda v: v // 2, lambda v: v % 2]
)
def test_value_is_no_index_and_has_no_integer_arithmetic(Value, use):
    with pytest.raises(TypeError):
        use(Value(1.0))


# -- the door --------------------------------------------------------------------------------------

NUMBERS = [
    3, True, Fraction(1, 3), 2**1000, -0.0, math.inf,
    np.float64(0.1), np.float32(0.1), np.float16(0.5), np.int64(3), np.uint8(7), np.bool_(True),
    np.longdouble(0.5),
]  # fmt: skip

STRANGERS = [
    "1", b"1", None, 1j, Decimal("1"), [1.0], (1.0,), {1.0}, {"x": 1.0}, object(),
    np.array([1.0, 2.0]), np.array(1.0), np.complex128(1), np.str_("1"),
    np.datetime64("2020-01-01"), lambda: 1.0, range(3),
]  # fmt: skip

#: operands that NumPy itself makes an object array of
ARRAYS = (np.ndarray,)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_value_takes_every_real_number_and_holds_an_exact_float(Value, number):
    x = Value(number)

    assert type(x.data) is float
    assert x.data == float(number)
    for node in (Value(2.0) * number, number * Value(2.0)):
        assert type(node) is Value
        assert node.data == 2.0 * float(number)
        assert [type(o) for o in node.operands if o is not node.parents[0]] == [float]


def test_value_takes_subclasses_of_float_and_int_as_the_plain_number(Value):
    class Celsius(float):
        def __add__(self, other):
            return NotImplemented

    x = Value(Celsius(1.5))

    assert type(x.data) is float
    assert type((x + Celsius(1.0)).operands[1]) is float


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda s: f"{type(s).__name__}")
def test_value_refuses_everything_else(Value, stranger):
    with pytest.raises(TypeError, match=r"^Value: data must be a number; got ") as caught:
        Value(stranger)

    assert isinstance(caught.value, sg.ScalargradError)
    assert type(stranger).__name__ in str(caught.value)


@pytest.mark.parametrize(
    "stranger",
    [s for s in STRANGERS if not isinstance(s, ARRAYS)],
    ids=lambda s: f"{type(s).__name__}",
)
def test_operators_refuse_strangers_with_pythons_own_error(Value, stranger):
    x = Value(1.0)
    for operate in (
        lambda: x + stranger, lambda: stranger + x, lambda: x - stranger, lambda: stranger - x,
        lambda: x * stranger, lambda: stranger * x, lambda: x / stranger, lambda: stranger / x,
        lambda: x**stranger, lambda: stranger**x,
    ):  # fmt: skip
        with pytest.raises(TypeError):
            operate()


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda s: f"{type(s).__name__}")
def test_functions_refuse_strangers_and_name_themselves(Value, stranger):
    for call, name in [
        (lambda: sg.exp(stranger), "exp"),
        (lambda: sg.atan2(Value(1.0), stranger), "atan2"),
        (lambda: sg.atan2(stranger, 1.0), "atan2"),
        (lambda: sg.sum([Value(1.0), stranger]), "sum"),
        (lambda: sg.dot([1.0], [stranger]), "dot"),
    ]:
        with pytest.raises(TypeError, match=f"^{name}: "):
            call()


def test_value_refuses_a_value_and_names_its_data(Value):
    with pytest.raises(TypeError, match=r"pass its \.data"):
        Value(Value(1.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: sg.maximum(x, "a"), "maximum: y must be a number; got 'a' (str); pass e.g. 1.0"),
        (lambda x: sg.maximum("a", x), "maximum: x must be a number; got 'a' (str); pass e.g. 1.0"),
        (lambda x: sg.maximum("a", 1.0), "maximum: x must be a number; got 'a' (str)"),
        (lambda x: sg.leaky_relu(x, "a"), "leaky_relu: slope must be a number; got 'a' (str)"),
        (lambda x: sg.leaky_relu("a", x), "leaky_relu: x must be a number; got 'a' (str)"),
        (lambda x: sg.where(True, x, "a"), "where: b must be a number; got 'a' (str)"),
        (lambda x: sg.where(False, x, "a"), "where: b must be a number; got 'a' (str)"),
        (lambda x: sg.where(False, "a", 2.0), "where: a must be a number; got 'a' (str)"),
        (lambda x: sg.where(True, "a", x), "where: a must be a number; got 'a' (str)"),
        (lambda x: sg.sum([x, "a"]), "sum: each operand must be a number; got 'a' (str)"),
        (lambda x: x.backward(HUGE), "backward: upstream must fit a double"),
        (lambda x: sg.exp(HUGE), "exp: x must fit a double"),
        (lambda x: sg.sum([x, HUGE]), "sum: each operand must fit a double"),
        (lambda x: type(x)(HUGE), "Value: data must fit a double"),
        (lambda x: x + HUGE, "Value: an operand must fit a double"),
    ],
)
def test_refusal_names_the_function_and_the_operand_that_is_wrong(Value, call, message):
    with pytest.raises((TypeError, OverflowError)) as caught:
        call(Value(1.0))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("maximum", sg.maximum),
        ("where", lambda x, y: sg.where(True, x, y)),
        ("sum", lambda x, y: sg.sum([x, y])),
        ("dot", lambda x, y: sg.dot([x], [y])),
        ("mse", sg.mse),
        ("binary_cross_entropy_with_logits", sg.binary_cross_entropy_with_logits),
    ],
)
def test_functions_refuse_operands_of_two_engines_in_one_sentence(Value, foreign, name, call):
    for x, y in ((Value(1.0), foreign(2.0)), (foreign(1.0), Value(2.0))):
        with pytest.raises(TypeError, match=f"^{name}: operands must be Values of one engine; got"):
            call(x, y)


def test_integer_beyond_the_doubles_raises_overflow_error(Value):
    x = Value(1.0)

    for use in (
        lambda: Value(HUGE), lambda: x + HUGE, lambda: -HUGE * x, lambda: sg.exp(HUGE),
        lambda: sg.sum([x, HUGE]), lambda: x.backward(HUGE), lambda: Value(Fraction(HUGE)),
    ):  # fmt: skip
        with pytest.raises(OverflowError, match="must fit a double") as caught:
            use()
        assert isinstance(caught.value, sg.ScalargradError)
        assert len(str(caught.value)) < 300


def test_operator_leaves_an_unknown_operand_to_its_own_reflected_method(Value):
    class Tensor:
        def __radd__(self, other):
            return "radd"

        def __rpow__(self, other):
            return "rpow"

        def __eq__(self, other):
            return "eq"

        __hash__ = None

    assert Value(1.0) + Tensor() == "radd"
    assert Value(1.0) ** Tensor() == "rpow"
    assert (Value(1.0) == Tensor()) == "eq"


def test_value_of_another_engine_is_a_foreign_operand(Value, foreign):
    x, stranger = Value(1.0), foreign(2.0)

    for operate in (
        lambda: x + stranger, lambda: stranger * x, lambda: sg.sum([x, stranger]),
        lambda: sg.atan2(x, stranger), lambda: Value(stranger), lambda: sg.dot([x], [stranger]),
        lambda: sg.record(1.0, [x, stranger], [1.0, 1.0], op="own"),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            operate()
    assert x < stranger
    (sg.exp(stranger) * 2.0).backward()
    assert stranger.grad == 2.0 * math.exp(2.0)


@pytest.mark.parametrize("name", ["mean", "max", "min", "logsumexp", "softmax", "log_softmax"])
def test_reduction_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: needs at least one operand; got "):
        getattr(sg, name)([])


def test_sum_and_dot_of_nothing_are_zero():
    assert sg.sum([]) == 0.0
    assert sg.dot([], []) == 0.0
    assert type(sg.sum([])) is float


def test_dot_refuses_unequal_lengths(Value):
    with pytest.raises(
        ValueError, match=r"^dot: both lists must be equally long; got 1 and 2 operands"
    ):
        sg.dot([Value(1.0)], [1.0, 2.0])


@pytest.mark.parametrize("operands", [1.0, "12", b"12", None])
def test_reduction_refuses_what_is_no_iterable_of_operands(operands):
    with pytest.raises(TypeError, match=r"^max: wants one iterable of Values and numbers; got "):
        sg.max(operands)


def test_reduction_takes_any_iterable(Value):
    x, y = Value(1.0), Value(2.0)

    assert sg.sum(v for v in (x, y)).data == 3.0
    assert sg.sum({x: 0, y: 0}.keys()).data == 3.0
    assert sg.sum(np.array([x, y])).data == 3.0
    assert sg.max(np.array([1.0, 2.0])) == 2.0
    assert sg.sum((x, 1, np.float64(2.0))).data == 4.0


@pytest.mark.parametrize("condition", ["yes", None, [], 1j])
def test_where_refuses_a_condition_that_is_neither_truth_nor_number(Value, condition):
    with pytest.raises(TypeError, match=r"^where: the condition must be a number"):
        sg.where(condition, Value(1.0), 2.0)


def test_sums_add_left_to_right_in_plain_doubles(Value):
    numbers = [1e16, 1.0, 1.0, -1e16]

    assert sg.sum([Value(n) for n in numbers]).data == 0.0
    assert sg.sum(numbers) == 0.0
    assert sg.mean(numbers) == 0.0
    assert sg.dot(numbers, [1.0] * 4) == 0.0
    assert sg.sum([0.1] * 10) == 0.9999999999999999


# -- NumPy -----------------------------------------------------------------------------------------


def test_numpy_scalars_on_either_side_give_a_value(Value):
    v = Value(3.0)

    for node, data in [
        (np.float64(2.0) * v, 6.0), (v * np.float64(2.0), 6.0), (np.float64(2.0) - v, -1.0),
        (np.float32(0.5) + v, 3.5), (np.int64(6) / v, 2.0), (np.float64(2.0) ** v, 8.0),
        (np.bool_(True) * v, 3.0), (v - np.uint8(1), 2.0),
    ]:  # fmt: skip
        assert type(node) is Value
        assert node.data == data


def test_numpy_arrays_on_either_side_give_object_arrays(Value):
    v = Value(3.0)
    array = np.array([1.0, 2.0])

    for made in (array * v, v * array, array + v, v - array, array / v, v**array):
        assert isinstance(made, np.ndarray)
        assert made.dtype == object
        assert made.shape == (2,)
        assert all(type(node) is Value for node in made)
    assert [node.data for node in v - array] == [2.0, 1.0]


def test_numpy_object_arrays_calculate_and_differentiate(Value):
    weights = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    inputs = np.array([Value(0.5), Value(-1.0)])

    scores = weights @ inputs
    total = np.exp(scores).sum()
    total.backward()

    assert [s.data for s in scores] == [-1.5, -2.5]
    assert total.data == pytest.approx(math.exp(-1.5) + math.exp(-2.5), rel=1e-15)
    assert weights[0, 1].grad == -math.exp(-1.5)
    assert [x.data for x in (weights + weights).ravel()] == [2.0, 4.0, 6.0, 8.0]
    for name in ("exp", "log", "sqrt", "tanh", "sin", "log1p", "cbrt"):
        made = getattr(np, name)(np.array([Value(0.5)]))
        assert made[0].data == getattr(sg, name)(0.5)
    with pytest.raises(TypeError):  # its name for atan, which is no method of a Value
        np.arctan(np.array([Value(0.5)]))
    assert np.abs(np.array([Value(-2.0)]))[0].data == 2.0
    assert np.maximum(np.array([Value(1.0)]), np.array([Value(2.0)]))[0].data == 2.0


def test_value_is_one_element_of_an_array(Value):
    array = np.array([Value(1.0), 2.0])

    assert array.shape == (2,)
    assert array.dtype == object
    assert not hasattr(Value, "__len__")
    assert not hasattr(Value, "__array_ufunc__")


@pytest.mark.parametrize("method", ["__eq__", "__hash__"])
def test_subclass_may_not_change_how_nodes_are_told_apart(Value, method):
    with pytest.raises(TypeError, match=f"must keep {method}"):
        type("Equal", (Value,), {method: lambda *operands: True})
