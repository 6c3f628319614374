"""Many threads at once, changing places as often as Python lets them; one with a small stack."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


def run_on_small_stack(work: Callable[[], None]) -> None:
    """Run `work` where twenty thousand calls in each other end in a crash.

    The stack is a mebibyte; that leaves 52 bytes for each call, less than a frame of C takes.
    """
    usual = threading.stack_size(1 << 20)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()
    finally:
        threading.stack_size(usual)
