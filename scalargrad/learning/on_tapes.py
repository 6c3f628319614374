"""How `fit` takes a step on tapes: what one sample does, replayed over each batch."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .. import errors
from .._engine import Value, machine, move_flat, numbers, set_numbers
from ..core.arithmetic import data_of
from ..core.evaluation import at_once
from ..core.modes import no_grad
from ..core.nesting import each
from ..core.source_lines import raised_here
from ..optim import Optimizer
from ..tape.compiled import Compiled
from ..tape.flattening import columns, listed
from ..tape.lane_arguments import Lanes, lanes_of
from ..tape.lanes_on_paths import run_batch
from ..tape.paths import Collected, Path, Paths, add_sums
from ..tape.replay import BY_CAPTURED, VALUES
from .bad_samples import check_finite
from .objectives import Batched, Objective
from .on_graphs import OptimizerLike, count_correct

#: so many samples of an epoch's first batch are compared with what the model itself gives
CHECKED = 2

#: a model that takes more ways than that through its comparisons learns on graphs
MOST_PATHS = 64


class Unfit(Exception):  # noqa: N818 - no error of the user's
    """What can be learnt on graphs only, and why."""


class TapeLearner:
    """Replays what one sample does over whole batches, on one flat block of parameters."""

    def __init__(
        self, model: Callable[[Any], Any], inputs: Any, targets: Any, objective: Objective,
        optimizer: OptimizerLike,
    ) -> None:  # fmt: skip
        if machine() is None:
            raise Unfit("the machine was not built")
        if objective.batched is None:
            raise Unfit("the loss is a function of one's own, of a whole batch")
        self.objective: Objective = objective
        self.batched: Batched = objective.batched
        self.optimizer: OptimizerLike = optimizer
        compute = objective.compute

        def sample(x: Any, t: Any) -> tuple[Any, Any]:
            try:
                output = model(x)
                return compute([output], [t]), output
            except Exception as error:
                if isinstance(error, errors.ScalargradError | MemoryError) or raised_here(error):
                    raise
                what = f"{type(error).__name__} ({error})"  # as a list has no .mean, say
                raise Unfit(f"called with Values, the model raises {what}") from error

        sample.__name__ = "fit"
        self._block: _Block | None = None
        self._compiled = _Settled(sample, self._write_back)
        self.inputs: Any = _matrix(inputs)
        self.targets: Any = _matrix(targets)
        self._check_targets(self.targets)
        self._paths, self._lanes = self._taken((inputs, targets), (self.inputs, self.targets))
        first = self._paths.first(lambda: self._lanes.lane(0))
        self._block = _Block.of(optimizer, first)
        self._samples, self._sample = (inputs, targets), sample
        self._is_checked = False

    def _write_back(self) -> None:
        if self._block is not None:
            self._block.settle()

    def _taken(self, samples: Sequence[Any], arrays: Sequence[Any]) -> tuple[Paths, Lanes]:
        """Return the paths and the lanes of samples: lists are lists to the model."""
        structures, lanes = lanes_of("fit", arrays)
        depths = map(_lists_in, samples)
        kept = tuple(map(listed, structures, depths))
        return self._compiled._paths_of(kept), lanes

    def _reader(self) -> Callable[[Path], Any]:
        """Return what reads the parameters of a path, as they are now."""
        if self._block is None:
            return Path.read
        self._block.refresh()
        return self._block.read

    def _check_targets(self, targets: Any) -> None:
        if not self.batched.are_targets(targets):
            raise Unfit(
                f"the targets are not what its loss wants, {self.batched.expected}, but"
                f" {targets.dtype} of the shape {targets.shape}"
            )

    def step(self, indices: Sequence[int], where: str) -> tuple[float, int]:
        """Take a step."""
        numpy = sys.modules["numpy"]
        rows = numpy.array(indices, numpy.int64)
        lanes = self._lanes.at(rows)
        block = self._block
        batch = run_batch(self._paths, lanes, BY_CAPTURED, 1.0 / len(indices), 1, self._reader())
        _check_solved(batch)
        loss = self._paths.known[0].runner.total(batch.values[:, 0].copy()) / len(indices)
        check_finite(loss, where, *self._samples)
        if not self._is_checked:
            self._check(indices, batch.values[:, 0])
        if block is None or not all(block.holds(path) for path, _ in batch.captured):
            self.settle()
            self._block = None
            self.optimizer.zero_grad()
            add_sums(batch.captured)
            self.optimizer.step()
        else:
            block.move(batch.captured)
        return loss, self._correct(batch, self.targets[rows])

    def _check(self, indices: Sequence[int], losses: Any) -> None:
        """Call the model as a graph would: it may ask what a sample is, or be random at times.

        Raises: `Unfit` where it gives another loss.
        """
        inputs, targets = self._samples
        for index, loss in zip(indices[:CHECKED], losses.tolist(), strict=False):
            eager, _ = no_grad().call(self._sample, inputs[index], targets[index])
            number = float(data_of(eager))
            if abs(number - loss) > 1e-6 * max(1.0, abs(loss)):
                raise Unfit(f"sample {index} has the loss {loss:.6g} there, by itself {number:.6g}")
        self._is_checked = True

    def _correct(self, batch: Any, targets: Any) -> int:
        if self.objective.is_correct is None:
            return 0
        if self.batched.correct is not None:
            return int(self.batched.correct(batch.values[:, 1:], targets).sum())
        _, outputs = columns(batch.structure, batch.values)
        values = [each(output, lambda x: Value(float(x))) for output in outputs]
        return count_correct(self.objective, values, targets.tolist())

    def score(self, inputs: Any, targets: Any) -> tuple[float, int]:
        """Score a set."""
        samples = inputs, targets
        inputs, targets = _matrix(inputs), _matrix(targets)
        self._check_targets(targets)
        paths, lanes = self._taken(samples, (inputs, targets))
        batch = run_batch(paths, lanes, VALUES, 1.0, 1, self._reader())
        _check_solved(batch)
        total = paths.known[0].runner.total(batch.values[:, 0].copy())
        return total / len(inputs), self._correct(batch, targets)

    def settle(self) -> None:
        """Let the Values of the model have the numbers that were learnt."""
        self._write_back()
        self._is_checked = False  # what comes next may have changed the model


class _Settled(Compiled[..., Any]):
    """A function that is traced with Values which have the numbers of the block."""

    _many_paths = "leave compile=True out"

    def __init__(self, function: Callable[..., Any], settle: Callable[[], None]) -> None:
        super().__init__(function, "strict", 1, MOST_PATHS)
        self._settle = settle

    def _trace(self, *what: Any) -> Path:
        self._settle()
        return super()._trace(*what)


def _check_solved(batch: Collected) -> None:
    """Raise what a sample without a solution raised: from it nothing is learnt."""
    for error in batch.unsolved.values():
        raise error


def _matrix(things: Any) -> Any:
    """Return samples as an array of numbers.

    Raises: `Unfit` where they are none, or not all of one shape.
    """
    try:
        import numpy
    except ImportError:
        raise Unfit("NumPy is not installed") from None
    try:
        matrix = numpy.asarray(things)
    except (ValueError, TypeError):
        raise Unfit("the samples are not of one shape") from None
    if matrix.dtype.kind == "O" and all(isinstance(x, _plain(numpy)) for x in matrix.flat):
        matrix = matrix.astype(float)  # a table whose columns are of several kinds
    if matrix.dtype.kind == "b":
        matrix = matrix.astype(numpy.int64)
    if matrix.dtype.kind not in "fiu":
        raise Unfit("the samples are no plain numbers")
    return matrix


def _lists_in(samples: Any) -> int:
    """Return how many axes of a sample are lists in lists."""
    depth, thing = 0, samples[0] if len(samples) else None
    while isinstance(thing, (list, tuple)):
        depth, thing = depth + 1, thing[0] if thing else None
    return depth


def _plain(numpy: Any) -> tuple[type, ...]:
    return int, float, numpy.integer, numpy.floating, numpy.bool_


class _Block:
    """The parameters of an optimiser, and what it keeps of them, as flat blocks of doubles.

    They stand in the order in which a path captures them, so that it reads them where they are.
    """

    def __init__(self, optimizer: Optimizer, path: Path) -> None:
        self.optimizer = optimizer
        indices = {id(value): index for index, value in enumerate(optimizer.parameters)}
        captured = [indices.pop(id(value)) for value in path.captured if id(value) in indices]
        self._order = [*captured, *indices.values()]
        self.values = tuple(optimizer.parameters[index] for index in self._order)
        self._indices = {id(value): index for index, value in enumerate(self.values)}
        self._maps: dict[int, Any] = {}
        self.gradients: Any = array("d", bytes(8 * len(self.values)))
        self._is_ahead = False  # of the Values, and of what the optimiser has

    @staticmethod
    def of(optimizer: OptimizerLike, path: Path) -> _Block | None:
        """Return the block of an optimiser, where its parameters are what a path captures."""
        own = {"step", "zero_grad"} & {*getattr(optimizer, "__dict__", ())}
        if not isinstance(optimizer, Optimizer) or own:
            return None
        if type(optimizer).step is not Optimizer.step:
            return None
        if type(optimizer).zero_grad is not Optimizer.zero_grad:
            return None
        rate = optimizer._rate
        if callable(rate) and getattr(rate, "__module__", "") != Optimizer.__module__:
            return None  # a schedule of one's own may look at the parameters
        block = _Block(optimizer, path)
        return block if block.holds(path) else None

    def holds(self, path: Path) -> bool:
        """Tell whether all that a path captures are parameters of the optimiser."""
        if id(path) not in self._maps:
            self._maps[id(path)] = self._map(path)
        return self._maps[id(path)] is not None

    def _map(self, path: Path) -> Any:
        indices = [self._indices.get(id(value)) for value in path.captured]
        if None in indices:
            return None
        if indices == list(range(len(indices))):
            return slice(len(indices))
        return sys.modules["numpy"].array(indices, "int64")

    def read(self, path: Path) -> Any:
        """Return the numbers of what a path captures."""
        if not self.holds(path):
            self.settle()
            return path.read()
        return sys.modules["numpy"].asarray(self.numbers)[self._maps[id(path)]]

    def move(self, parts: Sequence[tuple[Path, Any]]) -> None:
        """Take one step of the optimiser."""
        optimizer = self.optimizer
        settings = optimizer._settings(optimizer.lr, optimizer.steps + 1)
        gradients = self._collected(parts)
        rule_and_blocks = optimizer._rule, self.numbers, gradients, self._kept, settings
        moved = {"_is_ahead": True, "gradients": gradients}
        at_once(
            (move_flat, rule_and_blocks),
            (vars(optimizer).update, ({"steps": optimizer.steps + 1},)),
            (vars(self).update, (moved,)),
        )

    def _collected(self, parts: Sequence[tuple[Path, Any]]) -> Any:
        (path, sums), *others = parts
        if not others and self._maps[id(path)] == slice(len(self.values)):
            return sums
        gradients = sys.modules["numpy"].zeros(len(self.values))
        for path, sums in parts:
            gradients[self._maps[id(path)]] += sums
        return gradients

    def refresh(self) -> None:
        """Read the numbers of the Values, and what the optimiser keeps, where it is not ahead."""
        if self._is_ahead:
            return
        self.numbers = array("d", bytes(numbers(self.values)))
        self._kept = [
            array("d", [column[index] for index in self._order]) for column in self.optimizer._kept
        ]

    def settle(self) -> None:
        """Write numbers and gradients to the Values, and to the optimiser what it keeps."""
        if not self._is_ahead:
            return
        set_numbers(self.values, self.numbers)
        for value, grad in zip(self.values, self.gradients.tolist(), strict=True):
            value.grad = grad
        for column, kept in zip(self.optimizer._kept, self._kept, strict=True):
            for index, number in zip(self._order, kept, strict=True):
                column[index] = number
        self._is_ahead = False  # at last: what is interrupted is done anew
