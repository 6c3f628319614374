"""JSON as the standard has it: what Python's reader takes beyond that, or drops, is refused."""

from __future__ import annotations

import json
import math
from typing import Any


def read_json(content: bytes) -> Any:
    """Return what a text of JSON holds.

    Raises: `ValueError` naming the reason: no JSON, NaN and Infinity, a number beyond a double, a
    key that stands twice, a nesting too deep for Python.

    >>> read_json(b'{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_int=_int,
            parse_float=_float,
            parse_constant=_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON from line {error.lineno}, column {error.colno} on") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for key, held in pairs:
        if key in entries:
            raise ValueError(f"the key {key[:60]!r} stands twice")
        entries[key] = held
    return entries


def _int(text: str) -> int:
    if len(text) > 400:  # Python counts no further than to 4,300 digits
        raise ValueError(f"{text[:40]}... is beyond a double")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:60]} is beyond a double")
    return number


def _constant(text: str) -> float:
    raise ValueError(f"JSON has no {text}")
