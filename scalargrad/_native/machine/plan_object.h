/* A plan as a Python object. */
#ifndef SCALARGRAD_PLAN_OBJECT_H
#define SCALARGRAD_PLAN_OBJECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "run.h"

typedef struct {
    PyObject_HEAD
    Plan plan;
    int is_fast, by_inputs, by_captured;
    Spaces spaces;
} PlanObject;

/* -- plan_object.c: the type ------------------------------------------------------------------- */

int make_plan_type(void); /* -1 with an error */
PyTypeObject *plan_type(void);
PyObject *plan_tape(PyObject *module, PyObject *args, PyObject *named);

/* -- point.c, batch.c, describe.c: its methods ------------------------------------------------- */

PyObject *run_point(PyObject *object, PyObject *args);
PyObject *run_batch(PyObject *object, PyObject *args);
/* Run at one point: 0, the number of a guard that turned out otherwise (from 1), -1 with an error. */
int32_t run_alone(PlanObject *object, Run *run);
PyObject *describe(PyObject *object, PyObject *unused);
PyObject *describe_instructions(void); /* the table, for Python */

/* -- all_paths.c: lanes on all paths of a function --------------------------------------------- */

PyObject *run_paths(PyObject *module, PyObject *args);

/* -- calls.c: calls that are like earlier ones -------------------------------------------------- */

int make_calls_type(void); /* -1 with an error */
PyObject *new_calls(PyObject *module, PyObject *args);
PyObject *is_unchanged(PyObject *module, PyObject *watched);
PyObject *use_access(PyObject *module, PyObject *capsule);

/* -- numbers.c: what they take from Python ----------------------------------------------------- */

int read_numbers(PyObject *list, double *to, uint32_t count, const Source *sources,
                 size_t source_count);
int has_captured(const PlanObject *self, const Py_buffer *captured);

/* -- processors.c: which kernels run ----------------------------------------------------------- */

const Kernels *strict_kernels(void);
const Kernels *fast_kernels(void);
void choose_kernels(void); /* the best that this processor can run */
PyObject *kinds(PyObject *module, PyObject *unused);
PyObject *use(PyObject *module, PyObject *kind);
PyObject *add_fast(PyObject *module, PyObject *kernels);

#endif
