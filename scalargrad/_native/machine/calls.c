/* Calls that are like earlier ones: arguments are taken apart, a plan runs and the result is put
 * together without a line of Python.
 *
 * The model is the polymorphic inline cache (Hölzle, Chambers, Ungar, 1991): what the calls of one
 * place met so far, the latest first. Here these are the paths of a function for arguments of one
 * shape. A call that fits nothing gives NotImplemented, and Python takes over.
 */
#include "../access.h"
#include "plan_object.h"
#include "shapes.h"
#include <structmember.h>

enum { MOST_WAYS = 8, FEW = 64 };

/* What runs on one path. */
typedef struct {
    unsigned int path;
    int selects;    /* a nan may come from what was not chosen, and is Python's */
    long long left; /* calls until it is to be planned anew; negative: any number */
    PlanObject *plan;
    PyObject *captured; /* a tuple of Values and floats */
    PyObject *result;   /* the codes of the result, as bytes, and the things in it */
    PyObject *things;
} Way;

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    Py_ssize_t arguments;
    uint32_t inputs;
    PyObject *shape; /* the codes of the arguments, as bytes */
    PyObject *array_type;
    PyObject *watched;          /* triples of a holder, a name, and what must stand there */
    unsigned int count, latest; /* ways, and the one that was gone last */
    Way ways[MOST_WAYS];
} Calls;

static PyTypeObject *Calls_Type;
static const Access *value_access;

/* use_access(capsule): how Values are read, from the engine */
PyObject *use_access(PyObject *module, PyObject *capsule)
{
    (void)module;
    value_access = PyCapsule_GetPointer(capsule, ACCESS_NAME);
    return value_access != NULL ? Py_NewRef(Py_None) : NULL;
}

/* -- a call ------------------------------------------------------------------------------------ */

/* How many numbers a way needs: inputs, captured, values, gradients by inputs, by captured. */
static size_t room_for(const PlanObject *object)
{
    const Plan *plan = &object->plan;
    return 2 * ((size_t)plan->inputs + plan->captured) + plan->outputs;
}

static void hold(const Way *way)
{
    Py_INCREF(way->plan);
    Py_INCREF(way->captured);
    Py_INCREF(way->result);
    Py_INCREF(way->things);
}

static void release(const Way *way)
{
    Py_DECREF(way->plan);
    Py_DECREF(way->captured);
    Py_DECREF(way->result);
    Py_DECREF(way->things);
}

static int has_nan(const double *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] != numbers[i]) {
            return 1;
        }
    }
    return 0;
}

/* Run a way on numbers that were read: the result, or NotImplemented where it is another path's. */
static PyObject *go(const Way *way, double *numbers)
{
    const Plan *plan = &way->plan->plan;
    double *captured = numbers + plan->inputs, *results = captured + plan->captured;
    double *gradients = results + plan->outputs, *sums = gradients + plan->inputs;
    if (!value_access->read(way->captured, captured)) {
        return Py_NewRef(Py_NotImplemented);
    }
    Target target = {gradients, plan->inputs, 0};
    Run run = {.plan = plan,
               .captured = captured,
               .shared = numbers,
               .upstream = 1.0,
               .values = results,
               .gradients = way->plan->by_inputs ? &target : NULL,
               .gradient_count = way->plan->by_inputs ? 1 : 0,
               .sums = way->plan->by_captured ? sums : NULL};
    int32_t status = run_alone(way->plan, &run);
    if (status != 0) {
        return status < 0 ? NULL : Py_NewRef(Py_NotImplemented);
    }
    if (way->selects && (has_nan(results, plan->outputs) ||
                         (way->plan->by_inputs && has_nan(gradients, plan->inputs)) ||
                         (way->plan->by_captured && has_nan(sums, plan->captured)))) {
        return Py_NewRef(Py_NotImplemented);
    }
    Writer writer = {(const uint32_t *)(const void *)PyBytes_AS_STRING(way->result), results,
                     results, way->things};
    PyObject *result = write_thing(&writer);
    if (result != NULL && way->plan->by_captured) {
        value_access->add(way->captured, sums);
    }
    return result;
}

