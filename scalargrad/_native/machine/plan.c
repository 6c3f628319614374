/* From a tape to programs: what is dead goes, what is equal is computed once, constants are
 * folded, chains of sums become one instruction and dots over the same operands a matrix product.
 *
 * Everything is linear in the lines of the tape. In strict mode the gradient of every line is
 * added up as an eager pass does it; lines that are equal share their value, not their gradient.
 */
#include "builder.h"

void *grown(Builder *builder, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t wanted = *room != 0 ? *room * 2 : 64;
    void *fresh = realloc(items, wanted * size);
    if (fresh == NULL) {
        builder->failed = 1;
        return items;
    }
    *room = wanted;
    return fresh;
}

void push_list(Builder *builder, uint32_t entry)
{
    Plan *plan = builder->plan;
    plan->lists = grown(builder, plan->lists, plan->list_count, &plan->list_room, sizeof entry);
    if (!builder->failed) {
        plan->lists[plan->list_count++] = entry;
    }
}

uint32_t *filled(size_t count)
{
    uint32_t *items = malloc((count + 1) * sizeof *items);
    if (items != NULL) {
        memset(items, 0xff, (count + 1) * sizeof *items);
    }
    return items;
}

void push_instruction(Builder *builder, Program *program, Instruction instruction)
{
    program->instructions =
        grown(builder, program->instructions, program->count, &program->room, sizeof instruction);
    if (!builder->failed) {
        program->instructions[program->count++] = instruction;
    }
}

uint32_t add_constant(Builder *builder, double number)
{
    Plan *plan = builder->plan;
    if (plan->constant_count == builder->constant_room) {
        uint32_t room = builder->constant_room * 2 + 16;
        double *fresh = realloc(plan->constants, room * sizeof(double));
        if (fresh == NULL) {
            builder->failed = 1;
            return 0;
        }
        plan->constants = fresh;
        builder->constant_room = room;
    }
    plan->constants[plan->constant_count] = number;
    return plan->constant_count++;
}

/* -- reading the tape -------------------------------------------------------------------------- */

static int read_tape(Builder *builder)
{
    const Recorded *tape = builder->tape;
    builder->captured_from = tape->inputs;
    builder->constants_from = builder->captured_from + tape->captured;
    builder->lines_from = builder->constants_from + tape->constants;
    builder->count = builder->lines_from + tape->lines;
    builder->one = builder->count; /* the constant 1 stands behind the lines */
    builder->nodes = calloc(builder->count + 1, sizeof(Node));
    builder->list_count = tape->starts[tape->lines];
    builder->list_room = builder->list_count;
    builder->list = malloc((builder->list_count + 1) * sizeof(uint32_t));
    builder->order = malloc((tape->lines + 1) * sizeof(uint32_t));
    if (builder->nodes == NULL || builder->list == NULL || builder->order == NULL) {
        return PLAN_NO_MEMORY;
    }
    for (size_t i = 0; i < builder->list_count; i++) {
        builder->list[i] = node_at(builder, tape->operands[i]);
    }
    for (uint32_t i = 0; i < builder->count; i++) {
        Node *node = &builder->nodes[i];
        node->same = i;
        node->slot = node->gradient = node->group = node->partials = NONE;
        node->depends = i < builder->captured_from    ? OF_INPUTS
                        : i < builder->constants_from ? OF_CAPTURED
                                                      : OF_CONSTANTS;
        if (i < builder->captured_from) {
            node->needs = (uint8_t)tape->wants_inputs;
        } else if (i < builder->constants_from) {
            node->needs = (uint8_t)tape->wants_captured;
        }
    }
    Node *one = &builder->nodes[builder->one];
    one->same = builder->one;
    one->constant = add_constant(builder, 1.0);
    one->slot = one->gradient = one->group = one->partials = NONE;
    for (uint32_t line = 0; line < tape->lines; line++) {
        Node *node = &builder->nodes[builder->lines_from + line];
        node->op = tape->ops[line];
        node->first = tape->starts[line];
        node->count = tape->starts[line + 1] - node->first;
        node->result = tape->results[line];
        if (node->op == CALL) {
            return PLAN_IMPOSSIBLE;
        }
    }
    return PLAN_DONE;
}

static void revive(Builder *builder, uint32_t reference)
{
    computing(builder, node_at(builder, reference))->alive = 1;
}

/* Whatever an output or a guard needs. */
static void find_alive(Builder *builder)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; i < tape->outputs; i++) {
        revive(builder, tape->output_places[i]);
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        revive(builder, tape->guard_places[4 * i + 1]);
        revive(builder, tape->guard_places[4 * i + 2]);
    }
    for (uint32_t i = builder->count; i-- > builder->lines_from;) {
        Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            builder->nodes[operands_of(builder, node)[j]].alive = 1;
        }
    }
}

