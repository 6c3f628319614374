/* Chains of + and · become one instruction: a sum, or a dot (operator fusion). Terms are added up in
 * the same order, so bits stay.
 */
#include "builder.h"

typedef struct {
    Builder *builder;
    uint32_t *uses; /* of each node, by lines that stay */
} Fusion;

/* -- uses -------------------------------------------------------------------------------------- */

/* What is read from outside of the lines may not be absorbed, nor what has its value. */
static void keep(Fusion *fusion, uint32_t reference)
{
    uint32_t node = node_at(fusion->builder, reference);
    fusion->uses[node] += 2;
    fusion->uses[fusion->builder->nodes[node].same] += 2;
}

static void count_uses(Fusion *fusion)
{
    const Builder *builder = fusion->builder;
    const Recorded *tape = builder->tape;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        const Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            fusion->uses[operands_of(builder, node)[j]]++;
        }
        if (node->alive && node->same != i) { /* shared: neither may be absorbed */
            fusion->uses[i] += 2;
            fusion->uses[node->same] += 2;
        }
    }
    for (uint32_t i = 0; i < tape->output_count; i++) {
        keep(fusion, tape->outputs[i]);
    }
    for (uint32_t i = 0; i < tape->guard_count; i++) {
        keep(fusion, tape->guards[i].left);
        keep(fusion, tape->guards[i].right);
    }
}

static int may_absorb(const Fusion *fusion, uint32_t i, const Node *into)
{
    const Node *node = &fusion->builder->nodes[i];
    return is_line(fusion->builder, i) && fusion->uses[i] == 1 && node->same == i &&
           !node->absorbed && node->depends == into->depends;
}

static int may_absorb_product(const Fusion *fusion, uint32_t i, const Node *into)
{
    return may_absorb(fusion, i, into) && is_mul(fusion->builder->nodes[i].op);
}

/* In strict mode a term that has a gradient from elsewhere too must get them in their order. */
static int may_be_term(const Fusion *fusion, uint32_t i)
{
    return fusion->builder->tape->is_fast || !fusion->builder->nodes[i].needs ||
           fusion->uses[i] == 1;
}

/* -- chains of sums ---------------------------------------------------------------------------- */

typedef struct {
    uint32_t length, products; /* terms, and how many of them are products */
    int is_alone;              /* no term is used elsewhere */
} Chain;

/* Follow ((a + b·c) + d) + ... down its left side. */
static Chain chain_below(const Fusion *fusion, uint32_t root)
{
    const Builder *builder = fusion->builder;
    const Node *node = &builder->nodes[root];
    Chain chain = {.length = 1, .is_alone = 1};
    for (uint32_t i = root;;) {
        const uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        uint32_t left = operands[0], right = operands[1];
        chain.products += may_absorb_product(fusion, right, node);
        chain.is_alone = chain.is_alone && may_be_term(fusion, right);
        chain.length++;
        if (!may_absorb(fusion, left, node) || !is_add(builder->nodes[left].op)) {
            chain.products += may_absorb_product(fusion, left, node);
            chain.is_alone = chain.is_alone && may_be_term(fusion, left);
            return chain;
        }
        i = left;
    }
}

/* Write down a term: of a dot, its two factors. */
static void put_term(const Fusion *fusion, const Node *root, uint32_t term, uint32_t *terms,
                     uint32_t *factors)
{
    Builder *builder = fusion->builder;
    if (factors == NULL) {
        *terms = term;
    } else if (may_absorb_product(fusion, term, root)) {
        builder->nodes[term].absorbed = 1;
        *terms = operands_of(builder, &builder->nodes[term])[0];
        *factors = operands_of(builder, &builder->nodes[term])[1];
    } else {
        *terms = term;
        *factors = builder->one;
    }
}

