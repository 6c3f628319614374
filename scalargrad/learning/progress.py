"""What shows how far `fit` is: a bar of tqdm on a terminal, a display that moves in a notebook."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import errors
from ..core.markup import bar, html

#: seconds between two pictures of a bar in a notebook, each of which is sent to the page
PAUSE = 0.1

#: is called after each step, with the history
Report = Callable[[Any], None]


@contextmanager
def shown(progress: bool | None, total: int) -> Iterator[Report]:
    """Give a function that is called after each step, and may show a bar."""
    if progress is not False and (display := _notebook()) is not None:
        yield from _in_notebook(display, total)
    elif (tqdm := _tqdm(progress)) is not None:
        yield from _on_terminal(tqdm, total)
    else:
        yield lambda history: None


def _on_terminal(tqdm: Any, total: int) -> Iterator[Report]:
    with tqdm(total=total, unit="step", desc="fit") as line:

        def report(history: Any) -> None:
            line.set_postfix_str(_words(history), False)
            line.update()

        yield report


def _in_notebook(display: Any, total: int) -> Iterator[Report]:
    """Show one display, which is written anew: a stored notebook has its last state alone."""
    start = last = time.monotonic()
    known: Any = None

    def bundle() -> dict[str, str]:
        steps = len(known.steps) if known is not None else 0
        text = f"fit: {steps} of {total} steps, {time.monotonic() - start:.1f} s"
        text += f", {_words(known)}" if steps else ""
        return {"text/html": html(bar(steps / total, text)), "text/plain": text}

    def report(history: Any) -> None:
        nonlocal known, last
        known = history
        if time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            handle.update(bundle(), raw=True)

    handle = display(bundle(), raw=True, display_id=True)
    try:
        yield report
    finally:
        handle.update(bundle(), raw=True)


def _words(history: Any) -> str:
    steps = history.steps
    return f"epoch {(len(steps) - 1) // history.steps_per_epoch + 1}, loss {steps[-1]:.4g}"


def _notebook() -> Any:
    """Return IPython's `display` where it shows more than text: in a notebook, say."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    publisher = type(getattr(shell, "display_pub", None)).__module__
    if shell is None or publisher == "IPython.core.displaypub":  # of a terminal
        return None
    from IPython.display import display

    return display


def _tqdm(progress: bool | None) -> Any:
    """Return the class of the bar, or None where none is wanted or to be had."""
    if progress or (progress is None and sys.stderr is not None and sys.stderr.isatty()):
        try:
            from tqdm import tqdm
        except ImportError:
            if progress:
                raise errors.missing_extra("fit", "tqdm", "progress") from None
        else:
            return tqdm
    return None
