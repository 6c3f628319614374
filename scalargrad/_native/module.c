/* The module: what Python hands over, numbers at the door, and the modes. */
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
        PyErr_Clear(); /* too large: Python has the words for it */
    }
    return 0;
}

int as_number(PyObject *object, double *number)
{
    if (LIKELY(plain_number(object, number))) {
        return 1;
    }
    PyObject *made = PyObject_CallOneArg(tools.as_number, object);
    int status = made == NULL ? -1 : made != Py_None;
    if (status == 1) {
        *number = PyFloat_AsDouble(made);
    }
    Py_XDECREF(made);
    return status;
}

int number_of(const char *who, const char *what, PyObject *object, const char *example,
              double *number)
{
    if (LIKELY(plain_number(object, number))) {
        return 1;
    }
    PyObject *made = PyObject_CallFunction(tools.number, "ssOs", who, what, object, example);
    if (made == NULL) {
        return -1;
    }
    *number = PyFloat_AsDouble(made);
    Py_DECREF(made);
    return 1;
}

int place_of_row(PyObject *row)
{
    PyObject *place = PyDict_GetItemWithError(tools.row_places, row);
    if (place == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError,
                         "the native engine does not know the row %R; after a change of the table"
                         " run python -m scalargrad.table and build it anew",
                         row);
        }
        return -1;
    }
    return (int)PyLong_AsLong(place);
}

/* -- modes ---------------------------------------------------------------------------------- */

/* What the innermost open block asks for. */
typedef struct {
    int recording, anomaly;
    PyObject *scope; /* owned, or NULL for none */
} Asked;

/* The last answer is kept, as blocks hold many nodes. */
static struct {
    PyObject *mode;
    Asked asked;
} known;

static int read_flag(PyObject *mode, const char *name)
{
    PyObject *flag = PyObject_GetAttrString(mode, name);
    int truth = flag != NULL ? PyObject_IsTrue(flag) : -1;
    Py_XDECREF(flag);
    return truth;
}

/* Read a mode and keep it as the known one; `mode` is consumed. */
static int read_mode(PyObject *mode, Asked *asked)
{
    int recording = read_flag(mode, "recording"), anomaly = read_flag(mode, "anomaly");
    PyObject *scope = PyObject_GetAttrString(mode, "scope");
    if (recording < 0 || anomaly < 0 || scope == NULL) {
        Py_DECREF(mode);
        Py_XDECREF(scope);
        return -1;
    }
    if (scope == Py_None) {
        Py_CLEAR(scope);
    }
    PyObject *old_mode = known.mode, *old_scope = known.asked.scope;
    known.mode = mode;
    known.asked = (Asked){recording, anomaly, scope};
    *asked = known.asked; /* before old things go, which may run other code */
    Py_XINCREF(asked->scope);
    Py_XDECREF(old_mode);
    Py_XDECREF(old_scope);
    return 0;
}

/* Tell what holds for this thread or task. */
static int look_at_mode(Asked *asked)
{
    PyObject *mode = NULL;
    *asked = (Asked){1, 0, NULL};
    if (PyContextVar_Get(tools.mode, NULL, &mode) < 0) {
        return -1;
    }
    if (mode == NULL) { /* it is in no block; another one is */
        return 0;
    }
    int open = PySet_Contains(tools.active, mode);
    int is_known = mode == known.mode;
    Py_DECREF(mode);
    if (open == 1 && is_known) {
        *asked = known.asked;
        Py_XINCREF(asked->scope);
        return 0;
    }
    mode = open < 0 ? NULL : PyObject_CallNoArgs(tools.current);
    return mode == NULL ? -1 : read_mode(mode, asked);
}

int is_watching(void)
{
    Asked asked;
    if (look_at_mode(&asked) < 0) {
        return -1;
    }
    Py_XDECREF(asked.scope);
    return asked.anomaly;
}

static PyObject *bring_scope(Value *node, PyObject *scope)
{
    int status = -1;
    PyObject *notes = get_notes(node);
    if (notes == NULL) {
        status = set_notes(node, scope);
    } else if ((notes = PyDict_Copy(notes)) != NULL) { /* with the line that made it */
        status = PyDict_SetItem(notes, tools.scope_key, scope);
        status = status < 0 ? -1 : set_notes(node, notes);
        Py_DECREF(notes);
    }
    if (status < 0) {
        Py_DECREF(node);
        return NULL;
    }
    return (PyObject *)node;
}

