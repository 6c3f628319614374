/* What Python hands over, numbers at the door, and the rows of the table by their objects. */
#include "node.h"

Tools tools;

/* -- numbers -------------------------------------------------------------------------------- */

static int plain_number(PyObject *object, double *number)
{
    if (PyFloat_CheckExact(object)) {
        *number = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    if (PyLong_CheckExact(object)) {
        *number = PyLong_AsDouble(object);
        if (*number != -1.0 || !PyErr_Occurred()) {
            return 1;
        }
        PyErr_Clear(); /* too large: Python raises its error */
    }
    return 0;
}

int as_number(PyObject *object, double *number)
{
    if (LIKELY(plain_number(object, number))) {
        return 1;
    }
    PyObject *result = PyObject_CallOneArg(tools.as_number, object);
    int status = result == NULL ? -1 : result != Py_None;
    if (status == 1) {
        *number = PyFloat_AsDouble(result);
    }
    Py_XDECREF(result);
    return status;
}

int number_of(const char *who, const char *what, PyObject *object, const char *example,
              double *number)
{
    if (LIKELY(plain_number(object, number))) {
        return 1;
    }
    PyObject *result = PyObject_CallFunction(tools.number, "ssOs", who, what, object, example);
    if (result == NULL) {
        return -1;
    }
    *number = PyFloat_AsDouble(result);
    Py_DECREF(result);
    return 1;
}

int row_index(PyObject *row)
{
    PyObject *index = PyDict_GetItemWithError(tools.row_indices, row);
    if (index == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "the native engine does not know the row %R; after a change of the table"
                         " run python -m scalargrad.table and build it anew",
                         row);
        }
        return -1;
    }
    return (int)PyLong_AsLong(index);
}

/* -- what Python hands over ----------------------------------------------------------------- */

/* Keep one of the things that Python hands over. */
static int take(PyObject *given, const char *name, PyObject **into)
{
    *into = PyDict_GetItemString(given, name);
    if (*into == NULL) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return -1;
    }
    Py_INCREF(*into);
    return 0;
}

/* Return a dictionary from objects to their indices in the list, counted from `first`; or NULL. */
static PyObject *indices_of(PyObject *list, Py_ssize_t first)
{
    PyObject *indices = PyDict_New();
    for (Py_ssize_t i = 0; indices != NULL && i < PyList_GET_SIZE(list); i++) {
        PyObject *index = PyLong_FromSsize_t(first + i);
        if (index == NULL || PyDict_SetItem(indices, PyList_GET_ITEM(list, i), index) < 0) {
            Py_CLEAR(indices);
        }
        Py_XDECREF(index);
    }
    return indices;
}

static int name_calls(void)
{
    static const char *const names[] = {"_last_call", "_last_gradient", "_last_backward"};
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof names / sizeof *names; i++) {
        tools.calls_keys[i] = PyUnicode_InternFromString(names[i]);
        status = tools.calls_keys[i] == NULL ? -1 : 0;
    }
    return status;
}

/* Learn the index of each row and rule of the Python table in that of C, and of each name. */
static int number_rows(PyObject *rows, PyObject *rules)
{
    if (PyList_GET_SIZE(rows) != operation_count - 1 ||
        PyList_GET_SIZE(rules) != optimizer_rule_count) {
        PyErr_SetString(PyExc_ImportError, "the native engine was built from another table");
        return -1;
    }
    assert(operation_count <= OWN_NAME);
    PyObject *names = PyList_New(0);
    int status = names == NULL ? -1 : 0;
    for (int i = 0; status == 0 && i < operation_count; i++) {
        PyObject *name = PyUnicode_InternFromString(operations[i].name);
        tools.operation_names[i] = name;
        status = name == NULL ? -1 : i > 0 ? PyList_Append(names, name) : 0;
    }
    if (status == 0) {
        tools.row_indices = indices_of(rows, 1);
        tools.rule_indices = indices_of(rules, 0);
        tools.name_indices = indices_of(names, 1);
        tools.scope_key = PyUnicode_InternFromString("scope");
        tools.init_key = PyUnicode_InternFromString("__init__");
        status = name_calls();
    }
    Py_XDECREF(names);
    return status < 0 || tools.row_indices == NULL || tools.rule_indices == NULL ||
                   tools.name_indices == NULL || tools.scope_key == NULL || tools.init_key == NULL
               ? -1
               : 0;
}

int take_tools(PyObject *given, PyObject *rows, PyObject *rules)
{
    int missing =
        take(given, "as_number", &tools.as_number) < 0 ||
        take(given, "number", &tools.number) < 0 || take(given, "active", &tools.active) < 0 ||
        take(given, "mode", &tools.mode) < 0 || take(given, "current", &tools.current) < 0 ||
        take(given, "around", &tools.around) < 0 ||
        take(given, "check_fresh", &tools.check_fresh) < 0 ||
        take(given, "check_pass", &tools.check_pass) < 0 ||
        take(given, "tracer", &tools.tracer) < 0 || take(given, "refusals", &tools.refusals) < 0 ||
        take(given, "arithmetic", &tools.arithmetic) < 0;
    return missing || number_rows(rows, rules) < 0 ? -1 : 0;
}
