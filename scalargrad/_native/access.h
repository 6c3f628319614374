/* How the machine, which knows nothing of Values, reads what was captured, and adds to it: functions
 * of bulk.c, in a capsule.
 */
#ifndef SCALARGRAD_ACCESS_H
#define SCALARGRAD_ACCESS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define ACCESS_NAME "scalargrad._native._core.access"

typedef struct {
    /* Read the numbers of a tuple of Values and floats: 0 where something else is in it. */
    int (*read)(PyObject *captured, double *to);
    /* Add to the gradients of the Values in it, which are leaves. */
    void (*add)(PyObject *captured, const double *gradients);
} Access;

#endif
