/* A Python function with a short cut: plain arguments are handled in C, all others, and every
 * error, by the function itself, so that names, texts and messages are its own.
 */
#include "node.h"
#include <structmember.h>

typedef struct Quick Quick;
/* Return a result, or NULL; NULL without an error means: ask the function. */
typedef PyObject *(*ShortCut)(Quick *quick, PyObject *const *args, Py_ssize_t count);

struct Quick {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    ShortCut short_cut;
    PyObject *function;
    PyObject *dict; /* __wrapped__, __doc__, __name__, ... */
    PyObject *weak_references;
    int row; /* of the table, or 0 */
};

static PyTypeObject *Quick_Type;

static PyObject *call(PyObject *self, PyObject *const *args, size_t flagged, PyObject *names)
{
    Quick *quick = (Quick *)self;
    if (LIKELY(names == NULL)) {
        PyObject *result = quick->short_cut(quick, args, PyVectorcall_NARGS(flagged));
        if (result != NULL || PyErr_Occurred()) {
            return result;
        }
    }
    return PyObject_Vectorcall(quick->function, args, flagged, names);
}

/* A result, or NULL for NotImplemented: ask the function. */
static PyObject *unless_not_implemented(PyObject *result)
{
    if (result == Py_NotImplemented) {
        Py_CLEAR(result);
    }
    return result;
}

/* -- short cuts ----------------------------------------------------------------------------- */

static PyObject *of_one(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    if (count != 1) {
        return NULL;
    }
    if (LIKELY(is_value(args[0]))) {
        return unary_node(quick->row, args[0]);
    }
    if (PyFloat_CheckExact(args[0])) {
        return PyFloat_FromDouble(operations[quick->row].value1(PyFloat_AS_DOUBLE(args[0])));
    }
    return NULL;
}

static PyObject *method(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    return count == 1 && is_value(args[0]) ? unary_node(quick->row, args[0]) : NULL;
}

static PyObject *of_two(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2) {
        return NULL;
    }
    if (is_value(args[0]) ? is_value(args[1]) || PyFloat_CheckExact(args[1])
                          : is_value(args[1]) && PyFloat_CheckExact(args[0])) {
        return binary_node(quick->row, args[0], args[1]);
    }
    if (PyFloat_CheckExact(args[0]) && PyFloat_CheckExact(args[1])) {
        Value2 value = operations[quick->row].value2;
        return PyFloat_FromDouble(value(PyFloat_AS_DOUBLE(args[0]), PyFloat_AS_DOUBLE(args[1])));
    }
    return NULL;
}

static int is_plain_list(PyObject *object)
{
    return (PyList_CheckExact(object) || PyTuple_CheckExact(object)) &&
           PySequence_Fast_GET_SIZE(object) > 0;
}

static PyObject *of_list(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    if (count != 1 || !is_plain_list(args[0])) {
        return NULL;
    }
    return unless_not_implemented(many_node(quick->row, args[0], NULL));
}

static PyObject *of_two_lists(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    if (count != 2 || !is_plain_list(args[0]) || !is_plain_list(args[1]) ||
        PySequence_Fast_GET_SIZE(args[0]) != PySequence_Fast_GET_SIZE(args[1])) {
        return NULL;
    }
    return unless_not_implemented(many_node(quick->row, args[0], args[1]));
}

static PyObject *affine(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    if (count != 3 || !is_plain_list(args[0]) || !is_plain_list(args[1]) ||
        !is_plain_list(args[2])) {
        return NULL;
    }
    Py_ssize_t size = PySequence_Fast_GET_SIZE(args[0]);
    if (PySequence_Fast_GET_SIZE(args[1]) != size || PySequence_Fast_GET_SIZE(args[2]) != size) {
        return NULL;
    }
    PyObject *results = hidden(PyList_New(size));
    for (Py_ssize_t i = 0; results != NULL && i < size; i++) {
        /* building a node may run other code (a finaliser), so the lists are asked anew */
        PyObject *row[3] = {NULL, NULL, NULL}, *result = NULL;
        for (int j = 0; j < 3; j++) {
            row[j] = PySequence_Fast_GET_SIZE(args[j]) > i
                         ? Py_NewRef(PySequence_Fast_GET_ITEM(args[j], i))
                         : NULL;
        }
        if (row[0] != NULL && row[1] != NULL && row[2] != NULL) {
            PyObject *product = of_two_lists(quick, row, 2);
            if (product != NULL && is_value(product)) {
                result = unless_not_implemented(PyNumber_Add(product, row[2]));
            }
            Py_XDECREF(product);
        }
        for (int j = 0; j < 3; j++) {
            Py_XDECREF(row[j]);
        }
        if (result == NULL) {
            Py_CLEAR(results);
        } else {
            PyList_SET_ITEM(results, i, result);
        }
    }
    return shown(results);
}

