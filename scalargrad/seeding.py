"""Where random numbers come from: a seed, a generator, or Python's `random` itself."""

from __future__ import annotations

import random
from typing import TypeAlias, cast

from . import errors
from .core.arguments import as_whole

Seed: TypeAlias = int | random.Random | None


def generator(who: str, seed: Seed) -> random.Random:
    """Return a generator for a seed; without one, the shared generator of `random`.

    Raises: `TypeError` for anything but an integer, a `random.Random` or None.

    >>> generator("Neuron", 0).random() == random.Random(0).random()
    True
    """
    if seed is None:
        return cast(random.Random, random)  # the module has the same methods
    if isinstance(seed, random.Random):
        return seed
    if (number := as_whole(seed)) is not None:
        return random.Random(number)
    raise errors.OperandError(
        errors.unwanted(
            who, "seed must be an integer, a random.Random or None", seed, "pass e.g. 0"
        )
    )
