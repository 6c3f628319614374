/* The first passes: a tape becomes nodes; what is dead goes, constants are folded, what is equal is
 * computed once, and the order of the way back is found.
 *
 * Value numbering by hashing: Cocke and Schwartz, Programming Languages and Their Compilers, 1970.
 * Departs: lines that are equal share their value, but in strict mode not their gradient, as each
 * is added up in the order of an eager pass.
 */
#include "builder.h"

/* -- reading the tape -------------------------------------------------------------------------- */

static void read_leaves(Builder *builder)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; i <= builder->count; i++) {
        Node *node = &builder->nodes[i];
        node->same = i;
        node->slot = node->gradient = node->group = node->partials = NONE;
        node->depends = i < builder->captured_from    ? OF_INPUTS
                        : i < builder->constants_from ? OF_CAPTURED
                                                      : OF_CONSTANTS;
        node->needs = (uint8_t)(i < builder->captured_from    ? tape->by_inputs
                                : i < builder->constants_from ? tape->by_captured
                                                              : 0);
    }
    builder->nodes[builder->one].constant = add_constant(builder, 1.0);
}

int read_tape(Builder *builder)
{
    const Recorded *tape = builder->tape;
    builder->captured_from = tape->inputs;
    builder->constants_from = builder->captured_from + tape->captured;
    builder->lines_from = builder->constants_from + tape->constants;
    builder->count = builder->lines_from + tape->lines;
    builder->one = builder->count;
    builder->nodes = calloc(builder->count + (size_t)1, sizeof(Node));
    builder->list_count = tape->starts[tape->lines];
    builder->list_room = builder->list_count;
    builder->list = malloc((builder->list_count + 1) * sizeof(uint32_t));
    builder->order = malloc((tape->lines + (size_t)1) * sizeof(uint32_t));
    if (builder->nodes == NULL || builder->list == NULL || builder->order == NULL) {
        return PLAN_NO_MEMORY;
    }
    for (size_t i = 0; i < builder->list_count; i++) {
        builder->list[i] = node_at(builder, tape->operands[i]);
    }
    read_leaves(builder);
    for (uint32_t line = 0; line < tape->lines; line++) {
        Node *node = &builder->nodes[builder->lines_from + line];
        node->op = tape->ops[line];
        node->operands = tape->starts[line];
        node->count = tape->starts[line + 1] - node->operands;
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
int find_alive(Builder *builder)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; i < tape->output_count; i++) {
        revive(builder, tape->outputs[i]);
    }
    for (uint32_t i = 0; i < tape->guard_count; i++) {
        revive(builder, tape->guards[i].left);
        revive(builder, tape->guards[i].right);
    }
    for (uint32_t i = builder->count; i-- > builder->lines_from;) {
        Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            builder->nodes[operands_of(builder, node)[j]].alive = 1;
        }
    }
    return PLAN_DONE;
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

typedef struct {
    const Builder *builder;
    uint32_t node;
} Sought;

static int is_same_line(const void *pointer, uint32_t entry)
{
    const Sought *sought = pointer;
    const Builder *builder = sought->builder;
    const Node *a = &builder->nodes[sought->node], *b = &builder->nodes[entry];
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

static int is_same_constant(const void *pointer, uint32_t entry)
{
    const Sought *sought = pointer;
    const Builder *builder = sought->builder;
    const double *numbers = builder->tape->numbers;
    return memcmp(&numbers[entry - builder->constants_from],
                  &numbers[sought->node - builder->constants_from], sizeof *numbers) == 0;
}

/* Let a node have the value of an earlier one that is equal. */
static void number_value(Builder *builder, HashTable *table, uint64_t hash,
                         int (*is_equal)(const void *, uint32_t), uint32_t i)
{
    Sought sought = {builder, i};
    uint32_t *entry = find_entry(table, hash, is_equal, &sought);
    if (*entry == NO_ENTRY) {
        *entry = i;
    }
    builder->nodes[i].same = *entry;
}

static void number_constants(Builder *builder, HashTable *table)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; i < tape->constants; i++) {
        uint64_t bits;
        memcpy(&bits, &tape->numbers[i], sizeof bits);
        builder->nodes[builder->constants_from + i].constant =
            add_constant(builder, tape->numbers[i]);
        number_value(builder, table, mixed(bits, 1), is_same_constant, builder->constants_from + i);
    }
}