static int fuse_chain(Fusion *fusion, uint32_t root)
{
    Builder *builder = fusion->builder;
    Node *node = &builder->nodes[root];
    Chain chain = chain_below(fusion, root);
    uint32_t length = chain.length;
    int is_dot = chain.products >= LEAST_TERMS;
    if (length < LEAST_TERMS || !(is_dot || chain.is_alone)) {
        return PLAN_DONE;
    }
    if (!grow_operands(builder, 2 * (size_t)length)) {
        return PLAN_NO_MEMORY;
    }
    uint32_t first = (uint32_t)builder->list_count, *terms = builder->list + first, i = root;
    builder->list_count += (is_dot ? 2 : 1) * (size_t)length;
    for (uint32_t at = length; at-- > 1;) { /* from the last term to the first */
        const uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        put_term(fusion, node, operands[1], terms + at, is_dot ? terms + length + at : NULL);
        i = operands[0];
        if (at == 1) {
            put_term(fusion, node, i, terms, is_dot ? terms + length : NULL);
        } else {
            builder->nodes[i].absorbed = 1;
        }
    }
    node->operands = first;
    node->count = is_dot ? 2 * length : length;
    node->fused = is_dot ? FUSED_DOT : FUSED_SUM;
    node->is_chain = 1;
    return PLAN_DONE;
}

/* Make one dot of x·w + b, where b is a number of its own: it is added last, so bits stay. */
static int fuse_offset(Fusion *fusion, uint32_t root)
{
    Builder *builder = fusion->builder;
    Node *node = &builder->nodes[root];
    const uint32_t *operands = operands_of(builder, node);
    int side = may_absorb(fusion, operands[0], node) ? 0 : 1;
    uint32_t dot = operands[side], offset = operands[1 - side];
    if (!may_absorb(fusion, dot, node) || !is_dot(builder->nodes[dot].op) ||
        builder->nodes[offset].depends == OF_INPUTS || is_line(builder, offset)) {
        return PLAN_DONE;
    }
    uint32_t size = builder->nodes[dot].count / 2;
    if (!grow_operands(builder, 2 * (size_t)size + 2)) {
        return PLAN_NO_MEMORY;
    }
    uint32_t first = (uint32_t)builder->list_count, *terms = builder->list + first;
    const uint32_t *factors = operands_of(builder, &builder->nodes[dot]);
    memcpy(terms, factors, size * sizeof *terms);
    memcpy(terms + size + 1, factors + size, size * sizeof *terms);
    terms[size] = builder->one;
    terms[2 * size + 1] = offset;
    builder->list_count += 2 * (size_t)size + 2;
    builder->nodes[dot].absorbed = 1;
    node->operands = first;
    node->count = 2 * size + 2;
    node->fused = FUSED_DOT;
    return PLAN_DONE;
}

int fuse_chains(Builder *builder)
{
    Fusion fusion = {builder, calloc(builder->count + (size_t)1, sizeof(uint32_t))};
    if (fusion.uses == NULL) {
        return PLAN_NO_MEMORY;
    }
    count_uses(&fusion);
    int status = PLAN_DONE;
    for (uint32_t i = builder->count; status == PLAN_DONE && i-- > builder->lines_from;) {
        if (is_computed(builder, i) && is_add(builder->nodes[i].op)) {
            status = fuse_chain(&fusion, i);
            if (status == PLAN_DONE && builder->nodes[i].fused == NOT_FUSED) {
                status = fuse_offset(&fusion, i);
            }
        }
    }
    free(fusion.uses);
    return status;
}

/* -- what a node became ------------------------------------------------------------------------ */

/* Of the table, or fused. */
int is_dot_node(const Node *node)
{
    return is_add(node->op) ? node->fused == FUSED_DOT : is_dot(node->op);
}

int is_sum_node(const Node *node)
{
    return is_add(node->op) ? node->fused == FUSED_SUM : is_sum(node->op);
}

/* What a sum begins with: a chain with its first term, which is what -0 plus it gives. */
double start_of(const Node *node) { return node->is_chain ? -0.0 : 0.0; }
