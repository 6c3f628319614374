"""A tape prints, draws and is checked."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import pytest
from replays import times

import scalargrad as sg
from scalargrad.tape.listing import written
from scalargrad.tape.tape import Tape, check


def test_tape_prints_as_one_would_write_it() -> None:
    w = sg.Value(0.5, label="slope")
    f = sg.compile(lambda x, y: sg.relu(w * x + 2.0 * y) if x > y else y)
    f(2.0, 1.0)
    text = str(f.tape).splitlines()
    assert text[0] == "<lambda>: 2 inputs, 1 captured, 4 lines, 1 guard"
    assert text[1:6] == [
        "  w0 = 0.5  # slope",
        "  v0 = mul(w0, x)",
        "  v1 = mul(2.0, y)",
        "  v2 = add(v0, v1)",
        "  v3 = relu(v2)",
    ]
    assert text[6].startswith("  guard x > y  # ")
    assert text[7] == "  return v3"
    assert repr(f.tape) == "Tape of <lambda>(2 inputs, 1 captured, 4 lines, 1 guard)"
    assert [line.op for line in f.tape.lines] == ["mul", "mul", "add", "relu"]
    check(f.tape)


def test_listing_leaves_out_what_is_too_much() -> None:
    ws = [sg.Value(float(i)) for i in range(1, 11)]

    @sg.compile(mode="fast")
    def f(x: Any) -> Any:
        for w in ws:
            x = x + w if x > 0.0 else x
        return x

    assert f(1.0) == 56.0
    text = written(f.tape, lines=4).splitlines()
    assert [line for line in text if "..." in line] == [
        "  ... and 2 more", "  ... 6 more lines", "  ... and 6 more guards",
    ]  # fmt: skip


def test_tape_draws_like_any_graph(tmp_path: Path) -> None:
    w = sg.Value(0.5, label="slope")
    f = sg.compile(lambda x, y: [sg.softmax([w * x, y, 2.0])[1], times(x, y.detach()), 3.0])
    f(2.0, 1.0)
    f.tape.draw().save(tmp_path / "tape.svg")
    text = (tmp_path / "tape.svg").read_text(encoding="utf-8")
    assert "slope" in text
    assert f"{f(2.0, 1.0)[0]:.4g}" in text
    f.tape.draw(1).save(tmp_path / "times.svg")
    assert "times" in (tmp_path / "times.svg").read_text(encoding="utf-8")
    assert w.grad == 0.0
    with pytest.raises(ValueError, match="draw wants an output that is computed"):
        f.tape.draw(2)


def test_checker_finds_what_is_no_tape() -> None:
    f = sg.compile(lambda x: x * x + 1.0)
    f(1.0)
    good = f.tape
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    for changed in (
        {"ops": bytes([99, 1])},
        {"ops": bytes([1])},
        {"inputs": 0},
        {"outputs": type(good.outputs)("I", [3 << 30 | 7])},
        {"operands": type(good.operands)("I", [3 << 30 | 1] * 4)},
    ):
        with pytest.raises(ValueError, match="tape: wants"):
            check(Tape(**{**fields, **changed}))


def test_a_long_tape_is_written_with_its_middle_left_out() -> None:
    def function(x: sg.Value) -> sg.Value:
        for _ in range(12):
            x = sg.sin(x)
        return x

    f = sg.compile(function)
    f(0.5)
    rows = written(f.tape, 5).splitlines()

    assert [row.split(" = ")[0].strip() for row in rows[1:-1]] == [
        "v0", "v1", "v2", "... 7 more lines", "v10", "v11",
    ]  # fmt: skip
    assert written(f.tape, 12).count(" = ") == 12
    assert "more lines" not in written(f.tape, 12)


def test_long_line_of_a_guard_is_cut_off_in_the_text_of_a_tape() -> None:
    line = f"    return x if x > 0.0 {'+ 0.0 ' * 30}else -x\n"
    linecache.cache["<long>"] = len(line), None, ["def f(x):\n", line], "<long>"
    names: dict[str, Any] = {}
    exec(compile(f"def f(x):\n{line}", "<long>", "exec"), names)

    f = sg.compile(names["f"])
    f(2.0)

    (written,) = (row for row in str(f.tape).splitlines() if "guard " in row)
    shown = written.partition("# ")[2]
    assert len(shown) == 100
    assert shown == f"<long>:2: {line.strip()}"[:97] + "..."
