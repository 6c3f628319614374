/* Runs a plan at one point. */
#include "plan_object.h"

/* The numbers that stand in some slots of one lane, each added to `zero`: see load.c. */
static PyObject *list_of(const double *numbers, const uint32_t *slots, size_t count, double zero)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(slots[i] != NONE ? numbers[slots[i]] + zero : 0.0);
        if (number == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    return list;
}

/* point(numbers, captured, upstream): (values, gradients by inputs, by captured, broken guard or None) */
PyObject *run_point(PyObject *object, PyObject *args)
{
    PlanObject *self = (PlanObject *)object;
    const Plan *plan = &self->plan;
    PyObject *numbers, *result = NULL;
    Py_buffer captured;
    double upstream;
    if (!PyArg_ParseTuple(args, "Oy*d:point", &numbers, &captured, &upstream)) {
        return NULL;
    }
    PyObject *sums = self->by_captured ? PyBytes_FromStringAndSize(
                                             NULL, (Py_ssize_t)(plan->captured * sizeof(double)))
                                       : Py_NewRef(Py_None);
    double *work = PyMem_Malloc(((size_t)plan->inputs + plan->outputs + 1) * sizeof *work);
    Space *space = take_space(&self->spaces, plan, 1);
    int32_t status = 0;
    if (work == NULL || space == NULL || sums == NULL) {
        PyErr_NoMemory();
    } else if (has_captured(self, &captured) &&
               read_numbers(numbers, work, plan->inputs, NULL, 0) == 0) {
        Target nowhere; /* gradients are read where they are */
        Run run = {.plan = plan,
                   .kernels = &kernels_point,
                   .vector_kernels = strict_kernels(),
                   .space = space,
                   .captured = captured.buf,
                   .shared = work,
                   .upstream = upstream,
                   .status = &status};
        run.gradients = self->by_inputs ? &nowhere : NULL;
        run.sums = self->by_captured ? (double *)(void *)PyBytes_AS_STRING(sums) : NULL;
        run.values = work + plan->inputs;
        Py_BEGIN_ALLOW_THREADS
        run_range(&run, 0, 1);
        Py_END_ALLOW_THREADS
        PyObject *values = list_of(space->values, plan->output_slots, plan->outputs, -0.0);
        PyObject *by_input = Py_NewRef(Py_None);
        if (self->by_inputs) {
            Py_SETREF(by_input,
                      list_of(space->gradients, plan->input_gradients, plan->inputs, 0.0));
        }
        if (values != NULL && by_input != NULL) {
            PyObject *broken = status == 0 ? Py_NewRef(Py_None) : PyLong_FromLong(status - 1);
            result = Py_BuildValue("(OOON)", values, by_input, sums, broken);
        }
        Py_XDECREF(values);
        Py_XDECREF(by_input);
    }
    if (space != NULL) {
        give_space(&self->spaces, space);
    }
    PyMem_Free(work);
    Py_XDECREF(sums);
    PyBuffer_Release(&captured);
    return result;
}
