/* The module: plans as Python objects, and what they run on. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "run.h"

static const Lanes *strict_lanes = &lanes_base;
static const Lanes *const *fast_kernels; /* NULL: there are none */

/* -- plans ------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD Plan plan;
    int is_fast, is_vectorized, wants_inputs, wants_captured;
    Spaces spaces;
} PlanObject;

static PyTypeObject *Plan_Type;

static void dealloc(PyObject *self)
{
    PlanObject *object = (PlanObject *)self;
    PyTypeObject *type = Py_TYPE(self);
    free_spaces(&object->spaces);
    free_plan(&object->plan);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* plan(inputs, captured, ops, starts, operands, results, constants, outputs, guards,
 *      wants_inputs, wants_captured, root, is_fast, vector_share): None where the machine cannot run the
 * tape, or a vectorised plan gains little */
static PyObject *plan_of(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned int inputs, captured, root;
    int wants_inputs, wants_captured, is_fast;
    double vector_share;
    Py_buffer ops, starts, operands, results, constants, outputs, guards;
    if (!PyArg_ParseTuple(args, "IIy*y*y*y*y*y*y*ppIpd:plan", &inputs, &captured, &ops, &starts,
                          &operands, &results, &constants, &outputs, &guards, &wants_inputs,
                          &wants_captured, &root, &is_fast, &vector_share)) {
        return NULL;
    }
    Recorded recorded = {
        .inputs = inputs,
        .captured = captured,
        .constants = (uint32_t)(constants.len / 8),
        .lines = (uint32_t)ops.len,
        .output_count = (uint32_t)(outputs.len / 4),
        .guard_count = (uint32_t)((size_t)guards.len / sizeof(RecordedGuard)),
        .ops = ops.buf,
        .starts = starts.buf,
        .operands = operands.buf,
        .results = results.buf,
        .numbers = constants.buf,
        .outputs = outputs.buf,
        .guards = guards.buf,
        .wants_inputs = wants_inputs,
        .wants_captured = wants_captured,
        .is_fast = is_fast,
        .vector_share = vector_share,
        .root = root,
    };
    PyObject *result = NULL;
    PlanObject *object = PyObject_New(PlanObject, Plan_Type);
    if (object != NULL) {
        memset(&object->plan, 0, sizeof object->plan);
        object->spaces = (Spaces){0};
        object->is_fast = is_fast;
        object->is_vectorized = vector_share >= 0.0;
        object->wants_inputs = wants_inputs;
        object->wants_captured = wants_captured;
        int status = make_plan(&object->plan, &recorded);
        if (status == PLAN_DONE) {
            result = (PyObject *)object;
        } else {
            Py_DECREF(object);
            result = status == PLAN_NO_MEMORY ? PyErr_NoMemory() : Py_NewRef(Py_None);
        }
    }
    PyBuffer_Release(&ops);
    PyBuffer_Release(&starts);
    PyBuffer_Release(&operands);
    PyBuffer_Release(&results);
    PyBuffer_Release(&constants);
    PyBuffer_Release(&outputs);
    PyBuffer_Release(&guards);
    return result;
}

/* The numbers that stand in some slots of one lane, each added to `zero`: see run.c. */
static PyObject *list_of(const double *numbers, const uint32_t *slots, size_t count, double zero)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(slots[i] != NONE ? numbers[slots[i]] + zero : 0.0);
        if (number == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, number);
    }
    return list;
}

/* Read the numbers of a list that no array gives: 0, or -1 with an error. */
static int read_list(PyObject *list, double *to, uint32_t count, const Source *sources,
                     size_t source_count)
{
    if (!PyList_Check(list) || PyList_GET_SIZE(list) != (Py_ssize_t)count) {
        PyErr_Format(PyExc_TypeError, "wants a list of %u numbers", count);
        return -1;
    }
    uint32_t i = next_shared(sources, source_count, 0);
    while (i < count) {
        PyObject *item = PyList_GET_ITEM(list, i);
        to[i] = PyFloat_CheckExact(item) ? PyFloat_AS_DOUBLE(item) : PyFloat_AsDouble(item);
        if (to[i] == -1.0 && PyErr_Occurred()) {
            return -1;
        }
        i = next_shared(sources, source_count, i + 1);
    }
    return 0;
}

