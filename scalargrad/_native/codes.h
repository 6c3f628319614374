/* Generated from scalargrad/table/codes.py; do not edit.
 * After a change there: python -m scalargrad.table
 */
#ifndef SCALARGRAD_CODES_H
#define SCALARGRAD_CODES_H

enum { INPUT = 0, CAPTURED = 1, CONSTANT = 2, LINE = 3 }; /* kinds of operands */
enum { INDEX_BITS = 30 };
#define INDEX_OF(reference) ((reference) & ((1u << INDEX_BITS) - 1))
#define KIND_OF(reference) ((reference) >> INDEX_BITS)

enum { DETACH = 0, CALL = 255 };

/* see SHAPES there */
enum { SHAPE_FLOAT = 0 };
enum { SHAPE_WHOLE = 1 };
enum { SHAPE_ARRAY = 2 };
enum { SHAPE_LIST = 3 };
enum { SHAPE_TUPLE = 4 };
enum { SHAPE_AT = 5 };
enum { SHAPE_BUILT = 6 };
enum { SHAPE_KEPT = 7 };

enum { COMPARISON_COUNT = 7 };

/* COMPARISON(number, sign, what holds) */
#define COMPARISONS(COMPARISON)                                                                    \
    COMPARISON(0, "<", x < y)                                                                      \
    COMPARISON(1, "<=", x <= y)                                                                    \
    COMPARISON(2, "==", x == y)                                                                    \
    COMPARISON(3, "!=", x != y)                                                                    \
    COMPARISON(4, ">", x > y)                                                                      \
    COMPARISON(5, ">=", x >= y)                                                                    \
    COMPARISON(6, "is", x == y)

#endif
