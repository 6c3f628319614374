/* Traces every node that one thread builds, for `compile`: see core/tracer.py, whose arrays these are.
 *
 * The mark of a traced node is the number of its entry. A pass overwrites marks, and has them
 * stamped anew.
 */
#include "codes.h"
#include "node.h"

enum { RECENT = 1024 };

typedef struct {
    Value *node; /* owned */
    uint32_t reference;
} Traced;

typedef struct {
    char *items;
    size_t count, room; /* in bytes */
} Column;

PyThreadState *traced_thread;

typedef struct {
    Column entries, ops, starts, operands, results, constants;
    uint32_t captured, lines;
    int is_broken; /* there was no memory for a part of it: whoever catches that gets no further */
    uint32_t recent[RECENT]; /* constants, by a hash of their bits: index + 1 */
} Trace;

static Trace trace;

/* -- columns -------------------------------------------------------------------------------- */

static int break_trace(void)
{
    trace.is_broken = 1;
    PyErr_NoMemory();
    return -1;
}

static int append(Column *column, const void *item, size_t size)
{
    assert(size > 0 && size <= 4096 && column->count <= column->room);
    if (UNLIKELY(trace.is_broken)) {
        return break_trace();
    }
    if (UNLIKELY(size > column->room - column->count)) {
        size_t room = column->room != 0 ? column->room * 2 : 4096;
        char *items = PyMem_RawRealloc(column->items, room);
        if (items == NULL) {
            return break_trace();
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

static Traced *entries(void) { return (Traced *)(void *)trace.entries.items; }
static size_t entry_count(void) { return trace.entries.count / sizeof(Traced); }

/* -- references ----------------------------------------------------------------------------- */

static int enter(Value *node, uint32_t kind, uint32_t index)
{
    if (UNLIKELY(index >> INDEX_BITS)) {
        PyErr_SetString(PyExc_OverflowError, "compile: the function makes too many nodes");
        return -1;
    }
    Traced entry = {node, kind << INDEX_BITS | index};
    if (append(&trace.entries, &entry, sizeof entry) < 0) {
        return -1;
    }
    Py_INCREF((PyObject *)node);
    node->mark = (uint32_t)entry_count();
    return 0;
}

static ALWAYS_INLINE Traced *entry_of(const Value *node)
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

/* Let a Value that waited for it become a line, before anything of the next line is written. */
static int write_lazy(Value *value)
{
    if (LIKELY(Py_IS_TYPE((PyObject *)value, Value_Type)) || entry_of(value) != NULL) {
        return 0;
    }
    PyObject *done = PyObject_CallMethod(tools.tracer, "write_lazy", "O", (PyObject *)value);
    Py_XDECREF(done);
    return done == NULL ? -1 : 0;
}

static int reference_of_value(Value *value, uint32_t *reference)
{
    Traced *entry = entry_of(value);
    if (entry == NULL) {
        if (enter(value, CAPTURED, trace.captured) < 0) {
            return -1;
        }
        trace.captured++;
        entry = &entries()[entry_count() - 1];
    }
    *reference = entry->reference;
    return 0;
}

static int reference_of_number(double number, uint32_t *reference)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t *recent = &trace.recent[(bits * UINT64_C(0x9E3779B97F4A7C15)) >> 54];
    if (*recent == 0 || memcmp(trace.constants.items + (*recent - 1) * sizeof number, &number,
                               sizeof number) != 0) {
        if (append(&trace.constants, &number, sizeof number) < 0) {
            return -1;
        }
        *recent = (uint32_t)(trace.constants.count / sizeof number);
    }
    *reference = (uint32_t)CONSTANT << INDEX_BITS | (*recent - 1);
    return 0;
}

/* -- lines ---------------------------------------------------------------------------------- */

static int end_line(Value *node, uint8_t op, uint32_t result)
{
    assert(trace.ops.count == trace.lines);
    assert(trace.starts.count == (trace.lines + (size_t)1) * sizeof(uint32_t));
    uint32_t end = (uint32_t)(trace.operands.count / sizeof end);
    if (append(&trace.ops, &op, sizeof op) < 0 || append(&trace.starts, &end, sizeof end) < 0 ||
        append(&trace.results, &result, sizeof result) < 0) {
        return -1;
    }
    Traced *entry = entry_of(node);
    uint32_t reference = (uint32_t)LINE << INDEX_BITS | trace.lines;
    if (UNLIKELY(entry != NULL)) { /* what was computed is cut off from its graph */
        entry->reference = reference;
    } else if (enter(node, LINE, trace.lines) < 0) {
        return -1;
    }
    trace.lines++;
    return 0;
}

int trace_node(Value *node)
{
    Py_ssize_t count;
    Operand *operands = operands_of(node, &count);
    uint32_t result = node->mark; /* it is fresh */
    for (Py_ssize_t i = 0; i < count; i++) {
        if (operands[i].parent != NULL && write_lazy(operands[i].parent) < 0) {
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *parent = operands[i].parent;
        uint32_t reference;
        if (parent != NULL) {
            node->flags |= parent->flags & LIVE;
            if (reference_of_value(parent, &reference) < 0) {
                return -1;
            }
        } else if (reference_of_number(operands[i].number, &reference) < 0) {
            return -1;
        }
        if (append(&trace.operands, &reference, sizeof reference) < 0) {
            return -1;
        }
    }
    return end_line(node, node->op == OWN_NAME ? CALL : node->op, result);
}

int trace_detached(Value *node, Value *source)
{
    uint32_t reference;
    if (write_lazy(source) < 0) {
        return -1;
    }
    node->flags |= source->flags & LIVE;
    if (reference_of_value(source, &reference) < 0 ||
        append(&trace.operands, &reference, sizeof reference) < 0) {
        return -1;
    }
    return end_line(node, DETACH, 0);
}

/* -- what Python asks ----------------------------------------------------------------------- */

/* Free a trace that nobody else sees, as finalisers run that may begin another one. */
static void free_trace(Trace *taken)
{
    Traced *items = (Traced *)(void *)taken->entries.items;
    empty(&taken->ops);
    empty(&taken->starts);
    empty(&taken->operands);
    empty(&taken->results);
    empty(&taken->constants);
    for (size_t i = taken->entries.count / sizeof(Traced); i-- > 0;) {
        Py_DECREF((PyObject *)items[i].node);
    }
    empty(&taken->entries);
}

/* forget_trace(): free what was traced, unless a trace is at work, which may be another one */
static PyObject *forget_trace(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (traced_thread == NULL) {
        Trace taken = trace;
        trace = (Trace){0};
        free_trace(&taken);
    }
    Py_RETURN_NONE;
}

static int begin(PyObject *inputs)
{
    uint32_t zero = 0;
    int status = append(&trace.starts, &zero, sizeof zero);
    for (Py_ssize_t i = 0; status == 0 && i < PyList_GET_SIZE(inputs); i++) {
        Value *input = (Value *)PyList_GET_ITEM(inputs, i);
        if (!is_value_or_subclass((PyObject *)input)) {
            PyErr_SetString(PyExc_TypeError, "watch: wants a list of Values");
            status = -1;
        } else {
            input->flags |= LIVE;
            status = enter(input, INPUT, (uint32_t)i);
        }
    }
    return status;
}

/* watch(inputs, function): trace what a call does; no interrupt can come before or behind it */
static PyObject *watch(PyObject *module, PyObject *args)
{
    PyObject *inputs, *function;
    if (!PyArg_ParseTuple(args, "O!O:watch", &PyList_Type, &inputs, &function)) {
        return NULL;
    }
    do {
        if (traced_thread != NULL) {
            PyErr_SetString(PyExc_RuntimeError, "watch: one function is traced at a time");
            return NULL;
        }
        Py_DECREF(forget_trace(module, NULL));
    } while (trace.entries.count != 0 || trace.starts.count != 0); /* a finaliser began another */
    if (begin(inputs) < 0) {
        return NULL;
    }
    PyThreadState *own = PyThreadState_Get();
    traced_thread = own;
    PyObject *result = PyObject_CallNoArgs(function);
    if (traced_thread == own) { /* else it was read, and what is traced now is another's */
        traced_thread = NULL;
    }
    return result;
}

/* leave_threads(): in the child of a fork, which has no thread but this one */
static PyObject *leave_threads(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (traced_thread != PyThreadState_Get()) {
        traced_thread = NULL;
    }
    Py_RETURN_NONE;
}

/* reference_of(x): of a Value or a float */
static PyObject *reference_of(PyObject *module, PyObject *x)
{
    (void)module;
    uint32_t reference;
    double number;
    if (is_value_or_subclass(x) && write_lazy((Value *)x) < 0) {
        return NULL;
    }
    int status = is_value_or_subclass(x) ? reference_of_value((Value *)x, &reference)
                 : number_of("compile", "an operand", x, "1.0", &number) < 0
                     ? -1
                     : reference_of_number(number, &reference);
    return status < 0 ? NULL : PyLong_FromUnsignedLong(reference);
}

/* call_line(node): the line of a node of one's own */
static PyObject *call_line(PyObject *module, PyObject *node)
{
    (void)module;
    Traced *entry = is_value_or_subclass(node) ? entry_of((Value *)node) : NULL;
    if (entry == NULL || KIND_OF(entry->reference) != LINE) {
        PyErr_SetString(PyExc_ValueError, "call_line: wants a node that was traced");
        return NULL;
    }
    uint32_t line = INDEX_OF(entry->reference);
    assert(line < trace.lines);
    if (line > 0 && (uint8_t)trace.ops.items[line] == DETACH) { /* inside no_grad */
        line--;
    }
    trace.ops.items[line] = (char)CALL;
    return PyLong_FromUnsignedLong(line);
}

/* result_of(node): which of several results a node is, or None where its line does not say */
static PyObject *result_of(PyObject *module, PyObject *node)
{
    (void)module;
    Traced *entry = is_value_or_subclass(node) ? entry_of((Value *)node) : NULL;
    if (entry == NULL || KIND_OF(entry->reference) != LINE) {
        Py_RETURN_NONE;
    }
    uint32_t line = INDEX_OF(entry->reference), result;
    assert(line < trace.lines);
    memcpy(&result, trace.results.items + line * sizeof result, sizeof result);
    return PyLong_FromUnsignedLong(result);
}

/* alias(leaf, node): from here on the leaf means the line of the node */
static PyObject *alias(PyObject *module, PyObject *args)
{
    (void)module;
    Value *leaf, *node;
    if (!PyArg_ParseTuple(args, "O!O!:alias", Value_Type, &leaf, Value_Type, &node)) {
        return NULL;
    }
    Traced *entry = entry_of(node);
    if (entry == NULL || KIND_OF(entry->reference) != LINE) {
        PyErr_SetString(PyExc_ValueError, "alias: wants a node that was traced");
        return NULL;
    }
    leaf->flags |= node->flags & LIVE;
    if (enter(leaf, LINE, INDEX_OF(entry->reference)) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* add_input(leaf, position): a fresh leaf is one more input */
static PyObject *add_input(PyObject *module, PyObject *args)
{
    (void)module;
    Value *leaf;
    unsigned int position;
    if (!PyArg_ParseTuple(args, "O!I:add_input", Value_Type, &leaf, &position)) {
        return NULL;
    }
    leaf->flags |= LIVE;
    if (enter(leaf, INPUT, position) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *bytes_of(const Column *column)
{
    return PyBytes_FromStringAndSize(column->items, (Py_ssize_t)column->count);
}

/* traced(): (ops, starts, operands, results, constants, captured) */
static PyObject *traced(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    Trace taken = trace; /* a finaliser that runs meanwhile could add to it, or begin another one */
    trace = (Trace){0};
    traced_thread = NULL;
    if (taken.is_broken) {
        free_trace(&taken);
        return PyErr_NoMemory();
    }
    PyObject *captured = PyList_New(taken.captured);
    for (size_t i = 0; captured != NULL && i < taken.entries.count / sizeof(Traced); i++) {
        Traced *entry = &((Traced *)(void *)taken.entries.items)[i];
        if (KIND_OF(entry->reference) == CAPTURED) {
            PyList_SET_ITEM(captured, INDEX_OF(entry->reference),
                            Py_NewRef((PyObject *)entry->node));
        }
    }
    PyObject *result = Py_BuildValue("(NNNNNN)", bytes_of(&taken.ops), bytes_of(&taken.starts),
                                     bytes_of(&taken.operands), bytes_of(&taken.results),
                                     bytes_of(&taken.constants), captured);
    free_trace(&taken);
    return result;
}

/* -- refusals ------------------------------------------------------------------------------- */

/* Raise the refusal of a field, a change or a pass while this thread is traced; core/refusals.py */
void refuse_while_traced(const char *what, const char *field)
{
    PyObject *error = PyObject_CallMethod(tools.refusals, what, field != NULL ? "s" : NULL, field);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

/* Trace a comparison; return its truth, or NULL with an error. */
PyObject *note_guard(int comparison, PyObject *x, PyObject *y, int outcome)
{
    return PyObject_CallMethod(tools.tracer, "note_guard", "iOOi", comparison, x, y, outcome);
}

PyMethodDef tracer_functions[] = {
    {"watch", watch, METH_VARARGS, "Trace what a call does with some inputs."},
    {"forget_trace", forget_trace, METH_NOARGS, "Free what was traced."},
    {"leave_threads", leave_threads, METH_NOARGS, "Trace no other thread: behind a fork."},
    {"reference_of", reference_of, METH_O, "Return the reference to a Value or a number."},
    {"call_line", call_line, METH_O, "Return the line of a node of one's own."},
    {"result_of", result_of, METH_O, "Return which of several results a node is."},
    {"alias", alias, METH_VARARGS, "Let a leaf mean the line of a node."},
    {"add_input", add_input, METH_VARARGS, "Let a fresh leaf be one more input."},
    {"traced", traced, METH_NOARGS, "Stop tracing, and return what was traced."},
    {NULL},
};
