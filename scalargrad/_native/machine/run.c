/* Runs a plan over a range of lanes: block by block forward, guards, back; sums over all blocks. */
#include "../codes.h"
#include "run.h"

/* -- before the first block -------------------------------------------------------------------- */

static double weight_number(const Run *run, uint32_t weight)
{
    uint32_t index = weight & ((1u << WEIGHT_BITS) - 1);
    return weight >> WEIGHT_BITS == WEIGHT_CAPTURED ? run->captured[index]
                                                    : run->plan->constants[index];
}

/* One row of a panel or column of it: numbers of weights that lie `from_step` apart. */
static void gather_weights(const Run *run, const Group *group, const uint32_t *weights,
                           size_t from_step, size_t count, double *to, size_t to_step)
{
    if (group->is_captured) {
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
    uint32_t panel = run->kernels->panel, inner = group->inner, outer = group->outer;
    double *packed = run->space->matrices + group->packed;
    for (uint32_t j = 0; j < outer; j++) {
        double *to = packed + (size_t)(j / panel * panel) * inner + j % panel;
        gather_weights(run, group, group->weights + (size_t)j * inner, 1, inner, to, panel);
    }
    double *back = run->space->matrices + group->packed_back;
    for (uint32_t k = 0; k < group->active_count; k++) {
        double *to = back + (size_t)(k / panel * panel) * outer + k % panel;
        gather_weights(run, group, group->weights + group->active[k], inner, outer, to, panel);
    }
}

static void begin_run(const Run *run)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride;
    for (uint32_t i = 0; i < plan->read_count; i++) {
        uint32_t index = plan->read_captured[i];
        fill(row_at(space->values, plan->captured_slots[index], stride), run->captured[index],
             stride);
    }
    run->kernels->forward(plan, &plan->prelude, space->values, space->matrices, stride, 8);
    for (uint32_t i = 0; i < plan->spread_count; i++) {
        double *numbers = row_at(space->values, plan->spread_list[i], stride);
        fill(numbers, numbers[0], stride);
    }
    uint32_t i = next_shared(run->sources, run->source_count, 0);
    while (i < plan->inputs) {
        if (plan->input_slots[i] != NONE) {
            fill(row_at(space->values, plan->input_slots[i], stride), run->shared[i], stride);
        }
        i = next_shared(run->sources, run->source_count, i + 1);
    }
    for (uint32_t i = 0; i < plan->uniform_gradient_count; i++) {
        fill(row_at(space->gradients, plan->uniform_gradients[i], stride), 0.0, stride);
    }
    for (uint32_t i = 0; i < plan->group_count; i++) {
        const Group *group = &plan->groups[i];
        if (!group->is_constant || space->packed_for != run->kernels) {
            pack(run, group);
        }
        if (group->weights_active) {
            size_t outer = padded(group->outer);
            memset(space->matrices + group->sums, 0, outer * group->inner * sizeof(double));
        }
    }
    space->packed_for = run->kernels;
}

/* -- guards ------------------------------------------------------------------------------------ */

/* Tell each lane that left the path here, if it had not before; written so that it is vectorised. */
static void check_guard(const Guard *guard, const double *xs, const double *ys, size_t lanes,
                        int32_t number, int32_t *status)
{
    int32_t outcome = guard->outcome;
    switch (guard->comparison) {
#define COMPARISON(code, sign, is_so)                                                              \
    case code:                                                                                     \
        for (size_t i = 0; i < lanes; i++) {                                                       \
            double x = xs[i], y = ys[i];                                                           \
            status[i] = status[i] == 0 && (is_so) != outcome ? number : status[i];                 \
        }                                                                                          \
        return;
        COMPARISONS(COMPARISON)
#undef COMPARISON
    default:
        assert(0);
    }
}

/* Return how many lanes left the path; tell each which guard it was, from 1. */
static size_t check_guards(const Run *run, size_t lanes, int32_t *status)
{
    const Plan *plan = run->plan;
    size_t stride = run->space->stride, left = 0;
    memset(status, 0, lanes * sizeof *status);
    for (uint32_t k = 0; k < plan->guard_count; k++) {
        const Guard *guard = &plan->guards[k];
        const double *x = row_at(run->space->values, guard->left, stride);
        const double *y = row_at(run->space->values, guard->right, stride);
        check_guard(guard, x, y, lanes, (int32_t)(k + 1), status);
    }
    for (size_t i = 0; i < lanes; i++) {
        left += status[i] != 0;
    }
    return left;
}

