"""Rows of the table that are wrong on purpose."""

from __future__ import annotations

from typing import Any


def changed(row: Any, **columns: Any) -> Any:
    """Return a row with some columns different."""
    kept = {name: getattr(row, name) for name in type(row).__annotations__}
    return type(row)(**kept | columns)
