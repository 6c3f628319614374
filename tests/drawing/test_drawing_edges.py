"""Pictures where something is unusual: numbers without end, borrowed names, what is cut off."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import itertools
import math
import re
import time
from collections.abc import Callable
from typing import Any

import browser
import pytest

import scalargrad as sg
from scalargrad.core import markup
from scalargrad.core.explanation import explanations
from scalargrad.core.modes import Scope, recording_in
from scalargrad.drawing.options import View, view
from scalargrad.drawing.page.live_graph import finite
from scalargrad.drawing.select import survey
from scalargrad.drawing.words import text
from scalargrad.drawing.words.algebra import constant, name, settled, total
from scalargrad.drawing.words.writing import write
from scalargrad.table.row import ROWS

open_page = browser.open_page

Red = dict[str, list[str | None]]


def seen_labels(seen: View) -> Red:
    """Return, by the forward text of what flows, its gradient and the parts that come back."""
    found: Red = {}
    for flow in seen.graph.flows:
        stem = seen.wording.flow(flow)
        found[stem.forward] = [
            stem.backward,
            *(seen.wording.use(use).backward for use in flow.uses),
        ]
    return found


def labels(value: sg.Value, **options: object) -> Red:
    return seen_labels(view("draw", value, **{"symbols": True, **options}))


def rooted(value: sg.Value, label: str = "L") -> sg.Value:
    value.label = label
    value.backward()
    return value


def texts(value: sg.Value, *styles: str, **options: Any) -> list[str]:
    picture = sg.draw(value, **options).picture
    return [text.content for text in picture.texts if not styles or text.style in styles]


def chain(steps: int, step: Callable[[sg.Value, sg.Value], sg.Value]) -> sg.Value:
    """Return v1, v2, ... of x and w, every one with its label."""
    v, w = sg.values(x=1.01, w=0.3)
    for number in range(1, steps + 1):
        v = step(v, w)
        v.label = f"v{number}"
    v.backward()
    return v


# -- symbols ---------------------------------------------------------------------------------


def test_reciprocal_of_a_constant_stays_in_a_sum() -> None:
    (c,) = sg.values(c=4)

    assert "1/c+1\n1.25" in labels(rooted(1 / c + 1, ""), symbols="both", constants=[c])


def test_reciprocal_of_a_constant_stays_in_a_gradient() -> None:
    x, c = sg.values(x=2, c=4)
    h = x * 1.5

    assert labels(rooted(h / c + h), constants=[c])["x"][0] == "1.5(1/c+1)"


def test_sum_of_constants_keeps_its_form_going_forward() -> None:
    t1, t2 = sg.values(t1=0.25, t2=0.75)

    assert "t1+t2" in labels(rooted((t1 + t2) * sg.Value(2.0, "x")), constants=[t1, t2])


@pytest.mark.parametrize("targets", [*itertools.permutations([1.0, 0.0, 0.0]), (0.1, 0.2, 0.7)])
def test_probabilities_add_up_to_one_in_any_order(targets: tuple[float, ...]) -> None:
    named = [name(f"t{i}", i, number=t) for i, t in enumerate(targets)]
    x = name("x", "x")

    assert write(settled(x * total(named))) == "x"


@pytest.mark.parametrize(
    ("s", "t", "power", "written"),
    [(1.0, 1.0, 1, "s+t"), (0.25, 0.75, 2, "s²+t²"), (0.25, 0.75, -1, "1/s+1/t")],
)
def test_sum_of_constants_that_is_not_one_stays(
    s: float, t: float, power: int, written: str
) -> None:
    named = [name("s", "s", number=s) ** power, name("t", "t", number=t) ** power]

    assert write(settled(total(named))) == written


@pytest.mark.parametrize(
    "make",
    [
        lambda V: V(0.0) ** -1, lambda V: V(1e200) ** 2, lambda V: V(0.0, "x") ** -1,
        lambda V: V(1e200, "x") ** 2, lambda V: 1e200 * V(1.0, "x") * 1e200,
        lambda V: V(2.0, "x") ** 1e300, lambda V: V(math.nan, "x") / V(math.inf, "y"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("symbols", [True, "both", "chain"])
def test_symbols_of_numbers_without_end_are_written(
    Value: type, make: Callable[[type], Any], symbols: object
) -> None:
    root = make(Value)
    root.backward()

    assert sg.draw(root, symbols=symbols).svg.endswith("</svg>\n")


def test_labelled_squares_that_overflow_are_written() -> None:
    root = chain(19, lambda v, w: v * v * 2)

    assert labels(root)["v19"] == ["∂L/∂v19"]


def test_quotient_of_a_number_by_itself_is_not_one_where_it_is_nan() -> None:
    (x,) = sg.values(x=0)

    assert labels(rooted(x / x + 1)).keys() == {"x", "v₁", "L"}


@pytest.mark.parametrize(
    "step", [lambda v, w: v * w + v, lambda v, w: v * w, lambda v, w: v * sg.sin(w) + v / w]
)
def test_symbols_of_a_labelled_chain_take_no_long_time(
    step: Callable[[sg.Value, sg.Value], sg.Value],
) -> None:
    root = chain(40, step)
    started = time.process_time()

    labels(root)

    assert time.process_time() - started < 2.0  # it was 10 s; now a tenth of a second


def test_number_in_symbols_has_the_digits_that_are_asked_for() -> None:
    (x,) = sg.values(x=2)

    assert "0.278x" in labels(rooted(x * 0.27801234567890123 + 1), digits=3)


def test_number_in_a_call_has_the_digits_that_are_asked_for() -> None:
    (x,) = sg.values(x=2)

    assert "exp(0.278x)" in labels(rooted(sg.exp(x * 0.27801234567890123) + 1), digits=3)


def test_softmax_that_is_not_opened_multiplies_by_its_other_results() -> None:
    a, b = sg.values(a=1, b=2)
    y = rooted(sg.softmax([a, b])[0], "y")

    assert [labels(y)["a"][0], labels(y)["b"][0]] == ["∂L/∂y·y(1−y)", "−∂L/∂y·y·softmax₂(a, b)"]


@pytest.mark.parametrize(
    ("place", "red"),
    [
        (0, ["∂L/∂y·y(1−y)", "−∂L/∂y·y·softmax₃(a, 0.5, b)"]),
        (1, ["−∂L/∂y·y·softmax₁(a, 0.5, b)", "−∂L/∂y·y·softmax₃(a, 0.5, b)"]),
        (2, ["−∂L/∂y·y·softmax₁(a, 0.5, b)", "∂L/∂y·y(1−y)"]),
    ],
)
def test_softmax_of_a_plain_number_too_knows_which_result_it_is(place: int, red: list[str]) -> None:
    a, b = sg.values(a=1, b=2)
    found = labels(rooted(sg.softmax([a, 0.5, b])[place], "y"))

    assert [found["a"][0], found["b"][0]] == red


def test_softmax_of_a_plain_number_knows_its_result_among_equal_ones() -> None:
    (a,) = sg.values(a=1)

    assert labels(rooted(sg.softmax([a, 1.0])[1], "y"))["a"][0] == "−∂L/∂y·y·softmax₁(a, 1)"


def test_gradient_that_is_not_all_shown_has_only_its_name() -> None:
    (x,) = sg.values(x=1.5)
    h = x
    for _ in range(8):
        h = h * 1.5

    assert labels(rooted(h * x), max_nodes=4)["x"] == ["∂L/∂x", "∂L/∂x"]


@pytest.mark.parametrize("function", [sg.minimum, sg.maximum])
def test_equal_operands_of_a_choice_get_half_each_in_symbols(function: Any) -> None:
    a, b = sg.values(a=1, b=1)
    found = labels(rooted(function(a, b), "m"))

    assert found["a"][0] == found["b"][0] == "∂L/∂m·1/2"


def test_dot_of_a_plain_number_and_values_names_the_right_operand() -> None:
    u, v, w = sg.values(u=2, v=3, w=5)
    found = labels(rooted(sg.dot([4.0, u], [v, w]), "d"))

    assert [found[x][0] for x in "uvw"] == ["∂L/∂d·w", "∂L/∂d·4", "∂L/∂d·u"]


# -- nodes of a user that borrow a name ------------------------------------------------------


def borrowed(V: type) -> list[Any]:
    """Return nodes that have only the name of a row."""
    x, y = V(2.0, "x"), V(3.0, "y")
    ones = [1.0, 1.0, 1.0]
    return [
        sg.record(30.0, [x], [10.0], op="sigmoid"), sg.record(3.0, [x, y], [10.0, 20.0], op="mul"),
        sg.record(3.0, [x, y], ones[:2], op="sigmoid"), sg.record(3.0, [x], ones[:1], op="add"),
        sg.record(3.0, [x, y, x], ones, op="dot"), sg.record(0.5, [x, y], ones[:2], op="softmax"),
        sg.custom(lambda x: 1.0, op="sigmoid")(lambda x: x)(x),
    ]  # fmt: skip


@pytest.mark.parametrize("which", range(7))
@pytest.mark.parametrize("options", [{"symbols": "both"}, {"open": True}, {"exercise": "both"}])
def test_node_with_a_borrowed_name_is_drawn_as_it_is(
    Value: type, which: int, options: dict[str, Any]
) -> None:
    node = borrowed(Value)[which]
    node.backward()

    assert texts(node, "symbol", **options) == [node.op]


@pytest.mark.parametrize("which", range(7))
def test_node_with_a_borrowed_name_is_explained_by_its_numbers_alone(
    Value: type, which: int
) -> None:
    node = borrowed(Value)[which]
    node.backward()

    sheet = sg.draw(node, exercise="backward").answer_sheet

    assert sheet.count(f"{node.op}: upstream × the derivative by this operand") == len(node.parents)


@pytest.mark.parametrize("which", range(7))
def test_node_with_a_borrowed_name_has_partials_by_name_in_symbols(Value: type, which: int) -> None:
    node = borrowed(Value)[which]
    node.label = "z"
    node.backward()

    number = "₁" if node.parents.count(node.parents[0]) > 1 else ""
    assert labels(node)["x"][1] == f"∂L/∂z·∂{number}z/∂x"


def test_copy_of_a_node_with_a_borrowed_name_is_not_taken_for_the_row() -> None:
    (x,) = sg.values(x=0.5)
    node = sg.record(30.0, [sg.tanh(x), x], [10.0, 20.0], op="mul")
    node.backward()

    assert texts(node, "symbol", open="tanh")[-1] == "mul"


def test_recorded_node_with_the_numbers_of_its_row_is_that_row() -> None:
    x, y = sg.values(x=2, y=3)

    assert texts(sg.record(6.0, [x, y], [3.0, 2.0], op="mul"), "symbol") == ["×"]


def test_recorded_node_with_the_name_of_a_row_has_no_higher_derivatives() -> None:
    (x,) = sg.values(x=2)
    node = sg.record(30.0, [x], [10.0], op="sigmoid")

    with pytest.raises(RuntimeError, match="knows numbers only"):
        sg.gradients(node, [x], create_graph=True)


def test_operation_that_only_lends_its_name_is_not_there_to_open() -> None:
    (x,) = sg.values(x=2)

    with pytest.raises(ValueError, match="no 'sigmoid' is in this graph"):
        sg.draw(sg.record(30.0, [x], [10.0], op="sigmoid"), open="sigmoid")


# -- opening ---------------------------------------------------------------------------------


def opened_graph() -> tuple[sg.Value, sg.Value, sg.Value]:
    x, y = sg.values(x=0.5, y=2)
    h = sg.sigmoid(x)
    k = h * y
    return rooted(k * k), h, k


@pytest.mark.parametrize("which", [1, 2])
def test_interior_constant_has_no_red_where_operations_are_opened(which: int) -> None:
    graph = opened_graph()
    root, fixed = graph[0], graph[which]
    number = text.number(fixed.data)

    assert labels(root, symbols=False, constants=[fixed], open="sigmoid")[number][0] is None


def test_names_of_elements_stay_where_operations_are_opened() -> None:
    x, y = sg.values(x=0.5, y=2)
    h = [sg.sigmoid(x), sg.sigmoid(y)]

    found = labels(rooted(h[0] * h[1]), names={"h": h}, open="sigmoid")

    assert {"h₁", "h₂"} <= found.keys()


@pytest.mark.parametrize("which", [1, 2])
def test_neighbourhood_is_that_of_what_stands_for_a_node_that_was_opened(which: int) -> None:
    graph = opened_graph()

    shown = labels(graph[0], symbols=False, around=graph[which], depth=1, open="sigmoid")

    assert text.number(graph[which].data) in shown


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("tanh", lambda V: V(800.0).tanh()),
        ("cross_entropy", lambda V: sg.cross_entropy([V(1000.0), V(0.0)], 0)),
        ("softplus", lambda V: sg.softplus(V(1000.0))),
        ("max", lambda V: sg.max([V(1.0), V(1.0), V(1.0)])),
    ],
)
def test_operation_stays_closed_where_its_definition_gives_other_numbers(
    Value: type, name: str, make: Callable[[type], Any]
) -> None:
    root = make(Value)
    root.backward()

    seen = view("draw", root, open=name)

    assert seen.graph.root is root
    assert seen.note == f"{name} stays closed where simpler operations would give other numbers"


def test_operation_stays_closed_where_its_operand_was_assigned_since() -> None:
    (x,) = sg.values(x=0.5)
    y = rooted(x.tanh() * 2)
    x.data = 3.0

    seen = view("draw", y, open="tanh")

    assert seen.graph.root is y
    assert seen.note.startswith("tanh stays closed")


def test_outer_operation_opens_where_an_inner_one_stays_closed() -> None:
    y = rooted(sg.silu(sg.Value(-800.0)))

    seen = view("draw", y, open=["silu", "sigmoid"])

    assert [vertex.node.op for vertex in seen.graph.vertices] == ["", "sigmoid", "mul"]
    assert seen.note.startswith("sigmoid stays closed")


def test_softmax_and_log_softmax_of_the_same_scores_open_apart() -> None:
    scores = sg.values(a=0.5, b=-1)
    root = rooted(sg.softmax(scores)[0] * sg.log_softmax(scores)[1])

    graph = view("draw", root, open=True).graph

    assert not {"softmax", "log_softmax"} & {vertex.node.op for vertex in graph.vertices}
    assert [graph.gradients[a] for a in scores] == pytest.approx([a.grad for a in scores])


def test_opened_node_keeps_the_frame_of_the_scope_it_was_made_in() -> None:
    a, b = sg.values(a=1, b=2)
    with sg.scope("Layer"):
        y = sg.sigmoid(a * b)

    assert texts(y, "frame title", open="sigmoid") == ["Layer", "sigmoid"]


# -- folding and names -----------------------------------------------------------------------


def net() -> tuple[sg.Value, sg.Value]:
    x, y = sg.values(x=2, y=3)
    with sg.scope("Net"):
        root = x * y * 3 + x
    root.backward()
    return root, x


def test_named_result_of_a_folded_box_has_its_arrow_and_its_name() -> None:
    root, _ = net()

    found = texts(root, fold=True, names={"L": root})

    assert {"L", "20", "1"} <= set(found)


def test_result_that_is_an_element_of_a_named_list_has_its_arrow_and_its_name() -> None:
    root, _ = net()

    found = texts(root, fold=True, names={"y": [root, root.parents[0]]})

    assert {"y₁", "20", "1"} <= set(found)


def test_named_scalar_beside_a_box_has_its_numbers() -> None:
    root, x = net()

    assert texts(root, "forward", "backward", fold=True, names={"x": x})[:2] == ["2", "10"]


def test_leaves_of_a_box_that_are_used_outside_too_stay_single() -> None:
    leaves = [sg.Value(float(i)) for i in range(6)]
    with sg.scope("Net"):
        inside = sg.sum([leaf * 2 for leaf in leaves])

    graph = view("draw", inside * sg.sum(leaves), fold=True).graph

    assert sum(vertex.is_leaf and vertex.named is None for vertex in graph.vertices) == 6


def test_bundle_with_one_constant_still_has_red() -> None:
    leaves = [sg.Value(float(i)) for i in range(6)]
    with sg.scope("Net"):
        total = sg.sum([leaf * 2 for leaf in leaves])
    total.backward()

    backward = texts(total, "backward", fold=True, names={"X": leaves}, constants=leaves[:1])

    assert backward == ["∂L/∂X (6,)", "1"]


# -- graphs that are very large --------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 50 nodes be very many."""
    monkeypatch.setattr(survey, "COUNT_LIMIT", 50)


