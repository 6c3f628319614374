"""The JavaScript of the operation table: in Chromium every row computes what it does in Python."""

from __future__ import annotations

import itertools
import json
import math
import random
from types import SimpleNamespace
from typing import Any

import browser
import mpmath
import pytest

from scalargrad.table import libm, to_javascript
from scalargrad.table.row import FUNCTIONS, ROWS, ManyRow, Row

INF, NAN = math.inf, math.nan
open_page = browser.open_page

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e300, -1e300, 1e-300, 5e-324, INF, -INF, NAN]
ULPS = 4
#: the rows that rest on functions written out in JavaScript, and how far they may be off
WRITTEN_OUT = {"erf": 1e-13, "erfc": 1e-13, "gelu": 1e-13}

HEAD = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy"'
    " content=\"default-src 'none'; script-src 'unsafe-inline'\">"
)
#: every row at its points; numbers travel as text, since JSON has no nan, no infinity and no -0
RUN = """(sent) => {
    const read = (v) => Array.isArray(v) ? v.map(read) : Number(v);
    const write = (v) => Array.isArray(v) ? v.map(write) : Object.is(v, -0) ? "-0" : String(v);
    const results = Object.entries(JSON.parse(sent)).map(([name, points]) =>
        [name, points.map((point) => write(ROWS[name].step(...read(point))))]);
    return JSON.stringify(Object.fromEntries(results));
}"""
#: each script alone: what its only row gives for ones
ALONE = """(scripts) => Object.entries(scripts).map(([name, script]) => {
    const row = new Function(script + "return ROWS;")()[name];
    const ones = Array(row.arity).fill(row.many ? [1, 1] : 1);
    return row.step(...ones).length;
})"""


def regular(row: Row | ManyRow) -> list[list[Any]]:
    """Return points of a row's range."""
    chance = random.Random(row.name)
    if isinstance(row, Row):
        return [[chance.uniform(*ends) for ends in row.sample] for _ in range(60)]
    counts = [1, 2, 3, 7, 20] * 5
    return [[[chance.uniform(*ends) for _ in range(n)] for ends in row.sample] for n in counts]


def special(row: Row | ManyRow) -> list[list[Any]]:
    """Return all pairs of special numbers; of lists, the short ones and some with ties."""
    if isinstance(row, Row):
        return [list(point) for point in itertools.product(SPECIAL, repeat=row.arity)]
    chance = random.Random(row.name)
    counts = [0] * row.empty + [1] * 20 + [2, 3, 4] * 20
    mixed = [[chance.choices(SPECIAL, k=n) for _ in row.sample] for n in counts]
    return [*mixed, *([[x, x, 1.0]] * row.lists for x in SPECIAL)]


def python(row: Row | ManyRow, point: list[Any]) -> list[float]:
    step = row.step if isinstance(row, Row) else row.step((True,) * row.lists)
    return flat(step(*point))


def flat(numbers: Any) -> list[float]:
    if isinstance(numbers, list | tuple):
        return [number for part in numbers for number in flat(part)]
    return [float(numbers)]


def text(numbers: Any) -> Any:
    if isinstance(numbers, list):
        return list(map(text, numbers))
    return repr(numbers).replace("inf", "Infinity")


def same(got: float, wanted: float, relative: float) -> bool:
    if math.isnan(wanted) or wanted in (0.0, INF, -INF):
        return repr(got) == repr(wanted)  # tells -0.0 from 0.0
    return abs(got - wanted) <= max(ULPS * math.ulp(wanted), relative * abs(wanted))


@pytest.fixture(scope="module")
def results(open_page: browser.Opener) -> dict[str, list[Any]]:
    """What JavaScript gives for every row, at its regular points and then the special ones."""
    points = {name: text(regular(row) + special(row)) for name, row in ROWS.items()}
    script = to_javascript.script(ROWS, ROWS, FUNCTIONS)
    with open_page(f"{HEAD}<script>{script}</script>") as visit:
        received = visit.page.evaluate(RUN, json.dumps(points))
        assert visit.complaints == visit.requests == []
    found: dict[str, list[Any]] = json.loads(received)
    return found


@pytest.mark.parametrize("name", ROWS)
def test_javascript_computes_what_python_does(name: str, results: Any) -> None:
    row, relative = ROWS[name], WRITTEN_OUT.get(name, 0.0)

    for point, found in zip(regular(row), results[name], strict=False):
        got, wanted = flat(found), python(row, point)
        assert len(got) == len(wanted)
        assert all(map(same, got, wanted, itertools.repeat(relative))), (point, got, wanted)


@pytest.mark.parametrize("name", ROWS)
def test_javascript_agrees_with_python_at_special_points(name: str, results: Any) -> None:
    row, relative = ROWS[name], WRITTEN_OUT.get(name, 0.0)
    points = special(row)

    for point, found in zip(points, results[name][-len(points) :], strict=True):
        got, wanted = flat(found), python(row, point)
        assert len(got) == len(wanted)
        assert all(map(same, got, wanted, itertools.repeat(relative))), (point, got, wanted)


