/* Takes arguments apart by their shape, and puts results together by theirs. */
#include "shapes.h"

/* -- the door ---------------------------------------------------------------------------------- */

enum { DEEPEST = 64 };

typedef struct {
    const uint32_t *code, *end;
    size_t next, numbers; /* the number that comes next, how many there are */
    size_t jumps;         /* to numbers elsewhere, up to here */
    int things;           /* how many a result may use; -1: these are arguments */
} Check;

static int is_shape(Check *check, int depth);

static int are_items(Check *check, int depth)
{
    if (check->end - check->code < 2) {
        return 0;
    }
    uint32_t times = *check->code++, parts = *check->code++;
    size_t before = check->next, jumps = check->jumps;
    for (uint32_t i = 0; i < parts; i++) {
        if (!is_shape(check, depth + 1)) {
            return 0;
        }
    }
    if (times == 1) {
        return 1;
    }
    size_t each = check->next - before; /* where nothing jumps */
    if (jumps != check->jumps || (each != 0 && times > (check->numbers - before) / each)) {
        return 0;
    }
    check->next = before + each * times;
    return 1;
}

static int is_shape(Check *check, int depth)
{
    if (depth > DEEPEST || check->code == check->end) {
        return 0;
    }
    uint32_t kind = *check->code++;
    if (kind == SHAPE_LIST || kind == SHAPE_TUPLE) {
        return are_items(check, depth);
    }
    if (kind == SHAPE_FLOAT || kind == SHAPE_WHOLE) {
        return check->next++ < check->numbers;
    }
    if (check->code == check->end) {
        return 0;
    }
    uint32_t operand = *check->code++;
    switch (kind) {
    case SHAPE_ARRAY:
        check->next += operand;
        return check->next <= check->numbers && operand <= check->numbers;
    case SHAPE_AT:
        check->next = operand;
        check->jumps++;
        return check->things >= 0 && operand <= check->numbers && is_shape(check, depth + 1);
    case SHAPE_BUILT:
        return check->things >= 0 && operand < (uint32_t)check->things &&
               is_shape(check, depth + 1);
    case SHAPE_KEPT:
        return check->things >= 0 && operand < (uint32_t)check->things;
    default:
        return 0;
    }
}

int are_shapes(const uint32_t *code, size_t count, size_t things_in, size_t numbers, int things)
{
    Check check = {code, code + count, 0, numbers, 0, things};
    for (size_t i = 0; i < things_in; i++) {
        if (!is_shape(&check, 0)) {
            return 0;
        }
    }
    return check.code == check.end && (things >= 0 || check.next == numbers);
}

/* -- reading ----------------------------------------------------------------------------------- */

static int read_whole(Reader *reader, PyObject *thing)
{
    if (!PyLong_CheckExact(thing) && !PyBool_Check(thing)) {
        return 0;
    }
    int is_too_large;
    long long whole = PyLong_AsLongLongAndOverflow(thing, &is_too_large);
    *reader->to++ = (double)whole;
    return !is_too_large && -(1LL << 53) <= whole && whole <= 1LL << 53; /* rounded: not here */
}

static int read_array(Reader *reader, PyObject *thing)
{
    Py_ssize_t count = (Py_ssize_t)*reader->code++;
    Py_buffer buffer;
    if (Py_TYPE(thing) != reader->array_type) {
        return 0;
    }
    if (PyObject_GetBuffer(thing, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyErr_Clear(); /* of another layout: not here */
        return 0;
    }
    int fits = buffer.ndim == 1 && buffer.shape[0] == count && strcmp(buffer.format, "d") == 0;
    if (fits) {
        memcpy(reader->to, buffer.buf, (size_t)buffer.len);
        reader->to += count;
    }
    PyBuffer_Release(&buffer);
    return fits;
}

/* Floats in a list or tuple, one after the other. */
static int read_floats(Reader *reader, PyObject **items, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyFloat_CheckExact(items[i])) {
            return 0;
        }
        reader->to[i] = PyFloat_AS_DOUBLE(items[i]);
    }
    reader->to += count;
    return 1;
}

static int read_items(Reader *reader, PyObject *thing)
{
    uint32_t times = *reader->code++, parts = *reader->code++;
    const uint32_t *first = reader->code;
    Py_ssize_t count = (Py_ssize_t)times * parts;
    if (PySequence_Fast_GET_SIZE(thing) != count) {
        return 0;
    }
    if (parts == 1 && *first == SHAPE_FLOAT) {
        reader->code++;
        return read_floats(reader, PySequence_Fast_ITEMS(thing), count);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i % parts == 0) {
            reader->code = first;
        }
        if (PySequence_Fast_GET_SIZE(thing) != count) { /* opening an array may run other code */
            return 0;
        }
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(thing, i));
        int fits = read_thing(reader, item);
        Py_DECREF(item);
        if (!fits) {
            return 0;
        }
    }
    return count != 0 || parts == 0; /* codes of what is not there would have to be stepped over */
}

int read_thing(Reader *reader, PyObject *thing)
{
    switch (*reader->code++) {
    case SHAPE_FLOAT:
        return read_floats(reader, &thing, 1);
    case SHAPE_WHOLE:
        return read_whole(reader, thing);
    case SHAPE_ARRAY:
        return read_array(reader, thing);
    case SHAPE_LIST:
        return PyList_CheckExact(thing) && read_items(reader, thing);
    default:
        return PyTuple_CheckExact(thing) && read_items(reader, thing);
    }
}

/* -- writing ----------------------------------------------------------------------------------- */

/* Items are set while nobody sees the list or tuple: making one may run a finaliser. */
static PyObject *write_items(Writer *writer, int is_list)
{
    uint32_t times = *writer->code++, parts = *writer->code++;
    const uint32_t *first = writer->code;
    Py_ssize_t count = (Py_ssize_t)times * parts;
    PyObject *items = is_list ? PyList_New(count) : PyTuple_New(count);
    if (items == NULL || count == 0) {
        return items;
    }
    PyObject_GC_UnTrack(items);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i % parts == 0) {
            writer->code = first;
        }
        PyObject *item = write_thing(writer);
        if (item == NULL) {
            Py_DECREF(items);
            return NULL;
        }
        if (is_list) {
            PyList_SET_ITEM(items, i, item);
        } else {
            PyTuple_SET_ITEM(items, i, item);
        }
    }
    PyObject_GC_Track(items);
    return items;
}

static PyObject *write_built(Writer *writer)
{
    PyObject *builder = PyTuple_GET_ITEM(writer->things, *writer->code++);
    PyObject *content = write_thing(writer);
    PyObject *built = content != NULL ? PyObject_CallOneArg(builder, content) : NULL;
    Py_XDECREF(content);
    return built;
}

static PyObject *write_array(Writer *writer)
{
    uint32_t count = *writer->code++;
    const char *bytes = (const char *)(const void *)writer->next;
    writer->next += count;
    return PyByteArray_FromStringAndSize(bytes, (Py_ssize_t)(count * sizeof(double)));
}

PyObject *write_thing(Writer *writer)
{
    switch (*writer->code++) {
    case SHAPE_LIST:
        return write_items(writer, 1);
    case SHAPE_TUPLE:
        return write_items(writer, 0);
    case SHAPE_AT:
        writer->next = writer->numbers + *writer->code++;
        return write_thing(writer);
    case SHAPE_BUILT:
        return write_built(writer);
    case SHAPE_KEPT:
        return Py_NewRef(PyTuple_GET_ITEM(writer->things, *writer->code++));
    case SHAPE_ARRAY:
        return write_array(writer);
    default:
        return PyFloat_FromDouble(*writer->next++);
    }
}
