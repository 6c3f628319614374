/* The steps of a plan: where every number stands, the programs forward and back. */
#include "builder.h"
#include <math.h>

/* -- slots ------------------------------------------------------------------------------------ */

uint32_t value_of(Maker *maker, uint32_t i)
{
    uint32_t same = maker->nodes[i].same;
    Node *node = &maker->nodes[same];
    Plan *plan = maker->plan;
    if (node->depends == OF_CONSTANTS) {
        uint32_t *slot = &plan->constant_slots[node->constant];
        if (*slot == NONE) {
            *slot = plan->slots++;
        }
        return *slot;
    }
    if (node->slot == NONE) {
        node->slot = plan->slots++;
        if (same < maker->captured_from) {
            plan->input_slots[same] = node->slot;
        } else if (same < maker->constants_from) {
            plan->captured_slots[same - maker->captured_from] = node->slot;
        }
    }
    return node->slot;
}

static uint32_t weight_of(Maker *maker, uint32_t i)
{
    uint32_t same = maker->nodes[i].same;
    if (maker->nodes[same].depends == OF_CONSTANTS) {
        return (uint32_t)WEIGHT_CONSTANT << WEIGHT_BITS | maker->nodes[same].constant;
    }
    return (uint32_t)WEIGHT_CAPTURED << WEIGHT_BITS | (same - maker->captured_from);
}

static uint8_t shape_of(const Node *node)
{
    return is_dot_node(node)   ? SHAPE_DOT
           : is_sum_node(node) ? SHAPE_SUM
           : is_mean(node->op) ? SHAPE_MEAN
                               : SHAPE_OTHER;
}

static int is_square(const Maker *maker, const Node *node)
{
    if (!is_pow(node->op)) {
        return 0;
    }
    uint32_t exponent = operands_of(maker, node)[1];
    return maker->nodes[exponent].depends == OF_CONSTANTS && constant_of(maker, exponent) == 2.0;
}

static uint32_t slot_of_number(Maker *maker, double number)
{
    uint32_t place = add_constant(maker, number);
    if (maker->failed) {
        return 0;
    }
    maker->plan->constant_slots[place] = maker->plan->slots;
    return maker->plan->slots++;
}

/* Whether a division is a multiplication, bit for bit in strict mode: by a power of two. */
static int halves(Maker *maker, const Node *node, uint32_t *slot)
{
    uint32_t divisor = is_div(node->op) ? operands_of(maker, node)[1] : NONE;
    int exponent;
    if (divisor == NONE || maker->nodes[divisor].depends != OF_CONSTANTS) {
        return 0;
    }
    double number = constant_of(maker, divisor);
    if (!isfinite(number) || number == 0.0) {
        return 0;
    }
    double half = fabs(frexp(number, &exponent));
    if ((half != 0.5 && !maker->tape->is_fast) || abs(exponent) > 1000) {
        return 0;
    }
    *slot = slot_of_number(maker, 1.0 / number);
    return 1;
}

/* Whether the only partial that is wanted depends on constants: as of x / 3. */
static int has_constant_partial(Maker *maker, const Node *node, uint32_t *slot)
{
    if (!is_div(node->op) || maker->nodes[operands_of(maker, node)[1]].depends != OF_CONSTANTS) {
        return 0;
    }
    *slot = slot_of_number(maker, div_partial(constant_of(maker, operands_of(maker, node)[1])));
    return 1;
}

/* -- forward ---------------------------------------------------------------------------------- */

static void emit_group(Maker *maker, uint32_t place)
{
    Plan *plan = maker->plan;
    Group *group = &plan->groups[place];
    const Node *first = &maker->nodes[group->zs[0]];
    for (uint32_t j = 0; j < group->inner; j++) {
        group->xs[j] = value_of(maker, operands_of(maker, first)[j]);
    }
    group->is_constant = group->is_captured = 1;
    for (uint32_t i = 0; i < group->outer; i++) {
        Node *node = &maker->nodes[group->zs[i]];
        uint32_t *ws = operands_of(maker, node) + group->inner;
        for (uint32_t j = 0; j < group->inner; j++) {
            group->is_constant &= maker->nodes[ws[j]].depends == OF_CONSTANTS;
            group->is_captured &= maker->nodes[ws[j]].depends == OF_CAPTURED;
            group->weights[(size_t)i * group->inner + j] = weight_of(maker, ws[j]);
        }
        group->starts[i] = start_of(node);
        value_of(maker, group->zs[i]);
    }
    push_step(maker, &plan->body, (Step){.op = STEP_MATMUL, .x = place});
}

