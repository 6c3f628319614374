"""Writes what is written from the table: `python -m scalargrad.table`; here, the C of its rows."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import codes, formula, libm, to_c, to_javascript, to_python
from .row import FUNCTIONS, ROWS, RULES, ManyRow, Row, UpdateRule, digest, is_plural

_NATIVE = Path(__file__).parents[1] / "_native"
ORACLES_PATH = Path(__file__).parents[2] / "tests" / "helpers" / "oracles.py"
PATH, KERNELS_PATH = _NATIVE / "ops.inc", _NATIVE / "machine" / "kernel_rows.inc"
CODES_PATH = _NATIVE / "codes.h"

#: rows of two operands whose partials are best computed together
CHEAP = ("add", "sub", "mul", "div")

_BUILD = "python3 -m pip install -e . in the checkout"

_HEAD = """\
/* Generated from scalargrad/table/ops.py and optimizers.py; do not edit.
 * After a change there: python -m scalargrad.table
 */
"""

_FLAT = """
static void flat_{name}(Py_ssize_t count, double *w, const double *g, double *const *kept,
                        const double *settings)
{{
    for (Py_ssize_t i = 0; i < count; i++) {{
        w[i] = rule_{name}(w[i], g[i], kept, i, settings);
    }}
}}
"""


def text() -> str:
    """Return the whole of `ops.inc`."""
    scalars = [row for row in ROWS.values() if isinstance(row, Row)]
    called = {row.name for row in scalars} - set(libm.FUNCTIONS)
    operations = [_operation(row, called) for row in ROWS.values()]
    moves = [_move(rule) for rule in RULES.values()]
    parts = [
        _HEAD,
        f"const unsigned long table_digest = {digest()}UL;\n",
        _numbers(),
        "".join(f"{to_c.value_head(row.name, row.letters)};\n" for row in scalars),
        *(source for source, _ in operations),
        _table("Operation operations", ['{.name = ""}', *(entry for _, entry in operations)]),
        f"const int operation_count = {len(ROWS) + 1};\n",
        *(source for source, _ in moves),
        _table("UpdateRule optimizer_rules", [entry for _, entry in moves]),
        f"const int optimizer_rule_count = {len(RULES)};\n",
    ]
    return "\n".join(parts)


def _numbers() -> str:
    constants = "".join(f"    OP_{name.upper()},\n" for name in ROWS)
    cheap = " \\\n".join(f"    ROW(OP_{name.upper()}, {name})" for name in CHEAP)
    return f"enum {{\n    OP_LEAF,\n{constants}}};\n\n#define CHEAP_ROWS(ROW) \\\n{cheap}\n"


def kernels_text() -> str:
    """Return the whole of `kernel_rows.inc`: what the machine does to every lane."""
    scalars = [row for row in ROWS.values() if isinstance(row, Row)]
    plural = [row for row in ROWS.values() if isinstance(row, ManyRow) and is_plural(row)]
    called = {row.name for row in scalars} - set(libm.FUNCTIONS)
    parts = [_HEAD, _numbers()]
    parts += [f"{to_c.value_head(row.name, row.letters)};\n" for row in scalars]
    for row in scalars:
        columns = row.name, row.letters, row.forward, row.partials, FUNCTIONS, called
        parts.append(f"/* {row.name}: {row.forward} */\n{to_c.lane_functions(*columns)}")
    for row in scalars:
        if row.unbranched:
            name, (value, *partials) = f"{row.name}_unbranched", row.unbranched
            both = FUNCTIONS, called
            parts.append(to_c.lane_functions(name, row.letters, value, partials, *both))
    staged = _staged([row for row in scalars if row.arity == 1], called)
    parts += [text for texts in staged.values() for text in texts if text]
    parts += [to_c.entry_function(r.name, r.partials[0], FUNCTIONS, called) for r in plural]
    unary = [row for row in scalars if row.arity == 1]
    for kind, rows in (
        ("UNARY", unary),
        ("BINARY", [row for row in scalars if row.arity == 2 and row.name not in CHEAP]),
        ("SPREAD", plural),
        ("PLAIN_VALUE", [row for row in unary if not staged[row.name][0]]),
        ("STAGED_VALUE", [row for row in unary if staged[row.name][0]]),
        ("PLAIN_PARTIAL", [row for row in unary if not staged[row.name][1]]),
        ("STAGED_PARTIAL", [row for row in unary if staged[row.name][1]]),
    ):
        parts.append(_uses(kind, {row.name: row.name for row in rows}))
        others = {r.name: f"{r.name}_unbranched" for r in scalars if r.unbranched and r in rows}
        if others:
            parts.append(_uses(f"UNBRANCHED_{kind}", {row.name: row.name for row in rows} | others))
    return "\n".join(parts)


def _uses(kind: str, functions: dict[str, str]) -> str:
    """Return a macro that uses another one for each row, with the functions that it has."""
    uses = [f"    ROW(OP_{name.upper()}, {function})" for name, function in functions.items()]
    return f"#define {kind}_ROWS(ROW) \\\n" + " \\\n".join(uses) + "\n"


def _staged(rows: list[Row], called: set[str]) -> dict[str, tuple[str, str]]:
    """Return for each row its value and its partial in stages, or "" where that gains nothing."""
    known = {name: (ROWS[name].letters, ROWS[name].forward) for name in called - {"where"}}
    stages = {}
    for row in rows:
        value = formula.value_formula(row.forward)
        partial = formula.partial_formula(row.forward, row.partials[0])
        names = f"staged_value_{row.name}", f"staged_partial_{row.name}"
        stages[row.name] = (
            to_c.staged_function(names[0], "x", value, FUNCTIONS, known),
            to_c.staged_function(names[1], "xz", partial, FUNCTIONS, known),
        )
    return stages


def _table(name: str, entries: list[str]) -> str:
    return f"const {name}[] = {{\n" + "".join(f"    {entry},\n" for entry in entries) + "};\n"


def _operation(row: Row | ManyRow, called: set[str]) -> tuple[str, str]:
    """Return the functions of a row, and its entry in the table of C."""
    columns = row.name, row.letters, row.forward, row.partials, FUNCTIONS, called
    if isinstance(row, Row):
        source = to_c.scalar_functions(*columns)
        reads = ", ".join(str(_reads(row.forward, partial)) for partial in row.partials)
        fields = f".value{row.arity} = value_{row.name}, .step{row.arity} = step_{row.name}"
        fields = f".reads = {{{reads}}}, {_partial_row(row)}{fields}"
    else:
        source, bound, plural = to_c.many_functions(*columns)
        fields = f".bound = {bound}, .step_many = many_{row.name}"
        if plural:
            kinds = f".value_plural = spread_{row.name}, .partial_plural = entry_{row.name}"
            fields = f".bound = {bound}, {kinds}"
        fields = ".empty = 1, " * row.empty + fields
    entry = f'{{.name = "{row.name}", .arity = {row.arity}, {fields}}}'
    return f"/* {row.name}: {row.forward} */\n{source}", entry


def _partial_row(row: Row) -> str:
    """Return which row a partial is, with its sign, where it is that of the same operand."""
    by_x, *others = row.partials
    whole = re.fullmatch(r"(-?)(\w+)\(x\)", by_x)
    if others or whole is None or whole[2] not in ROWS:
        return ""
    return f".partial_row = OP_{whole[2].upper()}, .partial_sign = {whole[1]}1, "


def _reads(forward: str, partial: str) -> int:
    """Return what a partial reads: 1 for x, 2 for y, 4 for z, the value."""
    names = formula.names_read(formula.partial_formula(forward, partial))
    return sum(1 << bit for bit, name in enumerate("xyz") if name in names)


def _move(rule: UpdateRule) -> tuple[str, str]:
    """Return the function of an optimiser's rule, and its entry in the table of C."""
    source = to_c.rule_function(rule.name, rule.kept, rule.settings, rule.text, FUNCTIONS)
    source += _FLAT.format(name=rule.name)
    sizes = f".kept = {len(rule.kept)}, .settings = {len(rule.settings)}"
    steps = f".step = rule_{rule.name}, .step_flat = flat_{rule.name}"
    return source, f'{{.name = "{rule.name}", {sizes}, {steps}}}'