def line(steps: int) -> sg.Value:
    (v,) = sg.values(x=1)
    for _ in range(steps):
        v = v + 0.5
    v.backward()
    return v


@pytest.mark.usefixtures("small")
def test_box_around_more_nodes_than_are_counted_is_drawn() -> None:
    with sg.scope("Net"):
        root = line(55)

    assert "Net" in texts(root, fold=True)


@pytest.mark.usefixtures("small")
def test_picture_of_more_nodes_than_are_counted_is_bounded_and_says_so() -> None:
    seen = view("draw", line(80), max_nodes=10**6, fold=False)

    assert len(seen.graph.vertices) == 50
    assert seen.note == "dashed: earlier nodes are folded; max_nodes= shows more"
    assert len(seen_labels(seen)) > 1


@pytest.mark.usefixtures("small")
def test_box_around_more_nodes_than_are_counted_says_what_is_left_out() -> None:
    with sg.scope("Net"):
        root = line(80)

    note = view("draw", root, fold=True, max_nodes=5).note

    assert note == "dashed: earlier nodes are folded; max_nodes= shows more"


def test_boxes_that_need_each_other_take_no_long_time() -> None:
    v = sg.Value(1.0, "x")
    groups = [Scope(f"B{i}", None) for i in range(300)]
    first = []
    for group in groups:
        with recording_in(group):
            v = v * 1.01
        first.append(v)
    for group, f in zip(groups, first, strict=True):
        with recording_in(group):
            v = v + f
    started = time.process_time()

    graph = view("draw", v, fold=True, max_nodes=10**4).graph

    assert not any(vertex.is_box for vertex in graph.vertices)
    assert time.process_time() - started < 1.0  # it was 2 s; now a twentieth of a second


