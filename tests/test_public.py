"""What a user meets by a press of Tab: the public names, and the words of each."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import scalargrad as sg

PUBLIC = [sg, sg.datasets, sg.errors, sg.linalg, sg.math, sg.nn, sg.nn.book, sg.optim, sg.plots]
MODULES = [module.__name__ for module in PUBLIC]

#: what a docstring may say after its first line, in this order
PARTS = ["Maths", "Shapes", "Domain", "Raises", "Source"]

#: prints what dir() lists in a process that has done nothing else
LISTING = """
import importlib, json, sys
print(json.dumps({name: dir(importlib.import_module(name)) for name in sys.argv[1:]}))
"""

#: prints what `import scalargrad` brought along
BROUGHT = """
import sys
before = set(sys.modules)
import scalargrad
print(*set(sys.modules) - before)
"""

#: what every program needs of the package
CORE = ["core", "table", "functions", "functions.elementary", "errors"]
ENGINES = ["_engine", "_python", "_native"]

#: what only some of its parts need
FOR_SOME = {
    "argparse", "ast", "concurrent.futures", "dataclasses", "difflib", "graphviz", "hashlib",
    "html", "inspect", "json", "logging", "matplotlib", "numpy", "pathlib", "tempfile", "textwrap",
    "tokenize", "tqdm", "urllib.parse",
}  # fmt: skip

#: asks for every public name by a star, in a process where nothing was loaded yet
STAR = """
from scalargrad import *
import scalargrad
assert all(globals()[name] is vars(scalargrad)[name] for name in scalargrad.__all__)
"""


def alone(code: str, *arguments: str) -> str:
    """Return what some code prints in a process that has done nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True,
        cwd=Path(sg.__file__).parents[1],
    )  # fmt: skip
    return done.stdout


def words() -> list[tuple[str, Any]]:
    """Return every public class and function by its full name."""
    named = {f"{m.__name__}.{name}": getattr(m, name) for m in PUBLIC for name in m.__all__}
    return [
        (name, thing)
        for name, thing in named.items()
        if str(getattr(thing, "__module__", "")).startswith("scalargrad")
    ]