/* -- sums over blocks -------------------------------------------------------------------------- */

/* Behind the last lane stand sums of earlier blocks: they go to the first one. */
static void fold_padding(const Run *run, size_t lanes, size_t whole)
{
    const Plan *plan = run->plan;
    for (uint32_t k = 0; k < plan->uniform_gradient_count; k++) {
        double *sums =
            row_at(run->space->gradients, plan->uniform_gradients[k], run->space->stride);
        for (size_t i = lanes; i < whole; i++) {
            sums[0] += sums[i];
        }
    }
}

static void clear_padding(const Run *run, size_t lanes, size_t whole)
{
    const Plan *plan = run->plan;
    for (uint32_t k = 0; k < plan->uniform_gradient_count; k++) {
        double *sums =
            row_at(run->space->gradients, plan->uniform_gradients[k], run->space->stride);
        fill(sums + lanes, 0.0, whole - lanes);
    }
}

/* -- vectorised plans -------------------------------------------------------------------------- */

static void gather(const double *from, const uint32_t *list, size_t count, double *to)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[list[i]];
    }
}

/* Add terms to their targets, the next one being `onwards`. */
static void scatter(const uint32_t *list, size_t count, const double *term, ptrdiff_t onwards,
                    double *gradients)
{
    for (size_t i = 0; i < count; i++, term += onwards) {
        double *target = gradients + (list[i] >> 1);
        *target = list[i] & 1 ? *term : *target + *term;
    }
}

static void run_instructions(const Run *run, const Program *program, const Stretch *stretch,
                             int is_back)
{
    const Plan *plan = run->plan;
    const Program part = {.instructions = program->instructions + stretch->first,
                          .count = stretch->count};
    const Kernels *kernels = stretch->at == 1 ? run->kernels : run->vector_kernels;
    double *values = run->space->values, *matrices = run->space->matrices;
    if (is_back) {
        kernels->backward(plan, &part, values, run->space->gradients, matrices, 1, stretch->at, 1);
    } else {
        kernels->forward(plan, &part, values, matrices, 1, stretch->at);
    }
}

static void run_vectorized(const Run *run, const Program *program, int is_back)
{
    double *values = run->space->values, *gradients = run->space->gradients;
    const uint32_t *lists = run->plan->lists;
    for (size_t i = 0; i < program->stretch_count; i++) {
        const Stretch *s = &program->stretches[i];
        switch (s->kind) {
        case STRETCH_INSTRUCTIONS:
            run_instructions(run, program, s, is_back);
            break;
        case STRETCH_FILL:
            fill(values + s->at, values[s->first], s->count);
            break;
        case STRETCH_GATHER:
            gather(values, lists + s->first, s->count, values + s->at);
            break;
        case STRETCH_FILL_BACK:
            fill(gradients + s->at, gradients[s->first], s->count);
            break;
        case STRETCH_GATHER_BACK:
            gather(gradients, lists + s->first, s->count, gradients + s->at);
            break;
        case STRETCH_SCATTER:
            scatter(lists + s->first, s->count, gradients + s->at, 1, gradients);
            break;
        case STRETCH_SCATTER_REVERSED:
            scatter(lists + s->first, s->count, gradients + s->at + s->count - 1, -1, gradients);
        }
    }
}

static void forward(const Run *run, const Program *program, size_t lanes)
{
    Space *space = run->space;
    if (program->stretches != NULL) {
        run_vectorized(run, program, 0);
        return;
    }
    run->kernels->forward(run->plan, program, space->values, space->matrices, space->stride, lanes);
}

static void backward(const Run *run, const Program *program, size_t lanes, size_t real)
{
    Space *space = run->space;
    if (program->stretches != NULL) {
        run_vectorized(run, program, 1);
        return;
    }
    run->kernels->backward(run->plan, program, space->values, space->gradients, space->matrices,
                           space->stride, lanes, real);
}

/* -- blocks ------------------------------------------------------------------------------------ */

