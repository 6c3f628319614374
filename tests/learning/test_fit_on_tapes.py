"""`fit` on tapes where something is special: one sample, the optimiser, an epoch, a model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine, nn, optim

pytestmark = pytest.mark.skipif(
    _engine.machine() is None, reason="the machine was not built: there is nothing to compare"
)

INPUTS = np.random.default_rng(0).normal(size=(37, 3))
INPUTS[-1, 0] = 9.0  # one sample is unlike all others
TARGETS = np.random.default_rng(1).normal(size=37)


class Model(nn.Module):
    """A model of one line, and of another one where the first number is large."""

    def __init__(self, rare: Callable[[Model, Any], Any] | None = None) -> None:
        self.w, self.scale, self.rare = sg.Value(0.5), 1.0, rare
        self.frozen = sg.Value(0.25)
        self.calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        if self.rare is not None and x[0] > 8.0:
            return self.rare(self, x)
        return self.w * x[0] * self.scale + x[1]


def learnt(
    model: Model,
    make: Callable[[list[sg.Value]], Any] = lambda parameters: optim.SGD(parameters, lr=0.05),
    **options: Any,
) -> tuple[list[float], list[float], float, float]:
    """Return how learning went, the parameter, and its gradient."""
    given = {"inputs": INPUTS, "targets": TARGETS, "epochs": 3, "batch_size": 8, **options}
    history = sg.fit(model, **given, loss="mse", optimizer=make([model.w]), progress=False)
    return history.steps, history.validation_loss, model.w.data, model.w.grad


def near(found: Any, expected: Any) -> bool:
    """Compare two results of `learnt`."""
    pairs = zip(found, expected, strict=True)
    return all(one == pytest.approx(other, rel=1e-9) for one, other in pairs)


@pytest.mark.parametrize(
    "rare",
    [
        lambda model, x: model.w * x[1],
        lambda model, x: model.w * x[1] + model.frozen * x[2],
        lambda model, x: model.frozen * x[2],
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_one_sample_may_take_another_path(rare: Callable[..., Any], seed: int) -> None:
    found, expected = (learnt(Model(rare), seed=seed, compile=compile) for compile in (True, False))
    assert near(found, expected)


# -- optimisers ----------------------------------------------------------------------------


class OwnStep(optim.SGD):
    """An optimiser that halves what it has learnt."""

    def step(self) -> None:
        halved(self)


class KeepsGradients(optim.SGD):
    """An optimiser with a momentum of its own: gradients are added up over all steps."""

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad *= 0.5


def halved(optimizer: optim.SGD) -> None:
    """Take a step of the class, and halve what was learnt."""
    optim.SGD.step(optimizer)
    for parameter in optimizer.parameters:
        parameter.data *= 0.5


def changed(name: str, to: Callable[[optim.SGD], None]) -> Callable[[list[sg.Value]], optim.SGD]:
    """Return what makes an optimiser with another method of its own."""

    def make(parameters: list[sg.Value]) -> optim.SGD:
        optimizer = optim.SGD(parameters, lr=0.05)
        setattr(optimizer, name, lambda: to(optimizer))
        return optimizer

    return make


@pytest.mark.parametrize(
    "make",
    [
        lambda parameters: OwnStep(parameters, lr=0.05),
        lambda parameters: KeepsGradients(parameters, lr=0.05),
        changed("step", halved),
        changed("zero_grad", KeepsGradients.zero_grad),
    ],
)
def test_methods_of_an_optimiser_of_ones_own_are_called(make: Callable[..., Any]) -> None:
    found, expected = (learnt(Model(), make, compile=compile) for compile in (True, False))
    assert near(found, expected)
    assert not near(found, learnt(Model(), compile=False))


@pytest.mark.parametrize("compile", [True, None, False])
def test_gradients_stay_where_no_step_was_taken(compile: bool | None) -> None:
    model = Model()
    model.w.grad = 7.0
    with pytest.raises(FloatingPointError, match="the loss must stay finite"):
        learnt(model, inputs=INPUTS * 1e200, compile=compile)
    assert (model.w.data, model.w.grad) == (0.5, 7.0)


# -- what changes meanwhile ----------------------------------------------------------------


@pytest.mark.parametrize("compile", [True, None])
def test_models_that_change_after_an_epoch_are_recorded_anew(compile: bool | None) -> None:
    def learnt_with_changes(compile: bool | None) -> Any:
        model = Model()

        def after(history: sg.History) -> None:
            model.scale *= 0.5

        return learnt(model, after_epoch=after, compile=compile)

    assert near(learnt_with_changes(compile), learnt_with_changes(False))


def test_models_are_recorded_once_where_nothing_runs_after_an_epoch() -> None:
    model = Model()
    learnt(model, compile=True)
    assert model.calls == 2 + 2 * 3  # and two samples of each epoch are compared


class Asks(Model):
    """A model that asks what a sample is: an array of numbers here, one of Values on a tape."""

    def __call__(self, x: Any) -> Any:
        return self.w * (x[0] if x.dtype == float else x[1])


class Doubles(Model):
    """A model that doubles what it finds from some call on, which no tape can know."""

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return self.w * x[0] * (2.0 if self.calls > 10 else 1.0)


@pytest.mark.parametrize("kind", [Asks, Doubles])
def test_models_that_do_something_else_on_a_tape_are_told(kind: type[Model]) -> None:
    with pytest.raises(
        RuntimeError, match=r"^fit: compile=True .* sample \d+ has the loss .* by it"
    ):
        learnt(kind(), compile=True, epochs=20)


def test_models_that_ask_what_a_sample_is_learn_on_graphs() -> None:
    assert learnt(Asks()) == learnt(Asks(), compile=False)


def refuses(model: Model, x: Any) -> Any:
    """Compute what no Value can be given to."""
    return model.w * math.sin(x[1])


class Refuses(Model):
    """A model of plain numbers only."""

    def __call__(self, x: Any) -> Any:
        return refuses(self, x)


class WantsNumbers(Model):
    """A model that makes a plain number of an array."""

    def __call__(self, x: Any) -> Any:
        return self.w * float(x.mean())


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Refuses, TypeError),
        (WantsNumbers, TypeError),
        (lambda: Model(refuses), TypeError),
    ],
)
def test_models_that_take_plain_numbers_only_learn_on_graphs(
    make: Callable[[], Model], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        learnt(make(), compile=True)
    for seed in range(3):
        found, expected = (learnt(make(), seed=seed, compile=compile) for compile in (None, False))
        assert near(found, expected)


def test_validation_that_cannot_be_replayed_is_scored_on_graphs() -> None:
    data = {"inputs": INPUTS[:-1], "targets": TARGETS[:-1], "validation": (INPUTS, TARGETS)}
    with pytest.raises(TypeError):
        learnt(Model(refuses), compile=True, **data)
    found, expected = (learnt(Model(refuses), compile=c, **data) for c in (None, False))
    assert near(found, expected)


def test_loss_that_is_not_finite_is_not_tried_again() -> None:
    model = Model()
    with pytest.raises(FloatingPointError, match="the loss must stay finite"):
        learnt(model, inputs=INPUTS * 1e200, compile=None)
    assert model.calls == 2
