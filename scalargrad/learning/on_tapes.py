"""How `fit` takes a step on tapes: what one sample does, replayed over each batch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from .._engine import Value
from ..core.arithmetic import data_of
from ..core.modes import no_grad
from ..core.nesting import each
from ..tape.flattening import columns
from ..tape.lane_arguments import Lanes
from ..tape.lanes_on_paths import run_batch
from ..tape.paths import Path, Paths, add_sums
from ..tape.replay import BY_CAPTURED, VALUES
from .bad_samples import check_finite
from .block import ParameterBlock
from .objectives import Batched, Objective
from .on_graphs import OptimizerLike, count_correct
from .replaying import (
    CHECKED,
    Settled,
    Unfit,
    check_machine,
    check_solved,
    lists_in,
    own_errors_are_unfit,
    samples_array,
    taken,
)  # fmt: skip


class TapeLearner:
    """Replays what one sample does over whole batches, on one flat block of parameters."""

    def __init__(
        self, model: Callable[[Any], Any], inputs: Any, targets: Any, objective: Objective,
        optimizer: OptimizerLike,
    ) -> None:  # fmt: skip
        check_machine()
        assert objective.batched is not None
        self.objective: Objective = objective
        self.batched: Batched = objective.batched
        self.optimizer: OptimizerLike = optimizer
        compute = objective.compute

        @own_errors_are_unfit
        def sample(x: Any, t: Any) -> tuple[Any, Any]:
            output = model(x)
            return compute([output], [t]), output

        self._block: ParameterBlock | None = None
        self._compiled = Settled(sample, self._write_back)
        self.inputs: Any = samples_array(inputs)
        self.targets: Any = samples_array(targets)
        self._check_targets(self.targets)
        self._paths, self._lanes = self._taken((inputs, targets), (self.inputs, self.targets))
        first = self._paths.first(lambda: self._lanes.lane(0))
        self._block = ParameterBlock.of(optimizer, first)
        self._samples, self._sample = (inputs, targets), sample
        self._is_checked = False

    def _write_back(self) -> None:
        if self._block is not None:
            self._block.settle()

    def _taken(self, samples: Sequence[Any], arrays: Sequence[Any]) -> tuple[Paths, Lanes]:
        """Return the paths and the lanes of samples: lists are lists to the model."""
        return taken(self._compiled, map(lists_in, samples), arrays)

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
        is_one_path = len(self._paths.known) == 1  # others run side by side, on rows of their own
        lanes = self._lanes.at(rows) if is_one_path else self._lanes.take(rows)
        block = self._block
        batch = run_batch(self._paths, lanes, BY_CAPTURED, 1.0 / len(indices), 1, self._reader())
        check_solved(batch)
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
        inputs, targets = samples_array(inputs), samples_array(targets)
        self._check_targets(targets)
        paths, lanes = self._taken(samples, (inputs, targets))
        batch = run_batch(paths, lanes, VALUES, 1.0, 1, self._reader())
        check_solved(batch)
        total = paths.known[0].runner.total(batch.values[:, 0].copy())
        return total / len(inputs), self._correct(batch, targets)

    def settle(self) -> None:
        """Let the Values of the model have the numbers that were learnt."""
        self._write_back()
        self._is_checked = False  # what comes next may have changed the model
