"""What is written about the package is true: README, docstrings, names, and how to install."""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import pkgutil
import pydoc
import re
import shlex
import types
import warnings
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pages
import pytest
import reference
from engines import ENGINES

import scalargrad as sg
from scalargrad.cli.main import main
from scalargrad.table import formula
from scalargrad.table.row import ROWS
from scalargrad.table.written import docstring

ROOT = Path(sg.__file__).parents[1]
README = ROOT / "README.md"
CHAPTERS = sorted((ROOT / "examples" / "guide").glob("*.md"))  # 1-... first, reference.md last
RUN = [README, *CHAPTERS]
PAGES = [README, *(page for part in (".github", "examples", "scalargrad", "tests")
                   for page in sorted((ROOT / part).rglob("*.md")))]  # fmt: skip
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".html", ".csv", ".c", ".h"}

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(sg.__path__, "scalargrad.")
    if not info.name.endswith("__main__")
    and ("native" in ENGINES or not info.name.startswith("scalargrad._native"))
)
PUBLIC = sorted(
    name
    for name in sg.__all__
    if not name.startswith("_") and not isinstance(getattr(sg, name), types.ModuleType)
)


def texts_of_the_project() -> list[Path]:
    """Return every text file of the checkout that people wrote."""
    folders = ("scalargrad", "examples", "tests", ".ci", ".github")
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix in SUFFIXES]


# -- pages ----------------------------------------------------------------------------------


def test_blocks_are_found_in_order_with_what_they_print():
    page = "a\n```python\nx = 1\n```\n\n```text\n1\n```\n```sh\nls\n```\nb\n```text\nz\n```\n"

    assert [(one.language, one.code, one.line, one.printed) for one in pages.blocks(page)] == [
        ("python", "x = 1\n", 2, "1\n"),
        ("text", "1\n", 6, None),
        ("sh", "ls\n", 9, None),
        ("text", "z\n", 13, None),
    ]


@pytest.mark.parametrize(
    ("code", "printed", "wrong"),
    [
        ("x = 2\nx, x / 3  # (2, 0.666...)\n", None, 0),
        ("x = 2\nx  # 3\n", None, 1),
        ("print(2)  # a remark\n", "2\n", 0),
        ("print(2)\n", "3\n", 1),
        ("'a'  # b\nprint(1)", "2\n", 2),
    ],
)
def test_what_a_page_says_of_its_code_is_compared(code, printed, wrong):
    assert len(pages.run_python("page", pages.Block("python", code, 0, printed), {})) == wrong


def test_links_and_anchors_are_found_where_they_are_none_in_code(tmp_path):
    (tmp_path / "b.md").write_text("# A b: `c`\n```\n# d\n```\n# A b: c\n", encoding="utf-8")
    page = tmp_path / "a.md"
    page.write_text(
        "[x](b.md) [![y](none.svg)](b.md#a-b-c) [z](b.md#d) `[u](v)` [w](https://w) "
        "[2](b.md#a-b-c-1) [here](#there)\n# There\n",
        encoding="utf-8",
    )

    assert list(pages.dead_links(page)) == ["none.svg", "b.md#d"]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_python_of_a_page_runs_and_gives_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, Any] = {"__name__": __name__}  # where dataclasses look for their module
    wrong: list[str] = []
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        if ".plan(" in block.code and sg.engine == "python":
            block = replace(block, printed="no plan: ...")  # there is no machine to make one
        if block.language == "python":
            wrong += pages.run_python(page.name, block, names)

    assert wrong == []


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_commands_of_a_page_print_what_the_page_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        calls = pages.commands(block) if block.language == "sh" else []
        for call in calls:
            main(shlex.split(call)[1:])
        came = capsys.readouterr()
        if calls and block.printed is not None:
            assert pages.agrees(block.printed.strip(), (came.out + came.err).strip()), came


def test_readme_is_short_and_has_its_two_commands_once():
    text = README.read_text(encoding="utf-8")

    assert len(text.split()) <= 1100
    for word in ("graph.svg", "pytest"):
        assert len(re.findall(rf"^python3 -m pip .*{word}", text, re.MULTILINE)) == 1


