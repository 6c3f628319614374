/* The arrays of NumPy that a run reads and writes, opened and closed. */
#ifndef SCALARGRAD_ARRAYS_H
#define SCALARGRAD_ARRAYS_H

#include "plan_object.h"

enum { MOST_SOURCES = 64 };

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Source sources[MOST_SOURCES];
    int count;
} Sources;

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Target targets[MOST_SOURCES];
    int count;
} Targets;

/* Each returns 0, or -1 with an error; what is opened then is to be closed all the same. */

/* Open the arrays: pairs of the first input and a matrix, of `lanes` rows or (-1) any number. */
int open_sources(Sources *sources, const Plan *plan, PyObject *arrays, Py_ssize_t lanes);
/* Open the matrices for gradients: None, or pairs of the first input and a matrix. */
int open_targets(Targets *targets, const Plan *plan, PyObject *matrices, size_t lanes);
/* Open a place of so many bytes, or None. */
int open_output(PyObject *object, Py_buffer *buffer, size_t size, void *to);
void close_sources(Sources *sources);
void close_targets(Targets *targets);

#endif
