/* The type Value: its constructor and its fields. */
#include "node.h"

/* -- the constructor: Value(data, label="") -------------------------------------------------- */

static PyObject *construct(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    (void)args;
    (void)keywords;
    Value *node = type == Value_Type ? new_node(0, 0) : (Value *)type->tp_alloc(type, 0);
    if (node != NULL) {
        node->data = 0.0;
        node->flags = GRADED;
    }
    return (PyObject *)node;
}

int init_value(Value *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    PyObject *fields[2] = {NULL, NULL}; /* data, label */
    for (Py_ssize_t i = 0; i < count && i < 2; i++) {
        fields[i] = args[i];
    }
    int odd = count > 2;
    for (Py_ssize_t i = 0; i < named; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int index = PyUnicode_CompareWithASCIIString(name, "data") == 0    ? 0
                    : PyUnicode_CompareWithASCIIString(name, "label") == 0 ? 1
                                                                           : -1;
        odd |= index < 0 || fields[index] != NULL;
        if (!odd) {
            fields[index] = args[count + i];
        }
    }
    if (odd || fields[0] == NULL) {
        return 0; /* Python raises its error */
    }
    double data;
    if (number_of("Value", "data", fields[0], "1.0", &data) < 0) {
        return -1;
    }
    self->data = data;
    self->grad = 0.0;
    self->flags |= GRADED;
    if (UNLIKELY(self->count != 0 || self->flags & NOTED)) { /* called again */
        set_notes(self, NULL);
        drop_operands(self);
    }
    PyObject *label = fields[1];
    if (label == NULL || (PyUnicode_CheckExact(label) && PyUnicode_GET_LENGTH(label) == 0)) {
        return 1;
    }
    PyObject *empty = PyUnicode_FromString("");
    int given = empty != NULL ? PyObject_RichCompareBool(label, empty, Py_NE) : -1;
    Py_XDECREF(empty);
    if (given > 0) {
        given = PyObject_SetAttrString((PyObject *)self, "label", label) < 0 ? -1 : 1;
    }
    return given < 0 ? -1 : 1;
}

/* Whether nobody has put another __init__ or __new__ into the class. */
static int is_untouched(void)
{
    static unsigned int version; /* of the class when it was last looked at */
    static PyObject *init;       /* of the untouched class */
    if (LIKELY(version != 0 && version == Value_Type->tp_version_tag)) {
        return 1;
    }
    PyObject *now = PyDict_GetItemWithError(Value_Type->tp_dict, tools.init_key);
    init = init == NULL ? Py_XNewRef(now) : init; /* kept, or another could have its address */
    version = now == init && Value_Type->tp_new == construct ? Value_Type->tp_version_tag : 0;
    return now == init && Value_Type->tp_new == construct;
}

/* What calling a class does without a short cut. */
static PyObject *call_type(PyObject *type, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *tuple = PyTuple_New(count), *keywords = NULL, *result = NULL;
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    }
    int status = tuple == NULL ? -1 : 0;
    if (status == 0 && names != NULL) {
        status = (keywords = PyDict_New()) == NULL ? -1 : 0;
        for (Py_ssize_t i = 0; status == 0 && i < PyTuple_GET_SIZE(names); i++) {
            status = PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, i), args[count + i]);
        }
    }
    if (status == 0) {
        result = PyType_Type.tp_call(type, tuple, keywords);
    }
    Py_XDECREF(tuple);
    Py_XDECREF(keywords);
    return result;
}

static PyObject *vectorcall(PyObject *type, PyObject *const *args, size_t flagged, PyObject *names)
{
    Py_ssize_t count = PyVectorcall_NARGS(flagged);
    if (UNLIKELY(!is_untouched())) {
        return call_type(type, args, count, names);
    }
    Value *node = (Value *)construct((PyTypeObject *)type, NULL, NULL);
    if (node == NULL) {
        return NULL;
    }
    if (count == 1 && names == NULL && PyFloat_CheckExact(args[0])) {
        node->data = PyFloat_AS_DOUBLE(args[0]);
        return (PyObject *)node;
    }
    int status = init_value(node, args, count, names);
    if (status == 1) {
        return (PyObject *)node;
    }
    Py_DECREF(node);
    return status < 0 ? NULL : call_type(type, args, count, names); /* __init__ raises the error */
}

