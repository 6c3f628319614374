/* Nodes of many operands, built from lists without objects in between. */
#include "node.h"

enum { SMALL = 1024 }; /* doubles of work space on the C stack */

Block *new_block(Py_ssize_t count)
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
    assert(filled <= block->count);
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
static ALWAYS_INLINE int read_operand(PyObject *item, List *list, Py_ssize_t i, PyTypeObject **held)
{
    Operand *operand = &list->operands[i];
    if (LIKELY(is_value(item))) {
        Value *value = (Value *)item;
        Py_INCREF(item);
        operand->parent = value;
        list->numbers[i] = value->data;
        list->values++;
        *held = UNLIKELY(value->flags & TRACKED) ? held_with(*held, value) : *held;
        return 1;
    }
    double number;
    if (PyFloat_CheckExact(item)) {
        number = PyFloat_AS_DOUBLE(item);
    } else if (PyLong_CheckExact(item)) {
        number = PyLong_AsDouble(item);
        if (number == -1.0 && PyErr_Occurred()) {
            PyErr_Clear(); /* too large: Python raises its error */
            return 0;
        }
    } else if (PyType_IsSubtype(Py_TYPE(item), Value_Type)) {
        Py_INCREF(item);
        operand->parent = (Value *)item;
        list->numbers[i] = ((Value *)item)->data;
        list->values++;
        *held = held_with(*held, (Value *)item);
        return 1;
    } else {
        return 0;
    }
    operand->parent = NULL;
    operand->number = list->numbers[i] = number;
    return 1;
}

/* Formulas write a partial for every operand: put the plain numbers back. */
static void restore_numbers(const List *list, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; list->values < count && i < count; i++) {
        if (list->operands[i].parent == NULL) {
            list->operands[i].number = list->numbers[i];
        }
    }
}

/* Build the node, of several results the one of this index; the block is consumed, on error too. */
static PyObject *node_of_block(int op, double data, Block *block, PyTypeObject *held,
                               Py_ssize_t index)
{
    Value *node = new_node_if_held((uint8_t)op, held);
    if (node == NULL) {
        free_block(block, block->count);
        return NULL;
    }
    node->data = data;
    node->mark = (uint32_t)index;
    node->block = block;
    node->count = BLOCK;
    if (held != NULL) {
        PyObject_GC_Track(node);
    }
    return modes_are_open() ? with_modes(node) : (PyObject *)node;
}

/* One result an operand: a list of nodes, or of floats where no operand is a Value. */
static PyObject *spread(int op, const List *list, double *work, Block *block, PyTypeObject *held)
{
    const Operation *operation = &operations[op];
    Py_ssize_t count = block->count;
    double *zs = work + operation->bound * count;
    operation->value_plural(count, list->numbers, work, zs);
    PyObject *results = hidden(PyList_New(count));
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
                own->operands[j].number = parent != NULL
                                              ? operation->partial_plural(zs[i], zs[j], i == j)
                                              : list->numbers[j];
            }
            result = node_of_block(op, zs[i], own, held, i);
        }
        if (result == NULL) {
            Py_CLEAR(results);
        } else {
            PyList_SET_ITEM(results, i, result);
        }
    }
    free_block(block, count);
    return shown(results);
}

static PyObject *computed(int op, PyObject *const *sequences, double *space, Py_ssize_t count)
{
    const Operation *operation = &operations[op];
    assert(count >= 0 && count <= PY_SSIZE_T_MAX / operation->arity);
    Block *block = new_block(count * operation->arity);
    if (block == NULL) {
        return NULL;
    }
    List lists[2] = {{0}, {0}};
    PyTypeObject *held = NULL;
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
    if (operation->value_plural != NULL) {
        return spread(op, &lists[0], space, block, held);
    }
    int want = (lists[0].values != 0) | (lists[1].values != 0) << 1;
    double data = operation->step_many(count, lists[0].numbers, lists[1].numbers, space, want,
                                       &lists[0].operands->number,
                                       want & 2 ? &lists[1].operands->number : NULL);
    if (want == 0) {
        PyMem_Free(block);
        return PyFloat_FromDouble(data);
    }
    restore_numbers(&lists[0], count);
    restore_numbers(&lists[1], want & 2 ? count : 0);
    return node_of_block(op, data, block, held, 0);
}

PyObject *many_node(int op, PyObject *xs, PyObject *ys)
{
    const Operation *operation = &operations[op];
    PyObject *const sequences[2] = {xs, ys};
    Py_ssize_t count = PySequence_Fast_GET_SIZE(xs);
    /* the numbers of each list, the lists bound on the way, the results */
    Py_ssize_t rows = operation->arity + operation->bound + (operation->value_plural != NULL);
    assert((operation->step_many != NULL) != (operation->value_plural != NULL));
    assert((ys != NULL) == (operation->arity == 2));
    assert(ys == NULL || PySequence_Fast_GET_SIZE(ys) == count);
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
    if (items == NULL || (result = hidden(PyTuple_New(PyTuple_GET_SIZE(items)))) == NULL) {
        Py_XDECREF(items);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items); i++) {
        PyObject *item = PyTuple_GET_ITEM(items, i);
        double number;
        if (is_value_or_subclass(item)) {
            Py_INCREF(item);
        } else if (number_of(operations[op].name, "each operand", item, "1.0", &number) != 1) {
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
    return shown(result);
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
