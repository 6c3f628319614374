/* Calls that are like earlier ones: arguments are taken apart, a plan runs and the result is put
 * together without a line of Python.
 *
 * The model is the polymorphic inline cache (Hölzle, Chambers, Ungar, 1991): what the calls of one
 * place met so far, the latest first. Here these are the paths of a function for arguments of one
 * shape. Where a guard turns out otherwise, its branch leads to the next way, as far as these are
 * known. A call that fits nothing gives NotImplemented, and Python takes over.
 */
#include "../access.h"
#include "plan_object.h"
#include "shapes.h"
#include <structmember.h>

enum { MOST_WAYS = 4096, FEW_WAYS = 8, MOST_HOPS = 64, FEW = 64 };

/* What runs on one path. */
typedef struct {
    unsigned int path;
    int selects;    /* a nan may come from what was not chosen, and is Python's */
    long long left; /* calls until it is to be planned anew; negative: any number */
    PlanObject *plan;
    PyObject *captured; /* a tuple of Values and floats */
    PyObject *result;   /* the codes of the result, as bytes, and the things in it */
    PyObject *things;
    PyObject *branches; /* guard -> the path behind it, where that turns out otherwise */
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
    unsigned int way_room, paths;
    unsigned int parted; /* the path where the last call left for one that was not known */
    Way *ways;
    uint32_t *way_of; /* each path, or NONE */
    size_t numbers;   /* that a call needs: of the way that needs most */
} Calls;

static PyTypeObject *Calls_Type;
static const Access *value_access;

/* use_access(capsule): how Values are read, from the engine */
PyObject *use_access(PyObject *module, PyObject *capsule)
{
    (void)module;
    const Access *access = PyCapsule_GetPointer(capsule, ACCESS_NAME);
    value_access = access != NULL ? access : value_access;
    return access != NULL ? Py_NewRef(Py_None) : NULL;
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
    Py_INCREF(way->branches);
}

