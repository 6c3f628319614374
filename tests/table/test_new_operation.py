"""A new operation is one row and one command: tried in a copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import browser
import pytest
from rows import changed

from scalargrad.table import generate
from scalargrad.table.row import ROWS

open_page = browser.open_page

PACKAGE = Path(generate.__file__).parents[1]
ORACLES = PACKAGE.parent / "tests" / "helpers" / "oracles.py"

#: x/(1 + |x|): the recipe of CONTRIBUTING.md under a name that no real row has
ROW = """\
DAMPED = unary(
    "damped",
    forward="x / (1 + abs(x))",
    partials=("1 / ((1 + abs(x)) * (1 + abs(x)))",),
    shown=("1/(1+|x|)²",),
    doc="Squash any number into (-1, 1), slower than tanh.",
    domain="any x",
    sample=((-9, 9),),
)
"""
PAIR = """\
COSINE = many(
    "cosine",
    lists=2,
    forward="p = sum(x * y); a = sum(x * x); b = sum(y * y); p / sqrt(a * b)",
    partials=("y / sqrt(a * b) - z * x / a", "x / sqrt(a * b) - z * y / b"),
    written="Σ x·y / √(Σ x² · Σ y²)",
    shown=("y/√(Σx²·Σy²)−z·x/Σx²", "x/√(Σx²·Σy²)−z·y/Σy²"),
    doc="Take the cosine of the angle between two vectors.",
)
"""
#: prints what is there for the operations, and what they compute, to the last bit
REPORT = """
import inspect, json, scalargrad as sg
from scalargrad.table import to_javascript
from scalargrad.table.row import FUNCTIONS, ROWS

computed = []
for number in (-3.0, -0.1, 0.0, 1e-300, 0.7, 1e200):
    for call in (sg.damped, lambda x: x.damped(), sg.expression("damped(x)")):
        x = sg.Value(number)
        z = call(x)
        z.backward()
        computed.append((z.data.hex(), x.grad.hex()))
    assert sg.damped(number) == z.data
xs, ys = [sg.Value(1.0), sg.Value(-2.0)], [sg.Value(3.0), sg.Value(0.5)]
cosine = sg.cosine(xs, ys)
cosine.backward()
assert sg.cosine([1.0, -2.0], [3.0, 0.5]) == sg.expression("cosine([1, -2], [3, 0.5])")()
computed.append([cosine.data.hex(), *(x.grad.hex() for x in xs + ys)])
print(json.dumps({
    "engine": sg.engine,
    "computed": computed,
    "listed": sorted({"damped", "cosine"} & set(dir(sg)) & set(sg.__all__)),
    "parameters": [list(inspect.signature(f).parameters) for f in (sg.damped, sg.cosine)],
    "help": [inspect.getdoc(f) for f in (sg.damped, sg.Value.damped, sg.cosine)],
    "script": to_javascript.script(["damped"], ROWS, FUNCTIONS),
}))
"""


def ran(folder: Path, *command: str, engine: str = "python") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SCALARGRAD_ENGINE": engine, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


def rewritten(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package and of the oracles, without what was compiled."""
    compiled = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "files")
    shutil.copytree(PACKAGE, tmp_path / "scalargrad", ignore=compiled)
    (tmp_path / "tests" / "helpers").mkdir(parents=True)
    shutil.copy(ORACLES, tmp_path / "tests" / "helpers")
    return tmp_path


@pytest.fixture
def extended(copy: Path) -> Path:
    """The copy after a row of one operand and one of two lists were added."""
    ops = copy / "scalargrad" / "table" / "ops.py"
    rewritten(ops, "SILU = unary(", f"{ROW}SILU = unary(")
    rewritten(ops, "MEAN = many(", f"{PAIR}MEAN = many(")
    done = ran(copy, "-m", "scalargrad.table")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-4:] == [
        "the native engine must be built from it: python3 -m pip install -e . in the checkout",
        "cosine: no sample in its row, the range of each operand in which tests draw",
        "damped: no oracle in tests/helpers/oracles.py yet",
        "cosine: no oracle in tests/helpers/oracles.py yet",
    ]
    return copy


def build_core(folder: Path) -> None:
    """Compile the nodes of the native engine, quickly and without the machine."""
    native, include = folder / "scalargrad" / "_native", sysconfig.get_path("include")
    linker = (sysconfig.get_config_var("LDSHARED") or "").split()
    if not linker or not shutil.which(linker[0]) or not Path(include, "Python.h").exists():
        pytest.skip("no C compiler, or no headers of Python")
    target = native / f"_core{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-O0", "-fPIC", "-ffp-contract=off", "-fvisibility=hidden", f"-I{include}"]
    sources = sorted(map(str, native.glob("*.c")))
    subprocess.run([*linker, *flags, *sources, "-o", str(target), "-lm"], check=True)


