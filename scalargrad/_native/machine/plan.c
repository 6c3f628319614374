/* From a tape to programs: the passes in order. Each is linear in the lines of the tape, but for a
 * sort in vectorize.c. */
#include "verify.h"

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
        group->transposed = plan->matrix_room;
        plan->matrix_room += outer * MOST_LANES;
    }
}

static void add_costs(Plan *plan, const Program *program)
{
    for (size_t i = 0; i < program->count; i++) {
        plan->scalar_cost += scalar_cost(&program->instructions[i]);
    }
}

static int finish(Builder *builder)
{
    Plan *plan = builder->plan;
    find_results(builder);
    find_spread(builder);
    place_matrices(plan);
    add_costs(plan, &plan->prelude);
    add_costs(plan, &plan->body);
    add_costs(plan, &plan->back);
    add_costs(plan, &plan->back_prelude);
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* -- all of it --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    int (*run)(Builder *builder);
    int stage; /* what the verifier finds behind it */
} Pass;

#define PASS(name, stage) {#name, name, stage}

static const Pass passes[] = {
    PASS(read_tape, STAGE_NODES),     /* lines as nodes, references as their indices */
    PASS(find_alive, STAGE_NODES),    /* what no result needs is computed nowhere */
    PASS(number_values, STAGE_NODES), /* constants are folded, equal lines found */
    PASS(merge_lines, STAGE_NODES),   /* fast mode: equal lines share their gradient too */
    PASS(find_order, STAGE_NODES),    /* of an eager pass back */
    PASS(fuse_chains, STAGE_NODES),   /* ((a + b·c) + d) + ... is one instruction */
    PASS(group_dots, STAGE_NODES),    /* dots over the same operands are a matrix product */
    PASS(make_room, STAGE_NODES),
    PASS(emit_forward, STAGE_FORWARD),
    PASS(find_calls, STAGE_FORWARD), /* values that may be partials */
    PASS(emit_backward, STAGE_BACKWARD),
    PASS(finish, STAGE_PLAN),    /* results, and room for the matrices */
    PASS(vectorize, STAGE_PLAN), /* for one lane: equal instructions run as lanes */
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
    plan->is_for_points = recorded->is_for_points;
    int status = PLAN_DONE;
    for (size_t i = 0; status == PLAN_DONE && i < sizeof passes / sizeof *passes; i++) {
        status = passes[i].run(&builder);
        if (status == PLAN_DONE) {
            check_pass(&builder, passes[i].name, passes[i].stage);
        }
    }
    free(builder.nodes);
    free(builder.list);
    free(builder.order);
    free(builder.dots);
    free(builder.free_rows);
    free_hash_table(&builder.calls);
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
        free(group->active);
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
