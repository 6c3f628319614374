"""The door: what counts as a number, a whole number, a list, a seed; numbers become floats."""

from __future__ import annotations

import numbers
import operator
import random
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sized
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, cast

from .. import errors

F = TypeVar("F", bound=Callable[..., Any])

#: where random numbers come from: a seed, a generator, or Python's `random` itself
Seed: TypeAlias = int | random.Random | None


def as_number(value: object, who: str = "Value", what: str = "an operand") -> float | None:
    """Return `value` as an exact float, or None where it is not a real number.

    Raises: `RangeError` (an `OverflowError`) for an integer beyond the range of a double, and
    `OperandError` (a `TypeError`) for a complex number.

    >>> as_number(True), as_number("1")
    (1.0, None)
    """
    if type(value) is float:
        return value
    if (isinstance(value, numbers.Real) and not _is_span_of_time(value)) or _is_numpy_bool(value):
        try:
            return float(value)  # type: ignore[arg-type]
        except OverflowError:
            raise errors.RangeError(
                errors.unwanted(
                    who,
                    f"{what} must fit a double (below 1.8e308)",
                    value,
                    "scale the problem, or work with its logarithm",
                )
            ) from None
    if isinstance(value, numbers.Complex):
        must, remedy = f"{what} must be a number", "compute with its .real and its .imag"
        raise errors.OperandError(errors.unwanted(who, must, value, remedy))
    return None


def _is_span_of_time(value: object) -> bool:
    """Tell whether it is a timedelta64, an integer to NumPy, which counts units of its own."""
    return getattr(getattr(value, "dtype", None), "kind", "") == "m"


def _item_of(value: Any) -> object:
    """Return the only element of an array of any library, or None."""
    try:
        return cast(object, value.item())
    except Exception:  # of a stranger
        return None


def number(who: str, what: str, value: object, example: str = "1.0") -> float:
    """Return `value` as a float, or refuse it in one sentence.

    Raises: `OperandError` (a `TypeError`) for anything that is not a real number.
    """
    converted = as_number(value, who, what)
    if converted is None:
        remedy = f"pass e.g. {example}"
        if hasattr(type(value), "parents") and hasattr(type(value), "grad"):
            remedy = "pass its .data"
        elif getattr(value, "ndim", None) == 0 and as_number(_item_of(value)) is not None:
            remedy = "pass its .item()"
        elif hasattr(type(value), "__array__") or isinstance(value, (list, tuple)):
            remedy = _for_each(who, value) if example == "1.0" else remedy
        raise errors.OperandError(errors.unwanted(who, f"{what} must be a number", value, remedy))
    return converted


def _for_each(who: str, value: object) -> str:
    """Return what to write where many numbers came for one."""
    if who == "Value":
        return "make a Value of each element"
    ufunc = getattr(sys.modules.get("numpy"), who, None)
    if hasattr(type(value), "__array__") and "O->O" in getattr(ufunc, "types", ()):
        return f"write np.{who}(x), which takes arrays of Values"
    return "call it for each element"


def as_whole(value: Any) -> int | None:
    """Return an integer of any library as an int, or None for anything else, also for a bool.

    >>> as_whole(3), as_whole(True), as_whole(3.0)
    (3, None, None)
    """
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def whole(who: str, what: str, value: object, least: int = 1) -> int:
    """Return `value` as an int of at least `least`, or refuse it in one sentence.

    Raises: `InputError` (a `ValueError`) for anything else.
    """
    converted = as_whole(value)
    if converted is None or converted < least:
        must = f"{what} must be a whole number from {least}"
        raise errors.InputError(errors.unwanted(who, must, value, "pass e.g. 10"))
    return converted


def without_rest(function: F) -> F:
    """Let a signature be shown without `*` and `**`: what is taken there is only refused.

    >>> import inspect
    >>> @without_rest
    ... def total(numbers, *rest): ...
    >>> inspect.signature(total)
    <Signature (numbers)>
    """
    code = function.__code__
    code = code.replace(co_flags=code.co_flags & ~(_TAKES_REST | _TAKES_NAMED))
    kept = function.__name__, function.__defaults__, function.__closure__
    bare: Any = FunctionType(code, function.__globals__, *kept)
    bare.__kwdefaults__, bare.__annotations__ = function.__kwdefaults__, function.__annotations__
    function.__wrapped__ = bare  # type: ignore[attr-defined]
    return function


_TAKES_REST, _TAKES_NAMED = 4, 8  # CO_VARARGS and CO_VARKEYWORDS of `inspect`


def is_list(thing: object) -> bool:
    """Say whether a thing is a list, a tuple, an array: what has a length and is no text.

    >>> is_list([1.0]), is_list("text"), is_list(1.0)
    (True, False, False)
    """
    if isinstance(thing, (str, bytes)) or getattr(thing, "ndim", 1) == 0:  # an array of one number
        return False
    return isinstance(thing, Sized)


def is_iterable(thing: object) -> bool:
    """Say whether a thing can be iterated and is no text: a list, or e.g. a generator.

    >>> is_iterable(iter([])), is_iterable("text")
    (True, False)
    """
    if isinstance(thing, (str, bytes)) or getattr(thing, "ndim", 1) == 0:  # an array of one number
        return False
    return hasattr(type(thing), "__iter__")


