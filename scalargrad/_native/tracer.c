/* Writes down every node that one thread makes, for `compile`: see core/tracer.py, whose arrays these
 * are.
 *
 * Where a node stands is kept in its mark. A pass may overwrite marks; it has them stamped anew.
 */
#include "node.h"

enum { INPUT, CAPTURED, CONSTANT, LINE, KIND_BITS = 30, DETACH = 0, CALL = 255, RECENT = 1024 };

typedef struct {
    Value *node; /* owned */
    uint32_t standing;
} Noted;

typedef struct {
    char *items;
    size_t count, room; /* in bytes */
} Column;

PyThreadState *watched_thread;
uint32_t result_place; /* which of several results the next node is */

static struct {
    Column entries, ops, starts, operands, places, constants;
    uint32_t captured, lines;
    uint32_t recent[RECENT]; /* constants, by a hash of their bits: place + 1 */
} notes;

/* -- columns -------------------------------------------------------------------------------- */

static int append(Column *column, const void *item, size_t size)
{
    if (UNLIKELY(column->count + size > column->room)) {
        size_t room = column->room != 0 ? column->room * 2 : 4096;
        char *items = PyMem_RawRealloc(column->items, room);
        if (items == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        column->items = items;
        column->room = room;
    }
    memcpy(column->items + column->count, item, size);
    column->count += size;
    return 0;
}

static void empty(Column *column)
{
    PyMem_RawFree(column->items);
    *column = (Column){0};
}

static Noted *entries(void) { return (Noted *)(void *)notes.entries.items; }
static size_t entry_count(void) { return notes.entries.count / sizeof(Noted); }

/* -- where operands stand ------------------------------------------------------------------- */

static int enter(Value *node, uint32_t kind, uint32_t place)
{
    if (UNLIKELY(place >> KIND_BITS)) {
        PyErr_SetString(PyExc_OverflowError, "compile: the function makes too many nodes");
        return -1;
    }
    Noted entry = {node, kind << KIND_BITS | place};
    if (append(&notes.entries, &entry, sizeof entry) < 0) {
        return -1;
    }
    Py_INCREF((PyObject *)node);
    node->mark = (uint32_t)entry_count();
    return 0;
}

static ALWAYS_INLINE Noted *entry_of(const Value *node)
{
    size_t mark = node->mark;
    if (mark == 0 || mark > entry_count() || entries()[mark - 1].node != node) {
        return NULL;
    }
    return &entries()[mark - 1];
}

/* After a pass of any thread. */
void stamp_anew(void)
{
    for (size_t i = 0; i < entry_count(); i++) {
        entries()[i].node->mark = (uint32_t)(i + 1); /* of a node met twice the last one counts */
    }
}

static int standing_of_value(Value *value, uint32_t *standing)
{
    Noted *entry = entry_of(value);
    if (entry == NULL) {
        if (enter(value, CAPTURED, notes.captured) < 0) {
            return -1;
        }
        notes.captured++;
        entry = &entries()[entry_count() - 1];
    }
    *standing = entry->standing;
    return 0;
}

static int standing_of_number(double number, uint32_t *standing)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t *recent = &notes.recent[(bits * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
    if (*recent == 0 || memcmp(notes.constants.items + (*recent - 1) * sizeof number, &number,
                               sizeof number) != 0) {
        if (append(&notes.constants, &number, sizeof number) < 0) {
            return -1;
        }
        *recent = (uint32_t)(notes.constants.count / sizeof number);
    }
    *standing = (uint32_t)CONSTANT << KIND_BITS | (*recent - 1);
    return 0;
}

/* -- lines ---------------------------------------------------------------------------------- */

static int end_line(Value *node, uint8_t op, uint32_t place)
{
    uint32_t end = (uint32_t)(notes.operands.count / sizeof end);
    if (append(&notes.ops, &op, sizeof op) < 0 || append(&notes.starts, &end, sizeof end) < 0 ||
        append(&notes.places, &place, sizeof place) < 0) {
        return -1;
    }
    Noted *entry = entry_of(node);
    uint32_t standing = (uint32_t)LINE << KIND_BITS | notes.lines;
    if (UNLIKELY(entry != NULL)) { /* what was computed is cut off from its graph */
        entry->standing = standing;
    } else if (enter(node, LINE, notes.lines) < 0) {
        return -1;
    }
    notes.lines++;
    return 0;
}

int write_down(Value *node)
{
    Py_ssize_t count;
    Operand *operands = operands_of(node, &count);
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *parent = operands[i].parent;
        uint32_t standing;
        if (parent != NULL) {
            node->flags |= parent->flags & LIVE;
            if (standing_of_value(parent, &standing) < 0) {
                return -1;
            }
        } else if (standing_of_number(operands[i].number, &standing) < 0) {
            return -1;
        }
        if (append(&notes.operands, &standing, sizeof standing) < 0) {
            return -1;
        }
    }
    return end_line(node, node->op == OWN_NAME ? CALL : node->op, result_place);
}

int write_detached(Value *node, Value *source)
{
    uint32_t standing;
    node->flags |= source->flags & LIVE;
    if (standing_of_value(source, &standing) < 0 ||
        append(&notes.operands, &standing, sizeof standing) < 0) {
        return -1;
    }
    return end_line(node, DETACH, 0);
}

/* -- what Python asks ----------------------------------------------------------------------- */

static PyObject *abandon(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    watched_thread = NULL;
    Column kept = notes.entries;
    empty(&notes.ops);
    empty(&notes.starts);
    empty(&notes.operands);
    empty(&notes.places);
    empty(&notes.constants);
    memset(&notes, 0, sizeof notes);
    for (size_t i = kept.count / sizeof(Noted); i-- > 0;) { /* may run finalisers */
        Py_DECREF((PyObject *)((Noted *)(void *)kept.items)[i].node);
    }
    PyMem_RawFree(kept.items);
    Py_RETURN_NONE;
}

/* start(inputs) */
static PyObject *start(PyObject *module, PyObject *inputs)
{
    Py_XDECREF(abandon(module, NULL));
    uint32_t zero = 0;
    Py_ssize_t count = PyList_Check(inputs) ? PyList_GET_SIZE(inputs) : 0;
    int status = append(&notes.starts, &zero, sizeof zero);
    for (Py_ssize_t i = 0; status == 0 && i < count; i++) {
        Value *input = (Value *)PyList_GET_ITEM(inputs, i);
        if (!is_value_or_subclass((PyObject *)input)) {
            PyErr_SetString(PyExc_TypeError, "start: wants a list of Values");
            status = -1;
        } else {
            input->flags |= LIVE;
            status = enter(input, INPUT, (uint32_t)i);
        }
    }
    if (status < 0) {
        return NULL;
    }
    watched_thread = PyThreadState_Get();
    Py_RETURN_NONE;
}

/* standing(x): of a Value or a float */
static PyObject *standing(PyObject *module, PyObject *x)
{
    (void)module;
    uint32_t found;
    double number;
    int status = is_value_or_subclass(x) ? standing_of_value((Value *)x, &found)
                 : number_of("compile", "an operand", x, "1.0", &number) < 0
                     ? -1
                     : standing_of_number(number, &found);
    return status < 0 ? NULL : PyLong_FromUnsignedLong(found);
}

/* call_line(node): the line of a node of one's own */
static PyObject *call_line(PyObject *module, PyObject *node)
{
    (void)module;
    Noted *entry = is_value_or_subclass(node) ? entry_of((Value *)node) : NULL;
    if (entry == NULL || entry->standing >> KIND_BITS != LINE) {
        PyErr_SetString(PyExc_ValueError, "call_line: wants a node that was recorded");
        return NULL;
    }
    uint32_t line = entry->standing & ((1u << KIND_BITS) - 1);
    if ((uint8_t)notes.ops.items[line] == DETACH) { /* inside no_grad */
        line--;
    }
    notes.ops.items[line] = (char)CALL;
    return PyLong_FromUnsignedLong(line);
}

/* stand_for(leaf, node): from here on the leaf means the line of the node */
static PyObject *stand_for(PyObject *module, PyObject *args)
{
    (void)module;
    Value *leaf, *node;
    if (!PyArg_ParseTuple(args, "O!O!:stand_for", Value_Type, &leaf, Value_Type, &node)) {
        return NULL;
    }
    Noted *entry = entry_of(node);
    if (entry == NULL || entry->standing >> KIND_BITS != LINE) {
        PyErr_SetString(PyExc_ValueError, "stand_for: wants a node that was recorded");
        return NULL;
    }
    leaf->flags |= node->flags & LIVE;
    if (enter(leaf, LINE, entry->standing & ((1u << KIND_BITS) - 1)) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *bytes_of(const Column *column)
{
    return PyBytes_FromStringAndSize(column->items, (Py_ssize_t)column->count);
}

/* written(): (ops, starts, operands, places, constants, captured) */
static PyObject *written(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *captured = PyList_New(notes.captured);
    for (size_t i = 0; captured != NULL && i < entry_count(); i++) {
        Noted *entry = &entries()[i];
        if (entry->standing >> KIND_BITS == CAPTURED) {
            PyList_SET_ITEM(captured, entry->standing & ((1u << KIND_BITS) - 1),
                            Py_NewRef((PyObject *)entry->node));
        }
    }
    return Py_BuildValue("(NNNNNN)", bytes_of(&notes.ops), bytes_of(&notes.starts),
                         bytes_of(&notes.operands), bytes_of(&notes.places),
                         bytes_of(&notes.constants), captured);
}

/* -- refusals ------------------------------------------------------------------------------- */

/* Raise what Python says of a field, a change or a pass while this thread is recorded. */
void refuse_while_watched(const char *what, const char *field)
{
    PyObject *error = PyObject_CallMethod(tools.recorder, what, field != NULL ? "s" : NULL, field);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

/* Tell a comparison; -1 with an error. */
int note_guard(int comparison, PyObject *x, PyObject *y, int outcome)
{
    PyObject *done =
        PyObject_CallMethod(tools.recorder, "note_guard", "iOOi", comparison, x, y, outcome);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

PyMethodDef recorder_functions[] = {
    {"start", start, METH_O, "Begin to write down what this thread does with some inputs."},
    {"abandon", abandon, METH_NOARGS, "Stop, and forget everything."},
    {"standing", standing, METH_O, "Return where a Value or a number stands."},
    {"call_line", call_line, METH_O, "Return the line of a node of one's own."},
    {"stand_for", stand_for, METH_VARARGS, "Let a leaf stand where the line of a node does."},
    {"written", written, METH_NOARGS, "Return what was written down."},
    {NULL, NULL, 0, NULL},
};