def report(folder: Path, engine: str) -> dict:
    done = ran(folder, "-c", REPORT, engine=engine)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_files_are_what_the_table_says():
    for path, text in generate.files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run python -m scalargrad.table"


def test_nothing_is_missing_or_refused():
    assert generate.refused() == generate.missing() == []


@pytest.mark.parametrize("column", ["on_values", "kink", "side"])
@pytest.mark.parametrize("name", ["tanh", "mean"])
def test_what_a_row_states_for_graphs_is_in_the_language_of_formulas(monkeypatch, name, column):
    stated = ("magnitude(x)",) if column == "on_values" else "magnitude(x)"
    monkeypatch.setitem(ROWS, name, changed(ROWS[name], **{column: stated}))

    assert generate.refused() == [f"{name}: not a formula: magnitude(x)"]


def test_new_row_becomes_method_function_export_words_and_javascript(extended, open_page):
    found = report(extended, "python")

    assert found["listed"] == ["cosine", "damped"]
    assert found["parameters"] == [["x"], ["xs", "ys"]]
    assert found["help"][0].startswith(found["help"][1])  # a function shows a point, too
    assert found["help"][0].endswith("\n(0.333333, 0.444444)")
    assert "\n>>> z = sg.cosine([x, y], [2.0, 0.5])\n" in found["help"][2]
    assert "Maths: z = x / (1 + abs(x)), dz/dx = 1/(1+|x|)²" in found["help"][0]
    assert "Raises: `ValueError` where the lengths differ." in found["help"][2]
    assert found["computed"][0] == [(-0.75).hex(), (0.0625).hex()]
    with open_page("<p>") as visit:
        computed = visit.page.evaluate(f"(() => {{{found['script']}"
                                       "return ROWS.damped.step(-3); })()")  # fmt: skip
    assert computed == [-0.75, [0.0625]]


def test_new_row_is_known_to_a_type_checker(extended):
    text = (extended / "scalargrad" / "functions" / "elementary.py").read_text(encoding="utf-8")
    assert "\ndamped: Unary = unary(ops.DAMPED, 0.5, 0.333333, 0.444444)\n" in text
    assert "\ncosine: Pairing = pairing(ops.COSINE, 1.0, 3.0, 0.536875, " in text
    text = (extended / "scalargrad" / "core" / "arithmetic.py").read_text(encoding="utf-8")
    assert "\n    def damped(self) -> Self: return self._unary(ops.DAMPED, self)\n" in text


def test_new_row_has_the_same_bits_in_both_engines(extended):
    build_core(extended)

    native, python = report(extended, "native"), report(extended, "python")

    assert (native.pop("engine"), python.pop("engine")) == ("native", "python")
    assert native == python


def test_command_writes_nothing_when_run_again_and_the_same_without_the_package(extended):
    before = {path: path.read_bytes() for path in extended.rglob("*.py")}

    again, alone = ran(extended, "-m", "scalargrad.table"), ran(extended, "scalargrad/table")

    assert "changed" not in again.stdout
    assert again.stdout == alone.stdout
    assert {path: path.read_bytes() for path in extended.rglob("*.py")} == before


def test_row_that_is_taken_away_again_leaves_nothing_behind(extended):
    ops = extended / "scalargrad" / "table" / "ops.py"
    rewritten(ops, ROW, "")
    rewritten(ops, PAIR, "")
    assert ran(extended, "-m", "scalargrad.table").returncode == 1  # it cannot be imported

    done = ran(extended, "scalargrad/table")

    assert (done.returncode, done.stderr) == (0, "")
    for path in generate.files():
        copied = extended / "scalargrad" / path.relative_to(PACKAGE)
        assert copied.read_bytes() == path.read_bytes()


def test_row_that_is_no_formula_is_refused_in_a_sentence_and_nothing_is_written(copy):
    ops = copy / "scalargrad" / "table" / "ops.py"
    rewritten(ops, "SILU = unary(", f"{ROW.replace('abs(x)))', 'magnitude(x)))')}SILU = unary(")

    refused_and_nothing_written(copy, "damped: not a formula: magnitude(x)")


def test_file_without_its_comments_is_refused_in_a_sentence_and_nothing_is_written(copy):
    rewritten(copy / "scalargrad" / "math.py", "# == end of imports\n", "")

    refused_and_nothing_written(
        copy,
        "math.py must have the lines '# == written from the table: imports', '# == end of imports'",
    )


def refused_and_nothing_written(copy, words):
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}

    done = ran(copy, "scalargrad/table")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{words}\n"
    after = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert {path: text for path, text in after.items() if path.suffix != ".pyc"} == before
