"""What a picture says: values, gradients, branches, folding, and that text stays text."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from figures import FIGURES, hairball

import scalargrad as sg
from scalargrad.core.whole_files import write_whole
from scalargrad.drawing.options import view
from scalargrad.drawing.words.text import harmless, number, width

GOLDEN = Path(__file__).parent / "golden"
ELEMENTS = {"svg", "desc", "rect", "path", "polygon", "circle", "text", "tspan"}
RED = "#e00000"


def texts(svg: str, colour: str | None = None) -> list[str]:
    root = ET.fromstring(svg)
    return [
        "".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")
        if colour is None or node.get("fill") == colour
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["svg", "dot"])
@pytest.mark.parametrize("name", FIGURES)
def test_picture_equals_its_golden_file(name: str, suffix: str, tmp_path: Path) -> None:
    made = tmp_path / f"{name}.{suffix}"
    sg.draw(FIGURES[name]()).save(made)
    golden = GOLDEN / made.name
    if os.environ.get("SCALARGRAD_UPDATE_GOLDEN"):
        golden.write_bytes(made.read_bytes())
    assert made.read_text("utf-8") == golden.read_text("utf-8")


def test_picture_has_the_same_bytes_in_every_process() -> None:
    code = (
        "import scalargrad as sg; x, y = sg.values(x=1, y=2); g = (x + y) * x * y;"
        "g.backward(); print(sg.draw(g).svg)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed,
                                               "PYTHONIOENCODING": "utf-8"},
            capture_output=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1


def test_red_numbers_are_the_gradients_of_the_book() -> None:
    svg = sg.draw(FIGURES["fruit"]()).svg
    red = sorted(texts(svg, RED))
    assert red == sorted(["1", "1.1", "1.1", "1.1", "2.2", "110", "3.3", "165", "650"])


def test_picture_has_no_red_before_backward() -> None:
    x, y = sg.values(x=2, y=3)
    assert RED not in sg.draw(x * y + x).svg
    assert RED not in sg.draw_dot(x * y + x).source


def test_picture_has_no_red_when_gradients_are_not_wanted() -> None:
    assert RED not in sg.draw(FIGURES["xyz"](), gradients=False).svg


def test_rightmost_red_number_is_the_upstream() -> None:
    x, y = sg.values(x=10, y=5)
    z = x * y
    z.backward(1.3)
    assert sorted(texts(sg.draw(z).svg, RED)) == ["1.3", "13", "6.5"]


def test_red_numbers_are_of_the_latest_pass_when_backward_ran_twice() -> None:
    x, y = sg.values(x=10, y=5)
    z = x * y
    z.backward()
    z.backward()
    assert x.grad == 10.0
    assert sorted(texts(sg.draw(z).svg, RED)) == ["1", "10", "5"]


def test_constant_has_a_forward_but_no_backward_arrow() -> None:
    (x,) = sg.values(x=3)
    y = x * 2
    y.backward()
    picture = sg.draw(y).picture
    assert sum(not line.backward for line in picture.arrows) == 3
    assert sum(line.backward for line in picture.arrows) == 2


def test_branch_shows_parts_on_forks_and_the_sum_on_the_stem() -> None:
    x, y = sg.values(x=3, y=5)
    z = x * y + x
    z.backward()
    drawing = sg.draw(z)
    assert len(drawing.picture.dots) == 1
    # upstream, both inputs of +, y; of x the two parts 5 and 1 and their sum 6
    assert sorted(texts(drawing.svg, RED)) == ["1", "1", "1", "3", "5", "6"]


def test_square_has_two_lanes() -> None:
    drawing = sg.draw(FIGURES["square"]())
    assert len(drawing.picture.dots) == 1
    assert sorted(texts(drawing.svg, RED)) == ["1", "3", "3", "6"]
    assert sum(not line.backward for line in drawing.picture.arrows) == 4


def test_label_of_a_value_between_stands_before_its_number() -> None:
    x, y, z = sg.values(x=1, y=3, z=-3)
    p = x + y
    p.label = "p"
    assert "p = 4" in texts(sg.draw(p * z).svg)
    assert texts(sg.draw(p * p).svg).count("p = 4") == 1  # on the stem, not on each fork


def test_large_graph_is_folded_and_says_so() -> None:
    drawing = sg.draw(hairball(400), max_nodes=50)
    assert len(drawing.picture.shapes) <= 50
    note = next(text for text in texts(drawing.svg) if "folded" in text)
    assert re.fullmatch(r"dashed: \d+ earlier nodes are folded; max_nodes= shows more", note)
    assert any(shape.dashed for shape in drawing.picture.shapes)


def test_folded_count_and_drawn_count_add_up() -> None:
    x = sg.Value(1.0, "x")
    total = x
    for _ in range(300):
        total = total + x
    note = next(text for text in texts(sg.draw(total, max_nodes=10).svg) if "folded" in text)
    shown = 10
    assert int(note.split()[1]) == 301 - shown


def test_million_nodes_are_drawn_bounded() -> None:
    total = sg.Value(1.0)
    for _ in range(200_000):
        total = total + 1.0
    note = next(text for text in texts(sg.draw(total).svg) if "folded" in text)
    assert "more than 99," in note


def test_sum_of_too_many_terms_still_shows_its_symbol() -> None:
    drawing = sg.draw(sg.sum([sg.Value(1.0) for _ in range(300)]))
    assert [shape.dashed for shape in drawing.picture.shapes] == [True]
    assert "Σ" in texts(drawing.svg)


@pytest.mark.parametrize("build", [lambda a, b: a - b, lambda a, b: a / b, lambda a, b: a**b])
def test_first_operand_enters_on_top_where_the_order_matters(
    build: Callable[[sg.Value, sg.Value], sg.Value],
) -> None:
    a, b = sg.values(a=3, b=2)
    left, right = build(a, b), build(b, a)
    for value, node, first in ((left + 0 * right, left, "3"), (right, right, "2")):
        picture = sg.draw(value).picture
        vertices = view("draw", value).graph.vertices
        about = next(f"n{place}" for place, vertex in enumerate(vertices) if vertex.node is node)
        circle = next(shape for shape in picture.shapes if shape.about == about)
        tips = sorted(
            (line.head[1][1], line.points[0]) for line in picture.arrows
            if math.hypot(line.head[1][0] - circle.x, line.head[1][1] - circle.y) < 18.5
        )  # fmt: skip
        top = tips[0][1]
        label = min(
            (text for text in picture.texts if text.style == "forward"),
            key=lambda text: math.hypot(text.x - top[0], text.y - top[1]),
        )
        assert label.content == first


def test_red_numbers_are_of_the_root_that_is_drawn_when_another_pass_came_later() -> None:
    x, y = sg.values(x=3, y=5)
    h = x * y
    a, b = h * 2.0, h * 3.0
    a.backward()
    b.backward()
    assert sorted(texts(sg.draw(a).svg, RED)) == sorted(["1", "2", "10", "6"])


def test_single_leaf_can_be_drawn() -> None:
    assert texts(sg.draw(sg.Value(2.0, "x")).svg) == ["x", "2"]


@pytest.mark.parametrize(
    "label",
    ["</svg><svg onload=alert(1)>", "a\x00b", "\ud800", "&amp;", '"\'', "\u202eabc", "x" * 100_000,
     "]]>", "<!--", "javascript:alert(1)", "\n", "%s{}\\N\\G"],
)  # fmt: skip
def test_hostile_label_stays_text(label: str, tmp_path: Path) -> None:
    x = sg.Value(1.0, label=label)
    y = x * x
    y.label = label
    y.backward()
    drawing = sg.draw(y, title=label)
    root = ET.fromstring(drawing.svg)
    assert {node.tag.rpartition("}")[2] for node in root.iter()} <= ELEMENTS
    assert not any(
        name.startswith("on") or "href" in name for node in root.iter() for name in node.attrib
    )
    assert max(len(text) for text in texts(drawing.svg)) <= 200
    drawing.save(tmp_path / "a.svg")
    drawing.save(tmp_path / "a.dot")
    drawing.save(tmp_path / "a.html")


def test_notebook_shows_the_picture_by_itself() -> None:
    drawing = sg.draw(FIGURES["xyz"]())
    assert drawing._repr_mimebundle_() == {
        "image/svg+xml": drawing.svg, "text/plain": repr(drawing),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("suffix", "magic"),
    [(".svg", b"<svg"), (".png", b"\x89PNG"), (".pdf", b"%PDF"), (".dot", b"digraph"),
     (".html", b"<!doctype html>"), (".tex", b"% A picture"), (".typ", b"// A picture")],
)  # fmt: skip
def test_save_writes_the_format_of_the_suffix(suffix: str, magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"g{suffix}"
    sg.draw(FIGURES["fruit"]()).save(path)
    assert path.read_bytes().startswith(magic)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["g.gif", "g", "missing/g.svg", "a\x00.svg", ""])
def test_save_refuses_in_one_sentence_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(sg.ScalargradError) as caught:
        sg.draw(FIGURES["xyz"]()).save(os.path.join(tmp_path, name) if name else name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("save: ")
    assert list(tmp_path.iterdir()) == []


def test_save_keeps_the_old_file_when_encoding_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "g.png"
    path.write_bytes(b"old")
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[pictures\]"'):
        sg.draw(FIGURES["xyz"]()).save(path)
    assert path.read_bytes() == b"old"


def test_write_removes_its_temporary_file_when_renaming_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: str, target: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(sg.ScalargradError, match="Permission denied"):
        write_whole("save", tmp_path / "g.svg", b"text")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "error"),
    [({"max_nodes": 0}, ValueError), ({"digits": "6"}, TypeError), ({"title": 3}, TypeError),
     ({"max_nodes": True}, TypeError)],
)  # fmt: skip
def test_draw_refuses_an_option(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match="draw: "):
        sg.draw(sg.Value(1.0), **options)


@pytest.mark.parametrize("value", [1.0, None, "x", [1.0]])
def test_draw_refuses_what_is_not_a_value(value: object) -> None:
    with pytest.raises(TypeError, match="draw: wants a Value"):
        sg.draw(value)


@pytest.mark.parametrize("name", FIGURES)
def test_dot_source_renders_with_real_graphviz(name: str) -> None:
    if shutil.which("dot") is None:
        assert not os.environ.get("CI"), "CI must have Graphviz"
        pytest.skip("Graphviz's program dot is not installed; sg.draw needs no such program")
    svg = sg.draw_dot(FIGURES[name]()).pipe(format="svg").decode()
    drawn = {title.text for title in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}title")}
    assert any("->" in title for title in drawn)


def test_dot_has_black_forward_and_red_backward_edges() -> None:
    source = sg.draw_dot(FIGURES["xyz"]()).source
    red = [line for line in source.splitlines() if RED in line]
    assert len(red) == 5
    assert all("constraint=false" in line for line in red)
    assert sum("->" in line for line in source.splitlines()) == 10


def test_dot_label_never_becomes_markup() -> None:
    x = sg.Value(1.0, label="<b>bold</b>")
    y = x * 2
    y.label = 'a"b\\N'
    source = sg.draw_dot(y).source
    assert 'label="<b>bold</b>"' in source
    assert 'label="a\\"b\\\\N"' in source


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3.3000000000000003, "3.3"), (220.00000000000003, "220"), (-0.0, "0"), (-12.0, "−12"),
     (1e6, "10⁶"), (123456.0, "123456"), (1.5e-10, "1.5×10⁻¹⁰"), (float("nan"), "nan"),
     (float("inf"), "∞"), (float("-inf"), "−∞"), (0.1 + 0.2, "0.3"), (-1e-7, "−10⁻⁷"),
     (1234567.0, "1.23457×10⁶"), (-123456789.0, "−1.23457×10⁸"), (1e300, "10³⁰⁰")],
)  # fmt: skip
def test_number_is_short(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(1000.0, 2, "1000"), (1234.0, 2, "1200"), (-99950.0, 3, "−100000"), (999999.0, 3, "10⁶"),
     (1234567.0, 2, "1.2×10⁶"), (12.5, 1, "10"), (0.00123, 2, "0.0012"), (1e9, 12, "1000000000")],
)  # fmt: skip
def test_number_has_zeros_rather_than_a_small_power(value: float, digits: int, shown: str) -> None:
    assert number(value, digits) == shown


def test_width_counts_full_width_characters_as_one_em() -> None:
    assert width("りんご", 10.0) == 30.0
    assert width("e\u0301", 10.0) == width("e", 10.0)


def test_small_digits_are_set_by_hand() -> None:
    x = sg.Value(2.0, label="x₁₂")
    y = x**2
    y.label = "y²"
    svg = sg.draw(y).svg
    assert re.search(
        r'<tspan [^>]*italic">x</tspan><tspan [^>]*font-size="11.2">12</tspan></text>', svg
    )
    assert re.search(
        r'<tspan [^>]*italic">y</tspan><tspan [^>]*font-size="11.2">2</tspan></text>', svg
    )


def test_harmless_caps_the_length() -> None:
    assert len(harmless("x" * 500)) == 200
    assert harmless("x" * 200) == "x" * 200


def test_gradient_that_is_zero_is_drawn_when_it_was_computed() -> None:
    x, y = sg.values(x=-1, y=2)
    h = x * y
    h.relu().backward()
    assert texts(sg.draw(h).svg, RED) == ["0", "0", "0"]


def test_picture_has_no_red_when_only_a_part_of_the_graph_was_differentiated() -> None:
    x, y = sg.values(x=1, y=2)
    h = x * y
    h.backward()
    assert RED not in sg.draw(h * 3.0).svg


def test_picture_has_no_red_after_zero_grad_of_the_result() -> None:
    x, y = sg.values(x=1, y=2)
    h = x * y
    h.backward()
    sg.zero_grad([x, h])
    assert (x.grad, h.grad) == (0.0, 0.0)
    assert RED not in sg.draw(h).svg


@pytest.mark.parametrize("symbols", [False, True, "both"])
def test_one_over_x_is_a_node_of_one_operand(symbols: bool | str) -> None:
    (x,) = sg.values(x=4)
    y = 1 / x
    y.label = "y"
    y.backward()

    drawing = sg.draw(y, symbols=symbols)

    assert [text.content for text in drawing.picture.texts if text.style == "symbol"] == ["/"]
    assert len([line for line in drawing.picture.arrows if not line.backward]) == 2
    assert "1" not in [text.content for text in drawing.picture.texts if text.style == "forward"]
    assert sg.draw_dot(y, symbols=symbols).source.count("arrowhead=empty") == 2
    assert "upstream × −y² = 1 × −0.0625" in sg.draw(y, exercise="backward").answer_sheet
    unnamed = 1 / x
    unnamed.backward()
    assert "(z is its own output)" in sg.draw(unnamed, exercise="backward").answer_sheet


def test_other_divisions_keep_their_numerator() -> None:
    x, one = sg.values(x=4, one=1)

    for y in (2 / x, one / x, x / 1, sg.record(1.0, [x], [1.0], op="div")):
        lines = sg.draw(y).picture.arrows
        assert len(lines) == (3 if len(y.operands) == 2 else 2)
