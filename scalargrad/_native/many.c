/* Nodes of many operands, made from lists without objects in between; nodes of one's own. */
#include "node.h"

enum { SMALL = 1024 }; /* doubles of work space on the C stack */

static Block *new_block(Py_ssize_t count)
{
    if (count > (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(Block)) / (Py_ssize_t)sizeof(Operand)) {
        return (Block *)PyErr_NoMemory();
    }
    Block *block = PyMem_Malloc(sizeof(Block) + (size_t)count * sizeof(Operand));
    if (block == NULL) {
        return (Block *)PyErr_NoMemory();
    }
    block->op = NULL;
    block->count = count;
    return block;
}

static void free_block(Block *block, Py_ssize_t filled)
{
    for (Py_ssize_t i = 0; i < filled; i++) {
        Py_XDECREF((PyObject *)block->operands[i].parent);
    }
    PyMem_Free(block);
}

/* One list of operands. */
typedef struct {
    double *numbers;
    Operand *operands;
    Py_ssize_t values; /* how many of them are Values */
} List;

/* Read one operand: 1, or 0 where it needs Python's eyes. */
static ALWAYS_INLINE int read_operand(PyObject *item, List *list, Py_ssize_t i, int *held)
{
    Operand *operand = &list->operands[i];
    if (LIKELY(is_value(item))) {
        Value *value = (Value *)item;
        Py_INCREF(item);
        operand->parent = value;
        list->numbers[i] = value->data;
        list->values++;
        *held |= value->flags & TRACKED;
        return 1;
    }
    double number;
    if (PyFloat_CheckExact(item)) {
        number = PyFloat_AS_DOUBLE(item);
    } else if (PyLong_CheckExact(item)) {
        number = PyLong_AsDouble(item);
        if (number == -1.0 && PyErr_Occurred()) {
            PyErr_Clear(); /* too large: Python has the words for it */
            return 0;
        }
    } else if (PyType_IsSubtype(Py_TYPE(item), Value_Type)) {
        Py_INCREF(item);
        operand->parent = (Value *)item;
        list->numbers[i] = ((Value *)item)->data;
        list->values++;
        *held = 1;
        return 1;
    } else {
        return 0;
    }
    operand->parent = NULL;
    operand->number = list->numbers[i] = number;
    return 1;
}

/* Formulas write a partial to every place: put the plain numbers back. */
static void restore_numbers(const List *list, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; list->values < count && i < count; i++) {
        if (list->operands[i].parent == NULL) {
            list->operands[i].number = list->numbers[i];
        }
    }
}

/* Make the node; the block is consumed, on error too. */
static PyObject *node_of_block(int op, double data, Block *block, int held)
{
    Value *node = new_node_if_held((uint8_t)op, held);
    if (node == NULL) {
        free_block(block, block->count);
        return NULL;
    }
    node->data = data;
    node->block = block;
    node->count = BLOCK;
    if (held) {
        PyObject_GC_Track(node);
    }
    return modes_are_open() ? with_modes(node) : (PyObject *)node;
}

/* One result an operand: a list of nodes, or of floats where no operand is a Value. */
static PyObject *spread(int op, const List *list, double *work, Block *block, int held)
{
    const Operation *operation = &operations[op];
    Py_ssize_t count = block->count;
    double *zs = work + operation->bound * count;
    operation->spread(count, list->numbers, work, zs);
    PyObject *results = PyList_New(count);
    for (Py_ssize_t i = 0; results != NULL && i < count; i++) {
        PyObject *result = NULL;
        Block *own;
        if (list->values == 0) {
            result = PyFloat_FromDouble(zs[i]);
        } else if ((own = new_block(count)) != NULL) {
            for (Py_ssize_t j = 0; j < count; j++) {
                Value *parent = block->operands[j].parent;
                Py_XINCREF((PyObject *)parent);
                own->operands[j].parent = parent;
                own->operands[j].number =
                    parent != NULL ? operation->entry(zs[i], zs[j], i == j) : list->numbers[j];
            }
            result_index = (uint32_t)i;
            result = node_of_block(op, zs[i], own, held);
            result_index = 0;
        }
        if (result == NULL) {
            Py_CLEAR(results);
        } else {
            PyList_SET_ITEM(results, i, result);
        }
    }
    free_block(block, count);
    return results;
}

