"""The block of costs: what the machine and Python read, and what measures each of them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from replays import COSTS, KINDS

if not KINDS:
    pytest.skip("the machine was not built", allow_module_level=True)


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the benchmark."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    yield importlib.import_module("costs")
    del sys.modules["costs"]


def test_the_machine_has_the_numbers_of_the_block(costs: Any) -> None:
    assert {name: int(number) for name, (_, number) in costs.block().items()} == COSTS


def test_the_benchmark_measures_each_of_them(costs: Any) -> None:
    measured = [*costs.COSTS, "VECTOR_POINTS", *costs.LIMITS]
    assert sorted(measured) == sorted(COSTS)
    assert set(costs.READ) <= set(costs.LIMITS)


def test_a_limit_is_tried_with_other_numbers_than_its_own(costs: Any) -> None:
    assert not [name for name, (numbers, _) in costs.LIMITS.items() if COSTS[name] in numbers]