static int has_captured(const PlanObject *self, const Py_buffer *captured)
{
    if (captured->len != (Py_ssize_t)(self->plan.captured * sizeof(double))) {
        PyErr_Format(PyExc_ValueError, "wants %u captured numbers", self->plan.captured);
        return 0;
    }
    return 1;
}

/* point(numbers, captured, upstream): (values, gradients by inputs, by captured, broken guard) */
static PyObject *point(PyObject *object, PyObject *args)
{
    PlanObject *self = (PlanObject *)object;
    const Plan *plan = &self->plan;
    PyObject *numbers, *result = NULL;
    Py_buffer captured;
    double upstream;
    if (!PyArg_ParseTuple(args, "Oy*d:point", &numbers, &captured, &upstream)) {
        return NULL;
    }
    PyObject *sums = self->wants_captured ? PyBytes_FromStringAndSize(
                                                NULL, (Py_ssize_t)(plan->captured * sizeof(double)))
                                          : Py_NewRef(Py_None);
    double *work = PyMem_Malloc(((size_t)plan->inputs + plan->outputs + 1) * sizeof *work);
    Space *space = take_space(&self->spaces, plan, 1);
    int32_t status = 0;
    if (work == NULL || space == NULL || sums == NULL) {
        PyErr_NoMemory();
    } else if (has_captured(self, &captured) &&
               read_list(numbers, work, plan->inputs, NULL, 0) == 0) {
        Target nowhere; /* gradients are read where they are */
        Run run = {.plan = plan,
                   .lanes = &lanes_point,
                   .vector_lanes = strict_lanes,
                   .space = space,
                   .captured = captured.buf,
                   .shared = work,
                   .upstream = upstream,
                   .status = &status};
        run.gradients = self->wants_inputs ? &nowhere : NULL;
        run.sums = self->wants_captured ? (double *)(void *)PyBytes_AS_STRING(sums) : NULL;
        run.values = work + plan->inputs;
        Py_BEGIN_ALLOW_THREADS run_range(&run, 0, 1);
        Py_END_ALLOW_THREADS PyObject *values =
            list_of(space->values, plan->output_slots, plan->outputs, -0.0);
        PyObject *by_input = Py_NewRef(Py_None);
        if (self->wants_inputs) {
            Py_SETREF(by_input,
                      list_of(space->gradients, plan->input_gradients, plan->inputs, 0.0));
        }
        if (values != NULL && by_input != NULL) {
            result = Py_BuildValue("(OOOi)", values, by_input, sums, status - 1);
        }
        Py_XDECREF(values);
        Py_XDECREF(by_input);
    }
    if (space != NULL) {
        give_space(&self->spaces, space);
    }
    PyMem_Free(work);
    Py_XDECREF(sums);
    PyBuffer_Release(&captured);
    return result;
}

enum { MOST_SOURCES = 64 };

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Source sources[MOST_SOURCES];
    int count;
} Sources;

static void release(Sources *sources)
{
    while (sources->count > 0) {
        PyBuffer_Release(&sources->buffers[--sources->count]);
    }
}

/* Open the arrays: pairs of the first input and a matrix. */
static int open_sources(Sources *sources, const Plan *plan, PyObject *arrays, Py_ssize_t lanes)
{
    if (!PyList_Check(arrays) || PyList_GET_SIZE(arrays) > MOST_SOURCES) {
        PyErr_Format(PyExc_ValueError, "wants a list of at most %d arrays", MOST_SOURCES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(arrays); i++) {
        unsigned int first;
        PyObject *array;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(arrays, i), "IO:run", &first, &array)) {
            return -1;
        }
        Py_buffer *buffer = &sources->buffers[sources->count];
        if (PyObject_GetBuffer(array, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
            return -1;
        }
        Source *source = &sources->sources[sources->count++];
        char kind = buffer->format != NULL ? buffer->format[0] : 'd';
        size_t width = buffer->ndim == 2 ? (size_t)buffer->shape[1] : 1;
        if (buffer->ndim < 1 || buffer->ndim > 2 || buffer->itemsize != 8 ||
            (kind != 'd' && kind != 'l' && kind != 'q') ||
            (lanes >= 0 && buffer->shape[0] < lanes) || first + width > plan->inputs) {
            PyErr_SetString(PyExc_ValueError, "wants matrices of doubles or 64-bit integers");
            return -1;
        }
        *source = (Source){buffer->buf, width, first, kind != 'd'};
    }
    return 0;
}

