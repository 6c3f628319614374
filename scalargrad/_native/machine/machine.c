/* The module: plans as Python objects, work spaces, and runs over ranges of lanes. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "machine.h"

static const Lanes *strict_lanes = &lanes_base;
static const Lanes *const *fast_kernels; /* NULL: there are none */

/* -- work spaces ------------------------------------------------------------------------------ */

typedef struct Space Space;
struct Space {
    size_t stride;
    double *values, *gradients, *matrices;
    const Lanes *packed_for; /* constant weights lie there as these kernels want them */
    Space *next;
};

typedef struct {
    PyObject_HEAD
    Plan plan;
    int is_fast, wants_inputs, wants_captured;
    Space *spaces; /* of earlier runs, for later ones */
} PlanObject;

static PyTypeObject *Plan_Type;

static void *aligned(size_t count)
{
    size_t size = (count * sizeof(double) + 127) / 64 * 64;
    char *block = malloc(size + 64);
    if (block == NULL) {
        return NULL;
    }
    char *start = block + 64 - ((uintptr_t)block & 63); /* its own address stands before it */
    memcpy(start - sizeof block, &block, sizeof block);
    memset(start, 0, size);
    return start;
}

static void free_aligned(void *start)
{
    if (start != NULL) {
        char *block;
        memcpy(&block, (char *)start - sizeof block, sizeof block);
        free(block);
    }
}

static void free_space(Space *space)
{
    if (space != NULL) {
        free_aligned(space->values);
        free_aligned(space->gradients);
        free_aligned(space->matrices);
        free(space);
    }
}

static double *row(double *rows, uint32_t slot, size_t stride) { return rows + slot * stride; }

static void fill(double *to, double number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = number;
    }
}

static Space *new_space(const Plan *plan, size_t stride)
{
    Space *space = calloc(1, sizeof *space);
    if (space == NULL) {
        return NULL;
    }
    space->stride = stride;
    space->values = aligned(plan->slots * stride);
    space->gradients = aligned(plan->gradients * stride);
    space->matrices = aligned(plan->matrix_room + 8 * (size_t)plan->longest);
    if (space->values == NULL || space->gradients == NULL || space->matrices == NULL) {
        free_space(space);
        return NULL;
    }
    for (uint32_t i = 0; i < plan->constant_count; i++) {
        if (plan->constant_slots[i] != NONE) {
            fill(row(space->values, plan->constant_slots[i], stride), plan->constants[i], stride);
        }
    }
    return space;
}

static Space *take_space(PlanObject *self, size_t stride)
{
    for (Space **link = &self->spaces; *link != NULL; link = &(*link)->next) {
        Space *space = *link;
        if (space->stride == stride) {
            *link = space->next;
            return space;
        }
    }
    return new_space(&self->plan, stride);
}

enum { KEPT_SPACES = 4 };

static void give_space(PlanObject *self, Space *space)
{
    int count = 0;
    for (Space *other = self->spaces; other != NULL; other = other->next) {
        count++;
    }
    if (count >= KEPT_SPACES) {
        free_space(space);
        return;
    }
    space->next = self->spaces;
    self->spaces = space;
}

/* -- one run ---------------------------------------------------------------------------------- */

typedef struct {
    const char *from; /* a row a lane */
    size_t width;
    uint32_t first; /* the input of its first column */
    int is_whole;   /* 64-bit integers, not doubles */
} Source;

typedef struct {
    double *to; /* a row a lane */
    size_t width;
    uint32_t first; /* the input of its first column */
} Target;

typedef struct {
    const Plan *plan;
    const Lanes *lanes;
    Space *space;
    const double *captured, *shared;
    const Source *sources;
    size_t source_count;
    const int64_t *index; /* which row each lane is, or NULL */
    double upstream;
    double *values, *sums;   /* to write: a row a lane, and one number each; or NULL */
    const Target *gradients; /* by inputs; or NULL */
    size_t gradient_count;
    int32_t *status;
    size_t undone;
} Run;

