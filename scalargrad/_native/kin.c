/* Kin: a Value whose results are of the class of their operands, and which takes attributes.
 *
 * Its operators are in operators.c. What needs no speed is Python, for both engines:
 * micrograd/engine.py.
 */
#include "node.h"
#include <math.h>
#include <structmember.h>

typedef struct {
    Value node;
    PyObject *attributes, *weak_references; /* NULL until there are some */
} Kin;

/* A number as it is shown: an int where it came from ints alone. */
static PyObject *as_given(double number, int is_whole)
{
    return is_whole && is_exact(number) && number == floor(number) ? PyLong_FromDouble(number)
                                                                   : PyFloat_FromDouble(number);
}

static void mark(Value *node, int marks, int holds)
{
    node->marks = (uint8_t)(holds ? node->marks | marks : node->marks & ~marks);
}

/* -- the pass ------------------------------------------------------------------------------- */

/* _pass(upstream): a whole pass, or the nodes in order where one has a backward of its own */
static PyObject *pass(PyObject *self, PyObject *upstream)
{
    PyObject *by_hand = NULL;
    double number = PyFloat_AsDouble(upstream);
    if ((number == -1.0 && PyErr_Occurred()) || run_backward((Value *)self, number, &by_hand) < 0) {
        return NULL;
    }
    return by_hand != NULL ? by_hand : Py_NewRef(Py_None);
}

/* _hand_on(): what this node adds to the gradients of its operands */
static PyObject *hand_on(PyObject *self, PyObject *unused)
{
    (void)unused;
    Value *node = (Value *)self;
    Py_ssize_t count;
    Operand *operands = operands_of(node, &count);
    for (Py_ssize_t i = 0; i < count; i++) {
        Value *parent = operands[i].parent;
        if (parent == NULL) {
            continue;
        }
        int whole = node->marks & WHOLE_GRAD && node->count != BLOCK &&
                    node->marks & (WHOLE_PARTIAL << i) && parent->marks & WHOLE_GRAD;
        parent->grad += node->grad * operands[i].number;
        parent->flags |= GRADED;
        parent->marks &= (uint8_t)~(whole ? NO_GRAD : NO_GRAD | WHOLE_GRAD);
    }
    Py_RETURN_NONE;
}

/* Give a fresh node one or two other ones as operands, with no way back; or return 0. */
static int adopt(Value *node, PyObject *children, PyObject *op)
{
    Py_ssize_t count = PyTuple_CheckExact(children) ? PyTuple_GET_SIZE(children) : 0;
    if (count == 0 || count > 2 || !PyUnicode_CheckExact(op) || PyUnicode_GET_LENGTH(op) == 0 ||
        modes_are_open() || PyDict_Contains(tools.name_indices, op) != 0) {
        return 0;
    }
    PyObject **items = &PyTuple_GET_ITEM(children, 0);
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!is_value_or_subclass(items[i]) || items[i] == (PyObject *)node) {
            return 0;
        }
    }
    count -= items[0] == items[count - 1] && count == 2;
    Block *block = new_block(count);
    if (block == NULL) {
        return -1;
    }
    block->op = Py_NewRef(op);
    for (Py_ssize_t i = 0; i < count; i++) {
        held_with(NULL, (Value *)items[i]);
        block->operands[i].parent = (Value *)Py_NewRef(items[i]);
        block->operands[i].number = Py_NAN; /* not known, and not 0 */
    }
    node->block = block;
    node->op = OWN_NAME;
    node->count = BLOCK;
    node->marks |= OWN_BACKWARD;
    return 1;
}

/* _start(data, children, op): what a constructor was given; whether that is all of it */
static PyObject *start(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    double number;
    Value *node = (Value *)self;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "_start: wants data, children and an operation");
        return NULL;
    }
    if (number_of("Value", "data", args[0], "1.0", &number) < 0) {
        return NULL;
    }
    int children = PyObject_IsTrue(args[1]), op = PyObject_IsTrue(args[2]);
    if (children < 0 || op < 0) {
        return NULL;
    }
    /* from here on no other code runs */
    int is_fresh = node->count == 0 && ((Kin *)self)->attributes == NULL &&
                   !(node->marks & (USED | OWN_BACKWARD));
    node->data = number;
    node->grad = 0.0;
    node->flags |= GRADED;
    mark(node, NO_GRAD, 0);
    mark(node, WHOLE_GRAD, 1);
    mark(node, WHOLE, PyLong_Check(args[0]) && is_exact(number));
    int done = !is_fresh ? 0 : children ? adopt(node, args[1], args[2]) : !op;
    return done < 0 ? NULL : PyBool_FromLong(done);
}

