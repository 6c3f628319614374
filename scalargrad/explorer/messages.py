"""What a page and its Explorer say to each other, whatever carries it: plain data, as JSON has it.

A message says what is to be seen, never how to come there: it carries the whole state. So a page
undoes by sending an earlier state, two pages cannot disturb each other, and an Explorer that has
begun anew knows all that the page knew. Where a message has no state, the Explorer's own is meant.

| message | says | is answered with |
|---|---|---|
| `show` | here is a state: show it | `view`: the state as it was taken, the picture, its parts |
| `ask` | tell of one `node` of it | `card`: the rule, the derivative, the ways to the result |
| `share` | say it in a `form`: `"svg"`, `"tikz"`, `"python"`, `"figure"` | `shared`: its `text` |
| `descend` | take `steps` (1) of gradient descent | `descent`: the `state` there, and the way |

All have `version`, now 1, and may have an `id`, which the answer repeats. What cannot be done is
answered with `error`: one sentence (`said`), the `field` that it is about (`text`, or a name whose
value it is) and, in the text, the `column` of the caret, from 1. Nothing is changed by it.

| state | is | unless said |
|---|---|---|
| `text` | an expression, perhaps with a name before it: `g = (x + y) * z` | needed |
| `values` | what was typed for each name: `"-1/3"`, `"pi/4"`; 1 where nothing was | `{}` |
| `look` | `"numbers"`, `"symbols"` or `"both"` | `"numbers"` |
| `open` | the operations that are drawn in simpler ones | `[]` |
| `digits` | significant digits of a number, 1 to 17 | 6 |
| `step` | so many steps have been gone; null: all of them | null |
| `theme` | `""` for that of the system, `"light"` or `"dark"` | `""` |

| view | is |
|---|---|
| `name`, `result` | of the result: its name and its number |
| `picture`, `note` | SVG with the hooks of `drawing.output.svg.render`; what is not in it |
| `nodes` | parts that can be asked, as the passes go: `node`, `said`, what it `opens` or `closes` |
| `values` | a row a name: `name`, `shown` (w₁), `typed`, `value`, `gradient`, `node`, `slider` |
| `steps` | what each step shows: keys of the picture, rules in words and numbers |
| `whole` | the same of the whole picture |
| `command` | what begins an explorer with these values |

| card | is |
|---|---|
| `node`, `title`, `about` | which; its sign and name; what the operation does |
| `rules` | how its value is found, and what it hands back |
| `derivative` | the gradient: `name`, `formula` (SVG), `plain` (the same in text), `number` |
| `where` | names that only the formula has, each a formula |
| `ways` | to the result, whose sum is the gradient: a `title`, `rows`, and their `sum` in numbers |
| `terms` | what comes back along each arrow, in the same form |
| `nudges` | of an input: `name`, `delta`, `change`, `linear`: gradient × δ; `typed`: x + δ |

A descent has a learning `rate` (`"0.1"`, as typed), the `names` of the inputs that move (null: all)
and the `results` so far, from which its curve goes on.

| descent | is |
|---|---|
| `state`, `said` | where the steps lead, and a sentence that says so |
| `results`, `curve` | the results so far and on the way, and a curve of them (SVG) |

A row has `keys` of the picture, `signs` of operations, `factors`, the `chain` of them, `product`.
A rule is a list of texts and of numbers; a number is a list of one text.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from ..errors import InputError, unwanted

VERSION = 1
#: of an entry: whether it can be one, what it must be, what to do
Check = tuple[Callable[[Any], bool], str, str]
LOOKS = ("numbers", "symbols", "both")
THEMES = ("", "light", "dark")
KINDS = ("show", "ask", "share", "descend")
FORMS = ("svg", "tikz", "python", "figure")
#: names that a state may have values for, and characters of what was typed for one
MOST_VALUES, LONGEST_VALUE = 1_000, 200
#: steps of one descent, and results so far
MOST_STEPS, MOST_RESULTS = 100, 10_000


@dataclass(frozen=True)
class State:
    """All that decides what is seen; see the table of this module."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    look: str = "numbers"
    open: tuple[str, ...] = ()
    digits: int = 6
    step: int | None = None
    theme: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as a message carries it."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}


@dataclass(frozen=True)
class Message:
    """What a page asks for; see the table of this module."""

    kind: str
    state: State | None
    node: str = ""
    form: str = "svg"
    names: tuple[str, ...] | None = None
    rate: str = "0.1"
    steps: int = 1
    results: tuple[float, ...] = ()


