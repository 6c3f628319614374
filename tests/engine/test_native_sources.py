"""The C files of the native engine: each calls only those above it, in functions one can read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "scalargrad" / "_native"
NAMES = re.findall(r"^ \*     (\w+\.c) ", (FOLDER / "node.h").read_text(encoding="utf-8"), re.M)
TEXTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
DEFINITION = re.compile(
    r"^(?!static\b|typedef\b|enum\b)\w[\w *]*?\b(\w+)(?:\([^;{}]*\)\s*\{|(?:\[\])? = |;)", re.M
)
FUNCTION = re.compile(r"^\w[^\n;=]*\b(\w+)\([^;{}]*\)\n\{\n.*?^\}", re.M | re.S)


def defined(text: str) -> set[str]:
    """Return what a file defines for others, functions and variables."""
    return set(DEFINITION.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.S)))


def test_node_h_lists_every_file_once():
    assert sorted(NAMES) == sorted(path.name for path in FOLDER.glob("*.c"))


@pytest.mark.parametrize("name", NAMES)
def test_a_file_uses_only_what_files_above_it_define(name):
    below = NAMES[NAMES.index(name) + 1 :]
    used = set(re.findall(r"\w+", re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", "", TEXTS[name], flags=re.S)))
    header = (FOLDER / "node.h").read_text(encoding="utf-8")
    shared = {
        symbol: other
        for other in below
        for symbol in defined(TEXTS[other])
        if re.search(rf"\b{symbol}\b", header)
    }
    assert {symbol: shared[symbol] for symbol in used & set(shared)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_no_function_is_longer_than_seventy_lines(name):
    lengths = {found[1]: found[0].count("\n") + 1 for found in FUNCTION.finditer(TEXTS[name])}
    assert lengths
    assert {function: lines for function, lines in lengths.items() if lines > 70} == {}
