/* The methods by which Python builds nodes: of a row, of one's own, of all their fields. */
#include "node.h"

/* Read operands and partials, whose references are borrowed; the partials are those of the Values. */
static int read_operands(Operand *into, PyObject *operands, PyObject *partials)
{
    Py_ssize_t next = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operands); i++) {
        PyObject *item = PyTuple_GET_ITEM(operands, i), *number = item;
        into[i].parent = NULL;
        if (is_value_or_subclass(item)) {
            into[i].parent = (Value *)item;
            number = next < PyTuple_GET_SIZE(partials) ? PyTuple_GET_ITEM(partials, next) : NULL;
            next++;
        }
        if (number == NULL || !PyFloat_Check(number)) {
            PyErr_SetString(PyExc_TypeError, "operands must be Values and floats, partials floats");
            return -1;
        }
        into[i].number = PyFloat_AS_DOUBLE(number);
    }
    if (next != PyTuple_GET_SIZE(partials) || next == 0) {
        PyErr_SetString(PyExc_ValueError, "there must be one partial for each Value");
        return -1;
    }
    return 0;
}

int set_operands(Value *node, PyObject *op, PyObject *operands, PyObject *partials)
{
    assert(node->count == 0);
    PyObject *index = PyDict_GetItemWithError(tools.name_indices, op);
    if (index == NULL && PyErr_Occurred()) {
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(operands);
    Operand pair[2]; /* the node itself is another union until all is read */
    Block *block = NULL;
    if ((index == NULL || count > 2) && (block = new_block(count)) == NULL) {
        return -1;
    }
    Operand *into = block != NULL ? block->operands : pair;
    if (read_operands(into, operands, partials) < 0) {
        PyMem_Free(block);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (into[i].parent != NULL) {
            Py_INCREF((PyObject *)into[i].parent);
            into[i].parent->marks |= USED;
        }
    }
    if (block != NULL) {
        block->op = index == NULL ? Py_NewRef(op) : NULL;
        node->block = block;
        node->count = BLOCK;
    } else {
        memcpy(node->pair, pair, (size_t)count * sizeof *pair);
        node->count = (uint8_t)count;
    }
    node->op = index == NULL ? OWN_NAME : (uint8_t)PyLong_AsLong(index);
    return 0;
}

static PyTypeObject *held_with_all(PyObject *operands)
{
    PyTypeObject *held = NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operands); i++) {
        PyObject *item = PyTuple_GET_ITEM(operands, i);
        held = is_value_or_subclass(item) ? held_with(held, (Value *)item) : held;
    }
    return held;
}

/* _record(data, op, operands, parents, partials) */
static PyObject *record(PyObject *self, PyObject *args)
{
    (void)self;
    double data;
    PyObject *op, *operands, *parents, *partials;
    if (!PyArg_ParseTuple(args, "dUO!O!O!:_record", &data, &op, &PyTuple_Type, &operands,
                          &PyTuple_Type, &parents, &PyTuple_Type, &partials)) {
        return NULL;
    }
    PyTypeObject *held = held_with_all(operands);
    Value *node = new_node_if_held(0, held);
    if (node == NULL) {
        return NULL;
    }
    node->data = data;
    if (set_operands(node, op, operands, partials) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (held != NULL) {
        PyObject_GC_Track(node);
    }
    return modes_are_open() ? with_modes(node) : (PyObject *)node;
}

/* _make(kind, grad, notes, data, op, partials, operands, parents): a node of all its fields */
static PyObject *make(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *kind, *grad, *notes, *op, *partials, *operands, *parents;
    double data;
    if (!PyArg_ParseTuple(args, "O!OOdUO!O!O!:_make", &PyType_Type, &kind, &grad, &notes, &data,
                          &op, &PyTuple_Type, &partials, &PyTuple_Type, &operands, &PyTuple_Type,
                          &parents)) {
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)kind;
    if (!PyType_IsSubtype(type, Value_Type)) {
        PyErr_SetString(PyExc_TypeError, "_make: the kind must be a class of Values");
        return NULL;
    }
    int alone = type != Value_Type;
    PyTypeObject *held = !alone && held_with_all(operands) != NULL ? Value_Type : NULL;
    Value *node = alone ? (Value *)type->tp_alloc(type, 0) : new_node_if_held(0, held);
    if (node == NULL) {
        return NULL;
    }
    node->data = data;
    if (PyTuple_GET_SIZE(operands) != 0 && set_operands(node, op, operands, partials) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (held != NULL) {
        PyObject_GC_Track(node);
    }
    if (grad != Py_None) {
        node->flags |= GRADED;
        node->grad = PyFloat_AsDouble(grad);
        if (node->grad == -1.0 && PyErr_Occurred()) {
            Py_DECREF(node);
            return NULL;
        }
    }
    if (notes != Py_None && set_notes(node, notes) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    return (PyObject *)node;
}

static PyObject *of_row_unary(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count != 2 || !is_value_or_subclass(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_unary: wants a row and a Value");
        return NULL;
    }
    int op = row_index(args[0]);
    if (op >= 0 && operations[op].step1 == NULL) {
        PyErr_SetString(PyExc_TypeError, "_unary: wants a row of one operand");
        return NULL;
    }
    return op < 0 ? NULL : unary_node(op, args[1]);
}

static PyObject *of_row_binary(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_binary: wants a row and two operands");
        return NULL;
    }
    int op = row_index(args[0]);
    if (op >= 0 && operations[op].step2 == NULL) {
        PyErr_SetString(PyExc_TypeError, "_binary: wants a row of two operands");
        return NULL;
    }
    return op < 0 ? NULL : binary_node(op, args[1], args[2]);
}

static PyObject *of_row_many(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int op = count >= 1 ? row_index(args[0]) : -1;
    if (op < 0 || operations[op].arity != count - 1 ||
        (operations[op].step_many == NULL && operations[op].value_plural == NULL)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "_many: wants a row and its lists of operands");
        }
        return NULL;
    }
    return many_node_of_anything(op, args[1], count == 3 ? args[2] : NULL);
}

PyMethodDef build_methods[] = {
    {"_record", record, METH_VARARGS | METH_STATIC, NULL},
    {"_make", make, METH_VARARGS | METH_STATIC, NULL},
    {"_unary", (PyCFunction)(void (*)(void))of_row_unary, METH_FASTCALL | METH_STATIC, NULL},
    {"_binary", (PyCFunction)(void (*)(void))of_row_binary, METH_FASTCALL | METH_STATIC, NULL},
    {"_many", (PyCFunction)(void (*)(void))of_row_many, METH_FASTCALL | METH_STATIC, NULL},
    {NULL},
};