/* -- values ------------------------------------------------------------------------------------ */

static void fold(Builder *builder, Node *node)
{
    const Operation *row = row_of(node->op);
    uint32_t *operands = operands_of(builder, node);
    if (node->op == DETACH) {
        node->constant = add_constant(builder, constant_of(builder, operands[0]));
    } else if (row->value1 != NULL) {
        node->constant = add_constant(builder, row->value1(constant_of(builder, operands[0])));
    } else if (row->value2 != NULL) {
        node->constant = add_constant(builder, row->value2(constant_of(builder, operands[0]),
                                                           constant_of(builder, operands[1])));
    } else {
        node->depends = OF_CAPTURED; /* computed once a call */
    }
}

static int is_same_line(const Builder *builder, const Node *a, const Node *b)
{
    if (a->op != b->op || a->count != b->count || a->result != b->result) {
        return 0;
    }
    uint32_t *xs = operands_of(builder, a), *ys = operands_of(builder, b);
    for (uint32_t i = 0; i < a->count; i++) {
        if (builder->nodes[xs[i]].same != builder->nodes[ys[i]].same) {
            return 0;
        }
    }
    return 1;
}

/* Tell what each line depends on, fold constants, find lines of the same value. */
static int compute_values(Builder *builder)
{
    const Recorded *tape = builder->tape;
    size_t slots = 16;
    while (slots < 2 * (size_t)tape->lines + 2 * (size_t)tape->constants) {
        slots *= 2;
    }
    uint32_t *table = malloc(slots * sizeof *table);
    if (table == NULL) {
        return PLAN_NO_MEMORY;
    }
    memset(table, 0xff, slots * sizeof *table);
    for (uint32_t i = 0; i < tape->constants; i++) { /* equal constants are one */
        uint64_t bits;
        Node *node = &builder->nodes[builder->constants_from + i];
        node->constant = add_constant(builder, tape->numbers[i]);
        memcpy(&bits, &tape->numbers[i], sizeof bits);
        size_t place = mixed(bits, 1) >> 20 & (slots - 1);
        while (table[place] != NONE) {
            uint32_t other = table[place];
            if (memcmp(&tape->numbers[other - builder->constants_from], &tape->numbers[i], 8) ==
                0) {
                node->same = other;
                break;
            }
            place = (place + 1) & (slots - 1);
        }
        if (node->same == builder->constants_from + i) {
            table[place] = node->same;
        }
    }
    memset(table, 0xff, slots * sizeof *table);
    for (uint32_t i = builder->lines_from; i < builder->count && !builder->failed; i++) {
        Node *node = &builder->nodes[i];
        if (!node->alive) {
            continue;
        }
        uint32_t *operands = operands_of(builder, node);
        uint64_t hash = mixed(node->op, node->result);
        for (uint32_t j = 0; j < node->count; j++) {
            const Node *operand = &builder->nodes[operands[j]];
            node->depends = operand->depends > node->depends ? operand->depends : node->depends;
            node->needs |= operand->needs && node->op != DETACH;
            hash = mixed(hash, operand->same);
        }
        if (node->count == 0) { /* the sum of nothing */
            node->depends = OF_CAPTURED;
        }
        if (node->depends == OF_CONSTANTS) {
            fold(builder, node);
            if (node->depends == OF_CONSTANTS) {
                continue;
            }
        }
        size_t place = hash >> 20 & (slots - 1);
        while (table[place] != NONE &&
               !is_same_line(builder, node, &builder->nodes[table[place]])) {
            place = (place + 1) & (slots - 1);
        }
        if (table[place] == NONE) {
            table[place] = i;
        } else {
            node->same = table[place];
        }
    }
    free(table);
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* In fast mode a line that is equal to an earlier one is that one, for gradients too. */
static void merge(Builder *builder)
{
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        Node *node = &builder->nodes[i];
        uint32_t *operands = operands_of(builder, node);
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            operands[j] = builder->nodes[operands[j]].same;
        }
    }
}

/* -- the order of a pass ----------------------------------------------------------------------- */

uint32_t root_of(const Builder *builder)
{
    uint32_t root = node_at(builder, builder->tape->output_places[builder->tape->root]);
    return builder->tape->is_fast ? builder->nodes[root].same : root;
}

