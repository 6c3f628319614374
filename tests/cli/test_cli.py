"""The command line: what it prints, writes and refuses, in a process of its own and in this one."""
# ruff: noqa: E501 (an expected sentence stays on one line, where a search finds it)

from __future__ import annotations

import importlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scalargrad as sg
import scalargrad._python
from scalargrad import drawing
from scalargrad._engine import why
from scalargrad.calculus.differences import compare
from scalargrad.cli import main as cli
from scalargrad.cli.report import WIDTH
from scalargrad.table import ops
from scalargrad.table.row import ROWS

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "scalargrad", *arguments],
        capture_output=True, env={**ENVIRONMENT, **environment}, timeout=60,
    )  # fmt: skip


@pytest.fixture
def main(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command line here; gives status, standard output and standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(list(arguments))
        return (status, *capsys.readouterr())

    return call


# -- the report ------------------------------------------------------------------------------

BOOK = """\
g = (x + y) * z

name  value  gradient
x       1.0      -3.0
y       3.0      -3.0
z      -3.0       4.0
g     -12.0       1.0

forward
  v1 = x + y  =   4.0
  g  = v1 * z = -12.0

chain rule, from the result back: upstream * partial
  dg/dg = 1.0
  g = v1 * z
    dg/dv1 = dg/dg * z  =  1.0 * -3.0 = -3.0
    dg/dz  = dg/dg * v1 =  1.0 *  4.0 =  4.0
  v1 = x + y
    dg/dx  = dg/dv1 * 1 = -3.0 *  1.0 = -3.0
    dg/dy  = dg/dv1 * 1 = -3.0 *  1.0 = -3.0
"""


def test_command_prints_values_gradients_and_every_step():
    done = run("(x + y) * z", "x=1", "y=3", "z=-3")

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("ascii").replace(os.linesep, "\n") == BOOK


def test_command_adds_the_parts_of_a_value_used_several_times(main):
    _, out, _ = main("x*x + x", "x=3")

    assert out.endswith("""\
  dg/dg = 1.0
  g = v1 + x
    dg/dv1  = dg/dg * 1  = 1.0 * 1.0 = 1.0
    dg/dx  += dg/dg * 1  = 1.0 * 1.0 = 1.0
  v1 = x * x
    dg/dx  += dg/dv1 * x = 1.0 * 3.0 = 3.0
    dg/dx  += dg/dv1 * x = 1.0 * 3.0 = 3.0
    dg/dx = 1.0 + 3.0 + 3.0 = 7.0
""")


def test_command_takes_the_upstream_gradient_and_a_name_for_the_result(main):
    status, out, _ = main("z = x * y", "x=10", "y=5", "--upstream", "1.3")

    assert status == 0
    assert out.startswith("z = x * y\n")
    assert "  dL/dz = 1.3 (given)\n" in out
    assert "    dL/dx = dL/dz * y = 1.3 *  5.0 =  6.5\n" in out
    assert "    dL/dy = dL/dz * x = 1.3 * 10.0 = 13.0\n" in out


@pytest.mark.parametrize("upstream", [["--upstream", "-1.3"], ["--upstream=-13e-1"]])
def test_command_takes_a_negative_upstream(main, upstream):
    assert "dL/dx = dL/dg * 2 = -1.3 * 2.0 = -2.6" in main("x * 2", "x=1", *upstream)[1]


def test_command_keeps_to_the_width_of_a_terminal(main):
    _, out, _ = main("loss = (tanh(w*x + b) - t)**2 / 3", "w=0.1", "x=2", "b=1/3", "t=1", "--check")

    assert max(map(len, out.splitlines())) <= WIDTH
    assert "  dloss/dloss = 1.0\n" in out


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["-x**2", "x=3"], ["g = -x**2", "x       3.0      -6.0"]),
        (["--x", "x=3"], ["g = --x", "x       3.0       1.0"]),
        (["-omega * t", "omega=1", "t=2"], ["g = -omega * t", "omega    1.0      -2.0"]),
        (["-o*h", "o=1", "h=2"], ["g = -o*h", "o       1.0      -2.0"]),
        (["--upstream=2", "--chek", "chek=1"], ["g = --chek", "  dL/dg = 2.0 (given)"]),
        (["--", "--check", "check=3"], ["g = --check", "check    3.0       1.0"]),
        (["--", "--x", "x=3"], ["g = --x", "x       3.0       1.0"]),
        (["x + x", "x=2", "--"], ["x       2.0       2.0"]),
        (["-3"], ["g = -3", "g      -3.0"]),
        (["1/0"], ["g       inf"]),
        (["x", "x=3"], ["g = x", "x       3.0       1.0", "g       3.0       1.0"]),
        (["g*f", "g=1", "f=2"], ["h = g*f", "h       2.0       1.0"]),
        (["e*x", "x=2", "e=3"], ["e       3.0       2.0"]),
        (["e*x", "x=1"], ["e     2.718281828459045"]),
        (["where(x > 0, 1, 2)", "x=1"], ["x       1.0       0.0", "g       1.0"]),
        (["where(x > 0, x, y)", "x=1", "y=5"], ["y       5.0       0.0", "  g = where(1, x, 5) = 1.0"]),
        (["x/y", "x=1/3", "y=-0"], ["x        0.3333333333333333    -inf", "y       -0.0 "]),
        (["x\n+\n1", "x=pi/2"], ["g = x + 1"]),
        (["v1*x*2", "x=1", "v1=3"], ["  v2 = v1 * x = 3.0"]),
        (["L*x", "L=1", "x=2", "--upstream", "3"], ["  dloss/dg = 3.0 (given)"]),
    ],
)  # fmt: skip
def test_command_reads(main, arguments, lines):
    status, out, err = main(*arguments)

    assert (status, err) == (0, "")
    shown = {line.rstrip() for line in out.splitlines()}
    for line in lines:
        assert any(each.startswith(line) for each in shown), (line, out)


