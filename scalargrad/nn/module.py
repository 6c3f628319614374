"""What every layer and network shares: a walk to its parameters, their numbers, a file of them."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from operator import attrgetter
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, TypeAlias

from .. import errors
from ..core.arguments import by_position
from ..core.arithmetic import are_values, is_value
from ..core.nesting import check_keys, each, flat, leaves, pairs
from ..core.pickles import Sealed
from ..core.strict_json import read_json
from ..core.version import FILE_VERSION, __version__
from ..core.whole_files import path_text, read_at_most, write_whole
from ..functions.elementary import zero_grad

FilePath: TypeAlias = str | os.PathLike[str]

#: bytes of a file that are read whatever the model, and so many more for each of its parameters
FILE_ROOM, NUMBER_ROOM = 16 << 20, 100

_parents = attrgetter("parents")


def _into_a_model(load: Callable[[Any, FilePath], None]) -> Callable[[Any, FilePath], None]:
    """Refuse `MLP.load("model.json")`, which names a file but no model to read it into."""

    @functools.wraps(load)
    def checked(model: Any, *path: FilePath) -> None:
        if not isinstance(model, Module):
            must = "reads numbers into a model that was built before"
            remedy = "write model = MLP(2, [16, 1]), then model.load(path)"
            raise errors.OperandError(errors.unwanted("load", must, model, remedy))
        load(model, *path)

    return checked


class Module(Sealed):
    """Hold parameters in attributes: Values, lists, dicts and Modules of them, at any nesting.

    Tuples, dataclasses and arrays of objects hold some too. A parameter is a leaf. Attributes whose
    name starts with an underscore are passed over.

    Raises: `TypeError` where a parameter is in anything else, as a set or an object of a class that
    is no Module: nobody would train it.

    >>> from scalargrad import Value
    >>> class Line(Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = Value(2.0), Value(1.0)
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> line(3.0).data, [name for name, _ in line.named_parameters()]
    (7.0, ['slope', 'offset'])
    """

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Give every parameter once, with the path to it, in the order of the attributes."""
        seen = set()
        for path, held in _all_held(self):
            for name, value in leaves(held, path):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield name, value

    def parameters(self) -> list[Any]:
        """Return every parameter once, in the order of the attributes."""
        return _each_once(_all_held(self))

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        zero_grad(self.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of all parameters, as nested lists under the attributes' paths.

        `W.0.1` of `named_parameters` is at `["W"][0][1]`.

        Raises: `ValueError` where two paths are spelt the same: the keys 1 and "1" of one dict.

        >>> from scalargrad.nn import Affine
        >>> Affine(2, 1, init=0.0).state_dict()
        {'W': [[0.0], [0.0]], 'b': [0.0]}
        """
        return {path: each(held, _data) for path, held in self._held().items()}

    def load_state_dict(self, numbers: Mapping[str, Any]) -> None:
        """Set the numbers of all parameters; everything is checked before anything is set.

        They may be nested lists or arrays under the keys of `state_dict`, or each number under its
        own name, as `named_parameters` gives it.

        Raises: `ValueError` for a missing or unknown key or another shape, `TypeError` for what
        is no number.
        """
        who, held = "load_state_dict", self._held()
        named = dict(pair for path, tree in held.items() for pair in leaves(tree, path))
        if isinstance(numbers, Mapping) and named.keys() == numbers.keys():
            held = named
        check_keys(who, type(self).__name__, numbers, held)
        checked = [pair for key in held for pair in pairs(who, key, held[key], numbers[key])]
        for parameter, data in checked:
            parameter.data = data

    def save(self, path: FilePath) -> None:
        """Write the state as JSON; a file that was there stays whole until the new one is.

        Numbers come back bit for bit; JSON has no inf and nan, so they are written as texts.

        Raises: `ValueError` for a path that cannot be written.
        """
        write_whole("save", path, _document(self.state_dict()))

    @_into_a_model
    def load(self, path: FilePath) -> None:
        """Read what `save` wrote.

        Nothing is changed unless all of it fits.

        Raises: `FileNotFoundError` for a file that is not there, `ValueError` for one that cannot
        be read or that `save` did not write, and what `load_state_dict` raises.
        """
        name = path_text("load", "path", path, "model.json")
        state = _read(name, most=FILE_ROOM + NUMBER_ROOM * len(self.parameters()))
        try:
            self.load_state_dict(state)
        except errors.ScalargradError as error:
            what = str(error).removeprefix("load_state_dict: ")
            raise type(error)(f"load: {name!r}: {what}") from None

    def _held(self) -> dict[str, Any]:
        held: dict[str, Any] = {}
        for path, tree in _all_held(self):
            if path in held:
                must = "each parameter needs a path of its own"
                raise errors.InputError(
                    errors.unwanted(type(self).__name__, must, path, "rename one of the two")
                )
            held[path] = tree
        return held

    def _repr_html_(self) -> str:
        """Return layers, shapes and numbers of parameters, as a notebook shows them."""
        from .summary import html_of  # which walks through modules

        return html_of(self)

    def __repr__(self) -> str:
        count = len(_each_once(_holders(self)))
        return f"{type(self).__name__}({count} parameter{'s' * (count != 1)})"


def _data(value: Any) -> float:
    data: float = value.data
    return data


# -- the walk -------------------------------------------------------------------------------


def _all_held(module: Module) -> Iterator[tuple[str, Any]]:
    """Walk to all parameters of a module, and then see that none is where no walk leads."""
    others: list[tuple[str, Any]] = []
    yield from _holders(module, others=others)
    behind = [(path, thing, value) for path, thing in others for value in _parameters_behind(thing)]
    found = set(map(id, _each_once(_holders(module)))) if behind else set()
    for path, thing, value in behind:
        if id(value) not in found:
            must = f"{path} must be a Module, list, dict, dataclass or array to be trained"
            got = errors.unwanted(type(module).__name__, must, thing, _KEEP)
            raise errors.OperandError(got)


_KEEP = "keep what learns in a Module or a list, or begin the name with an underscore"


def _each_once(held: Iterable[tuple[str, Any]]) -> list[Any]:
    values = [value for _, tree in held for value in flat(tree)]
    return list(dict(zip(map(id, values), values, strict=True)).values())


def _holders(
    thing: Any,
    path: str = "",
    above: tuple[Any, ...] = (),
    others: list[tuple[str, Any]] | None = None,
) -> Iterator[tuple[str, Any]]:
    """Walk to the largest things that hold leaves only: a Value, or nested lists of them.

    What may hold some and is not walked through goes to the others.
    """
    if any(thing is other for other in above):
        return  # a module that holds one above it
    if is_parameter(thing):
        yield path, thing
        return
    if others is not None and not is_walked(thing):
        others.append((path, thing))
    for name, held in inside(thing):
        inner = f"{path}.{name}" if path else str(name)
        yield from _holders(held, inner, (*above, thing), others)


def inside(thing: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a Module, a dataclass, a dict or a list holds, each with its name, key or index.

    Arrays of objects are lists then.
    """
    if type(thing) in _PLAIN:
        return ()
    if isinstance(thing, Module) or _is_of_a_dataclass(thing):
        items: Iterable[tuple[Any, Any]] = _attributes(thing)
    elif isinstance(thing, Mapping):
        items = thing.items()
    elif isinstance(thing, (list, tuple)):
        items = () if _PLAIN.issuperset(map(type, thing)) else enumerate(thing)
    else:
        return ()
    return ((name, _as_lists(held)) for name, held in items)


#: what holds nothing
_PLAIN = {float, int, bool, str, bytes, complex, type(None)}


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object: its own, those in slots, and those of its class."""
    held = getattr(thing, "__dict__", {})
    for kind in type(thing).__mro__:
        if kind not in _BARE:
            held = {**held, **_of_class(thing, kind), **held}
    return ((name, value) for name, value in held.items() if name[:1] != "_")


def _of_class(thing: Any, kind: type) -> dict[str, Any]:
    held = {}
    for name, value in vars(kind).items():
        if name[:1] != "_" and type(value) is not FunctionType:
            if type(value) is MemberDescriptorType:  # a slot, which may be empty
                held[name] = getattr(thing, name, None)
            elif not hasattr(type(value), "__get__"):
                held[name] = value
    return held


_BARE = (Module, Sealed, object)


def _is_of_a_dataclass(thing: Any) -> bool:
    return dataclasses.is_dataclass(thing) and not isinstance(thing, type)


def _as_lists(thing: Any) -> Any:
    """Return an array of objects, or a series of them, as nested lists."""
    kind = type(thing)
    if kind is list or kind in _PLAIN or not hasattr(kind, "__array__"):
        return thing
    array = by_position(thing)
    return array.tolist() if getattr(array, "dtype", None) == "O" else thing


def is_walked(thing: Any) -> bool:
    """Tell whether parameters are looked for in a thing, or are certainly not in it."""
    kind = type(thing)
    return (
        kind in _PLAIN
        or isinstance(thing, (Module, Mapping, list, tuple, FunctionType, ModuleType, type))
        or is_value(thing)
        or hasattr(kind, "__array__")
        or _is_of_a_dataclass(thing)
    )


def _parameters_behind(thing: Any) -> list[Any]:
    """Return the parameters in what is not walked through: in a set, or an object's attributes."""
    if isinstance(thing, MethodType):
        thing = thing.__self__
    if callable(own := getattr(thing, "parameters", None)) and not isinstance(thing, Module):
        return [value for value in flat(own()) if is_value(value)]  # as networks of micrograd
    if isinstance(thing, (Set, deque)):
        return _each_once(_holders([*thing]))
    if isinstance(thing, functools.partial):
        return _each_once(_holders([thing.func, *thing.args, thing.keywords]))
    if isinstance(thing, Module):
        return _each_once(_holders(thing))
    return _each_once(_holders(dict(_attributes(thing))))


def is_parameter(thing: Any, above: tuple[Any, ...] = ()) -> bool:
    """Tell whether a thing is a leaf, or nested lists of leaves alone."""
    if isinstance(thing, (list, tuple)):
        if any(thing is other for other in above):
            raise errors.InputError(
                errors.unwanted("Module", "no list may contain itself", thing, "leave it out")
            )
        if are_values(thing):
            return bool(thing) and not any(map(_parents, thing))
        return all(is_parameter(branch, (*above, thing)) for branch in thing)
    return is_value(thing) and not thing.parents


# -- files ----------------------------------------------------------------------------------


def _document(state: Mapping[str, Any]) -> bytes:
    """Return a state as the JSON of a file."""
    parameters = {path: each(tree, _encoded) for path, tree in state.items()}
    document = {"scalargrad": "state", "version": FILE_VERSION, "parameters": parameters}
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def _read(name: str, most: int) -> dict[str, Any]:
    """Read the state that `save` wrote.

    Raises: `ValueError` for a file of another kind or version.
    """
    content = read_at_most("load", name, most)
    try:
        if len(content) > most:
            raise ValueError(f"more than the {most:,} bytes that this model can need")
        version, parameters = _parts(read_json(content))
        state = {key: _decoded(held) for key, held in parameters.items()}
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, ValueError) else "it is nested too deep"
        must = f"wants a whole file that save() wrote ({why})"
        raise errors.InputError(errors.unwanted("load", must, name, "save it again")) from None
    if version == FILE_VERSION:
        return state
    must = f"{name!r} must have version {FILE_VERSION}, that of scalargrad {__version__}"
    raise errors.InputError(
        errors.unwanted("load", must, version, "save it again with this version")
    )


def _parts(document: Any) -> tuple[int, dict[str, Any]]:
    """Return the version and the parameters of a document; of another version, nothing more."""
    if not isinstance(document, dict) or document.get("scalargrad") != "state":
        raise ValueError("it is no state")
    version = document.get("version", FILE_VERSION)  # the first files had none
    if type(version) is not int:
        raise ValueError("its version is no whole number")
    parameters = document.get("parameters")
    if version == FILE_VERSION and not isinstance(parameters, dict):
        raise ValueError("it has no parameters")
    if version == FILE_VERSION and (
        more := set(document) - {"scalargrad", "version", "parameters"}
    ):
        raise ValueError(f"nothing is known of its key {min(more)[:60]!r}")
    return version, parameters or {}


def _encoded(data: float) -> float | str:
    return data if math.isfinite(data) else repr(data)  # JSON knows neither inf nor nan


def _decoded(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_decoded(branch) for branch in tree]
    return float(tree) if tree in ("inf", "-inf", "nan") else tree