PyObject *detached(Value *node)
{
    Value *leaf = (Value *)construct(Value_Type, NULL, NULL);
    if (leaf == NULL) {
        return NULL;
    }
    leaf->data = node->data;
    if (is_traced() && trace_detached(leaf, node) < 0) {
        Py_DECREF(leaf);
        return NULL;
    }
    if (node->flags & NOTED || !is_value((PyObject *)node)) {
        PyObject *label = PyObject_GetAttrString((PyObject *)node, "label");
        int named = label != NULL ? PyObject_IsTrue(label) : -1;
        if (named < 0 ||
            (named > 0 && PyObject_SetAttrString((PyObject *)leaf, "label", label) < 0)) {
            Py_CLEAR(leaf);
        }
        Py_XDECREF(label);
    }
    return (PyObject *)leaf;
}

/* -- fields --------------------------------------------------------------------------------- */

int no_deletion(PyObject *self, PyObject *value, const char *field)
{
    if (value == NULL) {
        PyErr_Format(PyExc_AttributeError, "property '%s' of '%s' object has no deleter", field,
                     Py_TYPE(self)->tp_name);
    }
    return value == NULL;
}

/* The closure of a field that everyone may use is its name; those of the package have none. */
static int is_frozen(const char *what, const char *name)
{
    if (name == NULL || !is_traced()) {
        return 0;
    }
    refuse_while_traced(what, name);
    return 1;
}

static PyObject *get_data(PyObject *self, void *name)
{
    if (is_frozen("frozen_read", name)) {
        return NULL;
    }
    return PyFloat_FromDouble(((Value *)self)->data);
}

static int set_data(PyObject *self, PyObject *value, void *name)
{
    double number;
    if (is_frozen("frozen_write", name) || no_deletion(self, value, "data") ||
        number_of("Value", "data", value, "1.0", &number) < 0) {
        return -1;
    }
    ((Value *)self)->data = number;
    return 0;
}

static PyObject *get_grad(PyObject *self, void *name)
{
    if (is_frozen("frozen_read", name)) {
        return NULL;
    }
    return PyFloat_FromDouble(((Value *)self)->grad);
}

static int set_grad(PyObject *self, PyObject *value, void *name)
{
    double number;
    if (is_frozen("frozen_write", name) || no_deletion(self, value, "grad") ||
        number_of("Value", "grad", value, "0.0", &number) < 0) {
        return -1;
    }
    ((Value *)self)->grad = number;
    ((Value *)self)->flags |= GRADED;
    return 0;
}

static PyObject *get_computed_grad(PyObject *self, void *unused)
{
    if (!(((Value *)self)->flags & GRADED)) {
        Py_RETURN_NONE;
    }
    return get_grad(self, unused);
}

static int set_computed_grad(PyObject *self, PyObject *value, void *unused)
{
    if (value == Py_None) {
        ((Value *)self)->grad = 0.0;
        ((Value *)self)->flags &= (uint8_t)~GRADED;
        return 0;
    }
    return set_grad(self, value, unused);
}

static PyObject *get_all_notes(PyObject *self, void *unused)
{
    (void)unused;
    PyObject *notes = get_notes((Value *)self);
    if (notes == NULL) {
        Py_RETURN_NONE;
    }
    Py_INCREF(notes);           /* an allocation may run a finaliser that removes it */
    if (!PyDict_Check(notes)) { /* a scope alone, the common case, is kept without a dict */
        PyObject *scope = notes;
        notes = PyDict_New();
        if (notes != NULL && PyDict_SetItem(notes, tools.scope_key, scope) < 0) {
            Py_CLEAR(notes);
        }
        Py_DECREF(scope);
    }
    return notes;
}

static int set_all_notes(PyObject *self, PyObject *notes, void *unused)
{
    (void)unused;
    if (notes != NULL && notes != Py_None && !PyDict_Check(notes)) {
        PyErr_SetString(PyExc_TypeError, "_notes must be a dict or None");
        return -1;
    }
    return set_notes((Value *)self, notes);
}

static PyObject *get_op(PyObject *self, void *unused)
{
    (void)unused;
    Value *node = (Value *)self;
    return Py_NewRef(node->op == OWN_NAME ? node->block->op : tools.operation_names[node->op]);
}

typedef enum { OPERANDS, PARENTS, PARTIALS } Column;

static Py_ssize_t size_of_column(Value *node, Column column)
{
    Py_ssize_t count, size = 0;
    Operand *operands = operands_of(node, &count);
    for (Py_ssize_t i = 0; i < count; i++) {
        size += column == OPERANDS || operands[i].parent != NULL;
    }
    return size;
}