static int find_order(Builder *builder)
{
    uint32_t root = root_of(builder);
    if (!is_line(builder, root)) {
        return PLAN_DONE;
    }
    size_t room = 64, count = 0;
    struct {
        uint32_t node, next;
    } *open = malloc(room * sizeof *open);
    if (open == NULL) {
        return PLAN_NO_MEMORY;
    }
    open[count].node = root;
    open[count++].next = 0;
    builder->nodes[root].reached = 1;
    while (count != 0) {
        Node *node = &builder->nodes[open[count - 1].node];
        uint32_t *operands = operands_of(builder, node), enter = NONE;
        uint32_t end = node->op == DETACH ? 0 : node->count;
        while (open[count - 1].next < end && enter == NONE) {
            uint32_t operand = operands[open[count - 1].next++];
            if (is_line(builder, operand) && !builder->nodes[operand].reached) {
                enter = operand;
            }
        }
        if (enter == NONE) {
            builder->order[builder->order_count++] = open[--count].node;
            continue;
        }
        builder->nodes[enter].reached = 1;
        if (count == room) {
            void *fresh = realloc(open, 2 * room * sizeof *open);
            if (fresh == NULL) {
                free(open);
                return PLAN_NO_MEMORY;
            }
            open = fresh;
            room *= 2;
        }
        open[count].node = enter;
        open[count++].next = 0;
    }
    free(open);
    return PLAN_DONE;
}

/* -- all of it --------------------------------------------------------------------------------- */

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

static void find_results(Builder *builder)
{
    const Recorded *tape = builder->tape;
    Plan *plan = builder->plan;
    for (uint32_t i = 0; i < tape->outputs; i++) {
        plan->output_slots[i] = value_of(builder, node_at(builder, tape->output_places[i]));
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        const uint32_t *given = &tape->guard_places[4 * i];
        plan->guards[i] = (Guard){
            .comparison = (uint8_t)given[0],
            .outcome = (uint8_t)given[3],
            .left = value_of(builder, node_at(builder, given[1])),
            .right = value_of(builder, node_at(builder, given[2])),
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

static int build(Builder *builder)
{
    const Recorded *tape = builder->tape;
    Plan *plan = builder->plan;
    int status = read_tape(builder);
    if (status != PLAN_DONE) {
        return status;
    }
    find_alive(builder);
    if ((status = compute_values(builder)) != PLAN_DONE) {
        return status;
    }
    if (tape->is_fast) {
        merge(builder);
        for (uint32_t i = builder->lines_from; i < builder->count; i++) {
            builder->nodes[i].alive = 0;
        }
        find_alive(builder);
    }
    if ((tape->wants_inputs || tape->wants_captured) &&
        (status = find_order(builder)) != PLAN_DONE) {
        return status;
    }
    if ((status = fuse_chains(builder)) != PLAN_DONE ||
        (status = find_groups(builder)) != PLAN_DONE) {
        return status;
    }
    plan->constant_slots = filled(plan->constant_count + 2 * (size_t)tape->lines);
    plan->input_slots = filled(tape->inputs);
    plan->captured_slots = filled(tape->captured);
    plan->read_captured = filled(tape->captured);
    plan->moved_captured = filled(tape->captured);
    plan->output_slots = filled(tape->outputs);
    plan->input_gradients = filled(tape->inputs);
    plan->captured_gradients = filled(tape->captured);
    plan->spread_list = filled(tape->lines);
    plan->uniform_gradients = filled(tape->lines + tape->captured + tape->constants);
    plan->guards = calloc(tape->guards + 1, sizeof *plan->guards);
    if (plan->constant_slots == NULL || plan->input_slots == NULL || plan->captured_slots == NULL ||
        plan->read_captured == NULL || plan->moved_captured == NULL || plan->output_slots == NULL ||
        plan->input_gradients == NULL || plan->captured_gradients == NULL ||
        plan->spread_list == NULL || plan->uniform_gradients == NULL || plan->guards == NULL) {
        return PLAN_NO_MEMORY;
    }
    uint32_t last_spread = NONE;
    for (uint32_t i = builder->lines_from; i < builder->count && !builder->failed; i++) {
        if (is_computed(builder, i)) {
            emit_forward(builder, i, &last_spread);
        }
    }
    if (builder->order_count != 0 || !is_line(builder, root_of(builder))) {
        if (tape->wants_inputs || tape->wants_captured) {
            emit_backward(builder);
        }
    }
    find_results(builder);
    find_spread(builder);
    for (uint32_t i = 0; i < plan->group_count; i++) {
        Group *group = &plan->groups[i];
        for (uint32_t j = 0; j < group->outer; j++) {
            group->zs[j] = builder->nodes[group->zs[j]].slot;
        }
    }
    place_matrices(plan);
    plan->gradients = builder->gradient_rows;
    if (builder->failed) {
        return PLAN_NO_MEMORY;
    }
    return tape->beside >= 0.0 ? widen(builder) : PLAN_DONE;
}

int make_plan(Plan *plan, const Recorded *recorded)
{
    Builder builder = {.tape = recorded, .plan = plan};
    memset(plan, 0, sizeof *plan);
    plan->inputs = recorded->inputs;
    plan->captured = recorded->captured;
    plan->outputs = recorded->outputs;
    plan->guard_count = recorded->guards;
    plan->seed = NONE;
    int status = build(&builder);
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
