/* Chains of + and · become one instruction: a sum, or a dot (operator fusion), however they are
 * written. In strict mode terms are added up in the order of the chain, so bits stay. In fast mode
 * they may change places: products that can be part of a matrix product stand together, and what
 * else there is to add comes behind.
 */
#include "builder.h"

/* A product, or a term that stands alone, with the factor 1. */
typedef struct {
    uint32_t x, y;
    uint32_t node;  /* the line of the product, NONE where it is of a dot; or the term itself */
    uint32_t level; /* which link it belongs to */
    uint8_t is_product, is_good; /* good: it may be part of a matrix product */
} Pair;

typedef struct {
    Builder *builder;
    uint32_t *uses;    /* of each node, by lines that stay */
    uint8_t *hopeless; /* of each node: its chain is part of one that cannot be fused */
    /* of the chain that is looked at */
    uint32_t *links; /* the additions, dots and sums that it consists of: first its root */
    size_t link_count, link_room;
    Pair *pairs;
    size_t count, room;
    int from_zero; /* it begins with 0, not with its first term */
    int is_split;  /* there is a line that stands for products of others */
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

/* -- operands and weights ---------------------------------------------------------------------- */

/* A number that a matrix product may have as a weight: it is there before the first line runs. */
static int is_weight(const Builder *builder, uint32_t i)
{
    const Node *node = &builder->nodes[i];
    return node->depends == OF_CONSTANTS || (node->depends == OF_CAPTURED && !is_line(builder, i));
}

/* How much a factor is an operand of a layer, and not a weight: by what it depends on. */
static int operand_rank(const Builder *builder, uint32_t i)
{
    static const int ranks[] = {[OF_CONSTANTS] = 2, [OF_CAPTURED] = 1, [OF_INPUTS] = 4};
    return i == builder->one ? 3 : ranks[builder->nodes[i].depends];
}

int turn_pair(const Builder *builder, uint32_t *x, uint32_t *y)
{
    if (operand_rank(builder, *y) > operand_rank(builder, *x)) {
        uint32_t operand = *y;
        *y = *x;
        *x = operand;
    }
    if (!builder->nodes[*x].needs) { /* one for all dots, where no gradients are told apart */
        *x = builder->nodes[*x].same;
    }
    return is_weight(builder, *y);
}

/* -- what a chain consists of ------------------------------------------------------------------ */

static void push_pair(Fusion *fusion, Pair pair)
{
    Builder *builder = fusion->builder;
    fusion->pairs = grown(builder, fusion->pairs, fusion->count, &fusion->room, sizeof pair);
    if (!builder->failed) {
        uint32_t x = pair.x, y = pair.y;
        int is_line_alone = !pair.is_product && builder->nodes[x].depends == OF_INPUTS;
        pair.is_good = (uint8_t)(turn_pair(builder, &x, &y) && !is_line_alone);
        fusion->pairs[fusion->count++] = pair;
    }
}

/* Write down a term; 0, with which a sum may begin, is none. */
static void push_term(Fusion *fusion, uint32_t term, uint32_t level)
{
    Builder *builder = fusion->builder;
    const Node *node = &builder->nodes[term];
    if (may_absorb_product(fusion, term, &builder->nodes[fusion->links[0]])) {
        const uint32_t *factors = operands_of(builder, node);
        push_pair(fusion, (Pair){factors[0], factors[1], term, level, 1, 0});
    } else {
        push_pair(fusion, (Pair){term, builder->one, term, level, 0, 0});
    }
}

/* Write down the pairs of a dot, or the terms of a sum. */
static void push_row(Fusion *fusion, uint32_t i, uint32_t level)
{
    Builder *builder = fusion->builder;
    const Node *node = &builder->nodes[i];
    const uint32_t *operands = operands_of(builder, node);
    uint32_t half = node->count / 2;
    for (uint32_t j = 0; is_dot(node->op) && j < half; j++) {
        push_pair(fusion, (Pair){operands[j], operands[half + j], NONE, level, 1, 0});
    }
    for (uint32_t j = 0; !is_dot(node->op) && j < node->count; j++) {
        push_term(fusion, operands[j], level);
    }
}

static void push_link(Fusion *fusion, uint32_t i)
{
    Builder *builder = fusion->builder;
    fusion->links = grown(builder, fusion->links, fusion->link_count, &fusion->link_room, sizeof i);
    if (!builder->failed) {
        fusion->links[fusion->link_count++] = i;
    }
}

/* Whether a chain goes on in a line: in an addition, a dot, or a sum of products. */
static int is_link(const Fusion *fusion, uint32_t i)
{
    const Builder *builder = fusion->builder;
    const Node *node = &builder->nodes[i], *root = &builder->nodes[fusion->links[0]];
    if (!may_absorb(fusion, i, root)) {
        return 0;
    }
    uint32_t products = 0;
    for (uint32_t j = 0; is_sum(node->op) && j < node->count && products < LEAST_TERMS; j++) {
        products += may_absorb_product(fusion, operands_of(builder, node)[j], root);
    }
    return is_add(node->op) || (is_dot(node->op) && node->count != 0) || products == LEAST_TERMS;
}

/* -- in the order of the chain ----------------------------------------------------------------- */

static int is_zero(const Builder *builder, uint32_t i)
{
    return builder->nodes[i].depends == OF_CONSTANTS && constant_of(builder, i) == 0.0;
}

/* Write down ((a + b·c) + d) + ..., from the first term to the last. At each addition the chain
 * goes on at one side, and the other one is a term; a + b is b + a, bit for bit.
 */
static void read_chain(Fusion *fusion, uint32_t root)
{
    Builder *builder = fusion->builder;
    push_link(fusion, root);
    for (uint32_t i = root; !builder->failed && is_add(builder->nodes[i].op);) {
        const uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        uint32_t next = is_link(fusion, operands[0])   ? operands[0]
                        : is_link(fusion, operands[1]) ? operands[1]
                                                       : NONE;
        if (next == NONE) {
            break;
        }
        push_link(fusion, i = next);
    }
    for (size_t level = fusion->link_count; !builder->failed && level-- > 0;) {
        uint32_t i = fusion->links[level], at = (uint32_t)level;
        const uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        int is_last = level + 1 == fusion->link_count;
        if (!is_add(builder->nodes[i].op)) {
            push_row(fusion, i, at);
            fusion->from_zero = 1;
        } else if (is_last) {
            int begins = is_zero(builder, operands[0]) ? 0 : is_zero(builder, operands[1]) ? 1 : 2;
            for (int side = 0; side < 2; side++) {
                if (side != begins) {
                    push_term(fusion, operands[side], at);
                } else { /* 0 or -0 */
                    fusion->from_zero = 1 / constant_of(builder, operands[side]) > 0.0;
                }
            }
        } else {
            push_term(fusion, operands[operands[0] == fusion->links[level + 1]], at);
        }
    }
}

/* Let a chain begin with a part of it that may be a matrix product, where a term that may not
 * comes behind.
 */
static void cut_chain(Fusion *fusion)
{
    Builder *builder = fusion->builder;
    uint32_t bottom = (uint32_t)fusion->link_count - 1, products = 0;
    int is_row = !is_add(builder->nodes[fusion->links[bottom]].op);
    for (size_t k = 0; k < fusion->count; k++) {
        const Pair *pair = &fusion->pairs[k];
        if (pair->is_good || (is_row && pair->level == bottom)) {
            products += pair->is_product;
            continue;
        }
        if (pair->level == bottom || !(is_row || products >= LEAST_TERMS)) {
            return;
        }
        uint32_t level = pair->level, begin = fusion->links[level + 1];
        fusion->pairs[k - 1] = (Pair){begin, builder->one, begin, level, 0, 0};
        fusion->count -= k - 1;
        memmove(fusion->pairs, fusion->pairs + k - 1, fusion->count * sizeof *fusion->pairs);
        fusion->link_count = level + 1;
        fusion->from_zero = 0;
        return;
    }
}

/* -- in any order ------------------------------------------------------------------------------ */

/* Write down all terms of a tree of additions, dots and sums. */
static void read_tree(Fusion *fusion, uint32_t root)
{
    Builder *builder = fusion->builder;
    push_link(fusion, root);
    for (size_t level = 0; !builder->failed && level < fusion->link_count; level++) {
        const Node *node = &builder->nodes[fusion->links[level]];
        const uint32_t *operands = operands_of(builder, node);
        if (is_dot(node->op)) {
            push_row(fusion, fusion->links[level], (uint32_t)level);
        }
        for (uint32_t j = 0; !is_dot(node->op) && j < node->count; j++) {
            if (is_link(fusion, operands[j])) {
                push_link(fusion, operands[j]);
            } else if (!is_zero(builder, operands[j])) {
                push_term(fusion, operands[j], (uint32_t)level);
            }
        }
    }
    fusion->from_zero = 1;
}

/* -- the instruction --------------------------------------------------------------------------- */

/* Let a node be the dot of some pairs, or the sum of their terms. */
static int become(Fusion *fusion, uint32_t i, size_t from, size_t count, int kind)
{
    Builder *builder = fusion->builder;
    if (!grow_operands(builder, 2 * count)) {
        return PLAN_NO_MEMORY;
    }
    Node *node = &builder->nodes[i];
    uint32_t *list = builder->list + builder->list_count;
    for (size_t k = 0; k < count; k++) {
        const Pair *pair = &fusion->pairs[from + k];
        if (kind == FUSED_DOT) {
            list[k] = pair->x;
            list[count + k] = pair->y;
        } else {
            list[k] = pair->node;
        }
    }
    node->operands = (uint32_t)builder->list_count;
    node->count = (uint32_t)(kind == FUSED_DOT ? 2 * count : count);
    node->fused = (uint8_t)kind;
    node->is_chain = (uint8_t)!fusion->from_zero;
    builder->list_count += node->count;
    return PLAN_DONE;
}

/* Absorb what a chain consists of; return the last of these lines, or NONE. */
static uint32_t absorb(Fusion *fusion, int kind)
{
    Node *nodes = fusion->builder->nodes;
    uint32_t last = NONE;
    for (size_t level = 1; level < fusion->link_count; level++) {
        uint32_t link = fusion->links[level];
        nodes[link].absorbed = 1;
        last = last == NONE || link > last ? link : last;
    }
    for (size_t k = 0; kind == FUSED_DOT && k < fusion->count; k++) {
        const Pair *pair = &fusion->pairs[k];
        if (pair->is_product && pair->node != NONE) {
            nodes[pair->node].absorbed = 1;
            last = last == NONE || pair->node > last ? pair->node : last;
        }
    }
    return last;
}

/* Let the last line that a tree absorbed be the dot of its good pairs, and the root what is left
 * and that dot. So it stands behind all operands, and before the root.
 */
static int split(Fusion *fusion, uint32_t root, size_t good)
{
    Builder *builder = fusion->builder;
    size_t at = 0;
    fusion->is_split = 1;
    for (size_t k = 0; k < fusion->count; k++) { /* the good ones to the front */
        if (fusion->pairs[k].is_good) {
            Pair pair = fusion->pairs[k];
            memmove(fusion->pairs + at + 1, fusion->pairs + at, (k - at) * sizeof pair);
            fusion->pairs[at++] = pair;
        }
    }
    uint32_t dot = absorb(fusion, FUSED_DOT), others = 0;
    Node *node = &builder->nodes[dot];
    node->op = (uint8_t)add_op();
    node->absorbed = node->needs = 0;
    node->result = 0;
    for (size_t k = 0; k < good; k++) {
        const Pair *pair = &fusion->pairs[k];
        node->needs |= builder->nodes[pair->x].needs | builder->nodes[pair->y].needs;
    }
    int status = become(fusion, dot, 0, good, FUSED_DOT);
    for (size_t k = good; k < fusion->count; k++) {
        others += fusion->pairs[k].is_product;
    }
    fusion->pairs[good - 1] = (Pair){dot, builder->one, dot, 0, 0, 0};
    size_t count = fusion->count - good + 1;
    if (status == PLAN_DONE) {
        status = become(fusion, root, good - 1, count, others != 0 ? FUSED_DOT : FUSED_SUM);
    }
    if (others == 0 && count == 2 && is_add(builder->nodes[root].op)) {
        builder->nodes[root].fused = NOT_FUSED;
    }
    return status;
}

/* Whether every term of a sum may be one. */
static int is_alone(const Fusion *fusion)
{
    for (size_t k = 0; k < fusion->count; k++) {
        if (!may_be_term(fusion, fusion->pairs[k].node)) {
            return 0;
        }
    }
    return 1;
}

/* Where a chain cannot be fused, those that begin above its first term that forbids it cannot. */
static int give_up(Fusion *fusion)
{
    size_t last = fusion->link_count;
    for (size_t k = 0; fusion->count >= LEAST_TERMS && k < fusion->count; k++) {
        if (!may_be_term(fusion, fusion->pairs[k].node)) {
            last = fusion->pairs[k].level + (size_t)1;
            break;
        }
    }
    for (size_t level = 1; level < last; level++) {
        fusion->hopeless[fusion->links[level]] = 1;
    }
    return PLAN_DONE;
}

static int fuse_chain(Fusion *fusion, uint32_t root)
{
    Builder *builder = fusion->builder;
    int is_fast = builder->tape->is_fast, is_sum_row = !is_add(builder->nodes[root].op);
    fusion->link_count = fusion->count = 0;
    fusion->from_zero = 0;
    (is_fast ? read_tree : read_chain)(fusion, root);
    if (builder->failed) {
        return PLAN_NO_MEMORY;
    }
    if (!is_fast) {
        cut_chain(fusion);
    }
    size_t products = 0, good = 0, good_products = 0, in_dots = 0;
    for (size_t k = 0; k < fusion->count; k++) {
        const Pair *pair = &fusion->pairs[k];
        products += pair->is_product;
        good += pair->is_good;
        good_products += pair->is_good && pair->is_product;
        in_dots += pair->node == NONE;
    }
    int is_layer = good_products >= LEAST_TERMS || (good_products != 0 && in_dots != 0);
    int is_dot = is_sum_row ? is_layer : products >= LEAST_TERMS || in_dots != 0;
    if (is_fast && is_layer && good < fusion->count) {
        return split(fusion, root, good);
    }
    if (!is_dot && (is_sum_row || fusion->count < LEAST_TERMS || !is_alone(fusion))) {
        return give_up(fusion);
    }
    absorb(fusion, is_dot ? FUSED_DOT : FUSED_SUM);
    return become(fusion, root, 0, fusion->count, is_dot ? FUSED_DOT : FUSED_SUM);
}

/* In fast mode lines may go back in any order in which each comes behind those that read it. */
static void sort_order(Builder *builder)
{
    uint8_t *reached = calloc(builder->tape->lines + (size_t)1, 1);
    if (reached == NULL) {
        builder->failed = true;
        return;
    }
    for (uint32_t i = 0; i < builder->order_count; i++) {
        reached[builder->order[i] - builder->lines_from] = 1;
    }
    builder->order_count = 0;
    for (uint32_t line = 0; line < builder->tape->lines; line++) {
        if (reached[line]) {
            builder->order[builder->order_count++] = builder->lines_from + line;
        }
    }
    free(reached);
}

int fuse_chains(Builder *builder)
{
    size_t count = builder->count + (size_t)1;
    Fusion fusion = {.builder = builder};
    fusion.uses = calloc(count, sizeof(uint32_t));
    fusion.hopeless = calloc(count, 1);
    int status = fusion.uses != NULL && fusion.hopeless != NULL ? PLAN_DONE : PLAN_NO_MEMORY;
    if (status == PLAN_DONE) {
        count_uses(&fusion);
    }
    for (uint32_t i = builder->count; status == PLAN_DONE && i-- > builder->lines_from;) {
        int op = builder->nodes[i].op;
        if (is_computed(builder, i) && (is_add(op) || is_sum(op)) && !fusion.hopeless[i] &&
            builder->nodes[i].fused == NOT_FUSED) {
            status = fuse_chain(&fusion, i);
        }
    }
    if (status == PLAN_DONE && fusion.is_split) {
        sort_order(builder);
        status = builder->failed ? PLAN_NO_MEMORY : PLAN_DONE;
    }
    free(fusion.uses);
    free(fusion.hopeless);
    free(fusion.links);
    free(fusion.pairs);
    return status;
}

/* -- what a node became ------------------------------------------------------------------------ */

/* Of the table, or fused. */
int is_dot_node(const Node *node)
{
    return node->fused == NOT_FUSED ? is_dot(node->op) : node->fused == FUSED_DOT;
}

int is_sum_node(const Node *node)
{
    return node->fused == NOT_FUSED ? is_sum(node->op) : node->fused == FUSED_SUM;
}

/* What a sum begins with: a chain with its first term, which is what -0 plus it gives. */
double start_of(const Node *node) { return node->is_chain ? -0.0 : 0.0; }
