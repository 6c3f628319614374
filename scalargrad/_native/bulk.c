/* The numbers of many Values at once, for `compile`, and the steps of optimisers. */
#include "access.h"
#include "node.h"

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

/* Whether a buffer has room for so many doubles, and no more. */
static int is_of_doubles(const Py_buffer *buffer, Py_ssize_t count)
{
    const Py_ssize_t size = (Py_ssize_t)sizeof(double);
    return buffer->len % size == 0 && buffer->len / size == count;
}

/* Read a number of a buffer, which may lie at any address. */
static double number_at(const Py_buffer *buffer, Py_ssize_t i)
{
    double number;
    memcpy(&number, (const char *)buffer->buf + i * (Py_ssize_t)sizeof number, sizeof number);
    return number;
}

/* Whether its numbers lie where doubles do. */
static int is_aligned(const Py_buffer *buffer)
{
    return (uintptr_t)buffer->buf % _Alignof(double) == 0;
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
    if (count > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(double)) {
        return PyErr_NoMemory();
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(double));
    double *to = bytes != NULL ? (double *)(void *)PyBytes_AS_STRING(bytes) : NULL;
    for (Py_ssize_t i = 0; bytes != NULL && i < count; i++) {
        to[i] = ((Value *)PyTuple_GET_ITEM(values, i))->data;
    }
    return bytes;
}

static int read_captured(PyObject *captured, double *to)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(captured); i++) {
        PyObject *item = PyTuple_GET_ITEM(captured, i);
        if (PyFloat_CheckExact(item)) {
            to[i] = PyFloat_AS_DOUBLE(item);
        } else if (is_value_or_subclass(item)) {
            to[i] = ((Value *)item)->data;
        } else {
            return 0;
        }
    }
    return 1;
}

static void add_captured(PyObject *captured, const double *gradients)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(captured); i++) {
        PyObject *item = PyTuple_GET_ITEM(captured, i);
        if (!PyFloat_CheckExact(item)) {
            ((Value *)item)->grad += gradients[i];
            ((Value *)item)->flags |= GRADED;
        }
    }
}

static const Access captured_access = {read_captured, add_captured};

