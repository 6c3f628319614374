/* Runs lanes on all known paths of a function, each lane on its own.
 *
 * Where a lane leaves a path at a guard, a branch leads on: to a later path, whose first guards
 * turn out as the lane's did. So each path is run once, on all lanes that come to it.
 */
#include "arrays.h"

typedef struct {
    int32_t path, guard, other; /* who leaves the one at the guard comes to the other */
} Branch;

/* What became of a lane: it is done, or left a path at a guard (from 1) where no branch is known. */
typedef struct {
    int32_t path, guard;
} Fate;

enum { AT_REST = -1, NOWHERE = -2 };

/* The lanes that wait for a path, one after the other. */
typedef struct {
    int32_t first, last;
} Queue;

typedef struct {
    Py_ssize_t paths, sets, lanes, rows; /* a set: numbers that some paths capture */
    PlanObject **plans;
    Py_buffer *captured, *sums;
    const int32_t *set_of; /* each path */
    const Branch *branches;
    size_t branch_count, next_branch;
    const int64_t *waiting; /* the lanes to run */
    Fate *fates;            /* of each lane: on which path it begins, then what became of it */
    int32_t *followers;     /* the next lane in the same queue */
    Queue *queues;
    int64_t *index, *again; /* lanes of one path; those of them that run again */
    int32_t *status, *targets;
    double *scratch; /* sums of one run */
    Space *space;    /* of plans without products, one after the other */
    Sources sources;
    Targets matrices;
    Py_buffer set_buffer, branch_buffer, waiting_buffer, fate_buffer, values_buffer;
    double *shared;
    Run run;
} Forest;

static int refuse(const char *what)
{
    PyErr_Format(PyExc_ValueError, "run_paths: wants %s", what);
    return -1;
}

/* -- queues ------------------------------------------------------------------------------------ */

static void append(Forest *forest, int32_t path, int32_t lane)
{
    Queue *queue = &forest->queues[path];
    forest->followers[lane] = AT_REST;
    if (queue->first == AT_REST) {
        queue->first = lane;
    } else {
        forest->followers[queue->last] = lane;
    }
    queue->last = lane;
}

static size_t take_all(Forest *forest, int32_t path)
{
    size_t count = 0;
    for (int32_t lane = forest->queues[path].first; lane != AT_REST;
         lane = forest->followers[lane]) {
        forest->index[count++] = lane;
    }
    return count;
}

/* Where the guards of a path lead; each path is asked once, from the first to the last. */
static void find_targets(Forest *forest, int32_t path)
{
    uint32_t guards = forest->plans[path]->plan.guard_count;
    for (uint32_t i = 0; i < guards; i++) {
        forest->targets[i] = AT_REST;
    }
    while (forest->next_branch < forest->branch_count &&
           forest->branches[forest->next_branch].path <= path) {
        const Branch *branch = &forest->branches[forest->next_branch++];
        if (branch->path == path && branch->guard >= 0 && (uint32_t)branch->guard < guards &&
            branch->other > path && branch->other < forest->paths) {
            forest->targets[branch->guard] = branch->other;
        }
    }
}

/* -- one path ---------------------------------------------------------------------------------- */

