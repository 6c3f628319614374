"""`fit` on tapes learns what it learns on graphs, and says why where it cannot."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine, nn, optim
from scalargrad.learning import replaying

pytestmark = pytest.mark.skipif(
    _engine.machine() is None, reason="the machine was not built: there is nothing to compare"
)

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(37, 3))
TARGETS = {
    "cross_entropy": RNG.integers(0, 4, 37),
    "binary_cross_entropy": RNG.integers(0, 2, 37),
    "hinge": RNG.choice([-1, 1], 37),
    "mse": RNG.normal(size=37),
    "mae": RNG.normal(size=37),
}
BINARY = "binary_cross_entropy"
OPTIMIZERS: list[Callable[[Any], optim.Optimizer]] = [
    lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
    lambda p: optim.AdaGrad(p, lr=0.05),
    lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    lambda p: optim.Adam(p, lr=optim.warm_up(0.01, steps=7)),
    lambda p: optim.AdamW(p, lr=0.01),
]


def network(loss: str) -> nn.Module:
    """Return a small network, the same each time."""
    return nn.MLP(3, [5, 4 if loss == "cross_entropy" else 1], seed=1)


def learnt(loss: Any, *, compile: bool | None, **options: Any) -> tuple[sg.History, list[float]]:
    """Return how learning went, and the parameters."""
    model = options.pop("model", None) or network(loss)
    make = options.pop("optimizer", OPTIMIZERS[0])
    inputs = options.pop("inputs", INPUTS)
    targets = options.pop("targets", TARGETS.get(loss))
    history = sg.fit(
        model, inputs, targets, loss=loss, optimizer=make(model.parameters()), progress=False,
        compile=compile, **{"epochs": 3, "batch_size": 8, **options},
    )  # fmt: skip
    return history, [p.data for p in model.parameters()]


def assert_same(one: sg.History, other: sg.History) -> None:
    for name in ("steps", "loss", "accuracy", "validation_loss", "validation_accuracy"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-9), name


@pytest.mark.parametrize("loss", TARGETS)
@pytest.mark.parametrize("as_lists", [False, True])
def test_tapes_learn_what_graphs_learn(loss: str, as_lists: bool) -> None:
    data: dict[str, Any] = {"inputs": INPUTS, "targets": TARGETS[loss]}
    if as_lists:
        data = {name: things.tolist() for name, things in data.items()}
    data["validation"] = (data["inputs"][:11], data["targets"][:11])
    on_tapes, fast = learnt(loss, compile=True, **data)
    on_graphs, slow = learnt(loss, compile=False, **data)
    assert_same(on_tapes, on_graphs)
    assert fast == pytest.approx(slow, rel=1e-8, abs=1e-12)
    assert on_tapes.steps_per_epoch == 5


@pytest.mark.parametrize("place", range(len(OPTIMIZERS)))
def test_every_optimiser_moves_a_flat_block_as_it_moves_values(place: int) -> None:
    states = []
    for compile in (True, False):
        model = network("mse")
        optimizer = OPTIMIZERS[place](model.parameters())
        sg.fit(
            model, INPUTS, TARGETS["mse"], loss="mse", optimizer=optimizer, epochs=2,
            progress=False, compile=compile,
        )  # fmt: skip
        _, *columns = optimizer.state_dict().values()
        grads = [p.grad for p in model.parameters()]
        states.append(
            [optimizer.steps, *(p.data for p in model.parameters()), *chain(*columns), *grads]
        )
    assert states[0] == pytest.approx(states[1], rel=1e-7, abs=1e-10)


def test_probabilities_and_vectors_may_be_targets() -> None:
    soft = RNG.dirichlet(np.ones(4), 37)
    for loss, targets in (("cross_entropy", soft), ("mse", RNG.normal(size=(37, 4)))):
        models = [nn.MLP(3, [4, 4], seed=2) for _ in range(2)]
        one, _ = learnt(loss, compile=True, model=models[0], targets=targets)
        other, _ = learnt(loss, compile=False, model=models[1], targets=targets)
        assert_same(one, other)


def test_conditions_of_a_model_are_followed() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            self.left, self.right = nn.Affine(3, 1, seed=3), nn.Affine(3, 1, seed=4)

        def __call__(self, x: Any) -> Any:
            return (self.left(x) if x[0] > 0 else self.right(x))[0]

    one, fast = learnt("mse", compile=True, model=Gated())
    other, slow = learnt("mse", compile=False, model=Gated())
    assert_same(one, other)
    assert fast == pytest.approx(slow, rel=1e-8)


def test_parameters_that_are_held_fast_stay() -> None:
    model = network("mse")
    first, rest = model.layers[0].parameters(), model.layers[1].parameters()
    before = [p.data for p in first]
    sg.fit(
        model, INPUTS, TARGETS["mse"], loss="mse", optimizer=optim.SGD(rest, lr=0.1),
        progress=False, compile=True,
    )  # fmt: skip
    assert [p.data for p in first] == before
    assert any(p.grad for p in first)


def test_what_is_changed_after_an_epoch_counts() -> None:
    seen: list[float] = []

    def after(model: nn.Module) -> Callable[[sg.History], None]:
        def change(history: sg.History) -> None:
            parameter = model.parameters()[0]
            seen.append(parameter.data)
            parameter.data = 0.25

        return change

    ends = []
    for compile in (True, False):
        model = network("mse")
        _, end = learnt("mse", compile=compile, model=model, after_epoch=after(model))
        ends.append(end)
    assert seen[:3] == pytest.approx(seen[3:], rel=1e-9)
    assert ends[0] == pytest.approx(ends[1], rel=1e-9)


def test_an_answer_of_ones_own_gets_values() -> None:
    def near(output: Any, target: float) -> bool:
        return abs(output.data - target) < 0.5

    one, _ = learnt("mse", compile=True, is_correct=near)
    other, _ = learnt("mse", compile=False, is_correct=near)
    assert one.accuracy == other.accuracy
    assert 0.0 < one.accuracy[-1] < 1.0


def test_loss_that_is_not_finite_changes_nothing() -> None:
    model = network("mse")
    before = [p.data for p in model.parameters()]
    with pytest.raises(FloatingPointError, match="the loss must stay finite; got inf at step 1, "):
        sg.fit(
            model, INPUTS * 1e200, TARGETS["mse"], loss="mse", compile=True, progress=False,
            optimizer=optim.SGD(model.parameters(), lr=0.1),
        )  # fmt: skip
    assert [p.data for p in model.parameters()] == before


def test_interrupt_leaves_what_was_learnt() -> None:
    model = network("mse")
    calls = []

    class Schedule:
        def __call__(self, step: int) -> float:
            calls.append(step)
            if step == 3:
                raise KeyboardInterrupt
            return 0.1

    optimizer = optim.SGD(model.parameters(), lr=Schedule())
    history = sg.fit(
        model, INPUTS, TARGETS["mse"], loss="mse", optimizer=optimizer, batch_size=8,
        progress=False, compile=True,
    )  # fmt: skip
    assert history.is_interrupted
    assert optimizer.steps == 3
    slow = network("mse")
    sg.fit(
        slow, INPUTS, TARGETS["mse"], loss="mse", batch_size=8, progress=False, compile=False,
        optimizer=optim.SGD(slow.parameters(), lr=lambda step: 0.1 if step < 3 else 0.0),
    )  # fmt: skip
    found = [p.data for p in model.parameters()]
    assert found == pytest.approx([p.data for p in slow.parameters()], rel=1e-9)


class ReadsData(nn.Module):
    """A model that no replay could follow."""

    def __init__(self) -> None:
        self.w = sg.Value(0.5)

    def __call__(self, x: Any) -> Any:
        return self.w * x[0] + 0.0 * self.w.data


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": ReadsData()}, r"\.data must not be read"),
        ({"model": ReadsData(), "loss": lambda ys, ts: sg.mse(ys, ts)}, r"\.data must not be read"),
        ({"inputs": [[1.0, 2.0, 3.0], [1.0, 2.0]], "targets": [1.0, 2.0]}, "not of one shape"),
        ({"inputs": [[sg.Value(1.0), 2.0, 3.0]], "targets": [1.0]}, "no plain numbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_replayed_learns_on_graphs(options: dict[str, Any], words: str) -> None:
    options = {"loss": "mse", "targets": TARGETS["mse"], "epochs": 1, **options}
    loss = options.pop("loss")
    with pytest.raises(RuntimeError, match=words):
        learnt(loss, compile=True, **options)
    if words != "not of one shape":  # which a model of this shape refuses itself
        history, _ = learnt(loss, compile=None, **options)
        assert math.isfinite(history.loss[0])


def _mixed() -> Any:
    rows = INPUTS.astype(object)
    rows[:, 0] = [bool(x > 0.0) for x in INPUTS[:, 0]]
    rows[:, 1] = [int(x > 0.5) for x in INPUTS[:, 1]]
    return rows


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("mse", {"inputs": INPUTS > 0.0}),
        ("mse", {"inputs": _mixed()}),
        ("mse", {"inputs": [list(row) for row in _mixed()]}),
        ("mse", {"targets": [np.float64(t) for t in TARGETS["mse"]]}),
        (BINARY, {"targets": TARGETS[BINARY].astype(bool)}),
        (BINARY, {"targets": TARGETS[BINARY].astype(bool).astype(object), "inputs": _mixed()}),
    ],
)
def test_truths_and_columns_of_several_kinds_are_numbers(
    loss: str, options: dict[str, Any]
) -> None:
    one, fast = learnt(loss, compile=True, **options)
    other, slow = learnt(loss, compile=False, **options)
    assert_same(one, other)
    assert fast == pytest.approx(slow, rel=1e-9)


def test_too_many_paths_go_on_with_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MOST_PATHS", 2)

    class Steps(nn.Module):
        def __init__(self) -> None:
            self.w = sg.Value(0.1)

        def __call__(self, x: Any) -> Any:
            for place in range(-2, 3):
                if x[0] < place:
                    return self.w * place
            return self.w * 3.0

    one, fast = learnt("mse", compile=None, model=Steps())
    other, slow = learnt("mse", compile=False, model=Steps())
    assert_same(one, other)
    assert fast == pytest.approx(slow, rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "targets", "words"),
    [
        ("hinge", np.zeros(37, int), r"hinge: labels must be -1 or 1; got .*0"),
        ("hinge", TARGETS["hinge"].reshape(37, 1), "hinge: each target must be a number"),
        ("cross_entropy", np.full(37, 4), r"target must be a class from 0 to 3; got .*4"),
        ("cross_entropy", np.ones(37, bool), "target must be a class index or probabilities"),
        (BINARY, np.full(37, 2.0), "targets must be within 0 and 1; got .*2"),
        (BINARY, np.full(37, math.nan), r"fit: targets must be numbers; got .*nan.* in sample 0"),
        (BINARY, TARGETS[BINARY].reshape(37, 1), "each target must be a number"),
    ],
)
def test_targets_that_a_loss_refuses_are_refused_in_its_words(
    loss: str, targets: Any, words: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=words):
        learnt(loss, compile=None, targets=targets)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("hinge", TARGETS["hinge"].reshape(37, 1)),
        ("hinge", np.full(37, 0.5)),
        (BINARY, TARGETS[BINARY].reshape(37, 1)),
        (BINARY, np.full(37, 2.0)),
    ],
)
def test_targets_of_another_kind_are_not_replayed(loss: str, targets: Any) -> None:
    with pytest.raises(
        RuntimeError, match=r"the targets are not what its loss wants, .* each, but"
    ):
        learnt(loss, compile=True, targets=targets)


def test_anomalies_and_no_grad_are_for_graphs() -> None:
    with sg.no_grad(), pytest.raises(RuntimeError, match="outside no_grad"):
        learnt("mse", compile=None)
    with sg.detect_anomaly(), pytest.raises(FloatingPointError, match="made at"):
        learnt("mse", compile=None, inputs=INPUTS * 1e200)


@pytest.mark.parametrize("kind", ["array", "arrays", "lists"])
def test_a_row_of_an_array_is_an_array_to_a_model_and_a_list_a_list(kind: str) -> None:
    rows = np.array([[0.5, 1.0], [-1.0, 2.0], [1.5, 0.0]])
    inputs: Any = {"array": rows, "arrays": list(rows), "lists": rows.tolist()}[kind]
    of_sample: Any = (lambda x: x + x) if kind == "lists" else (lambda x: x * 2.0 - x**2)
    courses = []
    for compiled in (True, False):
        model = nn.Layer(4 if kind == "lists" else 2, 1, seed=0)
        history = sg.fit(
            lambda x, model=model: model(of_sample(x)), inputs, [1.0, 0.0, 2.0], loss="mse",
            optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=3, compile=compiled,
            progress=False,
        )  # fmt: skip
        assert history.is_replayed is compiled
        courses.append([*history.loss, *(p.data for p in model.parameters())])
    assert courses[0] == pytest.approx(courses[1], rel=1e-12)
