/* Numbers that come from Python. */
#include "plan_object.h"

/* Read the numbers of a list that no array gives: 0, or -1 with an error. */
int read_numbers(PyObject *list, double *to, uint32_t count, const Source *sources,
                 size_t source_count)
{
    if (!PyList_Check(list) || PyList_GET_SIZE(list) != (Py_ssize_t)count) {
        PyErr_Format(PyExc_TypeError, "wants a list of %u numbers", count);
        return -1;
    }
    uint32_t i = next_shared(sources, source_count, 0);
    while (i < count) {
        if (PyList_GET_SIZE(list) != (Py_ssize_t)count) {
            PyErr_SetString(PyExc_RuntimeError, "a list changed its size while it was read");
            return -1;
        }
        PyObject *item = Py_NewRef(PyList_GET_ITEM(list, i)); /* its float() may run any code */
        to[i] = PyFloat_AsDouble(item);
        Py_DECREF(item);
        if (to[i] == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        i = next_shared(sources, source_count, i + 1);
    }
    return 0;
}

int has_captured(const PlanObject *self, const Py_buffer *captured)
{
    if (captured->len != (Py_ssize_t)(self->plan.captured * sizeof(double))) {
        PyErr_Format(PyExc_ValueError, "wants %u captured numbers", self->plan.captured);
        return 0;
    }
    return 1;
}
