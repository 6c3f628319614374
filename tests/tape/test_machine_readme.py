"""The page of the machine says what is there: instructions, passes, files, a plan as it prints."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from replays import COSTS, KINDS

from scalargrad import _engine

MACHINE = Path(__file__).parents[2] / "scalargrad" / "_native" / "machine"
PAGE = (MACHINE / "README.md").read_text(encoding="utf-8")

needs_machine = pytest.mark.skipif(not KINDS, reason="the machine was not built")


def section(title: str) -> str:
    """Return a section of the page."""
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(title: str) -> list[list[str]]:
    """Return the cells of the table in a section, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def passes() -> list[str]:
    """Return the passes that the planner runs, in order."""
    return re.findall(r"^    PASS\((\w+),", (MACHINE / "plan.c").read_text("utf-8"), re.MULTILINE)


@needs_machine
def test_the_example_gives_what_the_page_prints() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert "f.tape.plan()" in example
    test = doctest.DocTestParser().get_doctest(example, {}, "README.md", None, None)
    found = doctest.DocTestRunner(verbose=False).run(test)
    assert found.attempted >= 4
    assert not found.failed


@needs_machine
def test_the_instructions_are_those_of_the_machine() -> None:
    listed = [(name, forward, back) for name, forward, back, _ in rows("Instructions")]
    table = _engine.machine().instructions
    texts = [
        tuple(f"`{text}`" if text else "" for text in (name, *directions))
        for name, form in table.items()
        for directions in [(form["forward"]["text"], form["backward"]["text"])]
    ]
    assert listed == texts


def test_the_passes_are_those_of_the_planner_in_their_order() -> None:
    assert [name.strip("`") for name, *_ in rows("Passes")] == passes()
    assert passes()[0] == "read_tape"


def test_the_drawing_has_every_pass_once() -> None:
    drawing = section("Passes").split("```")[1]
    assert sorted(re.findall(r"\b\w+_\w+|finish|vectorize", drawing)) == sorted(passes())


def test_passes_are_where_the_page_says() -> None:
    file = ""
    for name, place, *_ in rows("Passes"):
        file = "".join(re.findall(r"\((\w+\.c)\)", place)) or file
        text = (MACHINE / file).read_text(encoding="utf-8")
        function = name.strip("`")
        assert re.search(rf"^(?:static )?int {function}\(Builder \*builder\)\n\{{", text, re.M), (
            name
        )


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 10
    assert not [link for link in links if not (MACHINE / link).exists()]


@needs_machine
def test_numbers_are_those_of_the_block_of_costs() -> None:
    said = re.search(r"block by block, (\d+) to (\d+) lanes", PAGE)
    assert said is not None
    assert [int(number) for number in said.groups()] == [
        COSTS["BLOCK_PRODUCTS"],
        COSTS["BLOCK_MOST"],
    ]
