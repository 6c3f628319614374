"""The mutants of a C file, by its text: operators, masks, constants, conditions, statements.

The files are in one style, which clang-format keeps: a binary operator stands between two spaces,
a unary one behind none.

What no result can show is left out: assertions, which only speak of other bugs; memory that is not
given back, which the tests of memory measure as a whole; how much room is taken, or work done at a
time, beyond what is needed, where any number near is as good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .mutant import Mutant

OPERATORS = {
    "<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="), "==": ("!=",),
    "!=": ("==",), "&&": ("||",), "||": ("&&",), "+": ("-",), "-": ("+",), "*": ("/",),
    "/": ("*",), "%": ("*",), "&": ("|",), "|": ("&",), "^": ("&",), "<<": (">>",), ">>": ("<<",),
    "+=": ("-=",), "-=": ("+=",), "*=": ("/=",), "|=": ("&=",), "&=": ("|=",),
}  # fmt: skip
#: what is not code: comments, texts, lines of the preprocessor, assertions
IDLE = re.compile(
    r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\]|\\.)+\'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*'
    r"|\bassert\((?:[^()]|\([^()]*\))*\)|_Static_assert\([^;]*;",
    re.S | re.M,
)
OPERATOR = re.compile(r"(?<= )(?:[<>=!]=|&&|\|\||<<|>>|[-+*|&]=|[-+*/%<>&|^])(?=[ \n])")
NUMBER = re.compile(r"(?<![\w.])(\d+)(?![\w.])(?!(?:, NULL)*\},$)", re.M)
FLOAT = re.compile(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?(?!\w)")
CONDITION = re.compile(r"\b(?:if|while) \((?=.*\) \{$)", re.M)
NOT = re.compile(r"!(?=[\w(])")
STATEMENT = re.compile(r"^( +)(?!return\b|goto\b|break\b|continue\b)[^\s{}][^{};\n]*;$", re.M)
DECLARATION = re.compile(r" *(?:const |static |struct )?(?:\w+ )+\**\w+(?:\[\w*\])?(?: =|;|,)")
GIVES_BACK = re.compile(r"(?:\w*free\w*|Py_X?DECREF|Py_CLEAR|Py_XSETREF|PyMem_\w*Free)\(")
ROOM = re.compile(
    r"^.*(?:room\w* =[^=]|room \* 2|alloc\(|enum \{ (?:\w*ROOM|SMALL|SPARES|BATCH|RECENT|PATIENCE"
    r"|MOST_\w+|LIST_CLASSES|LEAST_LANES) =).*$",
    re.M,
)
TRUTH = re.compile(r"(?:return -\d+|(?:return|=) 1);$")
RETURN = re.compile(r"\breturn ([01])(?=;)")
CALL = re.compile(r"\b\w+\(([^(),]+), ([^(),]+)\)")


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a C file."""
    code = IDLE.sub(lambda match: re.sub(r"[^\n]", "\x01", match[0]), source)
    sizes = ROOM.sub(lambda match: "\x01" * len(match[0]), code)
    for match in OPERATOR.finditer(code):
        for text in OPERATORS[match[0]]:
            yield Mutant(file, _kind(match[0]), *match.span(), text)
    for match in NUMBER.finditer(sizes):
        # any negative number is an error, and any but 0 is true
        if not TRUTH.search(code[: match.end() + 1][-12:]):
            yield Mutant(file, "constant", *match.span(), str(int(match[0]) + 1))
        if int(match[0]) > 0:
            yield Mutant(file, "constant", *match.span(), str(int(match[0]) - 1))
    for match in FLOAT.finditer(code):
        yield Mutant(file, "constant", *match.span(), repr(float(match[0]) + 1))
    for match in CONDITION.finditer(code):
        start, end = match.end(), code.index(") {\n", match.end())
        yield Mutant(file, "condition", start, end, f"!({source[start:end]})")
        yield Mutant(file, "condition", start, end, f"({source[start:end]}) && 0")
        if match[0].startswith("if"):
            yield Mutant(file, "condition", start, end, f"({source[start:end]}) || 1")
    for match in NOT.finditer(code):
        yield Mutant(file, "not", *match.span(), "")
    for match in STATEMENT.finditer(code):
        text = match[0].strip()
        if DECLARATION.match(match[0]) or "\x01" in text[0] or GIVES_BACK.match(text):
            continue
        if _stands_alone(code, match.start()):
            yield Mutant(file, "statement", match.start() + len(match[1]), match.end(), ";")
    for match in RETURN.finditer(code):
        yield Mutant(file, "return", *match.span(1), "0" if match[1] == "1" else "1")
    for match in CALL.finditer(code):
        if match[1] != match[2] and not re.search(r"\w \**\w", match[1] + ", " + match[2]):
            swapped = source[match.start(2) : match.end(2)] + ", " + source[slice(*match.span(1))]
            yield Mutant(file, "arguments", match.start(1), match.end(2), swapped)


def _kind(operator: str) -> str:
    if operator in ("&", "|", "^", "<<", ">>", "|=", "&="):
        return "mask"
    return "comparison" if operator[0] in "<>=!" else "operator"


def _stands_alone(code: str, start: int) -> bool:
    """Tell whether a line begins a statement, and in a function."""
    before = code[:start].rstrip("\n \x01")
    return before.endswith((";", "{", "}", ":"))
