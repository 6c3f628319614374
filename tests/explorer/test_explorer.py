"""The Explorer without a page: messages and answers, hostile ones too."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import scalargrad as sg
from scalargrad.explorer.explorer import Explorer
from scalargrad.explorer.messages import State
from scalargrad.explorer.ranges import slider_range

BOOK = {"text": "(x + y) * z", "values": {"x": "1", "y": "3", "z": "-3"}}


def show(**state: Any) -> dict[str, Any]:
    """Return the answer to a state, which must be plain data that JSON can carry."""
    reply = Explorer(State("x")).receive({"version": 1, "kind": "show", "state": state})
    assert json.loads(json.dumps(reply, allow_nan=False)) == reply
    return reply


def ask(node: str, **state: Any) -> dict[str, Any]:
    """Return the card of a part."""
    message = {"version": 1, "kind": "ask", "node": node, "state": state}
    return Explorer(State("x")).receive(message)


def node_of(view: dict[str, Any], said: str) -> str:
    """Return the only part that says so."""
    (node,) = (entry["node"] for entry in view["nodes"] if said in entry["said"])
    return node


def words(rule: list[Any]) -> str:
    return "".join(piece if isinstance(piece, str) else piece[0] for piece in rule)


# -- what is seen ----------------------------------------------------------------------------------


def test_view_has_the_books_numbers() -> None:
    view = show(**BOOK)

    assert (view["name"], view["result"]) == ("g", "−12")
    assert [(row["name"], row["value"], row["gradient"]) for row in view["values"]] == [
        ("x", "1", "−3"), ("y", "3", "−3"), ("z", "−3", "4"),
    ]  # fmt: skip
    assert [entry["said"] for entry in view["nodes"]] == [
        "x = 1; gradient −3",
        "y = 3; gradient −3",
        "v₁, +: 1 + 3 = 4; gradient −3",
        "z = −3; gradient 4",
        "g, ×: 4 × −3 = −12; gradient 1",
    ]
    assert words(view["steps"][-1]["rules"][0]) == "+: upstream, unchanged = −3"
    abouts = set(re.findall(r'data-about="([^"]+)"', view["picture"]))
    keys = {key for step in view["steps"] for key in step.get("shows", [])}
    assert {key[2:] for key in keys} <= abouts
    assert {entry["node"] for entry in view["nodes"]} <= abouts


def test_state_comes_back_as_it_was_taken() -> None:
    view = show(text="g = x * y + pi", values={"y": "-1/3", "q": "7"}, digits=3, step=2)

    assert view["state"] == {
        "text": "g = x * y + pi", "values": {"x": "1", "y": "-1/3"}, "look": "numbers",
        "open": [], "digits": 3, "step": 2, "theme": "",
    }  # fmt: skip
    assert view["result"] == "2.81"
    assert show(**{**view["state"], "step": 99})["state"]["step"] is None
    assert show(**view["state"]) == view


def test_an_explorer_keeps_its_state_until_it_is_shown_another() -> None:
    explorer = Explorer(State("x * 2", {"x": "3"}))
    bad = explorer.receive({"version": 1, "kind": "show", "state": {"text": "x *"}, "id": 7})

    assert (bad["kind"], bad["field"], bad["column"], bad["id"]) == ("error", "text", 4, 7)
    assert explorer.receive({"version": 1, "kind": "show"})["result"] == "6"
    explorer.receive({"version": 1, "kind": "show", "state": {"text": "x * 5"}})
    assert explorer.state == State("x * 5", {"x": "1"})


def test_symbols_write_out_what_numbers_name() -> None:
    plain, both = (show(**BOOK, look=look)["picture"] for look in ("symbols", "both"))

    assert 'aria-label="(x+y)·z"' in plain
    assert "v₁" not in plain
    heights = [re.search(rf'y="([-.0-9]+)"[^>]*>{text}<', both) for text in (r"\(", "−12")]
    above, below = (float(found[1]) for found in heights if found)
    assert above < below  # symbols over numbers


def test_an_operation_opens_and_closes() -> None:
    closed = show(text="sigmoid(x) * 3", values={"x": "0.5"})
    opens = [entry["opens"] for entry in closed["nodes"]]
    opened = show(**{**closed["state"], "open": ["sigmoid", "dot"]})  # there is no dot here

    assert opens == ["", "sigmoid", ""]
    assert opened["state"]["open"] == ["sigmoid"]
    closes = [entry["closes"] for entry in opened["nodes"]]
    assert closes == ["", "sigmoid", "sigmoid", "sigmoid", "sigmoid", ""]
    assert opened["values"] == closed["values"]


@pytest.mark.parametrize("look", ["numbers", "symbols", "both"])
def test_nothing_moves_while_numbers_change(look: str) -> None:
    explorer = Explorer(State("x * y + sin(x) / 3", {"y": "-2"}, look))
    places, written = [], []
    for x in ("1", "0.999", "-0.5", "12345", "-1/7e7"):
        state = {"text": "x * y + sin(x) / 3", "values": {"x": x, "y": "-2"}, "look": look}
        svg = explorer.receive({"version": 1, "kind": "show", "state": state})["picture"]
        places.append(re.findall(r' d="([^"]+)"[^>]* data-kind="line"', svg))
        written.append(tuple(re.findall(r"<tspan[^>]*>([^<]*)<|<text[^>]*>([^<]+)<", svg)))

    assert places[0] == places[1] == places[2] == places[3]
    assert len(set(written)) == (1 if look == "symbols" else 5)
    if look != "symbols":  # −1.42857×10⁻⁸ has no room there
        assert places[4] != places[0]


# -- what is asked ---------------------------------------------------------------------------------


def test_card_has_rule_formula_and_number() -> None:
    node = node_of(show(**BOOK), "×: 4 × −3")
    card = ask(node, **BOOK)

    assert card["title"] == "× gives g"
    assert [words(rule) for rule in card["rules"]] == [
        "×: 4 × −3 = −12",
        "back to v₁: upstream × the other operand = 1 × −3 = −3",
        "back to z: upstream × the other operand = 1 × 4 = 4",
    ]
    z = ask(node_of(show(**BOOK), "z = −3"), **BOOK)["derivative"]
    assert (z["name"], z["plain"], z["number"]) == ("∂g/∂z", "v₁", "4")
    written = ask(node_of(show(**BOOK), "z = −3"), **BOOK, look="both")["derivative"]
    assert (written["plain"], ElementTree.fromstring(written["formula"][0]).tag[-3:]) == (
        "x+y", "svg",
    )  # fmt: skip


def test_names_that_only_a_formula_has_are_explained() -> None:
    state = {"text": "sigmoid(x) * y", "values": {"x": "0.5"}, "open": ["sigmoid"]}
    card = ask(node_of(show(**state), "y = 1"), **state)

    assert card["derivative"]["plain"] == "v₁"
    inner = ask(node_of(show(**state), "exp: exp"), **state)
    names = set(re.findall("v[₀-₉]+", inner["derivative"]["plain"])) - {"v₁"}
    assert len(inner["where"]) == len(names)


def test_ways_from_a_leaf_add_up_to_its_gradient() -> None:
    text, point = "x * y + sin(x) * x - x / y", {"x": 0.7, "y": 1.9}
    state = {"text": text, "values": {name: repr(x) for name, x in point.items()}, "digits": 17}
    card = ask("n0", **state)
    expected, _ = sg.grad(sg.expression(text), argnums=(0, 1))(*point.values())

    products = [float(way["product"].replace("−", "-")) for way in card["ways"]["rows"]]
    assert products == pytest.approx([1.9, 0.7 * math.cos(0.7), math.sin(0.7), -1 / 1.9])
    assert math.fsum(products) == pytest.approx(expected)
    assert float(card["derivative"]["number"]) == expected
    assert [way["signs"] for way in card["ways"]["rows"]] == [
        ["×", "+", "−"], ["sin", "×", "+", "−"], ["×", "+", "−"], ["/", "−"],
    ]  # fmt: skip


def test_too_many_ways_are_only_counted() -> None:
    card = ask("n0", text="+".join(["(x*x+x)*(x*x+x)"] * 6))

    assert card["ways"] == {"title": "36 ways lead to the result.", "rows": [], "sum": ""}
    assert sum(float(term["product"]) for term in card["terms"]["rows"]) == 72  # of 6 (x² + x)²


def test_terms_of_a_gradient_are_what_its_arrows_bring_back() -> None:
    card = ask("n0", text="x * y + sin(x) * x", values={"x": "0.5", "y": "3"}, digits=17)

    terms = [
        [float(f.replace("−", "-")) for f in term["factors"]] for term in card["terms"]["rows"]
    ]
    assert [term["signs"] for term in card["terms"]["rows"]] == [["×"], ["sin"], ["×"]]
    assert terms == [[1.0, 3.0], [0.5, math.cos(0.5)], [1.0, math.sin(0.5)]]
    assert [float(term["product"]) for term in card["terms"]["rows"]] == [
        math.prod(t) for t in terms
    ]
    assert [term["keys"][0] for term in card["terms"]["rows"]] == ["n0.0.0", "n0.0.1", "n0.0.2"]
    result = show(**BOOK)["nodes"][-1]["node"]
    assert ask(result, **BOOK)["terms"]["rows"] == []  # upstream comes from nowhere


def test_a_term_that_the_picture_does_not_show_is_in_the_sum() -> None:
    text = "+".join(f"x{i % 9}*{i}" for i in range(200))
    nodes = [e["node"] for e in show(text=text)["nodes"] if e["said"].startswith("x")][:3]
    cards = [ask(node, text=text) for node in nodes]
    parted = [
        card for card in cards if card["terms"]["rows"][-1]["signs"] == ["not in the picture"]
    ]

    assert parted
    for card in parted:
        products = [float(term["product"]) for term in card["terms"]["rows"]]
        assert sum(products) == float(card["derivative"]["number"])


def test_nudges_are_computed_where_they_lead() -> None:
    nudges = ask("n0", text="x ** 3", values={"x": "2"}, digits=12)["nudges"]

    assert [(n["delta"], n["typed"], n["change"], n["linear"]) for n in nudges] == [
        ("2", "4", "56", "24"),
        ("0.2", "2.2", "2.648", "2.4"),
        ("0.02", "2.02", "0.242408", "0.24"),
    ]
    down = ask("n0", text="1 / x", values={"x": "-4"})["nudges"]  # x stays below 0
    assert [nudge["typed"] for nudge in down] == ["-9", "-3.5", "-3.95"]
    assert ask("n0", text="x * 2", values={"x": "inf"})["nudges"] == []


# -- gradient descent ------------------------------------------------------------------------------


def descend(text: str, values: dict[str, str], digits: int = 6, **wish: Any) -> dict[str, Any]:
    """Return where steps of gradient descent lead."""
    state = {"text": text, "values": values, "digits": digits}
    message = {"version": 1, "kind": "descend", "state": state, **wish}
    reply = Explorer(State("x")).receive(message)
    assert json.loads(json.dumps(reply, allow_nan=False)) == reply
    return reply


def test_descent_goes_as_far_as_the_optimizer() -> None:
    text, start = "(x - 1)**2 * y + exp(y)", {"x": "3", "y": "1/2"}
    reply = descend(text, start, 17, steps=10, rate="1/20")
    x, y = sg.values(x=3, y=0.5)
    optimizer = sg.optim.SGD([x, y], lr=0.05)
    expected = [sg.expression(text)(x, y).data]
    for _ in range(10):
        optimizer.zero_grad()
        sg.expression(text)(x, y).backward()
        optimizer.step()
        expected.append(sg.expression(text)(x, y).data)

    assert reply["results"] == pytest.approx(expected, rel=1e-12)
    ends = [float(reply["state"]["values"][name]) for name in ("x", "y")]
    assert ends == pytest.approx([x.data, y.data], rel=1e-12)
    assert reply["said"].startswith("10 steps: g went from 3.64872")
    curve = ElementTree.fromstring(reply["curve"])
    assert len([e for e in curve if e.tag.endswith("circle")]) == 11
    assert curve.get("aria-label", "").startswith("g step by step: 3.64872")


def test_descent_moves_what_was_chosen_and_goes_on() -> None:
    first = descend("x**2 + y**2", {"x": "1/4", "y": "2"}, names=["y"])
    values, results = first["state"]["values"], first["results"]
    second = descend("x**2 + y**2", values, names=["y"], results=results, steps=2)

    shown = descend("x**2", {"x": "1/3"}, rate="1/4")["state"]["values"]["x"]
    assert shown == "0.166667"  # as it is shown it is computed with
    assert (values, results) == ({"x": "1/4", "y": "1.6"}, [4.0625, 0.0625 + 1.6**2])
    assert second["results"] == descend(
        "x**2 + y**2", {"x": "1/4", "y": "2"}, names=["y"], steps=3
    )["results"]  # fmt: skip
    elsewhere = descend("x**2", {"x": "1"}, results=results)
    assert elsewhere["results"][0] == 1.0  # another curve


def test_descent_ends_before_what_is_no_number() -> None:
    reply = descend("x**4", {"x": "10"}, steps=20)

    assert len(reply["results"]) < 8
    assert all(map(math.isfinite, reply["results"]))
    assert "The next one leads to no finite number" in reply["said"]
    for text, values, wish in [
        ("log(x)", {"x": "0.1"}, {"rate": "1"}), ("log(x)", {"x": "-1"}, {}),
        ("x * y", {}, {"names": ["z"]}), ("x * y", {}, {"names": []}),
        ("x * y", {}, {"rate": "fast"}), ("x * y", {}, {"rate": "-1"}),
        ("x * y", {}, {"rate": "inf"}),
    ]:  # fmt: skip
        assert descend(text, values, **wish)["kind"] == "error"


# -- shared forms ----------------------------------------------------------------------------------


def share(form: str, **state: Any) -> str:
    message = {"version": 1, "kind": "share", "form": form, "state": state}
    text: str = Explorer(State("x")).receive(message)["text"]
    return text


def test_a_program_makes_the_same_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"x": "-1/3", "y": "9**999", "λ": "2"}
    program = share("python", text="h = sigmoid(x) * λ + y", values=values, look="both",
                    open=["sigmoid"], digits=3, theme="dark")  # fmt: skip
    monkeypatch.chdir(tmp_path)
    exec(program, made := {})

    assert made["result"].label == "h"
    assert capsys.readouterr().out.splitlines()[2] == "y inf 1.0"
    assert 'loss="h", symbols="both", open=["sigmoid"], digits=3, theme="dark"' in program
    assert "#16171a" in (tmp_path / "graph.svg").read_text(encoding="utf-8")


def test_pictures_are_shared_without_hooks_and_compile() -> None:
    svg, tikz, figure = (share(form, **BOOK) for form in ("svg", "tikz", "figure"))

    assert ElementTree.fromstring(svg).get("aria-label", "").endswith("x = 1, y = 3, z = −3")
    assert "data-" not in svg
    assert tikz.endswith("\\end{tikzpicture}\\sgend\n")
    caption = ElementTree.fromstring(figure).find("figcaption")
    assert caption is not None
    assert "".join(caption.itertext()) == "(x + y) * z: x = 1, y = 3, z = −3, g = −12"
    hostile = share("figure", text="x * 2", values={"x": "1"}, theme="dark")
    assert "<script" not in hostile
    assert "#16171a" in hostile


# -- sliders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "pitch", "low", "high"),
    [
        ("x * 2", 0.01, 0.0001, 0.0, 0.02),
        ("x * 2", 3.0, 0.05, -2.0, 8.0),
        ("x * 2", -250.0, 5.0, -750.0, 250.0),
        ("x * 2", 0.0, 0.01, -1.0, 1.0),
        ("log(x)", 2.0, 0.02, 0.02, 4.0),
        ("sqrt(x)", 1.0, 0.01, 0.01, 2.0),
        ("exp(-(1/s)**2) / s", 0.5, 0.005, 0.005, 1.0),
        ("1 / x", -4.0, 0.05, -9.0, -0.05),
        ("x ** 2.5", 1.0, 0.01, 0.01, 2.0),
    ],
)
def test_slider_fits_the_value_and_keeps_a_sign_that_is_needed(
    text: str, value: float, pitch: float, low: float, high: float
) -> None:
    formula = sg.expression(text)
    span = slider_range(formula, {formula.names[0]: value}, formula.names[0])

    assert span is not None
    ends = (span.start + span.first * span.pitch, span.start + span.last * span.pitch)
    assert (span.pitch, *ends) == pytest.approx((pitch, low, high))


@pytest.mark.parametrize("value", [math.inf, math.nan, 5e-324])
def test_a_value_without_steps_has_no_slider(value: float) -> None:
    assert slider_range(sg.expression("x * 2"), {"x": value}, "x") is None


# -- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column"),
    [("", None), ("x +", 4), ("(x", 1), ("x y", 3), ("a = x^2", 6), ("foo(x)", 1), ("2 * 3", None),
     ("y = where(x > 0, 1, 2)", None), ("x" * 10_001, None), ("(" * 5000, 201)],
)  # fmt: skip
def test_a_text_that_is_no_expression_has_a_sentence_and_a_caret(
    text: str, column: int | None
) -> None:
    reply = show(text=text)

    assert (reply["kind"], reply["field"], reply["column"]) == ("error", "text", column)
    assert "\n" not in reply["said"]


def test_a_value_that_is_no_number_is_named() -> None:
    reply = show(text="x * y", values={"y": "one"})

    assert (reply["kind"], reply["field"]) == ("error", "y")
    assert reply["said"] == "y: a number is wanted; got 'one'; write e.g. 1.5 or -1/3"


@pytest.mark.parametrize(
    "message",
    [
        None, 3, "show", [], {}, {"version": 1}, {"version": True, "kind": ["show"]},
        {"version": 1, "kind": "show", "state": []},
        {"version": 1, "kind": "show", "state": {"text": 3}},
        {"version": 1, "kind": "show", "state": {"text": "x", "values": {"x": 1e400}}},
        {"version": 1, "kind": "show", "state": {"text": "x", "values": {"x": "1" * 201}}},
        {"version": 1, "kind": "show", "state": {"text": "x", "open": ["rm"]}},
        {"version": 1, "kind": "show", "state": {"text": "x", "open": [[]]}},
        {"version": 1, "kind": "show", "state": {"text": "x", "digits": 10**400}},
        {"version": 1, "kind": "show", "state": {"text": "x", "digits": True}},
        {"version": 1, "kind": "show", "state": {"text": "x", "look": {}}},
        {"version": 1, "kind": "show", "state": {"text": "x", "step": -1}},
        {"version": 1, "kind": "show", "state": {"text": "x", "<b>": 1}},
        {"version": 1, "kind": "ask", "state": {"text": "x"}, "node": "n9"},
        {"version": 1, "kind": "share", "form": "../svg"},
        {"version": 1, "kind": "share", "form": ["svg"]},
        {"version": 1, "kind": "descend", "steps": 0},
        {"version": 1, "kind": "descend", "steps": 10**9},
        {"version": 1, "kind": "descend", "rate": 0.1},
        {"version": 1, "kind": "descend", "rate": "9" * 10**6},
        {"version": 1, "kind": "descend", "names": "x"},
        {"version": 1, "kind": "descend", "names": [["x"]]},
        {"version": 1, "kind": "descend", "results": [math.nan]},
        {"version": 1, "kind": "descend", "results": [10**400]},
        {"version": 1, "kind": "descend", "results": ["<svg>"]},
        {"version": 1, "kind": "ask", "state": {"text": "x"}, "node": "</svg>" * 10**5},
    ],
)  # fmt: skip
def test_hostile_messages_are_answered_in_one_sentence(message: Any) -> None:
    explorer = Explorer(State("x * 2", {"x": "3"}))
    reply = explorer.receive(message)

    assert reply["kind"] == "error"
    assert len(reply["said"]) < 400
    assert "\n" not in reply["said"]
    assert explorer.receive({"version": 1, "kind": "show"})["result"] == "6"


def test_numbers_beyond_all_bounds_are_shown_as_they_are() -> None:
    view = show(text="9**9**9 * x + log(y)", values={"y": "-1"})

    assert view["result"] == "nan"
    assert [row["slider"] is None for row in view["values"]] == [False, False]
    assert show(text="x * 2", values={"x": "1e308 * 10"})["values"][0]["slider"] is None


def test_a_picture_of_a_long_expression_says_what_it_leaves_out() -> None:
    view = show(text="+".join(f"x{i % 9}" for i in range(200)))

    assert "max_nodes" not in view["note"]
    assert "earlier nodes" in view["note"]
    assert ask(view["nodes"][0]["node"], **view["state"])["ways"]["rows"] == []


def test_words_have_names_as_the_picture_writes_them() -> None:
    state = {"text": "w1 * theta + w_max", "values": {"w1": "2"}}
    view = show(**state)
    card = ask("n0", **state)

    assert [(row["name"], row["shown"]) for row in view["values"]] == [
        ("w1", "w₁"), ("theta", "θ"), ("w_max", "w_max"),
    ]  # fmt: skip
    assert [entry["said"][:6] for entry in view["nodes"][:2]] == ["w₁ = 2", "θ = 1;"]
    assert (card["title"], card["derivative"]["name"]) == ("w₁", "∂g/∂w₁")
    assert {nudge["name"] for nudge in card["nudges"]} == {"w1"}
    assert [row["shown"] for row in show(text="w1 + w_1")["values"]] == ["w1", "w_1"]


def test_names_are_texts_wherever_they_stand() -> None:
    view = show(text="ﬁ * µ_1 + x１")  # as Python reads them: fi, μ_1, x1

    assert [row["name"] for row in view["values"]] == ["fi", "μ_1", "x1"]
    ElementTree.fromstring(view["picture"])
