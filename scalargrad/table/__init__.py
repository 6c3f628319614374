"""The operations, one row each, and what is written from them: Python, C, JavaScript, words."""

from . import ops as ops
from . import optimizers as optimizers
