/* Operations of one and two operands, and the slots of the operators. */
#include "node.h"
#include <math.h>

#define INF HUGE_VAL
#include "ops.inc"

/* -- ints that stay ints -------------------------------------------------------------------- */

static uint8_t partial_of(uint8_t marks, int position)
{
    return marks & WHOLE ? (uint8_t)(WHOLE_PARTIAL << position) : 0;
}

static void mark_whole(Value *node)
{
    if (!is_kin((PyObject *)node)) {
        return;
    }
    uint8_t x = node->pair[0].parent->marks, marks = 0;
    if (node->op == OP_RELU) {
        marks = WHOLE_PARTIAL | (node->pair[0].parent->data < 0.0 ? WHOLE : x & WHOLE);
    } else if (node->op == OP_ADD) {
        x &= node->pair[1].parent->marks;
        marks = (uint8_t)(WHOLE_PARTIAL | WHOLE_PARTIAL << 1 | (x & WHOLE));
    } else if (node->op == OP_MUL) {
        uint8_t y = node->pair[1].parent->marks;
        marks = (uint8_t)(partial_of(y, 0) | partial_of(x, 1) | (x & y & WHOLE));
    }
    node->marks |= is_exact(node->data) ? marks : marks & (uint8_t)~WHOLE;
}

/* A power with an exponent that was written as an int. */
static void mark_whole_power(Value *node, double exponent)
{
    int whole = exponent >= 0.0 && is_exact(node->data) && node->pair[0].parent->marks & WHOLE;
    node->marks |= WHOLE_EXPONENT | (whole ? WHOLE : 0);
    node->marks |= whole && exponent >= 1.0 ? WHOLE_PARTIAL : 0;
}

/* -- one operand ---------------------------------------------------------------------------- */

static ALWAYS_INLINE PyObject *unary(int op, Step1 step, PyObject *object)
{
    Value *x = (Value *)object;
    if (UNLIKELY(is_held(x))) {
        return unary_node(op, object);
    }
    Value *z = new_node((uint8_t)op, 1);
    if (UNLIKELY(z == NULL)) {
        return NULL;
    }
    z->data = step(x->data, 1, &z->pair[0].number);
    Py_INCREF(object);
    z->pair[0].parent = x;
    return modes_are_open() ? with_modes(z) : (PyObject *)z;
}

PyObject *unary_node(int op, PyObject *object)
{
    assert(op > 0 && op < operation_count && operations[op].step1 != NULL);
    Value *x = (Value *)object;
    PyTypeObject *held = held_with(NULL, x);
    Value *z = new_node_if_held((uint8_t)op, held);
    if (z == NULL) {
        return NULL;
    }
    z->data = operations[op].step1(x->data, 1, &z->pair[0].number);
    Py_INCREF(object);
    z->pair[0].parent = x;
    z->count = 1;
    if (held != NULL) {
        mark_whole(z);
        PyObject_GC_Track(z);
    }
    return modes_are_open() ? with_modes(z) : (PyObject *)z;
}

/* -- two operands --------------------------------------------------------------------------- */

/* Whatever is not two plain Values: a number on one side, an instance of a subclass, a stranger. */
static NOINLINE PyObject *mixed(int op, PyObject *a, PyObject *b)
{
    double x = 0.0, y = 0.0;
    int left = is_value_or_subclass(a), right = is_value_or_subclass(b);
    int known = right ? 1 : as_number(b, &y);
    if (known == 1 && !left) {
        known = right ? as_number(a, &x) : 0;
    }
    if (known != 1) {
        if (known < 0) {
            return NULL;
        }
        Py_RETURN_NOTIMPLEMENTED;
    }
    PyTypeObject *held = left ? held_with(NULL, (Value *)a) : NULL;
    held = right ? held_with(held, (Value *)b) : held;
    Value *z = new_node_if_held((uint8_t)op, held);
    if (z == NULL) {
        return NULL;
    }
    x = left ? ((Value *)a)->data : x;
    y = right ? ((Value *)b)->data : y;
    double dx = x, dy = y; /* a plain number is kept in place of a partial */
    z->data = operations[op].step2(x, y, left | right << 1, &dx, &dy);
    z->pair[0].parent = left ? (Value *)Py_NewRef(a) : NULL;
    z->pair[0].number = dx;
    z->pair[1].parent = right ? (Value *)Py_NewRef(b) : NULL;
    z->pair[1].number = dy;
    z->count = 2;
    if (held != NULL) {
        PyObject_GC_Track(z);
    }
    return modes_are_open() ? with_modes(z) : (PyObject *)z;
}

