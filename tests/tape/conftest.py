"""Every plan that these tests make is verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scalargrad.tape.machine import Machine

_planned = Machine.planned


def _verified(*arguments: Any, **named: Any) -> Any:
    """Plan, and read the plan as the machine would run it: nothing before it is written."""
    plan = _planned(*arguments, **named)
    assert plan is None or plan.verify() == ""
    return plan


@pytest.fixture(autouse=True, scope="session")
def verified_plans() -> Iterator[None]:
    """Let every plan be verified."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Machine, "planned", _verified)
        yield
