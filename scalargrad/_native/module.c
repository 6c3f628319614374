/* The module. */
#include "node.h"

/* create(bases, docs, rows, rules, given): make Value and Kin, once in a process */
static PyObject *create(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *bases, *docs, *rows, *rules, *given;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!:create", &PyTuple_Type, &bases, &PyTuple_Type, &docs,
                          &PyList_Type, &rows, &PyList_Type, &rules, &PyDict_Type, &given)) {
        return NULL;
    }
    if (Value_Type != NULL) {
        PyErr_SetString(PyExc_ImportError, "the native engine can be loaded once in a process");
        return NULL;
    }
    if (take_tools(given, rows, rules) < 0 || create_quick_type() < 0 ||
        create_type(bases, docs) < 0 || create_kin() < 0) {
        return NULL;
    }
    return Py_BuildValue("(OO)", Value_Type, Kin_Type);
}

static PyMethodDef functions[] = {
    {"create", create, METH_VARARGS, "Make the classes of Values, once in a process."},
    {"short_cut", new_quick, METH_VARARGS, "Return a function with a short cut of some kind."},
    {NULL},
};

static int execute(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the native engine runs in the main interpreter only");
        return -1;
    }
    PyObject *digest = PyLong_FromUnsignedLong(table_digest);
    int status = digest != NULL ? PyModule_AddObjectRef(module, "digest", digest) : -1;
    status = status < 0 ? -1 : PyModule_AddFunctions(module, bulk_functions);
    status = status < 0 ? -1 : PyModule_AddFunctions(module, tracer_functions);
    status = status < 0 ? -1 : PyModule_AddFunctions(module, sifting_functions);
#ifdef SCALARGRAD_DEBUG
    status = status < 0 ? -1 : PyModule_AddObjectRef(module, "debug", Py_True);
#else
    status = status < 0 ? -1 : PyModule_AddObjectRef(module, "debug", Py_False);
#endif
    PyObject *access = status == 0 ? access_capsule() : NULL;
    status = access != NULL ? PyModule_AddObjectRef(module, "access", access) : -1;
    Py_XDECREF(access);
    Py_XDECREF(digest);
    return status;
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
    .m_name = "scalargrad._native._core",
    .m_doc = "Nodes, operators and passes of the native engine, in C.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
