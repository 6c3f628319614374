/* Runs a plan over a range of lanes, which are rows of arrays of NumPy. */
#include "arrays.h"

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
    close_sources(&arrays->sources);
    close_targets(&arrays->targets);
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
