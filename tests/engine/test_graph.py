"""Graphs: what a Value remembers, and what a backward pass does."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
import threading
import weakref
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from threads import run_in_threads

import scalargrad as sg
import scalargrad._python
from scalargrad.core.order import interior_order, post_order

ROOT = Path(sg.__file__).parents[1]


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


def test_where_has_the_taken_operand_as_its_only_parent(Value):
    x, y = Value(-1.0), Value(3.0)

    for condition, taken, operands in ((True, x, (x, 3.0)), (False, y, (-1.0, y))):
        node = sg.where(condition, x, y)
        assert [type(operand) for operand in node.operands] == list(map(type, operands))
        assert len(node.parents) == 1
        assert node.parents[0] is taken


def test_nan_of_the_branch_that_where_leaves_arrives_nowhere(Value):
    x = Value(-1.0)
    sg.where(x > 0, sg.sqrt(x), 2 * x).backward()
    assert x.grad == 2.0
    sg.zero_grad([x])
    sg.where(x < 0, 2 * x, sg.sqrt(x)).backward()
    assert x.grad == 2.0


def test_where_that_takes_a_plain_number_is_a_leaf(Value):
    x = Value(-1.0)
    for leaf in (sg.where(x > 0, sg.sqrt(x), 5), sg.where(x < 0, 5, sg.sqrt(x))):
        assert (type(leaf), leaf.data, leaf.parents) == (Value, 5.0, ())
        leaf.backward()
    assert x.grad == 0.0


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
        x.data = 10**400
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
    assert [id(node) for node in interior_order(root)] == [id(n) for n in (c, e, d, root)]
    assert interior_order(a) == []


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


def test_interrupt_at_any_step_of_a_readable_pass_changes_all_gradients_or_none():
    # a native pass has no steps of Python: test_native.py interrupts it in C
    Value = scalargrad._python.Value
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


@pytest.mark.usefixtures("ctrl_c")
def test_signal_in_the_middle_of_a_readable_pass_changes_nothing():
    Value = scalargrad._python.Value
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

    run_in_threads(work)

    assert failures == []
    assert (x.grad, y.grad) == (8 * 200 * 5.0, 8 * 200 * 6.0)
