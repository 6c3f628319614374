"""What a page and its Explorer say to each other, whatever carries it: plain data, as JSON has it.

A message says what is to be seen, never how to come there: it carries the whole state. So a page
undoes by sending an earlier state, two pages cannot disturb each other, and an Explorer that has
begun anew knows all that the page knew. Where a message has no state, the Explorer's own is meant.

| message | says | is answered with |
|---|---|---|
| `show` | here is a state: show it | `view`: the state as it was taken, the picture, its parts |
| `ask` | tell of one `node` of it | `card`: the rule, the derivative, the ways to the result |

Both have `version`, now 1, and may have an `id`, which the answer repeats. What cannot be done is
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
| `values` | a row a name: `name`, `typed`, `value`, `gradient`, `node`, and its `slider` |
| `steps` | what each step shows: keys of the picture, rules in words and numbers |

| card | is |
|---|---|
| `node`, `title`, `about` | which; its sign and name; what the operation does |
| `rules` | how its value is found, and what it hands back |
| `derivative` | the gradient: `name`, `formula` (SVG), `plain` (the same in text), `number` |
| `where` | names that only the formula has, each a formula |
| `paths` | from here to the result: `keys` of the picture, `factors`, `product`; or `too_many` |
| `terms` | what comes back along each arrow, in the same form: their sum is the gradient |
| `nudges` | of an input: `delta`, the `change`, `linear`: gradient × δ; `typed`, which is x + δ |

A rule is a list of texts and of numbers; a number is a list of one text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from ..errors import InputError, unwanted

VERSION = 1
LOOKS = ("numbers", "symbols", "both")
THEMES = ("", "light", "dark")
KINDS = ("show", "ask")
#: names that a state may have values for, and characters of what was typed for one
MOST_VALUES, LONGEST_VALUE = 1_000, 200


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


def read_message(raw: Any) -> Message:
    """Return a message that was checked whole.

    Raises: `ValueError` for what is no message of this version.

    >>> read_message({"version": 1, "kind": "show", "state": {"text": "x * 2"}}).state.look
    'numbers'
    """
    entries = _entries("a message", raw, ("version", "kind", "state", "node", "id"))
    if entries.get("version") != VERSION:
        refused("version", f"must be {VERSION}", entries.get("version"), "load the page anew")
    kind = entries.get("kind")
    if kind not in KINDS:
        refused("kind", 'must be "show" or "ask"', kind, 'send "show"')
    given, node = entries.get("state"), entries.get("node", "")
    if not isinstance(node, str):
        refused("node", "must be a text", node, 'send e.g. "n3"')
    return Message(kind, None if given is None else read_state(given), node)


def read_state(raw: Any) -> State:
    """Return a state that was checked whole, but for what its texts mean.

    Raises: `ValueError` that names the entry.
    """
    entries = _entries("a state", raw, tuple(_CHECKS))
    if "text" not in entries:
        refused("text", "must be there", raw, 'send e.g. {"text": "x * 2"}')
    for name, entry in entries.items():
        check, must, remedy = _CHECKS[name]
        if not check(entry):
            refused(name, must, entry, remedy)
    if "open" in entries:
        entries["open"] = tuple(dict.fromkeys(entries["open"]))
    return State(**entries)


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


#: of each entry of a state: whether it can be one, what it must be, what to do
_CHECKS: dict[str, tuple[Callable[[Any], bool], str, str]] = {
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


def _plain(entry: Any) -> Any:
    if isinstance(entry, Mapping):
        return dict(entry)
    return list(entry) if isinstance(entry, tuple) else entry