# -- exercises -------------------------------------------------------------------------------


def test_answer_sheet_names_what_a_cut_picture_does_not_show() -> None:
    x, y = sg.values(x=2, y=3)
    f = x * y
    for _ in range(6):
        f = f * 1.5

    sheet = sg.draw(rooted(f * x + x * x), exercise="backward", max_nodes=5).answer_sheet

    assert "= 68.3438 + 2 + 2 + what the picture does not show = 140.688" in sheet


def test_answer_sheet_has_the_digits_that_are_asked_for() -> None:
    (x,) = sg.values(x=1 / 3)

    sheet = sg.draw(rooted(x * x), exercise="backward", digits=3).answer_sheet

    assert "0.333 + 0.333 = 0.667" in sheet
    assert "0.3333" not in sheet


def test_half_of_three_boxes_are_two() -> None:
    x, y, z = sg.values(x=1, y=2, z=3)

    drawing = sg.draw(rooted(sg.sum([x, y, z])), exercise="backward", share=0.5)

    assert len(drawing.answers) == 2


def test_answer_far_off_is_wrong_at_a_large_tolerance_too() -> None:
    (x,) = sg.values(x=3)

    marks = sg.check_answers(rooted(x * 3.0), [100.0], tolerance=10.0)

    assert [mark.right for mark in marks] == [False]