def test_command_shows_an_infinite_gradient_as_python_reads_it(main):
    _, out, _ = main("x**0.5 + 0*y", "x=0", "y=inf")

    numbers = re.findall(r"^[xyg] +(\S+) +(\S+)$", out, re.MULTILINE)
    assert [tuple(map(repr, map(float, pair))) for pair in numbers] == [
        ("0.0", "inf"), ("inf", "0.0"), ("nan", "1.0"),
    ]  # fmt: skip


@given(st.floats(), st.floats(), st.floats())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_command_prints_numbers_that_python_reads_back(capsys, x, y, upstream):
    values = sg.values(x=x, y=y)
    root = sg.expression("(x - y) * tanh(x) / y")(*values)
    root.backward(upstream)

    status = cli.main(["(x - y) * tanh(x) / y", f"x={x!r}", f"y={y!r}", f"--upstream={upstream!r}"])

    rows = re.findall(r"^[xyg] +(\S+) +(\S+)$", capsys.readouterr().out, re.MULTILINE)
    assert status == 0
    for row, value in zip(rows, (*values, root), strict=True):
        assert [repr(float(cell)) for cell in row] == [repr(value.data), repr(value.grad)]


def test_command_shows_names_beyond_ascii_as_escapes():
    done = run("θ * sin(ω)", "θ=2", "ω=0.5", PYTHONIOENCODING="ascii")

    assert done.returncode == 0
    assert b"    dg/d\\u03b8 = dg/dg * v1" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize(
    "text",
    ["+".join(["x"] * 5000), "*".join(["(x+y)"] * 1600), f"sum({','.join(['x', 'y'] * 2000)})"],
)
def test_command_bounds_its_report_of_a_huge_expression(main, text):
    status, out, _ = main(text, "x=0.5", "y=0.1") if "y" in text else main(text, "x=0.5")

    assert status == 0
    assert len(out.splitlines()) < 300
    assert max(map(len, out.splitlines())) < 300
    assert re.search(r"\.\.\. \d+ (steps left out|more)", out)


def test_command_lists_every_value_of_a_huge_expression(main):
    names = [f"a{i}" for i in range(1500)]

    _, out, _ = main("+".join(names), *(f"{name}=1" for name in names))

    assert re.findall(r"^(a\d+) +1\.0 +1\.0$", out, re.MULTILINE) == names
    assert "  ... 1459 steps left out" in out


@pytest.mark.parametrize(
    "name", ["cli", "expressions", "calculus", "drawing", "functions", "learning"]
)
def test_module_has_no_name_of_something_public(name):
    module = importlib.import_module(f"scalargrad.{name}")

    assert not hasattr(module, name)
    assert name not in sg.__all__


