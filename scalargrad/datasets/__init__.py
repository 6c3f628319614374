"""Data to learn from: drawn by a seed, shipped with the package, or MNIST from a folder."""

from .drawn import circles, moons, spirals, xor
from .mnist_files import mnist
from .parts import split
from .shipped import digits, iris

__all__ = ["circles", "digits", "iris", "mnist", "moons", "spirals", "split", "xor"]
__dir__ = __all__.copy
