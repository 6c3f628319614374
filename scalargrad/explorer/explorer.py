"""The Explorer: it holds what is seen, takes messages and answers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ScalargradError
from .cards import card_reply
from .descent import descent_reply
from .live_expression import LiveExpression, NotShown
from .messages import VERSION, Message, State, read_message
from .replies import view_reply
from .sharing import shared_reply


class Explorer:
    """An expression with its values, shown as one asks for it.

    `receive` takes a message and returns the answer; both are plain data, and
    `scalargrad.explorer.messages` says what is in them. A message that cannot be followed is
    answered with a sentence and changes nothing.

    >>> explorer = Explorer(State("(x + y) * z", {"y": "3", "z": "-3"}))
    >>> view = explorer.receive({"version": 1, "kind": "show"})
    >>> view["name"], view["result"], [row["gradient"] for row in view["values"]]
    ('g', '−12', ['−3', '−3', '4'])
    >>> explorer.receive({"version": 1, "kind": "show", "state": {"text": "x +"}})["column"]
    4
    """

    def __init__(self, state: State) -> None:
        self._live = LiveExpression(state)

    @property
    def state(self) -> State:
        """What was shown last."""
        return self._live.state

    def receive(self, raw: Any) -> dict[str, Any]:
        """Answer a message; nothing that it may be raises."""
        number = raw.get("id") if isinstance(raw, dict) else None
        try:
            reply = self._answer(read_message(raw))
        except NotShown as reason:
            reply = _error(reason.said, reason.field, reason.column)
        except ScalargradError as error:
            reply = _error(str(error), "", None)
        identity = {"id": number} if type(number) is int else {}
        return {"version": VERSION, **identity, **reply}

    def _answer(self, message: Message) -> dict[str, Any]:
        state = message.state
        live = self._live
        if state is not None and state != self.state:
            live = LiveExpression(state, live.places)
        reply = _REPLIES[message.kind](live, message)
        self._live = live
        return reply


_REPLIES: dict[str, Callable[[LiveExpression, Message], dict[str, Any]]] = {
    "show": lambda live, _: view_reply(live),
    "ask": lambda live, message: card_reply(live, message.node),
    "share": shared_reply,
    "descend": descent_reply,
}


def _error(said: str, field: str, column: int | None) -> dict[str, Any]:
    return {"kind": "error", "said": said, "field": field, "column": column}