static double weight_number(const Run *run, uint32_t weight)
{
    uint32_t place = weight & ((1u << WEIGHT_BITS) - 1);
    return weight >> WEIGHT_BITS == WEIGHT_CAPTURED ? run->captured[place]
                                                    : run->plan->constants[place];
}

/* One row of a panel or column of it: numbers of weights that lie `from_step` apart. */
static void gather(const Run *run, const Group *group, const uint32_t *weights, size_t from_step,
                   size_t count, double *to, size_t to_step)
{
    if (group->is_captured) { /* all of them: as a rule */
        const double *captured = run->captured;
        for (size_t i = 0; i < count; i++) {
            to[i * to_step] = captured[weights[i * from_step]];
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        to[i * to_step] = weight_number(run, weights[i * from_step]);
    }
}

/* Put the weights where the kernels read them: panels of rows, one operand after the other. What
 * is behind the last row of a panel is read, and comes to nothing.
 */
static void pack(const Run *run, const Group *group)
{
    uint32_t panel = run->lanes->panel, inner = group->inner, outer = group->outer;
    double *packed = run->space->matrices + group->packed;
    for (uint32_t j = 0; j < outer; j++) {
        double *to = packed + (size_t)(j / panel * panel) * inner + j % panel;
        gather(run, group, group->weights + (size_t)j * inner, 1, inner, to, panel);
    }
    double *back = run->space->matrices + group->packed_back;
    for (uint32_t k = 0; k < group->wanted_count; k++) {
        double *to = back + (size_t)(k / panel * panel) * outer + k % panel;
        gather(run, group, group->weights + group->wanted[k], inner, outer, to, panel);
    }
}

/* Return the next input, this one or a later one, that no array gives. */
static uint32_t next_shared(const Source *sources, size_t count, uint32_t input)
{
    for (size_t s = 0; s < count; s++) { /* they stand in order */
        if (input >= sources[s].first && input - sources[s].first < sources[s].width) {
            input = sources[s].first + (uint32_t)sources[s].width;
        }
    }
    return input;
}

static void begin(const Run *run)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride;
    for (uint32_t i = 0; i < plan->read_count; i++) {
        uint32_t place = plan->read_captured[i];
        fill(row(space->values, plan->captured_slots[place], stride), run->captured[place], stride);
    }
    run->lanes->forward(plan, &plan->prelude, space->values, space->matrices, stride, 8);
    for (uint32_t i = 0; i < plan->spread_count; i++) {
        double *numbers = row(space->values, plan->spread_list[i], stride);
        fill(numbers, numbers[0], stride);
    }
    uint32_t i = next_shared(run->sources, run->source_count, 0);
    while (i < plan->inputs) {
        if (plan->input_slots[i] != NONE) {
            fill(row(space->values, plan->input_slots[i], stride), run->shared[i], stride);
        }
        i = next_shared(run->sources, run->source_count, i + 1);
    }
    for (uint32_t i = 0; i < plan->uniform_gradient_count; i++) {
        fill(row(space->gradients, plan->uniform_gradients[i], stride), 0.0, stride);
    }
    for (uint32_t i = 0; i < plan->group_count; i++) {
        const Group *group = &plan->groups[i];
        if (!group->is_constant || space->packed_for != run->lanes) {
            pack(run, group);
        }
        if (group->weights_wanted) {
            size_t outer = padded(group->outer);
            memset(space->matrices + group->sums, 0, outer * group->inner * sizeof(double));
        }
    }
    space->packed_for = run->lanes;
}

/* Lanes as the kernels want them: whole vectors, the last lane standing behind itself. */
static size_t whole_of(const Run *run, size_t lanes)
{
    return run->space->stride == 1 ? 1 : padded(lanes);
}

static double at(const Source *source, size_t place)
{
    return source->is_whole ? (double)((const int64_t *)(const void *)source->from)[place]
                            : ((const double *)(const void *)source->from)[place];
}

