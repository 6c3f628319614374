"""Every example runs as a user runs it, and prints the numbers it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def start(name, folder, *arguments):
    """Run an example in a folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def run(name, folder, *arguments):
    """Run an example in a folder and return what it printed."""
    done = start(name, folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def number(pattern, text):
    return float(re.search(pattern, text, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two_apples", [
            "price 220", "one yen more for an apple: 2.2", "one apple more: 110",
            "a tax of 100 % more: 200",
        ]),
        ("apples_and_oranges", [
            "price 715", "d price / d apple = 2.2", "d price / d apples = 110",
            "d price / d orange = 3.3", "d price / d oranges = 165", "d price / d tax = 650",
        ]),
        ("softmax_with_loss", [
            "one node: loss 1.6094, y - t = 0.3000 -0.8000 0.5000",
            "by steps: loss 1.6094, y - t = 0.3000 -0.8000 0.5000",
        ]),
        ("fill_in", [
            "  1           1.1   ×: upstream × the other operand = 1 × 1.1 = 1.1",
            "  2           650   ×: upstream × the other operand = 1 × 650 = 650",
            "  3           1.1   +: upstream, unchanged = 1.1",
            "  4           1.1   +: upstream, unchanged = 1.1",
            "  5           3.3   ×: upstream × the other operand = 1.1 × 3 = 3.3",
            "  6           165   ×: upstream × the other operand = 1.1 × 150 = 165",
            "  7           2.2   ×: upstream × the other operand = 1.1 × 2 = 2.2",
            "  8           110   ×: upstream × the other operand = 1.1 × 100 = 110",
            "",
            "7 of 8 right",
            *(f"  {box}  {answer:>12}   right"
              for box, answer in enumerate(["1.1", "650", "1.1", "1.1", "3.3", "165", "2.2"], 1)),
            "  8           100   not right; ×: upstream × the other operand = 1.1 × 100 = 110",
        ]),
        ("xyz", ["g = -12", "dg/dx = -3", "dg/dy = -3", "dg/dz = 4"]),
    ],
)  # fmt: skip
def test_worked_examples_print_the_sources_numbers_and_draw(name, lines, tmp_path):
    assert run(name, tmp_path).splitlines() == lines
    drawn = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == (EXAMPLES / "pictures" / f"{name}.svg").read_text(encoding="utf-8")


def test_opened_and_folded_prints_the_numbers_and_draws_both(tmp_path):
    lines = run("opened_and_folded", tmp_path).splitlines()

    assert lines[0] == "y = 0.622459, dy/dx = 0.235004 = y(1 - y) = 0.235004"
    assert lines[1].startswith("39760 parameters, loss 2.3")
    for name in ("sigmoid_opened.svg", "network_folded.svg"):
        drawn = (tmp_path / name).read_text(encoding="utf-8")
        assert drawn == (EXAMPLES / "pictures" / name).read_text(encoding="utf-8")


def test_walk_through_writes_a_page(tmp_path):
    assert run("walk_through", tmp_path) == "walk_through.html: 14 steps\n"
    page = (tmp_path / "walk_through.html").read_text(encoding="utf-8")
    assert "<h1>Two apples and three oranges</h1>" in page


def test_two_moons_learns_every_point(tmp_path):
    out = run("two_moons", tmp_path)

    assert number(r"^(\d+) parameters$", out) == 337
    assert number(r"^loss (.*)$", out) < 0.05
    assert number(r"^accuracy (.*)$", out) == 1.0
    for name in ("two_moons.png", "two_moons_history.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_iris_names_held_out_flowers(tmp_path):
    out = run("iris", tmp_path)

    assert "120 flowers learnt, 30 kept" in out
    assert number(r"^training accuracy (.*)$", out) >= 0.93
    assert number(r"^test accuracy (.*)$", out) >= 0.93


def test_digits_reads_held_out_images(tmp_path):
    out = run("digits", tmp_path)

    assert "2410 parameters, 1438 images learnt, 359 kept" in out
    assert number(r"^test accuracy (.*)$", out) >= 0.93


def test_gradient_check_agrees_for_every_key(tmp_path):
    out = run("gradient_check", tmp_path)

    assert [line.partition(":")[0] for line in out.splitlines()] == ["W1", "b1", "W2", "b2"]
    for key in ("W1", "b1", "W2", "b2"):
        assert 0.0 < number(f"^{key}: (.*)$", out) < 1e-6


def test_recurrent_learns_through_time(tmp_path):
    out = run("recurrent", tmp_path)

    exact, numerical = number(r"^through time (.*),", out), number(r"by differences (.*)$", out)
    assert exact == pytest.approx(numerical, abs=1e-7)
    assert exact != 0.0
    assert number(r"-> (.*)$", out) < number(r"^training loss (.*) ->", out) / 20
    assert number(r"^test loss (.*);", out) < number(r"no change (.*)$", out) / 10


def test_tiny_gpt_learns_and_makes_up_names(tmp_path):
    out = run("tiny_gpt", tmp_path, "60")

    assert number(r", (\d+) parameters, ", out) == 4096
    names = re.search("^new names: (.*)$", out, re.MULTILINE)[1].split()
    assert names
    assert all(name.isalpha() and name.islower() and len(name) < 11 for name in names)
    assert number(r"-> (.*)$", out) < number(r"^loss (.*) ->", out) - 0.5


@pytest.mark.parametrize("arguments", [["x"], ["0"], ["1", "2"]])
def test_tiny_gpt_refuses_a_wrong_number_of_steps_in_one_line(tmp_path, arguments):
    done = start("tiny_gpt", tmp_path, *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("tiny_gpt: steps must be one whole number")


def test_every_example_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")

    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.stem}"' in tested
