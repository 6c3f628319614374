"""The loop of learning: mini-batches, a history of how it went, and its picture."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from . import errors, losses, plots
from .arithmetic import Arithmetic
from .conversion import check_samples, is_list, whole
from .modes import no_grad
from .seeding import Seed, generator

# -- what comes out -------------------------------------------------------------------------


class Score(NamedTuple):
    """Loss and accuracy over a set; the accuracy is None where the loss has none."""

    loss: float
    accuracy: float | None


@dataclass(eq=False, repr=False)
class History:
    """How learning went.

    `steps` has the loss of each mini-batch. The other lists have a number for each finished epoch:
    `loss` and `accuracy` are over the samples as they were learnt from, with the parameters of
    that moment; `validation_loss` and `validation_accuracy` come after the epoch. A list stays
    empty where there is nothing to say. `steps_per_epoch` tells where a finished epoch ends among
    the steps, also when the last one was broken off; where it is 0, the steps are shared out.
    """

    steps: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    is_interrupted: bool = False
    steps_per_epoch: int = 0

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.loss)

    def plot(self) -> Any:
        """Draw loss and accuracy as a matplotlib figure.

        Raises: `ImportError` without matplotlib, `ValueError` before the first step.
        """
        if not self.steps:
            raise errors.InputError(
                errors.unwanted("plot", "needs at least one step", self, "call fit first")
            )
        return plots.curves(
            self.steps,
            {"training": self.loss, "validation": self.validation_loss},
            {"training": self.accuracy, "validation": self.validation_accuracy},
            self.steps_per_epoch or len(self.steps) / max(self.epochs, 1),
        )

    def save_plot(self, path: str | os.PathLike[str]) -> None:
        """Write the figure of `plot`; the suffix chooses the format: .png, .svg, .pdf."""
        plots.save(self.plot(), path)

    def __repr__(self) -> str:
        parts = [f"{self.epochs} epochs", f"{len(self.steps)} steps"]
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            numbers = getattr(self, name)
            if numbers:
                words = name.replace("_", " ")
                parts.append(f"{words} {numbers[0]:.4g} -> {numbers[-1]:.4g}")
        parts += ["interrupted"] * self.is_interrupted
        return f"History({', '.join(parts)})"


# -- losses by name -------------------------------------------------------------------------


@dataclass(frozen=True)
class _Objective:
    """A loss over a batch, and what counts as a correct answer to one sample."""

    compute: Callable[[list[Any], list[Any]], Any]
    is_correct: Callable[[Any, Any], bool] | None


def _cross_entropy(outputs: list[Any], targets: list[Any]) -> Any:
    for output in outputs:
        if not is_list(output) or len(output) < 2:
            raise errors.InputError(
                errors.unwanted(
                    "fit",
                    "cross_entropy needs a list of two or more scores a sample",
                    output,
                    'use "binary_cross_entropy" or "hinge" for one output',
                )
            )
    return losses.cross_entropy(outputs, targets)


def _one_output(loss: Callable[[Any, Any], Any]) -> Callable[[list[Any], list[Any]], Any]:
    def compute(outputs: list[Any], targets: list[Any]) -> Any:
        return loss([_alone(x, t) for x, t in zip(outputs, targets, strict=True)], targets)

    return compute


def _alone(output: Any, target: Any = None) -> Any:
    """Return the only element of a list of one, where the target is no list."""
    return output[0] if is_list(output) and len(output) == 1 and not is_list(target) else output


def _is_class(scores: Any, target: Any) -> bool:
    return _largest(scores) == (_largest(target) if is_list(target) else target)


def _largest(numbers: Any) -> int:
    return max(range(len(numbers)), key=numbers.__getitem__)


#: what may be written for `loss`, beside any function of outputs and targets
_OBJECTIVES = {
    "cross_entropy": _Objective(_cross_entropy, _is_class),
    "binary_cross_entropy": _Objective(
        _one_output(losses.binary_cross_entropy_with_logits),
        lambda logit, target: (_alone(logit) > 0.0) == (target > 0.5),
    ),
    "hinge": _Objective(
        _one_output(losses.hinge), lambda score, label: (_alone(score) > 0.0) == (label > 0)
    ),
    "mse": _Objective(_one_output(losses.mse), None),
    "mae": _Objective(_one_output(losses.mae), None),
}
_OWN = {
    losses.cross_entropy: "cross_entropy",
    losses.binary_cross_entropy_with_logits: "binary_cross_entropy",
    losses.hinge: "hinge",
    losses.mse: "mse",
    losses.mae: "mae",
}


def _objective(who: str, loss: Any, is_correct: Callable[[Any, Any], bool] | None) -> _Objective:
    name = _OWN.get(loss, loss) if callable(loss) else loss
    if isinstance(name, str) and name in _OBJECTIVES:
        known = _OBJECTIVES[name]
        return _Objective(known.compute, is_correct or known.is_correct)
    if not callable(loss):
        raise errors.InputError(
            errors.unwanted(
                who,
                f"loss must be one of {', '.join(_OBJECTIVES)}, or a function",
                loss,
                'pass e.g. "cross_entropy"',
            )
        )
    return _Objective(loss, is_correct)


# -- the loop -------------------------------------------------------------------------------


@runtime_checkable
class Steps(Protocol):
    """What `fit` wants of an optimiser."""

    def zero_grad(self) -> None: ...
    def step(self) -> None: ...


def fit(
    model: Callable[[Any], Any],
    inputs: Sequence[Any],
    targets: Sequence[Any],
    *,
    loss: str | Callable[[list[Any], list[Any]], Any],
    optimizer: Steps,
    epochs: int = 1,
    batch_size: int | None = 32,
    seed: Seed = 0,
    validation: tuple[Sequence[Any], Sequence[Any]] | None = None,
    progress: bool | None = None,
    is_correct: Callable[[Any, Any], bool] | None = None,
    after_epoch: Callable[[History], bool | None] | None = None,
) -> History:
    """Learn from shuffled mini-batches and return how it went.

    `loss` is "cross_entropy" (two or more scores a sample, target a class or probabilities),
    "binary_cross_entropy" (one logit, target 0 or 1), "hinge" (one score, label -1 or 1), "mse",
    "mae", or a function of the lists of outputs and targets of a batch. `is_correct(output,
    target)` says what accuracy counts where the loss has no such notion. `batch_size=None` takes
    all samples at once. `validation` is a pair (inputs, targets). `progress=None` shows a bar where
    tqdm is installed and standard error is a terminal. `after_epoch(history)` runs after each
    epoch; learning ends where what it returns is true.

    An interrupt (Ctrl-C) ends learning too: the history of what was reached is returned, with
    `is_interrupted` set; the model has all steps of it, and perhaps a part of the next.

    Raises: `FloatingPointError` at a loss that is not finite, before it reaches a parameter;
    `RuntimeError` inside `no_grad`; `ValueError`, `TypeError` for unfit arguments; `ImportError`
    for `progress=True` without tqdm.

    >>> from scalargrad import datasets, nn, optim
    >>> inputs, targets = datasets.xor()
    >>> model = nn.Sequential(nn.Affine(2, 8, seed=1), nn.Tanh(), nn.Affine(8, 2, seed=2))
    >>> history = fit(model, inputs, targets, loss="cross_entropy", epochs=100, progress=False,
    ...               optimizer=optim.Adam(model.parameters(), lr=0.1))
    >>> history.epochs, history.accuracy[-1]
    (100, 1.0)
    """
    objective = _objective("fit", loss, is_correct)
    _check_model("fit", model)
    if not isinstance(optimizer, Steps) or isinstance(optimizer, type):
        raise errors.OperandError(
            errors.unwanted(
                "fit",
                "optimizer must have the methods zero_grad and step",
                optimizer,
                "pass e.g. optim.SGD(model.parameters(), lr=0.1)",
            )
        )
    check_samples("fit", inputs, targets)
    if validation is not None:
        check_samples("fit (validation)", *_pair(validation))
    size = len(inputs) if batch_size is None else whole("fit", "batch_size", batch_size)
    epochs, many = whole("fit", "epochs", epochs), math.ceil(len(inputs) / size)
    history, draw = History(steps_per_epoch=many), generator("fit", seed)
    start = time.perf_counter()
    try:
        with _bar(progress, epochs * many) as report:
            for _ in range(epochs):
                batches = _batches(inputs, targets, size, draw)
                _learn(model, batches, objective, optimizer, history, report)
                if validation is not None:
                    score = _score(model, *validation, objective)
                    _note(score, history.validation_loss, history.validation_accuracy)
                if after_epoch is not None and after_epoch(history):
                    break
    except KeyboardInterrupt:
        history.is_interrupted = True
    history.seconds = time.perf_counter() - start
    return history


def evaluate(
    model: Callable[[Any], Any],
    inputs: Sequence[Any],
    targets: Sequence[Any],
    *,
    loss: str | Callable[[list[Any], list[Any]], Any],
    is_correct: Callable[[Any, Any], bool] | None = None,
) -> Score:
    """Return loss and accuracy of a model, without recording a graph; arguments as in `fit`.

    >>> evaluate(lambda x: x, [[0.0, 1.0], [2.0, 0.0]], [1, 1], loss="cross_entropy").accuracy
    0.5
    """
    _check_model("evaluate", model)
    check_samples("evaluate", inputs, targets)
    return _score(model, inputs, targets, _objective("evaluate", loss, is_correct))


def _learn(
    model: Callable[[Any], Any],
    batches: Iterator[tuple[list[Any], list[Any]]],
    objective: _Objective,
    optimizer: Steps,
    history: History,
    report: Callable[[History], None],
) -> None:
    """Take one epoch's steps."""
    seen, lost, correct = 0, 0.0, 0
    for samples, targets in batches:
        outputs = [model(sample) for sample in samples]
        loss = _checked_loss(objective.compute(outputs, targets), history)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.steps.append(loss.data)
        seen += len(samples)
        lost += loss.data * len(samples)
        correct += _correct(objective, outputs, targets)
        report(history)
    accuracy = correct / seen if objective.is_correct else None
    _note(Score(lost / seen, accuracy), history.loss, history.accuracy)


