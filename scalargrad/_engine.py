"""Chooses and names the engine."""

from __future__ import annotations

import os

from . import copying
from ._python import Value
from .errors import EngineError, unwanted

_wanted = os.environ.get("SCALARGRAD_ENGINE", "")
if _wanted == "native":
    raise EngineError("SCALARGRAD_ENGINE=native: this build has no native engine; unset it")
if _wanted not in ("", "python"):
    raise EngineError(
        unwanted("SCALARGRAD_ENGINE", "must be python or native", _wanted, "correct or unset it")
    )

__all__ = ["Value", "engine"]

#: the engine in use, "python" or "native"
engine = "python"

copying.chosen["Value"] = Value