static int open_output(PyObject *object, Py_buffer *buffer, size_t size, void *to)
{
    *(void **)to = NULL;
    buffer->obj = NULL;
    if (object == Py_None) {
        return 0;
    }
    if (PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE) < 0) {
        return -1;
    }
    if ((size_t)buffer->len != size) {
        PyErr_Format(PyExc_ValueError, "wants a place of %zu bytes; got %zd", size, buffer->len);
        return -1;
    }
    *(void **)to = buffer->buf;
    return 0;
}

/* The fast kernels for the same processors, or the strict ones where there are none. */
static const Lanes *fast_lanes(void)
{
    for (const Lanes *const *lanes = fast_kernels; lanes != NULL && *lanes != NULL; lanes++) {
        if (strcmp((*lanes)->name, strict_lanes->name) == 0) {
            return *lanes;
        }
    }
    return strict_lanes;
}

typedef struct {
    Py_buffer buffers[MOST_SOURCES];
    Target targets[MOST_SOURCES];
    int count;
} Targets;

/* Open the places for gradients: None, or pairs of the first input and a matrix. */
static int open_targets(Targets *targets, const Plan *plan, PyObject *places, size_t lanes)
{
    if (places == Py_None) {
        return 0;
    }
    if (!PyList_Check(places) || PyList_GET_SIZE(places) > MOST_SOURCES) {
        PyErr_Format(PyExc_ValueError, "wants a list of at most %d arguments", MOST_SOURCES);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(places); i++) {
        unsigned int first;
        PyObject *place;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(places, i), "IO:run", &first, &place)) {
            return -1;
        }
        Py_buffer *buffer = &targets->buffers[targets->count];
        if (PyObject_GetBuffer(place, buffer, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS) < 0) {
            return -1;
        }
        size_t row = lanes * sizeof(double), width = (size_t)buffer->len / row;
        targets->targets[targets->count++] = (Target){buffer->buf, width, first};
        if (width * row != (size_t)buffer->len || first + width > plan->inputs) {
            PyErr_SetString(PyExc_ValueError, "wants a double for each lane and input");
            return -1;
        }
    }
    return 0;
}

/* run(first, last, lanes, shared, arrays, captured, upstream, values, inputs, sums, status, index)
 *
 * Run the lanes from `first` to before `last`; the places to write to are those of all lanes.
 * Return how many of them are not done.
 */