/* Try the ways, the latest first. */
static PyObject *go_somewhere(Calls *self, double *numbers, size_t room)
{
    unsigned int latest = self->latest, count = self->count;
    for (unsigned int i = 0; i < count; i++) {
        unsigned int index = i == 0 ? latest : i <= latest ? i - 1 : i;
        Way way = self->ways[index]; /* another thread may change it meanwhile */
        if (way.left == 0 || room_for(way.plan) > room) {
            continue;
        }
        self->ways[index].left -= way.left > 0;
        hold(&way);
        PyObject *result = go(&way, numbers);
        release(&way);
        if (result != Py_NotImplemented) {
            self->latest = index;
            return result;
        }
        Py_DECREF(result);
    }
    return Py_NewRef(Py_NotImplemented);
}

static int are_equal_floats(PyObject *one, PyObject *other)
{
    if (one == NULL || !PyFloat_CheckExact(one) || !PyFloat_CheckExact(other)) {
        return 0;
    }
    double x = PyFloat_AS_DOUBLE(one), y = PyFloat_AS_DOUBLE(other);
    return memcmp(&x, &y, sizeof x) == 0;
}

/* Whether a thing is what it was; where nothing stands, None is meant. */
static int is_same(PyObject *now, PyObject *thing)
{
    return now == thing ||
           (now == NULL ? thing == Py_None && !PyErr_Occurred() : are_equal_floats(now, thing));
}

/* Whether a list has the things of a tuple. */
static int has_items(PyObject *list, PyObject *things)
{
    size_t count = (size_t)PyTuple_GET_SIZE(things);
    if ((size_t)PyList_GET_SIZE(list) != count) {
        return 0;
    }
    PyObject **now = PySequence_Fast_ITEMS(list), **then = PySequence_Fast_ITEMS(things);
    if (count == 0 || memcmp(now, then, count * sizeof *now) == 0) {
        return 1; /* the same things, most often */
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_same(now[i], then[i])) {
            return 0;
        }
    }
    return 1;
}

/* Whether a dict has the keys and things of a tuple, one behind the other. */
static int has_entries(PyObject *dict, PyObject *things)
{
    PyObject *key, *thing;
    Py_ssize_t at = 0, i = 0;
    if (2 * PyDict_GET_SIZE(dict) != PyTuple_GET_SIZE(things)) {
        return 0;
    }
    for (; PyDict_Next(dict, &at, &key, &thing); i += 2) {
        if (key != PyTuple_GET_ITEM(things, i) ||
            !is_same(thing, PyTuple_GET_ITEM(things, i + 1))) {
            return 0;
        }
    }
    return 1;
}

/* What stands under a name in a dict. Those of one object are asked for in its order, so that most
 * are met where the last one was left.
 */
static PyObject *find(PyObject *dict, PyObject *name, Py_ssize_t *at)
{
    PyObject *key, *thing;
    return PyDict_Next(dict, at, &key, &thing) && key == name ? thing
                                                              : PyDict_GetItemWithError(dict, name);
}

/* Whether a slot of an object has what it had. */
static int slot_has(PyObject *object, PyObject *name, PyObject *thing)
{
    PyObject *now = PyObject_GenericGetAttr(object, name);
    if (now == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    int is_so = is_same(now, thing);
    Py_XDECREF(now);
    return is_so;
}

/* Whether an array of objects, whose memory these are, has the things of a tuple. */
static int array_has(PyObject *array, PyObject *things)
{
    Py_buffer view;
    if (PyObject_GetBuffer(array, &view, PyBUF_FORMAT | PyBUF_ND) != 0) {
        PyErr_Clear(); /* it is in another order, or none */
        return 0;
    }
    size_t size = (size_t)PyTuple_GET_SIZE(things) * sizeof(PyObject *);
    int is_so = view.format != NULL && strcmp(view.format, "O") == 0 && (size_t)view.len == size &&
                memcmp(view.buf, PySequence_Fast_ITEMS(things), size) == 0;
    PyBuffer_Release(&view);
    return is_so;
}

/* Whether a thing holds what it held; 0 too where Python must look. */
static int holds(PyObject *holder, PyObject *things)
{
    if (PyDict_Check(holder)) {
        return has_entries(holder, things);
    }
    if (PyList_Check(holder)) {
        return has_items(holder, things);
    }
    return PyObject_CheckBuffer(holder) && array_has(holder, things);
}

/* Whether at one place stands what stood there: under a name in a dict, a class or slots, in a
 * cell; without a name, in all of a list or dict. 0 with or without an error.
 */
static int stands(PyObject *triple, Py_ssize_t *at)
{
    PyObject *holder = PyTuple_GET_ITEM(triple, 0), *name = PyTuple_GET_ITEM(triple, 1);
    PyObject *thing = PyTuple_GET_ITEM(triple, 2);
    if (PyCell_Check(holder)) {
        return is_same(PyCell_GET(holder), thing);
    }
    if (PyUnicode_GET_LENGTH(name) == 0) {
        return PyTuple_CheckExact(thing) && holds(holder, thing);
    }
    PyObject *dict = PyType_Check(holder) ? ((PyTypeObject *)holder)->tp_dict : holder;
    if (dict != NULL && PyDict_CheckExact(dict)) {
        return is_same(find(dict, name, at), thing);
    }
    return slot_has(holder, name, thing);
}

/* Whether what the function finds outside is what it was; 0 with or without an error. */
static int is_as_it_was(PyObject *watched)
{
    PyObject *last = NULL;
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watched); i++) {
        PyObject *triple = PyTuple_GET_ITEM(watched, i);
        at = PyTuple_GET_ITEM(triple, 0) == last ? at : 0;
        last = PyTuple_GET_ITEM(triple, 0);
        if (!stands(triple, &at)) {
            return 0;
        }
    }
    return 1;
}

