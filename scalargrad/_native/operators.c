/* Operations of one and two operands, and the slots of the operators. */
#include "node.h"
#include <math.h>

#define INF HUGE_VAL
#include "ops.inc"

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
    int held = is_held(x);
    Value *z = new_node_if_held((uint8_t)op, held);
    if (z == NULL) {
        return NULL;
    }
    z->data = operations[op].step1(x->data, 1, &z->pair[0].number);
    Py_INCREF(object);
    z->pair[0].parent = x;
    z->count = 1;
    if (held) {
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
    int held = (left && is_held((Value *)a)) || (right && is_held((Value *)b));
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
    if (held) {
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
    if (is_traced() && outcome != NULL && outcome != Py_NotImplemented &&
        note_guard(comparison, a, b, outcome == Py_True) < 0) {
        Py_CLEAR(outcome);
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
