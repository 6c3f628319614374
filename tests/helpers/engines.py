"""The engines that are there, for tests that run on each."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from scalargrad.table.row import ManyRow, Row

#: every engine that is there, by the name a test id shows
ENGINES = {"python": "scalargrad._python", "native": "scalargrad._native"}
try:
    importlib.import_module(ENGINES["native"])
except ImportError as reason:  # where CI is set, a test fails for it
    WITHOUT = f"without the native engine, whose tests do not run: {reason}"
    del ENGINES["native"]
else:
    WITHOUT = ""


@functools.cache
def engine_class(name: str) -> type:
    """Return the Value class of one engine."""
    return importlib.import_module(ENGINES[name]).Value


def apply_row(Value: type[Any], row: Row | ManyRow, *operands: Any) -> Any:  # noqa: N803 - a class
    """Return what an engine makes of any row of the table: a node, or several in a list."""
    if isinstance(row, ManyRow):
        return Value._many(row, *operands)
    return (Value._unary if row.arity == 1 else Value._binary)(row, *operands)