static PyObject *run_lanes(PyObject *object, PyObject *args)
{
    PlanObject *self = (PlanObject *)object;
    const Plan *plan = &self->plan;
    Py_ssize_t first, last, lanes;
    PyObject *shared, *arrays, *values, *inputs, *sums, *status, *index, *result = NULL;
    Py_buffer captured, outs[5] = {{0}};
    double upstream;
    if (!PyArg_ParseTuple(args, "nnnOOy*dOOOOO:run", &first, &last, &lanes, &shared, &arrays,
                          &captured, &upstream, &values, &inputs, &sums, &status, &index)) {
        return NULL;
    }
    Run run = {
        .plan = plan, .vector_lanes = strict_lanes, .captured = captured.buf, .upstream = upstream};
    Sources sources = {.count = 0};
    Targets targets = {.count = 0};
    double *numbers = PyMem_Malloc(((size_t)plan->inputs + 1) * sizeof *numbers);
    size_t count = (size_t)lanes;
    if (numbers == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (first < 0 || last > lanes || first >= last || (self->is_vectorized && last - first > 1)) {
        PyErr_SetString(PyExc_ValueError, "wants a range of lanes");
        goto done;
    }
    if (!has_captured(self, &captured) ||
        open_sources(&sources, plan, arrays, index == Py_None ? lanes : -1) < 0 ||
        read_list(shared, numbers, plan->inputs, sources.sources, (size_t)sources.count) < 0 ||
        open_output(values, &outs[0], count * plan->outputs * 8, &run.values) < 0 ||
        open_targets(&targets, plan, inputs, count) < 0 ||
        open_output(sums, &outs[2], (size_t)plan->captured * 8, &run.sums) < 0 ||
        open_output(status, &outs[3], count * 4, &run.status) < 0 ||
        open_output(index, &outs[4], count * 8, &run.index) < 0) {
        goto done;
    }
    if (run.values == NULL || (plan->guard_count != 0 && run.status == NULL) ||
        (targets.count != 0 && !self->wants_inputs) ||
        (run.sums != NULL && !self->wants_captured)) {
        PyErr_SetString(PyExc_ValueError, "wants places for what was planned");
        goto done;
    }
    for (Py_ssize_t i = first; run.index != NULL && i < last; i++) {
        for (int j = 0; j < sources.count; j++) {
            if (run.index[i] < 0 || run.index[i] >= sources.buffers[j].shape[0]) {
                PyErr_SetString(PyExc_IndexError, "wants rows that are there");
                goto done;
            }
        }
    }
    run.lanes = last - first == 1 ? &lanes_point : self->is_fast ? fast_lanes() : strict_lanes;
    run.gradients = targets.count != 0 ? targets.targets : NULL;
    run.gradient_count = (size_t)targets.count;
    run.shared = numbers;
    run.sources = sources.sources;
    run.source_count = (size_t)sources.count;
    run.space = take_space(&self->spaces, plan, stride_for(plan, (size_t)(last - first)));
    if (run.space == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS run_range(&run, (size_t)first, (size_t)last);
    Py_END_ALLOW_THREADS give_space(&self->spaces, run.space);
    result = PyLong_FromSize_t(run.undone);
done:
    for (int i = 0; i < 5; i++) {
        if (outs[i].obj != NULL) {
            PyBuffer_Release(&outs[i]);
        }
    }
    release(&sources);
    while (targets.count > 0) {
        PyBuffer_Release(&targets.buffers[--targets.count]);
    }
    PyMem_Free(numbers);
    PyBuffer_Release(&captured);
    return result;
}

/* -- what a plan looks like -------------------------------------------------------------------- */

static PyObject *instructions_of(const Program *program)
{
    PyObject *list = PyList_New((Py_ssize_t)program->count);
    for (size_t i = 0; list != NULL && i < program->count; i++) {
        const Instruction *instruction = &program->instructions[i];
        PyObject *entry =
            Py_BuildValue("(iiiiIIIIII)", instruction->code, instruction->operand,
                          instruction->assigns, instruction->row, instruction->x, instruction->y,
                          instruction->z, instruction->g, instruction->t, instruction->u);
        if (entry == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, entry);
    }
    return list;
}

/* stretches(): of a vectorised plan, forward and back: (kind, first, count, at) */
static PyObject *stretches(PyObject *object, PyObject *unused)
{
    (void)unused;
    const Plan *plan = &((PlanObject *)object)->plan;
    PyObject *list = PyList_New(0);
    for (int is_back = 0; is_back < 2; is_back++) {
        const Program *program = is_back ? &plan->back : &plan->body;
        for (size_t i = 0; list != NULL && i < program->stretch_count; i++) {
            const Stretch *s = &program->stretches[i];
            PyObject *entry = Py_BuildValue("(iIII)", s->kind, s->first, s->count, s->at);
            if (entry == NULL || PyList_Append(list, entry) < 0) {
                Py_CLEAR(list);
            }
            Py_XDECREF(entry);
        }
    }
    return list;
}

/* described(): the four programs, the groups as (inner, outer, wanted), rows of values, of
 * gradients */
static PyObject *described(PyObject *object, PyObject *unused)
{
    (void)unused;
    const Plan *plan = &((PlanObject *)object)->plan;
    PyObject *groups = PyList_New(plan->group_count);
    for (uint32_t i = 0; groups != NULL && i < plan->group_count; i++) {
        const Group *group = &plan->groups[i];
        PyObject *entry = Py_BuildValue("(III)", group->inner, group->outer, group->wanted_count);
        if (entry == NULL) {
            Py_CLEAR(groups);
            break;
        }
        PyList_SET_ITEM(groups, i, entry);
    }
    return Py_BuildValue("(NNNNNII)", instructions_of(&plan->prelude), instructions_of(&plan->body),
                         instructions_of(&plan->back), instructions_of(&plan->back_prelude), groups,
                         plan->slots, plan->gradients);
}

static PyMethodDef plan_methods[] = {
    {"point", point, METH_VARARGS, "Run at one point."},
    {"run", run_lanes, METH_VARARGS, "Run a range of lanes."},
    {"described", described, METH_NOARGS, "Return the programs."},
    {"stretches", stretches, METH_NOARGS, "Return how a vectorised plan runs its instructions."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot plan_slots[] = {
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, plan_methods},
    {0, NULL},
};

static PyType_Spec plan_spec = {
    .name = "scalargrad._native.machine.Plan",
    .basicsize = sizeof(PlanObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = plan_slots,
};

/* -- kinds of processors ----------------------------------------------------------------------- */

static const Lanes *all_lanes[] = {
#ifdef HAS_X86_LANES
    &lanes_avx512,
    &lanes_avx2,
#endif
    &lanes_base,
};
enum { KINDS = sizeof all_lanes / sizeof *all_lanes };

static int is_supported(const Lanes *lanes)
{
#ifdef HAS_X86_LANES
    __builtin_cpu_init();
    if (lanes == &lanes_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    }
    if (lanes == &lanes_avx2) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
    (void)lanes;
    return 1;
}

/* kinds(): the names of the kernels that this processor can run, the best first */
static PyObject *kinds(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *names = PyList_New(0);
    for (int i = 0; names != NULL && i < KINDS; i++) {
        if (!is_supported(all_lanes[i])) {
            continue;
        }
        PyObject *name = PyUnicode_FromString(all_lanes[i]->name);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    return names;
}

/* use(kind): run on these kernels from now on */
static PyObject *use(PyObject *module, PyObject *kind)
{
    (void)module;
    for (int i = 0; i < KINDS; i++) {
        if (PyUnicode_CheckExact(kind) && is_supported(all_lanes[i]) &&
            PyUnicode_CompareWithASCIIString(kind, all_lanes[i]->name) == 0) {
            strict_lanes = all_lanes[i];
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "use: no kernels of the kind %R", kind);
}

/* add_fast(kernels): what the module of fast kernels has */
static PyObject *add_fast(PyObject *module, PyObject *kernels)
{
    (void)module;
    const Lanes *const *found = PyCapsule_GetPointer(kernels, "scalargrad.lanes");
    if (found == NULL) {
        return NULL;
    }
    fast_kernels = found;
    Py_RETURN_NONE;
}

/* total(numbers): the sum of a buffer of doubles, from left to right */
static PyObject *total(PyObject *module, PyObject *object)
{
    (void)module;
    Py_buffer numbers;
    double sum = 0.0;
    if (PyObject_GetBuffer(object, &numbers, PyBUF_C_CONTIGUOUS) < 0) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < numbers.len / 8; i++) {
        sum += ((const double *)numbers.buf)[i];
    }
    PyBuffer_Release(&numbers);
    return PyFloat_FromDouble(sum);
}

static PyMethodDef functions[] = {
    {"add_fast", add_fast, METH_O, "Take kernels for fast mode."},
    {"total", total, METH_O, "Add up a buffer of doubles."},
    {"plan", plan_of, METH_VARARGS, "Plan a tape."},
    {"kinds", kinds, METH_NOARGS, "Return the kinds of kernels that this processor can run."},
    {"use", use, METH_O, "Choose a kind of kernels."},
    {NULL, NULL, 0, NULL},
};

/* What costs.def says, by name. */
static PyObject *costs_of(void)
{
    static const struct {
        const char *name;
        int number;
    } entries[] = {
#define COST(name, tenths, what) {#name, tenths},
#define LIMIT(name, number, what) {#name, number},
#include "costs.def"
    };
    PyObject *costs = PyDict_New();
    for (size_t i = 0; costs != NULL && i < sizeof entries / sizeof *entries; i++) {
        PyObject *number = PyLong_FromLong(entries[i].number);
        if (number == NULL || PyDict_SetItemString(costs, entries[i].name, number) < 0) {
            Py_CLEAR(costs);
        }
        Py_XDECREF(number);
    }
    return costs;
}

static int execute(PyObject *module)
{
    Plan_Type = (PyTypeObject *)PyType_FromSpec(&plan_spec);
    for (int i = KINDS; i-- > 0;) {
        if (is_supported(all_lanes[i])) {
            strict_lanes = all_lanes[i];
        }
    }
    PyObject *digest = PyLong_FromUnsignedLong(machine_digest());
    PyObject *costs = costs_of();
    int status = Plan_Type != NULL && digest != NULL && costs != NULL &&
                         PyModule_AddObjectRef(module, "digest", digest) == 0 &&
                         PyModule_AddObjectRef(module, "costs", costs) == 0
                     ? 0
                     : -1;
    Py_XDECREF(digest);
    Py_XDECREF(costs);
    return status;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scalargrad._native._machine",
    .m_doc = "Runs planned tapes over blocks of lanes, in C.",
    .m_methods = functions,
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__machine(void) { return PyModuleDef_Init(&definition); }
