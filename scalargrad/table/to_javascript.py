"""Formulas as JavaScript: a page that carries its rows computes its own graph anew.

The names are those of C: `value_tanh(x)` is the forward formula, `step_tanh(x)` the same with
all partials. JavaScript divides as IEEE-754 has it and knows most of libm; what it lacks or
has otherwise is written out here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from .formula import Body, parse
from .libm import FUNCTIONS

# All terms are positive, so no digit cancels: a series near 0, a continued fraction from 1 on.
# There exp(-x²) is taken in two parts: h holds the high half of x, so that h*h is exact.
_ERROR_FUNCTIONS = """\
const erf = (x) => {
    if (Math.abs(x) >= 1) return Math.sign(x) * (1 - erfc(Math.abs(x)));
    let series = 1;
    for (let k = 20; k > 0; k--) series = 1 + series * x * x / (k + 0.5);
    return x * (series * Math.exp(-x * x) * 2 / Math.sqrt(Math.PI));
};
const erfc = (x) => {
    if (x <= -1) return 2 - erfc(-x);
    if (x < 1) return 1 - erf(x);
    if (x > 28) return 0;
    let fraction = x;
    for (let k = 200; k > 0; k--) fraction = x + k / 2 / fraction;
    const h = Math.fround(x);
    return Math.exp(-h * h) * (Math.exp((h - x) * (h + x)) / (fraction * Math.sqrt(Math.PI)));
};
"""
_POWER = """\
const pow = (x, y) => x === 1 || (x === -1 && Math.abs(y) === INF) ? 1 : Math.pow(x, y);
"""
_SIGNS = """\
const copysign = (x, y) => (y < 0 || Object.is(y, -0) ? -1 : 1) * Math.abs(x);
const remainder = (x, y) => {
    if (Math.abs(x) < INF && Math.abs(y) === INF) return x;
    const whole = Math.abs(x), unit = Math.abs(y), over = whole % unit, short = unit - over;
    const odd = (whole - over) / 2 % unit; // half a unit where it fits an odd number of times
    return copysign(1, x) * (over < short ? over : over > short ? -short : over - 2 * odd);
};
"""
#: functions that JavaScript lacks, or has without the special cases of C99
_HELPERS = {
    "copysign": _SIGNS,
    "divide": "const divide = (x, y) => x / y;\n",
    "erf": _ERROR_FUNCTIONS,
    "erfc": _ERROR_FUNCTIONS,
    "exp2": "const exp2 = (x) => Math.pow(2, x);\n",
    "fmod": "const fmod = (x, y) => x % y;\n",
    "pow": _POWER,
    "remainder": _SIGNS,
}


class Operation(Protocol):
    """The columns of a row that are computed with."""

    @property
    def letters(self) -> tuple[str, ...]: ...
    @property
    def forward(self) -> str: ...
    @property
    def partials(self) -> tuple[str, ...]: ...


class _JavaScript(Body):
    """The body of a JavaScript function."""

    def __init__(
        self,
        scalars: Collection[str],
        vectors: Collection[str],
        functions: Mapping[str, Callable[..., Any]],
        rows: Collection[str],
    ) -> None:
        super().__init__(scalars, vectors, functions)
        self.rows = rows  # the functions that are rows, not libm's

    def function(self, name: str, parameters: Iterable[str], result: str) -> str:
        text = f"{''.join(self.lines)}    return {result};\n"
        text = re.sub(" ([=!]=) ", r" \1= ", text)  # never the comparison that converts
        return f"const {name} = ({', '.join(parameters)}) => {{\n{text}}};\n"

    def expression(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name) and node.id in self.vectors:
            return f"{node.id}s[i]"
        return super().expression(node)

    def let(self, name: str, text: str) -> None:
        self.line(f"{name} = {text};" if name in self.scalars else f"let {name} = {text};")

    def fill(self, name: str, node: ast.expr) -> None:
        self.line(f"const {name} = {self.each(node)};")

    def each(self, node: ast.expr) -> str:
        """Return the text of a list: the expression at every element."""
        return f"xs.map((_, i) => {self.expression(node)})"

    def loop(self, node: ast.expr, name: str, neutral: str, lines: list[str]) -> None:
        self.let(name, neutral)
        self.line(f"for (let i = 0; i < n; i++) {' '.join(lines)};")

    def take_if(self, name: str, test: str, text: str) -> list[str]:
        return [f"if {test} {name} = {text}"]

    def choice(self, test: str, yes: str, no: str) -> str:
        return f"({test} ? {yes} : {no})"

    def logic(self, operation: ast.boolop, tests: list[str]) -> str:
        return f"({(' || ' if isinstance(operation, ast.Or) else ' && ').join(tests)})"

    def quotient(self, left: ast.expr, right: ast.expr) -> str:
        return f"({self.expression(left)} / {self.expression(right)})"

    def call(self, name: str, arguments: list[str]) -> str:
        native = name if name in _HELPERS else f"Math.{name}"
        return f"{f'value_{name}' if name in self.rows else native}({', '.join(arguments)})"

    def own(self) -> str:
        return "(i === j ? 1.0 : 0.0)"


def script(
    names: Iterable[str],
    table: Mapping[str, Operation],
    functions: Mapping[str, Callable[..., Any]],
) -> str:
    """Return a script that binds `ROWS`, an entry a name, and nothing else.

    An entry is `{many, plural, arity, step}`. Of numbers, `step(x, y)` gives
    `[z, [dz/dx, dz/dy]]`. Of lists, where `many` is true, `step(xs, ys)` gives
    `[z, [dz/dx_1, ..., dz/dy_1, ...]]`; where `plural` is true too, `step(xs)` gives
    `[zs, partials]`, and `partials[i]` is the list of those of the result `zs[i]`.

    The functions are those that formulas may call; a row that is not among them is one of lists.
    """
    called = set(table) - set(FUNCTIONS)  # the functions that are rows, not libm's
    steps, entries, calls = [], [], []
    for name in dict.fromkeys(names):
        row, many = table[name], name not in functions
        scalars, vectors = ((), row.letters) if many else (row.letters, ())
        body = _JavaScript(scalars, vectors, functions, called)
        text, plural = _many_step(name, row, body) if many else (_step(name, row, body), False)
        facts = f"many: {many}, plural: {plural}, arity: {len(row.letters)}".lower()
        steps.append(text)
        entries.append(f"    {name}: {{{facts}, step: step_{name}}},\n")
        calls += sorted(body.used)
    needed: dict[str, str] = {}
    for name in calls:  # grows on the way: what is called calls others
        if name in called and name not in needed:
            body = _JavaScript(table[name].letters, (), functions, called)
            needed[name] = _value(name, table[name], body)
            calls += sorted(body.used)
        else:
            needed.setdefault(name, _HELPERS.get(name, ""))
    parts = ["const INF = Infinity;\n", *dict.fromkeys(needed.values()), *steps]
    return f"const ROWS = (() => {{\n{''.join(parts)}return {{\n{''.join(entries)}}};\n}})();\n"


def _value(name: str, row: Operation, body: _JavaScript) -> str:
    parsed = parse(row.forward)
    body.bind(parsed)
    return body.function(f"value_{name}", row.letters, body.expression(parsed.result))


def _step(name: str, row: Operation, body: _JavaScript) -> str:
    parsed = parse(row.forward)
    body.bind(parsed)
    body.let("z", body.expression(parsed.result))
    body.scalars.add("z")
    partials = ", ".join(map(body.scalar, row.partials))
    return body.function(f"step_{name}", row.letters, f"[z, [{partials}]]")


def _many_step(name: str, row: Operation, body: _JavaScript) -> tuple[str, bool]:
    """Return the function, and whether it gives one result an element."""
    body.line("const n = xs.length;")
    body.scalars.add("n")
    parsed = parse(row.forward)
    body.bind(parsed)
    if plural := body.is_elementwise(parsed.result):
        body.fill("zs", parsed.result)
        body.scalars.update(("z", "s", "own"))
        (partial,) = map(body.scalar, row.partials)
        result = f"[zs, zs.map((z, i) => zs.map((s, j) => {partial}))]"
    else:
        body.let("z", body.expression(parsed.result))
        body.scalars.add("z")
        lists = (f"...{body.each(parse(text).result)}" for text in row.partials)
        result = f"[z, [{', '.join(lists)}]]"
    return body.function(f"step_{name}", [f"{x}s" for x in row.letters], result), plural
