"""Random arguments for every public callable: each is taken, or refused by a clear exception."""

from __future__ import annotations

import inspect
import math
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import scalargrad as sg

MODULES = (sg, sg.datasets, sg.errors, sg.math, sg.nn, sg.nn.book, sg.optim, sg.plots)
#: exceptions of Python that tell a caller of his mistake as well as ours do
CLEAR = (TypeError, ValueError, OverflowError, OSError, ZeroDivisionError)
#: how often or how many: what is asked for is given, if it takes all day and all memory
COUNTS = {
    "n", "count", "epochs", "max_steps", "steps", "size", "nin", "sizes", "digits", "max_paths",
    "threads", "nout", "input_size", "hidden_size", "output_size", "max_nodes", "depth", "k",
    "width",
}  # fmt: skip


class Odd:
    """An object of which nothing can be asked."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __repr__(self) -> str:
        return "Odd()"


def callables() -> dict[str, Any]:
    """Return every public function and class, and the methods of what MAKERS make, by name."""
    found: dict[str, Any] = {}
    for module in MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            where = f"{module.__name__}.{name}".removeprefix("scalargrad.")
            if isinstance(thing, types.ModuleType) or not callable(thing):
                continue
            found[where] = thing
    for where, make in MAKERS.items():
        found |= {f"{where}.{name}": (make, name) for name in _methods(make())}
    return dict(sorted(found.items()))


def _methods(owner: Any) -> Iterator[str]:
    for name in dir(type(owner)):
        is_operator = name in ("__add__", "__radd__", "__pow__", "__rpow__", "__truediv__",
                               "__call__", "__lt__", "__mul__", "__eq__", "__sub__")  # fmt: skip
        if (is_operator or not name.startswith("_")) and callable(getattr(type(owner), name, None)):
            yield name


def number(source: random.Random) -> Any:
    """Draw a number of any kind."""
    return source.choice((
        lambda: source.uniform(-3, 3), lambda: source.randint(-3, 4), lambda: math.nan,
        lambda: math.inf, lambda: -0.0, lambda: 1e308, lambda: 5e-324, lambda: 10**400,
        lambda: -(2**63), lambda: True, lambda: 1j, lambda: np.float32(1.5), lambda: np.int8(-3),
        lambda: np.float64(math.nan), lambda: sg.Value(source.uniform(-3, 3)),
        lambda: sg.Value(source.choice((0.0, math.nan, math.inf, -1e308))),
        lambda: sg.Value(2.0, label="x") * sg.Value(0.5),
    ))()  # fmt: skip


def function(source: random.Random) -> Any:
    """Draw a function, good or bad."""
    return source.choice((
        lambda x: x * x, lambda *xs: sg.sum(list(xs)), lambda x, y: x / y, lambda x: None,
        lambda x: "text", lambda x: [x, x * 2.0], lambda x: {"a": x}, lambda x: x > 0,
        lambda: 1.0, sg.tanh, math.sin, float, sg.nn.MLP(2, [3, 1], seed=1),
        sg.compile(lambda x: x * x), lambda x: x[0] * x[1], lambda x: 1 / 0 * x,
        sg.expression("x * y"), sg.grad(lambda x: x**3),
    ))  # fmt: skip


def thing(source: random.Random, depth: int = 3) -> Any:
    """Draw anything."""
    kind = source.randrange(13)
    if kind < 4:
        return number(source)
    if kind < 6 and depth:
        length = source.choice((0, 1, 2, 2, 3))
        made = [thing(source, depth - 1) for _ in range(length)]
        shapes: list[Callable[[Any], Any]] = [list, list, list, tuple, iter, _keyed, _generated]
        return source.choice(shapes)(made)
    if kind == 6:
        length = source.choice((0, 1, 2, 3))
        return [number(source) for _ in range(length)]
    if kind == 7:
        return source.choice(("", "x", "tanh", "x + y", "sgd", "mse", "é\0", "1e400", "x" * 300))
    if kind == 8:
        shape = source.choice(((), (0,), (2,), (3, 2), (2, 2), (1, 2, 2)))
        kinds = ("float64", "float32", "int64", "bool", "object", "complex128", "U3")
        return np.ones(shape).astype(source.choice(kinds))
    if kind == 9:
        return function(source)
    if kind == 10:
        return source.choice(
            (None, ..., Odd(), object(), b"bytes", {1, 2}, range(3), int, slice(2))
        )
    if kind == 11:
        net = sg.nn.MLP(2, [2, 1], seed=1)
        return source.choice((net, net.parameters(), sg.optim.SGD(net.parameters(), lr=0.1)))
    return [[source.uniform(-2, 2) for _ in range(2)] for _ in range(source.choice((1, 3)))]


def _keyed(items: list[Any]) -> dict[str, Any]:
    return {f"k{i}": item for i, item in enumerate(items)}


def _generated(items: list[Any]) -> Iterator[Any]:
    yield from items


def _argument(source: random.Random, name: str, default: Any) -> Any:
    if name in COUNTS:
        return source.choice((-1, 0, 1, 2, 3, 2.5, None, "2", [2, 1], True, math.nan, default))
    if default is not inspect.Parameter.empty and source.random() < 0.5:
        return default
    return thing(source)


def call(source: random.Random, f: Any) -> Any:
    """Call something with arguments that fit its signature, or with some more or less."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return f(*[thing(source) for _ in range(source.randrange(3))])
    args: list[Any] = []
    keywords: dict[str, Any] = {}
    is_skipped = False
    for parameter in parameters:
        default = parameter.default
        if parameter.kind is parameter.VAR_POSITIONAL:
            args += [thing(source) for _ in range(source.randrange(3))]
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        elif default is not parameter.empty and source.random() < 0.6:
            is_skipped = True  # those behind it go by name
        elif parameter.kind is parameter.KEYWORD_ONLY or is_skipped or len(args) > 3:
            if parameter.kind is not parameter.POSITIONAL_ONLY:
                keywords[parameter.name] = _argument(source, parameter.name, default)
        else:
            args.append(_argument(source, parameter.name, default))
    if source.random() < 0.05 and not is_skipped:
        args.append(thing(source))
    return f(*args, **keywords)


