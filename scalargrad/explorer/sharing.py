"""What is seen, in the forms in which it is shared: pictures, a program, a figure of a page."""

from __future__ import annotations

import json
import math
from typing import Any

from ..core.markup import escaped
from ..drawing.output import svg, tikz
from ..drawing.output.themes import recoloured
from ..drawing.words import text
from .live_expression import LiveExpression
from .messages import Message

_PROGRAM = """\
import scalargrad as sg

given = {given}
values = {{name: sg.Value(number, label=name) for name, number in given.items()}}
result = sg.expression({formula})(**values)
result.label = {name}
result.backward()
for name, value in values.items():
    print(name, value.data, value.grad)
sg.draw(result, {options}).save("graph.svg")
"""


def shared_reply(live: LiveExpression, message: Message) -> dict[str, Any]:
    """Return a text that shows the same elsewhere; see the table of `messages`."""
    return {"kind": "shared", "text": _FORMS[message.form](live)}


def _svg(live: LiveExpression) -> str:
    return recoloured(svg.render(live.drawn()), _theme(live))


def _tikz(live: LiveExpression) -> str:
    return tikz.render(live.drawn(), _theme(live))


def _theme(live: LiveExpression) -> str:
    """Return the theme that was chosen; on paper, which no system darkens, light otherwise."""
    return live.state.theme or "light"


def _figure(live: LiveExpression) -> str:
    """Return a figure for a page: the picture itself, which tells in words what it shows."""
    digits = live.state.digits
    numbers = [f"{name} = {text.number(v.data, digits)}" for name, v in live.values.items()]
    result = f"{live.name} = {text.number(live.root.data, digits)}"
    caption = f"<code>{escaped(live.state.text)}</code>: {escaped(', '.join([*numbers, result]))}"
    return f"<figure>\n{_svg(live)}<figcaption>{caption}</figcaption>\n</figure>\n"


def _python(live: LiveExpression) -> str:
    """Return a program that makes the same graph, and draws it."""
    state = live.state
    given = ", ".join(f"{_literal(name)}: {_number(v.data)}" for name, v in live.values.items())
    look = {"numbers": False, "symbols": True}.get(state.look, state.look)
    options: dict[str, tuple[Any, Any]] = {  # what they are, and are unless said
        "loss": (live.name, None), "symbols": (look, False), "open": ([*state.open], []),
        "digits": (state.digits, 6), "theme": (_theme(live), "light"),
    }  # fmt: skip
    written = (f"{n}={_literal(now)}" for n, (now, usual) in options.items() if now != usual)
    return _PROGRAM.format(
        given=f"{{{given}}}",
        formula=_literal(live.formula.text.strip()),
        name=_literal(live.name),
        options=", ".join(written),
    )


def _literal(thing: Any) -> str:
    """Return a text, a list of texts or a number as Python writes it, texts in double quotes."""
    return repr(thing) if isinstance(thing, bool) else json.dumps(thing, ensure_ascii=False)


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f'float("{value}")'


_FORMS = {"svg": _svg, "tikz": _tikz, "python": _python, "figure": _figure}