static ALWAYS_INLINE PyObject *binary(int op, Step2 step, PyObject *a, PyObject *b)
{
    if (UNLIKELY(!is_value(a) || !is_value(b))) {
        return mixed(op, a, b);
    }
    Value *x = (Value *)a, *y = (Value *)b;
    if (UNLIKELY((x->flags | y->flags) & TRACKED)) {
        return mixed(op, a, b);
    }
    Value *z = new_node((uint8_t)op, 2);
    if (UNLIKELY(z == NULL)) {
        return NULL;
    }
    z->data = step(x->data, y->data, 3, &z->pair[0].number, &z->pair[1].number);
    Py_INCREF(a);
    z->pair[0].parent = x;
    Py_INCREF(b);
    z->pair[1].parent = y;
    return modes_are_open() ? with_modes(z) : (PyObject *)z;
}

PyObject *binary_node(int op, PyObject *a, PyObject *b)
{
    assert(op > 0 && op < operation_count && operations[op].step2 != NULL);
    return binary(op, operations[op].step2, a, b);
}

/* -- operators of Kin: sums and products hold a leaf for every plain number -------------------- */

/* Return an operand, or a leaf for a plain number; NULL without an error where it is neither. */
static Value *operand_of(PyObject *object, PyTypeObject *kind)
{
    double number;
    if (is_value_or_subclass(object)) {
        return (Value *)Py_NewRef(object);
    }
    if (as_number(object, &number) != 1) {
        return NULL;
    }
    Value *leaf = new_node_if_held(0, kind);
    if (leaf != NULL) {
        leaf->data = number;
        leaf->flags |= GRADED;
        leaf->marks |= PyLong_Check(object) && is_exact(number) ? WHOLE : 0;
        PyObject_GC_Track(leaf);
    }
    return leaf;
}

static PyObject *of_kin(uint8_t op, PyObject *a, PyObject *b)
{
    PyTypeObject *kind = is_value_or_subclass(a) ? held_with(NULL, (Value *)a) : NULL;
    kind = is_value_or_subclass(b) ? held_with(kind, (Value *)b) : kind;
    Value *x = operand_of(a, kind), *y = x != NULL ? operand_of(b, kind) : NULL;
    Value *z = y != NULL ? new_node_if_held(op, kind) : NULL;
    if (z == NULL) {
        Py_XDECREF(x);
        Py_XDECREF(y);
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
    }
    z->data = operations[op].step2(x->data, y->data, 3, &z->pair[0].number, &z->pair[1].number);
    z->pair[0].parent = x;
    z->pair[1].parent = y;
    z->count = 2;
    mark_whole(z);
    PyObject_GC_Track(z);
    return modes_are_open() ? with_modes(z) : (PyObject *)z;
}

PyObject *add_kin(PyObject *a, PyObject *b) { return of_kin(OP_ADD, a, b); }
PyObject *multiply_kin(PyObject *a, PyObject *b) { return of_kin(OP_MUL, a, b); }

/* The exponent is no node. */
PyObject *raise_kin(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    PyObject *result = binary_node(OP_POW, a, b);
    if (result != NULL && PyLong_Check(b) && is_kin(result) && ((Value *)result)->count != 0) {
        mark_whole_power((Value *)result, ((Value *)result)->pair[1].number);
    }
    return result;
}

/* -- slots ---------------------------------------------------------------------------------- */

