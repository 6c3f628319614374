"""Idioms of compiled functions: each a computation in several spellings, as people write them.

They were written down before the code that is to make them equally fast. A spelling is a plain
function of Values or numbers; `parts` and `refused` say what `compile` does with it today, and
`tests/tape/test_idioms.py` fails where that is no longer true.
"""

from __future__ import annotations

from . import integers, networks, powers, programs, selects, solving
from .idiom import Idiom

IDIOMS = [
    found
    for module in (integers, selects, powers, solving, networks, programs)
    for found in vars(module).values()
    if isinstance(found, Idiom)
]