PyObject *with_modes(Value *node)
{
    Asked asked;
    PyObject *result = (PyObject *)node;
    int watched = is_watched();
    if (watched) {
        if (trace_node(node) < 0) {
            Py_DECREF(node);
            return NULL;
        }
        if (PySet_GET_SIZE(tools.active) == 1) { /* the only open block is that of `compile` */
            return result;
        }
    }
    if (look_at_mode(&asked) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (asked.anomaly) {
        PyObject *watched = PyObject_CallOneArg(tools.watch, result);
        if (watched == NULL) {
            Py_DECREF(node);
            Py_XDECREF(asked.scope);
            return NULL;
        }
        Py_DECREF(watched);
    }
    if (!asked.recording && watched && trace_detached(node, node) < 0) {
        Py_DECREF(node);
        Py_XDECREF(asked.scope);
        return NULL;
    }
    if (!asked.recording) {
        set_notes(node, NULL);
        drop_operands(node);
        node->flags |= GRADED;
    } else if (asked.scope != NULL) {
        result = bring_scope(node, asked.scope);
    }
    Py_XDECREF(asked.scope);
    return result;
}

/* -- the module ----------------------------------------------------------------------------- */

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

/* Keep where each row of the Python table stands in that of C. */
static int number_rows(PyObject *rows, PyObject *rules)
{
    tools.row_places = PyDict_New();
    tools.rule_places = PyDict_New();
    tools.names = PyDict_New();
    tools.scope_key = PyUnicode_InternFromString("scope");
    tools.init_key = PyUnicode_InternFromString("__init__");
    if (tools.scope_key == NULL || tools.init_key == NULL || tools.row_places == NULL ||
        tools.rule_places == NULL || tools.names == NULL) {
        return -1;
    }
    if (PyList_GET_SIZE(rows) != operation_count - 1 || PyList_GET_SIZE(rules) != move_rule_count) {
        PyErr_SetString(PyExc_ImportError, "the native engine was built from another table");
        return -1;
    }
    for (int i = 0; i < operation_count; i++) {
        tools.operation_names[i] = PyUnicode_InternFromString(operations[i].name);
        PyObject *name = tools.operation_names[i], *place = PyLong_FromLong(i);
        if (name == NULL || place == NULL ||
            (i > 0 && PyDict_SetItem(tools.names, name, place) < 0) ||
            (i > 0 && PyDict_SetItem(tools.row_places, PyList_GET_ITEM(rows, i - 1), place) < 0)) {
            return -1;
        }
        Py_DECREF(place);
    }
    for (int i = 0; i < move_rule_count; i++) {
        PyObject *place = PyLong_FromLong(i);
        if (place == NULL ||
            PyDict_SetItem(tools.rule_places, PyList_GET_ITEM(rules, i), place) < 0) {
            return -1;
        }
        Py_DECREF(place);
    }
    return 0;
}

/* create(bases, docs, rows, rules, given): make the class, once in a process */
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
    if (take(given, "as_number", &tools.as_number) < 0 ||
        take(given, "number", &tools.number) < 0 || take(given, "active", &tools.active) < 0 ||
        take(given, "mode", &tools.mode) < 0 || take(given, "current", &tools.current) < 0 ||
        take(given, "watch", &tools.watch) < 0 ||
        take(given, "check_pass", &tools.check_pass) < 0 ||
        take(given, "tracer", &tools.tracer) < 0 || take(given, "refusals", &tools.refusals) < 0 ||
        take(given, "arithmetic", &tools.arithmetic) < 0 || number_rows(rows, rules) < 0 ||
        create_quick_type() < 0 || create_type(bases, docs) < 0) {
        return NULL;
    }
    return Py_NewRef((PyObject *)Value_Type);
}

/* -- the numbers of many Values at once, for `compile` ----------------------------------------- */

static int are_values(PyObject *values)
{
    if (!PyTuple_CheckExact(values)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
        if (!is_value_or_subclass(PyTuple_GET_ITEM(values, i))) {
            return 0;
        }
    }
    return 1;
}

/* numbers(values): their data as the bytes of doubles */
static PyObject *numbers(PyObject *module, PyObject *values)
{
    (void)module;
    if (!are_values(values)) {
        PyErr_SetString(PyExc_TypeError, "numbers: wants a tuple of Values");
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(values);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(double));
    double *to = bytes != NULL ? (double *)(void *)PyBytes_AS_STRING(bytes) : NULL;
    for (Py_ssize_t i = 0; bytes != NULL && i < count; i++) {
        to[i] = ((Value *)PyTuple_GET_ITEM(values, i))->data;
    }
    return bytes;
}

