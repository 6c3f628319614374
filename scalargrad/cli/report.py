"""The report of a backward pass: what a terminal shows, in columns of plain ASCII."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..core.arithmetic import is_value
from ..core.explanation import Explanation
from ..core.text_tables import column, points, values_table
from ..expressions.entries import free_name
from ..table.ops import SUM
from .chain import Chain, NodeStep

WIDTH = 80
#: steps that are shown from the beginning and from the end; between them, they are counted
FIRST, LAST = 30, 10
#: characters of an expression that are shown
LONGEST = 240
#: operands of one step, and terms of one sum, that are shown
PARTS, TERMS = 8, 4


def write_report(
    title: str, names: dict[str, Any], root: Any, name: str, upstream: float | None
) -> str:
    """Return the report of a finished pass: a table of the named values, then every step.

    `names` are the values to list, plain numbers (constants) among them; `upstream` is what the
    pass was given, or None for the usual 1.

    >>> import scalargrad as sg
    >>> x, y = sg.values(x=2, y=3)
    >>> g = x * y
    >>> g.backward()
    >>> print(write_report("g = x * y", {"x": x, "y": y}, g, "g", None))
    g = x * y
    <BLANKLINE>
    name  value  gradient
    x       2.0       3.0
    y       3.0       2.0
    g       6.0       1.0
    <BLANKLINE>
    forward
      g = x * y = 6.0
    <BLANKLINE>
    chain rule, from the result back: upstream * partial
      dg/dg = 1.0
      g = x * y
        dg/dx = dg/dg * y = 1.0 * 3.0 = 3.0
        dg/dy = dg/dg * x = 1.0 * 2.0 = 2.0
    """
    chain = Chain(root, name)
    lines = [shortened(title), "", *_table({**names, name: root})]
    if chain.steps:
        lines += ["", "forward", *_forward(chain), ""]
        lines += _backward(chain, root, _outer(chain, name, upstream), upstream)
    return "\n".join(lines)


def plain_report(title: str, names: dict[str, Any], name: str, result: float) -> str:
    """Return the report of a result that depends on no Value.

    >>> print(plain_report("1 / 0", {}, "g", float("inf")))
    1 / 0
    <BLANKLINE>
    name  value
    g       inf
    """
    return "\n".join([shortened(title), "", *_table({**names, name: result})])


# -- sections --------------------------------------------------------------------------------


def _table(values: dict[str, Any]) -> list[str]:
    """Return one line a name: its value and, unless it is a constant, its gradient."""
    columns = {"value": [repr(getattr(value, "data", value)) for value in values.values()]}
    if any(map(is_value, values.values())):
        columns["gradient"] = [repr(v.grad) if is_value(v) else "" for v in values.values()]
    return values_table(list(values), columns)


def _forward(chain: Chain) -> Iterator[str]:
    first, last = _ends(chain.nodes)
    shown = [*first, *last]
    names = column([chain.name(node) for node in shown])
    texts = column([chain.text(node) for node in shown])
    values = points(repr(node.data) for node in shown)
    lines = [f"  {n} = {t} = {v}".rstrip() for n, t, v in zip(names, texts, values, strict=True)]
    if any(len(line) > WIDTH for line in lines):
        lines = [f"  {chain.name(n)} = {chain.text(n)} = {n.data!r}" for n in shown]
    yield from lines[: len(first)]
    yield from _left_out(chain.nodes, first, last)
    yield from lines[len(first) :]


def _backward(chain: Chain, root: Any, outer: str, upstream: float | None) -> Iterator[str]:
    yield "chain rule, from the result back: upstream * partial"
    yield f"  d{outer}/d{chain.name(root)} = {root.grad!r}" + " (given)" * (upstream is not None)
    first, last = _ends(chain.steps)
    laid = iter(_laid_out(chain, [*first, *last], outer))
    received: Counter[int] = Counter()
    for index, step in enumerate(chain.steps):
        # of a step left out too: a sum is complete where its last term is
        sums = list(_sums(chain, step, outer, received))
        if index < len(first) or index >= len(chain.steps) - len(last):
            if last and index == len(chain.steps) - len(last):
                yield from _left_out(chain.steps, first, last)
            yield f"  {chain.name(step.node)} = {chain.text(step.node)}"
            yield from next(laid)
        yield from sums


def _sums(chain: Chain, step: NodeStep, outer: str, received: Counter[int]) -> Iterator[str]:
    """Return a line for every value that has now got all parts of its gradient, if several."""
    for part in step.parts:
        terms = chain.terms[id(part.operand)]
        received[id(part.operand)] += 1
        if received[id(part.operand)] == len(terms) > 1:
            yield from _sum(f"    d{outer}/d{chain.name(part.operand)} ", terms)


def _sum(head: str, terms: Sequence[float]) -> Iterator[str]:
    """Return the line of a sum; one line a term where it is too wide."""
    shown = list(map(repr, terms if len(terms) <= TERMS + 1 else terms[:TERMS]))
    if len(terms) > TERMS + 1:
        shown.append(f"... {len(terms) - TERMS} more")
    line = f"{head}= {' + '.join(shown)} = {SUM.value(terms)!r}"
    if len(line) <= WIDTH:
        yield line
        return
    blank = " " * len(head)
    for index, cell in enumerate([*points(shown[:TERMS]), *shown[TERMS:]]):
        yield (f"{blank}+ {cell}" if index else f"{head}= {cell}").rstrip()
    yield f"{blank}= {SUM.value(terms)!r}"


def shortened(title: str) -> str:
    """Return a text on one line, its middle left out where it is long.

    >>> shortened("x +\\n  y")
    'x + y'
    """
    title = " ".join(title.split())
    return title if len(title) <= LONGEST else f"{title[: LONGEST - 60]} ... {title[-60:]}"


def _part(chain: Chain, part: Explanation, outer: str) -> tuple[str, ...]:
    """Return the cells of one part: gradient, sign, rule, and the three numbers."""
    name, result = chain.name(part.operand), chain.name(part.node)
    several = len(chain.terms[id(part.operand)]) > 1
    rule = chain.rule(part) or "partial"  # where the row has no short form
    numbers = (repr(part.upstream), repr(part.partial), repr(part.product))
    return f"d{outer}/d{name}", "+=" if several else "=", f"d{outer}/d{result} * {rule}", *numbers


def _laid_out(chain: Chain, steps: Sequence[NodeStep], outer: str) -> list[list[str]]:
    """Return the lines below each step: in columns over all steps, or over one where too wide."""
    cells = [[_part(chain, part, outer) for part in step.parts[:PARTS]] for step in steps]
    together = _one_line([part for parts in cells for part in parts])
    lines = []
    for step, parts in zip(steps, cells, strict=True):
        if together:
            lines.append([together.pop(0) for _ in parts])
        else:
            lines.append(_one_line(parts) or _two_lines(parts))
        if len(step.parts) > PARTS:
            lines[-1].append(f"    ... {len(step.parts) - PARTS} more operands")
    return lines


def _one_line(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """Return one line a part, in columns, or nothing where that is too wide."""
    gradients, signs, rules, *numbers = zip(*parts, strict=True)
    columns = column(gradients), column(signs, right=True), column(rules), *map(points, numbers)
    lines = [
        f"    {gradient} {sign} {rule} = {x} * {y} = {z}".rstrip()
        for gradient, sign, rule, x, y, z in zip(*columns, strict=True)
    ]
    return lines if max(map(len, lines)) <= WIDTH else []


def _two_lines(parts: Sequence[tuple[str, ...]]) -> list[str]:
    lines = []
    for gradient, sign, rule, x, y, z in parts:
        head = f"    {gradient} {sign} "
        lines += [f"{head}{rule}", f"{'= '.rjust(len(head))}{x} * {y} = {z}"]
    return lines


def _outer(chain: Chain, name: str, upstream: float | None) -> str:
    """Return what is differentiated: the root, or what lies beyond it and gave the upstream."""
    if upstream is None:
        return name
    return free_name(chain.names.values(), "L", "loss")


def _ends(items: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
    if len(items) <= FIRST + LAST + 1:
        return items, []
    return items[:FIRST], items[-LAST:]


def _left_out(items: Sequence[Any], first: Sequence[Any], last: Sequence[Any]) -> list[str]:
    count = len(items) - len(first) - len(last)
    return [f"  ... {count} steps left out"] if count else []