def try_arguments(seed: str) -> str:
    """Call one public callable, and what it returns if that can be called.

    Raises: what no caller should see.
    """
    source = random.Random(seed)
    name = source.choice(NAMES)
    with np.errstate(all="ignore"):
        try:
            f = CALLABLES[name]
            if isinstance(f, tuple):  # a method, of a new one each time
                make, method = f
                f = getattr(make(), method)
            result = call(source, f)
            for _ in range(2):
                if callable(result) and not inspect.isclass(result):
                    result = call(source, result)
            repr(result)
        except (*CLEAR, sg.ScalargradError) as error:
            return f"{name}: {type(error).__name__}"
        except Exception as error:
            if _is_of_strangers(error):
                return f"{name}: of the function"
            raise
    return f"{name}: taken"


def _is_of_strangers(error: BaseException) -> bool:
    """Tell whether an exception arose in this file: in a function or an object drawn here."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        trace is not None
        and trace.tb_frame.f_code.co_filename == __file__
        and (trace.tb_frame.f_code.co_name in ("<lambda>", "__getattr__"))
    )


def _traced() -> Any:
    compiled = sg.compile(lambda x, y: x * y)
    compiled(1.0, 2.0)
    return compiled


MAKERS: dict[str, Callable[[], Any]] = {
    "Value": lambda: sg.Value(2.0, label="x") * 3.0,
    "nn.MLP": lambda: sg.nn.MLP(2, [3, 1], seed=1),
    "nn.Layer": lambda: sg.nn.Layer(2, 3),
    "nn.Neuron": lambda: sg.nn.Neuron(2),
    "nn.Affine": lambda: sg.nn.Affine(2, 3),
    "nn.TwoLayerNet": lambda: sg.nn.TwoLayerNet(2, 3, 2),
    "nn.book.TwoLayerNet": lambda: sg.nn.book.TwoLayerNet(2, 3, 2),
    "optim.SGD": lambda: sg.optim.SGD([sg.Value(1.0)], lr=0.1, momentum=0.5),
    "grad": lambda: sg.grad(lambda x, y: x * y),
    "compile": lambda: sg.compile(lambda x, y: x * y if x > 0 else y),
    "tape": lambda: _traced().tape,
    "expression": lambda: sg.expression("x * y + 2"),
    "draw": lambda: sg.draw(sg.Value(2.0, label="x") * 3.0),
    "optim.Adam": lambda: sg.optim.Adam([sg.Value(1.0)]),
}
CALLABLES = callables()
NAMES = sorted(CALLABLES)
