"""The explorer in Chromium, on its real server: type, move, ask, step, look, share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import browser
import pytest
from serving import has_value, is_shown, says, serving

from scalargrad.explorer.loopback import Loopback

open_page = browser.open_page

TEXT = "x * y + sigmoid(x) * 3"
#: fragments that strangers may send
HOSTILE = (
    "text=%3Cimg+src=x+onerror=alert(1)%3E", "text=x&open=rm", "text=x&digits=1e9",
    "text=x&v.x=%3Cb%3E", "text=" + "x" * 11_000,
)  # fmt: skip
#: the words of the part that has the focus
FOCUSED = "() => document.activeElement.getAttribute('aria-label')"
#: what of the picture can be seen of one kind and side
SEEN = """([kind, side]) => [...document.querySelectorAll(
    `.picture [data-kind=${kind}][data-side=${side}]`)]
    .filter((e) => getComputedStyle(e).visibility === "visible").length"""
GLOWS = "() => document.querySelectorAll('.glow').length"
OVERFLOW = "() => document.documentElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving(TEXT, x="0.5", y="3") as server:
        yield server


def address(server: Loopback, fragment: str = "") -> browser.Served:
    given = "text=x+*+y+%2B+sigmoid(x)+*+3&v.x=0.5&v.y=3"
    return browser.Served(f"{server.address}#{fragment or given}")


def values(visit: browser.Visit) -> dict[str, tuple[str, str]]:
    """Return what stands in the table: value and gradient of each name."""
    rows = visit.page.locator(".values tbody tr:not(.reason)")
    cells: list[Any] = rows.evaluate_all(
        "(rows) => rows.map((row) => [row.cells[0].textContent,"
        " row.querySelector('input.number').value, row.cells[3].textContent])"
    )
    return {name: (value, gradient) for name, value, gradient in cells}


def test_what_is_typed_is_drawn_and_what_is_wrong_is_under_the_caret(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        parts = visit.page.locator(".target").count()
        visit.page.fill("[name=text]", "x * y + * 3")
        says(visit, ".refusal", "got '*'")
        caret = visit.page.evaluate(
            "() => getComputedStyle(document.querySelector('.caret')).getPropertyValue('--column')"
        )
        assert caret == "8"  # columns before it
        assert visit.page.locator(".target").count() == parts
        assert values(visit)["x"] == ("0.5", "3.70501")

        visit.page.fill("[name=text]", "x * w")
        is_shown(visit, "x * w")
        assert values(visit) == {"x": ("0.5", "1"), "w": ("1", "0.5")}
        assert visit.page.is_hidden(".caret")
        visit.page.fill("[name=text]", "x * w + y")
        is_shown(visit, "x * w + y")
        assert values(visit)["y"] == ("3", "1")  # remembered

        visit.page.click("[data-do=undo]")
        is_shown(visit, TEXT)  # what was typed in one go is one
        assert visit.page.input_value("[name=text]") == TEXT
        visit.page.click("[data-do=redo]")
        is_shown(visit, "x * w + y")
        assert visit.is_quiet


def test_values_move_by_keyboard_and_by_sliders_that_fit_them(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server, "text=log(s)*x&v.s=0.01&v.x=2")) as visit:
        is_shown(visit, "log(s)*x")
        slider = visit.page.get_by_role("slider", name="s", exact=True)
        field = visit.page.get_by_label("Value of s")
        slider.focus()
        slider.press("ArrowRight")
        has_value(visit, "Value of s", "0.0101")
        slider.press("ArrowRight")
        has_value(visit, "Value of s", "0.0102")
        slider.press("Home")
        has_value(visit, "Value of s", "0.0001")  # a logarithm needs a positive number
        assert visit.page.evaluate("() => document.activeElement.className") == "slider"
        slider.blur()
        visit.page.keyboard.press("Control+z")
        visit.page.keyboard.press("Control+z")
        visit.page.keyboard.press("Control+z")
        has_value(visit, "Value of s", "0.01")

        field.fill("1/4")
        field.press("Enter")
        says(visit, "h1", "−2.77259")
        assert values(visit)["s"] == ("1/4", "8")
        field.fill("many")
        field.press("Enter")
        says(visit, ".why", "s: a number is wanted; got 'many'; write e.g. 1.5 or -1/3")
        assert "v.s=1%2F4" in visit.page.url
        assert visit.is_quiet


def test_a_part_tells_its_rule_and_a_leaf_its_ways(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        visit.page.click("[aria-label^='v₃, ×']")
        says(visit, ".card", "∂g/∂v₃ = 1")
        card = visit.page.inner_text(".card")
        assert "×: 0.622459 × 3 = 1.86738" in card
        assert "back to v₂: upstream × the other operand = 1 × 3 = 3" in card

        visit.page.click("[aria-label^='x = 0.5']")
        says(visit, ".card", "2 ways to the result")
        assert visit.page.locator("ol").first.locator(".way").all_inner_texts() == [
            "× → +\n1 × 3 = 3", "sigmoid → × → +\n1 × 3 × 0.235004 = 0.705011",
        ]  # fmt: skip
        assert visit.page.inner_text(".sum") == "3 + 0.705011 = 3.70501"
        assert visit.page.get_by_role("img", name="y+3v₂(1−v₂)").count() == 1
        assert visit.page.evaluate(GLOWS) == 7  # the stem, two and three arrows, the last one
        visit.page.locator(".way").first.focus()
        assert visit.page.evaluate(GLOWS) == 4
        visit.page.keyboard.press("Escape")
        assert visit.page.is_hidden(".card")
        assert visit.page.evaluate(GLOWS) == 0
        assert visit.page.evaluate(FOCUSED) == "x = 0.5; gradient 3.70501"
        visit.page.hover("[aria-label^='y = 3']")
        says(visit, ".card", "One way to the result")
        visit.page.mouse.move(5, 5)
        assert visit.page.is_hidden(".card")
        assert visit.is_quiet


def test_a_gradient_tells_its_terms_and_an_input_is_nudged(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        visit.page.locator(".picture [data-side=backward]", has_text="3.70501").click()
        says(visit, ".card h3", "2 arrows bring it back, together")
        assert visit.page.locator("ol").first.locator(".way").all_inner_texts() == [
            "×\n1 × 3 = 3", "sigmoid\n3 × 0.235004 = 0.705011",
        ]  # fmt: skip
        assert visit.page.evaluate(GLOWS) == 2
        visit.page.locator(".way").nth(1).focus()
        assert visit.page.evaluate(GLOWS) == 1
        visit.page.get_by_title("Which terms").press("Enter")
        says(visit, ".card h3", "2 ways to the result")
        assert visit.page.evaluate("() => document.activeElement.title") == "Which terms"

        nudge = visit.page.locator(".way", has_text="δ = 0.05")
        assert nudge.inner_text() == "δ = 0.05\n0.185029 beside 0.185251"
        nudge.press("Enter")
        has_value(visit, "Value of x", "0.55")
        says(visit, "h1", "3.55241")
        says(visit, ".card", "δ = 0.01")
        assert visit.page.evaluate("() => document.activeElement.className") == "way"
        visit.page.keyboard.press("Control+z")
        has_value(visit, "Value of x", "0.5")
        assert visit.is_quiet


def test_gradient_descent_steps_draws_and_is_undone(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server, "text=x**2+%2B+y**2&v.x=3&v.y=4")) as visit:
        is_shown(visit, "x**2 + y**2")
        visit.page.focus("summary:text('Gradient descent')")
        visit.page.keyboard.press("Space")
        visit.page.click("text=10 steps")
        says(visit, ".descent [role=status]", "10 steps: g went from 25 to 0.288232.")
        has_value(visit, "Value of x", "0.322123")
        visit.page.uncheck(".descent [value=x]")
        visit.page.press("[name=rate]", "Enter")
        says(visit, ".descent [role=status]", "1 step: g went from")
        assert values(visit)["x"][0] == "0.322123"
        assert visit.page.locator(".curve circle").count() == 12
        assert visit.page.get_by_role("img", name="g step by step: 25, 16, 10.24").count() == 1
        visit.page.fill("[name=rate]", "fast")
        visit.page.click("text=1 step")
        says(visit, ".descent [role=status]", "a number is wanted; got 'fast'")

        visit.page.focus("h1 ~ .tools [data-do=undo]")
        visit.page.keyboard.press("Control+z")
        has_value(visit, "Value of y", "0.429498")  # 4 × 0.8¹⁰
        assert visit.page.locator(".curve svg").count() == 0
        visit.page.keyboard.press("Control+z")
        has_value(visit, "Value of x", "3")
        assert visit.is_quiet


def test_every_part_is_reached_by_keys_and_opens(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        visit.page.focus("[data-do=out]")
        visit.page.keyboard.press("Shift+Tab")
        heard = [visit.page.evaluate(FOCUSED)]
        for _ in range(5):
            visit.page.keyboard.press("ArrowRight")
            heard.append(visit.page.evaluate(FOCUSED))
        assert heard == [
            "x = 0.5; gradient 3.70501",
            "y = 3; gradient 0.5",
            "v₁, ×: 0.5 × 3 = 1.5; gradient 1",
            "v₂, sigmoid: sigmoid(0.5) = 0.622459; gradient 3",
            "v₃, ×: 0.622459 × 3 = 1.86738; gradient 1",
            "g, +: 1.5 + 1.86738 = 3.36738; gradient 1",
        ]
        says(visit, ".card h2", "+ gives g")  # what has the focus is told
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector(".card:focus")
        visit.page.keyboard.press("Escape")
        assert visit.page.evaluate(FOCUSED) == heard[-1]
        visit.page.keyboard.press("ArrowLeft")
        visit.page.keyboard.press("ArrowLeft")
        visit.page.keyboard.press("o")
        visit.page.wait_for_function("() => document.querySelectorAll('.target').length === 9")
        assert visit.page.evaluate(FOCUSED).startswith("×: 0.5 × −1")
        assert "open=sigmoid" in visit.page.url
        visit.page.click("[data-act=close]")
        visit.page.wait_for_function("() => document.querySelectorAll('.target').length === 6")
        assert visit.page.evaluate(FOCUSED).startswith("v₂, sigmoid")
        assert visit.is_quiet


def test_steps_go_both_ways_in_every_look_and_stand_in_the_address(
    server: Loopback, open_page: browser.Opener
) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        whole = visit.page.evaluate(SEEN, ["line", "backward"])
        visit.page.keyboard.press("Home")
        assert visit.page.inner_text(".where") == "Forward, step 1 of 5"
        assert visit.page.evaluate(SEEN, ["line", "backward"]) == 0
        assert [gradient for _, gradient in values(visit).values()] == ["not yet", "not yet"]
        for _ in range(10):
            visit.page.keyboard.press("ArrowRight")
        assert visit.page.inner_text(".words") == "×: upstream × the other operand = 1 × 3 = 3"
        visit.page.keyboard.press("ArrowLeft")
        assert values(visit)["x"] == ("0.5", "0.705011 + …")
        assert visit.page.url.endswith("step=9")
        visit.page.reload()
        is_shown(visit, TEXT)
        assert visit.page.inner_text(".where") == "Backward, step 5 of 8"
        for look in ("both", "symbols"):
            visit.page.click(f"[data-look={look}]")
            visit.page.wait_for_selector(f"[data-look={look}][aria-pressed=true]")
            assert visit.page.inner_text(".where") == "Backward, step 5 of 8"
        visit.page.keyboard.press("End")
        assert visit.page.evaluate(SEEN, ["value", "backward"]) > 5
        assert visit.page.evaluate(SEEN, ["line", "backward"]) == whole
        assert visit.is_quiet


def test_a_picture_grows_and_moves(server: Loopback, open_page: browser.Opener) -> None:
    scale = "() => Number(document.querySelector('.picture').dataset.scale)"
    with open_page(address(server), viewport={"width": 1000, "height": 800}) as visit:
        is_shown(visit, TEXT)
        usual = visit.page.evaluate(scale)
        for _ in range(5):
            visit.page.keyboard.press("+")
        assert visit.page.evaluate(scale) == pytest.approx(usual * 1.25**5, rel=0.01)
        left = visit.page.evaluate("() => document.querySelector('.picture').scrollLeft")
        box = visit.page.locator(".picture").bounding_box()
        assert box is not None
        visit.page.mouse.move(box["x"] + 300, box["y"] + 12)
        visit.page.mouse.down()
        visit.page.mouse.move(box["x"] + 200, box["y"] + 12)
        visit.page.mouse.up()
        moved = visit.page.evaluate("() => document.querySelector('.picture').scrollLeft")
        assert moved == left + 100
        visit.page.click("[data-do=fit]")
        size = (
            "() => { const {scrollWidth, clientWidth} = document.querySelector('.picture');"
            " return scrollWidth - clientWidth; }"
        )
        assert visit.page.evaluate(size) == 0
        assert visit.is_quiet


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 320, "height": 640}, "color_scheme": "dark"},
        {"viewport": {"width": 1280, "height": 800}, "forced_colors": "active"},
    ],
    ids=["phone", "few colours"],
)
def test_small_screens_and_few_colours(
    server: Loopback, open_page: browser.Opener, options: dict[str, Any]
) -> None:
    with open_page(address(server), **options) as visit:
        is_shown(visit, TEXT)
        assert visit.page.evaluate(OVERFLOW) <= 0
        visit.page.click("[aria-label^='v₂, sigmoid']")
        says(visit, ".card h2", "sigmoid gives v₂")
        assert visit.page.evaluate(OVERFLOW) <= 0
        inked = "() => getComputedStyle(document.querySelector('.picture [data-kind=symbol]')).fill"
        paper = "() => getComputedStyle(document.querySelector('.picture [data-kind=paper]')).fill"
        assert visit.page.evaluate(inked) != visit.page.evaluate(paper)
        assert visit.is_quiet


def test_what_is_seen_is_shared_in_every_form(server: Loopback, open_page: browser.Opener) -> None:
    rights = ["clipboard-read", "clipboard-write"]
    with open_page(address(server), permissions=rights) as visit:
        is_shown(visit, TEXT)
        visit.page.press(".share summary", "Enter")
        begins = {
            "Link": "http://127", "SVG": "<svg ", "TikZ": "% A picture",
            "Python": "import scalargrad", "Figure": "<figure>",
        }  # fmt: skip
        for form, start in begins.items():
            visit.page.press(f".share button:text-is('{form}')", "Enter")
            says(visit, ".share [role=status]", f"{form} copied")
            assert visit.page.evaluate("() => navigator.clipboard.readText()").startswith(start)
        visit.page.click(".share button:text-is('PNG')")
        says(visit, ".share [role=status]", "PNG copied")
        wide = visit.page.evaluate(
            "async () => { const [one] = await navigator.clipboard.read();"
            " return (await createImageBitmap(await one.getType('image/png'))).width; }"
        )
        drawn = visit.page.evaluate(
            "() => document.querySelector('.picture svg').viewBox.baseVal.width"
        )
        assert wide == pytest.approx(2 * drawn, abs=2)
        visit.page.keyboard.press("Escape")
        assert visit.page.locator(".share[open]").count() == 0
        assert visit.page.evaluate("() => document.activeElement.textContent") == "Share"
        assert visit.is_quiet


def test_a_number_in_the_picture_is_dragged(server: Loopback, open_page: browser.Opener) -> None:
    with open_page(address(server)) as visit:
        is_shown(visit, TEXT)
        box = visit.page.locator(".movable").first.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        visit.page.mouse.move(x, y)
        visit.page.mouse.down()
        visit.page.mouse.move(x + 20, y, steps=5)
        has_value(visit, "Value of x", "0.525")  # five steps of its slider
        visit.page.mouse.move(x - 20, y)
        visit.page.mouse.up()
        has_value(visit, "Value of x", "0.475")
        visit.page.mouse.move(x + 40, y)
        visit.page.keyboard.press("Control+z")
        has_value(visit, "Value of x", "0.5")  # one drag is one
        assert visit.is_quiet


def test_an_address_holds_everything_and_can_do_no_harm(
    server: Loopback, open_page: browser.Opener
) -> None:
    shared = "text=a+%3D+gelu(x)&v.x=-2&look=both&digits=3&theme=dark&step=1"
    with open_page(address(server, shared)) as visit:
        is_shown(visit, "a = gelu(x)")
        assert visit.page.inner_text("h1") == "a = −0.0455"
        assert visit.page.inner_text(".where") == "Forward, step 2 of 2"
        assert visit.page.evaluate("() => document.documentElement.dataset.theme") == "dark"
        fragment = visit.page.url.split("#")[1]
        assert sorted(fragment.split("&")) == sorted(shared.replace("(x)", "%28x%29").split("&"))
        for hostile in HOSTILE:
            visit.page.evaluate("fragment => { location.hash = fragment; }", hostile)
            is_shown(visit, TEXT)  # what the server was given
            says(visit, ".refusal", "The address cannot be shown")
            assert visit.page.locator("img, b:not(.number)").count() == 0
            visit.page.fill("[name=text]", "x")
            is_shown(visit, "x")
        assert visit.is_quiet


def test_a_page_whose_server_has_ended_says_how_to_go_on(open_page: browser.Opener) -> None:
    with serving(TEXT, x="0.5", y="-3") as server:
        given = browser.Served(server.address)
        with open_page(given) as visit:
            is_shown(visit, TEXT)
            visit.page.route("**/message", lambda route: route.abort())
            visit.page.click("[data-look=both]")
            says(visit, ".lost", "The server has ended.")
            assert visit.page.inner_text(".lost").endswith(
                'Begin again with: scalargrad explore "x * y + sigmoid(x) * 3" x=0.5 y=-3'
            )