/* Compute all results of a row that has several; return the slot of the first. */
static uint32_t emit_spread(Maker *maker, Program *program, uint32_t i)
{
    Plan *plan = maker->plan;
    Node *node = &maker->nodes[i];
    const uint32_t *operands = operands_of(maker, node);
    uint32_t first = (uint32_t)plan->list_count;
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(maker, value_of(maker, operands[j]));
    }
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(maker, plan->slots + j);
    }
    uint32_t head = plan->slots;
    push_step(maker, program,
              (Step){.op = STEP_LIST,
                     .operand = node->op,
                     .shape = SHAPE_SPREAD,
                     .x = first,
                     .y = node->count});
    plan->slots += node->count;
    plan->longest = node->count > plan->longest ? node->count : plan->longest;
    return head;
}

void emit_forward(Maker *maker, uint32_t i, uint32_t *last_spread)
{
    Plan *plan = maker->plan;
    Node *node = &maker->nodes[i];
    Program *program = node->depends == OF_INPUTS ? &plan->body : &plan->prelude;
    uint32_t *operands = operands_of(maker, node);
    if (node->group != NONE) {
        if (plan->groups[node->group].zs[0] == i) {
            emit_group(maker, node->group);
        }
        return;
    }
    const Operation *row = row_of(node->op);
    if (node->op == DETACH) {
        node->slot = value_of(maker, operands[0]);
        return;
    }
    if (row->spread != NULL) {
        const Node *other = *last_spread != NONE ? &maker->nodes[*last_spread] : NULL;
        int is_next =
            other != NULL && other->op == node->op && other->count == node->count &&
            memcmp(operands_of(maker, other), operands, node->count * sizeof *operands) == 0;
        uint32_t head = is_next ? other->slot - other->result : emit_spread(maker, program, i);
        node->slot = head + node->result;
        *last_spread = i;
        return;
    }
    Step step = {.op = node->op};
    if (row->value1 != NULL) {
        step.x = value_of(maker, operands[0]);
    } else if (row->value2 != NULL && node->products == 0) {
        step.x = value_of(maker, operands[0]);
        if (is_square(maker, node)) {
            step.op = STEP_SQUARE;
        } else if (halves(maker, node, &step.y)) {
            step.op = mul_op();
        } else {
            step.y = value_of(maker, operands[1]);
        }
    } else {
        step.op = STEP_LIST;
        step.operand = node->op;
        step.shape = shape_of(node);
        step.assigns = node->is_chain;
        step.x = (uint32_t)plan->list_count;
        step.y = node->count;
        for (uint32_t j = 0; j < node->count; j++) {
            push_list(maker, value_of(maker, operands[j]));
        }
        plan->longest = node->count > plan->longest ? node->count : plan->longest;
        step.t = NONE;
        if (step.shape == SHAPE_OTHER && node->needs) {
            step.t = node->partials = plan->slots; /* a slot an operand */
            plan->slots += node->count;
        }
    }
    step.z = value_of(maker, i);
    push_step(maker, program, step);
}

/* -- backward --------------------------------------------------------------------------------- */

static uint32_t take_row(Maker *maker)
{
    return maker->free_count != 0 ? maker->free_rows[--maker->free_count] : maker->gradient_rows++;
}

static void give_row(Maker *maker, uint32_t row)
{
    if (maker->tape->beside >= 0.0) { /* steps change places */
        return;
    }
    maker->free_rows =
        grown(maker, maker->free_rows, maker->free_count, &maker->free_room, sizeof row);
    if (!maker->failed) {
        maker->free_rows[maker->free_count++] = row;
    }
}

/* Return where the gradient of a node goes; tell whether this is the first write to it. */
static uint32_t target_of(Maker *maker, uint32_t i, uint8_t *assigns)
{
    Node *node = &maker->nodes[i];
    *assigns = 0;
    if (node->gradient == NONE) {
        if (node->depends == OF_INPUTS) {
            node->gradient = take_row(maker);
            *assigns = 1;
        } else { /* it collects over all blocks, and begins with 0 */
            node->gradient = maker->gradient_rows++;
            Plan *plan = maker->plan;
            plan->uniform_gradients[plan->uniform_gradient_count++] = node->gradient;
        }
    }
    return node->gradient;
}

static uint32_t packed_target(Maker *maker, uint32_t i)
{
    uint8_t assigns;
    if (!maker->nodes[i].needs) {
        return NONE;
    }
    uint32_t target = target_of(maker, i, &assigns);
    return target << 1 | assigns;
}

static void emit_group_back(Maker *maker, uint32_t place)
{
    Plan *plan = maker->plan;
    Group *group = &plan->groups[place];
    const Node *first = &maker->nodes[group->zs[0]];
    for (uint32_t i = 0; i < group->outer; i++) {
        Node *node = &maker->nodes[group->zs[i]];
        if (node->gradient == NONE) {
            node->gradient = take_row(maker);
            push_step(maker, &plan->back, (Step){.op = STEP_ZERO, .t = node->gradient});
        }
        group->gs[i] = node->gradient;
        uint32_t *ws = operands_of(maker, node) + group->inner;
        for (uint32_t j = 0; j < group->inner; j++) {
            group->weights_wanted |= maker->nodes[ws[j]].needs;
        }
    }
    for (uint32_t j = 0; j < group->inner; j++) {
        uint32_t x = operands_of(maker, first)[j];
        if (maker->nodes[x].needs) {
            group->wanted[group->wanted_count] = j;
            group->targets[group->wanted_count++] = packed_target(maker, x);
        }
    }
    push_step(maker, &plan->back, (Step){.op = STEP_MATMUL, .x = place});
    for (uint32_t i = 0; i < group->outer; i++) {
        give_row(maker, group->gs[i]);
    }
}