static PyObject *call(PyObject *object, PyObject *const *args, size_t flagged, PyObject *names)
{
    Calls *self = (Calls *)object;
    size_t room = self->inputs;
    for (unsigned int i = 0; i < self->count; i++) {
        size_t other = room_for(self->ways[i].plan);
        room = other > room ? other : room;
    }
    double few[FEW], *numbers = few;
    if (names != NULL || PyVectorcall_NARGS(flagged) != self->arguments ||
        !is_as_it_was(self->watched)) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_NotImplemented);
    }
    if (room > FEW && (numbers = PyMem_Malloc(room * sizeof *numbers)) == NULL) {
        return PyErr_NoMemory();
    }
    Reader reader = {(const uint32_t *)(const void *)PyBytes_AS_STRING(self->shape), numbers,
                     (PyTypeObject *)self->array_type};
    int fits = 1;
    for (Py_ssize_t i = 0; fits && i < self->arguments; i++) {
        fits = read_thing(&reader, args[i]);
    }
    PyObject *result = fits ? go_somewhere(self, numbers, room) : Py_NewRef(Py_NotImplemented);
    if (numbers != few) {
        PyMem_Free(numbers);
    }
    return result;
}

/* -- what it is made of ------------------------------------------------------------------------ */

static int are_codes(PyObject *bytes, size_t things_in, size_t numbers, int things)
{
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    if (size % sizeof(uint32_t) == 0 &&
        are_shapes((const uint32_t *)(const void *)PyBytes_AS_STRING(bytes),
                   size / sizeof(uint32_t), things_in, numbers, things)) {
        return 1;
    }
    PyErr_SetString(PyExc_ValueError, "calls: wants codes of a shape, with so many numbers");
    return 0;
}

static int are_triples(PyObject *watched)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(watched); i++) {
        PyObject *triple = PyTuple_GET_ITEM(watched, i);
        if (!PyTuple_CheckExact(triple) || PyTuple_GET_SIZE(triple) != 3 ||
            !PyUnicode_CheckExact(PyTuple_GET_ITEM(triple, 1))) {
            PyErr_SetString(PyExc_TypeError,
                            "calls: wants triples of a holder, a name and a thing");
            return 0;
        }
    }
    return 1;
}

/* is_unchanged(watched): the same for Python, which compares further where it is not */
PyObject *is_unchanged(PyObject *module, PyObject *watched)
{
    (void)module;
    if (!PyTuple_CheckExact(watched)) {
        return PyErr_Format(PyExc_TypeError, "is_unchanged: wants a tuple");
    }
    int is_so = are_triples(watched) && is_as_it_was(watched);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(is_so);
}

