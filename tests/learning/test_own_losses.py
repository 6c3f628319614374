"""A loss of one's own, of a whole batch: `fit` replays the model beneath it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine, nn, optim
from scalargrad.learning import own_losses

pytestmark = pytest.mark.skipif(
    _engine.machine() is None, reason="the machine was not built: there is nothing to compare"
)

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(30, 3))
CLASSES = RNG.integers(0, 4, 30)
NUMBERS = RNG.normal(size=30)


class Bent(nn.Module):
    """A model that takes one of two ways."""

    def __init__(self) -> None:
        self.w = nn.Affine(3, 1, seed=1)

    def __call__(self, x: Any) -> Any:
        z = self.w(x)[0]
        return sg.tanh(z) if z > 0.0 else z * 0.1


class Named(nn.Module):
    """A model that gives a dict, and an array in it."""

    def __init__(self) -> None:
        self.w = nn.Affine(3, 2, seed=1)

    def __call__(self, x: Any) -> Any:
        scores = self.w(x)
        return {"scores": np.array(scores), "first": sg.sin(scores[0]), "bias": 1.0}


class Words(nn.Module):
    """A model of tokens, with a parameter that only the loss reads."""

    def __init__(self) -> None:
        self.rows = nn.Embedding(5, 3, seed=1)
        self.last = nn.Affine(3, 1, seed=2)
        self.scale = sg.Value(0.7)

    def __call__(self, tokens: Any) -> Any:
        return self.last([sum(column) for column in zip(*map(self.rows, tokens), strict=True)])[0]


def mlp(width: int) -> Callable[[], nn.Module]:
    return lambda: nn.MLP(3, [5, width], seed=1)


def contrast(outputs: list[Any], targets: list[Any]) -> Any:
    """Couple each sample with the one before it."""
    pairs = zip(outputs, outputs[1:] + outputs[:1], strict=True)
    return sg.mean(
        [sg.exp(-((x - y) ** 2)) * abs(t) for (x, y), t in zip(pairs, targets, strict=True)]
    )


def picked(outputs: list[Any], targets: list[Any]) -> Any:
    """Use a class as an index."""
    return -sg.mean([sg.log_softmax(x)[t] for x, t in zip(outputs, targets, strict=True)])


def by_name(outputs: list[Any], targets: list[Any]) -> Any:
    """Take targets that are no numbers, and outputs that are no lists."""
    far = [
        (o["scores"].sum() - o["first"]) * o["bias"] - len(t)
        for o, t in zip(outputs, targets, strict=True)
    ]
    return sg.mean([d * d for d in far])


CASES: dict[str, tuple[Callable[[], Any], Any, Any, Callable[[Any], Any]]] = {
    "squares": (mlp(1), INPUTS, NUMBERS, lambda model: lambda ys, ts: sg.mse(ys, ts)),
    "samples of lists": (mlp(1), INPUTS.tolist(), NUMBERS.tolist(), lambda model: contrast),
    "classes": (mlp(4), INPUTS, CLASSES, lambda model: picked),
    "two ways": (Bent, INPUTS, NUMBERS, lambda model: contrast),
    "texts": (Named, INPUTS, ["a", "bcd", "ef"] * 10, lambda model: by_name),
    "decay": (
        mlp(1), INPUTS, NUMBERS,
        lambda model: lambda ys, ts: (
            sg.mse(ys, ts) + 0.01 * sg.sum([p * p for p in model.parameters()])
        ),
    ),
    "tokens": (
        Words, RNG.integers(0, 5, (30, 4)), NUMBERS,
        lambda model: lambda ys, ts: sg.mse([y * model.scale for y in ys], ts),
    ),
    "some samples": (mlp(1), INPUTS, NUMBERS, lambda model: lambda ys, ts: ys[0] * ys[0] + ts[0]),
}  # fmt: skip


def learnt(name: str, *, compile: bool, **options: Any) -> tuple[sg.History, list[float]]:
    make, inputs, targets, loss = CASES[name]
    model = make()
    history = sg.fit(
        model, inputs, targets, loss=loss(model), batch_size=8, epochs=3, progress=False, seed=3,
        optimizer=optim.Adam(model.parameters(), lr=0.01), compile=compile,
        validation=(inputs[:7], targets[:7]), **options,
    )  # fmt: skip
    return history, [p.data for p in model.parameters()]


@pytest.mark.parametrize("name", CASES)
def test_what_is_learnt_is_what_graphs_learn(name: str) -> None:
    replayed, fast = learnt(name, compile=True)
    built, slow = learnt(name, compile=False)

    assert (replayed.is_replayed, built.is_replayed) == (True, False)
    for what in ("steps", "loss", "validation_loss"):
        assert getattr(replayed, what) == pytest.approx(getattr(built, what), rel=1e-9), what
    assert fast == pytest.approx(slow, rel=1e-9, abs=1e-9)  # Adam enlarges rounding
    assert fast != [p.data for p in CASES[name][0]().parameters()]


def test_answers_are_counted() -> None:
    def is_correct(scores: Any, target: int) -> bool:
        return max(range(4), key=scores.__getitem__) == target

    replayed, _ = learnt("classes", compile=True, is_correct=is_correct)
    built, _ = learnt("classes", compile=False, is_correct=is_correct)

    assert replayed.accuracy == built.accuracy
    assert replayed.validation_accuracy == built.validation_accuracy


@pytest.mark.parametrize(
    ("loss", "kind", "words"),
    [
        (lambda ys, ts: 1.0, TypeError, "the loss must be a Value"),
        (lambda ys, ts: sg.Value(1.0), RuntimeError, "come from recorded operations"),
        (lambda ys, ts: ys[0] * math.nan, FloatingPointError, "must stay finite"),
        (lambda ys, ts: copy.deepcopy(ys[0]), RuntimeError, "copy"),
        (lambda ys, ts: ys[0].nothing, AttributeError, "nothing"),
    ],
)
def test_a_loss_that_teaches_nothing_is_refused(loss: Any, kind: Any, words: str) -> None:
    model = mlp(1)()
    before = [p.data for p in model.parameters()]
    with pytest.raises(kind, match=words):
        sg.fit(model, INPUTS, NUMBERS, loss=loss, progress=False,
               optimizer=optim.SGD(model.parameters(), lr=0.1))  # fmt: skip
    assert [p.data for p in model.parameters()] == before


def test_a_model_that_looks_at_its_sample_is_found_out() -> None:
    """It asks what a number is, which a recording answers once."""
    w = sg.Value(0.5)

    def model(x: Any) -> Any:
        return w * (2.0 if isinstance(x[0], float) else 3.0) * x[0]

    history = sg.fit(
        model, INPUTS, NUMBERS, loss=lambda ys, ts: sg.mse(ys, ts), epochs=1, progress=False,
        optimizer=optim.SGD([w], lr=0.1),
    )  # fmt: skip
    assert not history.is_replayed
    assert "by itself" in history.why_not_replayed


def test_a_model_may_change_after_each_epoch() -> None:
    model = mlp(1)()
    extra = sg.Value(1.0)
    seen = []

    def after(history: sg.History) -> None:
        seen.append(extra.data)
        extra.data = 0.0

    sg.fit(
        lambda x: model(x) * extra, INPUTS, NUMBERS, loss=lambda ys, ts: sg.mse(ys, ts), epochs=2,
        progress=False, optimizer=optim.SGD(model.parameters(), lr=0.1), after_epoch=after,
    )  # fmt: skip
    assert seen == [1.0, 0.0]


@pytest.mark.parametrize("fault", [IndexError, KeyError, AssertionError, MemoryError, TypeError])
@pytest.mark.parametrize("name", ["run_batch", "taken", "add_sums", "samples_array"])
def test_fault_of_our_own_is_not_hidden_by_graphs(
    name: str, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any, **named: Any) -> Any:
        raise fault("planted")

    monkeypatch.setattr(own_losses, name, broken)
    with pytest.raises(fault, match="planted"):
        learnt("squares", compile=True)