static PyObject *read_column(PyObject *self, Column column)
{
    Py_ssize_t count, size, next = 0;
    PyObject *result = NULL;
    do { /* making a tuple may run a finaliser that makes a leaf of this node */
        size = size_of_column((Value *)self, column);
        Py_XSETREF(result, PyTuple_New(size));
    } while (result != NULL && size_of_column((Value *)self, column) != size);
    Operand *operands = operands_of((Value *)self, &count);
    for (Py_ssize_t i = 0; result != NULL && i < count; i++) {
        PyObject *item = (PyObject *)operands[i].parent;
        if (item == NULL && column != OPERANDS) {
            continue;
        }
        if (item == NULL || column == PARTIALS) {
            item = PyFloat_FromDouble(operands[i].number);
        } else {
            Py_INCREF(item);
        }
        if (item == NULL) {
            Py_CLEAR(result);
            break;
        }
        PyTuple_SET_ITEM(result, next++, item);
    }
    return result;
}

static PyObject *get_operands(PyObject *self, void *unused)
{
    (void)unused;
    return read_column(self, OPERANDS);
}

static PyObject *get_parents(PyObject *self, void *unused)
{
    (void)unused;
    return read_column(self, PARENTS);
}

static PyObject *get_partials(PyObject *self, void *unused)
{
    (void)unused;
    return read_column(self, PARTIALS);
}

static PyObject *size_of(PyObject *self, PyObject *unused)
{
    (void)unused;
    Value *node = (Value *)self;
    Py_ssize_t size = Py_TYPE(self)->tp_basicsize;
    if (!is_collected(self)) {
        size -= 2 * (Py_ssize_t)sizeof(void *); /* sys.getsizeof adds a header by the type alone */
    }
    if (node->count == BLOCK) {
        size += (Py_ssize_t)sizeof(Block) + node->block->count * (Py_ssize_t)sizeof(Operand);
    }
    return PyLong_FromSsize_t(size);
}

static PyGetSetDef fields[] = {
    {"data", get_data, set_data, NULL, "data"}, /* create_type gives it the docstring of Python's */
    {"grad", get_grad, set_grad, NULL, "grad"},
    {"_data", get_data, set_data, NULL, NULL},
    {"_grad", get_computed_grad, set_computed_grad, NULL, NULL},
    {"_notes", get_all_notes, set_all_notes, NULL, NULL},
    {"op", get_op, NULL, NULL, NULL},
    {"operands", get_operands, NULL, NULL, NULL},
    {"parents", get_parents, NULL, NULL, NULL},
    {"partials", get_partials, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMethodDef methods[16];

static PyType_Slot slots[] = {
    {Py_tp_new, construct},
    {Py_tp_dealloc, free_value},
    {Py_tp_traverse, visit_parents},
    {Py_tp_is_gc, is_collected},
    {Py_tp_methods, methods},
    {Py_tp_getset, fields},
    {Py_tp_free, free_subclass},
    {0, NULL},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "scalargrad._native.Value",
    .basicsize = sizeof(Value),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

/* Make the type; docs are the docstrings of the class and of its two properties. */
int create_type(PyObject *bases, PyObject *docs)
{
    const char *class_doc, *data_doc, *grad_doc;
    if (!PyArg_ParseTuple(docs, "sss", &class_doc, &data_doc, &grad_doc)) {
        return -1;
    }
    Py_INCREF(docs); /* the type points into these texts for as long as there is one */
    fields[0].doc = data_doc;
    fields[1].doc = grad_doc;
    slots[7] = (PyType_Slot){Py_tp_doc, (void *)class_doc};
    int count = 0;
    const PyMethodDef *const groups[] = {build_methods, pass_methods};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        for (const PyMethodDef *method = groups[i]; method->ml_name != NULL; method++) {
            methods[count++] = *method;
        }
    }
    assert(count + 2 <= (int)(sizeof methods / sizeof *methods));
    methods[count] = (PyMethodDef){"__sizeof__", size_of, METH_NOARGS,
                                   "__sizeof__($self, /)\n--\n\n"
                                   "Size of object in memory, in bytes."};
    Value_Type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, bases);
    if (Value_Type == NULL) {
        return -1;
    }
    Value_Type->tp_name = "Value"; /* as Python's own messages call a class of Python */
    set_operator_slots(Value_Type);
    Value_Type->tp_vectorcall = vectorcall;
    PyType_Modified(Value_Type);
    return 0;
}
