"""What is written about the package is true: README, docstrings, names, and how to install."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

import scalargrad as sg

ROOT = Path(sg.__file__).parents[1]
README = ROOT / "README.md"
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".html", ".csv", ".c", ".h"}

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(sg.__path__, "scalargrad.")
    if not info.name.endswith("__main__")
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


def tracked_texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:  # an unpacked archive
        paths = list(ROOT.rglob("*"))
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file()]


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
            and (inspect.isfunction(thing) or inspect.isclass(thing))
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


def test_every_name_of_the_public_surface_is_there():
    surface = [
        "exp",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "asinh",
        "acosh",
        "atanh",
        "sigmoid",
        "relu",
        "leaky_relu",
        "softplus",
        "silu",
        "gelu",
        "erf",
        "pow",
        "atan2",
        "hypot",
        "maximum",
        "minimum",
        "where",
        "sum",
        "mean",
        "max",
        "min",
        "logsumexp",
        "dot",
        "softmax",
        "log_softmax",
        "mse",
        "mae",
        "hinge",
        "cross_entropy",
        "binary_cross_entropy_with_logits",
        "record",
        "custom",
        "no_grad",
        "detect_anomaly",
        "scope",
        "zero_grad",
        "Value",
        "values",
        "engine",
        "ScalargradError",
        "GradientError",
    ]

    assert [name for name in surface if not hasattr(sg, name)] == []
    methods = surface[: surface.index("pow")]
    assert [name for name in methods if not callable(getattr(sg.Value, name, None))] == []


def test_no_text_tells_to_install_from_an_index_where_the_package_is_not():
    wrong = "pip install " + "scalargrad"
    texts = tracked_texts()

    assert len(texts) > 10
    assert [str(p.relative_to(ROOT)) for p in texts if wrong in p.read_text(encoding="utf-8")] == []