def test_readme_leads_to_every_chapter_in_order_and_each_chapter_to_the_next():
    named = re.findall(r"\(examples/guide/([\w-]+\.md)\)", README.read_text(encoding="utf-8"))
    chapters = [page.name for page in CHAPTERS]

    assert list(dict.fromkeys(named)) == chapters
    for page, after in pairwise(CHAPTERS):
        last = page.read_text(encoding="utf-8").rstrip().rpartition("\n")[2]
        assert re.fullmatch(rf"Next: \[.*\]\({re.escape(after.name)}\)", last), page


def test_page_of_the_examples_names_every_script():
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    files = [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.ipynb")]

    assert [path.name for path in files if f"]({path.name})" not in text] == []


def cubed_twice(kind):
    x = kind(3.0)
    y = x * x * x
    y.backward()
    y.backward()
    return x.grad


@pytest.mark.parametrize(
    ("program", "theirs", "ours"),
    [
        (lambda kind: kind(1.0) == kind(1.0), False, True),
        (lambda kind: kind(2.0) in [kind(2.0)], False, True),
        (lambda kind: bool(kind(0.0)), True, TypeError),
        (lambda kind: setattr(kind(1.0), "name", "x"), None, AttributeError),
        (lambda kind: [v.data for v in (kind(2.0) * 3.0)._prev if v.data == 3.0], [3.0], []),
        (lambda kind: type((kind(2.0) * 3.0)._prev), set, tuple),
        (lambda kind: ((kind(2.0) * 3.0)._op, (kind(2.0) - 3.0)._op), ("*", "+"), ("mul", "sub")),
        (lambda kind: callable((kind(2.0) * 3.0)._backward), True, AttributeError),
        (lambda kind: kind(1.0, (), "x").data, 1.0, TypeError),
        (lambda kind: type(kind(3).data), int, float),
        (cubed_twice, 72.0, 54.0),
        (lambda kind: (1.0 / kind(0.0)).data, ZeroDivisionError, math.inf),
    ],
)
def test_micrograd_differs_where_the_guide_says_so(program, theirs, ours):
    micrograd = pytest.importorskip("micrograd.engine")

    for kind, result in ((micrograd.Value, theirs), (sg.Value, ours)):
        if isinstance(result, type) and issubclass(result, Exception):
            with pytest.raises(result):
                program(kind)
        else:
            assert program(kind) == result


def test_recipes_name_what_is_in_the_files_they_lead_to():
    page = ROOT / ".github" / "CONTRIBUTING.md"
    text = " ".join(page.read_text(encoding="utf-8").split())
    named = re.findall(r"`(\w+)` (?:in|of) \[`[^`]*`\]\(([^)]*)\)", text)

    assert len(named) > 3
    for name, path in named:
        assert re.search(rf"\b{name}\b", (page.parent / path).read_text(encoding="utf-8")), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    assert list(pages.dead_links(page)) == []


# -- names and docstrings -------------------------------------------------------------------


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


def test_reference_is_what_is_there():
    written = reference.PAGE.read_text(encoding="utf-8")

    assert written == reference.page(), "run python tests/helpers/reference.py"
    assert all(f"\n| `{name}" in written for name in sg.__all__)


FROM_ROWS = [
    name for name in sg.__all__
    if name in ROWS and not ROWS[name].by_hand and not ROWS[name].helper
]  # fmt: skip


@pytest.mark.parametrize("name", FROM_ROWS)
def test_function_of_a_row_shows_a_point_that_it_has(name):
    words = inspect.getdoc(getattr(sg, name))
    shown = doctest.DocTestParser().get_doctest(words, {}, name, None, 0)

    assert len(shown.examples) == 5, "a leaf, the call, the pass, and its numbers"
    assert doctest.DocTestRunner(verbose=False).run(shown).failed == 0


def test_help_of_the_package_begins_with_what_people_use():
    begin = pydoc.plain(pydoc.render_doc(sg)).split("PACKAGE CONTENTS")[0]
    used = set(re.findall(r"`(?:v\.)?(\w+)", begin)) - {"f"}

    assert len(used) > 20
    assert [name for name in used if not hasattr(sg, name) and not hasattr(sg.Value, name)] == []


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