def files() -> dict[Path, str]:
    """Return every file that has something from the table, with its text."""
    return {
        PATH: text(),
        KERNELS_PATH: kernels_text(),
        CODES_PATH: codes.header(),
        **to_python.files(),
    }


def refused() -> list[str]:
    """Return a sentence for each row that is not in the language of formulas."""
    sentences = []
    for name, row in ROWS.items():
        try:
            _ = row.step if isinstance(row, Row) else row.step((True,) * row.lists)
            to_javascript.script([name], ROWS, FUNCTIONS)
            _check_on_values(row)
        except ValueError as error:
            sentences.append(f"{name}: {error}")
    return sentences


def _check_on_values(row: Row | ManyRow) -> None:
    """Compile what a row states for graphs of gradients.

    Raises: `ValueError` where it is not in the language of formulas.
    """
    letters, lists = ((), row.letters) if isinstance(row, ManyRow) else (row.letters, ())
    one_operand = dict.fromkeys(("plain", "still", *formula.REDUCTIONS), abs)
    functions: dict[str, Callable[..., Any]] = {**FUNCTIONS, **one_operand, "label": divmod}
    for text in (*row.on_values, row.kink, row.side):
        if text:
            whole = formula.with_bindings(row.forward, text)
            formula.compile_graph(row.name, ("z", *letters), lists, whole, functions)


def missing() -> list[str]:
    """Return a sentence for each thing that a row does not have yet."""
    sentences = [
        f"{row.name}: no sample in its row, the range of each operand in which tests draw"
        for row in ROWS.values()
        if len(row.sample) != row.arity
    ]
    if ORACLES_PATH.exists():  # in a checkout
        oracles = ORACLES_PATH.read_text(encoding="utf-8")
        where = "tests/helpers/oracles.py"
        names = set(re.findall(r'^    "(\w+)": Oracle\(', oracles, flags=re.MULTILINE))
        sentences += [f"{name}: no oracle in {where} yet" for name in ROWS if name not in names]
        sentences += [f"{name}: an oracle in {where}, but no row" for name in names - set(ROWS)]
    return sentences


def main() -> int:
    """Write the files; say which changed, and what is missing yet."""
    if sentences := refused():
        print("\n".join(sentences), file=sys.stderr)
        return 1
    try:
        written = files()
    except ValueError as error:  # one of them has lost the comments between which it is written
        print(error, file=sys.stderr)
        return 1
    for path, fresh in written.items():
        changed = not path.exists() or path.read_text(encoding="utf-8") != fresh
        path.write_text(fresh, encoding="utf-8")
        print(f"{path.name}: {len(ROWS)} operations, {'changed' if changed else 'as it was'}")
        if changed and path == PATH:
            sentences.append(f"the native engine must be built from it: {_BUILD}")
    print("".join(f"{sentence}\n" for sentence in sentences + missing()), end="")
    return 0
