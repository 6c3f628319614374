"""What a picture shows of a graph, after all its options are checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

from ..core.arguments import is_list, number
from ..core.arithmetic import is_value
from ..core.nesting import flat
from ..errors import InputError, OperandError, StateError, unwanted
from .select.folding import fold_homes, read_fold
from .select.graph import Graph, Plan, Use
from .select.naming import read_names
from .select.opening import Opened, open_operations, read_open
from .select.selection import select
from .select.survey import Survey
from .select.together import together, unreached
from .select.weights import layer_matrices, layer_names, layer_sizes
from .words.both import Both
from .words.cancelling import NOTE
from .words.numbers import Numbers
from .words.rules import is_reciprocal
from .words.symbols import Symbols, read_symbols
from .words.wording import Wording

MAX_NODES = 150
NARROWEST = 300  # lines
#: what takes several results too
_OF_SEVERAL = ("draw", "draw_dot", "check_answers")
THEMES = ("light", "dark", "transparent")


@dataclass(frozen=True)
class View:
    """The vertices of a graph, their wording, and what the picture says is not in it."""

    graph: Graph
    wording: Wording
    note: str
    theme: str = "light"
    thickness: bool = False
    width: float | None = None


def view(
    who: str,
    value: Any,
    *,
    gradients: bool = True,
    max_nodes: int = MAX_NODES,
    digits: int = 6,
    title: str = "",
    symbols: bool | str = False,
    loss: str = "L",
    open: Any = None,
    fold: Any = None,
    names: Any = None,
    constants: Any = (),
    branches: bool = False,
    around: Any = None,
    depth: int | None = None,
    theme: str = "light",
    thickness: bool = False,
    width: float | None = None,
    upstream: float | None = None,
) -> View:
    """Return what to show of the graph of a value, or of several values.

    With an `upstream` there are gradients even where no pass has been: of a pass that begins with
    it and is not committed.

    Raises: `TypeError` for anything but a Value or an option of another type, `ValueError` for an
    option out of range.
    """
    near = 2 if depth is None else depth
    _check(
        who, value,
        {"max_nodes": (max_nodes, 10**6), "digits": (digits, 17), "depth": (near, 10**6)},
        {"title": (title, "Figure 1"), "loss": (loss, "L")},
        {"gradients": gradients, "branches": branches, "thickness": thickness},
    )  # fmt: skip
    if depth is not None and around is None:
        raise InputError(unwanted(who, "depth goes with around", depth, "pass e.g. around=h too"))
    if upstream is not None:
        upstream = number(who, "upstream", upstream)
    style, colours = read_symbols(who, symbols), _theme(who, theme)
    width = _width(who, width)
    opened_names, folding = read_open(who, open), read_fold(who, fold)
    matrices = read_names(who, names)
    several, unpassed = not is_value(value), set[int]()
    if several:
        results = list({id(result): result for result in flat(value)}.values())
        value, unpassed = together(results), unreached(results)
    survey = Survey(value, upstream, several=several)
    sizes = layer_sizes(survey)
    opening = open_operations(who, survey, opened_names)
    centre = opening.now(_centre(who, survey, around))
    if opening.root is not value:  # another graph
        survey = Survey(opening.root, upstream, several=several)
    fixed = frozenset(opening.by_id(_fixed(who, constants) | dict.fromkeys(unpassed)))
    matrices.values = layer_matrices(survey) | matrices.values
    values, elements = opening.by_id(matrices.values), opening.by_id(matrices.elements)
    elements = layer_names(survey) | elements
    homes = fold_homes(who, survey, folding, values, sizes, max_nodes) if centre is None else {}
    idle = opening.by_id(dict.fromkeys(unpassed))
    plan = Plan(max_nodes, homes, values, matrices.numbers, fixed, idle, centre, near, sizes)
    graph = select(survey, plan)
    for vertex in graph.vertices:
        if is_reciprocal(vertex):  # its sign says it: the 1 has no arrow
            vertex.inputs = [way for way in vertex.inputs if isinstance(way, Use)]
    numbers = Numbers(
        graph,
        digits=digits,
        gradients=gradients,
        loss=loss,
        constants=fixed,
        elements=elements,
        marks=upstream is None,  # in a page numbers change
    )
    wording = _wording(numbers, style, opening.opened)
    note = _note(graph, automatic=folding is None, near=centre is not None, closed=opening.closed)
    if style in ("", "both") and numbers.left_over:
        note = f"{note}; {NOTE}" if note else NOTE
    return View(graph, wording, note, colours, thickness and gradients, width)


def _theme(who: str, theme: Any) -> str:
    """Return the name of a theme, or refuse another one."""
    if not isinstance(theme, str) or theme not in THEMES:
        must = 'theme must be "light", "dark" or "transparent"'
        raise InputError(unwanted(who, must, theme, 'pass "dark"'))
    return theme


def _width(who: str, width: Any) -> float | None:
    """Return how wide a picture may be, or refuse what is no width."""
    if width is None:
        return None
    if isinstance(width, bool):
        raise OperandError(unwanted(who, "width must be a number", width, "pass e.g. 1050"))
    wide = number(who, "width", width, "1050")
    if not wide >= NARROWEST:
        must = f"width must be at least {NARROWEST}"
        raise InputError(unwanted(who, must, width, "pass e.g. 1050, or math.inf for one line"))
    return wide


def _check(
    who: str,
    value: Any,
    whole: Mapping[str, tuple[Any, int]],
    texts: Mapping[str, tuple[Any, str]],
    flags: Mapping[str, Any],
) -> None:
    """Refuse what is no Value, and options of another type or beyond their limit."""
    results = [value]
    if who in _OF_SEVERAL and is_list(value):
        results = list(flat(value))
        if not results:
            raise InputError(unwanted(who, "wants results", value, "pass at least one Value"))
    for result in results:
        if not is_value(result):
            raise OperandError(unwanted(who, "wants a Value", result, "pass the result to draw"))
    for name, (given, most) in whole.items():
        if isinstance(given, bool) or not isinstance(given, int):
            raise OperandError(unwanted(who, f"{name} must be an int", given, "pass e.g. 6"))
        if not 1 <= given <= most:
            must = f"{name} must be from 1 to {most:,}"
            raise InputError(unwanted(who, must, given, "choose another"))
    for name, (given, example) in texts.items():
        if not isinstance(given, str):
            raise OperandError(unwanted(who, f"{name} must be a text", given, f'pass "{example}"'))
    for name, given in flags.items():
        if not isinstance(given, bool):
            raise OperandError(unwanted(who, f"{name} must be True or False", given, "pass True"))


def _wording(numbers: Numbers, style: str, opened: Sequence[Opened]) -> Wording:
    """Return the texts of a picture: numbers, symbols, or both."""
    if not style:
        return numbers
    symbols = Symbols(numbers, chain=style == "chain", opened=opened)
    return Both(symbols, numbers) if style == "both" else symbols


def known(who: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a picture, or refuse one that there is not.

    Raises: `TypeError`.
    """
    parameters = signature(view).parameters.items()
    names = [name for name, kind in parameters if kind.kind is kind.KEYWORD_ONLY]
    names.remove("upstream")  # which only a walkthrough has
    if who == "draw_dot":
        names.remove("width")  # Graphviz lays out by itself
    for name in options:
        if name not in names:
            must = f"its options are {', '.join(names)}"
            raise OperandError(unwanted(who, must, name, "choose among them"))
    return options


