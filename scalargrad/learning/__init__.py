"""Training: fit, on graphs and on tapes, and its objectives."""

from .training import History, evaluate, fit

__all__ = ["History", "evaluate", "fit"]