/* add_gradients(values, numbers): to leaves; all or nothing, as no other code runs meanwhile */
static PyObject *add_gradients(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values;
    Py_buffer given;
    if (!PyArg_ParseTuple(args, "Oy*:add_gradients", &values, &given)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!are_values(values) || given.len != PyTuple_GET_SIZE(values) * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_TypeError, "add_gradients: wants a tuple of Values, a double each");
    } else {
        const double *from = given.buf;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
            Value *value = (Value *)PyTuple_GET_ITEM(values, i);
            value->grad += from[i];
            value->flags |= GRADED;
        }
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&given);
    return result;
}

/* set_numbers(values, numbers): the data of many Values at once */
static PyObject *set_numbers(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *values;
    Py_buffer given;
    if (!PyArg_ParseTuple(args, "Oy*:set_numbers", &values, &given)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (!are_values(values) || given.len != PyTuple_GET_SIZE(values) * (Py_ssize_t)sizeof(double)) {
        PyErr_SetString(PyExc_TypeError, "set_numbers: wants a tuple of Values, a double each");
    } else {
        const double *from = given.buf;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
            ((Value *)PyTuple_GET_ITEM(values, i))->data = from[i];
        }
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&given);
    return result;
}

/* move_flat(rule, numbers, gradients, kept, settings): the rule of an optimiser on flat blocks */
static PyObject *move_flat(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *row, *kept, *settings, *result = NULL;
    Py_buffer numbers, gradients, columns[8];
    double *open[8], set[16];
    int count = 0;
    if (!PyArg_ParseTuple(args, "Ow*y*O!O!:move_flat", &row, &numbers, &gradients, &PyList_Type,
                          &kept, &PyTuple_Type, &settings)) {
        return NULL;
    }
    PyObject *place = PyDict_GetItemWithError(tools.rule_places, row);
    const MoveRule *rule = place != NULL ? &move_rules[PyLong_AsLong(place)] : NULL;
    int fits = rule != NULL && PyList_GET_SIZE(kept) == rule->kept && rule->kept <= 8 &&
               PyTuple_GET_SIZE(settings) == rule->settings && rule->settings <= 16 &&
               gradients.len == numbers.len;
    for (int i = 0; fits && i < rule->settings; i++) {
        set[i] = PyFloat_AsDouble(PyTuple_GET_ITEM(settings, i));
        fits = set[i] != -1.0 || !PyErr_Occurred();
    }
    while (fits && count < rule->kept) {
        if (PyObject_GetBuffer(PyList_GET_ITEM(kept, count), &columns[count], PyBUF_CONTIG) < 0) {
            fits = 0;
            break;
        }
        open[count] = columns[count].buf;
        fits = columns[count].len == numbers.len;
        count++;
    }
    if (fits) {
        Py_ssize_t size = numbers.len / (Py_ssize_t)sizeof(double);
        rule->flat(size, numbers.buf, gradients.buf, open, set);
        result = Py_NewRef(Py_None);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "move_flat: wants blocks of one size, and their rule");
    }
    while (count > 0) {
        PyBuffer_Release(&columns[--count]);
    }
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&gradients);
    return result;
}

/* are_floats(list): whether all of it are exact floats, and there is at least one */
static PyObject *are_floats(PyObject *module, PyObject *list)
{
    (void)module;
    Py_ssize_t count = PyList_CheckExact(list) ? PyList_GET_SIZE(list) : 0, i = 0;
    while (i < count && PyFloat_CheckExact(PyList_GET_ITEM(list, i))) {
        i++;
    }
    return PyBool_FromLong(count > 0 && i == count);
}

static PyMethodDef functions[] = {
    {"set_numbers", set_numbers, METH_VARARGS, "Set the data of many Values."},
    {"move_flat", move_flat, METH_VARARGS, "Move a block of numbers by the rule of an optimiser."},
    {"are_floats", are_floats, METH_O, "Tell whether a list holds floats only."},
    {"numbers", numbers, METH_O, "Return the data of many Values."},
    {"add_gradients", add_gradients, METH_VARARGS, "Add to the gradients of many leaves."},
    {"create", create, METH_VARARGS, "Make the class of Values, once in a process."},
    {"short_cut", quick, METH_VARARGS, "Return a function with a short cut of some kind."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_ImportError, "the native engine runs in the main interpreter only");
        return -1;
    }
    PyObject *digest = PyLong_FromUnsignedLong(table_digest);
    int status = digest != NULL ? PyModule_AddObjectRef(module, "digest", digest) : -1;
    status = status < 0 ? -1 : PyModule_AddFunctions(module, tracer_functions);
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