/* _relink(op, operands, partials): other operands than so far */
static PyObject *relink(PyObject *self, PyObject *args)
{
    PyObject *op, *operands, *partials;
    if (!PyArg_ParseTuple(args, "UO!O!:_relink", &op, &PyTuple_Type, &operands, &PyTuple_Type,
                          &partials)) {
        return NULL;
    }
    op =
        PyUnicode_FromObject(op); /* to compare one of a class of the user's could run other code */
    if (op == NULL) {
        return NULL;
    }
    while (((Value *)self)->count != 0) { /* finalisers may link it anew */
        drop_operands((Value *)self);
    }
    int status =
        PyTuple_GET_SIZE(operands) != 0 ? set_operands((Value *)self, op, operands, partials) : 0;
    Py_DECREF(op);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

/* -- fields --------------------------------------------------------------------------------- */

static int is_refused(const char *what, const char *field)
{
    if (is_traced()) {
        refuse_while_traced(what, field);
        return 1;
    }
    return 0;
}

static PyObject *get_data(PyObject *self, void *name)
{
    const Value *node = (Value *)self;
    return is_refused("frozen_read", name) ? NULL : as_given(node->data, node->marks & WHOLE);
}

static int set_data(PyObject *self, PyObject *value, void *name)
{
    double number;
    if (is_refused("frozen_write", name) || no_deletion(self, value, name) ||
        number_of("Value", name, value, "1.0", &number) < 0) {
        return -1;
    }
    ((Value *)self)->data = number;
    mark((Value *)self, WHOLE, PyLong_Check(value) && is_exact(number));
    return 0;
}

static PyObject *get_grad(PyObject *self, void *name)
{
    const Value *node = (Value *)self;
    if (is_refused("frozen_read", name)) {
        return NULL;
    }
    if (node->marks & NO_GRAD && node->grad == 0.0) {
        Py_RETURN_NONE;
    }
    return as_given(node->grad, node->marks & WHOLE_GRAD);
}

static int set_grad(PyObject *self, PyObject *value, void *name)
{
    double number = 0.0;
    if (is_refused("frozen_write", name) || no_deletion(self, value, name) ||
        (value != Py_None && number_of("Value", name, value, "0.0", &number) < 0)) {
        return -1;
    }
    Value *node = (Value *)self;
    node->grad = number;
    node->flags |= GRADED;
    mark(node, NO_GRAD, value == Py_None);
    mark(node, WHOLE_GRAD, value == Py_None || (PyLong_Check(value) && is_exact(number)));
    return 0;
}

static PyObject *nothing(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    Py_RETURN_NONE;
}

static PyMethodDef ways_back[] = {
    {"_backward", hand_on, METH_NOARGS, NULL},
    {"_backward", nothing, METH_NOARGS, NULL},
    {NULL},
};

static PyObject *backward_key; /* interned, as no lookup may lack memory for it */

static PyObject *get_backward(PyObject *self, void *unused)
{
    (void)unused;
    int is_own = ((Value *)self)->marks & OWN_BACKWARD;
    PyObject *attributes = ((Kin *)self)->attributes;
    PyObject *own = NULL;
    if (is_own && attributes != NULL) {
        own = PyDict_GetItemWithError(attributes, backward_key);
        if (own == NULL && PyErr_Occurred()) {
            return NULL;
        }
    }
    return own != NULL ? Py_NewRef(own) : PyCFunction_New(&ways_back[is_own != 0], self);
}

static int set_backward(PyObject *self, PyObject *function, void *name)
{
    PyObject *attributes = PyObject_GenericGetDict(self, NULL);
    if (attributes == NULL || no_deletion(self, function, name) ||
        PyDict_SetItem(attributes, backward_key, function) < 0) {
        Py_XDECREF(attributes);
        return -1;
    }
    Py_DECREF(attributes);
    mark((Value *)self, OWN_BACKWARD, 1);
    return 0;
}

/* -- the type ------------------------------------------------------------------------------- */

static void free_kin(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (((Kin *)self)->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_CLEAR(((Kin *)self)->attributes);
    free_value(self);
}

static int visit_kin(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Kin *)self)->attributes);
    return visit_parents(self, visit, arg);
}

static int clear_kin(PyObject *self)
{
    Py_CLEAR(((Kin *)self)->attributes);
    drop_operands((Value *)self);
    return 0;
}

static PyMethodDef methods[] = {
    {"_pass", pass, METH_O, NULL},
    {"_start", (PyCFunction)(void (*)(void))start, METH_FASTCALL, NULL},
    {"_relink", relink, METH_VARARGS, NULL},
    {NULL},
};

static PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Kin, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Kin, weak_references), READONLY, NULL},
    {"_marks", T_UBYTE, offsetof(Value, marks), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef fields[] = {
    {"data", get_data, set_data, NULL, "data"},
    {"grad", get_grad, set_grad, NULL, "grad"},
    {"_backward", get_backward, set_backward, NULL, "_backward"},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_nb_add, add_kin},        {Py_nb_multiply, multiply_kin},
    {Py_nb_power, raise_kin},    {Py_tp_dealloc, free_kin},
    {Py_tp_traverse, visit_kin}, {Py_tp_clear, clear_kin},
    {Py_tp_methods, methods},    {Py_tp_members, members},
    {Py_tp_getset, fields},      {0, NULL},
};

static PyType_Spec spec = {
    .name = "scalargrad._native.Kin",
    .basicsize = sizeof(Kin),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int create_kin(void)
{
    backward_key = PyUnicode_InternFromString("_backward");
    if (backward_key == NULL) {
        return -1;
    }
    Kin_Type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)Value_Type);
    return Kin_Type == NULL ? -1 : 0;
}
