"""The mutants of the table: the formulas in the rows of `ops.py` and `optimizers.py`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .mutant import Mutant

#: columns that are texts for people, or names
WORDS = {"symbol", "doc", "domain", "source", "shown", "written", "sample", "kept", "settings"}
SIGNS = {
    "+": ("-",), "-": ("+",), "*": ("/",), "/": ("*",), "<": ("<=", ">"), "<=": ("<",),
    ">": (">=", "<"), ">=": (">",), "==": ("!=",), "!=": ("==",), "and": ("or",), "or": ("and",),
}  # fmt: skip
TOKEN = re.compile(r"(?<=\s)(?:[<>=!]=|[-+*/<>]|and|or)(?=\s)|(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?")
CALL = re.compile(r"\b(abs|sin|cos|exp|log|sqrt|sinh|cosh|expm1|log1p)(?=\()")
OTHER = {
    "abs": "", "sin": "cos", "cos": "sin", "exp": "expm1", "log": "log1p", "sqrt": "abs",
    "sinh": "cosh", "cosh": "sinh", "expm1": "exp", "log1p": "log",
}  # fmt: skip


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of the formulas in a file of rows."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    encoded = source.encode()
    for node in _formulas(ast.parse(source)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = len(encoded[: starts[node.lineno - 1] + node.col_offset].decode())
        end = len(encoded[: starts[node.end_lineno - 1] + node.end_col_offset].decode())
        for token in TOKEN.finditer(source, begin, end):
            for text in SIGNS.get(token[0]) or _other_numbers(token[0]):
                yield Mutant(file, "formula", *token.span(), text)
        for call in CALL.finditer(source, begin, end):
            yield Mutant(file, "function", *call.span(), OTHER[call[0]])


def _other_numbers(text: str) -> tuple[str, ...]:
    more = f"{float(text) + 1!r}".removesuffix(".0")
    return (more, f"{float(text) * 1.0000001!r}") if float(text) else (more,)


def _formulas(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts of formulas: all but docstrings, names, and texts for people."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            for keyword in call.keywords:
                if keyword.arg not in WORDS:
                    yield from _texts(keyword.value)
        elif isinstance(call, ast.Assign) and not isinstance(call.value, ast.Call):
            yield from _texts(call.value)


def _texts(tree: ast.AST) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
