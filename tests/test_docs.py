"""What is written about the package is true: README, docstrings, names, and how to install."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
import warnings
from pathlib import Path
from typing import Any

import pytest
from engines import ENGINES

import scalargrad as sg
from scalargrad.table import formula
from scalargrad.table.row import ROWS, docstring

ROOT = Path(sg.__file__).parents[1]
README = ROOT / "README.md"
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".html", ".csv", ".c", ".h"}

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(sg.__path__, "scalargrad.")
    if not info.name.endswith("__main__")
    and ("native" in ENGINES or not info.name.startswith("scalargrad._native"))
)
PUBLIC = sorted(
    name
    for name, thing in vars(sg).items()
    if not name.startswith("_")
    and not isinstance(thing, types.ModuleType)
    and name != "annotations"
)


def python_blocks(text: str) -> list[str]:
    """Return the fenced python blocks of a Markdown text, in order."""
    return re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def texts_of_the_project() -> list[Path]:
    """Return every text file of the checkout that people wrote."""
    folders = ("scalargrad", "examples", "tests", ".ci")
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix in SUFFIXES]


def test_python_blocks_are_found_in_order_and_nothing_else_is():
    text = "a\n```python\nx = 1\n```\n```bash\nls\n```\n```python\ny = x\nz = 2\n```\n"

    assert python_blocks(text) == ["x = 1\n", "y = x\nz = 2\n"]


def test_readme_blocks_run_in_order(tmp_path, monkeypatch):
    blocks = python_blocks(README.read_text(encoding="utf-8"))
    assert blocks
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace: dict[str, Any] = {"__name__": "readme"}

    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"<README.md, python block {number}>", "exec"), namespace)


@pytest.mark.parametrize("name", PUBLIC)
def test_public_name_has_a_docstring_or_is_plain_data(name):
    thing = getattr(sg, name)
    if isinstance(thing, str):  # `engine`
        return
    words = inspect.getdoc(thing)

    assert words, f"scalargrad.{name} has no docstring"
    assert words.split("\n")[0].endswith((".", "?")), words
    assert type(thing).__doc__ != words


@pytest.mark.parametrize("module", MODULES)
def test_module_opens_with_one_sentence(module):
    words = importlib.import_module(module).__doc__

    assert words
    assert words.strip().split("\n")[0].endswith((".", ":", ","))


@pytest.mark.parametrize("module", MODULES)
def test_public_function_of_a_module_has_a_docstring(module):
    imported = importlib.import_module(module)

    for name, thing in vars(imported).items():
        own = getattr(thing, "__module__", None) == module
        if (
            own
            and not name.startswith("_")
            and (inspect.isroutine(thing) or inspect.isclass(thing))
        ):
            assert inspect.getdoc(thing), f"{module}.{name} has no docstring"


def test_no_module_has_the_name_of_a_public_function_or_attribute():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for module in MODULES:
            importlib.import_module(module)

    for module in MODULES:
        package, _, name = module.rpartition(".")
        named = getattr(importlib.import_module(package), name)
        assert named is importlib.import_module(module), f"{module} is hidden by {named!r}"


#: what is promised to a user, whatever `__all__` says
PROMISED = [
    "values", "Value", "engine", "record", "custom", "no_grad", "detect_anomaly", "scope",
    "zero_grad", "expression", "draw", "draw_dot", "nn", "optim", "datasets", "plots", "fit",
    "History", "evaluate", "ScalargradError", "GradientError", "exp", "expm1", "log", "log1p",
    "log2", "log10", "sqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "sigmoid", "relu", "leaky_relu", "softplus", "silu",
    "gelu", "erf", "pow", "atan2", "hypot", "maximum", "minimum", "where", "sum", "mean", "max",
    "min", "logsumexp", "dot", "softmax", "log_softmax", "mse", "mae", "hinge", "cross_entropy",
    "binary_cross_entropy_with_logits",
]  # fmt: skip


def test_every_promised_name_is_there_and_public():
    assert set(PROMISED) <= set(sg.__all__)
    assert [name for name in sg.__all__ if not hasattr(sg, name)] == []
    assert set(PUBLIC) <= set(sg.__all__)


METHODS = PROMISED[PROMISED.index("exp") : PROMISED.index("pow")]


@pytest.mark.parametrize("name", METHODS)
def test_function_of_one_operand_is_a_method_with_the_words_of_its_row(name):
    method, row = getattr(sg.Value, name), ROWS[name]

    assert inspect.getdoc(method) == docstring(row)
    assert method.__doc__.startswith(row.doc)


@pytest.mark.parametrize(
    ("method", "row"),
    [
        ("__add__", "add"), ("__radd__", "add"), ("__sub__", "sub"), ("__rsub__", "sub"),
        ("__mul__", "mul"), ("__rmul__", "mul"), ("__truediv__", "div"), ("__rtruediv__", "div"),
        ("__pow__", "pow"), ("__rpow__", "pow"), ("__neg__", "neg"), ("__abs__", "abs"),
    ],
)  # fmt: skip
def test_operator_has_the_words_of_its_row(method, row):
    assert inspect.getdoc(getattr(sg.Value, method)) == docstring(ROWS[row])


INTERNAL = {"own", "INF", *formula.CONSTANTS}


@pytest.mark.parametrize(
    "name", [n for n, r in ROWS.items() if not getattr(r, "helper", False) and n != "cross_entropy"]
)
def test_words_of_a_row_say_what_it_is_and_not_how_it_is_computed(name):
    row = ROWS[name]
    (maths,) = re.findall(r"^Maths: (.*)", docstring(row), flags=re.MULTILINE)
    bound = {bound for bound, _ in formula.parse(row.forward).bindings}

    assert (bound | INTERNAL | {"where"}).isdisjoint(re.findall(r"\w+", maths)), maths
    assert maths.count("dz/d") == row.arity


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_shows_nothing_of_the_formula_language(name):
    words = inspect.getdoc(getattr(sg, name)) or ""

    for maths in re.findall(r"^Maths: (.*)", words, flags=re.MULTILINE):
        assert INTERNAL.isdisjoint(re.findall(r"\w+", maths)), maths


def test_no_text_tells_to_install_from_an_index_where_the_package_is_not():
    wrong = "pip install " + "scalargrad"
    texts = texts_of_the_project()

    assert len(texts) > 10
    assert [str(p.relative_to(ROOT)) for p in texts if wrong in p.read_text(encoding="utf-8")] == []