def _fixed(who: str, constants: Any) -> dict[int, None]:
    """Return the ids of the Values in any nesting of lists."""
    ids: dict[int, None] = {}
    for value in flat(constants):
        if not is_value(value):
            must = "constants must be Values or lists of them"
            raise OperandError(unwanted(who, must, value, "pass e.g. [t1, t2]"))
        ids[id(value)] = None
    return ids


def _centre(who: str, survey: Survey, around: Any) -> Any:
    if around is None:
        return None
    if not is_value(around):
        must = "around must be a Value of the graph"
        raise OperandError(unwanted(who, must, around, "pass e.g. around=h"))
    if not any(node is around for node in survey.nodes):
        raise InputError(
            unwanted(who, "around must be a Value of the graph", around,
                     "draw what depends on it; of a huge graph only the nearest 100,000 are seen")
        )  # fmt: skip
    return around


def _note(graph: Graph, *, automatic: bool, near: bool, closed: Collection[str]) -> str:
    """Return what was left out, in one line."""
    notes = []
    if closed:
        stay = f"{' and '.join(closed)} {'stays' if len(closed) == 1 else 'stay'} closed"
        notes.append(f"{stay} where simpler operations would give other numbers")
    if graph.boxed and automatic:
        notes.append(f"{graph.boxed:,} nodes are folded into boxes; fold=False shows them")
    if graph.left_out or graph.more:
        count = f"{'more than ' * graph.more}{graph.left_out:,} " * bool(graph.left_out)
        one = graph.left_out == 1 and not graph.more
        nodes = "node is" if one else "nodes are"
        what = f"other {nodes} not near; depth=" if near else f"earlier {nodes} folded; max_nodes="
        dashed = "dashed: " if any(vertex.cut for vertex in graph.vertices) else ""
        notes.append(f"{dashed}{count}{what} shows more")
    return "; ".join(notes)


def need_gradients(who: str) -> None:
    """Refuse an exercise on backward values in a picture that shows none."""
    raise StateError(
        f"{who}: an exercise on backward values needs them in the picture; got gradients=False;"
        " leave that out"
    )
