/* The passes that emit instructions: the programs forward and back, and the slots of their numbers.
 *
 * Reverse mode, as Griewank, On Automatic Differentiation, 1989: a statement's operands get its
 * gradient times each partial, from the last statement to the first.
 */
#include "builder.h"
#include <math.h>

/* -- slots ------------------------------------------------------------------------------------- */

uint32_t value_of(Builder *builder, uint32_t i)
{
    uint32_t same = builder->nodes[i].same;
    Node *node = &builder->nodes[same];
    Plan *plan = builder->plan;
    if (node->depends == OF_CONSTANTS) {
        uint32_t *slot = &plan->constant_slots[node->constant];
        if (*slot == NONE) {
            *slot = plan->slots++;
        }
        return *slot;
    }
    if (node->slot == NONE) {
        node->slot = plan->slots++;
        if (same < builder->captured_from) {
            plan->input_slots[same] = node->slot;
        } else if (same < builder->constants_from) {
            plan->captured_slots[same - builder->captured_from] = node->slot;
        }
    }
    return node->slot;
}

static uint32_t weight_of(Builder *builder, uint32_t i)
{
    uint32_t same = builder->nodes[i].same;
    if (builder->nodes[same].depends == OF_CONSTANTS) {
        return (uint32_t)WEIGHT_CONSTANT << WEIGHT_BITS | builder->nodes[same].constant;
    }
    return (uint32_t)WEIGHT_CAPTURED << WEIGHT_BITS | (same - builder->captured_from);
}

static uint8_t list_code(const Node *node)
{
    return row_of(node->op)->value_plural != NULL ? CODE_SPREAD
           : is_dot_node(node)                    ? CODE_DOT
           : is_sum_node(node)                    ? CODE_SUM
           : is_mean(node->op)                    ? CODE_MEAN
                                                  : CODE_MANY;
}

/* The code of a power that is no call, or 0. */
static uint8_t power_of(const Builder *builder, const Node *node)
{
    uint32_t exponent = node->count == 2 ? operands_of(builder, node)[1] : NONE;
    if (exponent == NONE || builder->nodes[exponent].depends != OF_CONSTANTS) {
        return 0;
    }
    return power_code(node->op, constant_of(builder, exponent));
}

static uint32_t slot_of_number(Builder *builder, double number)
{
    uint32_t constant = add_constant(builder, number);
    if (builder->failed) {
        return 0;
    }
    builder->plan->constant_slots[constant] = builder->plan->slots;
    return builder->plan->slots++;
}

/* Whether a division is a multiplication, bit for bit in strict mode: by a power of two. */
static int halves(Builder *builder, const Node *node, uint32_t *slot)
{
    uint32_t divisor = is_div(node->op) ? operands_of(builder, node)[1] : NONE;
    int exponent;
    if (divisor == NONE || builder->nodes[divisor].depends != OF_CONSTANTS) {
        return 0;
    }
    double number = constant_of(builder, divisor);
    if (!isfinite(number) || number == 0.0) {
        return 0;
    }
    double half = fabs(frexp(number, &exponent));
    if ((half != 0.5 && !builder->tape->is_fast) || abs(exponent) > 1000) {
        return 0;
    }
    *slot = slot_of_number(builder, 1.0 / number);
    return 1;
}

/* Whether the only partial that is asked for depends on constants: as of x / 3. */
static int has_constant_partial(Builder *builder, const Node *node, uint32_t *slot)
{
    if (!is_div(node->op) ||
        builder->nodes[operands_of(builder, node)[1]].depends != OF_CONSTANTS) {
        return 0;
    }
    *slot =
        slot_of_number(builder, div_partial(constant_of(builder, operands_of(builder, node)[1])));
    return 1;
}

/* -- forward ----------------------------------------------------------------------------------- */

static void emit_group(Builder *builder, uint32_t index)
{
    Plan *plan = builder->plan;
    Group *group = &plan->groups[index];
    const uint32_t *dots = builder->dots + group->first_dot;
    const Node *first = &builder->nodes[dots[0]];
    for (uint32_t j = 0; j < group->inner; j++) {
        group->xs[j] = value_of(builder, operands_of(builder, first)[j]);
    }
    group->is_constant = group->is_captured = 1;
    for (uint32_t i = 0; i < group->outer; i++) {
        Node *node = &builder->nodes[dots[i]];
        uint32_t *ws = operands_of(builder, node) + group->inner;
        for (uint32_t j = 0; j < group->inner; j++) {
            group->is_constant &= builder->nodes[ws[j]].depends == OF_CONSTANTS;
            group->is_captured &= builder->nodes[ws[j]].depends == OF_CAPTURED;
            group->weights[(size_t)i * group->inner + j] = weight_of(builder, ws[j]);
        }
        group->starts[i] = start_of(node);
        group->zs[i] = value_of(builder, dots[i]);
    }
    push_instruction(builder, &plan->body, (Instruction){.code = CODE_MATMUL, .x = index});
}