PyObject *access_capsule(void)
{
    return PyCapsule_New((void *)&captured_access, ACCESS_NAME, NULL);
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
    if (!are_values(values) || !is_of_doubles(&given, PyTuple_GET_SIZE(values))) {
        PyErr_SetString(PyExc_TypeError, "add_gradients: wants a tuple of Values, a double each");
    } else {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
            Value *value = (Value *)PyTuple_GET_ITEM(values, i);
            value->grad += number_at(&given, i);
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
    if (!are_values(values) || !is_of_doubles(&given, PyTuple_GET_SIZE(values))) {
        PyErr_SetString(PyExc_TypeError, "set_numbers: wants a tuple of Values, a double each");
    } else {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(values); i++) {
            ((Value *)PyTuple_GET_ITEM(values, i))->data = number_at(&given, i);
        }
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&given);
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

/* -- the rule of an optimiser ---------------------------------------------------------------- */

enum { MOST_KEPT = 8, MOST_SETTINGS = 16 };

typedef struct {
    const UpdateRule *rule;
    double settings[MOST_SETTINGS];
    Py_buffer kept[MOST_KEPT];
    double *columns[MOST_KEPT];
    int open; /* of these columns */
} Move;

static void close_move(Move *move)
{
    while (move->open > 0) {
        PyBuffer_Release(&move->kept[--move->open]);
    }
}

/* Read a rule, its settings and what it keeps of `count` numbers; whether it all fits. */
static int open_move(Move *move, PyObject *rule, PyObject *kept, PyObject *settings,
                     Py_ssize_t count)
{
    PyObject *index = PyDict_GetItemWithError(tools.rule_indices, rule);
    *move = (Move){.rule = index != NULL ? &optimizer_rules[PyLong_AsLong(index)] : NULL};
    if (index == NULL || !PyList_CheckExact(kept) || !PyTuple_CheckExact(settings) ||
        PyList_GET_SIZE(kept) != move->rule->kept ||
        PyTuple_GET_SIZE(settings) != move->rule->settings) {
        return 0;
    }
    assert(move->rule->kept <= MOST_KEPT && move->rule->settings <= MOST_SETTINGS);
    for (int i = 0; i < move->rule->settings; i++) {
        PyObject *setting = PyTuple_GET_ITEM(settings, i);
        if (PyBool_Check(setting)) {
            move->settings[i] = setting == Py_True;
        } else if (PyFloat_CheckExact(setting)) {
            move->settings[i] = PyFloat_AS_DOUBLE(setting);
        } else {
            return 0;
        }
    }
    for (int i = 0; i < move->rule->kept; i++) {
        Py_buffer *column = &move->kept[i];
        if (PyList_GET_SIZE(kept) !=
            move->rule->kept) { /* a buffer may run code that shortens it */
            return 0;
        }
        PyObject *owner = Py_NewRef(PyList_GET_ITEM(kept, i));
        int status = PyObject_GetBuffer(owner, column, PyBUF_CONTIG | PyBUF_FORMAT);
        Py_DECREF(owner); /* the buffer holds it */
        if (status < 0) {
            return 0;
        }
        move->open++;
        move->columns[i] = column->buf;
        if (column->format == NULL || strcmp(column->format, "d") != 0 ||
            !is_of_doubles(column, count) || !is_aligned(column)) {
            return 0;
        }
    }
    return 1;
}

/* Move parameters; NULL without an error where Python has to. It is all or nothing, as the loop
 * runs no Python code.
 */
PyObject *move_parameters(PyObject *rule, PyObject *parameters, PyObject *kept, PyObject *settings)
{
    if (!PyList_CheckExact(parameters)) {
        return NULL;
    }
    Move move;
    Py_ssize_t count = PyList_GET_SIZE(parameters);
    int fits = open_move(&move, rule, kept, settings, count);
    fits = fits && PyList_GET_SIZE(parameters) == count; /* opening it may run other code */
    for (Py_ssize_t i = 0; fits && i < count; i++) {
        fits = is_value_or_subclass(PyList_GET_ITEM(parameters, i));
    }
    for (Py_ssize_t i = 0; fits && i < count; i++) {
        Value *w = (Value *)PyList_GET_ITEM(parameters, i);
        w->data = move.rule->step(w->data, w->grad, move.columns, i, move.settings);
    }
    close_move(&move);
    return fits ? Py_NewRef(Py_None) : NULL;
}

/* move_flat(rule, numbers, gradients, kept, settings): the same for flat blocks */
static PyObject *move_flat(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *rule, *kept, *settings, *result = NULL;
    Py_buffer numbers, gradients;
    if (!PyArg_ParseTuple(args, "Ow*y*O!O!:move_flat", &rule, &numbers, &gradients, &PyList_Type,
                          &kept, &PyTuple_Type, &settings)) {
        return NULL;
    }
    Move move;
    Py_ssize_t count = numbers.len / (Py_ssize_t)sizeof(double);
    if (open_move(&move, rule, kept, settings, count) && is_of_doubles(&numbers, count) &&
        is_of_doubles(&gradients, count) && is_aligned(&numbers) && is_aligned(&gradients)) {
        move.rule->step_flat(count, numbers.buf, gradients.buf, move.columns, move.settings);
        result = Py_NewRef(Py_None);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "move_flat: wants blocks of one size, and their rule");
    }
    close_move(&move);
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&gradients);
    return result;
}

PyMethodDef bulk_functions[] = {
    {"set_numbers", set_numbers, METH_VARARGS, "Set the data of many Values."},
    {"move_flat", move_flat, METH_VARARGS, "Move a block of numbers by the rule of an optimiser."},
    {"are_floats", are_floats, METH_O, "Tell whether a list holds floats only."},
    {"numbers", numbers, METH_O, "Return the data of many Values."},
    {"add_gradients", add_gradients, METH_VARARGS, "Add to the gradients of many leaves."},
    {NULL},
};
