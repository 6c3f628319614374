/* Runs a plan at one point. */
#include "plan_object.h"

static PyObject *list_of(const double *numbers, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    return list;
}

/* Other threads are let in where that takes less than they gain. */
static void run_one_lane(Run *run)
{
    const Plan *plan = run->plan;
    if (plan->scalar_cost <= SHORT_RUN) {
        run_range(run, 0, 1);
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    run_range(run, 0, 1);
    Py_END_ALLOW_THREADS
}

int32_t run_alone(PlanObject *object, Run *run)
{
    int32_t status = 0;
    run->kernels = &kernels_point;
    run->vector_kernels = strict_kernels();
    run->status = &status;
    run->space = take_space(&object->spaces, run->plan, 1);
    if (run->space == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    run_one_lane(run);
    give_space(&object->spaces, run->space);
    return status;
}

/* point(numbers, captured, upstream): (values, gradients by inputs, by captured, broken guard or None) */
PyObject *run_point(PyObject *object, PyObject *args)
{
    PlanObject *self = (PlanObject *)object;
    const Plan *plan = &self->plan;
    PyObject *numbers, *result = NULL;
    Py_buffer captured;
    Run run = {.plan = plan};
    if (!PyArg_ParseTuple(args, "Oy*d:point", &numbers, &captured, &run.upstream)) {
        return NULL;
    }
    PyObject *sums = self->by_captured ? PyBytes_FromStringAndSize(
                                             NULL, (Py_ssize_t)(plan->captured * sizeof(double)))
                                       : Py_NewRef(Py_None);
    double *work = PyMem_Malloc((2 * (size_t)plan->inputs + plan->outputs + 1) * sizeof *work);
    if (work == NULL || sums == NULL) {
        PyErr_NoMemory();
    } else if (has_captured(self, &captured) &&
               read_numbers(numbers, work, plan->inputs, NULL, 0) == 0) {
        Target target = {work + plan->inputs, plan->inputs, 0};
        run.captured = captured.buf;
        run.shared = work;
        run.gradients = self->by_inputs ? &target : NULL;
        run.gradient_count = self->by_inputs ? 1 : 0;
        run.sums = self->by_captured ? (double *)(void *)PyBytes_AS_STRING(sums) : NULL;
        run.values = work + 2 * (size_t)plan->inputs;
        int32_t status = run_alone(self, &run);
        PyObject *values = status >= 0 ? list_of(run.values, plan->outputs) : NULL;
        PyObject *by_input =
            self->by_inputs && status == 0 ? list_of(target.to, plan->inputs) : Py_NewRef(Py_None);
        if (values != NULL && by_input != NULL) {
            PyObject *broken = status == 0 ? Py_NewRef(Py_None) : PyLong_FromLong(status - 1);
            result = Py_BuildValue("(OOON)", values, by_input, sums, broken);
        }
        Py_XDECREF(values);
        Py_XDECREF(by_input);
    }
    PyMem_Free(work);
    Py_XDECREF(sums);
    PyBuffer_Release(&captured);
    return result;
}
