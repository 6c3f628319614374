"""What a block changes, for whom, and until when: no_grad, detach, detect_anomaly, scope."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import asyncio
import contextvars
import inspect
import math
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import scalargrad as sg
from scalargrad.core import modes

HERE = str(Path(__file__))
REMEDY = "keep numbers inside the domain and of moderate size"


@pytest.fixture(autouse=True)
def every_block_is_closed_again():
    assert not modes.active
    yield
    assert not modes.active


def is_recording(Value: type) -> bool:
    return bool((Value(1.0) * 2.0).parents)


def line_of(text: str) -> int:
    """Return the number of the one line of this file that ends in the given comment."""
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    (number,) = [i for i, line in enumerate(lines, 1) if line.endswith(f"# {text}")]
    return number


# -- no_grad, detach -------------------------------------------------------------------------------


def test_no_grad_gives_leaves_with_the_right_numbers(Value):
    x = Value(3.0, label="x")

    with sg.no_grad():
        results = [x * x, x + 1, 2**x, x.tanh(), sg.dot([x], [x]), *sg.softmax([x, 1.0])]

    for result in results:
        assert (result.op, result.parents, result.operands, result.partials) == ("", (), (), ())
    assert [r.data for r in results[:3]] == [9.0, 4.0, 8.0]
    assert is_recording(Value)


def test_no_grad_stops_the_gradient_at_what_was_made_inside(Value):
    x = Value(3.0)
    with sg.no_grad():
        factor = x * x

    (factor * x).backward()

    assert x.grad == 9.0
    assert factor.grad == 3.0


def test_no_grad_leaves_backward_of_an_older_graph_as_it_is(Value):
    x = Value(3.0)
    y = x * x

    with sg.no_grad():
        y.backward()
        x.data -= 0.1 * x.grad

    assert x.grad == 6.0
    assert x.data == 3.0 - 0.1 * 6.0


def test_no_grad_decorates_a_function_and_may_be_used_again(Value):
    @sg.no_grad()
    def predict(x: Any) -> Any:
        return x * 2

    x = Value(3.0)

    assert predict(x).parents == ()
    assert predict(x).parents == ()
    assert is_recording(Value)


def test_blocks_nest_and_restore_one_by_one(Value):
    with sg.no_grad():
        with sg.no_grad():
            assert not is_recording(Value)
        assert not is_recording(Value)
        with sg.scope("inner"), sg.detect_anomaly():
            assert not is_recording(Value)
    assert is_recording(Value)


def test_one_block_may_be_entered_inside_itself(Value):
    block = sg.no_grad()

    with block:
        with block:
            assert not is_recording(Value)
        assert not is_recording(Value)
    assert is_recording(Value)


def test_decorated_function_may_call_itself(Value):
    @sg.no_grad()
    def count(x: Any, times: int) -> list[bool]:
        return [*(count(x, times - 1) if times else []), is_recording(Value)]

    assert count(Value(1.0), 3) == [False] * 4
    assert is_recording(Value)


def test_one_scope_block_is_a_new_group_at_every_entry(Value):
    block = sg.scope("layer")

    with block as outer, block as inner:
        node = Value(1.0) * 2

    assert node.scope is inner
    assert inner.outer is outer


def test_one_block_serves_two_threads_at_once(Value):
    block = sg.no_grad()
    both = threading.Barrier(2, timeout=10)
    seen: list[bool] = []

    def work(leaves_first: bool) -> None:
        with block:
            both.wait()
            seen.append(is_recording(Value))
            if not leaves_first:
                both.wait()
                seen.append(is_recording(Value))
        if leaves_first:
            both.wait()
        seen.append(not is_recording(Value))

    threads = [threading.Thread(target=work, args=(first,)) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [False] * 5


def test_interrupt_while_a_block_is_entered_leaves_nothing_open(Value):
    def entered(step: int) -> bool:
        counted = 0

        def profile(frame: Any, event: str, argument: Any) -> None:
            nonlocal counted
            here = frame.f_code.co_filename == modes.__file__
            counted += here and event != "return"  # Python looks for signals at calls only
            if here and counted == step:
                sys.setprofile(None)
                raise KeyboardInterrupt

        block = sg.no_grad()
        sys.setprofile(profile)
        try:
            block.__enter__()
        except KeyboardInterrupt:
            return False
        finally:
            sys.setprofile(None)
        block.__exit__(None, None, None)
        return True

    step = 1
    while not entered(step):
        assert not modes.active
        assert is_recording(Value)
        step += 1
    assert step > 5


def test_detach_is_a_leaf_with_the_same_number_and_label(Value):
    x = Value(3.0, label="x")
    node = x * x
    node.label = "square"

    leaf = node.detach()
    (leaf * x).backward()

    assert (leaf.data, leaf.label, leaf.parents, leaf.op) == (9.0, "square", (), "")
    assert x.grad == 9.0
    assert node.grad == 0.0


@pytest.mark.parametrize("block", [sg.no_grad, sg.detect_anomaly, lambda: sg.scope("s")])
def test_block_is_left_when_an_exception_passes(Value, block):
    with pytest.raises(KeyError), block():
        raise KeyError

    node = Value(0.0) * 2.0
    assert node.parents
    assert node.scope is None
    assert not modes.anomaly()


# -- detect_anomaly --------------------------------------------------------------------------------


def test_anomaly_in_a_value_names_operation_operands_labels_and_line(Value):
    x, y = Value(1.0, label="x"), Value(0.0)

    with pytest.raises(FloatingPointError) as caught, sg.detect_anomaly():
        x / y  # the division

    message = str(caught.value)
    assert isinstance(caught.value, sg.ScalargradError)
    assert message == (
        f"div(x=1.0, 0.0): the value is inf; {REMEDY}; made at {HERE}:{line_of('the division')}:"
        " x / y  # the division"
    )


@pytest.mark.parametrize(
    ("make", "start"),
    [
        (lambda x: sg.log(x), "log(x=0.0): the value is -inf"),
        (lambda x: x.log(), "log(x=0.0): the value is -inf"),
        (lambda x: x**-1, "pow(x=0.0, -1.0): the value is inf"),
        (lambda x: 1 / x, "div(1.0, x=0.0): the value is inf"),
        (lambda x: sg.sum([x, math.nan]), "sum(x=0.0, nan): the value is nan"),
        (lambda x: sg.log_softmax([x, math.inf]), "log_softmax(x=0.0, inf): the value is "),
        (lambda x: sg.mse([x], [math.inf]), "mse(x=0.0, inf): the value is inf"),
        (lambda x: sg.record(math.inf, [x], [1.0], op="own"), "own(x=0.0): the value is inf"),
    ],
)
def test_anomaly_in_a_value_stops_every_kind_of_operation(Value, make, start):
    with pytest.raises(FloatingPointError, match=f"^{re.escape(start)}") as caught:  # noqa: SIM117
        with sg.detect_anomaly():
            make(Value(0.0, label="x"))

    assert f"made at {HERE}:" in str(caught.value)


def test_anomaly_in_a_gradient_names_operation_parent_and_line(Value):
    x = Value(0.0, label="x")

    with sg.detect_anomaly():
        root = sg.sqrt(x) * 3.0  # the root
        with pytest.raises(FloatingPointError) as caught:
            root.backward()

    assert str(caught.value) == (
        f"sqrt(x=0.0): the gradient passed to x is inf; {REMEDY};"
        f" made at {HERE}:{line_of('the root')}: root = sg.sqrt(x) * 3.0  # the root"
    )
    assert (x.grad, root.grad) == (0.0, 0.0)


def test_anomaly_in_a_gradient_names_the_right_operand_when_two_are_equal(Value):
    x, y = Value(0.0), Value(0.0)

    with sg.detect_anomaly():
        node = sg.record(1.0, [x, y], [1.0, math.inf], op="own")
        with pytest.raises(FloatingPointError, match="the gradient passed to operand 2 is inf"):
            node.backward()


def test_anomaly_in_a_gradient_counts_plain_operands_too(Value):
    x = Value(0.0)

    with sg.detect_anomaly():
        node = 0.0 * x**0.5
        with pytest.raises(FloatingPointError, match="the gradient passed to operand 1 is nan"):
            node.backward()


def test_anomaly_says_what_to_do_when_the_node_was_made_outside(Value):
    x = Value(0.0, label="x")
    root = sg.sqrt(x)

    with (
        sg.detect_anomaly(),
        pytest.raises(FloatingPointError, match="build it inside the block too"),
    ):
        root.backward()


def test_anomaly_is_seen_when_finite_gradients_add_up_to_infinity_in_a_leaf(Value):
    x = Value(0.0, label="x")

    with sg.detect_anomaly():
        root = sg.dot([x, x], [1.5e308, 1.5e308])
        with pytest.raises(
            FloatingPointError, match=rf"^Value x=0\.0: the gradient is inf; {REMEDY}$"
        ):
            root.backward()

    assert x.grad == 0.0


def test_anomaly_is_seen_when_finite_gradients_add_up_to_infinity_in_a_node(Value):
    x = Value(0.0, label="x")

    with sg.detect_anomaly():
        node = x.tanh()
        root = sg.dot([node, node], [1.5e308, 1.5e308])
        with pytest.raises(
            FloatingPointError, match=rf"^tanh\(x=0\.0\): the gradient is inf; {REMEDY}; made at"
        ):
            root.backward()

    assert (x.grad, node.grad) == (0.0, 0.0)


def test_anomaly_is_seen_when_the_upstream_is_not_finite(Value):
    x = Value(1.0, label="x")

    with sg.detect_anomaly():
        with pytest.raises(FloatingPointError):
            (x * 2.0).backward(math.inf)
        with pytest.raises(FloatingPointError):
            x.backward(math.nan)

    assert x.grad == 0.0


def test_anomaly_leaves_finite_work_alone(Value):
    x = Value(2.0)

    with sg.detect_anomaly():
        node = sg.tanh(x * 3.0) + sg.sum([x, 1.0])
        node.backward()
        leaf = Value(math.inf)

    assert math.isinf(leaf.data)
    assert x.grad != 0.0


def test_anomaly_watches_in_no_grad_too(Value):
    with pytest.raises(FloatingPointError), sg.detect_anomaly(), sg.no_grad():
        sg.log(Value(0.0))


# -- scope -----------------------------------------------------------------------------------------


def test_scope_names_the_nodes_made_inside(Value):
    x = Value(1.0)
    with sg.scope("Affine") as group:
        inside = x * 2
        probabilities = sg.softmax([x, inside])
    outside = inside + 1

    assert inside.scope is group
    assert group.name == "Affine"
    assert group.outer is None
    assert all(p.scope is group for p in probabilities)
    assert outside.scope is None
    assert x.scope is None


def test_scope_nests_and_every_entry_is_a_group_of_its_own(Value):
    x = Value(1.0)
    with sg.scope("net"):
        with sg.scope("layer") as first:
            a = x * 2
        with sg.scope("layer") as second:
            b = x * 2
        c = a + b

    assert a.scope is first
    assert b.scope is second
    assert first is not second
    assert first.outer is second.outer is c.scope
    assert c.scope.name == "net"


def test_scope_and_label_live_side_by_side(Value):
    with sg.scope("net") as group, sg.detect_anomaly():
        node = Value(1.0) * 2
    node.label = "double"

    assert (node.label, node.scope) == ("double", group)


def test_scope_refuses_a_name_that_is_no_text(Value):
    with pytest.raises(TypeError, match=r"^scope: the name must be a text; got 1"), sg.scope(1):
        pass
    with pytest.raises(ValueError, match=r"^scope: the name must not be empty"), sg.scope(""):
        pass
    assert is_recording(Value)


def test_scope_decorates_a_function(Value):
    @sg.scope("Layer")
    def layer(x: Any) -> Any:
        return x * 2

    first, second = layer(Value(1.0)), layer(Value(1.0))

    assert first.scope.name == second.scope.name == "Layer"


# -- whose block it is -----------------------------------------------------------------------------


def test_block_holds_for_its_own_thread_only(Value):
    found: dict[str, Any] = {}

    def work() -> None:
        found["recording"] = is_recording(Value)
        with sg.scope("other"):
            found["scope"] = (Value(1.0) * 2).scope.name
        found["infinite"] = (Value(1.0) / 0.0).data

    with sg.no_grad(), sg.detect_anomaly(), sg.scope("mine"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert not is_recording(Value)

    assert found == {"recording": True, "scope": "other", "infinite": math.inf}


def test_block_holds_for_its_own_task_only(Value):
    seen: dict[str, list[bool]] = {"quiet": [], "loud": []}

    async def quiet(entered: asyncio.Event, checked: asyncio.Event) -> None:
        with sg.no_grad():
            seen["quiet"].append(is_recording(Value))
            entered.set()
            await checked.wait()
            seen["quiet"].append(is_recording(Value))

    async def loud(entered: asyncio.Event, checked: asyncio.Event) -> None:
        await entered.wait()
        seen["loud"].append(is_recording(Value))
        checked.set()

    async def both() -> None:
        entered, checked = asyncio.Event(), asyncio.Event()
        await asyncio.gather(quiet(entered, checked), loud(entered, checked))

    asyncio.run(both())

    assert seen == {"quiet": [False, False], "loud": [True]}


def test_task_that_outlives_the_block_it_was_started_in_leaves_it_too(Value):
    async def child(leave: asyncio.Event) -> list[bool]:
        found = [is_recording(Value)]
        await leave.wait()
        return [*found, is_recording(Value)]

    async def parent() -> list[bool]:
        leave = asyncio.Event()
        with sg.no_grad():
            task = asyncio.create_task(child(leave))
            await asyncio.sleep(0)  # one turn of the loop: the child starts
        with sg.scope("elsewhere"):  # modes are looked at only while some block is open
            leave.set()
            return await task

    assert asyncio.run(parent()) == [False, True]


def test_block_left_in_another_context_is_left_all_the_same(Value):
    block = sg.no_grad()
    contextvars.copy_context().run(block.__enter__)

    block.__exit__(None, None, None)

    assert not modes.active
    assert is_recording(Value)


def test_generators_may_leave_their_blocks_in_any_order(Value):
    def worker() -> Any:
        with sg.no_grad():
            yield
            yield is_recording(Value)

    first, second = worker(), worker()
    next(first)
    next(second)

    first.close()

    assert next(second) is False
    second.close()
    assert is_recording(Value)


def test_no_grad_keeps_the_signature_of_what_it_decorates():
    @sg.no_grad()
    def predict(x: float, y: float = 1.0) -> float:
        """Say what it does."""
        return x + y

    assert predict.__doc__ == "Say what it does."
    assert list(inspect.signature(predict).parameters) == ["x", "y"]


async def _coroutine() -> None:
    return None


def _generator() -> Any:
    yield None


async def _asynchronous_generator() -> Any:
    yield None


@pytest.mark.parametrize("late", [_coroutine, _generator, _asynchronous_generator])
def test_block_refuses_to_decorate_what_runs_after_it_is_closed(late):
    with pytest.raises(TypeError, match="write the with block inside"):
        sg.no_grad()(late)


@pytest.mark.parametrize(
    "run",
    [
        lambda x: sg.gradients(sg.sqrt(x), [x]),
        lambda x: sg.grad(sg.sqrt)(x.data),
        lambda x: sg.value_and_grad(sg.sqrt)(x.data),
    ],
)
def test_anomalies_are_found_in_passes_that_touch_no_grad(run: Any) -> None:
    with sg.detect_anomaly(), pytest.raises(FloatingPointError, match=r"passed to .* is inf"):
        run(sg.Value(0.0))
