"""Several results in one picture, with what their passes give together."""

from __future__ import annotations

import pytest
from formula_reader import is_said, said
from geometry import collisions

import scalargrad as sg
from scalargrad.drawing.options import view
from scalargrad.drawing.select.together import together


def graph() -> tuple[list[sg.Value], list[sg.Value]]:
    x, y = sg.values(x=2.0, y=3.0)
    h = x * y
    a, b = h + x, h * h
    a.label, b.label = "a", "b"
    return [x, y], [a, b]


def texts(values: object, style: str, **options: object) -> list[str]:
    picture = sg.draw(values, **options).picture
    assert collisions(picture) == []
    return [str(text.content) for text in picture.texts if text.style == style]


def gradients(results: list[sg.Value], **options: object) -> dict[str, float]:
    seen = view("draw", results, **options)
    return {seen.wording.name(f): seen.graph.gradients.get(f.value) for f in seen.graph.flows}


def test_every_result_has_its_arrow_and_its_name() -> None:
    _, results = graph()

    assert sorted(texts(results, "name")) == ["a", "b", "x", "y"]
    assert texts(results, "backward") == []  # no pass has been
    assert {"8", "36"} <= set(texts(results, "forward"))
    assert sg.draw(tuple(results)).svg == sg.draw(results).svg
    assert sg.draw([results[0]]).svg == sg.draw(results[0]).svg
    assert sg.draw([results[0], results[0]]).svg == sg.draw(results[0]).svg


def test_what_flows_back_is_what_the_passes_give_together() -> None:
    (x, y), (a, b) = graph()
    a.backward(0.5)
    b.backward(2.0)
    found = gradients([a, b])

    assert x.grad == y.grad * 1.5 + 0.5 == 72.0 + 1.5 + 0.5
    assert (found["x"], found["y"], found["a"], found["b"]) == (x.grad, y.grad, 0.5, 2.0)


def test_where_no_pass_has_been_is_no_red() -> None:
    _, (a, b) = graph()
    a.backward()

    shown = sorted(texts([a, b], "backward"))

    assert shown == ["1", "1", "1", "1", "2", "3", "4"]  # none of b, nor along the arrows into it


def test_result_that_another_one_depends_on() -> None:
    x, y = sg.values(x=2.0, y=3.0)
    u = x * y
    v = u * u
    u.label, v.label = "u", "v"
    u.backward(0.5)
    v.backward()
    assert gradients([u, v])["u"] == gradients([v, u])["u"] == 12.0  # the later pass was v's

    u.backward(0.5)
    assert gradients([u, v])["u"] == 12.5
    assert {"6", "0.5", "12.5", "1"} <= set(texts([u, v], "backward"))
    assert {"0.5", "∂L/∂v·u"} <= set(texts([u, v], "backward", symbols=True))
    sheet = sg.draw([u, v], exercise="backward").answer_sheet
    assert "the sum of what comes back = 6 + 6 + 0.5 = 12.5" in sheet


def test_formulas_of_several_results_are_exact() -> None:
    xs = list(sg.values(a1=1.0, a2=2.0, a3=3.0))
    results = sg.softmax(xs)
    for number, result in enumerate(results, 1):
        result.label = f"y{number}"
        result.backward(0.3 * number)

    read = list(said(view("draw", results, symbols=True)))

    assert len(read) > 20
    assert all(is_said(text, number, reader) for text, number, reader in read)
    assert "∂L/∂y1·y1(1−y1)" in texts(results, "backward", symbols=True)


def test_options_work_on_several_results() -> None:
    (x, _), results = graph()
    for result in results:
        result.backward()
    with sg.scope("outside"), sg.no_grad():
        assert texts(results, "frame title") == []
    answers = sg.draw(results, exercise="backward").answers
    assert sg.check_answers(results, answers)
    for options in (
        {"open": True},
        {"fold": True},
        {"branches": True},
        {"around": x},
        {"max_nodes": 1},
    ):
        assert sg.draw(results, **options).svg.endswith("</svg>\n")
        assert sg.draw_dot(results, **options).source.endswith("}\n")
    assert sg.draw([*results, x]).svg.count(">x<") >= 1
    assert [result.grad for result in results] == [1.0, 1.0]  # nothing was changed


def test_upstream_of_a_leaf_is_not_what_came_back_to_it() -> None:
    (x,) = sg.values(x=2.0)
    y = x * 3
    y.backward()

    assert together([x, y]).partials == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [[], [1.0], [[]], ["x"], [None]])
def test_what_is_no_value_is_refused(wrong: list[object]) -> None:
    with pytest.raises((TypeError, ValueError), match="draw"):
        sg.draw(wrong)
    with pytest.raises(TypeError, match="walkthrough"):
        sg.walkthrough(list(sg.values(x=1, y=2)))