static void release(const Way *way)
{
    Py_DECREF(way->plan);
    Py_DECREF(way->captured);
    Py_DECREF(way->result);
    Py_DECREF(way->things);
    Py_DECREF(way->branches);
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

/* Run a way on numbers that were read: the result, or NotImplemented where it is another path's,
 * and then at which guard (from 1) that parts, if it does.
 */
static PyObject *go(const Way *way, double *numbers, int32_t *parted)
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
    *parted = status;
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

/* The way behind a guard of another one, or NONE. */
static uint32_t way_behind(const Calls *self, const Way *way, int32_t guard)
{
    PyObject *key = PyLong_FromLong(guard - 1);
    PyObject *other = key != NULL ? PyDict_GetItemWithError(way->branches, key) : NULL;
    unsigned long path = other != NULL ? PyLong_AsUnsignedLong(other) : NONE;
    Py_XDECREF(key);
    if (PyErr_Occurred()) { /* no memory: Python may have some */
        PyErr_Clear();
        return NONE;
    }
    return path < self->paths ? self->way_of[path] : NONE;
}

/* Try one way; tell in `next` which one is behind the guard where it parts. */
static PyObject *try_way(Calls *self, uint32_t index, double *numbers, size_t room, uint32_t *next)
{
    *next = NONE;
    if (index >= self->count || self->ways[index].left == 0 ||
        room_for(self->ways[index].plan) > room) {
        return Py_NewRef(Py_NotImplemented);
    }
    int32_t parted = 0;
    self->ways[index].left -= self->ways[index].left > 0;
    Way way = self->ways[index]; /* another thread may change it meanwhile */
    hold(&way);
    PyObject *result = go(&way, numbers, &parted);
    if (result != Py_NotImplemented) {
        self->latest = index;
    } else if (parted > 0) {
        *next = way_behind(self, &way, parted);
    }
    release(&way);
    return result;
}

/* Try the latest way and those to which branches lead from there; then all, where they are few. */
static PyObject *go_somewhere(Calls *self, double *numbers, size_t room)
{
    uint32_t first = self->latest, next = first, after;
    for (int hops = 0; hops < MOST_HOPS && next != NONE; hops++) {
        PyObject *result = try_way(self, next, numbers, room, &after);
        if (result != Py_NotImplemented) {
            return result;
        }
        Py_DECREF(result);
        self->parted = next < self->count ? self->ways[next].path : self->parted;
        next = after;
    }
    for (uint32_t i = 0; i < self->count && self->count <= FEW_WAYS; i++) {
        PyObject *result =
            i != first ? try_way(self, i, numbers, room, &after) : Py_NewRef(Py_NotImplemented);
        if (result != Py_NotImplemented) {
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
    size_t room = self->numbers;
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
    self->count = self->latest = self->way_room = self->paths = 0;
    self->parted = 0;
    self->ways = NULL;
    self->way_of = NULL;
    self->numbers = self->inputs;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* parted(): the path where a call left that was not answered */
static PyObject *parted(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(((Calls *)object)->parted);
}

/* goes(path): whether this way is known, for more calls; it is tried first then */
static PyObject *goes(PyObject *object, PyObject *path)
{
    Calls *self = (Calls *)object;
    unsigned long wanted = PyLong_AsUnsignedLong(path);
    uint32_t index = wanted < self->paths ? self->way_of[wanted] : NONE;
    if (index < self->count && self->ways[index].left != 0) {
        self->latest = index;
        Py_RETURN_TRUE;
    }
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
}

/* Make room for a path, and for one more way: 0 with an error. */
static int has_room(Calls *self, unsigned int path)
{
    if (path >= self->paths) {
        unsigned int paths = path < 64 ? 64 : 2 * path;
        uint32_t *way_of = PyMem_Realloc(self->way_of, paths * sizeof *way_of);
        if (way_of == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        memset(way_of + self->paths, 0xff, (paths - self->paths) * sizeof *way_of); /* NONE */
        self->way_of = way_of;
        self->paths = paths;
    }
    if (self->count == self->way_room && self->way_room < MOST_WAYS) {
        unsigned int room = self->way_room == 0 ? 4 : 2 * self->way_room;
        Way *ways = PyMem_Realloc(self->ways, room * sizeof *ways);
        if (ways == NULL) {
            PyErr_NoMemory();
            return 0;
        }
        self->ways = ways;
        self->way_room = room;
    }
    return 1;
}

/* put(path, selects, left, plan, captured, result, things, branches): go this way too, or anew */
static PyObject *put(PyObject *object, PyObject *args)
{
    Calls *self = (Calls *)object;
    Way way;
    PyObject *plan;
    if (!PyArg_ParseTuple(args, "IpLO!O!O!O!O!:put", &way.path, &way.selects, &way.left,
                          plan_type(), &plan, &PyTuple_Type, &way.captured, &PyBytes_Type,
                          &way.result, &PyTuple_Type, &way.things, &PyDict_Type, &way.branches)) {
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
    if (way.path > INT32_MAX / 8 || !has_room(self, way.path)) {
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "put: wants a path");
    }
    uint32_t at = self->way_of[way.path];
    if (at >= self->count) { /* where all are taken, one goes that was not gone just now */
        at = self->count < MOST_WAYS ? self->count : (self->latest + 1) % MOST_WAYS;
    }
    hold(&way);
    int is_new = at == self->count;
    Way old = is_new ? way : self->ways[at];
    self->way_of[old.path] = NONE;
    self->way_of[way.path] = at;
    self->ways[at] = way;
    self->numbers = room_for(way.plan) > self->numbers ? room_for(way.plan) : self->numbers;
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
        Py_VISIT(self->ways[i].branches);
    }
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int clear(PyObject *object)
{
    Calls *self = (Calls *)object;
    while (self->count > 0) {
        Way way = self->ways[--self->count];
        self->way_of[way.path] = NONE;
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
    PyMem_Free(((Calls *)object)->ways);
    PyMem_Free(((Calls *)object)->way_of);
    Py_DECREF(((Calls *)object)->shape);
    Py_DECREF(((Calls *)object)->array_type);
    Py_DECREF(((Calls *)object)->watched);
    PyObject_GC_Del(object);
    Py_DECREF(type);
}

static PyMethodDef calls_methods[] = {
    {"parted", parted, METH_NOARGS, "Return the path from which no way was known."},
    {"goes", goes, METH_O, "Tell whether a way is known."},
    {"forget", forget, METH_NOARGS, "Go no way from now on."},
    {"put", put, METH_VARARGS, "Go the way of a plan."},
    {NULL},
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
