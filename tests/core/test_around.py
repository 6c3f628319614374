"""A copy of what a running function is differentiated by is refused: its gradient would be 0."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad.core import around

REFUSED = "copy: a Value must not be copied or pickled while a function is differentiated"


@dataclasses.dataclass
class Pair:
    """Two numbers with names."""

    a: Any
    b: Any


def round_trip(x: Any) -> Any:
    """Return what comes back from a pickle."""
    return pickle.loads(pickle.dumps(x))


def in_another_thread(x: Any) -> Any:
    """Return what comes back from a pickle that a pool writes."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(round_trip, x).result()


def object_array(x: Any) -> Any:
    """Return an array that holds a Value."""
    array = np.empty(1, dtype=object)
    array[0] = x
    return array


#: ways in which a Value is copied, mostly without its user's knowing
COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy of a list": lambda x: copy.deepcopy([x, 1.0])[0],
    "deepcopy of what depends on it": lambda x: copy.deepcopy(x * 1.0),
    "deepcopy of an array": lambda x: copy.deepcopy(object_array(x))[0],
    "asdict": lambda x: dataclasses.asdict(Pair(x, 1.0))["a"],
    "astuple": lambda x: dataclasses.astuple(Pair(x, 1.0))[0],
    "pickle": round_trip,
    "pickle of what depends on it": lambda x: round_trip([x * 1.0, x])[0],
    "another thread": in_another_thread,
}

#: whatever runs a function to differentiate it
RUNS: dict[str, Callable[[Callable[[Any], Any]], Any]] = {
    "grad": lambda f: sg.grad(f)(2.0),
    "grad of grad": lambda f: sg.grad(sg.grad(f))(2.0),
    "grad around grad": lambda f: sg.grad(lambda x: sg.grad(lambda y: y * f(x))(3.0))(2.0),
    "value_and_grad": lambda f: sg.value_and_grad(f)(2.0),
    "jacobian": lambda f: sg.jacobian(lambda x: [f(x), x])(2.0),
    "hessian": lambda f: sg.hessian(f)(2.0),
    "vjp": lambda f: sg.vjp(f, 2.0),
    "jvp": lambda f: sg.jvp(f, (2.0,), (1.0,)),
    "hvp": lambda f: sg.hvp(f, 2.0, 1.0),
    "newton": lambda f: sg.newton(lambda x: f(x) - 2.0, 1.0),
    "root": lambda f: sg.root(lambda x: f(x) - 2.0, 0.0, 5.0),
    "check_gradients": lambda f: sg.check_gradients(f, 2.0),
    "derivatives of custom": lambda f: sg.grad(sg.grad(sg.custom(f)(lambda x: x * x / 2)))(2.0),
}


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("way", COPIES)
def test_copy_inside_a_differentiated_function_is_refused(way: str, run: str) -> None:
    copied = COPIES[way]

    with pytest.raises(RuntimeError, match=REFUSED) as caught:
        RUNS[run](copied)

    assert "dataclasses.py" not in str(caught.value)


@pytest.mark.parametrize("run", RUNS)
def test_remedies_of_the_refusal_work(run: str) -> None:
    RUNS[run](lambda x: x + 0.0 * copy.deepcopy(x.detach()) if isinstance(x, sg.Value) else x)


def test_copy_that_keeps_the_graph_is_none_of_that() -> None:
    assert sg.grad(lambda x: copy.copy(x * x))(3.0) == 6.0
    assert sg.grad(lambda x: dataclasses.replace(Pair(x, 1.0), b=2.0).a * x)(3.0) == 6.0
    assert sg.grad(lambda x: copy.copy([x])[0] * x)(3.0) == 6.0


def test_what_depends_on_no_input_is_copied_inside() -> None:
    model = sg.nn.MLP(1, [2, 1], seed=0)
    (w,) = sg.values(w=3.0)

    def distance(x: Any) -> Any:
        target = copy.deepcopy(model)
        return x * round_trip(w * w) * copy.deepcopy(w) + target([1.0]).detach()

    assert sg.grad(distance)(2.0) == 27.0


