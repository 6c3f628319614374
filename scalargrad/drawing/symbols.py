"""The texts of a picture in symbols: expressions forward, the chain rule so far backward."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, unwanted
from ..graph import Constant, Flow, Use
from .numbers import Numbers
from .scene import Labels, Wording


def read_symbols(who: str, symbols: Any) -> str:
    """Return what `symbols=` asks for: nothing, "symbols", "both" or "chain"."""
    known = {True: "symbols", False: "", "both": "both", "chain": "chain"}
    if not isinstance(symbols, (bool, str)) or symbols not in known:
        wanted = 'symbols must be True, "both" or "chain"'
        raise InputError(unwanted(who, wanted, symbols, "pass True"))
    return known[symbols]

class Symbols:
    def __init__(self, numbers, *, loss, chain): pass
class Both:
    pass
