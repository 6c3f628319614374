"""Every pickle carries a version, once; what another version wrote is refused in one sentence."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

from .. import errors
from .version import PICKLE_VERSION, __version__


class Reader:
    """A function that builds what a pickle holds; it is in the pickle with the version of today.

    A pickler writes it where it first meets it and refers to it from then on, so that a million
    leaves carry one version.
    """

    __name__: str
    __wrapped__: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, *fields: Any) -> Any:
        return self.__wrapped__(*fields)  # of a copy

    def __reduce__(self) -> tuple[Any, ...]:
        return find_reader, (PICKLE_VERSION, self.__module__, self.__name__)


def find_reader(version: Any, *path: str) -> Callable[..., Any]:
    """Return the function of a reader.

    Raises: `ValueError` in a pickle of another version.
    """
    if version != PICKLE_VERSION:
        must = f"must have version {PICKLE_VERSION}, that of scalargrad {__version__}"
        raise errors.InputError(
            errors.unwanted("pickle", must, version, "pickle it again with this version")
        )
    module, name = path
    reader: Reader = getattr(importlib.import_module(module), name)
    return reader.__wrapped__