def test_rule_of_a_dot_product_takes_the_operand_of_the_same_place() -> None:
    u, v, w = sg.values(u=2, v=3, w=5)

    sheet = sg.draw(rooted(sg.dot([4.0, u], [v, w])), exercise="backward").answer_sheet

    assert re.findall(r"operand = (.*)", sheet) == ["1 × 4 = 4", "1 × 5 = 5", "1 × 2 = 2"]


def test_rule_says_that_an_operand_was_assigned_since() -> None:
    x, y = sg.values(x=2, y=3)
    z = rooted(x * y)
    x.data = 10.0

    sheet = sg.draw(z, exercise="backward").answer_sheet

    assert "upstream × what the other operand was = 1 × 2 = 2" in sheet


@pytest.mark.parametrize(("position", "other"), [(0, 2), (1, 3), (2, 0), (3, 1)])
def test_other_operand_of_a_dot_product_is_that_of_the_same_place(
    position: int, other: int
) -> None:
    u, v, w = sg.values(u=2, v=3, w=5)

    node = sg.dot([u, u], [v, w])
    (why,) = (why for why in explanations(node, ROWS["dot"], 1.0) if why.position == position)

    assert (why.kind, why.mirrored) == ("other operand", other)


@pytest.mark.parametrize("function", [sg.draw_dot, lambda v, **o: sg.check_answers(v, [1], **o)])
def test_only_a_walkthrough_begins_a_pass_by_itself(function: Any) -> None:
    with pytest.raises(TypeError, match="its options are"):
        function(sg.Value(1.0) * 2, upstream=2.0)


