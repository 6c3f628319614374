/* Kin: a Value whose results are of the class of their operands, and which takes attributes.
 *
 * Its operators are in operators.c. What needs no speed is Python, for both engines:
 * micrograd/engine.py.
 */
#include "node.h"
#include <structmember.h>

typedef struct {
    Value node;
    PyObject *attributes, *weak_references; /* NULL until there are some */
} Kin;

/* -- the pass ------------------------------------------------------------------------------- */

/* _pass(upstream): a whole pass, or the nodes in order where one has a backward of its own */
static PyObject *pass(PyObject *self, PyObject *upstream)
{
    PyObject *by_hand = NULL;
    double number = PyFloat_AsDouble(upstream);
    if ((number == -1.0 && PyErr_Occurred()) ||
        run_backward((Value *)self, number, &by_hand) < 0) {
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
        parent->marks &= (uint8_t) ~(whole ? NO_GRAD : NO_GRAD | WHOLE_GRAD);
    }
    Py_RETURN_NONE;
}

/* _relink(op, operands, partials): other operands than so far */
static PyObject *relink(PyObject *self, PyObject *args)
{
    PyObject *op, *operands, *partials;
    if (!PyArg_ParseTuple(args, "UO!O!:_relink", &op, &PyTuple_Type, &operands, &PyTuple_Type,
                          &partials)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(operands); i++) {
        PyObject *item = PyTuple_GET_ITEM(operands, i);
        if (is_value_or_subclass(item)) {
            held_with(NULL, (Value *)item);
        }
    }
    drop_operands((Value *)self);
    if (PyTuple_GET_SIZE(operands) != 0 &&
        set_operands((Value *)self, op, operands, partials) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
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
    {"_hand_on", hand_on, METH_NOARGS, NULL},
    {"_relink", relink, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(Kin, attributes), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Kin, weak_references), READONLY, NULL},
    {"_marks", T_UBYTE, offsetof(Value, marks), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef fields[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_nb_add, add_kin},
    {Py_nb_multiply, multiply_kin},
    {Py_nb_power, raise_kin},
    {Py_tp_dealloc, free_kin},
    {Py_tp_traverse, visit_kin},
    {Py_tp_clear, clear_kin},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, fields},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "scalargrad._native.Kin",
    .basicsize = sizeof(Kin),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int create_kin(void)
{
    Kin_Type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)Value_Type);
    return Kin_Type == NULL ? -1 : 0;
}