/* Of a row of one or two operands. */
static void emit_row_back(Maker *maker, Program *program, const Node *node, Step step)
{
    const uint32_t *operands = operands_of(maker, node);
    step.x = value_of(maker, operands[0]);
    if (is_square(maker, node)) {
        step.op = STEP_SQUARE;
    } else if (node->count > 1) {
        step.y = value_of(maker, operands[1]);
    }
    if (is_cheap(node->op) && operands[0] != operands[1] && maker->nodes[operands[0]].needs &&
        maker->nodes[operands[1]].needs) {
        uint8_t first, second;
        step.operand = BOTH;
        step.t = target_of(maker, operands[0], &first);
        step.u = target_of(maker, operands[1], &second);
        step.assigns = (uint8_t)(first | second << 1);
        push_step(maker, program, step);
        return;
    }
    if (has_constant_partial(maker, node, &step.y)) {
        step.op = mul_op();
    }
    for (uint32_t j = 0; j < node->count; j++) {
        if (maker->nodes[operands[j]].needs) {
            step.operand = (uint8_t)j;
            step.t = target_of(maker, operands[j], &step.assigns);
            push_step(maker, program, step);
        }
    }
}

static void emit_list_back(Maker *maker, Program *program, const Node *node, Step step)
{
    Plan *plan = maker->plan;
    const Node *computed = &maker->nodes[node->same];
    const uint32_t *operands = operands_of(maker, node);
    step.op = STEP_LIST;
    step.operand = node->op;
    step.shape = row_of(node->op)->spread != NULL ? SHAPE_SPREAD : shape_of(node);
    step.t = (uint32_t)plan->list_count;
    step.y = node->count;
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(maker, packed_target(maker, operands[j]));
    }
    switch (step.shape) {
    case SHAPE_DOT: { /* the partial is the other operand */
        uint32_t half = node->count / 2;
        for (uint32_t j = 0; j < node->count; j++) {
            push_list(maker, value_of(maker, operands[j < half ? j + half : j - half]));
        }
        break;
    }
    case SHAPE_SPREAD:
        step.x = computed->slot - computed->result; /* the first of the results */
        step.z = node->result;
        break;
    case SHAPE_OTHER:
        step.x = computed->partials;
    }
    push_step(maker, program, step);
}

static void emit_back(Maker *maker, uint32_t i, uint32_t *left_in_group)
{
    Plan *plan = maker->plan;
    Node *node = &maker->nodes[i];
    const Operation *row = row_of(node->op);
    int varies = node->depends == OF_INPUTS;
    if (varies && node->group != NONE) {
        if (--left_in_group[node->group] == 0) {
            emit_group_back(maker, node->group);
        }
        return;
    }
    if (node->gradient == NONE || node->op == DETACH) {
        return;
    }
    Program *program = varies ? &plan->back : &plan->back_prelude;
    Step step = {.op = node->op, .g = node->gradient, .z = value_of(maker, i)};
    if (row->value1 != NULL || (row->value2 != NULL && node->products == 0)) {
        emit_row_back(maker, program, node, step);
    } else {
        emit_list_back(maker, program, node, step);
    }
    if (varies) {
        give_row(maker, node->gradient);
    }
}

void emit_backward(Maker *maker)
{
    Plan *plan = maker->plan;
    uint32_t root = root_of(maker);
    uint8_t assigns;
    if (!maker->nodes[root].needs) {
        return;
    }
    plan->seed = target_of(maker, root, &assigns);
    plan->seed_collects = maker->nodes[root].depends != OF_INPUTS;
    uint32_t *left = malloc((plan->group_count + 1) * sizeof *left);
    if (left == NULL) {
        maker->failed = 1;
        return;
    }
    memset(left, 0, (plan->group_count + 1) * sizeof *left);
    for (uint32_t i = 0; i < plan->group_count; i++) {
        for (uint32_t j = 0; j < plan->groups[i].outer; j++) {
            const Node *node = &maker->nodes[plan->groups[i].zs[j]];
            left[i] += node->reached && node->needs;
        }
    }
    for (uint32_t i = maker->order_count; i-- > 0 && !maker->failed;) {
        const Node *node = &maker->nodes[maker->order[i]];
        if (node->needs && !node->absorbed) {
            emit_back(maker, maker->order[i], left);
        }
    }
    free(left);
}