/* calls(arguments, inputs, shape, array_type, watched) */
PyObject *new_calls(PyObject *module, PyObject *args)
{
    (void)module;
    Py_ssize_t arguments;
    unsigned int inputs;
    PyObject *shape, *array_type, *watched;
    if (!PyArg_ParseTuple(args, "nIO!OO!:calls", &arguments, &inputs, &PyBytes_Type, &shape,
                          &array_type, &PyTuple_Type, &watched) ||
        !are_triples(watched)) {
        return NULL;
    }
    if (value_access == NULL || arguments < 0 || !are_codes(shape, (size_t)arguments, inputs, -1)) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "calls: wants an engine");
    }
    Calls *self = PyObject_GC_New(Calls, Calls_Type);
    if (self == NULL) {
        return NULL;
    }
    self->vectorcall = call;
    self->arguments = arguments;
    self->inputs = inputs;
    self->shape = Py_NewRef(shape);
    self->array_type = Py_NewRef(array_type);
    self->watched = Py_NewRef(watched);
    self->count = self->latest = 0;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* goes(path): whether this way is known, for more calls; it is tried first then */
static PyObject *goes(PyObject *object, PyObject *path)
{
    Calls *self = (Calls *)object;
    unsigned long wanted = PyLong_AsUnsignedLong(path);
    for (unsigned int i = 0; i < self->count; i++) {
        if (self->ways[i].path == wanted && self->ways[i].left != 0) {
            self->latest = i;
            Py_RETURN_TRUE;
        }
    }
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
}

/* put(path, selects, left, plan, captured, result, things): go this way too, or anew */
static PyObject *put(PyObject *object, PyObject *args)
{
    Calls *self = (Calls *)object;
    Way way;
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "IpLO!O!O!O!:put", &way.path, &way.selects, &way.left, plan_type(),
                          &plan, &PyTuple_Type, &way.captured, &PyBytes_Type, &way.result,
                          &PyTuple_Type, &way.things)) {
        return NULL;
    }
    way.plan = (PlanObject *)plan;
    const Plan *known = &way.plan->plan;
    size_t numbers = (size_t)known->outputs + (way.plan->by_inputs ? known->inputs : 0);
    if (known->inputs != self->inputs ||
        PyTuple_GET_SIZE(way.captured) != (Py_ssize_t)known->captured ||
        !are_codes(way.result, 1, numbers, (int)PyTuple_GET_SIZE(way.things))) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "put: wants its own plan");
    }
    unsigned int at = 0;
    while (at < self->count && self->ways[at].path != way.path) {
        at++;
    }
    at = at < MOST_WAYS ? at : (self->latest + 1) % MOST_WAYS; /* one that was not gone just now */
    hold(&way);
    int is_new = at == self->count;
    Way old = is_new ? way : self->ways[at];
    self->ways[at] = way;
    self->count += is_new ? 1 : 0;
    self->latest = at;
    if (!is_new) {
        release(&old);
    }
    Py_RETURN_NONE;
}

/* -- the type ---------------------------------------------------------------------------------- */

static int traverse(PyObject *object, visitproc visit, void *arg)
{
    Calls *self = (Calls *)object;
    Py_VISIT(self->watched);
    for (unsigned int i = 0; i < self->count; i++) {
        Py_VISIT(self->ways[i].captured);
        Py_VISIT(self->ways[i].things);
    }
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int clear(PyObject *object)
{
    Calls *self = (Calls *)object;
    while (self->count > 0) {
        Way way = self->ways[--self->count];
        release(&way);
    }
    return 0;
}

/* forget(): go no way from now on */
static PyObject *forget(PyObject *object, PyObject *unused)
{
    (void)unused;
    clear(object);
    Py_RETURN_NONE;
}

static void dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    Py_DECREF(((Calls *)object)->shape);
    Py_DECREF(((Calls *)object)->array_type);
    Py_DECREF(((Calls *)object)->watched);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

static PyMethodDef calls_methods[] = {
    {"goes", goes, METH_O, "Tell whether a way is known."},
    {"forget", forget, METH_NOARGS, "Go no way from now on."},
    {"put", put, METH_VARARGS, "Go the way of a plan."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef calls_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Calls, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot calls_slots[] = {
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, calls_methods},
    {Py_tp_members, calls_members},
    {0, NULL},
};

static PyType_Spec calls_spec = {
    .name = "scalargrad._native._machine.Calls",
    .basicsize = sizeof(Calls),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = calls_slots,
};

int make_calls_type(void)
{
    Calls_Type = (PyTypeObject *)PyType_FromSpec(&calls_spec);
    return Calls_Type != NULL ? 0 : -1;
}
