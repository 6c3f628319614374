/* Shapes of arguments and results: flat codes (SHAPES of table/codes.py), and numbers in a row. */
#ifndef SCALARGRAD_SHAPES_H
#define SCALARGRAD_SHAPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

#include "../codes.h"

typedef struct {
    const uint32_t *code;
    double *to;
    PyTypeObject *array_type; /* or NULL */
} Reader;

typedef struct {
    const uint32_t *code;
    const double *numbers, *next; /* all of them, and the next one */
    PyObject *things;             /* a tuple: what builds, or is the same each time */
} Writer;

/* Whether codes are those of so many things, which have `numbers` numbers in all: checked once, where
 * they come in. Results (`things` >= 0) may begin anywhere among the numbers.
 */
int are_shapes(const uint32_t *code, size_t count, size_t things_in, size_t numbers, int things);

/* Read a thing, and step over its code: 0 where it has another shape. */
int read_thing(Reader *reader, PyObject *thing);

/* Return a thing made of the next numbers, and step over its code; NULL with an error. */
PyObject *write_thing(Writer *writer);

#endif
