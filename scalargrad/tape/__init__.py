"""Record a function once, replay it over whole batches."""

from .compiled import compile

__all__ = ["compile"]