/* Run some lanes on a path; -1 where there is no memory. */
static int run_some(Forest *forest, int32_t path, const int64_t *index, size_t count)
{
    PlanObject *object = forest->plans[path];
    Run *run = &forest->run;
    int32_t set = forest->set_of[path];
    run->plan = &object->plan;
    run->kernels = count == 1        ? &kernels_point
                   : object->is_fast ? fast_kernels()
                                     : strict_kernels();
    run->captured = forest->captured[set].buf;
    run->sums = forest->sums != NULL ? forest->scratch : NULL;
    run->index = index;
    size_t stride = stride_for(run->plan, count);
    int has_products = run->plan->group_count != 0; /* whose weights stay packed in its own space */
    run->space = has_products ? take_space(&object->spaces, run->plan, stride) : forest->space;
    if (run->space == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_BEGIN_ALLOW_THREADS
    if (!has_products) {
        lend_space(run->space, run->plan, stride);
    }
    run_range(run, 0, count);
    Py_END_ALLOW_THREADS
    if (has_products) {
        give_space(&object->spaces, run->space);
    }
    if (run->sums != NULL) {
        double *sums = forest->sums[set].buf;
        for (uint32_t i = 0; i < run->plan->captured; i++) {
            sums[i] += run->sums[i];
        }
    }
    return 0;
}

/* Note what became of lanes; return how many of them run again, which `again` has then. */
static size_t note_fates(Forest *forest, int32_t path, const int64_t *index, size_t count)
{
    size_t left = 0;
    int has_guards = forest->plans[path]->plan.guard_count != 0;
    for (size_t i = 0; i < count; i++) {
        int32_t lane = (int32_t)index[i], status = has_guards ? forest->status[i] : 0;
        if (status < 0) {
            forest->again[left++] = lane;
        } else if (status > 0 && forest->targets[status - 1] != AT_REST) {
            append(forest, forest->targets[status - 1], lane);
        } else {
            forest->fates[lane] = (Fate){path, status};
        }
    }
    return left;
}

static int run_path(Forest *forest, int32_t path)
{
    size_t count = take_all(forest, path);
    find_targets(forest, path);
    while (count != 0) {
        if (run_some(forest, path, forest->index, count) < 0) {
            return -1;
        }
        count = note_fates(forest, path, forest->index, count);
        memcpy(forest->index, forest->again, count * sizeof *forest->index);
    }
    return 0;
}

/* Let every lane wait for the path on which it begins. */
static int queue_up(Forest *forest)
{
    for (Py_ssize_t i = 0; i < forest->paths; i++) {
        forest->queues[i].first = AT_REST;
    }
    for (Py_ssize_t i = 0; i < forest->rows; i++) {
        forest->followers[i] = NOWHERE;
    }
    for (Py_ssize_t i = 0; i < forest->lanes; i++) {
        int32_t lane = (int32_t)forest->waiting[i];
        if (forest->followers[lane] != NOWHERE) {
            return refuse("each lane once");
        }
        append(forest, forest->fates[lane].path, lane);
    }
    return 0;
}

static int run_all(Forest *forest)
{
    if (queue_up(forest) < 0) {
        return -1;
    }
    for (int32_t path = 0; path < forest->paths; path++) {
        if (run_path(forest, path) < 0) {
            return -1;
        }
    }
    return 0;
}

/* -- the door ---------------------------------------------------------------------------------- */

/* Open a buffer for each item of a list. */
static int open_all(PyObject *list, Py_ssize_t count, int flags, Py_buffer **buffers)
{
    if (!PyList_Check(list) || PyList_GET_SIZE(list) != count) {
        return refuse("a buffer for each set of captured numbers");
    }
    *buffers = PyMem_Calloc((size_t)count + 1, sizeof **buffers);
    if (*buffers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyList_GET_SIZE(list) != count) {
            return refuse("lists that do not change");
        }
        PyObject *item = Py_NewRef(PyList_GET_ITEM(list, i));
        int status = PyObject_GetBuffer(item, &(*buffers)[i], flags);
        Py_DECREF(item);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

static void close_all(Py_buffer *buffers, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; buffers != NULL && i < count; i++) {
        if (buffers[i].obj != NULL) {
            PyBuffer_Release(&buffers[i]);
        }
    }
    PyMem_Free(buffers);
}

static int open_plans(Forest *forest, PyObject *list)
{
    if (!PyList_Check(list) || PyList_GET_SIZE(list) == 0 || PyList_GET_SIZE(list) > INT32_MAX) {
        return refuse("a list of plans");
    }
    Py_ssize_t count = PyList_GET_SIZE(list);
    forest->plans = PyMem_Calloc((size_t)count, sizeof *forest->plans);
    if (forest->plans == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (forest->paths = 0; forest->paths < count; forest->paths++) {
        PyObject *item = PyList_GET_ITEM(list, forest->paths);
        if (Py_TYPE(item) != plan_type()) {
            return refuse("plans");
        }
        forest->plans[forest->paths] = (PlanObject *)Py_NewRef(item);
        const PlanObject *plan = forest->plans[forest->paths], *first = forest->plans[0];
        if (plan->plan.is_for_points || plan->plan.inputs != first->plan.inputs ||
            plan->plan.outputs != first->plan.outputs || plan->by_inputs != first->by_inputs ||
            plan->by_captured != first->by_captured) {
            forest->paths++;
            return refuse("plans for batches, all of the same arguments and results");
        }
    }
    return 0;
}

/* Whether sets and lanes are there, and of the sizes that plans and arrays want. */
static int check(const Forest *forest)
{
    const PlanObject *first = forest->plans[0];
    for (Py_ssize_t i = 0; i < forest->paths; i++) {
        int32_t set = forest->set_of[i];
        if (set < 0 || set >= forest->sets) {
            return refuse("captured numbers for each plan");
        }
        Py_ssize_t size = (Py_ssize_t)(forest->plans[i]->plan.captured * sizeof(double));
        if (forest->captured[set].len != size ||
            (forest->sums != NULL && forest->sums[set].len != size)) {
            return refuse("as many captured numbers as a plan has");
        }
    }
    for (int i = 0; i < forest->sources.count; i++) {
        if (forest->sources.buffers[i].shape[0] < forest->rows) {
            return refuse("a row of every array for each lane");
        }
    }
    if ((forest->matrices.count != 0 && !first->by_inputs) ||
        (forest->sums != NULL && !first->by_captured) || forest->run.values == NULL) {
        return refuse("places for what was planned");
    }
    for (Py_ssize_t i = 0; i < forest->lanes; i++) {
        if (forest->waiting[i] < 0 || forest->waiting[i] >= forest->rows) {
            return refuse("rows that are there");
        }
        int32_t path = forest->fates[forest->waiting[i]].path;
        if (path < 0 || path >= forest->paths) {
            return refuse("paths that are there");
        }
    }
    return 0;
}

static int make_room(Forest *forest)
{
    uint32_t guards = 0, captured = 0;
    for (Py_ssize_t i = 0; i < forest->paths; i++) {
        const Plan *plan = &forest->plans[i]->plan;
        guards = plan->guard_count > guards ? plan->guard_count : guards;
        captured = plan->captured > captured ? plan->captured : captured;
    }
    size_t lanes = (size_t)forest->lanes + 1;
    forest->followers = PyMem_Malloc(((size_t)forest->rows + 1) * sizeof *forest->followers);
    forest->queues = PyMem_Malloc((size_t)forest->paths * sizeof *forest->queues);
    forest->index = PyMem_Malloc(lanes * sizeof *forest->index);
    forest->again = PyMem_Malloc(lanes * sizeof *forest->again);
    forest->status = PyMem_Malloc(lanes * sizeof *forest->status);
    forest->targets = PyMem_Malloc(((size_t)guards + 1) * sizeof *forest->targets);
    forest->scratch = PyMem_Malloc(((size_t)captured + 1) * sizeof *forest->scratch);
    if (forest->followers == NULL || forest->queues == NULL || forest->index == NULL ||
        forest->again == NULL || forest->status == NULL || forest->targets == NULL ||
        forest->scratch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Make a space for the plans that have none of their own. */
static int make_space(Forest *forest)
{
    const Plan **plans = PyMem_Malloc((size_t)forest->paths * sizeof *plans);
    size_t count = 0;
    for (Py_ssize_t i = 0; plans != NULL && i < forest->paths; i++) {
        if (forest->plans[i]->plan.group_count == 0) {
            plans[count++] = &forest->plans[i]->plan;
        }
    }
    forest->space = plans != NULL ? common_space(plans, count, (size_t)forest->lanes) : NULL;
    PyMem_Free(plans);
    if (forest->space == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static void close_forest(Forest *forest)
{
    Py_buffer *buffers[] = {&forest->set_buffer, &forest->branch_buffer, &forest->waiting_buffer,
                            &forest->fate_buffer, &forest->values_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
        if (buffers[i]->obj != NULL) {
            PyBuffer_Release(buffers[i]);
        }
    }
    free_space(forest->space);
    close_all(forest->captured, forest->sets);
    close_all(forest->sums, forest->sets);
    close_sources(&forest->sources);
    close_targets(&forest->matrices);
    for (Py_ssize_t i = 0; i < forest->paths; i++) {
        Py_XDECREF(forest->plans[i]);
    }
    void *blocks[] = {forest->plans,   forest->followers, forest->queues,
                      forest->index,   forest->again,     forest->status,
                      forest->targets, forest->scratch,   forest->shared};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        PyMem_Free(blocks[i]);
    }
}

static int open_arrays(Forest *forest, PyObject *shared, PyObject *from, PyObject *values,
                       PyObject *matrices)
{
    const Plan *plan = &forest->plans[0]->plan;
    size_t rows = (size_t)forest->rows, widest = plan->outputs > 1 ? plan->outputs : 1;
    if (rows == 0 || rows > INT32_MAX || rows > PY_SSIZE_T_MAX / 8 / widest) {
        return refuse("lanes, and not too many");
    }
    forest->shared = PyMem_Malloc(((size_t)plan->inputs + 1) * sizeof *forest->shared);
    if (forest->shared == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Sources *sources = &forest->sources;
    return open_sources(sources, plan, from, -1) == 0 &&
                   read_numbers(shared, forest->shared, plan->inputs, sources->sources,
                                (size_t)sources->count) == 0 &&
                   open_output(values, &forest->values_buffer, rows * plan->outputs * 8,
                               &forest->run.values) == 0 &&
                   open_targets(&forest->matrices, plan, matrices, rows) == 0
               ? 0
               : -1;
}

static void begin(Forest *forest)
{
    Run *run = &forest->run;
    run->vector_kernels = strict_kernels();
    run->is_scattered = 1;
    run->shared = forest->shared;
    run->sources = forest->sources.sources;
    run->source_count = (size_t)forest->sources.count;
    run->gradients = forest->matrices.count != 0 ? forest->matrices.targets : NULL;
    run->gradient_count = (size_t)forest->matrices.count;
    run->status = forest->status;
}

/* run_paths(plans, sets, captured, sums, branches, waiting, fates, shared, arrays, upstream, values,
 *           inputs)
 *
 * Run the lanes that are waiting, each from the path on which its fate says that it begins; write
 * what became of it there. Sums are added to.
 */
PyObject *run_paths(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *plans, *captured, *sums, *fates, *shared, *arrays, *values, *matrices;
    Forest *forest = PyMem_Calloc(1, sizeof *forest);
    if (forest == NULL) {
        return PyErr_NoMemory();
    }
    int status = -1;
    if (PyArg_ParseTuple(args, "Oy*OOy*y*OOOdOO:run_paths", &plans, &forest->set_buffer, &captured,
                         &sums, &forest->branch_buffer, &forest->waiting_buffer, &fates, &shared,
                         &arrays, &forest->run.upstream, &values, &matrices) &&
        PyObject_GetBuffer(fates, &forest->fate_buffer, PyBUF_WRITABLE) == 0 &&
        open_plans(forest, plans) == 0) {
        forest->set_of = forest->set_buffer.buf;
        forest->branches = forest->branch_buffer.buf;
        forest->branch_count = (size_t)forest->branch_buffer.len / sizeof(Branch);
        forest->waiting = forest->waiting_buffer.buf;
        forest->lanes = forest->waiting_buffer.len / (Py_ssize_t)sizeof(int64_t);
        forest->fates = forest->fate_buffer.buf;
        forest->rows = forest->fate_buffer.len / (Py_ssize_t)sizeof(Fate);
        forest->sets = PyList_Check(captured) ? PyList_GET_SIZE(captured) : 0;
        if (forest->set_buffer.len / (Py_ssize_t)sizeof(int32_t) != forest->paths) {
            refuse("a set for each plan");
        } else if (open_all(captured, forest->sets, PyBUF_SIMPLE, &forest->captured) == 0 &&
                   (sums == Py_None ||
                    open_all(sums, forest->sets, PyBUF_WRITABLE, &forest->sums) == 0) &&
                   open_arrays(forest, shared, arrays, values, matrices) == 0 &&
                   check(forest) == 0 && make_room(forest) == 0 && make_space(forest) == 0) {
            begin(forest);
            status = run_all(forest);
        }
    }
    close_forest(forest);
    PyMem_Free(forest);
    return status == 0 ? Py_NewRef(Py_None) : NULL;
}
