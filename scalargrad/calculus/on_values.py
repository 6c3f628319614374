"""What the formulas of rows call when they run on Values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..core import tracer
from ..core.arithmetic import is_value
from ..functions import elementary
from ..table import ops
from ..table.row import ROWS, ManyRow

#: what is no row, but called by formulas on Values
_WORDS = ("divide", "label", "plain", "still")


class _OnValues(Mapping[str, Callable[..., Any]]):
    """What the formulas of rows call when they run on Values."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name == "divide":
            return lambda x, y: elementary.apply_binary(ops.DIV, x, y)
        if name == "label":
            return lambda name, value: None
        if name == "plain":
            return lambda x: not is_value(x)
        if name == "still":
            return lambda x: x.detach() if is_value(x) else x
        row = ROWS[name]
        if name in ("max", "min"):  # in formulas only ever a shift that cancels: a plain number
            return lambda xs: _shift(name, list(xs))
        if isinstance(row, ManyRow):
            return lambda xs: elementary.apply_many(row, list(xs))
        if row.arity == 1:
            return lambda x: elementary.apply_unary(row, x)
        return lambda x, y: elementary.apply_binary(row, x, y)

    def __iter__(self) -> Iterator[str]:
        return iter([*_WORDS, *ROWS])

    def __len__(self) -> int:
        return len(ROWS) + len(_WORDS)


def _shift(name: str, xs: list[Any]) -> Any:
    """Return the largest or smallest of some Values and numbers, as what has no derivative."""
    if tracer.is_on():  # a replay must find it anew
        extreme = elementary.max(xs) if name == "max" else elementary.min(xs)
        return extreme.detach() if is_value(extreme) else extreme
    return ROWS[name].value([x if x.__class__ is float else x._data for x in xs])


#: what formulas on Values may call, by name
ON_VALUES = _OnValues()