static PyObject *computed(int op, PyObject *const *sequences, double *space, Py_ssize_t count)
{
    const Operation *operation = &operations[op];
    Block *block = new_block(count * operation->arity);
    if (block == NULL) {
        return NULL;
    }
    List lists[2] = {{0}, {0}};
    int held = 0;
    for (int i = 0; i < operation->arity; i++) {
        PyObject **items = PySequence_Fast_ITEMS(sequences[i]);
        lists[i].numbers = space;
        lists[i].operands = block->operands + i * count;
        space += count;
        for (Py_ssize_t j = 0; j < count; j++) {
            if (UNLIKELY(!read_operand(items[j], &lists[i], j, &held))) {
                free_block(block, i * count + j);
                Py_RETURN_NOTIMPLEMENTED;
            }
        }
    }
    /* from here on the block holds the operands: it does not matter who changes the lists */
    if (operation->spread != NULL) {
        return spread(op, &lists[0], space, block, held);
    }
    int want = (lists[0].values != 0) | (lists[1].values != 0) << 1;
    double data =
        operation->many(count, lists[0].numbers, lists[1].numbers, space, want,
                        &lists[0].operands->number, want & 2 ? &lists[1].operands->number : NULL);
    if (want == 0) {
        PyMem_Free(block);
        return PyFloat_FromDouble(data);
    }
    restore_numbers(&lists[0], count);
    restore_numbers(&lists[1], want & 2 ? count : 0);
    return node_of_block(op, data, block, held);
}

PyObject *many_node(int op, PyObject *xs, PyObject *ys)
{
    const Operation *operation = &operations[op];
    PyObject *const sequences[2] = {xs, ys};
    Py_ssize_t count = PySequence_Fast_GET_SIZE(xs);
    /* the numbers of each list, the lists bound on the way, the results */
    Py_ssize_t rows = operation->arity + operation->bound + (operation->spread != NULL);
    if (count <= SMALL / rows) {
        double space[SMALL];
        return computed(op, sequences, space, count);
    }
    if (count > PY_SSIZE_T_MAX / (rows * (Py_ssize_t)sizeof(double))) {
        return PyErr_NoMemory();
    }
    double *space = PyMem_Malloc((size_t)(rows * count) * sizeof(double));
    if (space == NULL) {
        return PyErr_NoMemory();
    }
    PyObject *result = computed(op, sequences, space, count);
    PyMem_Free(space);
    return result;
}

/* Return a tuple of the operands in which whatever is no Value is a float. */
static PyObject *converted(int op, PyObject *sequence)
{
    PyObject *items = PySequence_Tuple(sequence), *result;
    if (items == NULL || (result = PyTuple_New(PyTuple_GET_SIZE(items))) == NULL) {
        Py_XDECREF(items);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        double number;
        if (is_value_or_subclass(item)) {
            Py_INCREF(item);
        } else if (number_of(operations[op].name, "each operand", item, "1.0", &number) < 0) {
            item = NULL;
        } else {
            item = PyFloat_FromDouble(number);
        }
        if (item == NULL) {
            Py_CLEAR(result);
            break;
        }
        PyTuple_SET_ITEM(result, i, item);
    }
    Py_DECREF(items);
    return result;
}

PyObject *many_node_of_anything(int op, PyObject *xs, PyObject *ys)
{
    PyObject *first = converted(op, xs), *second = NULL, *result = NULL;
    if (first != NULL && ys != NULL) {
        second = converted(op, ys);
        if (second != NULL && PyTuple_GET_SIZE(first) != PyTuple_GET_SIZE(second)) {
            PyErr_Format(PyExc_ValueError, "%s: both lists must be equally long",
                         operations[op].name);
            Py_CLEAR(second);
        }
    }
    if (first != NULL && (ys == NULL || second != NULL)) {
        result = many_node(op, first, second);
    }
    Py_XDECREF(first);
    Py_XDECREF(second);
    return result;
}

/* -- methods by which Python makes nodes ---------------------------------------------------- */

