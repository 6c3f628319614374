"""How `fit` takes a step on the graph of a batch, and what it wants of a model and an optimiser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from .. import errors
from ..core import refusals, tracer
from ..core.arithmetic import is_value
from ..core.around import Inputs, call_inside
from ..core.modes import no_grad
from .bad_samples import check_finite
from .objectives import Objective


@runtime_checkable
class OptimizerLike(Protocol):
    """What `fit` wants of an optimiser."""

    def zero_grad(self) -> None: ...
    def step(self) -> None: ...


class Learner(Protocol):
    """Takes steps on some samples of a set; knows its score on another one."""

    def step(self, indices: Sequence[int], where: str) -> tuple[float, int]:
        """Learn from the samples at some indices; return their loss and how many were correct."""

    def score(self, inputs: Any, targets: Any) -> tuple[float, int]:
        """Return the mean loss of a set and how many are correct, learning nothing."""

    def settle(self) -> None:
        """Let the Values of the model have the numbers that were learnt."""


class GraphLearner:
    """Builds the graph of each batch, as one would by hand."""

    def __init__(
        self, model: Callable[[Any], Any], inputs: Any, targets: Any, objective: Objective,
        optimizer: OptimizerLike,
    ) -> None:  # fmt: skip
        self.model: Callable[[Any], Any] = model
        self.inputs: Any = inputs
        self.targets: Any = targets
        self.objective: Objective = objective
        self.optimizer: OptimizerLike = optimizer
        self._learnt = learnt_by(optimizer)

    def step(self, indices: Sequence[int], where: str) -> tuple[float, int]:
        """Take a step."""
        targets = [self.targets[index] for index in indices]
        outputs, loss = call_inside(self._learnt, self._computed, indices, targets)
        check_loss(loss, where, self.inputs, self.targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.data, count_correct(self.objective, outputs, targets)

    def _computed(self, indices: Sequence[int], targets: list[Any]) -> tuple[list[Any], Any]:
        """Return the outputs of the model for some samples, and their loss."""
        outputs = [self.model(self.inputs[index]) for index in indices]
        return outputs, self.objective.compute(outputs, targets)

    def score(self, inputs: Any, targets: Any) -> tuple[float, int]:
        """Score a set."""
        return score(self.model, inputs, targets, self.objective)

    def settle(self) -> None:
        """Do nothing: Values are what is learnt with."""


def check_loss(loss: Any, where: str, inputs: Any, targets: Any) -> None:
    """Refuse a loss from which nothing can be learnt."""
    if not is_value(loss):
        must, remedy = "the loss must be a Value", "compute it from the outputs"
        raise errors.OperandError(errors.unwanted("fit", must, loss, remedy))
    check_finite(loss._data, where, inputs, targets)
    if not loss.parents:
        raise errors.StateError(
            f"fit: the loss must come from recorded operations; got a leaf {where};"
            " call fit outside no_grad"
        )


def learnt_by(optimizer: Any) -> Inputs:
    """Return the Values that an optimiser moves as what a step is differentiated by."""
    return Inputs(_parameters(optimizer), shared=True)


def _parameters(optimizer: Any) -> list[Any]:
    """Return the Values that an optimiser moves, as far as it tells."""
    parameters = getattr(optimizer, "parameters", ())
    return list(filter(is_value, parameters)) if isinstance(parameters, (list, tuple)) else []


def check_learnt(model: Any, optimizer: OptimizerLike) -> None:
    """Refuse an optimiser that moves nothing of the model: of a model that was built anew, say."""
    own = getattr(model, "parameters", None)
    moved, held = _parameters(optimizer), list(own()) if callable(own) else []
    if moved and held and not {*map(id, moved)} & {*map(id, held)}:
        raise errors.InputError(
            "fit: the optimizer must move parameters of the model; got one that has"
            f" {len(moved)} Values, none of them of the model, which would learn nothing;"
            " make it anew, e.g. optim.SGD(model.parameters(), lr=0.1)"
        )


def score(
    model: Callable[[Any], Any], inputs: Any, targets: Any, objective: Objective
) -> tuple[float, int]:
    """Return the mean loss of a set and how many are correct."""
    if tracer.is_on():
        raise refusals.frozen_call("evaluate", "call it outside of the function")

    def compute() -> tuple[list[Any], Any]:
        outputs = [model(sample) for sample in inputs]
        return outputs, objective.compute(outputs, list(targets))

    outputs, loss = no_grad().call(compute)
    number = loss._data if is_value(loss) else float(loss)
    return number, count_correct(objective, outputs, targets)


def count_correct(objective: Objective, outputs: Any, targets: Any) -> int:
    """Return how many outputs are correct answers."""
    if objective.is_correct is None:
        return 0
    return sum(map(bool, map(objective.is_correct, outputs, targets)))
