/* Partials that are lines of the tape: that of sin(x) is cos(x), which need not be computed again
 * where it stands among the values (value numbering, over both programs). Bits stay.
 */
#include "builder.h"

typedef struct {
    const Builder *builder;
    int op;
    uint32_t operand; /* the node that computes it */
} Sought;

static int is_same_call(const void *pointer, uint32_t entry)
{
    const Sought *sought = pointer;
    const Node *node = &sought->builder->nodes[entry];
    uint32_t operand = operands_of(sought->builder, node)[0];
    return node->op == sought->op && sought->builder->nodes[operand].same == sought->operand;
}

static uint32_t *entry_of(const Builder *builder, int op, uint32_t operand)
{
    Sought sought = {builder, op, builder->nodes[operand].same};
    uint64_t hash = mixed((uint64_t)op, sought.operand);
    return find_entry(&builder->calls, hash, is_same_call, &sought);
}

/* Enter every line that computes a row of one operand. */
int find_calls(Builder *builder)
{
    if (!make_hash_table(&builder->calls, builder->tape->lines)) {
        return PLAN_NO_MEMORY;
    }
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        const Node *node = &builder->nodes[i];
        if (is_computed(builder, i) && node->op != DETACH && row_of(node->op)->value1 != NULL) {
            *entry_of(builder, node->op, operands_of(builder, node)[0]) = i;
        }
    }
    return PLAN_DONE;
}

uint32_t known_partial(const Builder *builder, const Node *node)
{
    int row = row_of(node->op)->partial_row;
    return row != 0 ? *entry_of(builder, row, operands_of(builder, node)[0]) : NONE;
}
