"""The reference of the guide: `python tests/helpers/reference.py` writes it from what is there.

Each public name stands with its parameters and the first line of its words.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

import scalargrad as sg

PAGE = Path(sg.__file__).parents[1] / "examples" / "guide" / "reference.md"

HEAD = """\
# Reference

Every public name, with its parameters and the first line of its help: `help(sg.draw)` says the
rest. `python tests/helpers/reference.py` writes this page.
"""


def modules() -> Iterator[ModuleType]:
    """Yield the package and its public modules, those inside them too."""
    waiting: list[ModuleType] = [sg]
    while waiting:
        module = waiting.pop(0)
        yield module
        held = [getattr(module, name) for name in module.__all__]
        waiting += [thing for thing in held if isinstance(thing, ModuleType)]


def parameters(thing: Any) -> str:
    """Return the parameters of a function or class, without their types; nothing of the rest."""
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError):
        return "(...)"
    plain = [
        p.replace(annotation=p.empty) if p.default is p.empty or _is_plain(p.default)
        else p.replace(annotation=p.empty, default=...)
        for p in signature.parameters.values()
    ]  # fmt: skip
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


def _is_plain(default: Any) -> bool:
    return default is None or isinstance(default, (bool, int, float, str, tuple))


def line(name: str, thing: Any) -> str:
    """Return the row of a name in its table."""
    if isinstance(thing, ModuleType):
        name, words = f"{name}.", (inspect.getdoc(thing) or "").split("\n")[0]
    elif get_origin(thing) is not None:
        words = "A type: what is taken."
    elif not callable(thing):
        words = f"A constant: {type(thing).__name__}."
    elif not thing.__module__.startswith("scalargrad"):
        words = "As in Python."  # whose words, and parameters, are those of its version
    else:
        name, words = name + parameters(thing), (inspect.getdoc(thing) or "").split("\n")[0]
    words = words.replace("|", "\\|")  # in a table
    return f"| `{name}` | {words} |"


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for module in modules():
        words = (inspect.getdoc(module) or "").split("\n")[0]
        rows = [line(name, getattr(module, name)) for name in sorted(module.__all__, key=str.lower)]
        parts += ["", f"## {module.__name__}", "", words, "", "| name | |", "|---|---|", *rows]
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