# -- texts -----------------------------------------------------------------------------------


def test_apostrophe_in_a_label_is_escaped() -> None:
    assert markup.escaped("h'") == "h&#39;"


@pytest.mark.parametrize(
    "character",
    [*map(chr, [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])],
)
def test_control_of_the_writing_direction_is_shown(character: str) -> None:
    assert text.harmless(character) == f"⟨U+{ord(character):04X}⟩"


def test_negative_zero_is_told_to_a_page_as_it_is() -> None:
    assert math.copysign(1.0, float(finite(-0.0))) == -1.0


def test_plain_constant_is_written_as_a_number() -> None:
    assert write(constant(-0.5)) == "−0.5"


# -- walkthroughs ----------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["h₁x", "a₁′ (hidden)", "c₁ = d", "w²·x", "h'"])
def test_name_of_an_interior_value_stays_in_the_page(open_page: browser.Opener, label: str) -> None:
    x, y = sg.values(x=2, y=3)
    h = x * y
    h.label = label
    with open_page(sg.walkthrough(rooted(h * 2)).html) as visit:
        visit.page.press("body", "End")
        shown = visit.page.locator("[data-kind=value][data-side=forward]").all_text_contents()
        assert f"{plain_digits(label)} = 6" in shown


def plain_digits(label: str) -> str:
    """Return a label as it is read where small digits are set by hand."""
    return label.translate(str.maketrans("₁²", "12"))