static void load_row(const Run *run, const Source *source, const uint32_t *slots, size_t lane)
{
    for (size_t c = 0; c < source->width; c++) {
        if (slots[c] != NONE) {
            run->space->values[slots[c]] = at(source, lane * source->width + c);
        }
    }
}

/* One column of eight rows. */
static void load_column(const Source *source, size_t column, const size_t *rows, double *to)
{
    const double *from = (const double *)(const void *)source->from + column;
    for (size_t i = 0; i < 8; i++) {
        to[i] = source->is_whole ? at(source, rows[i] * source->width + column)
                                 : from[rows[i] * source->width];
    }
}

static void load_lanes(const Run *run, size_t first, size_t lanes)
{
    const Plan *plan = run->plan;
    size_t stride = run->space->stride, whole = whole_of(run, lanes);
    for (size_t s = 0; s < run->source_count; s++) {
        const Source *source = &run->sources[s];
        const uint32_t *slots = plan->input_slots + source->first;
        if (source->width == 1 && run->index == NULL && !source->is_whole && slots[0] != NONE) {
            double *to = row(run->space->values, slots[0], stride);
            memcpy(to, (const double *)(const void *)source->from + first, lanes * sizeof *to);
            fill(to + lanes, to[lanes - 1], whole - lanes);
            continue;
        }
        if (whole == 1) {
            load_row(run, source, slots, run->index != NULL ? (size_t)run->index[first] : first);
            continue;
        }
        for (size_t tile = 0; tile < whole; tile += 8) {
            size_t rows[8];
            for (size_t i = 0; i < 8; i++) {
                size_t lane = first + (tile + i < lanes ? tile + i : lanes - 1);
                rows[i] = run->index != NULL ? (size_t)run->index[lane] : lane;
            }
            for (size_t c = 0; c < source->width; c++) {
                if (slots[c] != NONE) {
                    load_column(source, c, rows, row(run->space->values, slots[c], stride) + tile);
                }
            }
        }
    }
}

static int holds(int comparison, double x, double y)
{
    switch (comparison) {
    case 0: return x < y;
    case 1: return x <= y;
    case 3: return x != y;
    case 4: return x > y;
    case 5: return x >= y;
    default: return x == y;
    }
}

/* Return how many lanes left the path; tell each which guard it was, from 1. */
static size_t look_at_guards(const Run *run, size_t lanes, int32_t *status)
{
    const Plan *plan = run->plan;
    size_t stride = run->space->stride, left = 0;
    memset(status, 0, lanes * sizeof *status);
    for (uint32_t k = 0; k < plan->guard_count; k++) {
        const Guard *guard = &plan->guards[k];
        const double *x = row(run->space->values, guard->left, stride);
        const double *y = row(run->space->values, guard->right, stride);
        for (size_t i = 0; i < lanes; i++) {
            if (UNLIKELY(holds(guard->comparison, x[i], y[i]) != guard->outcome) &&
                status[i] == 0) {
                status[i] = (int32_t)(k + 1);
                left++;
            }
        }
    }
    return left;
}

static void store_lanes(const double *rows, const uint32_t *slots, size_t count, size_t stride,
                        size_t lanes, double *to)
{
    for (size_t k = 0; k < count; k++) {
        const double *from = slots[k] != NONE ? rows + slots[k] * stride : NULL;
        if (lanes == 1) {
            to[k] = from != NULL ? *from : 0.0;
            continue;
        }
        if (count == 1 && from != NULL) {
            memcpy(to, from, lanes * sizeof *to);
            continue;
        }
        for (size_t i = 0; from == NULL && i < lanes; i++) {
            to[i * count + k] = 0.0;
        }
        for (size_t i = 0; from != NULL && i < lanes; i++) {
            to[i * count + k] = from[i];
        }
    }
}