/* Compute all results of a row that has several; return the slot of the first. */
static uint32_t emit_spread(Builder *builder, Program *program, uint32_t i)
{
    Plan *plan = builder->plan;
    Node *node = &builder->nodes[i];
    const uint32_t *operands = operands_of(builder, node);
    uint32_t first = (uint32_t)plan->list_count;
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(builder, value_of(builder, operands[j]));
    }
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(builder, plan->slots + j);
    }
    uint32_t head = plan->slots;
    push_instruction(
        builder, program,
        (Instruction){.code = CODE_SPREAD, .row = node->op, .x = first, .y = node->count});
    plan->slots += node->count;
    plan->longest = node->count > plan->longest ? node->count : plan->longest;
    return head;
}

static void emit_node(Builder *builder, uint32_t i)
{
    Plan *plan = builder->plan;
    Node *node = &builder->nodes[i];
    Program *program = node->depends == OF_INPUTS ? &plan->body : &plan->prelude;
    uint32_t *operands = operands_of(builder, node);
    if (node->group != NONE) {
        if (builder->dots[plan->groups[node->group].first_dot] == i) {
            emit_group(builder, node->group);
        }
        return;
    }
    const Operation *row = row_of(node->op);
    if (node->op == DETACH) {
        node->slot = value_of(builder, operands[0]);
        return;
    }
    if (row->value_plural != NULL) {
        const Node *other =
            builder->last_spread != NONE ? &builder->nodes[builder->last_spread] : NULL;
        int is_next =
            other != NULL && other->op == node->op && other->count == node->count &&
            memcmp(operands_of(builder, other), operands, node->count * sizeof *operands) == 0;
        uint32_t head = is_next ? other->slot - other->result : emit_spread(builder, program, i);
        node->slot = head + node->result;
        builder->last_spread = i;
        return;
    }
    Instruction instruction = {.code = node->op};
    if (row->value1 != NULL) {
        instruction.x = value_of(builder, operands[0]);
    } else if (row->value2 != NULL && node->fused == NOT_FUSED) {
        instruction.x = value_of(builder, operands[0]);
        uint8_t power = power_of(builder, node);
        if (power != 0) {
            instruction.code = power;
        } else if (halves(builder, node, &instruction.y)) {
            instruction.code = mul_op();
        } else {
            instruction.y = value_of(builder, operands[1]);
        }
    } else {
        instruction.code = list_code(node);
        instruction.row = node->op;
        instruction.assigns = node->is_chain;
        instruction.x = (uint32_t)plan->list_count;
        instruction.y = node->count;
        for (uint32_t j = 0; j < node->count; j++) {
            push_list(builder, value_of(builder, operands[j]));
        }
        plan->longest = node->count > plan->longest ? node->count : plan->longest;
        instruction.t = NONE;
        if (instruction.code == CODE_MANY && node->needs) {
            instruction.t = node->partials = plan->slots; /* a slot an operand */
            plan->slots += node->count;
        }
    }
    instruction.z = value_of(builder, i);
    push_instruction(builder, program, instruction);
}