static PyObject *backward(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    double upstream = 1.0;
    if (count < 1 || count > 2 || !is_value_or_subclass(args[0]) ||
        (count == 2 && number_of("backward", "upstream", args[1], "1.0", &upstream) < 0)) {
        return NULL;
    }
    return run_backward((Value *)args[0], upstream, NULL) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *detach(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return count == 1 && is_value_or_subclass(args[0]) ? detached((Value *)args[0]) : NULL;
}

static PyObject *zero_grad(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    if (count != 1 || !(PyList_CheckExact(args[0]) || PyTuple_CheckExact(args[0])) || is_traced()) {
        return NULL;
    }
    PyObject **items = PySequence_Fast_ITEMS(args[0]);
    Py_ssize_t size = PySequence_Fast_GET_SIZE(args[0]);
    for (Py_ssize_t i = 0; i < size; i++) {
        if (!is_value(items[i]) && !is_value_or_subclass(items[i])) {
            return NULL;
        }
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        Value *node = (Value *)items[i];
        node->grad = 0.0;
        node->flags = (uint8_t)(node->count == 0 ? node->flags | GRADED : node->flags & ~GRADED);
    }
    Py_RETURN_NONE;
}

/* move(rule, parameters, kept, settings) */
static PyObject *move(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return count == 4 ? move_parameters(args[0], args[1], args[2], args[3]) : NULL;
}

/* -- compiled functions: calls that are like earlier ones, see machine/calls.c ----------------- */

static PyObject *replay(PyObject *const *args, Py_ssize_t count, PyObject *attribute)
{
    if (count < 1 || is_traced()) {
        return NULL;
    }
    if (PySet_GET_SIZE(tools.active) != 0 && detects_anomaly() != 0) {
        return NULL;
    }
    PyObject *calls = PyObject_GetAttr(args[0], attribute);
    if (calls == NULL) {
        PyErr_Clear(); /* the function says what is wrong with its self */
        return NULL;
    }
    PyObject *result = calls == Py_None
                           ? Py_NewRef(Py_NotImplemented)
                           : PyObject_Vectorcall(calls, args + 1, (size_t)count - 1, NULL);
    Py_DECREF(calls);
    return unless_not_implemented(result);
}

static PyObject *replay_call(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return replay(args, count, tools.calls_keys[0]);
}

static PyObject *replay_gradient(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return replay(args, count, tools.calls_keys[1]);
}

static PyObject *replay_backward(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return replay(args, count, tools.calls_keys[2]);
}

/* The same for a derivative: where something around it is differentiated, it must be a graph. */
static PyObject *replay_derivative(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    PyObject *inputs = NULL;
    if (PyContextVar_Get(tools.around, NULL, &inputs) < 0) {
        return NULL;
    }
    int is_inside = inputs != NULL && PyTuple_CheckExact(inputs) && PyTuple_GET_SIZE(inputs) != 0;
    Py_XDECREF(inputs);
    return is_inside ? NULL : replay_call(quick, args, count);
}

/* block.__exit__(kind, error, trace) */
static PyObject *leave(Quick *quick, PyObject *const *args, Py_ssize_t count)
{
    (void)quick;
    return count == 4 ? leave_block(args[0]) : NULL;
}

/* -- the type ------------------------------------------------------------------------------- */

static const struct {
    const char *kind;
    ShortCut short_cut;
} short_cuts[] = {
    {"one", of_one},
    {"method", method},
    {"two", of_two},
    {"list", of_list},
    {"lists", of_two_lists},
    {"affine", affine},
    {"backward", backward},
    {"detach", detach},
    {"move", move},
    {"zero_grad", zero_grad},
    {"replay_call", replay_call},
    {"replay_gradient", replay_gradient},
    {"replay_backward", replay_backward},
    {"replay_derivative", replay_derivative},
    {"leave", leave},
};

static PyObject *call_init(PyObject *self, PyObject *const *args, size_t flagged, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    if (count >= 1 && is_value_or_subclass(args[0])) {
        int status = init_value((Value *)args[0], args + 1, count - 1, names);
        if (status != 0) {
            return status < 0 ? NULL : Py_NewRef(Py_None);
        }
    }
    return PyObject_Vectorcall(((Quick *)self)->function, args, flagged, names);
}

/* short_cut(kind, function, row) */
PyObject *new_quick(PyObject *module, PyObject *args)
{
    (void)module;
    const char *kind;
    PyObject *function;
    int row;
    if (!PyArg_ParseTuple(args, "sOi:short_cut", &kind, &function, &row)) {
        return NULL;
    }
    ShortCut short_cut = NULL;
    for (size_t i = 0; i < sizeof short_cuts / sizeof *short_cuts; i++) {
        short_cut = strcmp(kind, short_cuts[i].kind) == 0 ? short_cuts[i].short_cut : short_cut;
    }
    int is_init = strcmp(kind, "init") == 0;
    if ((short_cut == NULL && !is_init) || row < 0 || row >= operation_count) {
        PyErr_Format(PyExc_ValueError, "short_cut: none of the kind %s at %d", kind, row);
        return NULL;
    }
    Quick *quick = PyObject_GC_New(Quick, Quick_Type);
    if (quick == NULL) {
        return NULL;
    }
    quick->vectorcall = is_init ? call_init : call;
    quick->short_cut = short_cut;
    quick->function = Py_NewRef(function);
    quick->dict = quick->weak_references = NULL;
    quick->row = row;
    PyObject_GC_Track(quick);
    return (PyObject *)quick;
}

static int quick_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(((Quick *)self)->function);
    Py_VISIT(((Quick *)self)->dict);
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static int quick_clear(PyObject *self)
{
    Py_CLEAR(((Quick *)self)->dict);
    return 0;
}

static void quick_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((Quick *)self)->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(((Quick *)self)->function);
    Py_XDECREF(((Quick *)self)->dict);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *bind(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    return object == NULL || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

static PyObject *quick_repr(PyObject *self) { return PyObject_Repr(((Quick *)self)->function); }

/* What it does not have itself, such as __defaults__ and __code__, is the function's. */
static PyObject *get_attribute(PyObject *self, PyObject *name)
{
    PyObject *attribute = PyObject_GenericGetAttr(self, name);
    if (attribute == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        attribute = PyObject_GetAttr(((Quick *)self)->function, name);
    }
    return attribute;
}

/* Pickles and copies are by name, as those of functions are. */
static PyObject *reduce(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *owner = PyObject_GetAttrString(self, "_owner"); /* of a method */
    if (owner == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return NULL;
        }
        PyErr_Clear();
        return PyObject_GetAttrString(self, "__qualname__");
    }
    PyObject *builtins = PyEval_GetBuiltins();
    PyObject *getter = builtins != NULL ? PyDict_GetItemString(builtins, "getattr") : NULL;
    PyObject *name = PyObject_GetAttrString(self, "__name__");
    if (getter == NULL || name == NULL) {
        Py_DECREF(owner);
        Py_XDECREF(name);
        return getter == NULL ? PyErr_Format(PyExc_RuntimeError, "no getattr") : NULL;
    }
    return Py_BuildValue("O(NN)", getter, owner, name);
}

static PyMethodDef quick_methods[] = {
    {"__reduce__", reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef quick_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Quick, vectorcall), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Quick, weak_references), READONLY, NULL},
    {"__dictoffset__", T_PYSSIZET, offsetof(Quick, dict), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef quick_fields[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot quick_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, quick_traverse},
    {Py_tp_clear, quick_clear},
    {Py_tp_dealloc, quick_dealloc},
    {Py_tp_descr_get, bind},
    {Py_tp_repr, quick_repr},
    {Py_tp_getattro, get_attribute},
    {Py_tp_methods, quick_methods},
    {Py_tp_members, quick_members},
    {Py_tp_getset, quick_fields},
    {0, NULL},
};

static PyType_Spec quick_spec = {
    .name = "scalargrad._native.Quick",
    .basicsize = sizeof(Quick),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = quick_slots,
};

int create_quick_type(void)
{
    Quick_Type = (PyTypeObject *)PyType_FromSpec(&quick_spec);
    return Quick_Type == NULL ? -1 : 0;
}
