"""The parameters that an optimiser moves, as flat blocks of doubles while tapes are replayed."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from typing import Any

from .._engine import move_flat, numbers, set_numbers
from ..core.evaluation import at_once
from ..optim import Optimizer
from ..tape.paths import Path
from .on_graphs import OptimizerLike


class ParameterBlock:
    """The parameters of an optimiser, and what it keeps of them, as flat blocks of doubles.

    They stand in the order in which a path captures them, so that it reads them where they are.
    """

    def __init__(self, optimizer: Optimizer, path: Path) -> None:
        self.optimizer = optimizer
        indices = {id(value): index for index, value in enumerate(optimizer.parameters)}
        captured = [indices.pop(id(value)) for value in path.captured if id(value) in indices]
        self._order = [*captured, *indices.values()]
        self.values: tuple[Any, ...] = tuple(optimizer.parameters[index] for index in self._order)
        self._indices = {id(value): index for index, value in enumerate(self.values)}
        self._maps: dict[int, Any] = {}
        self.gradients: Any = array("d", bytes(8 * len(self.values)))
        self._is_ahead = False  # of the Values, and of what the optimiser has

    @staticmethod
    def of(optimizer: OptimizerLike, path: Path) -> ParameterBlock | None:
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
        block = ParameterBlock(optimizer, path)
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
        self.numbers: Any = array("d", bytes(numbers(self.values)))
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