int emit_forward(Builder *builder)
{
    builder->last_spread = NONE;
    for (uint32_t i = builder->lines_from; i < builder->count && !builder->failed; i++) {
        if (is_computed(builder, i)) {
            emit_node(builder, i);
        }
    }
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* -- backward ---------------------------------------------------------------------------------- */

static uint32_t take_row(Builder *builder)
{
    return builder->free_count != 0 ? builder->free_rows[--builder->free_count]
                                    : builder->plan->gradients++;
}

static void give_row(Builder *builder, uint32_t row)
{
    if (builder->tape->vector_share >= 0.0) { /* instructions change their order */
        return;
    }
    builder->free_rows =
        grown(builder, builder->free_rows, builder->free_count, &builder->free_room, sizeof row);
    if (!builder->failed) {
        builder->free_rows[builder->free_count++] = row;
    }
}

/* Return where the gradient of a node goes; tell whether this is the first write to it. */
static uint32_t target_of(Builder *builder, uint32_t i, uint8_t *assigns)
{
    Node *node = &builder->nodes[i];
    *assigns = 0;
    if (node->gradient == NONE) {
        if (node->depends == OF_INPUTS) {
            node->gradient = take_row(builder);
            *assigns = 1;
        } else { /* it collects over all blocks, and begins with 0 */
            Plan *plan = builder->plan;
            node->gradient = plan->gradients++;
            plan->uniform_gradients[plan->uniform_gradient_count++] = node->gradient;
        }
    }
    return node->gradient;
}

/* Whether a gradient of its own goes to an operand. */
static int has_term(const Builder *builder, uint32_t i)
{
    return builder->nodes[i].needs && !builder->nodes[i].absorbed;
}

static uint32_t packed_target(Builder *builder, uint32_t i)
{
    uint8_t assigns;
    if (!has_term(builder, i)) {
        return NONE;
    }
    uint32_t target = target_of(builder, i, &assigns);
    return target << 1 | assigns;
}

static void emit_group_back(Builder *builder, uint32_t index)
{
    Plan *plan = builder->plan;
    Group *group = &plan->groups[index];
    const uint32_t *dots = builder->dots + group->first_dot;
    const Node *first = &builder->nodes[dots[0]];
    for (uint32_t i = 0; i < group->outer; i++) {
        Node *node = &builder->nodes[dots[i]];
        if (node->gradient == NONE) {
            node->gradient = take_row(builder);
            push_instruction(builder, &plan->back,
                             (Instruction){.code = CODE_ZERO, .t = node->gradient});
        }
        group->gs[i] = node->gradient;
        uint32_t *ws = operands_of(builder, node) + group->inner;
        for (uint32_t j = 0; j < group->inner; j++) {
            group->weights_active |= builder->nodes[ws[j]].needs;
        }
    }
    for (uint32_t j = 0; j < group->inner; j++) {
        uint32_t x = operands_of(builder, first)[j];
        if (builder->nodes[x].needs) {
            group->active[group->active_count] = j;
            group->targets[group->active_count++] = packed_target(builder, x);
        }
    }
    push_instruction(builder, &plan->back, (Instruction){.code = CODE_MATMUL, .x = index});
    for (uint32_t i = 0; i < group->outer; i++) {
        give_row(builder, group->gs[i]);
    }
}

/* Let an addition be itself again that was fused forward: the products of a chain stand apart in
 * the order of an eager pass, and numbers between them may add to the same gradients. The terms of
 * a fused sum are used nowhere else, so that their turn is no matter.
 */
static void unfuse(const Builder *builder, uint32_t i)
{
    Node *node = &builder->nodes[i];
    if (node->fused == FUSED_DOT && !builder->tape->is_fast) {
        const uint32_t *start = builder->tape->starts + (i - builder->lines_from);
        node->operands = start[0];
        node->count = start[1] - start[0];
        node->fused = NOT_FUSED;
    }
}

/* Let absorbed operands have the gradient of an addition; tell whether there are any. Of two the
 * left one is met last.
 */
static int hand_on(const Builder *builder, const Node *node)
{
    const uint32_t *operands = operands_of(builder, node);
    int is_whole = node->fused == NOT_FUSED && (is_add(node->op) || is_sum(node->op));
    uint8_t is_handed_on = 0;
    for (uint32_t j = 0; is_whole && j < node->count; j++) {
        Node *operand = &builder->nodes[operands[j]];
        if (operand->absorbed) {
            operand->gradient = node->gradient;
            operand->borrows = is_handed_on | node->borrows;
            is_handed_on = 1;
        }
    }
    return is_handed_on;
}

/* The slot of a value that is computed; the derivative of a sum reads none. */
static uint32_t value_there(Builder *builder, uint32_t i)
{
    return builder->nodes[i].absorbed ? 0 : value_of(builder, i);
}

/* Of a row of one or two operands. */
static void emit_row_back(Builder *builder, Program *program, const Node *node,
                          Instruction instruction)
{
    const uint32_t *operands = operands_of(builder, node);
    instruction.x = value_there(builder, operands[0]);
    uint8_t power = power_of(builder, node);
    if (power != 0) {
        instruction.code = power;
    } else if (node->count > 1) {
        instruction.y = value_there(builder, operands[1]);
    }
    if (is_cheap(node->op) && operands[0] != operands[1] && has_term(builder, operands[0]) &&
        has_term(builder, operands[1])) {
        uint8_t first, second;
        instruction.operand = BOTH;
        instruction.t = target_of(builder, operands[0], &first);
        instruction.u = target_of(builder, operands[1], &second);
        instruction.assigns = (uint8_t)(first | second << 1);
        push_instruction(builder, program, instruction);
        return;
    }
    uint32_t known = known_partial(builder, node);
    if (known != NONE) {
        instruction.y = value_of(builder, known);
        instruction.code = row_of(node->op)->partial_sign > 0 ? mul_op() : CODE_OPPOSITE;
    } else if (has_constant_partial(builder, node, &instruction.y)) {
        instruction.code = mul_op();
    }
    for (uint32_t j = 0; j < node->count; j++) {
        if (has_term(builder, operands[j])) {
            instruction.operand = (uint8_t)j;
            instruction.t = target_of(builder, operands[j], &instruction.assigns);
            push_instruction(builder, program, instruction);
        }
    }
}

static void emit_list_back(Builder *builder, Program *program, const Node *node,
                           Instruction instruction)
{
    Plan *plan = builder->plan;
    const Node *computed = &builder->nodes[node->same];
    const uint32_t *operands = operands_of(builder, node);
    instruction.code = list_code(node);
    instruction.row = node->op;
    instruction.t = (uint32_t)plan->list_count;
    instruction.y = node->count;
    uint32_t targets = 0;
    for (uint32_t j = 0; j < node->count; j++) {
        targets += has_term(builder, operands[j]);
        push_list(builder, packed_target(builder, operands[j]));
    }
    if (targets == 0) { /* all are absorbed */
        return;
    }
    switch (instruction.code) {
    case CODE_DOT: { /* the partial is the other operand */
        uint32_t half = node->count / 2;
        for (uint32_t j = 0; j < node->count; j++) {
            push_list(builder, value_of(builder, operands[j < half ? j + half : j - half]));
        }
        break;
    }
    case CODE_SPREAD:
        instruction.x = computed->slot - computed->result; /* the first of the results */
        instruction.z = node->result;
        break;
    case CODE_MANY:
        instruction.x = computed->partials;
    }
    push_instruction(builder, program, instruction);
}

static void emit_back(Builder *builder, uint32_t i, uint32_t *left_in_group)
{
    Plan *plan = builder->plan;
    Node *node = &builder->nodes[i];
    const Operation *row = row_of(node->op);
    int varies = node->depends == OF_INPUTS;
    if (varies && node->group != NONE) {
        if (--left_in_group[node->group] == 0) {
            emit_group_back(builder, node->group);
        }
        return;
    }
    if (node->gradient == NONE || node->op == DETACH) {
        return;
    }
    unfuse(builder, i);
    int is_handed_on = hand_on(builder, node);
    Program *program = varies || plan->is_for_points ? &plan->back : &plan->back_prelude;
    Instruction instruction = {.code = node->op, .g = node->gradient};
    instruction.z = value_there(builder, i);
    if (row->value1 != NULL || (row->value2 != NULL && node->fused == NOT_FUSED)) {
        emit_row_back(builder, program, node, instruction);
    } else {
        emit_list_back(builder, program, node, instruction);
    }
    if (varies && !is_handed_on && !node->borrows) {
        give_row(builder, node->gradient);
    }
}

/* How many dots of each group the pass meets: with the last one the whole group goes back. */
static void count_members(const Builder *builder, uint32_t *left_in_group)
{
    for (uint32_t i = 0; i < builder->order_count; i++) {
        const Node *node = &builder->nodes[builder->order[i]];
        if (node->group != NONE && node->needs) {
            left_in_group[node->group]++;
        }
    }
}

int emit_backward(Builder *builder)
{
    Plan *plan = builder->plan;
    uint32_t root = root_of(builder);
    uint8_t assigns;
    if (!builder->nodes[root].needs) {
        return PLAN_DONE;
    }
    plan->seed = target_of(builder, root, &assigns);
    plan->seed_collects = builder->nodes[root].depends != OF_INPUTS;
    uint32_t *left_in_group = calloc(plan->group_count + (size_t)1, sizeof *left_in_group);
    if (left_in_group == NULL) {
        return PLAN_NO_MEMORY;
    }
    count_members(builder, left_in_group);
    for (uint32_t i = builder->order_count; i-- > 0 && !builder->failed;) {
        const Node *node = &builder->nodes[builder->order[i]];
        if (node->needs) {
            emit_back(builder, builder->order[i], left_in_group);
        }
    }
    free(left_in_group);
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}
