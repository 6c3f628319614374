"""What the tests of the native engine share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, with the native engine."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program], capture_output=True, text=True,
        cwd=CHECKOUT, env={**os.environ, "SCALARGRAD_ENGINE": "native", **environment},
    )  # fmt: skip


def chain(start: Any, length: int) -> Any:
    """Return what so many additions lead to."""
    for _ in range(length):
        start = start + 1.0
    return start