/* Whether the way back may be run: not if a lane left, as gradients are added up over all lanes. */
static int stays_on_path(Run *run, size_t first, size_t lanes)
{
    int32_t *status = run->status + first;
    size_t left = check_guards(run, lanes, status);
    run->undone += left;
    if (left == 0 || (run->gradients == NULL && run->sums == NULL)) {
        return 1;
    }
    for (size_t i = 0; i < lanes; i++) { /* those that stay run again, among themselves */
        run->undone += status[i] == 0;
        status[i] = status[i] == 0 ? -1 : status[i];
    }
    return 0;
}

static void run_block(Run *run, size_t first, size_t lanes)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride, whole = whole_lanes(run, lanes);
    assert(lanes != 0 && lanes <= stride);
    load_lanes(run, first, lanes);
    forward(run, &plan->body, whole);
    store_values(run, first, lanes);
    if (plan->guard_count != 0 && !stays_on_path(run, first, lanes)) {
        return;
    }
    if (plan->seed == NONE) {
        store_gradients(run, first, lanes); /* zeros */
        return;
    }
    double *seed = row_at(space->gradients, plan->seed, stride);
    fold_padding(run, lanes, whole);
    for (size_t i = 0; i < whole; i++) {
        seed[i] = plan->seed_collects ? seed[i] + run->upstream : run->upstream;
    }
    backward(run, &plan->back, whole, lanes);
    clear_padding(run, lanes, whole);
    store_gradients(run, first, lanes);
}

/* Add what a group collected to the gradients of its weights. */
static void add_sums(const Run *run, const Group *group)
{
    size_t width = padded(group->outer);
    const double *sums = run->space->matrices + group->sums;
    for (uint32_t from = 0; from < group->inner; from += STRIP) {
        uint32_t to = group->inner - from < STRIP ? group->inner : from + STRIP;
        for (uint32_t j = 0; j < group->outer; j++) {
            const uint32_t *weights = group->weights + (size_t)j * group->inner;
            for (uint32_t k = from; k < to; k++) {
                if (group->is_captured || weights[k] >> WEIGHT_BITS == WEIGHT_CAPTURED) {
                    run->sums[weights[k] & ((1u << WEIGHT_BITS) - 1)] += sums[k * width + j];
                }
            }
        }
    }
}

/* Add up over the lanes what belongs to captured numbers. */
static void end_run(const Run *run)
{
    const Plan *plan = run->plan;
    Space *space = run->space;
    size_t stride = space->stride;
    for (uint32_t i = 0; i < plan->uniform_gradient_count; i++) {
        double *numbers = row_at(space->gradients, plan->uniform_gradients[i], stride), sum = 0.0;
        for (size_t j = 0; j < stride; j++) {
            sum += numbers[j];
        }
        numbers[0] = sum;
    }
    run->kernels->backward(plan, &plan->back_prelude, space->values, space->gradients,
                           space->matrices, stride, 8, 1);
    memset(run->sums, 0, plan->captured * sizeof *run->sums);
    for (uint32_t i = 0; i < plan->moved_count; i++) {
        uint32_t index = plan->moved_captured[i];
        run->sums[index] = *row_at(space->gradients, plan->captured_gradients[index], stride);
    }
    for (uint32_t i = 0; i < plan->group_count; i++) {
        const Group *group = &plan->groups[i];
        if (group->weights_active) {
            add_sums(run, group);
        }
    }
}

void run_range(Run *run, size_t first, size_t last)
{
    size_t stride = run->space->stride;
    begin_run(run);
    for (size_t lane = first; lane < last; lane += stride) {
        run_block(run, lane, last - lane < stride ? last - lane : stride);
    }
    if (run->sums != NULL) {
        end_run(run);
    }
}

_Static_assert(BLOCK_PRODUCTS <= MOST_LANES && BLOCK_FEW <= MOST_LANES, "kernels have no more");

size_t stride_for(const Plan *plan, size_t lanes)
{
    size_t rows = (size_t)plan->slots + plan->gradients;
    size_t most = rows < ROWS_FEW    ? (plan->group_count != 0 ? BLOCK_PRODUCTS : BLOCK_FEW)
                  : rows < ROWS_SOME ? BLOCK_SOME
                  : rows < ROWS_MANY ? BLOCK_MANY
                                     : BLOCK_MOST;
    size_t least = lanes == 1 ? 1 : padded(lanes);
    return least < most ? least : most;
}
