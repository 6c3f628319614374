"""How `fit` takes a step where the loss is a function of one's own, of a whole batch.

The model is replayed, sample by sample; the loss is called with its outputs, as leaves of a graph,
and so may do whatever it likes: couple samples, draw at random, read parameters. What it says of
the gradients of the outputs, a second replay carries on to what the model captured.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .._engine import Value
from ..core.arithmetic import is_value
from ..core.around import Inputs, call_inside
from ..core.modes import no_grad
from ..functions.elementary import dot
from ..tape.flattening import flatten_result
from ..tape.lane_arguments import Lanes
from ..tape.lanes_on_paths import run_batch
from ..tape.paths import Paths, add_sums
from ..tape.replay import BY_CAPTURED, VALUES
from .objectives import Objective
from .on_graphs import OptimizerLike, check_loss, count_correct, learnt_by
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


class OwnLossLearner:
    """Replays the model over a batch; builds the graph of its loss alone."""

    def __init__(
        self, model: Callable[[Any], Any], inputs: Any, targets: Any, objective: Objective,
        optimizer: OptimizerLike,
    ) -> None:  # fmt: skip
        check_machine()
        self.objective: Objective = objective
        self.optimizer: OptimizerLike = optimizer
        self._model = own_errors_are_unfit(model)
        self._outputs = Settled(self._model, _nothing)
        self._pull = Settled(own_errors_are_unfit(self._pulled), _nothing)
        self._samples = inputs, targets
        self._inputs: Any = samples_array(inputs)
        self._lists = lists_in(inputs)
        self._learnt = learnt_by(optimizer)
        self._is_checked = False
        paths, lanes = self._taken(self._inputs[:1])
        paths.first(lambda: lanes.lane(0))  # says at once whether the model can be replayed

    def _pulled(self, x: Any, upstream: Sequence[Any]) -> Any:
        """Return outputs · upstream, whose gradients are those of the loss."""
        _, outputs = flatten_result("fit", "an output", self._model(x), "return numbers")
        return dot(outputs, upstream)

    def _taken(self, inputs: Any) -> tuple[Paths, Lanes]:
        return taken(self._outputs, [self._lists], [inputs])

    def _replayed(self, inputs: Any) -> tuple[list[Any], list[Any]]:
        """Return what the model gives of each sample, on Values, and these in one list."""
        paths, lanes = self._taken(inputs)
        batch = run_batch(paths, lanes, VALUES, 1.0, 1)
        check_solved(batch)
        leaves = list(map(Value, batch.values.ravel().tolist()))
        numbers = iter(leaves)
        return [batch.structure.unflatten(numbers) for _ in range(len(inputs))], leaves

    def step(self, indices: Sequence[int], where: str) -> tuple[float, int]:
        """Take a step."""
        numpy = sys.modules["numpy"]
        rows = self._inputs[numpy.array(indices, numpy.int64)]
        outputs, leaves = self._replayed(rows)
        if not self._is_checked:
            self._check(indices, outputs)
        inputs, all_targets = self._samples
        targets = [all_targets[index] for index in indices]
        learnt = Inputs([*self._learnt.values, *leaves], shared=True)
        loss = call_inside(learnt, self.objective.compute, outputs, targets)
        check_loss(loss, where, inputs, all_targets)
        self.optimizer.zero_grad()
        loss.backward()
        upstream = numpy.array([leaf.grad for leaf in leaves]).reshape(len(rows), -1)
        paths, lanes = taken(self._pull, (self._lists, 1), (rows, upstream))
        batch = run_batch(paths, lanes, BY_CAPTURED, 1.0, 1)
        check_solved(batch)
        add_sums(batch.captured)
        self.optimizer.step()
        return loss.data, count_correct(self.objective, outputs, targets)

    def _check(self, indices: Sequence[int], outputs: Sequence[Any]) -> None:
        """Call the model as a graph would: it may ask what a sample is, or be random at times.

        Raises: `Unfit` where it gives something else.
        """
        for index, output in zip(indices[:CHECKED], outputs, strict=False):
            eager = no_grad().call(self._model, self._samples[0][index])
            for found, wanted in zip(_numbers(output), _numbers(eager), strict=True):
                if not math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-6):
                    raise Unfit(f"sample {index} has {found:.6g} there, by itself {wanted:.6g}")
        self._is_checked = True

    def score(self, inputs: Any, targets: Any) -> tuple[float, int]:
        """Score a set."""
        outputs, _ = self._replayed(samples_array(inputs))
        loss = no_grad().call(self.objective.compute, outputs, list(targets))
        number = loss.data if is_value(loss) else float(loss)
        return number, count_correct(self.objective, outputs, targets)

    def settle(self) -> None:
        """Look at the model again: what comes next may change it. Its Values are up to date."""
        self._is_checked = False


def _nothing() -> None:
    """Settle nothing: the model's Values have the numbers that were learnt."""


def _numbers(output: Any) -> list[float]:
    _, numbers = flatten_result("fit", "an output", output, "return numbers")
    return [number.data if is_value(number) else number for number in numbers]