def test_gradient_of_another_pass_is_not_explained_per_unit() -> None:
    x, y = sg.values(x=2, y=3)
    once, twice = x * y, x * y
    once.backward()
    twice.backward(2.0)

    assert "Per unit of x" in sg.walkthrough(once).html
    assert "Per unit" not in sg.walkthrough(twice).html


def test_verdicts_of_the_quiz_end_when_a_slider_moves(open_page: browser.Opener) -> None:
    x, y = sg.values(x=2, y=3)
    with open_page(sg.walkthrough(rooted(x * y)).html) as visit:
        visit.page.press("body", "q")
        visit.page.press("body", "ArrowRight")
        visit.page.fill("[name=answer]", "3")
        visit.page.press("[name=answer]", "Enter")
        assert visit.page.inner_text(".score") == "1 of 1 right at once"
        slider = visit.page.locator(".slider").first
        slider.evaluate("(it) => { it.value = 50; it.dispatchEvent(new Event('input')); }")
        assert visit.page.inner_text(".score") == ""


def test_picture_that_is_wider_than_a_notebook_scrolls_at_its_full_size(
    open_page: browser.Opener,
) -> None:
    x = y = sg.Value(0.5)
    for _ in range(30):
        y = sg.tanh(y) * x
    drawing = sg.draw(y, width=math.inf)
    wide = float(re.findall(r'width="([\d.]+)"', drawing.svg)[0])

    kind, html = drawing._mime_()

    assert kind == "text/html"
    with open_page(f"<!doctype html><body>{html}") as visit:
        box = visit.page.locator("body > div")
        assert visit.page.locator("svg").bounding_box()["width"] == pytest.approx(wide, abs=1)
        assert box.evaluate("box => box.scrollWidth") == pytest.approx(wide, abs=1)
        assert box.evaluate("box => box.clientWidth") < wide / 2
        assert visit.page.evaluate("document.body.scrollWidth <= innerWidth")
