"""Data to learn from: drawn by a seed, shipped with the package, or MNIST from a folder."""

from __future__ import annotations

from collections.abc import Callable

from .drawn import circles, moons, spirals, xor
from .mnist_files import mnist
from .parts import split
from .shipped import digits, iris

__all__ = ["circles", "digits", "iris", "mnist", "moons", "spirals", "split", "xor"]
__dir__: Callable[[], list[str]] = __all__.copy
