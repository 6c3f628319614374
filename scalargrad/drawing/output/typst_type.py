"""Pieces of type in Typst: every text is a string, in which nothing is a command."""

from __future__ import annotations

from ..words.pieces import Sign


class Strings:
    """Writes the pieces of a formula as calls of the few functions that a picture defines."""

    def sign(self, sign: Sign) -> str:
        """Write characters of one kind, with the room on either side."""
        written = string(sign.plain)
        if sign.italic:
            written = f"it({written})"
        if sign.faint:
            written = f"faint({written})"
        return f"apart({sign.space:g}em, {written})" if sign.space else written

    def row(self, parts: list[str]) -> str:
        """Write pieces side by side."""
        return " + ".join(parts) or '""'

    def over(self, top: str, bottom: str, rise: float, fall: float) -> str:
        """Write a fraction with the baselines of its parts."""
        return f"over({top}, {bottom}, {rise:.3f}em, {fall:.3f}em)"

    def script(self, base: str, above: str | None, below: str | None, rise: float) -> str:
        """Write what has something small above or below."""
        raised = f", above: {above}, rise: {rise:.3f}em" if above is not None else ""
        lowered = f", below: {below}" if below is not None else ""
        return f"script({base}{raised}{lowered})"

    def root(self, inner: str, index: str, up: float, down: float) -> str:
        """Write a root over what reaches so far up and down."""
        small = f", index: {string(index)}" if index else ""
        return f"root({inner}, {up:.3f}em, {down:.3f}em{small})"

    def bracketed(self, inner: str, tall: float, foot: float) -> str:
        """Write brackets, as tall as what stands in them."""
        left, right = (f'text({tall:.3f}em, baseline: {foot:.3f}em, "{sign}")' for sign in "()")
        return f"{left} + {inner} + {right}"


def string(text: str) -> str:
    r"""Return a text as a string of Typst.

    >>> print(string('50% "\\input{x}"'))
    "50% \"\\input{x}\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