def _checked_loss(loss: Any, history: History) -> Any:
    place = f"at step {len(history.steps) + 1}, in epoch {history.epochs + 1}"
    if not isinstance(loss, Arithmetic):
        raise errors.OperandError(
            errors.unwanted("fit", "the loss must be a Value", loss, "compute it from the outputs")
        )
    if not math.isfinite(loss._data):
        raise errors.NonFiniteError(
            f"fit: the loss must stay finite; got {loss._data} {place};"
            " lower the learning rate, or find the cause with scalargrad.detect_anomaly()"
        )
    if not loss.parents:
        raise errors.StateError(
            f"fit: the loss must come from recorded operations; got a leaf {place};"
            " call fit outside no_grad"
        )
    return loss


def _score(model: Callable[[Any], Any], inputs: Any, targets: Any, objective: _Objective) -> Score:
    with no_grad():
        outputs = [model(sample) for sample in inputs]
        loss = objective.compute(outputs, list(targets))
    correct = _correct(objective, outputs, targets)
    number = loss._data if isinstance(loss, Arithmetic) else float(loss)
    return Score(number, correct / len(outputs) if objective.is_correct else None)


def _correct(objective: _Objective, outputs: Any, targets: Any) -> int:
    if objective.is_correct is None:
        return 0
    return sum(map(bool, map(objective.is_correct, outputs, targets)))


