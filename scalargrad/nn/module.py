"""What every layer and network shares: a walk to its parameters, their numbers, a file of them."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from .. import errors
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

    A parameter is a leaf. Attributes whose name starts with an underscore are passed over.

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
        for path, held in _holders(self, "", ()):
            for name, value in leaves(held, path):
                if id(value) not in seen:
                    seen.add(id(value))
                    yield name, value

    def parameters(self) -> list[Any]:
        """Return every parameter once, in the order of the attributes."""
        values = [value for _, held in _holders(self, "", ()) for value in flat(held)]
        return list(dict(zip(map(id, values), values, strict=True)).values())

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        zero_grad(self.parameters())

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers of all parameters, as nested lists under the attributes' paths.

        Raises: `ValueError` where two paths are spelt the same: the keys 1 and "1" of one dict.

        >>> from scalargrad.nn import Affine
        >>> Affine(2, 1, init=0.0).state_dict()
        {'W': [[0.0], [0.0]], 'b': [0.0]}
        """
        return {path: each(held, _data) for path, held in self._held().items()}

    def load_state_dict(self, numbers: Mapping[str, Any]) -> None:
        """Set the numbers of all parameters; everything is checked before anything is set.

        Raises: `ValueError` for a missing or unknown key or another shape, `TypeError` for what
        is no number.
        """
        who, held = "load_state_dict", self._held()
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
        for path, tree in _holders(self, "", ()):
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
        return f"{type(self).__name__}({len(self.parameters())} parameters)"


def _data(value: Any) -> float:
    data: float = value.data
    return data


# -- the walk -------------------------------------------------------------------------------


def _holders(thing: Any, path: str, above: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Walk to the largest things that hold leaves only: a Value, or nested lists of them."""
    if any(thing is other for other in above):
        return  # a module that holds one above it
    if is_parameter(thing):
        yield path, thing
        return
    for name, held in inside(thing):
        inner = f"{path}.{name}" if path else str(name)
        yield from _holders(held, inner, (*above, thing))


def inside(thing: Any) -> Iterable[tuple[Any, Any]]:
    """Return what a Module, a dict or a list holds, each with its name, key or index."""
    if isinstance(thing, Module):
        return ((name, held) for name, held in vars(thing).items() if not name.startswith("_"))
    if isinstance(thing, Mapping):
        return thing.items()
    return enumerate(thing) if isinstance(thing, (list, tuple)) else ()


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
