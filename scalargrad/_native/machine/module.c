/* The module. */
#include "plan_object.h"

/* total(numbers): the sum of a buffer of doubles, from left to right */
static PyObject *total(PyObject *module, PyObject *object)
{
    (void)module;
    Py_buffer numbers;
    double sum = 0.0;
    if (PyObject_GetBuffer(object, &numbers, PyBUF_C_CONTIGUOUS) < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < numbers.len / 8; i++) {
        sum += ((const double *)numbers.buf)[i];
    }
    PyBuffer_Release(&numbers);
    return PyFloat_FromDouble(sum);
}

/* What costs.def says, by name. */
static PyObject *costs_of(void)
{
    static const struct {
        const char *name;
        int number;
    } entries[] = {
#define COST(name, tenths, what) {#name, tenths},
#define LIMIT(name, number, what) {#name, number},
#include "costs.def"
    };
    PyObject *costs = PyDict_New();
    for (size_t i = 0; costs != NULL && i < sizeof entries / sizeof *entries; i++) {
        PyObject *number = PyLong_FromLong(entries[i].number);
        if (number == NULL || PyDict_SetItemString(costs, entries[i].name, number) < 0) {
            Py_CLEAR(costs);
        }
        Py_XDECREF(number);
    }
    return costs;
}

static PyMethodDef functions[] = {
    {"add_fast", add_fast, METH_O, "Take kernels for fast mode."},
    {"total", total, METH_O, "Add up a buffer of doubles."},
    {"calls", new_calls, METH_VARARGS, "Remember calls of one shape."},
    {"is_unchanged", is_unchanged, METH_O, "Tell whether things stand where they stood."},
    {"use_access", use_access, METH_O, "Take how Values are read."},
    {"run_paths", run_paths, METH_VARARGS, "Run lanes, each on its own path."},
    {"plan", (PyCFunction)(void (*)(void))plan_tape, METH_VARARGS | METH_KEYWORDS, "Plan a tape."},
    {"kinds", kinds, METH_NOARGS, "Return the kinds of kernels that this processor can run."},
    {"use", use, METH_O, "Choose a kind of kernels."},
    {NULL},
};

/* Take a constant of the module; -1 with an error. */
static int add(PyObject *module, const char *name, PyObject *constant)
{
    int status = constant != NULL ? PyModule_AddObjectRef(module, name, constant) : -1;
    Py_XDECREF(constant);
    return status;
}

static int execute(PyObject *module)
{
    choose_kernels();
    int is_done = make_plan_type() == 0 && make_calls_type() == 0 &&
                  add(module, "digest", PyLong_FromUnsignedLong(machine_digest())) == 0 &&
                  add(module, "costs", costs_of()) == 0 &&
                  add(module, "instructions", describe_instructions()) == 0;
    return is_done ? 0 : -1;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scalargrad._native._machine",
    .m_doc = "Runs planned tapes over blocks of lanes, in C.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__machine(void) { return PyModuleDef_Init(&definition); }