/* Tell what a line depends on, and whether a gradient flows through it; return its hash. */
static uint64_t look_at_operands(const Builder *builder, Node *node)
{
    const uint32_t *operands = operands_of(builder, node);
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
    return hash;
}

/* Tell what each line depends on, fold constants, find lines of the same value. */
int number_values(Builder *builder)
{
    const Recorded *tape = builder->tape;
    HashTable table;
    if (!make_hash_table(&table, (size_t)tape->lines + tape->constants)) {
        return PLAN_NO_MEMORY;
    }
    number_constants(builder, &table);
    clear_hash_table(&table);
    for (uint32_t i = builder->lines_from; i < builder->count && !builder->failed; i++) {
        Node *node = &builder->nodes[i];
        if (!node->alive) {
            continue;
        }
        uint64_t hash = look_at_operands(builder, node);
        if (node->depends == OF_CONSTANTS) {
            fold(builder, node);
        }
        if (node->depends != OF_CONSTANTS) {
            number_value(builder, &table, hash, is_same_line, i);
        }
    }
    free_hash_table(&table);
    return builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* In fast mode a line that is equal to an earlier one is that one, for gradients too. */
int merge_lines(Builder *builder)
{
    if (!builder->tape->is_fast) {
        return PLAN_DONE;
    }
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        Node *node = &builder->nodes[i];
        uint32_t *operands = operands_of(builder, node);
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            operands[j] = builder->nodes[operands[j]].same;
        }
    }
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        builder->nodes[i].alive = 0;
    }
    return find_alive(builder);
}

/* -- the order of a pass ----------------------------------------------------------------------- */

typedef struct {
    uint32_t node, next; /* which operand of it is looked at next */
} Open;

/* Enter one operand of the last open node; or close that. */
static Open *go_on(Builder *builder, Open *open, size_t *count, size_t *room, uint8_t *reached)
{
    const Node *node = &builder->nodes[open[*count - 1].node];
    const uint32_t *operands = operands_of(builder, node);
    uint32_t end = node->op == DETACH ? 0 : node->count, enter = NONE;
    while (open[*count - 1].next < end && enter == NONE) {
        uint32_t operand = operands[open[*count - 1].next++];
        if (is_line(builder, operand) && !reached[operand - builder->lines_from]) {
            enter = operand;
        }
    }
    if (enter == NONE) {
        builder->order[builder->order_count++] = open[--*count].node;
        return open;
    }
    reached[enter - builder->lines_from] = 1;
    open = grown(builder, open, *count, room, sizeof *open);
    if (!builder->failed) {
        open[(*count)++] = (Open){enter, 0};
    }
    return open;
}

/* Post-order without recursion, as core/order.py has it. */
int find_order(Builder *builder)
{
    uint32_t root = root_of(builder);
    if (!(builder->tape->by_inputs || builder->tape->by_captured) || !is_line(builder, root)) {
        return PLAN_DONE;
    }
    size_t room = 0, count = 0;
    uint8_t *reached = calloc(builder->tape->lines, 1);
    Open *open = grown(builder, NULL, 0, &room, sizeof *open);
    if (reached != NULL && !builder->failed) {
        reached[root - builder->lines_from] = 1;
        open[count++] = (Open){root, 0};
    }
    while (count != 0 && !builder->failed) {
        open = go_on(builder, open, &count, &room, reached);
    }
    int is_done = reached != NULL && !builder->failed;
    free(open);
    free(reached);
    return is_done ? PLAN_DONE : PLAN_NO_MEMORY;
}