/* Make room behind the last lane in what collects over the blocks: sums of earlier ones go on. */
static void set_aside(const Run *run, size_t lanes, size_t whole)
{
    const Plan *plan = run->plan;
    for (uint32_t k = 0; k < plan->uniform_gradient_count; k++) {
        double *sums = row(run->space->gradients, plan->uniform_gradients[k], run->space->stride);
        for (size_t i = lanes; i < whole; i++) {
            sums[0] += sums[i];
        }
    }
}

static void clear_behind(const Run *run, size_t lanes, size_t whole)
{
    const Plan *plan = run->plan;
    for (uint32_t k = 0; k < plan->uniform_gradient_count; k++) {
        double *sums = row(run->space->gradients, plan->uniform_gradients[k], run->space->stride);
        fill(sums + lanes, 0.0, whole - lanes);
    }
}

static void store_gradients(const Run *run, size_t first, size_t lanes)
{
    for (size_t k = 0; k < run->gradient_count; k++) {
        const Target *target = &run->gradients[k];
        store_lanes(run->space->gradients, run->plan->input_gradients + target->first,
                    target->width, run->space->stride, lanes, target->to + first * target->width);
    }
}

static void run_block(Run *run, size_t first, size_t lanes)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride, whole = whole_of(run, lanes);
    load_lanes(run, first, lanes);
    run->lanes->forward(plan, &plan->body, space->values, space->matrices, stride, whole);
    store_lanes(space->values, plan->output_slots, plan->outputs, stride, lanes,
                run->values + first * plan->outputs);
    if (plan->guard_count != 0) {
        int32_t *status = run->status + first;
        size_t left = look_at_guards(run, lanes, status);
        run->undone += left;
        if (left != 0 && (run->gradients != NULL || run->sums != NULL)) {
            for (size_t i = 0; i < lanes; i++) { /* those that stay run again, among themselves */
                run->undone += status[i] == 0;
                status[i] = status[i] == 0 ? -1 : status[i];
            }
            return;
        }
    }
    if (plan->seed == NONE) {
        store_gradients(run, first, lanes); /* zeros */
        return;
    }
    double *seed = row(space->gradients, plan->seed, stride);
    set_aside(run, lanes, whole);
    for (size_t i = 0; i < whole; i++) {
        seed[i] = plan->seed_collects ? seed[i] + run->upstream : run->upstream;
    }
    run->lanes->backward(plan, &plan->back, space->values, space->gradients, space->matrices,
                         stride, whole, lanes);
    clear_behind(run, lanes, whole);
    store_gradients(run, first, lanes);
}

enum { STRIP = 64 }; /* operands at a time: their sums stay near */

/* Add what a group collected to the gradients of its weights. */
static void add_sums(const Run *run, const Group *group)
{
    size_t row = padded(group->outer);
    const double *sums = run->space->matrices + group->sums;
    for (uint32_t from = 0; from < group->inner; from += STRIP) {
        uint32_t to = group->inner - from < STRIP ? group->inner : from + STRIP;
        for (uint32_t j = 0; j < group->outer; j++) {
            const uint32_t *weights = group->weights + (size_t)j * group->inner;
            for (uint32_t k = from; k < to; k++) {
                if (group->is_captured || weights[k] >> WEIGHT_BITS == WEIGHT_CAPTURED) {
                    run->sums[weights[k] & ((1u << WEIGHT_BITS) - 1)] += sums[k * row + j];
                }
            }
        }
    }
}

