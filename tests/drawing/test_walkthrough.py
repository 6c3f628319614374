"""Walkthroughs in Chromium: steps, sliders against Python, quiz, keys, paper, hostile labels."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from typing import Any

import browser
import pytest
from figures import FIGURES, hairball
from walking import MOVE, NUMBERS, SEEN, branch, clean, fruit, table, walk_to, words

import scalargrad as sg
from scalargrad.drawing.layout.measures import RED
from scalargrad.drawing.page.live_graph import LIVE
from scalargrad.drawing.words.text import number

INF, NAN = math.inf, math.nan
open_page = browser.open_page


# -- steps -----------------------------------------------------------------------------------------


def test_steps_go_forward_and_then_backward_in_sweep_order(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        seen = [words(visit)]
        while visit.page.is_enabled("[data-do=next]"):
            visit.page.click("[data-do=next]")
            seen.append(words(visit))
        assert clean(visit)

    assert seen == [
        "inputs: 5 values are given",
        "×: 100 × 2 = 200",
        "×: 150 × 3 = 450",
        "+: 200 + 450 = 650",
        "×: 650 × 1.1 = 715",
        "upstream: the backward pass begins with 1",
        "×: upstream × the other operand = 1 × 1.1 = 1.1",
        "×: upstream × the other operand = 1 × 650 = 650",
        "+: upstream, unchanged = 1.1",
        "+: upstream, unchanged = 1.1",
        "×: upstream × the other operand = 1.1 × 3 = 3.3",
        "×: upstream × the other operand = 1.1 × 150 = 165",
        "×: upstream × the other operand = 1.1 × 2 = 2.2",
        "×: upstream × the other operand = 1.1 × 100 = 110",
    ]


def test_short_sums_and_dot_products_are_spelled_term_by_term(open_page: browser.Opener) -> None:
    x, y = sg.values(x=2, y=3)
    root = sg.sum([x, y, sg.dot([x, y], [4.0, 5.0])])
    with open_page(sg.walkthrough(root).html) as visit:
        seen = []
        for _ in range(2):
            visit.page.click("[data-do=next]")
            seen.append(words(visit))

    assert seen == ["·: 2 × 4 + 3 × 5 = 23", "Σ: 2 + 3 + 23 = 28"]


def test_value_that_is_not_computed_yet_is_not_shown_as_zero(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        assert visit.page.evaluate(SEEN, "forward") == ["100", "2", "150", "3", "1.1"]
        assert visit.page.evaluate(SEEN, "backward") == []
        assert table(visit)["price"] == ["not yet", "not yet"]
        assert table(visit)["tax"] == ["1.1", "not yet"]

        walk_to(visit, 7)

        assert visit.page.evaluate(SEEN, "backward") == ["1.1", "650", "1"]
        assert table(visit)["price"] == ["715", "1"]
        assert table(visit)["tax"] == ["1.1", "650"]
        assert table(visit)["apple"] == ["100", "not yet"]


def test_branch_sum_appears_term_by_term(open_page: browser.Opener) -> None:
    stem = "[data-about='n0.0'][data-kind=value][data-side=backward]"
    seen = []
    with open_page(sg.walkthrough(branch()).html) as visit:
        walk_to(visit, 6)
        while visit.page.is_enabled("[data-do=next]"):
            visit.page.click("[data-do=next]")
            shown = visit.page.is_visible(stem) and visit.page.text_content(stem)
            seen.append((words(visit), shown, table(visit)["x"][1]))
        assert clean(visit)

    assert seen == [
        ("−: upstream with the other sign = −1", "−1", "−1 + …"),
        ("+: upstream, unchanged = 1", "−1", "−1 + …"),
        ("+: upstream, unchanged = 1", "−1", "−1 + …"),
        ("×: upstream × the other operand = 1 × 2 = 2", "−1", "−1 + …"),
        ("branch: the sum so far = −1 + 2 = 1", "−1 + 2 = 1", "1 + …"),
        ("×: upstream × the other operand = 1 × 5 = 5", "1", "1 + …"),
        ("branch: the sum of what comes back = −1 + 2 + 5 = 6", "−1 + 2 + 5 = 6", "6"),
    ]


def test_page_after_the_last_step_shows_what_the_picture_does(open_page: browser.Opener) -> None:
    for name in ("many_uses", "softmax_with_loss", "extreme_numbers"):
        value = FIGURES[name]()
        texts = re.findall(r"<text[^>]*>(.*)</text>", sg.draw(value).svg)
        drawn = [re.sub("<[^>]*>", "", text) for text in texts]  # the small digits too
        with open_page(sg.walkthrough(value).html) as visit:
            visit.page.press("body", "End")
            if name == "many_uses":  # the last step spells the sum
                visit.page.evaluate("graph.move([]); onPaper(true)")
            shown = visit.page.evaluate(
                "() => [...document.querySelectorAll('.picture text')].map((t) => t.textContent)"
            )
            assert visit.page.evaluate("() => all('.pending').length") == 0
            small = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789−")
            assert sorted(map(unescaped, drawn)) == sorted(text.translate(small) for text in shown)
            assert clean(visit)


def unescaped(text: str) -> str:
    return text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")


@pytest.mark.parametrize("options", [{}, {"open": True}, {"fold": True}, {"branches": True}])
def test_every_step_of_a_network_works(open_page: browser.Opener, options: dict[str, Any]) -> None:
    model = sg.nn.MLP(2, [3, 2], seed=1)
    loss = sg.cross_entropy(model([0.5, -1.0]), 1)
    loss.label = "loss"
    with open_page(sg.walkthrough(loss, names={"W": model.parameters()}, **options).html) as visit:
        spoken = visit.page.evaluate(
            "() => STEPS.map((_, number) => { show(number); return one('.words').textContent; })"
        )
        assert all(spoken)
        assert not any("undefined" in text or "NaN" in text for text in spoken)
        assert visit.page.evaluate("() => all('.pending').length") == 0
        assert clean(visit)


def test_play_goes_to_the_end_and_stops(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.clock.install()
        visit.page.click("text=Play")
        visit.page.clock.run_for(4_000)
        assert visit.page.inner_text("[data-do=play]") == "Pause"
        assert 0 < visit.page.evaluate("state.step") < 5
        visit.page.click("text=Pause")
        held = visit.page.evaluate("state.step")
        visit.page.clock.run_for(20_000)
        assert visit.page.evaluate("state.step") == held
        visit.page.select_option("[name=speed]", label="fast")
        visit.page.press("body", " ")
        visit.page.clock.run_for(20_000)
        assert visit.page.evaluate("state.step") == 13
        assert visit.page.inner_text("[data-do=play]") == "Play"
        assert clean(visit)


def test_scrubber_goes_to_any_step_and_says_which(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        scrubber = visit.page.get_by_label("Step", exact=True)
        scrubber.fill("7")
        assert words(visit) == "×: upstream × the other operand = 1 × 650 = 650"
        assert scrubber.get_attribute("aria-valuetext") == "Backward, step 3 of 9"
        scrubber.press("ArrowLeft")
        assert visit.page.inner_text(".where") == "Backward, step 2 of 9"
        assert clean(visit)


# -- gradients -------------------------------------------------------------------------------------


def test_page_makes_a_pass_of_its_own_and_leaves_the_graph_alone(Value: type) -> None:
    x = Value(3.0, label="x")
    y = x * x

    html = sg.walkthrough(y).html

    assert '["upstream: the backward pass begins with ",["gradient",1]]' in html
    assert '"upstream":1,' in html
    assert x.grad == 0.0
    assert RED not in sg.draw(y).svg  # no pass has reached it


def test_page_shows_the_pass_that_was(open_page: browser.Opener) -> None:
    price = fruit()
    price.backward(2.0)
    with open_page(sg.walkthrough(price).html) as visit:
        visit.page.press("body", "End")
        assert table(visit)["price"] == ["715", "2"]
        assert table(visit)["apple"] == ["100", "4.4"]
        visit.page.evaluate(MOVE, {1: 50})
        assert table(visit)["apple"] == ["100", "6.6"]
        assert clean(visit)


def test_pass_that_began_with_infinity_is_shown(open_page: browser.Opener) -> None:
    y = branch()
    y.backward(INF)
    with open_page(sg.walkthrough(y).html) as visit:
        visit.page.press("body", "End")
        assert table(visit)["y"] == ["18", "∞"]
        visit.page.evaluate(MOVE, {0: 20})
        assert table(visit) == {"x": ["4", "nan"], "y": ["24", "∞"]}
        assert clean(visit)


def many_functions(values: list[Any]) -> Any:
    x, y, z = values
    h = sg.exp(x / 3) * sg.tanh(y) + sg.log(z * z + 1)
    k = sg.where(True, h, x) + sg.maximum(x, y) ** 2 - abs(z)
    return sg.mean([sg.sigmoid(h), sg.gelu(k), sg.sqrt(z * z + 0.5), 0.25]) / (2 + sg.sin(h))


def softmax(values: list[Any]) -> Any:
    *first, own = sg.softmax([*values, 0.5])
    return -sg.log(first[1]) + own * sg.logsumexp(values) - sg.log_softmax(values)[2]


def losses(values: list[Any]) -> Any:
    x, y, z = values
    return (
        sg.mse([x, y], [0.5, z]) + sg.dot([x, y, 2.0], [z, 3.0, x]) + sg.cross_entropy([x, y, z], 1)
        + sg.binary_cross_entropy_with_logits([x, z], [1.0, 0.0]) + sg.sum([x, 1.0, x])
    )  # fmt: skip


@pytest.mark.parametrize("build", [many_functions, softmax, losses])
@pytest.mark.parametrize("start", [[0.7, -1.3, 2.0], [1.0, 1.0, 1.0]])
def test_sliders_agree_with_python(
    open_page: browser.Opener, build: Callable[[list[Any]], Any], start: list[float]
) -> None:
    def built(numbers: list[float]) -> tuple[list[sg.Value], sg.Value]:
        leaves = list(sg.values(**dict(zip("xyz", numbers, strict=True))))
        return leaves, build(leaves)

    chance = random.Random(1)
    root = built(start)[1]
    root.label = "root"
    with open_page(sg.walkthrough(root).html) as visit:
        visit.page.press("body", "End")
        for _ in range(6):
            visit.page.evaluate(MOVE, {i: chance.randint(-100, 100) for i in range(3)})
            found = visit.page.evaluate(NUMBERS)
            leaves, again = built([found[name][0] for name in "xyz"])
            again.backward()

            for name, node in zip(["x", "y", "z", "root"], [*leaves, again], strict=True):
                value, gradient = found[name]
                assert math.isclose(value, node.data, rel_tol=1e-12), name
                assert math.isclose(gradient, node.grad, rel_tol=1e-12, abs_tol=1e-15), name
            shown = table(visit)
            assert shown["root"][0] == number(again.data)
        assert clean(visit)


def test_sliders_change_every_text_and_reset_brings_them_back(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.press("body", "End")
        before = [table(visit), visit.page.evaluate(SEEN, "backward"), words(visit)]

        visit.page.evaluate(MOVE, {0: 20})

        assert visit.page.evaluate(SEEN, "forward").count("120") == 1
        assert "759" in visit.page.evaluate(SEEN, "forward")
        assert "132" in visit.page.evaluate(SEEN, "backward")
        assert words(visit) == "×: upstream × the other operand = 1.1 × 120 = 132"
        assert visit.page.inner_text(".note") == "Per unit of apples, price changes by 132 here."
        assert "price = 759" in (visit.page.get_attribute(".picture > svg", "aria-label") or "")
        visit.page.click("text=Reset inputs")
        assert [table(visit), visit.page.evaluate(SEEN, "backward"), words(visit)] == before
        assert clean(visit)


def test_slider_moves_by_keys_in_round_steps(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        slider = visit.page.get_by_label("tax", exact=True)
        for _ in range(3):
            slider.press("ArrowRight")
        assert table(visit)["tax"][0] == "1.16"
        assert slider.get_attribute("aria-valuetext") == "1.16"
        assert visit.page.evaluate("state.step") == 0
        assert clean(visit)


# -- what cannot be computed anew ------------------------------------------------------------------


def test_own_node_fixes_its_inputs_and_says_why(open_page: browser.Opener) -> None:
    @sg.custom(lambda x: 2 * x)
    def square(x: float) -> float:
        return x * x

    x, y = sg.values(x=3, y=2)
    z = square(x) * y + sg.record(8.0, [y * 1], [12.0], op="exp")
    z.label = "z"
    other = sg.Value(4.0, label="w")
    with open_page(sg.walkthrough(z * other).html) as visit:
        assert visit.page.is_disabled(".slider >> nth=0")
        reasons = visit.page.locator(".why").all_inner_texts()
        assert reasons[0] == "fixed: it goes into square, which only Python computes"
        assert reasons[1].startswith("fixed: it goes into exp, whose value is not what")
        visit.page.press("body", "End")
        visit.page.evaluate(MOVE, {2: 100})
        assert table(visit)["w"] == ["9", "26"]
        assert table(visit)["x"] == ["3", "108"]
        assert clean(visit)


def test_node_of_a_user_with_the_name_of_a_row_is_shown_as_it_is(Value: type) -> None:
    x, y = Value(1.0, label="x"), Value(2.0, label="y")

    html = sg.walkthrough(sg.record(5.0, [x, y, x], [1.0, 2.0, 3.0], op="exp")).html

    assert "the derivative by this operand" in html


def test_values_that_changed_since_do_not_move(open_page: browser.Opener) -> None:
    x, y = sg.values(x=3, y=2)
    z = x * y
    x.data = 10.0
    with open_page(sg.walkthrough(z).html) as visit:
        assert visit.page.is_disabled(".slider >> nth=0")
        assert "not what its operands give now" in visit.page.inner_text(".values")
        assert clean(visit)


def test_input_that_is_not_finite_is_fixed(open_page: browser.Opener) -> None:
    x, y = sg.values(x=INF, y=2)
    with open_page(sg.walkthrough(x * y).html) as visit:
        assert visit.page.locator(".why").all_inner_texts() == ["fixed: it is not finite"]
        visit.page.evaluate(MOVE, {1: -100})
        visit.page.press("body", "End")
        assert table(visit)["the result"][0] == "nan"
        assert table(visit)["y"] == ["0", "∞"]
        assert clean(visit)


# -- size ------------------------------------------------------------------------------------------


def test_large_graph_is_bounded_and_the_page_says_so(open_page: browser.Opener) -> None:
    x = sg.Value(1.0, label="x")
    y = x
    for _ in range(300):
        y = y * 1.01 + x
    with open_page(sg.walkthrough(y, max_nodes=10).html) as visit:
        assert len(visit.page.evaluate("STEPS")) < 40
        caption = visit.page.inner_text("figcaption")
        assert "earlier nodes are folded; max_nodes= shows more" in caption
        visit.page.press("body", "End")
        visit.page.evaluate(MOVE, {0: 50})
        found = visit.page.evaluate(NUMBERS)["x"]
        assert found[0] == 1.5
        y.backward()
        assert math.isclose(found[1], x.grad, rel_tol=1e-12)
        assert "what the picture does not show" in visit.page.evaluate("JSON.stringify(STEPS)")
        assert clean(visit)


def test_graph_too_large_to_compute_anew_has_no_sliders(open_page: browser.Opener) -> None:
    y = sg.Value(1.0, label="x")
    for _ in range(LIVE):
        y = y + 0.5
    with open_page(sg.walkthrough(y, max_nodes=5).html) as visit:
        assert visit.page.locator(".slider").count() == 0
        assert "at most 2,000 nodes" in visit.page.inner_text(".remark")
        visit.page.press("body", "End")
        assert words(visit) == "+: upstream, unchanged = 1"
        assert table(visit)["the result"] == ["1001", "1"]
        assert clean(visit)
    assert len(sg.walkthrough(hairball(5_000), max_nodes=20).html) < 200_000


def test_value_used_very_often_makes_no_endless_page(Value: type) -> None:
    x = Value(1.0, label="x")

    html = sg.walkthrough(sg.sum([x] * 500)).html

    assert len(html) < 1_500_000


# -- quiz ------------------------------------------------------------------------------------------


def answer(visit: browser.Visit, text: str) -> None:
    visit.page.fill("[name=answer]", text)
    visit.page.press("[name=answer]", "Enter")


def test_quiz_hides_the_number_and_a_right_answer_shows_it(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.click("text=Quiz")
        assert words(visit) == "upstream: the backward pass begins with 1"
        visit.page.click("[data-do=next]")
        answer(visit, "1.10")
        visit.page.click("[data-do=next]")
        assert words(visit) == "What comes back to tax?"
        assert visit.page.evaluate(SEEN, "backward") == ["1.1", "?", "1"]
        assert table(visit)["tax"] == ["1.1", "?"]
        assert "650" not in visit.page.inner_text(".rule")

        answer(visit, "650")

        assert words(visit) == "×: upstream × the other operand = 1 × 650 = 650"
        assert visit.page.inner_text(".note") == "Right."
        assert visit.page.inner_text(".score") == "2 of 2 right at once"
        assert table(visit)["tax"] == ["1.1", "650"]
        assert clean(visit)


def test_quiz_answers_a_wrong_number_with_the_rule(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.press("body", "q")
        walk_to(visit, 7)
        answer(visit, "one")
        assert visit.page.inner_text(".hint") == "Type a number, such as 2.2 or 1/3."
        answer(visit, "1.1")
        hint = "Not 1.1. ×: upstream × the other operand = 1 × 650 = ?"
        assert visit.page.inner_text(".hint") == hint
        assert visit.page.inner_text(".score") == "0 of 1 right at once, 1 skipped"
        answer(visit, "650,3")
        assert visit.page.inner_text(".hint").startswith("Not 650.3. ×:")
        answer(visit, "650,0")
        assert visit.page.inner_text(".note") == "Right now."
        assert visit.page.inner_text(".score") == "0 of 2 right at once, 1 skipped"
        assert clean(visit)


def test_quiz_skips_and_goes_on_by_keys_alone(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(branch()).html) as visit:
        focused = "document.activeElement.name || document.activeElement.dataset.do"
        press = visit.page.keyboard.press
        press("q")
        press("ArrowRight")
        assert visit.page.evaluate(focused) == "answer"
        visit.page.keyboard.type("1.0")
        press("Enter")
        assert visit.page.evaluate(focused) == "next"
        press("Enter")
        assert visit.page.evaluate(focused) == "answer"
        visit.page.keyboard.type("−1")  # with the true minus sign
        press("Enter")
        press("Enter")
        press("ArrowLeft")
        assert visit.page.inner_text(".note").startswith("Right.")
        press("ArrowRight")
        for _ in range(2):
            press("Tab")
        assert visit.page.evaluate(focused) == "skip"
        press("Enter")
        assert visit.page.inner_text(".note") == "Skipped."
        press("Enter")
        assert visit.page.inner_text(".score") == "2 of 3 right at once, 1 skipped"
        press("q")
        assert visit.page.is_hidden(".answer")
        assert clean(visit)


def test_quiz_asks_for_sums_and_on_request_for_values(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(branch()).html) as visit:
        visit.page.press("body", "q")
        visit.page.check("[name=forward]")
        walk_to(visit, 1)
        assert words(visit) == "What comes out of ×?"
        assert "15" not in visit.page.evaluate(SEEN, "forward")
        walk_to(visit, 11)
        assert words(visit) == "What is the sum so far at x?"
        answer(visit, "1")
        assert words(visit) == "branch: the sum so far = −1 + 2 = 1"
        assert clean(visit)


def test_quiz_wants_two_digits_and_says_so(open_page: browser.Opener) -> None:
    x, y = sg.values(x=0.54, y=3e-5)
    with open_page(sg.walkthrough(x * y).html) as visit:
        visit.page.press("body", "q")
        walk_to(visit, 3)
        assert words(visit) == "What comes back to x?"
        answer(visit, "0")  # near, but the picture shows another number
        assert visit.page.inner_text(".hint").startswith("Not 0. ×: upstream ×")
        answer(visit, "0,00003")
        assert visit.page.inner_text(".note") == "Right now."
        visit.page.press("body", "ArrowRight")
        assert words(visit) == "What comes back to y?"
        answer(visit, "0.5")
        assert visit.page.inner_text(".hint") == "0.5 has too few digits: type 2 or more."
        answer(visit, "54/100")
        assert visit.page.inner_text(".note") == "Right."  # what was too short is no mistake
        assert visit.page.inner_text(".score") == "1 of 2 right at once"
        assert clean(visit)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(open_page: browser.Opener) -> Any:
    """A page whose functions are called."""
    with open_page(sg.walkthrough(branch()).html) as visit:
        yield visit
        assert clean(visit)


@pytest.mark.parametrize("digits", [1, 2, 6, 15, 17])
def test_numbers_are_written_as_python_writes_them(page: browser.Visit, digits: int) -> None:
    chance = random.Random(digits)
    values = [0.0, -0.0, 1.0, 0.5, 2.5, 100000.5, 100001.5, 999999.5, 1000000.5, 1e22, 5e-324]
    values += [1e-5, 0.0001, 0.00012345678, 123456.5, 0.1 + 0.2, 1.7976931348623157e308, INF, NAN]
    values += [chance.gauss(0, 1) * 10.0 ** chance.randint(-12, 12) for _ in range(1500)]
    values += [chance.randint(0, 10**7) / 2 ** chance.randint(0, 9) for _ in range(1500)]  # ties
    values += [-value for value in values]
    found = page.page.evaluate("([xs, d]) => xs.map((x) => shortNumber(x, d))", [values, digits])

    wrong = [(x, got) for x, got in zip(values, found, strict=True) if got != number(x, digits)]
    assert wrong == []