@pytest.mark.parametrize("module", PUBLIC, ids=MODULES)
def test_dir_lists_the_public_names_and_nothing_else(module: ModuleType) -> None:
    for info in pkgutil.walk_packages(sg.__path__, "scalargrad."):
        if not info.name.endswith("__main__") and "._native" not in info.name:
            importlib.import_module(info.name)  # each becomes an attribute of its package

    assert dir(module) == sorted(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_dir_lists_the_same_in_a_fresh_process() -> None:
    listed = json.loads(alone(LISTING, *MODULES))

    assert listed == {m.__name__: sorted(m.__all__) for m in PUBLIC}


def test_import_brings_only_what_every_program_needs() -> None:
    brought = set(alone(BROUGHT).split())
    parts = {name.removeprefix("scalargrad.") for name in brought if "scalargrad." in name}

    assert {"_engine", "table.ops", "functions.elementary"} <= parts
    assert {
        p for p in parts if p not in CORE and p.split(".")[0] not in (*CORE[:2], *ENGINES)
    } == set()
    assert brought & FOR_SOME == set()


def test_names_that_are_loaded_later_are_those_that_type_checkers_read() -> None:
    tree = ast.parse(Path(sg.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    read = {
        alias.name: statement.module
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }

    assert {name: home for name, home in read.items() if home} == sg._HOMES
    assert {name for name, home in read.items() if not home} <= sg._LATER.keys()
    assert read.keys() <= set(sg.__all__)


def test_star_brings_every_public_name() -> None:
    alone(STAR)


def test_name_that_is_not_there_is_told_as_by_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'scalargrad' has no attribute 'tahn'") as got:
        sg.tahn  # noqa: B018 - reading it is what is tried

    assert (got.value.name, got.value.obj) == ("tahn", sg)


def test_every_public_module_is_a_name_of_the_package() -> None:
    modules = {name for name in sg.__all__ if isinstance(getattr(sg, name), ModuleType)}

    assert modules == {m.__name__.split(".")[1] for m in PUBLIC if m is not sg}


@pytest.mark.parametrize(("name", "thing"), words(), ids=[name for name, _ in words()])
def test_docstring_has_the_parts_of_the_template_in_order(name: str, thing: Any) -> None:
    first, *rest = (inspect.getdoc(thing) or "").split("\n")
    parts = re.findall(r"^([A-Z]\w+): ", "\n".join(rest), flags=re.MULTILINE)

    assert first.endswith("."), f"{name}: the first line is a whole sentence"
    assert rest[:1] in ([], [""]), f"{name}: an empty line follows the first"
    assert parts == [part for part in PARTS if part in parts], f"{name}: {parts}"


@pytest.mark.parametrize(
    ("name", "thing"),
    [pytest.param(*pair, id=pair[0]) for pair in words() if inspect.isroutine(pair[1])],
)
def test_function_is_told_by_a_verb(name: str, thing: Any) -> None:
    first = (inspect.getdoc(thing) or "").split()[0].strip(":,")

    assert re.fullmatch(r"[A-Z][a-z]+", first), name
    assert first not in ("A", "An", "The", "This"), name
    assert not first.endswith("s") or first.endswith("ss"), f"{name}: {first}, not as a command"


def nested() -> Any:
    """Return a class of which a method is compiled."""

    class Spring:
        @sg.compile
        def energy(self, x: float) -> float:
            return x * x

    return Spring()


X = sg.Value(2.0, label="x")
COMPILED = sg.compile(lambda x, y: x * y)

#: what public functions and classes give, where no docstring shows it
GIVEN: dict[str, Any] = {
    "no_grad": sg.no_grad(),
    "detect_anomaly": sg.detect_anomaly(),
    "scope": sg.scope("Affine"),
    "Value": X * 3.0,
    "compile": COMPILED,
    "compiled method": nested().energy,
    "grad": sg.grad(COMPILED),
    "value_and_grad": sg.value_and_grad(COMPILED, argnums=(0, 1)),
    "jacobian": sg.jacobian(COMPILED),
    "hessian": sg.hessian(COMPILED),
    "expression": sg.expression("x * y"),
    "draw": sg.draw(X * 3.0),
    "walkthrough": sg.walkthrough(X * 3.0),
    "check_gradients": sg.check_gradients(lambda x: x * x, 2.0),
    "History": sg.History(),
    "lstsq": sg.linalg.lstsq([[1.0], [2.0]], [1.0, 2.0]),
    "slogdet": sg.linalg.slogdet([[2.0]]),
    **{
        name: getattr(sg.optim, name)([X], lr=sg.optim.step_decay(0.1, 10))
        for name in ("SGD", "AdaGrad", "RMSprop", "Adam", "AdamW")
    },
    **{
        f"nn.{name}": getattr(sg.nn, name)(*sizes)
        for name, sizes in {
            "Module": (), "Neuron": (2,), "Layer": (2, 3), "MLP": (2, [3, 1]), "Affine": (2, 3),
            "Embedding": (2, 3), "ReLU": (), "Sigmoid": (), "Tanh": (), "Softmax": (),
            "Sequential": (sg.nn.Affine(2, 3), sg.tanh), "TwoLayerNet": (2, 3, 2),
        }.items()
    },
    **{
        f"nn.book.{name}": getattr(sg.nn.book, name)(*sizes)
        for name, sizes in {
            "MulLayer": (), "AddLayer": (), "Relu": (), "Sigmoid": (), "SoftmaxWithLoss": (),
            "Affine": ([[1.0]], [1.0]), "TwoLayerNet": (2, 3, 2),
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
def test_repr_says_what_a_thing_is(name: str) -> None:
    text = repr(GIVEN[name])

    assert text
    assert " object at 0x" not in text


def test_no_public_class_is_without_a_repr() -> None:
    classes = {f"{m.__name__}.{n}": getattr(m, n) for m in PUBLIC for n in m.__all__}
    kinds = {type(thing) for thing in GIVEN.values()}
    shown = {kind for thing in kinds for kind in thing.__mro__}

    for name, kind in classes.items():
        if isinstance(kind, type) and not issubclass(kind, BaseException):
            assert kind in shown, f"{name} is not among what is tried here"


def test_what_stands_in_a_repr_is_as_it_was_written() -> None:
    assert repr(sg.scope("Affine")) == "scope('Affine')"
    assert repr(sg.no_grad()) == "no_grad()"
    assert repr(GIVEN["grad"]) == "grad(compile(<lambda>, strict: no tape))"
    assert repr(GIVEN["hessian"]) == "hessian(compile(<lambda>, strict: no tape))"
    assert repr(GIVEN["value_and_grad"]).endswith(", argnums=(0, 1))")
    assert repr(GIVEN["Adam"]) == "Adam(1 parameter, lr=0.1)"
