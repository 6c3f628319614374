"""Isotonic regression: the non-decreasing numbers nearest to given ones, in least squares.

Source: M. Ayer, H. D. Brunk, G. M. Ewing, W. T. Reid, E. Silverman, "An empirical distribution
function for sampling with incomplete information", 1955: pool adjacent violators.
"""

from __future__ import annotations

from collections.abc import Iterable


def isotonic(targets: Iterable[float], weights: Iterable[float]) -> list[float]:
    """Return the fitted numbers, in order.

    >>> isotonic([1.0, 4.0, 2.0], [1.0, 1.0, 3.0])
    [1.0, 2.5, 2.5]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for mean, weight in zip(targets, weights, strict=True):
        count = 1
        while blocks and blocks[-1][0] >= mean:
            other, other_weight, other_count = blocks.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight += other_weight
            count += other_count
        blocks.append((mean, weight, count))
    return [mean for mean, _, count in blocks for _ in range(count)]
