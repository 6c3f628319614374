"""The page of a walkthrough: keys, screen readers, colours, paper, safety, files."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import browser
import pytest
from figures import FIGURES
from walking import SEEN, branch, clean, fruit, on_medium, table, walk_to, words

import scalargrad as sg

INF, NAN = math.inf, math.nan
open_page = browser.open_page


# -- keys, screen readers, colours, paper ----------------------------------------------------------


def test_keys_walk_and_leave_other_keys_alone(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        at = []
        for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home"):
            visit.page.keyboard.press(key)
            at.append(visit.page.evaluate("state.step"))
        assert at == [1, 2, 1, 13, 13, 0]
        visit.page.keyboard.press("Control+ArrowRight")
        visit.page.focus("[name=speed]")
        visit.page.keyboard.press("End")
        assert visit.page.evaluate("state.step") == 0
        visit.page.focus("[data-do=theme]")
        visit.page.keyboard.press(" ")
        assert visit.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert visit.page.inner_text("[data-do=play]") == "Play"
        assert clean(visit)


def test_everything_is_reached_by_tab_and_shows_its_focus(open_page: browser.Opener) -> None:
    reached = set()
    with open_page(sg.walkthrough(fruit()).html) as visit:
        walk_to(visit, 3)
        for _ in range(40):
            visit.page.keyboard.press("Tab")
            name, outline = visit.page.evaluate(
                """() => { const e = document.activeElement; return [e.dataset.do || e.name
                    || e.getAttribute("aria-label"), getComputedStyle(e).outlineStyle]; }"""
            )
            reached.add(name)
            assert outline == "solid" or name is None
        assert clean(visit)

    assert {
        "quiz", "theme", "Picture", "Step", "first", "back", "play", "next", "last", "speed",
        "apple", "tax",
    } <= reached  # fmt: skip


def test_screen_readers_hear_every_step_and_every_control_has_a_name(
    open_page: browser.Opener,
) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.click("text=Quiz")
        controls = visit.page.locator("button:visible, input:visible, select:visible")
        names = controls.evaluate_all(
            "(all) => all.map((e) => e.ariaLabel || e.innerText.trim() || e.labels?.[0].innerText)"
        )
        assert len(names) > 12
        assert all(names)
        rule = visit.page.locator(".rule")
        assert rule.get_attribute("aria-live") == "polite"
        assert "Backward, step 1 of 9" in rule.inner_text()
        assert visit.page.get_by_role("img", name="Computational graph of price").count() == 1
        assert clean(visit)


@pytest.mark.parametrize(("scheme", "other"), [("light", "dark"), ("dark", "light")])
def test_colours_follow_the_system_and_the_button(
    open_page: browser.Opener, scheme: str, other: str
) -> None:
    fills = """() => [".picture [data-kind=paper]", ".picture [data-kind=symbol]",
        ".picture [data-kind=value][data-side=backward]"].map((one) =>
        getComputedStyle(document.querySelector(one)).fill.match(/\\d+/g).map(Number))"""
    with open_page(sg.walkthrough(fruit()).html, color_scheme=scheme) as visit:
        visit.page.press("body", "End")
        for dark in (scheme == "dark", other == "dark"):
            paper, ink, red = visit.page.evaluate(fills)
            assert (sum(paper) < 150 < sum(ink)) is dark
            assert red[0] > 200 > 2 * red[1] - 20
            visit.page.click("[data-do=theme]")
        assert clean(visit)


def test_less_motion_is_respected(open_page: browser.Opener) -> None:
    animated = "() => all('.new').some((e) => getComputedStyle(e).animationName !== 'none')"
    for wish, moves in (("reduce", False), ("no-preference", True)):
        with open_page(sg.walkthrough(fruit()).html, reduced_motion=wish) as visit:
            walk_to(visit, 2)
            assert visit.page.evaluate(animated) is moves


def test_nothing_moves_from_step_to_step(open_page: browser.Opener) -> None:
    tops = "() => ['.picture', '.rule', '.controls'].map((e) => one(e).getBoundingClientRect().top)"
    for width in (1280, 390):
        size = {"width": width, "height": 800}
        with open_page(sg.walkthrough(branch()).html, viewport=size) as visit:
            found = visit.page.evaluate(
                f"() => STEPS.map((_, n) => {{ show(n); return ({tops})(); }})"
            )
            assert len({tuple(places) for places in found}) == 1
            overflow = "document.documentElement.scrollWidth - innerWidth"
            assert visit.page.evaluate(overflow) <= 0


def test_paper_has_the_whole_picture_and_every_rule(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        walk_to(visit, 2)
        on_medium(visit, "print")
        assert sorted(visit.page.evaluate(SEEN, "backward")) == sorted(
            ["2.2", "110", "3.3", "165", "1.1", "1.1", "1.1", "650", "1"]
        )
        rules = visit.page.locator(".printed tbody tr").all_inner_texts()
        assert len(rules) == 14
        assert rules[13].endswith("×: upstream × the other operand = 1.1 × 100 = 110")
        for hidden in (".controls", ".rule", ".slider >> nth=0", "header button >> nth=0"):
            assert visit.page.is_hidden(hidden)
        on_medium(visit, "screen")
        assert words(visit) == "×: 150 × 3 = 450"
        assert visit.page.is_hidden(".printed")
        assert clean(visit)


def test_every_step_says_which_value_it_finds(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(branch()).html) as visit:
        seen = [visit.page.evaluate("() => one('.what').textContent")]
        while visit.page.is_enabled("[data-do=next]"):
            visit.page.click("[data-do=next]")
            seen.append(visit.page.inner_text(".what"))
        on_medium(visit, "print")
        printed = visit.page.locator(".printed tbody td.what").all_inner_texts()

    assert printed == seen
    assert seen[:6] == [
        "", "what × 1 gives", "what × 2 gives", "what + gives", "y", "∂y/∂y",
    ]  # fmt: skip
    assert seen.count("part of ∂y/∂x") == 3
    assert seen.count("∂y/∂x") == 2  # the sum so far, and the whole
    assert seen.count("the gradient of what × 1 gives") == 1


def test_step_calls_an_unlabelled_input_what_the_table_calls_it(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(sg.Value(2.0) * sg.Value(3.0)).html) as visit:
        walk_to(visit, 3)
        assert visit.page.inner_text(".what") == "the gradient of input\u00a01"
        assert list(table(visit))[:2] == ["input\u00a01", "input\u00a02"]
        on_medium(visit, "print")
        cells = visit.page.locator(".printed tbody tr").first.locator("td:visible").count()
        assert cells == 4  # the first step finds no value: its cell is empty


def test_names_of_unlabelled_inputs_stay_on_one_line(open_page: browser.Opener) -> None:
    xs = [sg.Value(float(number)) for number in range(12)]
    for width in (1280, 390):
        size = {"width": width, "height": 800}
        with open_page(sg.walkthrough(sg.sum(xs)).html, viewport=size) as visit:
            heights = visit.page.evaluate(
                "() => all('.values i').map((name) => name.getBoundingClientRect().height)"
            )
            assert len(set(heights)) == 1
            assert visit.page.evaluate("() => all('.values i').at(-2).textContent").endswith("12")


def test_picture_fades_at_an_edge_only_while_there_is_more(open_page: browser.Opener) -> None:
    x = sg.Value(0.5, "x")
    y = x
    for _ in range(12):
        y = sg.tanh(y)
    long = sg.walkthrough(y, width=math.inf).html
    for html, more in ((sg.walkthrough(branch()).html, ""), (long, "right")):
        with open_page(html, viewport={"width": 900, "height": 900}) as visit:
            assert visit.page.evaluate("() => one('.picture').dataset.more") == more
            fades_at = "(edges) => one('.picture').dataset.more === edges"
            if more:
                visit.page.evaluate("() => one('.picture').scrollTo({left: 100})")
                visit.page.wait_for_function(fades_at, arg="left right")
                visit.page.evaluate("() => one('.picture').scrollTo({left: 99999})")
                visit.page.wait_for_function(fades_at, arg="left")
            assert clean(visit)


def test_picture_is_whole_without_script(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html, java_script_enabled=False) as visit:
        assert visit.page.locator(".picture text", has_text="715").is_visible()
        assert visit.page.is_visible("noscript p")


# -- safety ----------------------------------------------------------------------------------------

HOSTILE = [
    "</script><script>window.hit = 1</script>", '"><img src=x onerror="window.hit=1">',
    "</svg><svg onload=window.hit=1>", "<!--<script>", "{{data}}{{script}}", "a\u2028b\u2029c",
    "\u202eabc\u2066", "\0\ud800￿", "x" * 100_000, "${window.hit=1}", "&lt;b&gt;", "'\\",
]  # fmt: skip


def test_hostile_labels_stay_text(open_page: browser.Opener) -> None:
    leaves = [sg.Value(float(i), label=text) for i, text in enumerate(HOSTILE, 1)]
    with sg.scope(HOSTILE[0]):
        total = sg.sum(leaves) * leaves[0]
    root = sg.record(total.data, [total], [1.0], op=HOSTILE[1]) + leaves[1]
    root.label = HOSTILE[0]
    for options in ({"title": HOSTILE[1]}, {"fold": True}):
        html = sg.walkthrough(root, **options).html  # type: ignore[arg-type]
        assert len(html) < 300_000
        assert not re.search("[\u2028\u2029]", html[html.index("application/json") :])
        assert not re.search("[\u202e\u2066]", html)
        with open_page(html) as visit:
            visit.page.evaluate("() => STEPS.forEach((_, number) => show(number))")
            visit.page.press("body", "q")
            assert visit.page.evaluate("window.hit") is None
            assert visit.page.locator("img").count() == 0
            assert visit.page.locator("script").count() == 2
            assert clean(visit)


def test_content_policy_stops_what_is_brought_in(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(fruit()).html) as visit:
        visit.page.evaluate(
            """async () => {
                const script = document.createElement("script");
                script.textContent = "window.hit = 1";
                document.body.append(script);
                const style = document.createElement("style");
                style.textContent = "body { display: none }";
                document.body.append(style);
                document.body.append(Object.assign(new Image(), {src: "https://far.test/a.png"}));
                await fetch("https://far.test/b").catch(() => 0);
                setTimeout("window.hit = 2");
            }"""
        )
        assert visit.page.evaluate("window.hit") is None
        assert visit.page.is_visible("h1")
        assert len(visit.complaints) >= 5


def test_page_holds_no_markup_of_events_links_or_ids() -> None:
    html = sg.walkthrough(FIGURES["many_uses"]()).html
    markup = re.sub(r"<script.*?</script>|<style>.*?</style>", "", html, flags=re.DOTALL)

    assert not re.search(r"\s(on\w+|href|src|style|id)=", markup)
    assert "innerHTML" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_page_has_the_same_bytes_in_every_process() -> None:
    code = (
        "import scalargrad as sg; x, y = sg.values(x=1, y=2); g = (x + y) * x * sg.exp(y);"
        "import hashlib; print(hashlib.sha256(sg.walkthrough(g).html.encode()).hexdigest())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, check=True, cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(outputs) == 1


def test_engines_make_the_same_page(Value: type) -> None:
    def page_of(kind: type) -> str:
        x, y = kind(2.0, label="x"), kind(3.0, label="y")
        return str(sg.walkthrough((x * y + x).tanh() / y).html)

    assert page_of(Value) == page_of(sg._python.Value)


# -- notebook, files, refusals ---------------------------------------------------------------------


def test_notebook_shows_a_frame_that_reaches_nothing_outside(open_page: browser.Opener) -> None:
    walk = sg.walkthrough(fruit())
    bundle = walk._repr_mimebundle_()
    assert (
        bundle["text/plain"]
        == repr(walk)
        == ("<Walkthrough of 14 steps; .save('walk.html') writes it>")
    )
    assert bundle["text/html"] == walk._repr_html_()
    with open_page(f"<!doctype html><p>notebook</p>{walk._repr_html_()}") as visit:
        assert visit.page.get_attribute("iframe", "sandbox") == "allow-scripts"
        inside = visit.page.frame_locator("iframe")
        inside.locator("[data-do=last]").click()
        assert inside.locator(".words").inner_text().endswith("1.1 × 100 = 110")
        frame = visit.page.frames[1]
        assert frame.evaluate("window.origin") == "null"
        reach = "() => { try { return parent.document.title; } catch { return 'barred'; } }"
        assert frame.evaluate(reach) == "barred"
        assert clean(visit)


def test_page_is_written_whole_to_html_only(tmp_path: Path) -> None:
    walk = sg.walkthrough(fruit())

    walk.save(tmp_path / "walk.HTML")

    assert (tmp_path / "walk.HTML").read_text(encoding="utf-8") == walk.html
    with pytest.raises(
        ValueError, match=r"^save: a walkthrough is a page, .* in \.html; got 'w.svg'"
    ):
        walk.save("w.svg")
    with pytest.raises(ValueError, match=r"^save: the file cannot be written \(No such file"):
        walk.save(tmp_path / "missing" / "walk.html")
    assert [path.name for path in tmp_path.iterdir()] == ["walk.HTML"]


@pytest.mark.parametrize(
    ("value", "options", "message"),
    [
        (3.0, {}, r"walkthrough: wants a Value; got 3\.0 \(float\); pass the result to draw"),
        (
            None,
            {"symbols": True},
            r"walkthrough: its options are open, .*; got 'symbols' \(str\); .*",
        ),
        (None, {"max_nodes": 0}, r"walkthrough: max_nodes must be from 1 to .*; got 0 \(int\); .*"),
        (None, {"digits": 2.5}, r"walkthrough: digits must be an int; got 2\.5 \(float\); .*"),
        (None, {"title": 7}, r"walkthrough: title must be a text; got 7 \(int\); .*"),
        (None, {"open": "add"}, r"walkthrough: open: 'add' is not made of simpler .*"),
        (None, {"fold": "Attic"}, r"walkthrough: fold: no node was made in the scope 'Attic'.*"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(value: Any, options: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        sg.walkthrough(fruit() if value is None else value, **options)

    assert isinstance(caught.value, sg.ScalargradError)
    assert re.fullmatch(message, str(caught.value))


def test_graph_of_one_leaf_is_a_short_walk(open_page: browser.Opener) -> None:
    with open_page(sg.walkthrough(sg.Value(3.0, label="x")).html) as visit:
        visit.page.press("body", "End")
        assert table(visit) == {"x": ["3", "1"]}
        assert clean(visit)


def test_options_reach_the_page(open_page: browser.Opener) -> None:
    x, t = sg.values(x=1 / 3, t=2)
    h = x * t
    h.label = "h"
    y = h.sigmoid()
    html = sg.walkthrough(y, constants=[t], digits=3, title="A & B", open="sigmoid").html
    with open_page(html) as visit:
        assert visit.page.title() == visit.page.inner_text("h1") == "A & B"
        visit.page.press("body", "End")
        assert table(visit)["x"][0] == "0.333"
        assert table(visit)["t"] == ["2", "none"]
        assert visit.page.evaluate(SEEN, "forward").count("h = 0.667") == 1
        assert json.loads(visit.page.evaluate("JSON.stringify(Object.keys(ROWS))")) == [
            "add", "div", "exp", "mul",
        ]  # fmt: skip
        assert clean(visit)
