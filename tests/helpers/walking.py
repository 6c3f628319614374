"""What the tests of the walkthrough share: graphs, and questions to the page."""

from __future__ import annotations

from typing import Literal

import browser

import scalargrad as sg

#: every number of the graph as the page has it now, by name: value and gradient
NUMBERS = """() => Object.fromEntries(rows.map((row) =>
    [row.name, [graph.data[row.node], graph.gradients[row.node]]]))"""
#: some sliders, by their numbers, to positions
MOVE = """(positions) => {
    for (const [i, position] of Object.entries(positions)) {
        const slider = document.querySelectorAll(".slider")[i];
        slider.value = position;
        slider.dispatchEvent(new Event("input"));
    }
}"""
#: what stands in the picture and can be seen, on one side
SEEN = """(side) => [...document.querySelectorAll(`[data-kind=value][data-side=${side}]`)]
    .filter((text) => getComputedStyle(text).visibility === "visible")
    .map((text) => text.textContent)"""
TABLE = """() => [...document.querySelectorAll(".values tbody tr:not(.reason)")]
    .map((row) => ["th", "td:nth-child(3)", "td:nth-child(4)"]
        .map((cell) => row.querySelector(cell).textContent))"""


def fruit() -> sg.Value:
    """Return figure 5-17 of the book, without a pass."""
    apple, apples, orange, oranges, tax = sg.values(
        apple=100, apples=2, orange=150, oranges=3, tax=1.1
    )
    price = (apple * apples + orange * oranges) * tax
    price.label = "price"
    return price


def branch() -> sg.Value:
    """Return y = 5x + x·2 − x at x = 3: three parts come back, 5, 2 and −1."""
    (x,) = sg.values(x=3)
    y = 5 * x + x * 2 - x
    y.label = "y"
    return y


def words(visit: browser.Visit) -> str:
    return " / ".join(line for line in visit.page.inner_text(".words").split("\n") if line)


def table(visit: browser.Visit) -> dict[str, list[str]]:
    return {name: cells for name, *cells in visit.page.evaluate(TABLE)}


def clean(visit: browser.Visit) -> bool:
    return visit.is_quiet


def on_medium(visit: browser.Visit, medium: Literal["print", "screen"]) -> None:
    """Shows the page as on "print" or "screen", and waits until it has taken notice."""
    visit.page.emulate_media(media=medium)
    visit.page.wait_for_function("is => state.printing === is", arg=medium == "print")


def walk_to(visit: browser.Visit, number: int) -> None:
    visit.page.press("body", "Home")
    for _ in range(number):
        visit.page.press("body", "ArrowRight")