def test_version_names_the_engine():
    done = run("--version")

    assert done.returncode == 0
    reason = f"; {why}" if why else ""
    wanted = f"scalargrad {sg.__version__} (engine: {sg.engine}{reason})"
    assert " ".join(done.stdout.decode().split()) == wanted


def test_help_fits_a_terminal_and_lists_the_functions(main, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    status, out, _ = main("--help")

    assert status == 0
    assert max(map(len, out.splitlines())) <= WIDTH
    assert out.isascii()
    for word in ("--check", "--upstream", "sigmoid", "logsumexp", "EXPRESSION"):
        assert word in out


# -- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "an expression is wanted; got none; run scalargrad --help for examples"),
        ([""], "expression: the text is empty; write e.g. (x + y) * z"),
        (["x*y", "x=1"], "y: the expression needs a value; got none; add y=1"),
        (["x*y", "x=1", "y"], "values are written name=number; got 'y'; write e.g. x=1, after the expression, which stands in quotes"),
        (["x", "+", "y"], "values are written name=number; got '+'; write e.g. x=1, after the expression, which stands in quotes"),
        (["x", "2=3"], "values are written name=number; got '2=3'; write e.g. x=1, after the expression, which stands in quotes"),
        (["x*y", "x=1", "y=2", "z=3"], "z: the names of the expression are x, y; got 'z=3'; rename or remove it"),
        (["2", "z=3"], "z: the names of the expression are none; got 'z=3'; rename or remove it"),
        (["x", "x=1", "x=1"], "x: one value is wanted; got a second, 'x=1'; remove it"),
        (["x", "x=one"], "x: a number is wanted; got 'one'; write e.g. 1.5 or -1/3"),
        (["x", "x="], "x: a number is wanted; got ''; write e.g. 1.5 or -1/3"),
        (["x", "x=1=2"], "x: a number is wanted; got '1=2'; write e.g. 1.5 or -1/3"),
        (["x", "x=1\n2"], "x: a number is wanted; got '1\\n2'; write e.g. 1.5 or -1/3"),
        (["x", "x=1", "--upstream", "q"], "--upstream: a number is wanted; got 'q'; write e.g. 1.5 or -1/3"),
        (["x", "x=1", "--upstream"], "argument --upstream: expected one argument; run scalargrad --help for the options"),
        (["x", "x=1", "--chek"], "an option or name=number is wanted; got '--chek'; did you mean --check?"),
        (["--chek", "x*y", "x=1", "y=2"], "an option or name=number is wanted; got '--chek'; did you mean --check?"),
        (["x", "x=1", "--upsteam=3"], "an option or name=number is wanted; got '--upsteam=3'; did you mean --upstream?"),
        (["x", "x=1", "-og.svg"], "an option or name=number is wanted; got '-og.svg'; run scalargrad --help for them"),
        (["x", "-", "y", "x=1"], "values are written name=number; got '-'; write e.g. x=1, after the expression, which stands in quotes"),
        (["x = x + 1", "x=1"], "'x': the result needs a name of its own; got one that is in use; choose another"),
        (["max = x + 1", "x=1"], "'max': the result needs a name of its own; got one that is in use; choose another"),
        (["g = (x", "x=1"], "expression: the '(' at column 5 is not closed; add ')'"),
        (["x == 1", "x=1"], "expression: no comparison can be used here; got '==' at column 3; compare in where(x > 0, a, b) only"),
        (["x × y"], "expression: unknown character '\\xd7' at column 3; write * to multiply"),
        (["1 + 2", "-o", "g.svg"], "-o: '1 + 2' depends on no name here, so it has no graph; write e.g. 'x * 2' x=3"),
        (["g = 1", "--check"], "--check: '1' depends on no name here, so it has no graph; write e.g. 'x * 2' x=3"),
        (["dot([x], [])", "x=1"], "dot: both lists must be equally long; got 1 and 0 operands; check their shapes"),
    ],
)  # fmt: skip
def test_command_refuses_in_one_line_with_status_2(main, arguments, message):
    assert main(*arguments) == (2, "", f"scalargrad: {message}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["x" * 100_000], ["x", "=" * 50_000], ["x", "x=" + "9" * 50_000 + "z"], ["\ud800", "x=1"],
        ["(" * 5000], ["x", "\x1b[31m=1"], ["x\x1b", "x=1"], ["x", "x=1", "--\x1b[31m"],
    ],
)  # fmt: skip
def test_command_shows_hostile_arguments_short_and_harmless(main, arguments):
    status, out, err = main(*arguments)

    assert (status, out) == (2, "")
    assert err.isascii()
    assert len(err.splitlines()) == 1
    assert len(err) < 400
    assert "\x1b" not in err


