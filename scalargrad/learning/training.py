"""The loop of learning: mini-batches, a history of how it went, and its picture."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .. import errors, plots
from ..core import markup, modes
from ..core.arguments import Seed, generator, number, samples, whole
from ..core.interrupts import call_and
from ..core.pickles import Sealed
from .bad_samples import naming_samples
from .objectives import Objective, objective_of
from .on_graphs import GraphLearner, Learner, OptimizerLike, check_learnt, score
from .on_tapes import TapeLearner
from .own_losses import OwnLossLearner
from .progress import Report, shown
from .replaying import Unfit

# -- what comes out -------------------------------------------------------------------------


class Score(NamedTuple):
    """Loss and accuracy over a set; the accuracy is None where the loss has none."""

    loss: float
    accuracy: float | None


@dataclass(eq=False, repr=False)
class History(Sealed):
    """How learning went.

    `steps` has the loss of each mini-batch. The other lists have a number for each finished epoch:
    `loss` and `accuracy` are over the samples as they were learnt from, with the parameters of
    that moment; `validation_loss` and `validation_accuracy` come after the epoch. A list stays
    empty where there is nothing to say. `steps_per_epoch` tells where a finished epoch ends among
    the steps, also when the last one was broken off; where it is 0, the steps are shared out.
    `is_replayed` tells whether the steps were replayed in native code, to the end: see `fit`;
    `why_not_replayed` says what was in the way.
    """

    steps: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    is_interrupted: bool = False
    is_replayed: bool = False
    steps_per_epoch: int = 0
    why_not_replayed: str = ""

    def __post_init__(self) -> None:
        for name in ("steps", "loss", "accuracy", "validation_loss", "validation_accuracy"):
            column = getattr(self, name)
            if not isinstance(column, list):
                must, remedy = f"{name} must be a list of numbers", "pass e.g. [1.0, 0.5]"
                raise errors.OperandError(errors.unwanted("History", must, column, remedy))
            for x in column:
                number("History", f"each number of {name}", x)
        number("History", "seconds", self.seconds)
        whole("History", "steps_per_epoch", self.steps_per_epoch, 0)

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

    def _repr_html_(self) -> str:
        """Return first and last numbers and small curves, as a notebook shows them."""
        words = ", ".join([*self._counts(), *self._notes()])
        rows = [
            (name, f"{numbers[0]:.4g}", f"{numbers[-1]:.4g}", markup.curve(numbers))
            if len(numbers) > 1
            else (name, "", f"{numbers[0]:.4g}", "")  # of one number there is no curve
            for name, numbers in self._measured(steps=self.epochs < 2)
        ]
        head = ("", "first", "last", "")
        return markup.html(markup.paragraph(words), markup.table(head, rows) if rows else "")

    def _counts(self) -> list[str]:
        return [
            f"{number} {what}{'s' * (number != 1)}"
            for number, what in ((self.epochs, "epoch"), (len(self.steps), "step"))
        ]

    def _measured(self, *, steps: bool = False) -> Iterator[tuple[str, list[float]]]:
        """Yield what was measured; the loss of each step where there are few epochs."""
        if steps and len(self.steps) > self.epochs:
            yield "loss of each step", self.steps
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            if numbers := getattr(self, name):
                yield name.replace("_", " "), numbers

    def _notes(self) -> list[str]:
        notes = ["replayed"] * self.is_replayed
        if self.why_not_replayed:
            notes.append(f"not replayed: {self.why_not_replayed}")
        return notes + ["interrupted"] * self.is_interrupted

    def __repr__(self) -> str:
        measured = [
            f"{name} {xs[0]:.4g}" + f" -> {xs[-1]:.4g}" * (len(xs) > 1)
            for name, xs in self._measured()
        ]
        parts = [*self._counts(), *measured, *self._notes()]
        return f"History({', '.join(parts)})"


# -- the loop -------------------------------------------------------------------------------


def fit(
    model: Callable[[Any], Any],
    inputs: Iterable[Any],
    targets: Iterable[Any] | None = None,
    *,
    loss: str | Callable[[list[Any], list[Any]], Any],
    optimizer: OptimizerLike,
    epochs: int = 1,
    batch_size: int | None = 32,
    seed: Seed = 0,
    validation: tuple[Iterable[Any], Iterable[Any]] | Iterable[Any] | None = None,
    progress: bool | None = None,
    is_correct: Callable[[Any, Any], bool] | None = None,
    after_epoch: Callable[[History], bool | None] | None = None,
    compile: bool | None = None,
) -> History:
    """Learn from shuffled mini-batches and return how it went.

    Inputs and targets are lists, arrays, series, tables, or iterators, which are read to their end.
    Without targets, `inputs` are pairs (input, target): a list, `zip(xs, ts)`, or a loader's
    `dataset`, whose batches are made here.

    `loss` is "cross_entropy" (two or more scores a sample, target a class or probabilities),
    "binary_cross_entropy" (one logit, target 0 or 1), "hinge" (one score, label -1 or 1), "mse",
    "mae", or a function of the lists of outputs and targets of a batch. `is_correct(output,
    target)` says what accuracy counts where the loss has no such notion. `batch_size=None` takes
    all samples at once. `validation` is a pair (inputs, targets), or like `inputs` without
    targets. `progress=None` shows a bar in a notebook, and on a terminal where tqdm is installed.
    `after_epoch(history)` runs after each epoch; learning ends where what it returns is true.

    Where it can, `fit` records what one sample does and replays it over each batch in native code,
    which is much faster; last digits may differ. It can with NumPy, for samples of one shape, and a
    model that does the same for every sample and step, but for its comparisons; some samples of
    each epoch are compared with what the model itself gives. A loss of your own is called with the
    outputs of each batch, whatever it does.
    `compile=False` builds the graph of each batch, `compile=True` refuses what cannot be replayed;
    `history.is_replayed` tells which it was, `history.why_not_replayed` the reason.

    An interrupt (Ctrl-C) ends learning too: the history of what was reached is returned, with
    `is_interrupted` set; the model has all steps of it, and perhaps a part of the next.

    Raises: `FloatingPointError` at a loss that is not finite, before it reaches a parameter;
    `RuntimeError` inside `no_grad`; `ValueError`, `TypeError` for unfit arguments; `ImportError`
    for `progress=True` outside a notebook without tqdm.

    >>> from scalargrad import datasets, nn, optim
    >>> inputs, targets = datasets.xor()
    >>> model = nn.Sequential(nn.Affine(2, 8, seed=1), nn.Tanh(), nn.Affine(8, 2, seed=2))
    >>> history = fit(model, inputs, targets, loss="cross_entropy", epochs=100, progress=False,
    ...               optimizer=optim.Adam(model.parameters(), lr=0.1))
    >>> history.epochs, history.accuracy[-1]
    (100, 1.0)
    """
    objective = objective_of("fit", loss, is_correct)
    _check_model("fit", model)
    if not isinstance(optimizer, OptimizerLike) or isinstance(optimizer, type):
        raise errors.OperandError(
            errors.unwanted(
                "fit",
                "optimizer must have the methods zero_grad and step",
                optimizer,
                "pass e.g. optim.SGD(model.parameters(), lr=0.1)",
            )
        )
    if compile not in (None, False, True):
        raise errors.InputError(
            errors.unwanted("fit", "compile must be True, False or None", compile, "leave it out")
        )
    xs, ts = samples("fit", inputs, targets)
    if isinstance(loss, str):  # one of one's own may have parameters too
        check_learnt(model, optimizer)
    held = None
    if validation is not None:
        held = samples("fit (validation)", *_both(validation))
    size = len(xs) if batch_size is None else whole("fit", "batch_size", batch_size)
    epochs, many = whole("fit", "epochs", epochs), math.ceil(len(xs) / size)
    history, draw = History(steps_per_epoch=many), generator("fit", seed)
    start = time.perf_counter()
    with naming_samples("fit", xs, ts):
        course = _Course(model, xs, ts, objective, optimizer, compile=compile)

    def learn() -> None:
        try:
            with shown(progress, epochs * many) as report:
                for _ in range(epochs):
                    batches = _batches(len(xs), size, draw)
                    with naming_samples("fit", xs, ts):
                        _learn(course, batches, objective, history, report)
                    if held is not None:
                        with naming_samples("fit (validation)", *held):
                            score = course.score(*held, objective)
                        _note(score, history.validation_loss, history.validation_accuracy)
                    course.learner.settle()
                    if after_epoch is not None and after_epoch(history):
                        break
                    if after_epoch is not None:
                        course.renew()
        except KeyboardInterrupt:
            history.is_interrupted = True

    call_and(lambda: course.learner.settle(), learn)  # of the learner that it has by then
    history.seconds = time.perf_counter() - start
    history.is_replayed = not isinstance(course.learner, GraphLearner)
    history.why_not_replayed = course.why_not
    return history


def evaluate(
    model: Callable[[Any], Any],
    inputs: Iterable[Any],
    targets: Iterable[Any] | None = None,
    *,
    loss: str | Callable[[list[Any], list[Any]], Any],
    is_correct: Callable[[Any, Any], bool] | None = None,
) -> Score:
    """Return loss and accuracy of a model, without recording a graph; arguments as in `fit`.

    Each sample is computed in Python, even where `fit` replays: for a large set the `validation` of
    `fit`, or a compiled function, takes a fraction of the time.

    >>> evaluate(lambda x: x, [[0.0, 1.0], [2.0, 0.0]], [1, 1], loss="cross_entropy").accuracy
    0.5
    """
    _check_model("evaluate", model)
    xs, ts = samples("evaluate", inputs, targets)
    objective = objective_of("evaluate", loss, is_correct)
    with naming_samples("evaluate", xs, ts):
        mean_loss, correct = score(model, xs, ts, objective)
    return Score(mean_loss, correct / len(xs) if objective.is_correct else None)


#: what cannot be replayed; any other error is a fault of our own, and is not to be hidden
_REFUSALS = (Unfit, errors.ScalargradError)


class _Course:
    """One run of `fit`: on tapes where that can be, else on graphs."""

    def __init__(self, *what: Any, compile: bool | None) -> None:
        self._what = what
        self._may_fall_back = compile is None
        self.why_not = "compile=False" if compile is False else ""
        self.learner: Learner = self._on_tapes() if compile is not False else GraphLearner(*what)

    def _on_tapes(self) -> Learner:
        if modes.anomaly() or not modes.current().recording:  # graphs raise the errors
            self.why_not = f"inside {'detect_anomaly' if modes.anomaly() else 'no_grad'}"
            return GraphLearner(*self._what)
        *_, objective, _ = self._what
        kind = OwnLossLearner if objective.batched is None else TapeLearner
        try:
            return kind(*self._what)
        except _REFUSALS as refusal:
            return self._on_graphs(refusal)

    def _on_graphs(self, refusal: Exception) -> Learner:
        """Go on with graphs, and keep the reason."""
        if not self._may_fall_back:
            if not isinstance(refusal, Unfit):
                raise refusal
            if refusal.__cause__ is not None:  # of the model
                raise refusal.__cause__
            raise errors.StateError(
                "fit: compile=True wants a step that can be replayed; got one that cannot,"
                f" {refusal}; leave it out"
            ) from None
        self.why_not = str(refusal)
        return GraphLearner(*self._what)

    def renew(self) -> None:
        """Record anew: the model may be another one since."""
        if not isinstance(self.learner, GraphLearner):
            self.learner = self._on_tapes()

    def step(self, indices: Sequence[int], where: str) -> tuple[float, int]:
        """Take a step; where a tape cannot, nothing has changed and a graph does."""
        if not isinstance(self.learner, GraphLearner):
            try:
                return self.learner.step(indices, where)
            except errors.NonFiniteError:
                raise
            except _REFUSALS as refusal:
                self.learner.settle()
                self.learner = self._on_graphs(refusal)
        return self.learner.step(indices, where)

    def score(self, inputs: Any, targets: Any, objective: Objective) -> Score:
        """Score a set; where a tape cannot, the model itself is called for each sample."""
        try:
            loss, correct = self.learner.score(inputs, targets)
        except _REFUSALS as refusal:
            if isinstance(self.learner, GraphLearner):
                raise
            if not self._may_fall_back:
                self._on_graphs(refusal)  # raises
            self.learner.settle()
            loss, correct = GraphLearner(*self._what).score(inputs, targets)
        return Score(loss, correct / len(inputs) if objective.is_correct else None)


def _learn(
    course: _Course,
    batches: Iterator[list[int]],
    objective: Objective,
    history: History,
    report: Report,
) -> None:
    """Take one epoch's steps."""
    seen, lost, correct = 0, 0.0, 0
    for indices in batches:
        where = f"at step {len(history.steps) + 1}, in epoch {history.epochs + 1}"
        loss, right = course.step(indices, where)
        history.steps.append(loss)
        seen += len(indices)
        lost += loss * len(indices)
        correct += right
        report(history)
    accuracy = correct / seen if objective.is_correct else None
    _note(Score(lost / seen, accuracy), history.loss, history.accuracy)


def _note(score: Score, loss: list[float], accuracy: list[float]) -> None:
    loss.append(score.loss)
    if score.accuracy is not None:
        accuracy.append(score.accuracy)


def _batches(count: int, size: int, draw: Any) -> Iterator[list[int]]:
    indices = list(range(count))
    draw.shuffle(indices)
    for first in range(0, count, size):
        yield indices[first : first + size]


def _check_model(who: str, model: Any) -> None:
    if not callable(model):
        raise errors.OperandError(
            errors.unwanted(who, "model must be callable", model, "pass a Module or a function")
        )


def _both(validation: Any) -> tuple[Any, ...]:
    """Return inputs and targets; or pairs of them alone, which are no list of two things."""
    if not isinstance(validation, (tuple, list)):
        return (validation,)
    pairs = [isinstance(part, tuple) and len(part) == 2 for part in validation]
    if len(validation) == 2 and not (isinstance(validation, list) and all(pairs)):
        return tuple(validation)
    if not all(pairs) or len(validation) == 2:
        raise errors.OperandError(
            errors.unwanted(
                "fit", "validation must be a pair", validation, "pass (inputs, targets)"
            )
        )
    return (validation,)