def again(thing: Any) -> Any:
    """Return a thing that can be read more than once: an iterator becomes a list.

    >>> again(iter("ab")), again("ab")
    (['a', 'b'], 'ab')
    """
    return list(thing) if hasattr(type(thing), "__next__") else thing


#: they have an order, but no brackets
_VIEWS = {
    type(view)
    for mapping in (dict[int, int](), OrderedDict[int, int]())
    for view in (mapping.keys(), mapping.values(), mapping.items())
}


def by_position(thing: Any) -> Any:
    """Return a list or an array as it is, and a series or a table as the array that it gives.

    The brackets of a series go by its labels, and a table is a list of the names of its columns;
    a row of a numpy.matrix is a matrix again, and a memoryview of several axes has no rows.
    An iterator, or a view of a dict, becomes a list.

    >>> by_position(iter("ab")), by_position({1: 2}.values())
    (['a', 'b'], [2])
    """
    kind = type(thing)
    if kind in _VIEWS or hasattr(kind, "__next__"):
        return list(thing)
    if kind is memoryview and thing.ndim > 1:
        return thing.tolist()
    if kind.__name__ == "matrix" and hasattr(kind, "A1"):
        return thing.A
    if kind in (list, tuple) or kind.__module__ == "numpy" or not hasattr(kind, "__array__"):
        return thing
    try:
        import numpy

        array = thing if isinstance(thing, numpy.ndarray) else numpy.asarray(thing)
    except Exception:  # of a tensor on another device, say: what cannot take it says so
        return thing
    return array if array.ndim else thing


def of_python(thing: Any) -> Any:
    """Return an array of numbers as lists of Python's own, which are read without asking.

    Anything else comes back as it is.
    """
    kind = type(thing)
    is_array = kind.__module__ == "numpy" and kind.__name__ == "ndarray"
    return thing.tolist() if is_array and thing.dtype.kind in ("f", "i", "u") else thing


def is_masked(thing: Any) -> bool:
    """Say whether a thing is an array of which some numbers count as missing."""
    mask: Any = getattr(thing, "mask", None) if hasattr(type(thing), "filled") else None
    return mask is not None and bool(mask.any())


def samples(who: str, inputs: Any, targets: Any = None) -> tuple[Any, Any]:
    """Return samples and a target for each, both to be taken by position.

    Without targets, samples are pairs (input, target): a list, an iterator, or what has a
    `dataset`, as loaders of other libraries do. An iterator is read to its end.

    Raises: `TypeError` and `ValueError` for what is none.
    """
    if targets is None:
        inputs, targets = _unpaired(who, inputs)
    inputs, targets = _by_index(who, "inputs", inputs), _by_index(who, "targets", targets)
    if len(inputs) != len(targets) or not len(inputs):
        raise errors.InputError(
            f"{who}: needs samples, and one target for each; got {len(inputs)} samples and"
            f" {len(targets)} targets; check their shapes"
        )
    return inputs, targets


def _by_index(who: str, what: str, things: Any) -> Any:
    """Return what can be taken by position; an iterator, or a view of a dict, as a list."""
    if is_masked(things):
        got, remedy = "a masked array", "pass .filled(0.0), or only samples without a mask"
        raise errors.OperandError(f"{who}: {what} must all be numbers; got {got}; {remedy}")
    if is_list(things) and hasattr(type(things), "__getitem__") and not isinstance(things, Mapping):
        things = by_position(things)
        return _read_again(things) if type(things) in (list, tuple) else things
    if not is_iterable(things) or isinstance(things, (Mapping, set, frozenset)):
        must, remedy = f"{what} must be a list or an array", "pass a list"
        raise errors.OperandError(errors.unwanted(who, must, things, remedy))
    return _read_again(list(things))


def _read_again(things: Any) -> Any:
    """Return samples that can be read in every epoch: iterators among them become lists."""
    kinds = set(map(type, things))
    return list(map(again, things)) if any(hasattr(k, "__next__") for k in kinds) else things


def _unpaired(who: str, pairs: Any) -> tuple[list[Any], list[Any]]:
    """Return the inputs and the targets of pairs."""
    if not hasattr(type(pairs), "__getitem__"):  # a loader, which would give whole batches
        pairs = getattr(pairs, "dataset", pairs)
    if hasattr(type(pairs), "__getitem__") and not hasattr(type(pairs), "__iter__"):
        pairs = map(pairs.__getitem__, range(len(pairs)))
    inputs, targets = [], []
    for pair in _by_index(who, "samples", pairs):
        pair = by_position(pair)
        if not is_list(pair) or len(pair) != 2:
            must, remedy = "without targets, each sample must be a pair", "pass inputs and targets"
            raise errors.OperandError(errors.unwanted(who, must, pair, remedy))
        x, target = pair
        if getattr(x, "ndim", 0) > 1 and getattr(target, "ndim", 0) and len(x) == len(target):
            raise errors.OperandError(
                f"{who}: samples must be pairs of one input and one target; got a batch of"
                f" {len(x)}; pass (pair for batch in batches for pair in zip(*batch))"
            )
        inputs.append(x)
        # a number of another library: a tensor without dimensions, say
        targets.append(target.item() if getattr(target, "ndim", None) == 0 else target)
    return inputs, targets


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


def _is_numpy_bool(value: object) -> bool:
    # the one NumPy scalar that numpy does not register as a number
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_")
