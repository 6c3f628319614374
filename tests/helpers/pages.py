"""Pages in Markdown as the tests read them: code that runs, what it prints, links and anchors."""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CHECKER = doctest.OutputChecker()


@dataclass(frozen=True)
class Block:
    """Fenced code, and the block of `text` that follows it at once: what it prints."""

    language: str
    code: str
    line: int
    printed: str | None = None


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page in order, each with what it says to print."""
    fences = list(_FENCE.finditer(text))
    result = []
    for this, after in zip_longest(fences, fences[1:]):
        follows = after and after[1] == "text" and not text[this.end() : after.start()].strip()
        printed = after[2] if follows else None
        result.append(Block(this[1], this[2], text.count("\n", 0, this.start(2)), printed))
    return result


def agrees(said: str, came: str) -> bool:
    """Tell whether a text is what was said; "..." stands for anything."""
    return _CHECKER.check_output(said + "\n", came + "\n", doctest.ELLIPSIS)


def run_python(page: str, block: Block, names: dict[str, Any]) -> list[str]:
    """Run a block; return a line for each comment behind an expression that is not its value.

    Nothing is compared behind an expression without a value, or where no comment stands.
    """
    code = "\n" * block.line + block.code  # so that a traceback has the lines of the page
    comments = {
        token.start[0]: token.string.removeprefix("#").strip()
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.type == tokenize.COMMENT
    }
    wrong, printed = [], io.StringIO()
    with contextlib.redirect_stdout(printed):
        for statement in ast.parse(code).body:
            if not isinstance(statement, ast.Expr):
                exec(compile(ast.Module([statement], []), page, "exec"), names)
                continue
            value = eval(compile(ast.Expression(statement.value), page, "eval"), names)
            said = comments.get(statement.end_lineno or 0)
            if value is not None and said is not None and not agrees(said, repr(value)):
                wrong.append(f"{page}:{statement.lineno}: says {said}; got {value!r}")
    if block.printed is not None and not agrees(block.printed.strip(), printed.getvalue().strip()):
        wrong.append(f"{page}:{block.line}: says\n{block.printed}; printed\n{printed.getvalue()}")
    return wrong


def commands(block: Block) -> list[str]:
    """Return the calls of scalargrad's command line in a block of shell, as they are typed."""
    return re.findall(r"^(?:.*&& )?(scalargrad .*)$", block.code, re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return what the headings of a page are called in links, as GitHub makes it."""
    names: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        names.append(f"{name}-{names.count(name)}" if name in names else name)
    return set(names)


def links(text: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "code", _FENCE.sub("", text)))


def dead_links(page: Path) -> Iterator[str]:
    """Give the relative links of a page that lead to no file, or to no heading of one."""
    for link in links(page.read_text(encoding="utf-8")):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path) if path else page
        known = not anchor or (target.is_file() and anchor in anchors(target.read_text("utf-8")))
        if not target.exists() or not known:
            yield link