/* Add up over the lanes what belongs to captured numbers. */
static void end(const Run *run)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride;
    for (uint32_t i = 0; i < plan->uniform_gradient_count; i++) {
        double *numbers = row(space->gradients, plan->uniform_gradients[i], stride), sum = 0.0;
        for (size_t j = 0; j < stride; j++) {
            sum += numbers[j];
        }
        numbers[0] = sum;
    }
    run->lanes->backward(plan, &plan->back_prelude, space->values, space->gradients,
                         space->matrices, stride, 8, 1);
    memset(run->sums, 0, plan->captured * sizeof *run->sums);
    for (uint32_t i = 0; i < plan->moved_count; i++) {
        uint32_t place = plan->moved_captured[i];
        run->sums[place] = *row(space->gradients, plan->captured_gradients[place], stride);
    }
    for (uint32_t i = 0; i < plan->group_count; i++) {
        const Group *group = &plan->groups[i];
        if (group->weights_wanted) {
            add_sums(run, group);
        }
    }
}

static void run_range(Run *run, size_t first, size_t last)
{
    size_t stride = run->space->stride;
    begin(run);
    for (size_t lane = first; lane < last; lane += stride) {
        run_block(run, lane, last - lane < stride ? last - lane : stride);
    }
    if (run->sums != NULL) {
        end(run);
    }
}

static size_t stride_for(const Plan *plan, size_t lanes)
{
    size_t rows = (size_t)plan->slots + plan->gradients;
    size_t most = plan->group_count != 0 && rows < 4096 ? 128
                  : rows < 4096                         ? 64
                  : rows < 32768                        ? 32
                  : rows < 262144                       ? 16
                                                        : 8;
    size_t least = lanes == 1 ? 1 : (lanes + 7) / 8 * 8;
    return least < most ? least : most;
}

/* -- plans ------------------------------------------------------------------------------------ */