/* Give a fresh node operands and partials; on error it stays a leaf. */
static int set_operands(Value *node, PyObject *op, PyObject *operands, PyObject *partials)
{
    PyObject *place = PyDict_GetItemWithError(tools.names, op);
    if (place == NULL && PyErr_Occurred()) {
        return -1;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(operands), next = 0;
    Block *block = NULL;
    Operand *into = node->pair, *from;
    if (place == NULL || count > 2) {
        if ((block = new_block(count)) == NULL) {
            return -1;
        }
        into = block->operands;
    }
    Operand two[2];
    from = block != NULL ? into : two;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyTuple_GET_ITEM(operands, i), *number = item;
        from[i].parent = NULL;
        if (is_value_or_subclass(item)) {
            from[i].parent = (Value *)item;
            number = next < PyTuple_GET_SIZE(partials) ? PyTuple_GET_ITEM(partials, next) : NULL;
            next++;
        }
        if (number == NULL || !PyFloat_Check(number)) {
            PyErr_SetString(PyExc_TypeError, "operands must be Values and floats, partials floats");
            PyMem_Free(block);
            return -1;
        }
        from[i].number = PyFloat_AS_DOUBLE(number);
    }
    if (next != PyTuple_GET_SIZE(partials) || next == 0) {
        PyErr_SetString(PyExc_ValueError, "there must be one partial for each Value");
        PyMem_Free(block);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_XINCREF((PyObject *)from[i].parent);
    }
    if (block != NULL) {
        block->op = place == NULL ? Py_NewRef(op) : NULL;
        node->block = block;
        node->count = BLOCK;
    } else {
        memcpy(into, two, (size_t)count * sizeof *two);
        node->count = (uint8_t)count;
    }
    node->op = place == NULL ? OWN_NAME : (uint8_t)PyLong_AsLong(place);
    return 0;
}

static int any_held(PyObject *operands)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operands); i++) {
        PyObject *item = PyTuple_GET_ITEM(operands, i);
        if (is_value_or_subclass(item) && is_held((Value *)item)) {
            return 1;
        }
    }
    return 0;
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
    int held = any_held(operands);
    Value *node = new_node_if_held(0, held);
    if (node == NULL) {
        return NULL;
    }
    node->data = data;
    if (set_operands(node, op, operands, partials) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (held) {
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
    int alone = type != Value_Type, held = !alone && any_held(operands);
    Value *node = alone ? (Value *)type->tp_alloc(type, 0) : new_node_if_held(0, held);
    if (node == NULL) {
        return NULL;
    }
    node->data = data;
    if (PyTuple_GET_SIZE(operands) != 0 && set_operands(node, op, operands, partials) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (held) {
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
    int op = place_of_row(args[0]);
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
    int op = place_of_row(args[0]);
    if (op >= 0 && operations[op].step2 == NULL) {
        PyErr_SetString(PyExc_TypeError, "_binary: wants a row of two operands");
        return NULL;
    }
    return op < 0 ? NULL : binary_node(op, args[1], args[2]);
}

static PyObject *of_row_many(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int op = count >= 1 ? place_of_row(args[0]) : -1;
    if (op < 0 || operations[op].arity != count - 1 ||
        (operations[op].many == NULL && operations[op].spread == NULL)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "_many: wants a row and its lists of operands");
        }
        return NULL;
    }
    return many_node_of_anything(op, args[1], count == 3 ? args[2] : NULL);
}

PyMethodDef value_static_methods[] = {
    {"_record", record, METH_VARARGS | METH_STATIC, NULL},
    {"_make", make, METH_VARARGS | METH_STATIC, NULL},
    {"_unary", (PyCFunction)(void (*)(void))of_row_unary, METH_FASTCALL | METH_STATIC, NULL},
    {"_binary", (PyCFunction)(void (*)(void))of_row_binary, METH_FASTCALL | METH_STATIC, NULL},
    {"_many", (PyCFunction)(void (*)(void))of_row_many, METH_FASTCALL | METH_STATIC, NULL},
    {"_sweep", sweep, METH_O, NULL},
    {"_gradients", gradients_of, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
