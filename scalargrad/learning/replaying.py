"""What `fit` replays: functions of one sample, and samples as the lanes of a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .. import errors
from .._engine import machine
from ..core.source_lines import raised_here
from ..tape.compiled import Compiled
from ..tape.flattening import listed
from ..tape.lane_arguments import Lanes, lanes_of
from ..tape.paths import Collected, Path, Paths

#: a model that takes more ways than that through its comparisons learns on graphs
MOST_PATHS = 256

#: so many samples of an epoch's first batch are compared with what the model itself gives
CHECKED = 2


class Unfit(Exception):  # noqa: N818 - no error of the user's
    """What can be learnt on graphs only, and why."""


def own_errors_are_unfit(model: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of one sample, whose own errors, called with Values, say it is unfit."""

    def sample(*arguments: Any) -> Any:
        try:
            return model(*arguments)
        except Exception as error:
            if isinstance(error, errors.ScalargradError | MemoryError) or raised_here(error):
                raise
            what = f"{type(error).__name__} ({error})"  # as a list has no .mean, say
            raise Unfit(f"called with Values, the model raises {what}") from error

    sample.__name__ = "fit"
    return sample


def check_machine() -> None:
    """Refuse to learn on tapes where nothing runs them fast."""
    if machine() is None:
        raise Unfit("the machine was not built")


def taken(
    function: Compiled[..., Any], depths: Iterable[int], arrays: Sequence[Any]
) -> tuple[Paths, Lanes]:
    """Return the paths and the lanes of arrays of samples: to the model, as many axes are lists."""
    structures, lanes = lanes_of("fit", arrays)
    return function._paths_of(tuple(map(listed, structures, depths))), lanes


class Settled(Compiled[..., Any]):
    """A function that is traced with Values which have the numbers of the block."""

    _many_paths = "leave compile=True out"

    def __init__(self, function: Callable[..., Any], settle: Callable[[], None]) -> None:
        super().__init__(function, "strict", 1, MOST_PATHS)
        self._settle = settle

    def _trace(self, *what: Any) -> Path:
        self._settle()
        return super()._trace(*what)


def check_solved(batch: Collected) -> None:
    """Raise what a sample without a solution raised: from it nothing is learnt."""
    for error in batch.unsolved.values():
        raise error


def samples_array(things: Any) -> Any:
    """Return samples as an array of numbers.

    Raises: `Unfit` where they are none, or not all of one shape.
    """
    try:
        import numpy
    except ImportError:
        raise Unfit("NumPy is not installed") from None
    try:
        array = numpy.asarray(things)
    except (ValueError, TypeError):
        raise Unfit("the samples are not of one shape") from None
    if array.dtype.kind == "O" and all(isinstance(x, _plain(numpy)) for x in array.flat):
        array = array.astype(float)  # a table whose columns are of several kinds
    if array.dtype.kind == "b":
        array = array.astype(numpy.int64)
    if array.dtype.kind not in "fiu":
        raise Unfit("the samples are no plain numbers")
    return array


def lists_in(samples: Any) -> int:
    """Return how many axes of a sample are lists in lists."""
    depth, thing = 0, samples[0] if len(samples) else None
    while isinstance(thing, (list, tuple)):
        depth, thing = depth + 1, thing[0] if thing else None
    return depth


def _plain(numpy: Any) -> tuple[type, ...]:
    return int, float, numpy.integer, numpy.floating, numpy.bool_