@pytest.mark.parametrize("name", [n for n in ROWS if isinstance(ROWS[n], ManyRow)])
def test_partials_of_lists_have_the_shape_of_python(name: str, results: Any) -> None:
    row = ROWS[name]
    plural = isinstance(row.value(*[[1.0, 2.0]] * row.lists), list)

    for (first, *_), (value, partials) in zip(regular(row), results[name], strict=False):
        count = len(first)
        if plural:
            assert len(value) == len(partials) == count
            assert all(len(entries) == count for entries in partials)
        else:
            assert isinstance(value, str)
            assert len(partials) == count * row.lists


def test_error_functions_agree_with_fifty_digits(open_page: browser.Opener) -> None:
    points = [x / 64 for x in range(-448, 1696)] + [1 - 2**-53, 1e-300, -1e-8, 26.5]
    with open_page(
        f"<script>{to_javascript.script(['erf', 'erfc'], ROWS, FUNCTIONS)}</script>"
    ) as v:
        run = "(xs) => ['erf', 'erfc'].map((name) => xs.map((x) => ROWS[name].step(x)[0]))"
        found = v.page.evaluate(run, points)

    with mpmath.workdps(50):
        for function, values in zip((mpmath.erf, mpmath.erfc), found, strict=True):
            for x, got in zip(points, values, strict=True):
                wanted = function(x)
                assert abs(got - wanted) <= 1e-14 * abs(wanted), x


def test_entry_tells_what_its_step_takes(open_page: browser.Opener) -> None:
    names = ["mul", "exp", "dot", "softmax"]
    script = to_javascript.script(names, ROWS, FUNCTIONS)
    with open_page(f"<script>{script}</script>") as visit:
        facts = "() => Object.entries(ROWS).map(([k, r]) => [k, r.many, r.plural, r.arity])"
        entries = visit.page.evaluate(facts)
        assert visit.page.evaluate("() => ROWS.mul.step(3, 4)") == [12, [4, 3]]
        assert visit.page.evaluate("() => ROWS.dot.step([1, 2], [3, 4])") == [11, [3, 4, 1, 2]]
        assert visit.page.evaluate("() => ROWS.softmax.step([0, 0])") == [
            [0.5, 0.5],
            [[0.25, -0.25], [-0.25, 0.25]],
        ]

    assert entries == [
        ["mul", False, False, 2],
        ["exp", False, False, 1],
        ["dot", True, False, 2],
        ["softmax", True, True, 1],
    ]


def test_script_has_all_that_its_rows_call(open_page: browser.Opener) -> None:
    scripts = {name: to_javascript.script([name], ROWS, FUNCTIONS) for name in ROWS}
    with open_page("<!doctype html>") as visit:
        assert visit.page.evaluate(ALONE, scripts) == [2] * len(ROWS)


def test_script_has_no_more_than_its_rows_call() -> None:
    assert "value_" not in to_javascript.script(["mul", "exp"], ROWS, FUNCTIONS)
    gelu = to_javascript.script(["gelu"], ROWS, FUNCTIONS)
    assert "const value_gauss" in gelu
    assert gelu.count("const erfc") == 1
    assert "const pow" not in gelu


def test_script_binds_no_other_name_than_rows(open_page: browser.Opener) -> None:
    script = to_javascript.script(ROWS, ROWS, FUNCTIONS)
    with open_page(f"<script>{script}</script>") as visit:
        kinds = "() => [typeof ROWS, typeof INF, typeof pow, typeof erf, typeof step_mul]"
        assert visit.page.evaluate(kinds) == ["object", *["undefined"] * 4]


def test_script_can_stand_in_html_and_compares_strictly() -> None:
    script = to_javascript.script(ROWS, ROWS, FUNCTIONS)

    assert not any(sign in script for sign in ("</", "<!--", " == ", " != "))


def test_where_computes_only_the_branch_it_takes(open_page: browser.Opener) -> None:
    row = SimpleNamespace(
        letters=("x",), forward="where(x > 0, exp(x), log(x))", partials=("where(x > 0, z, 1 / x)",)
    )
    script = to_javascript.script(["lazy"], {"lazy": row}, {**libm.FUNCTIONS, "lazy": abs})
    calls = """() => {
        const calls = [];
        Math.exp = () => calls.push("exp");
        Math.log = () => calls.push("log");
        ROWS.lazy.step(-3);
        ROWS.lazy.step(3);
        return calls;
    }"""
    with open_page(f"<script>{script}</script>") as visit:
        assert visit.page.evaluate(calls) == ["log", "exp"]


# -- the browser of the tests ----------------------------------------------------------------------


def test_visit_tells_what_a_page_complains_of(open_page: browser.Opener) -> None:
    bad = "<script>console.error('one'); eval('1')</script><img src='x.png'><script>two()</script>"
    with open_page(HEAD + bad) as visit:
        found = "\n".join(visit.complaints)

    assert "error: one" in found
    assert "unsafe-eval" in found
    assert "two is not defined" in found
    assert "Loading the image" in found


def test_visit_counts_and_blocks_every_request(open_page: browser.Opener) -> None:
    asking = """<!doctype html><img src="near.png"><script src="https://far.test/a.js"></script>
        <script>fetch("http://127.0.0.1:9/b"); new WebSocket("ws://far.test/c");</script>"""
    with open_page(asking) as visit:
        for _ in range(50):  # each round waits a little, as a busy machine may need it
            asked = sorted(url.rpartition("/")[2] for url in visit.requests)
            if len(asked) >= 4:
                break

    assert asked == ["a.js", "b", "c", "near.png"]