def test_outside_all_is_copied_as_before() -> None:
    (x,) = sg.values(x=2.0)
    sg.grad(lambda x: x * x)(x)
    for copied in (copy.copy, copy.deepcopy, round_trip):
        with pytest.raises(RuntimeError, match=REFUSED):
            sg.grad(copied)(x)

    assert around.around.get() == ()
    assert not around._everywhere
    assert copy.deepcopy(x * x).data == 4.0
    assert round_trip([x, x * x])[1].data == 4.0


def test_graph_of_a_compiled_function_refuses_a_copy_too() -> None:
    late: list[bool] = []
    f = sg.compile(lambda x: (copy.deepcopy(x) if late else x) * x)
    (x,) = sg.values(x=3.0)
    y = f(x)
    late.append(True)  # nothing is traced any more: the function runs as it is

    with pytest.raises(RuntimeError, match=REFUSED):
        sg.gradients(y, x, create_graph=True)


@pytest.mark.parametrize("copied", [copy.deepcopy, round_trip])
def test_fit_refuses_a_loss_of_copies(copied: Callable[[Any], Any]) -> None:
    model = sg.nn.MLP(1, [2, 1], seed=0)
    optimizer = sg.optim.SGD(model.parameters(), lr=0.1)

    with pytest.raises(RuntimeError, match=REFUSED):
        sg.fit(
            model, [[1.0], [2.0]], [1.0, 2.0], optimizer=optimizer, compile=False,
            loss=lambda outputs, targets: sg.mse(copied(outputs), targets),
        )  # fmt: skip


@pytest.mark.parametrize("compile", [True, False])
def test_model_is_copied_after_an_epoch(compile: bool) -> None:
    model = sg.nn.MLP(1, [2, 1], seed=0)
    copies: list[Any] = []

    sg.fit(
        model, [[1.0], [2.0]], [1.0, 2.0], loss="mse", compile=compile, epochs=2,
        optimizer=sg.optim.SGD(model.parameters(), lr=0.1),
        after_epoch=lambda history: copies.append(copy.deepcopy(model)),
    )  # fmt: skip

    first, last = (copied.state_dict() for copied in copies)
    assert first != last == model.state_dict()


def test_another_thread_may_copy_what_fit_learns() -> None:
    model = sg.nn.MLP(1, [2, 1], seed=0)
    optimizer = sg.optim.SGD(model.parameters(), lr=0.1)
    copies = []

    def loss(outputs: list[Any], targets: list[Any]) -> Any:
        with ThreadPoolExecutor(1) as pool:
            copies.append(pool.submit(copy.deepcopy, model).result())
        return sg.mse(outputs, targets)

    sg.fit(model, [[1.0]], [1.0], loss=loss, optimizer=optimizer, compile=False)

    assert [p.data for p in copies[0].parameters()] != [p.data for p in model.parameters()]


def test_derivative_of_a_model_inside_the_loss_of_fit_is_learnt_from() -> None:
    (w,) = sg.values(w=0.5)
    optimizer = sg.optim.SGD([w], lr=0.25)

    sg.fit(  # d(w·x²)/dx at 1 is to be 3: the step is by 2·(2w − 3)·2
        lambda x: w * x * x, [1.0], [3.0], optimizer=optimizer, compile=False,
        loss=lambda outputs, targets: (sg.grad(lambda x: w * x * x)(1.0) - targets[0]) ** 2
        + 0.0 * outputs[0],
    )  # fmt: skip

    assert w.data == 0.5 - 0.25 * 2 * (2 * 0.5 - 3.0) * 2


def test_copy_of_many_is_checked_in_one_walk() -> None:
    (w,) = sg.values(w=1.0)
    nodes = [w]
    for _ in range(20_000):
        nodes.append(nodes[-1] * 1.0)

    assert sg.grad(lambda xs: xs[0] * copy.deepcopy(nodes)[-1])([2.0] * 5_000)[0] == 1.0
