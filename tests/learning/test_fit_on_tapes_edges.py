"""`fit` on tapes at its edges: what is kept, restored, read meanwhile, or a little different."""

from __future__ import annotations

import contextlib
from itertools import chain
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine, nn, optim
from scalargrad.learning import block, on_tapes, replaying
from scalargrad.tape import lanes_on_paths, machine, paths, tracing

pytestmark = pytest.mark.skipif(
    _engine.machine() is None, reason="the machine was not built: there is nothing to compare"
)


@pytest.mark.parametrize(
    "make", [lambda p: optim.SGD(p, lr=0.05, momentum=0.9), lambda p: optim.Adam(p, lr=0.01)]
)
def test_what_an_optimiser_keeps_stays_with_its_parameter(make: Any) -> None:
    """Its parameters in another order than the model reads them; what it kept before counts."""
    states = []
    inputs, targets = np.arange(24.0).reshape(8, 3) / 9, np.arange(8.0) / 5
    for compile in (True, False):
        model = nn.MLP(3, [4, 1], seed=1)
        optimizer = make(model.parameters()[::-1])
        for _ in range(2):
            sg.fit(
                model,
                inputs,
                targets,
                loss="mse",
                optimizer=optimizer,
                batch_size=3,
                epochs=2,
                progress=False,
                compile=compile,
            )
        _, *columns = optimizer.state_dict().values()
        states.append(
            [x for p in optimizer.parameters for x in (p.data, p.grad)] + [*chain(*columns)]
        )
    assert states[0] == pytest.approx(states[1], rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("end", [True, KeyboardInterrupt, ZeroDivisionError])
def test_what_is_restored_after_the_last_epoch_stays(end: Any) -> None:
    model = nn.MLP(3, [4, 1], seed=1)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    best = model.state_dict(), optimizer.state_dict()

    def after(history):
        model.load_state_dict(best[0])
        optimizer.load_state_dict(best[1])
        if end is not True:
            raise end
        return True

    with contextlib.suppress(ZeroDivisionError):
        sg.fit(
            model,
            np.ones((8, 3)),
            np.arange(8.0),
            loss="mse",
            optimizer=optimizer,
            progress=False,
            after_epoch=after,
            compile=True,
        )
    assert (model.state_dict(), optimizer.state_dict()) == best


def test_a_model_that_is_a_little_different_by_itself_is_found() -> None:
    w = sg.Value(1.0)

    def model(x):
        return w * x[0] * (1.0 if isinstance(x[0], sg.Value) else 1.0001)

    with pytest.raises(RuntimeError, match="by itself"):
        sg.fit(
            model,
            [[1.0]] * 4,
            [3.0] * 4,
            loss="mse",
            optimizer=optim.SGD([w], lr=0.1),
            progress=False,
            compile=True,
        )


@pytest.mark.parametrize(
    ("loss", "wrong"),
    [("hinge", [0, 2]), ("binary_cross_entropy", [2.0, -1.0]), ("cross_entropy", [0.0, 1.0])],
)
@pytest.mark.parametrize("compile", [None, False])
def test_targets_of_another_kind_are_refused_in_validation_too(
    loss: Any, wrong: Any, compile: Any
) -> None:
    model = nn.MLP(3, [4, 2 if loss == "cross_entropy" else 1], seed=1)
    with pytest.raises((ValueError, TypeError)):
        sg.fit(
            model,
            np.ones((4, 3)),
            [1, 1, 1, 1],
            loss=loss,
            validation=(np.ones((2, 3)), wrong),
            optimizer=optim.SGD(model.parameters(), lr=0.1),
            progress=False,
            compile=compile,
        )


def test_a_condition_on_parameters_is_followed_while_they_move() -> None:
    w = sg.Value(-1.0)

    def model(x):
        return w * x[0] if w > 0.5 else (w * 2.0) * x[0] + 1.0

    history = sg.fit(
        model,
        [[1.0]] * 12,
        [2.0] * 12,
        loss="mse",
        batch_size=1,
        progress=False,
        optimizer=optim.SGD([w], lr=0.3),
        compile=True,
    )
    assert history.steps[:2] == pytest.approx([9.0, 0.36])


def ends_of(rate: Any, inputs: Any, start: float, compile: bool | None) -> tuple[Any, float]:
    """Learn one weight; return the losses, and what it is in the end."""
    w = sg.Value(start)
    optimizer = optim.SGD([w], lr=rate(w))
    history = sg.fit(
        lambda x: w * x[0], inputs, np.arange(6.0), loss="mse", batch_size=3, progress=False,
        optimizer=optimizer, compile=compile,
    )  # fmt: skip
    return history.steps, w.data


def test_a_schedule_may_read_the_model() -> None:
    def rate(w: Any) -> Any:
        return lambda step: 0.1 / (1 + w.data**2)

    found, wanted = (ends_of(rate, [[1.0]] * 6, 1.0, compile) for compile in (True, False))
    assert found[1] == pytest.approx(wanted[1])


def test_whole_numbers_beyond_int64_learn_on_graphs() -> None:
    inputs = np.array([[1], [2], [3], [4], [5], [2**63 + 2**62]], dtype=np.uint64)
    found, wanted = (ends_of(lambda w: 0.0, inputs, 1e-19, compile) for compile in (None, False))
    assert found[0] == pytest.approx(wanted[0])


# -- what falls back to graphs, and what does not --------------------------------------------------


def learnt_once(model: Any, inputs: Any, **options: Any) -> sg.History:
    optimizer = optim.SGD([model.w] if hasattr(model, "w") else model.parameters(), lr=0.1)
    options = {"loss": "mse", "progress": False, "optimizer": optimizer, **options}
    return sg.fit(model, inputs, [1.0] * len(inputs), **options)


class WantsNumbers:
    """A model that calls a method of plain numbers."""

    def __init__(self) -> None:
        self.w = sg.Value(0.5)

    def __call__(self, x: Any) -> Any:
        return self.w * float.fromhex(x[0].hex())


class ReadsData(WantsNumbers):
    def __call__(self, x: Any) -> Any:
        return self.w * x[0] + 0.0 * self.w.data


@pytest.mark.parametrize(
    ("model", "options", "reason"),
    [
        (WantsNumbers(), {}, "the model raises AttributeError ('Value' object has no"),
        (ReadsData(), {}, ".data must not be read while the function is recorded"),
        (ReadsData(), {"loss": lambda ys, ts: sg.mse(ys, ts)}, ".data must not be read"),
        (nn.MLP(2, [1], seed=1), {"compile": False}, "compile=False"),
    ],
)
def test_reason_why_nothing_is_replayed_stands_in_the_history(
    model: Any, options: Any, reason: str
) -> None:
    history = learnt_once(model, np.ones((4, 2)), **options)

    assert not history.is_replayed
    assert reason in history.why_not_replayed
    assert f"not replayed: {history.why_not_replayed}" in repr(history)


def test_history_of_a_replay_gives_no_reason() -> None:
    history = learnt_once(nn.MLP(2, [1], seed=1), np.ones((4, 2)))

    assert (history.is_replayed, history.why_not_replayed) == (True, "")
    assert "not replayed" not in repr(history)


@pytest.mark.parametrize(
    ("home", "name"),
    [
        (machine.Machine, "batch"),
        (machine.Machine, "plan"),
        (machine, "plan_tape"),
        (lanes_on_paths, "run_batch"),
        (paths.Paths, "add"),
        (tracing, "flatten_result"),
        (block, "move_flat"),
        (block, "set_numbers"),
        (on_tapes.TapeLearner, "_check"),
        (on_tapes.TapeLearner, "score"),
        (block.ParameterBlock, "of"),
    ],
)
@pytest.mark.parametrize("fault", [IndexError, KeyError, AssertionError, MemoryError, TypeError])
def test_fault_of_our_own_is_not_hidden_by_graphs(
    home: Any, name: str, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **named: Any) -> Any:
        raise fault("planted")

    monkeypatch.setattr(home, name, broken)
    monkeypatch.setattr(on_tapes, "run_batch", lanes_on_paths.run_batch)
    inputs = np.ones((4, 2))

    with pytest.raises(fault, match="planted"):
        learnt_once(nn.MLP(2, [1], seed=1), inputs, validation=(inputs, [1.0] * 4))


def test_what_tapes_learnt_stays_where_graphs_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last path is one too many for tapes, and found in the middle of an epoch."""
    monkeypatch.setattr(replaying, "MOST_PATHS", 64)
    inputs = np.arange(70.0) - 0.5
    found = []
    for compile in (None, False):
        w = sg.Value(0.5)

        def model(x: Any, w: Any = w) -> Any:
            step = next((bound for bound in range(69) if x < bound), 69)
            return w * x * (1.0 + step / 100.0)

        history = sg.fit(
            model, inputs, inputs, loss="mse", optimizer=optim.SGD([w], lr=1e-4, momentum=0.5),
            batch_size=1, epochs=1, seed=1, progress=False, compile=compile,
        )  # fmt: skip
        found.append(w.data)
        assert not history.is_replayed
    assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_validation_of_another_shape_is_scored_with_what_was_learnt() -> None:
    found = []
    for compile in (None, False):
        w = sg.Value(0.5)
        history = sg.fit(
            lambda xs, w=w: w * sg.sum(list(xs)), [[1.0, 2.0], [2.0, 3.0]], [1.0, 2.0],
            loss="mse", optimizer=optim.SGD([w], lr=0.01), epochs=3, seed=1, progress=False,
            validation=([[1.0], [1.0, 2.0, 3.0]], [1.0, 2.0]), compile=compile,
        )  # fmt: skip
        assert history.is_replayed is (compile is None)
        found.append(history.validation_loss)
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    assert found[0][0] > found[0][1] > found[0][2]


def test_two_pairs_in_a_list_are_no_validation_as_they_may_be_either() -> None:
    w = sg.Value(0.5)

    with pytest.raises(TypeError, match="fit: validation must be a pair"):
        sg.fit(
            lambda x: w * x, [1.0, 2.0], [1.0, 2.0], loss="mse",
            optimizer=optim.SGD([w], lr=0.01), validation=[(1.0, 2.0), (3.0, 4.0)], progress=False,
        )  # fmt: skip
    assert w.data == 0.5
