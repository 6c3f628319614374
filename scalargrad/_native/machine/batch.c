/* Runs a plan over a range of lanes: opens the arrays of NumPy, reads and writes there. */
#include "plan_object.h"

enum { MOST_SOURCES = 64 };

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Source sources[MOST_SOURCES];
    int count;
} Sources;

static void release(Sources *sources)
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

/* Open the arrays: pairs of the first input and a matrix. */
static int open_sources(Sources *sources, const Plan *plan, PyObject *arrays, Py_ssize_t lanes)
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

static int open_output(PyObject *object, Py_buffer *buffer, size_t size, void *to)
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

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Target targets[MOST_SOURCES];
    int count;
} Targets;

/* Open the matrices for gradients: None, or pairs of the first input and a matrix. */
static int open_targets(Targets *targets, const Plan *plan, PyObject *matrices, size_t lanes)
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

/* The arrays of one run. */
typedef struct {
    Py_buffer captured, values, sums, status, index;
    Sources sources;
    Targets targets;
    double *shared;
} Arrays;

static void close_arrays(Arrays *arrays)
{
    Py_buffer *buffers[] = {&arrays->captured, &arrays->values, &arrays->sums, &arrays->status,
                            &arrays->index};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        if (buffers[i]->obj != NULL) {
            PyBuffer_Release(buffers[i]);
        }
    }
    release(&arrays->sources);
    while (arrays->targets.count > 0) {
        PyBuffer_Release(&arrays->targets.buffers[--arrays->targets.count]);
    }
    PyMem_Free(arrays->shared);
}

/* Whether there are arrays for what was planned, and rows for the lanes: 0 with an error. */
static int is_complete(const PlanObject *self, const Arrays *arrays, const Run *run, size_t first,
                       size_t last)
{
    if (run->values == NULL || (self->plan.guard_count != 0 && run->status == NULL) ||
        (arrays->targets.count != 0 && !self->by_inputs) ||
        (run->sums != NULL && !self->by_captured)) {
        PyErr_SetString(PyExc_ValueError, "wants places for what was planned");
        return 0;
    }
    for (size_t i = first; run->index != NULL && i < last; i++) {
        for (int j = 0; j < arrays->sources.count; j++) {
            if (run->index[i] < 0 || run->index[i] >= arrays->sources.buffers[j].shape[0]) {
                PyErr_SetString(PyExc_IndexError, "wants rows that are there");
                return 0;
            }
        }
    }
    return 1;
}

static PyObject *run_on(PlanObject *self, Run *run, const Arrays *arrays, size_t first, size_t last)
{
    run->kernels = last - first == 1 ? &kernels_point
                   : self->is_fast   ? fast_kernels()
                                     : strict_kernels();
    run->captured = arrays->captured.buf;
    run->gradients = arrays->targets.count != 0 ? arrays->targets.targets : NULL;
    run->gradient_count = (size_t)arrays->targets.count;
    run->shared = arrays->shared;
    run->sources = arrays->sources.sources;
    run->source_count = (size_t)arrays->sources.count;
    run->space = take_space(&self->spaces, run->plan, stride_for(run->plan, last - first));
    if (run->space == NULL) {
        return PyErr_NoMemory();
    }
    Py_BEGIN_ALLOW_THREADS
    run_range(run, first, last);
    Py_END_ALLOW_THREADS
    give_space(&self->spaces, run->space);
    return PyLong_FromSize_t(run->undone);
}

/* run(first, last, lanes, shared, arrays, captured, upstream, values, inputs, sums, status, index)
 *
 * Run the lanes from `first` to before `last`; the arrays to write to are those of all lanes.
 * Return how many of them are not done.
 */
PyObject *run_batch(PyObject *object, PyObject *args)
{
    PlanObject *self = (PlanObject *)object;
    const Plan *plan = &self->plan;
    Py_ssize_t first, last, lanes;
    PyObject *shared, *from, *values, *inputs, *sums, *status, *index, *result = NULL;
    Arrays arrays = {.shared = NULL};
    Run run = {.plan = plan, .vector_kernels = strict_kernels()};
    if (!PyArg_ParseTuple(args, "nnnOOy*dOOOOO:run", &first, &last, &lanes, &shared, &from,
                          &arrays.captured, &run.upstream, &values, &inputs, &sums, &status,
                          &index)) {
        return NULL;
    }
    size_t count = (size_t)lanes, widest = plan->outputs > 1 ? plan->outputs : 1;
    arrays.shared = PyMem_Malloc(((size_t)plan->inputs + 1) * sizeof *arrays.shared);
    if (arrays.shared == NULL) {
        PyErr_NoMemory();
    } else if (first < 0 || last > lanes || first >= last || count > PY_SSIZE_T_MAX / 8 / widest ||
               (plan->is_for_points && last - first > 1)) {
        PyErr_SetString(PyExc_ValueError, "wants a range of lanes");
    } else if (has_captured(self, &arrays.captured) &&
               open_sources(&arrays.sources, plan, from, index == Py_None ? lanes : -1) == 0 &&
               read_numbers(shared, arrays.shared, plan->inputs, arrays.sources.sources,
                            (size_t)arrays.sources.count) == 0 &&
               open_output(values, &arrays.values, count * plan->outputs * 8, &run.values) == 0 &&
               open_targets(&arrays.targets, plan, inputs, count) == 0 &&
               open_output(sums, &arrays.sums, (size_t)plan->captured * 8, &run.sums) == 0 &&
               open_output(status, &arrays.status, count * 4, &run.status) == 0 &&
               open_output(index, &arrays.index, count * 8, &run.index) == 0 &&
               is_complete(self, &arrays, &run, (size_t)first, (size_t)last)) {
        result = run_on(self, &run, &arrays, (size_t)first, (size_t)last);
    }
    close_arrays(&arrays);
    return result;
}
