"""The numbers in the flat arrays of a tape: stated here, and read by C in `_native/codes.h`.

A *reference* to an operand has its kind in the upper bits of 32, its index among its kind below.
"""

from __future__ import annotations

#: the kinds of operands
KINDS = ("INPUT", "CAPTURED", "CONSTANT", "LINE")
INPUT, CAPTURED, CONSTANT, LINE = range(len(KINDS))

#: so many bits of a reference are the index
INDEX_BITS = 30

#: operations that are no rows: a value without its graph, and a function of the user's own
DETACH, CALL = 0, 255

#: comparisons, numbered as Python numbers them
COMPARISONS = ("<", "<=", "==", "!=", ">", ">=", "is")

#: the last of them: a whole number is asked for as an int, and every other one is another path
INDEX = COMPARISONS.index("is")

#: how arguments are taken apart and results put together where a call is like an earlier one: a
#: float, an int, an array of floats in one dimension; a list or tuple, followed by how often its
#: parts follow each other, how many they are, and each of them; and of results alone: the next one
#: begins at a number, a builder is called with it, a thing that is the same each time
SHAPES = ("FLOAT", "WHOLE", "ARRAY", "LIST", "TUPLE", "AT", "BUILT", "KEPT")

_HEADER = """\
/* Generated from scalargrad/table/codes.py; do not edit.
 * After a change there: python -m scalargrad.table
 */
#ifndef SCALARGRAD_CODES_H
#define SCALARGRAD_CODES_H

enum {{ {kinds} }}; /* kinds of operands */
enum {{ INDEX_BITS = {bits} }};
#define INDEX_OF(reference) ((reference) & ((1u << INDEX_BITS) - 1))
#define KIND_OF(reference) ((reference) >> INDEX_BITS)

enum {{ DETACH = {detach}, CALL = {call} }};

/* see SHAPES there */
{shapes}

enum {{ COMPARISON_COUNT = {count} }};

/* COMPARISON(number, sign, what holds) */
{comparisons}

#endif
"""


def header() -> str:
    """Return the whole of `codes.h`."""
    lines = ["#define COMPARISONS(COMPARISON)"] + [
        f'    COMPARISON({number}, "{sign}", x {"==" if sign == "is" else sign} y)'
        for number, sign in enumerate(COMPARISONS)
    ]
    return _HEADER.format(
        kinds=", ".join(f"{kind} = {number}" for number, kind in enumerate(KINDS)),
        bits=INDEX_BITS,
        detach=DETACH,
        call=CALL,
        shapes="\n".join(
            f"enum {{ SHAPE_{shape} = {number} }};" for number, shape in enumerate(SHAPES)
        ),
        count=len(COMPARISONS),
        comparisons="\\\n".join(line.ljust(99) for line in lines).rstrip(),
    )