def read_message(raw: Any) -> Message:
    """Return a message that was checked whole.

    Raises: `ValueError` for what is no message of this version.

    >>> read_message({"version": 1, "kind": "show", "state": {"text": "x * 2"}}).state.look
    'numbers'
    """
    entries = _entries("a message", raw, ("version", "kind", "state", "id", *_WISHES))
    if entries.get("version") != VERSION:
        refused("version", f"must be {VERSION}", entries.get("version"), "load the page anew")
    kind = entries.get("kind")
    if kind not in KINDS:
        refused("kind", f"must be one of {', '.join(KINDS)}", kind, 'send "show"')
    given = entries.get("state")
    wishes = {name: entry for name, entry in entries.items() if name in _WISHES}
    _check(wishes, _WISHES)
    return Message(kind, None if given is None else read_state(given), **_kept(wishes))


def read_state(raw: Any) -> State:
    """Return a state that was checked whole, but for what its texts mean.

    Raises: `ValueError` that names the entry.
    """
    entries = _entries("a state", raw, tuple(_CHECKS))
    if "text" not in entries:
        refused("text", "must be there", raw, 'send e.g. {"text": "x * 2"}')
    _check(entries, _CHECKS)
    return State(**_kept(entries))


def refused(who: str, must: str, got: object, remedy: str) -> NoReturn:
    """Refuse an entry of a message in one sentence."""
    raise InputError(unwanted(who, must, got, remedy))


def _entries(what: str, raw: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return the entries of an object, all of them known."""
    if not isinstance(raw, dict):
        refused(what, "must be an object", raw, 'send e.g. {"version": 1, "kind": "show"}')
    for name in raw:
        if name not in known:
            refused(what, f"has the entries {', '.join(known)}", name, "leave it out")
    return dict(raw)


def _check(entries: Mapping[str, Any], checks: Mapping[str, Check]) -> None:
    """Refuse the first entry that cannot be one."""
    for name, entry in entries.items():
        check, must, remedy = checks[name]
        if not check(entry):
            refused(name, must, entry, remedy)


def _kept(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries as they are kept: lists cannot be changed any more."""
    kept = {name: tuple(e) if isinstance(e, list) else e for name, e in entries.items()}
    return kept | {name: tuple(dict.fromkeys(kept[name])) for name in ["open"] if name in kept}


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str)


def _is_whole(entry: Any) -> bool:
    return isinstance(entry, int) and not isinstance(entry, bool)


def _are_texts(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and len(entry) <= MOST_VALUES
        and all(isinstance(typed, str) and len(typed) <= LONGEST_VALUE for typed in entry.values())
    )


def _are_names(entry: Any) -> bool:
    return isinstance(entry, list) and len(entry) <= MOST_VALUES and all(map(_is_text, entry))


def _are_results(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) <= MOST_RESULTS
        and all(type(x) in (int, float) and abs(x) <= sys.float_info.max for x in entry)
    )


#: of each entry of a state: whether it can be one, what it must be, what to do
_CHECKS: dict[str, Check] = {
    "text": (_is_text, "must be a text", 'send e.g. "(x + y) * z"'),
    "values": (
        _are_texts,
        f"must be at most {MOST_VALUES:,} texts of at most {LONGEST_VALUE} characters, by name",
        'send e.g. {"x": "1.5"}',
    ),
    "look": (lambda e: e in LOOKS, 'must be "numbers", "symbols" or "both"', 'send "numbers"'),
    "open": (
        lambda e: isinstance(e, list) and len(e) <= 100 and all(map(_is_text, e)),
        "must be a list of names of operations",
        'send e.g. ["sigmoid"]',
    ),
    "digits": (lambda e: _is_whole(e) and 1 <= e <= 17, "must be an int from 1 to 17", "send 6"),
    "step": (
        lambda e: e is None or (_is_whole(e) and 0 <= e <= 10**6),
        "must be null or an int from 0 to 1,000,000",
        "send null",
    ),
    "theme": (lambda e: e in THEMES, 'must be "", "light" or "dark"', 'send ""'),
}


#: the same of what a message may have beside its state
_WISHES: dict[str, Check] = {
    "node": (_is_text, "must be a text", 'send e.g. "n3"'),
    "form": (lambda e: e in FORMS, f"must be one of {', '.join(FORMS)}", 'send "svg"'),
    "names": (
        lambda e: e is None or _are_names(e),
        f"must be null or a list of at most {MOST_VALUES:,} names",
        'send e.g. ["x"]',
    ),
    "rate": (
        lambda e: _is_text(e) and len(e) <= LONGEST_VALUE,
        f"must be a text of at most {LONGEST_VALUE} characters",
        'send e.g. "0.1"',
    ),
    "steps": (
        lambda e: _is_whole(e) and 1 <= e <= MOST_STEPS,
        f"must be an int from 1 to {MOST_STEPS}",
        "send 10",
    ),
    "results": (
        _are_results,
        f"must be a list of at most {MOST_RESULTS:,} finite numbers",
        "send []",
    ),
}


def _plain(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        return dict(entry)
    return list(entry) if isinstance(entry, tuple) else entry
