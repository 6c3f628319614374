"""Chooses and names the engine."""

from __future__ import annotations

import os
import sys

from . import copying
from ._python import Value
from .errors import EngineError, unwanted

__all__ = ["Value", "engine"]


def _choose(wanted: str) -> str:
    """Return the name of the engine to use.

    Raises: `EngineError` where `SCALARGRAD_ENGINE` names none, or one that is not there.
    """
    if wanted not in ("", "python", "native"):
        raise EngineError(
            unwanted("SCALARGRAD_ENGINE", "must be python or native", wanted, "correct or unset it")
        )
    if wanted == "native":
        raise EngineError(
            unwanted("SCALARGRAD_ENGINE", "this build has only the engine python", wanted,
                     "unset it")
        )  # fmt: skip
    return "python"


def _is_command_line() -> bool:
    """Tell whether Python was started as the program `scalargrad`."""
    arguments = sys.orig_argv
    program = os.path.basename(sys.argv[0]) if sys.argv else ""
    return program in ("scalargrad", "scalargrad.exe", "scalargrad-script.py") or (
        "-m" in arguments and arguments[arguments.index("-m") + 1 :][:1] == ["scalargrad"]
    )


try:
    #: the engine in use, "python" or "native"
    engine = _choose(os.environ.get("SCALARGRAD_ENGINE", ""))
except EngineError as error:
    if _is_command_line():  # it imports the package before it can catch anything
        print(f"scalargrad: {error}", file=sys.stderr)
        sys.exit(2)
    raise

copying.chosen["Value"] = Value