static void dealloc(PyObject *self)
{
    PlanObject *object = (PlanObject *)self;
    PyTypeObject *type = Py_TYPE(self);
    while (object->spaces != NULL) {
        Space *space = object->spaces;
        object->spaces = space->next;
        free_space(space);
    }
    free_plan(&object->plan);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* plan(inputs, captured, ops, starts, operands, results, constants, outputs, guards,
 *      wants_inputs, wants_captured, root, is_fast): None where the machine cannot run the tape */
static PyObject *plan_of(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned int inputs, captured, root;
    int wants_inputs, wants_captured, is_fast;
    Py_buffer ops, starts, operands, results, constants, outputs, guards;
    if (!PyArg_ParseTuple(args, "IIy*y*y*y*y*y*y*ppIp:plan", &inputs, &captured, &ops, &starts,
                          &operands, &results, &constants, &outputs, &guards, &wants_inputs,
                          &wants_captured, &root, &is_fast)) {
        return NULL;
    }
    Recorded recorded = {
        .inputs = inputs,
        .captured = captured,
        .constants = (uint32_t)(constants.len / 8),
        .lines = (uint32_t)ops.len,
        .outputs = (uint32_t)(outputs.len / 4),
        .guards = (uint32_t)(guards.len / 16),
        .ops = ops.buf,
        .starts = starts.buf,
        .operands = operands.buf,
        .results = results.buf,
        .numbers = constants.buf,
        .output_places = outputs.buf,
        .guard_places = guards.buf,
        .wants_inputs = wants_inputs,
        .wants_captured = wants_captured,
        .is_fast = is_fast,
        .root = root,
    };
    PyObject *result = NULL;
    PlanObject *object = PyObject_New(PlanObject, Plan_Type);
    if (object != NULL) {
        memset(&object->plan, 0, sizeof object->plan);
        object->spaces = NULL;
        object->is_fast = is_fast;
        object->wants_inputs = wants_inputs;
        object->wants_captured = wants_captured;
        int status = make_plan(&object->plan, &recorded);
        if (status == PLAN_DONE) {
            result = (PyObject *)object;
        }
        else {
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

/* The numbers that stand in some slots of one lane; 0 where there is none. */
static PyObject *list_of(const double *numbers, const uint32_t *slots, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(slots[i] != NONE ? numbers[slots[i]] : 0.0);
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
    PyObject *sums = self->wants_captured
                         ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(plan->captured *
                                                                        sizeof(double)))
                         : Py_NewRef(Py_None);
    double *work = PyMem_Malloc(((size_t)plan->inputs + plan->outputs + 1) * sizeof *work);
    Space *space = take_space(self, 1);
    int32_t status = 0;
    if (work == NULL || space == NULL || sums == NULL) {
        PyErr_NoMemory();
    }
    else if (has_captured(self, &captured) &&
             read_list(numbers, work, plan->inputs, NULL, 0) == 0) {
        Target nowhere; /* gradients are read where they are */
        Run run = {.plan = plan, .lanes = &lanes_point, .space = space, .captured = captured.buf,
                   .shared = work, .upstream = upstream, .status = &status};
        run.gradients = self->wants_inputs ? &nowhere : NULL;
        run.sums = self->wants_captured ? (double *)(void *)PyBytes_AS_STRING(sums) : NULL;
        run.values = work + plan->inputs;
        Py_BEGIN_ALLOW_THREADS
        run_range(&run, 0, 1);
        Py_END_ALLOW_THREADS
        PyObject *values = list_of(space->values, plan->output_slots, plan->outputs);
        PyObject *by_input = self->wants_inputs ? list_of(space->gradients, plan->input_gradients,
                                                          plan->inputs)
                                                : Py_NewRef(Py_None);
        if (values != NULL && by_input != NULL) {
            result = Py_BuildValue("(OOOi)", values, by_input, sums, status - 1);
        }
        Py_XDECREF(values);
        Py_XDECREF(by_input);
    }
    if (space != NULL) {
        give_space(self, space);
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
    Run run = {.plan = plan, .captured = captured.buf, .upstream = upstream};
    Sources sources = {.count = 0};
    Targets targets = {.count = 0};
    double *numbers = PyMem_Malloc(((size_t)plan->inputs + 1) * sizeof *numbers);
    size_t count = (size_t)lanes;
    if (numbers == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    if (first < 0 || last > lanes || first >= last) {
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
    run.space = take_space(self, stride_for(plan, (size_t)(last - first)));
    if (run.space == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    run_range(&run, (size_t)first, (size_t)last);
    Py_END_ALLOW_THREADS
    give_space(self, run.space);
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

/* -- what a plan looks like ------------------------------------------------------------------- */

static PyObject *steps_of(const Program *program)
{
    PyObject *list = PyList_New((Py_ssize_t)program->count);
    for (size_t i = 0; list != NULL && i < program->count; i++) {
        const Step *step = &program->steps[i];
        PyObject *entry = Py_BuildValue("(iiiiIIIIII)", step->op, step->operand, step->assigns,
                                        step->shape, step->x, step->y, step->z, step->g, step->t,
                                        step->u);
        if (entry == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, (Py_ssize_t)i, entry);
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
    return Py_BuildValue("(NNNNNII)", steps_of(&plan->prelude), steps_of(&plan->body),
                         steps_of(&plan->back), steps_of(&plan->back_prelude), groups, plan->slots,
                         plan->gradients);
}

static PyMethodDef plan_methods[] = {
    {"point", point, METH_VARARGS, "Run at one point."},
    {"run", run_lanes, METH_VARARGS, "Run a range of lanes."},
    {"described", described, METH_NOARGS, "Return the programs."},
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

/* -- kinds of processors ---------------------------------------------------------------------- */

static const Lanes *all_lanes[] = {
#ifdef HAS_X86_LANES
    &lanes_avx512, &lanes_avx2,
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

static int execute(PyObject *module)
{
    Plan_Type = (PyTypeObject *)PyType_FromSpec(&plan_spec);
    for (int i = KINDS; i-- > 0;) {
        if (is_supported(all_lanes[i])) {
            strict_lanes = all_lanes[i];
        }
    }
    PyObject *digest = PyLong_FromUnsignedLong(machine_digest());
    int status = digest != NULL ? PyModule_AddObjectRef(module, "digest", digest) : -1;
    Py_XDECREF(digest);
    return Plan_Type == NULL ? -1 : status;
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
