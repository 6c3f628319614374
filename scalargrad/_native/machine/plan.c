/* From a tape to programs: the passes in order. Everything is linear in the lines of the tape. */
#include "builder.h"

/* -- before and after the instructions --------------------------------------------------------- */

/* Make the arrays whose sizes are known when no further constant or line comes. */
static int make_room(Builder *builder)
{
    const Recorded *tape = builder->tape;
    Plan *plan = builder->plan;
    plan->constant_slots = filled(plan->constant_count + 2 * (size_t)tape->lines);
    plan->input_slots = filled(tape->inputs);
    plan->captured_slots = filled(tape->captured);
    plan->read_captured = filled(tape->captured);
    plan->moved_captured = filled(tape->captured);
    plan->output_slots = filled(tape->output_count);
    plan->input_gradients = filled(tape->inputs);
    plan->captured_gradients = filled(tape->captured);
    plan->spread_list = filled(tape->lines);
    plan->uniform_gradients = filled((size_t)tape->lines + tape->captured + tape->constants);
    plan->guards = calloc(tape->guard_count + (size_t)1, sizeof *plan->guards);
    int is_there =
        plan->constant_slots != NULL && plan->input_slots != NULL && plan->captured_slots != NULL &&
        plan->read_captured != NULL && plan->moved_captured != NULL && plan->output_slots != NULL &&
        plan->input_gradients != NULL && plan->captured_gradients != NULL &&
        plan->spread_list != NULL && plan->uniform_gradients != NULL && plan->guards != NULL;
    return is_there ? PLAN_DONE : PLAN_NO_MEMORY;
}

/* Uniform values that the body reads are spread over all lanes. */
static void find_spread(Builder *builder)
{
    Plan *plan = builder->plan;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        const Node *node = &builder->nodes[i];
        if (node->alive && node->same == i && !node->absorbed && node->depends == OF_CAPTURED &&
            node->slot != NONE) {
            plan->spread_list[plan->spread_count++] = node->slot;
        }
    }
}

/* Where the outputs, the guards' operands and the leaves' gradients are. */
static void find_results(Builder *builder)
{
    const Recorded *tape = builder->tape;
    Plan *plan = builder->plan;
    for (uint32_t i = 0; i < tape->output_count; i++) {
        plan->output_slots[i] = value_of(builder, node_at(builder, tape->outputs[i]));
    }
    for (uint32_t i = 0; i < tape->guard_count; i++) {
        const RecordedGuard *guard = &tape->guards[i];
        plan->guards[i] = (Guard){
            .comparison = (uint8_t)guard->comparison,
            .outcome = (uint8_t)guard->outcome,
            .left = value_of(builder, node_at(builder, guard->left)),
            .right = value_of(builder, node_at(builder, guard->right)),
        };
    }
    for (uint32_t i = 0; i < tape->inputs; i++) {
        plan->input_gradients[i] = builder->nodes[i].gradient;
    }
    for (uint32_t i = 0; i < tape->captured; i++) {
        plan->captured_gradients[i] = builder->nodes[builder->captured_from + i].gradient;
        if (plan->captured_slots[i] != NONE) {
            plan->read_captured[plan->read_count++] = i;
        }
        if (plan->captured_gradients[i] != NONE) {
            plan->moved_captured[plan->moved_count++] = i;
        }
    }
}

static void place_matrices(Plan *plan)
{
    for (uint32_t i = 0; i < plan->group_count; i++) {
        Group *group = &plan->groups[i];
        size_t outer = padded(group->outer);
        group->packed = plan->matrix_room; /* whole panels of rows */
        plan->matrix_room += ((size_t)group->outer + MOST_PANEL) * group->inner;
        group->packed_back = plan->matrix_room;
        plan->matrix_room += ((size_t)group->inner + MOST_PANEL) * group->outer;
        group->sums = plan->matrix_room;
        plan->matrix_room += outer * group->inner;
        group->turned = plan->matrix_room;
        plan->matrix_room += outer * MOST_LANES;
    }
}

static int finish(Builder *builder)
{
    Plan *plan = builder->plan;
    find_results(builder);
    find_spread(builder);
    for (uint32_t i = 0; i < plan->group_count; i++) {
        Group *group = &plan->groups[i];
        for (uint32_t j = 0; j < group->outer; j++) {
            group->zs[j] = builder->nodes[group->zs[j]].slot;
        }
    }
    place_matrices(plan);
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* -- all of it --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    int (*run)(Builder *builder);
} Pass;

static const Pass passes[] = {
    {"read_tape", read_tape},         {"find_alive", find_alive}, {"number_values", number_values},
    {"merge_lines", merge_lines},     {"find_order", find_order}, {"fuse_chains", fuse_chains},
    {"group_dots", group_dots},       {"make_room", make_room},   {"emit_forward", emit_forward},
    {"emit_backward", emit_backward}, {"finish", finish},         {"vectorize", vectorize},
};

int make_plan(Plan *plan, const Recorded *recorded)
{
    Builder builder = {.tape = recorded, .plan = plan};
    memset(plan, 0, sizeof *plan);
    plan->inputs = recorded->inputs;
    plan->captured = recorded->captured;
    plan->outputs = recorded->output_count;
    plan->guard_count = recorded->guard_count;
    plan->seed = NONE;
    int status = PLAN_DONE;
    for (size_t i = 0; status == PLAN_DONE && i < sizeof passes / sizeof *passes; i++) {
        status = passes[i].run(&builder);
    }
    free(builder.nodes);
    free(builder.list);
    free(builder.order);
    free(builder.free_rows);
    if (status != PLAN_DONE) {
        free_plan(plan);
    }
    return status;
}

void free_plan(Plan *plan)
{
    for (uint32_t i = 0; plan->groups != NULL && i < plan->group_count; i++) {
        Group *group = &plan->groups[i];
        free(group->xs);
        free(group->zs);
        free(group->gs);
        free(group->weights);
        free(group->starts);
        free(group->wanted);
        free(group->targets);
    }
    free(plan->groups);
    free(plan->constants);
    free(plan->constant_slots);
    free(plan->input_slots);
    free(plan->captured_slots);
    free(plan->read_captured);
    free(plan->moved_captured);
    free(plan->output_slots);
    free(plan->input_gradients);
    free(plan->captured_gradients);
    free(plan->spread_list);
    free(plan->uniform_gradients);
    free(plan->lists);
    free(plan->constant_rows);
    free(plan->body.stretches);
    free(plan->back.stretches);
    free(plan->prelude.instructions);
    free(plan->body.instructions);
    free(plan->back.instructions);
    free(plan->back_prelude.instructions);
    free(plan->guards);
    memset(plan, 0, sizeof *plan);
}