def _note(score: Score, loss: list[float], accuracy: list[float]) -> None:
    loss.append(score.loss)
    if score.accuracy is not None:
        accuracy.append(score.accuracy)


def _batches(
    inputs: Sequence[Any], targets: Sequence[Any], size: int, draw: Any
) -> Iterator[tuple[list[Any], list[Any]]]:
    places = list(range(len(inputs)))
    draw.shuffle(places)
    for first in range(0, len(places), size):
        batch = places[first : first + size]
        yield [inputs[place] for place in batch], [targets[place] for place in batch]


def _check_model(who: str, model: Any) -> None:
    if not callable(model):
        raise errors.OperandError(
            errors.unwanted(who, "model must be callable", model, "pass a Module or a function")
        )


def _pair(validation: Any) -> tuple[Any, Any]:
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise errors.OperandError(
            errors.unwanted(
                "fit", "validation must be a pair", validation, "pass (inputs, targets)"
            )
        )
    return validation[0], validation[1]


@contextmanager
def _bar(progress: bool | None, total: int) -> Iterator[Callable[[History], None]]:
    """Give a function that moves the bar on, or one that does nothing."""
    tqdm = _tqdm(progress)
    if tqdm is None:
        yield lambda history: None
        return
    with tqdm(total=total, unit="step", desc="fit") as bar:

        def report(history: History) -> None:
            bar.set_postfix_str(f"epoch {history.epochs + 1}, loss {history.steps[-1]:.4f}", False)
            bar.update()

        yield report


def _tqdm(progress: bool | None) -> Any:
    """Return the class of the bar, or None where none is wanted or to be had."""
    if progress or (progress is None and sys.stderr is not None and sys.stderr.isatty()):
        try:
            from tqdm import tqdm
        except ImportError:
            if progress:
                raise errors.missing_extra("fit", "tqdm", "progress") from None
        else:
            return tqdm
    return None
