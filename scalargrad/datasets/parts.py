"""Samples divided into those to learn from and those to test with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from .. import errors
from ..core.arguments import Seed, generator, number, samples

Samples: TypeAlias = tuple[list[Any], list[Any]]


def split(
    inputs: Iterable[Any], targets: Iterable[Any] | None = None, test: float = 0.2, seed: Seed = 0
) -> tuple[Samples, Samples]:
    """Shuffle samples and divide them: (inputs, targets) to learn from, (inputs, targets) to test.

    Without targets, `inputs` are pairs (input, target).

    Raises: `TypeError` for what has no positions, `ValueError` where lengths differ, `test` is not
    between 0 and 1 or a part is empty.

    >>> split([1, 2, 3, 4, 5], ["a", "b", "c", "d", "e"])
    (([2, 1, 5, 4], ['b', 'a', 'e', 'd']), ([3], ['c']))
    """
    xs, ts = samples("split", inputs, targets)
    tested = round(len(xs) * part) if 0.0 < (part := number("split", "test", test)) < 1.0 else 0
    if not 0 < tested < len(xs):
        raise errors.InputError(
            errors.unwanted(
                "split",
                f"test must leave both parts of the {len(xs)} samples something",
                test,
                "pass e.g. 0.5" if len(xs) > 1 else "pass more samples",
            )
        )
    indices = list(range(len(xs)))
    generator("split", seed).shuffle(indices)
    learnt, held = indices[tested:], indices[:tested]
    return (
        ([xs[i] for i in learnt], [ts[i] for i in learnt]),
        ([xs[i] for i in held], [ts[i] for i in held]),
    )
