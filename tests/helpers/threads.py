"""Many threads at once, changing places as often as Python lets them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any


def run_in_threads(work: Callable[..., Any], number: int = 8, *, numbered: bool = False) -> None:
    """Run `work` in so many threads, with the number of each if asked for; wait for all."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(target=work, args=(index,) if numbered else ())
            for index in range(number)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
