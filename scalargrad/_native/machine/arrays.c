/* Opens the arrays of NumPy that a run reads and writes. */
#include "arrays.h"

void close_sources(Sources *sources)
{
    while (sources->count > 0) {
        PyBuffer_Release(&sources->buffers[--sources->count]);
    }
}

/* Read a pair of the first input and an object, which is owned: a number or a buffer may run code
 * that changes the list. 0 with an error.
 */
static int take_pair(PyObject *list, Py_ssize_t i, unsigned int *first, PyObject **object)
{
    PyObject *pair = PyList_GET_ITEM(list, i);
    if (!PyTuple_Check(pair)) {
        PyErr_SetString(PyExc_TypeError, "wants pairs of the first input and an array");
        return 0;
    }
    Py_INCREF(pair);
    int is_read = PyArg_ParseTuple(pair, "IO:run", first, object);
    if (is_read) {
        Py_INCREF(*object);
    }
    Py_DECREF(pair);
    return is_read;
}

int open_sources(Sources *sources, const Plan *plan, PyObject *arrays, Py_ssize_t lanes)
{
    if (!PyList_Check(arrays) || PyList_GET_SIZE(arrays) > MOST_SOURCES) {
        PyErr_Format(PyExc_ValueError, "wants a list of at most %d arrays", MOST_SOURCES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays) && i < MOST_SOURCES; i++) {
        unsigned int first;
        PyObject *array;
        if (!take_pair(arrays, i, &first, &array)) {
            return -1;
        }
        Py_buffer *buffer = &sources->buffers[sources->count];
        int status = PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT);
        Py_DECREF(array); /* the buffer holds it */
        if (status < 0) {
            return -1;
        }
        Source *source = &sources->sources[sources->count++];
        char kind = buffer->format != NULL ? buffer->format[0] : 'd';
        size_t width = buffer->ndim == 2 ? (size_t)buffer->shape[1] : 1;
        if (buffer->ndim < 1 || buffer->ndim > 2 || buffer->itemsize != 8 ||
            (kind != 'd' && kind != 'l' && kind != 'q') ||
            (lanes >= 0 && buffer->shape[0] < lanes) || width > plan->inputs ||
            first > plan->inputs - width) {
            PyErr_SetString(PyExc_ValueError, "wants matrices of doubles or 64-bit integers");
            return -1;
        }
        *source = (Source){buffer->buf, width, first, kind != 'd'};
    }
    return 0;
}

int open_output(PyObject *object, Py_buffer *buffer, size_t size, void *to)
{
    *(void **)to = NULL;
    buffer->obj = NULL;
    if (object == Py_None) {
        return 0;
    }
    if (PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE) < 0) {
        return -1;
    }
    if ((size_t)buffer->len != size) {
        PyErr_Format(PyExc_ValueError, "wants a place of %zu bytes; got %zd", size, buffer->len);
        return -1;
    }
    *(void **)to = buffer->buf;
    return 0;
}

int open_targets(Targets *targets, const Plan *plan, PyObject *matrices, size_t lanes)
{
    if (matrices == Py_None) {
        return 0;
    }
    if (!PyList_Check(matrices) || PyList_GET_SIZE(matrices) > MOST_SOURCES) {
        PyErr_Format(PyExc_ValueError, "wants a list of at most %d arguments", MOST_SOURCES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(matrices) && i < MOST_SOURCES; i++) {
        unsigned int first;
        PyObject *matrix;
        if (!take_pair(matrices, i, &first, &matrix)) {
            return -1;
        }
        Py_buffer *buffer = &targets->buffers[targets->count];
        int status = PyObject_GetBuffer(matrix, buffer, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS);
        Py_DECREF(matrix); /* the buffer holds it */
        if (status < 0) {
            return -1;
        }
        size_t row = lanes * sizeof(double), width = (size_t)buffer->len / row;
        targets->targets[targets->count++] = (Target){buffer->buf, width, first};
        if (width * row != (size_t)buffer->len || width > plan->inputs ||
            first > plan->inputs - width) {
            PyErr_SetString(PyExc_ValueError, "wants a double for each lane and input");
            return -1;
        }
    }
    return 0;
}

void close_targets(Targets *targets)
{
    while (targets->count > 0) {
        PyBuffer_Release(&targets->buffers[--targets->count]);
    }
}
