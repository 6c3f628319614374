"""Reads the formulas of pictures as a person would: what number does this text say?"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import NormalDist

from scalargrad.drawing.options import View
from scalargrad.table.row import ROWS, Row

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
NUMBER = re.compile(r"\d+(?:\.\d+)?")
NAME = re.compile(r"[^\W\d][\w₀-₉]*")
CALL = re.compile(r"([^\W\d]\w*)\(")
SMALL = re.compile(f"[{''.join(RAISED)}]+")
CLOSING = {"|": "|", "⌊": "⌋", "⌈": "⌉", "(": ")"}
AROUND: dict[str, Callable[[float], float]] = {
    "|": abs, "⌊": math.floor, "⌈": math.ceil, "(": float,
}  # fmt: skip
OTHERS: dict[str, Callable[..., float]] = {
    "φ": NormalDist().pdf, "Φ": NormalDist().cdf, "max": max, "min": min,
    "norm": math.hypot, "sum": lambda *xs: math.fsum(xs),
    "logsumexp": lambda *xs: math.log(math.fsum(map(math.exp, xs))),
}  # fmt: skip


class UnreadableError(Exception):
    """A text that says no number."""


@dataclass(frozen=True)
class Read:
    """A number, and how large the terms were that it was added up of."""

    number: float
    terms: float

    def __add__(self, other: Read) -> Read:
        return Read(self.number + other.number, self.terms + other.terms)

    def __neg__(self) -> Read:
        return Read(-self.number, self.terms)

    def __mul__(self, other: Read) -> Read:
        return Read(self.number * other.number, self.terms * other.terms)

    def applied(self, function: Callable[[float], float]) -> Read:
        """Return a function of it; its error grows by the slope there."""
        number = function(self.number)
        step = 1e-6 * max(self.terms, 1e-300)
        try:
            slope = abs(function(self.number + step) - number) / step
        except (ArithmeticError, ValueError):
            slope = abs(function(self.number - step) - number) / step
        return Read(number, max(abs(number), 2 * slope * self.terms))


class Reader:
    """Reads a text in which some names have numbers; `∂L/∂x` is a name as well."""

    def __init__(self, names: Mapping[str, float]) -> None:
        self.names = sorted(names, key=len, reverse=True)
        self.numbers = names

    def read(self, text: str) -> Read:
        """Return what a text says.

        Raises: `UnreadableError`.
        """
        self.text, self.at = text, 0
        found = self._sum()
        if self.at < len(text):
            raise UnreadableError(text[self.at :], text)
        return found

    def _take(self, *signs: str) -> str:
        sign = next((one for one in signs if self.text.startswith(one, self.at)), "")
        self.at += len(sign)
        return sign

    def _sum(self) -> Read:
        found = -self._product() if self._take("−") else self._product()
        while sign := self._take("+", "−"):
            term = self._product()
            found += -term if sign == "−" else term
        return found

    def _product(self) -> Read:
        found = self._power()
        while True:
            if self._take("/"):
                found *= self._power().applied(lambda x: 1 / x)
            elif self._take("·") or self._begins():
                found *= self._power()
            else:
                return found

    def _begins(self) -> bool:
        rest = self.text[self.at :]
        return bool(rest) and rest[0] not in "+−/·),|⌋⌉^ " and rest[0] not in RAISED

    def _power(self) -> Read:
        base = self._once()
        while True:
            if small := SMALL.match(self.text, self.at):
                self.at = small.end()
                exponent = float("".join(RAISED[digit] for digit in small[0]))
            elif self._take("^"):
                exponent = self._once().number
            else:
                return base
            base = base.applied(lambda x, power=exponent: real_power(x, power))

    def _once(self) -> Read:
        if sign := self._take("√", "∛"):
            inner = self._once()
            return inner.applied(math.sqrt if sign == "√" else lambda x: real_power(x, 1 / 3))
        if opening := self._take(*CLOSING):
            inner = self._sum()
            if not self._take(CLOSING[opening]):
                raise UnreadableError(self.text)
            return inner.applied(AROUND[opening]) if opening != "(" else inner
        if self._is_call():
            return self._call()
        if name := self._take(*self.names):
            return Read(self.numbers[name], abs(self.numbers[name]))
        if number := NUMBER.match(self.text, self.at):
            self.at = number.end()
            return Read(float(number[0]), float(number[0]))
        if constant := self._take("π", "e"):
            number = math.pi if constant == "π" else math.e
            return Read(number, number)
        raise UnreadableError(self.text[self.at :], self.text)

    def _is_call(self) -> bool:
        match = CALL.match(self.text, self.at)
        return match is not None and (match[1] in OTHERS or match[1] in ROWS)

    def _call(self) -> Read:
        match = CALL.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        arguments = [self._sum()]
        while self._take(", ", ","):
            arguments.append(self._sum())
        if not self._take(")"):
            raise UnreadableError(self.text)
        function = function_of(match[1])
        if len(arguments) == 1:
            return arguments[0].applied(function)
        number = function(*(given.number for given in arguments))
        return Read(number, max([abs(number), *(given.terms for given in arguments)]))


def function_of(name: str) -> Callable[..., float]:
    """Return a function by its name, that of a row or one of lists."""
    if name in OTHERS:
        return OTHERS[name]
    row = ROWS.get(name)
    if not isinstance(row, Row):
        raise UnreadableError(name)
    return lambda *numbers: row.step(*numbers)[0]


def real_power(base: float, exponent: float) -> float:
    """Return a power, of the real cube root where a negative number has one."""
    third = round(3 * exponent)
    if base < 0 and not exponent.is_integer() and math.isclose(3 * exponent, third):
        return float(math.copysign(abs(base) ** exponent, (-1) ** third))
    return float(base**exponent)


def names_of(flows: Iterable[tuple[str, float, float]], loss: str = "L") -> dict[str, float]:
    """Return the numbers of names, and of gradients by them, from what is written in black.

    Each entry has a text, `v₁ = x+y` or a name alone, its number and its gradient.
    """
    names: dict[str, float] = {}
    for text, number, gradient in flows:
        name = text.partition(" = ")[0]
        if NAME.fullmatch(name):
            names.setdefault(name, number)
        names.setdefault(f"∂{loss}/∂{name}", gradient)
    return names


def partials_of(seen: View) -> dict[str, float]:
    """Return the numbers of ∂z/∂x, of one node by one of its operands."""
    names: dict[str, float] = {}
    for flow in seen.graph.flows:
        for use in flow.uses:
            results = use.target.flows if use.target is not None and use.backward else []
            for result in results:
                if upstream := seen.graph.gradients[result.value]:
                    text = f"∂{seen.wording.name(result)}/∂{seen.wording.name(flow)}"
                    names[text] = use.backward / upstream
    return names


def said(seen: View) -> Iterator[tuple[str, float, Reader]]:
    """Yield every text of a picture in symbols, its number, and who can read it.

    Where several values go together along one arrow there is a name and a shape, no number.
    """
    flows = [flow for flow in seen.graph.flows if flow.named is None]
    gradients = seen.graph.gradients
    texts = [(seen.wording.flow(flow), flow.value) for flow in flows]
    black = [(text.forward, node.data, gradients.get(node, 0.0)) for text, node in texts]
    ends = [(seen.wording.name(f), f.value.data, gradients.get(f.value, 0.0)) for f in flows]
    reader = Reader(partials_of(seen) | names_of([*ends, *black], seen.wording.loss))
    for text, number, _ in black:
        yield text.partition(" = ")[2] or text, number, reader
    for flow, (text, node) in zip(flows, texts, strict=True):
        if text.backward is not None:
            yield text.backward.replace("\n", "").replace(" ", ""), gradients[node], reader
        for use in flow.uses:
            part = seen.wording.use(use).backward
            if part is not None and use.backward is not None:
                yield part.split("\n")[0], use.backward, reader


def is_said(text: str, number: float, reader: Reader) -> bool:
    """Tell whether a text says a number to its last shown digit; a long constant is rounded.

    What cancels may be 0 or noise, and 0·log 0 is the limit, 0.
    """
    read = reader.read(text)
    if number == 0 and math.isnan(read.number) and "log(" in text:
        return True
    if text == "0":
        return abs(number) < 1e-15
    slack = 5e-6 * abs(number) + 1e-10 * read.terms
    return abs(read.number - number) <= slack