@pytest.mark.parametrize("argument", ["x=" + "9" * 5000, "x=inf", "x=-1e400"])
def test_command_takes_numbers_beyond_the_doubles_as_infinite(main, argument):
    status, out, _ = main("x", argument)

    assert status == 0
    assert re.search(r"^x +-?inf +1\.0$", out, re.MULTILINE)


#: a run of each kind
RUNS = [
    ["x*y", "x=1", "y=2"],
    ["2*3"],
    ["x", "x=1", "--check"],
    ["x*y", "x=1", "y=2", "-o", "-"],
    ["x*y", "x=1", "y=2", "-o", "g.svg"],
    ["x*y", "x=1", "y=2", "--exercise", "backward"],
    ["--help"],
    ["--version"],
    ["x"],  # is refused anyway
]
CLOSED = "must be open; got a closed one; send it to a file, or to /dev/null"
FULL = r"cannot be written \(No space left on device\)"
#: what a shell does to the streams, whether Python keeps a buffer, and what is said then
STREAMS = [
    (">&-", "", CLOSED),
    ("<&- >&-", "", CLOSED),
    (">/dev/full", "", FULL),
    (">/dev/full", "1", FULL),
    ("<&- 1</dev/null", "1", r"cannot be written \(Bad file descriptor\)"),
]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(("streams", "unbuffered", "reason"), STREAMS)
def test_command_says_that_standard_output_cannot_be_written(tmp_path, streams, unbuffered, reason):
    for arguments in RUNS:
        done = subprocess.run(
            ["sh", "-c", f'"$0" -m scalargrad "$@" {streams}', sys.executable, *arguments],
            capture_output=True, timeout=60, cwd=tmp_path,
            env={**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip

        assert done.returncode == 2, arguments
        said = done.stderr.decode().replace("\n", "", 1)
        refused = arguments == ["x"] and re.match("scalargrad: x: the expression needs", said)
        assert refused or re.fullmatch(f"scalargrad: standard output {reason}", said)


@pytest.mark.parametrize("arguments", [RUNS[0], RUNS[3], RUNS[6]], ids=" ".join)
def test_command_says_that_nobody_reads_it(tmp_path, arguments):
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "scalargrad", *arguments],
        stdout=writing, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    os.close(writing)

    assert done.returncode == 2
    said = done.stderr.decode().strip()
    assert re.fullmatch(r"scalargrad: standard output cannot be written \(.*[Pp]ipe.*\)", said)


@pytest.mark.parametrize("streams", ["2>&-", "<&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_command_has_its_status_where_nothing_can_be_said(streams):
    for arguments, status in ((["x", "x=1"], 2 if ">&- 2" in streams else 0), (["x"], 2)):
        done = subprocess.run(
            ["sh", "-c", f'"$0" -m scalargrad "$@" {streams}', sys.executable, *arguments],
            capture_output=True, env=ENVIRONMENT, timeout=60,
        )  # fmt: skip

        assert (done.returncode, done.stderr) == (status, b"")
        assert bool(done.stdout) == (status == 0)


def test_command_refuses_a_closed_stream_in_this_process(monkeypatch, capsys):
    stream = io.StringIO()
    stream.close()
    for closed in (None, stream):
        monkeypatch.setattr(sys, "stdout", closed)

        assert cli.main(["x", "x=1"]) == 2
        assert "standard output must be open" in capsys.readouterr().err


def test_command_ends_with_130_when_interrupted(main, monkeypatch):
    def interrupt(arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupt)

    assert main("x", "x=1") == (130, "", "")


# -- the picture -----------------------------------------------------------------------------


def test_command_writes_the_picture_and_says_where(main, tmp_path):
    path = tmp_path / "graph.svg"

    status, out, _ = main("(x + y) * z", "x=1", "y=3", "z=-3", "-o", str(path))

    assert status == 0
    assert out == f"{BOOK}\npicture: {path}\n"
    assert path.read_text(encoding="utf-8").startswith("<svg")
    assert os.listdir(tmp_path) == ["graph.svg"]


def test_command_writes_nothing_but_svg_to_standard_output(tmp_path):
    path = tmp_path / "g.svg"

    done = run("g = x - y", "x=1", "y=3", "-o", "-", "--check")
    run("g = x - y", "x=1", "y=3", "-o", str(path))

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == path.read_bytes()


def test_command_writes_svg_where_standard_output_takes_text_only(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)

    assert cli.main(["x*y", "x=1", "y=2", "-o", "-"]) == 0
    assert stream.getvalue().startswith("<svg")


@pytest.mark.parametrize("name", ["graph.gif", "graph", "missing/graph.svg", ""])
def test_command_leaves_nothing_when_the_picture_cannot_be_written(main, tmp_path, name):
    status, out, err = main("x*y", "x=1", "y=2", "-o", str(tmp_path / name) if name else "")

    assert (status, out) == (2, "")
    assert err.startswith("scalargrad: save: ")
    assert len(err.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_command_draws_the_result_after_its_pass(main, monkeypatch):
    drawn = []

    def draw(value: Any, **options: Any) -> Any:
        drawn.append((value.label, value.grad))
        return SimpleNamespace(svg="<svg/>", save=lambda path: None)

    monkeypatch.setattr(drawing, "draw", draw)

    assert main("g = tanh(x)", "x=1", "--upstream", "2", "-o", "g.svg")[0] == 0
    assert drawn == [("g", 2.0)]


def test_command_labels_no_result_that_has_no_name(main, monkeypatch):
    labels = []
    made = SimpleNamespace(svg="", save=lambda path: None)
    monkeypatch.setattr(
        drawing, "draw", lambda value, **options: labels.append(value.label) or made
    )

    main("x * 2", "x=1", "-o", "g.svg")
    main("g = x", "x=1", "-o", "g.svg")

    assert labels == ["", "x"]


# -- the check -------------------------------------------------------------------------------


def test_check_shows_both_gradients(main):
    status, out, err = main("x**2 * y", "x=3", "y=0.5", "--check")

    assert (status, err) == (0, "")
    assert re.search(r"\ncheck, against central differences\nname +gradient +differences\n", out)
    for name, expected in (("x", 3.0), ("y", 9.0)):
        ours, theirs, verdict = re.findall(rf"^{name} +(\S+) +(\S+)  +(.*)$", out, re.MULTILINE)[-1]
        assert float(ours) == expected
        assert float(theirs) == pytest.approx(expected)
        assert verdict == "ok"


def test_exercise_draws_empty_boxes_and_prints_the_answers(main, tmp_path):
    path = tmp_path / "blank.svg"

    status, out, err = main(
        "g = (x + y) * z", "x=1", "y=3", "z=-3", "--exercise", "backward", "-o", str(path)
    )

    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "g = (x + y) * z",
        "",
        "box        answer   rule",
        "  1            -3   *: upstream * the other operand = 1 * -3 = -3",
        "  2             4   *: upstream * the other operand = 1 * 4 = 4",
        "  3            -3   +: upstream, unchanged = -3",
        "  4            -3   +: upstream, unchanged = -3",
        "",
        f"picture: {path}",
    ]
    assert path.read_text(encoding="utf-8") == sg.draw(_xyz(), exercise="backward").svg


def test_symbols_and_opened_operations_change_the_picture(main, tmp_path):
    path = tmp_path / "y.svg"

    status, _, err = main(
        "y = sigmoid(x)", "x=0.5", "--symbols", "--open", "sigmoid", "-o", str(path)
    )

    assert (status, err) == (0, "")
    x = sg.Value(0.5, label="x")
    y = sg.sigmoid(x)
    y.label = "y"
    y.backward()
    assert path.read_text(encoding="utf-8") == sg.draw(y, symbols=True, open="sigmoid").svg
    assert main("sigmoid(x)", "x=0.5", "--open=all", "--exercise=backward")[1].count("\n") == 7
    main("y = sigmoid(x)", "x=0.5", "--open=sigmoid", "--width=400", "-o", str(path))
    assert path.read_text(encoding="utf-8") == sg.draw(y, open="sigmoid", width=400).svg


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--symbols",), "--symbols: it changes the picture; got no file"),
        (("--open", "sigmoid"), "--open: it changes the picture; got no file"),
        (("--width", "500"), "--width: it changes the picture; got no file"),
        (("--width", "wide", "-o", "a.svg"), "--width: a number is wanted; got 'wide'"),
        (("--width", "5", "-o", "a.svg"), "width must be at least 300; got 5"),
        (("--open", "cosine", "-o", "a.svg"), "there is no operation 'cosine'"),
        (("--open", "add", "-o", "a.svg"), "'add' is not made of simpler operations"),
    ],
)
def test_symbols_and_open_are_refused_in_one_line(main, arguments, says):
    status, out, err = main("sigmoid(x)", "x=1", *arguments)

    assert (status, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_exercise_needs_no_picture_but_a_graph_and_a_kind(main):
    status, out, err = main("x * 2", "x=3", "--exercise=both")
    assert (status, err) == (0, "")
    assert "  1             6   *: 3 * 2 = 6" in out

    assert main("1 + 2", "--exercise", "forward")[0] == 2
    status, out, err = main("x * 2", "x=3", "--exercise", "sideways")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith('scalargrad: exercise: must be "backward", "forward" or "both"; got')


def _xyz():
    x, y, z = sg.values(x=1, y=3, z=-3)
    g = (x + y) * z
    g.label = "g"
    g.backward()
    return g


def test_check_ends_with_1_on_a_mismatch(main, monkeypatch):
    wrong = lambda x: (x**0.5, (2.5 * x,))  # noqa: E731
    monkeypatch.setitem(vars(ops.SQRT), "step", wrong)
    monkeypatch.setattr(cli, "Value", scalargrad._python.Value)  # it reads the row at every call

    status, out, err = main("sqrt(x) + y", "x=3", "y=1", "--check", "--upstream", "2")

    assert status == 1
    assert err == "scalargrad: --check: gradient and central differences disagree for x\n"
    assert re.search(r"^x +15\.0 +0\.577\d* +MISMATCH$", out, re.MULTILINE)
    assert re.search(r"^y +2\.0 +\S+ +ok$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "x", "verdict"),
    [
        ("abs(x)", "0", "kink"), ("relu(x)", "0", "kink"), ("max(x, 1)", "1", "kink"),
        ("where(x > 0, x, 2*x)", "0", "kink"), ("sqrt(x)", "0", "not finite"),
        ("1/x", "0", "not finite"), ("x", "inf", "not finite"), ("log(x)", "-1", "not finite"),
        ("abs(x)", "1e-9", "ok"), ("cbrt(x)", "1e-12", "ok"), ("sin(x)", "1e6", "ok"),
        ("exp(x)", "700", "ok"), ("x**2", "1e150", "ok"), ("x", "5e-324", "ok"),
    ],
)  # fmt: skip
def test_check_is_careful_at_kinks_and_edges(main, text, x, verdict):
    status, out, _ = main(text, f"x={x}", "--check")

    assert status == 0
    assert re.search(rf"^x .* {verdict}$", out, re.MULTILINE)
    assert (f"\n{verdict}: " in out) == (verdict != "ok")  # a note explains it


#: rows with numbers as operands; the partials of `numbered` are no slopes of it, and the digits of
#: `round` are no number that could be a little more
SLOPES = [
    r for r in ROWS.values()
    if r.sample and not hasattr(r, "lists") and r.name not in ("numbered", "round")
]  # fmt: skip


@pytest.mark.parametrize("row", SLOPES, ids=lambda r: r.name)
@given(data=st.data())
@settings(max_examples=25)
def test_differences_agree_with_every_row_and_with_no_other_slope(row, data):
    point = [round(data.draw(st.floats(low, high)), 3) for low, high in row.sample]
    _, partials = row.step(*point)

    agreeing = compare(row.value, point, partials)
    disagreeing = compare(
        row.value, point, [partial + 0.001 * (1 + abs(partial)) for partial in partials]
    )

    assert {found.verdict for found in agreeing} <= {"ok", "kink", "not compared", "not finite"}
    assert "ok" not in {found.verdict for found in disagreeing}


def test_command_refuses_an_engine_in_one_line():
    done = run("x * 2", "x=1", SCALARGRAD_ENGINE="rusty")

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().count("\n") == 1
    assert done.stderr.startswith(b"scalargrad: SCALARGRAD_ENGINE: ")


def test_import_raises_for_an_unknown_engine():
    done = subprocess.run(
        [sys.executable, "-c", "import scalargrad"],
        capture_output=True, env={**ENVIRONMENT, "SCALARGRAD_ENGINE": "rusty"},
    )  # fmt: skip

    assert done.returncode == 1
    assert b"EngineError: SCALARGRAD_ENGINE: must be python or native; got 'rusty'" in done.stderr