static PyObject *add_slot(PyObject *a, PyObject *b) { return binary(OP_ADD, step_add, a, b); }
static PyObject *sub_slot(PyObject *a, PyObject *b) { return binary(OP_SUB, step_sub, a, b); }
static PyObject *mul_slot(PyObject *a, PyObject *b) { return binary(OP_MUL, step_mul, a, b); }
static PyObject *div_slot(PyObject *a, PyObject *b) { return binary(OP_DIV, step_div, a, b); }
static PyObject *mod_slot(PyObject *a, PyObject *b) { return binary(OP_MOD, step_mod, a, b); }
static PyObject *floordiv_slot(PyObject *a, PyObject *b)
{
    return binary(OP_FLOORDIV, step_floordiv, a, b);
}
static PyObject *neg_slot(PyObject *x) { return unary(OP_NEG, step_neg, x); }
static PyObject *abs_slot(PyObject *x) { return unary(OP_ABS, step_abs, x); }
static PyObject *pos_slot(PyObject *x) { return Py_NewRef(x); }

static PyObject *pow_slot(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None) { /* Python refuses what __pow__ does not take */
        return is_value_or_subclass(a) ? PyObject_CallMethod(a, "__pow__", "OO", b, modulus)
                                       : Py_NewRef(Py_NotImplemented);
    }
    return binary(OP_POW, step_pow, a, b);
}

static ALWAYS_INLINE PyObject *compared(double x, double y, int comparison)
{
    switch (comparison) {
    case Py_LT:
        return PyBool_FromLong(x < y);
    case Py_LE:
        return PyBool_FromLong(x <= y);
    case Py_GT:
        return PyBool_FromLong(x > y);
    case Py_GE:
        return PyBool_FromLong(x >= y);
    case Py_EQ:
        return PyBool_FromLong(x == y);
    default:
        return PyBool_FromLong(x != y);
    }
}

static PyObject *compare(PyObject *a, PyObject *b, int comparison)
{
    double x = ((Value *)a)->data, y;
    if (is_value_or_subclass(b)) {
        return compared(x, ((Value *)b)->data, comparison);
    }
    if (PyFloat_CheckExact(b)) {
        return compared(x, PyFloat_AS_DOUBLE(b), comparison);
    }
    if (PyComplex_Check(b)) { /* which no Value is equal to, nor less than */
        return Py_NewRef(Py_NotImplemented);
    }
    PyObject *other = Py_NewRef(b);
    int foreign = PyObject_IsInstance(b, tools.arithmetic); /* a Value of the other engine */
    if (foreign != 0) {
        Py_SETREF(other, foreign < 0 ? NULL : PyObject_GetAttrString(b, "_data"));
    } else if (!PyFloat_Check(b) && !PyLong_Check(b)) {
        int known = as_number(b, &y);
        Py_SETREF(other, known == 1   ? PyFloat_FromDouble(y)
                         : known == 0 ? Py_NewRef(Py_NotImplemented)
                                      : NULL);
    }
    if (other == NULL || other == Py_NotImplemented) {
        return other;
    }
    /* as a float compares, so that an int of any size does */
    PyObject *number = PyFloat_FromDouble(x), *answer = NULL;
    if (number != NULL) {
        answer = PyFloat_Type.tp_richcompare(number, other, comparison);
        Py_DECREF(number);
    }
    Py_DECREF(other);
    return answer;
}

static PyObject *compare_slot(PyObject *a, PyObject *b, int comparison)
{
    PyObject *outcome = compare(a, b, comparison);
    if (is_traced() && outcome != NULL && outcome != Py_NotImplemented) {
        Py_SETREF(outcome, note_guard(comparison, a, b, outcome == Py_True));
    }
    return outcome;
}

void set_operator_slots(PyTypeObject *type)
{
    PyNumberMethods *number = type->tp_as_number;
    number->nb_add = add_slot;
    number->nb_subtract = sub_slot;
    number->nb_multiply = mul_slot;
    number->nb_true_divide = div_slot;
    number->nb_remainder = mod_slot;
    number->nb_floor_divide = floordiv_slot;
    number->nb_power = pow_slot;
    number->nb_negative = neg_slot;
    number->nb_positive = pos_slot;
    number->nb_absolute = abs_slot;
    type->tp_richcompare = compare_slot;
}
