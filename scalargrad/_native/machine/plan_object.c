/* The type of plans, and how a tape becomes one. */
#include "plan_object.h"
#include "verify.h"

static PyTypeObject *Plan_Type;

static void dealloc(PyObject *self)
{
    PlanObject *object = (PlanObject *)self;
    PyTypeObject *type = Py_TYPE(self);
    free_spaces(&object->spaces);
    free_plan(&object->plan);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* Plan what was recorded: a plan, or None where the machine cannot run the tape, or a vectorised
 * plan gains little.
 */
static PyObject *new_plan(const Recorded *recorded)
{
    PlanObject *object = PyObject_New(PlanObject, Plan_Type);
    if (object == NULL) {
        return NULL;
    }
    memset(&object->plan, 0, sizeof object->plan);
    object->spaces = (Spaces){0};
    object->is_fast = recorded->is_fast;
    object->by_inputs = recorded->by_inputs;
    object->by_captured = recorded->by_captured;
    int status = make_plan(&object->plan, recorded);
    if (status == PLAN_DONE) {
        return (PyObject *)object;
    }
    Py_DECREF(object);
    return status == PLAN_NO_MEMORY ? PyErr_NoMemory() : Py_NewRef(Py_None);
}

enum { OPS, STARTS, OPERANDS, RESULTS, CONSTANTS, OUTPUTS, GUARDS, COLUMNS };

/* Count the items of a column: 0 with an error where these are not whole, or too many. */
static int count_items(const Py_buffer *column, size_t size, uint32_t *count)
{
    size_t bytes = (size_t)column->len;
    *count = (uint32_t)(bytes / size);
    if (bytes % size != 0 || bytes / size > MOST_OF_A_KIND) {
        PyErr_Format(PyExc_ValueError, "plan: wants whole items of %zu bytes; got %zu bytes", size,
                     bytes);
        return 0;
    }
    return 1;
}

static int read_columns(const Py_buffer *columns, Recorded *tape)
{
    tape->ops = columns[OPS].buf;
    tape->starts = columns[STARTS].buf;
    tape->operands = columns[OPERANDS].buf;
    tape->results = columns[RESULTS].buf;
    tape->numbers = columns[CONSTANTS].buf;
    tape->outputs = columns[OUTPUTS].buf;
    tape->guards = columns[GUARDS].buf;
    return count_items(&columns[OPS], sizeof *tape->ops, &tape->lines) &&
           count_items(&columns[STARTS], sizeof *tape->starts, &tape->start_count) &&
           count_items(&columns[OPERANDS], sizeof *tape->operands, &tape->operand_count) &&
           count_items(&columns[RESULTS], sizeof *tape->results, &tape->result_count) &&
           count_items(&columns[CONSTANTS], sizeof *tape->numbers, &tape->constants) &&
           count_items(&columns[OUTPUTS], sizeof *tape->outputs, &tape->output_count) &&
           count_items(&columns[GUARDS], sizeof *tape->guards, &tape->guard_count);
}

/* Whether it is a tape, which is checked once, here: 0 with an error. */
static int is_tape(const Recorded *tape)
{
    const char *lack = check_tape(tape);
    if (*lack != '\0') {
        PyErr_Format(PyExc_ValueError, "plan: a tape wants %s", lack);
    }
    return *lack == '\0';
}

/* plan(*, inputs, captured, ...): of the columns of a tape: see tape/tape.py */
PyObject *plan_tape(PyObject *module, PyObject *args, PyObject *named)
{
    static char *names[] = {"inputs",   "captured",      "ops",          "starts",
                            "operands", "results",       "constants",    "outputs",
                            "guards",   "by_inputs",     "by_captured",  "root",
                            "is_fast",  "is_for_points", "vector_share", NULL};
    (void)module;
    Recorded recorded = {0};
    Py_buffer columns[COLUMNS];
    if (!PyArg_ParseTupleAndKeywords(
            args, named, "$IIy*y*y*y*y*y*y*ppIppd:plan", names, &recorded.inputs,
            &recorded.captured, &columns[OPS], &columns[STARTS], &columns[OPERANDS],
            &columns[RESULTS], &columns[CONSTANTS], &columns[OUTPUTS], &columns[GUARDS],
            &recorded.by_inputs, &recorded.by_captured, &recorded.root, &recorded.is_fast,
            &recorded.is_for_points, &recorded.vector_share)) {
        return NULL;
    }
    PyObject *plan =
        read_columns(columns, &recorded) && is_tape(&recorded) ? new_plan(&recorded) : NULL;
    for (int i = 0; i < COLUMNS; i++) {
        PyBuffer_Release(&columns[i]);
    }
    return plan;
}

/* verify(): what is wrong with the plan, or "" */
static PyObject *verify(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyUnicode_FromString(verify_plan(&((PlanObject *)object)->plan, STAGE_PLAN).text);
}

static PyMethodDef plan_methods[] = {
    {"point", run_point, METH_VARARGS, "Run at one point."},
    {"run", run_batch, METH_VARARGS, "Run a range of lanes."},
    {"describe", describe, METH_NOARGS, "Return the programs, and all else, by name."},
    {"verify", verify, METH_NOARGS, "Return what is wrong with the programs, or an empty text."},
    {NULL},
};

static PyType_Slot plan_slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, plan_methods},
    {0, NULL},
};

static PyType_Spec plan_spec = {
    .name = "scalargrad._native.machine.Plan",
    .basicsize = sizeof(PlanObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = plan_slots,
};

PyTypeObject *plan_type(void) { return Plan_Type; }

int make_plan_type(void)
{
    Plan_Type = (PyTypeObject *)PyType_FromSpec(&plan_spec);
    return Plan_Type != NULL ? 0 : -1;
}
