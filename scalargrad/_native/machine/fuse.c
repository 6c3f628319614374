/* Sums and products that become one instruction: chains of + and ·, dots over the same operands. */
#include "builder.h"

enum { LEAST_DOT = 4 }; /* so many terms are a long sum */

/* -- chains of sums ---------------------------------------------------------------------------- */

/* Whose value is computed by an instruction of its own. */
int is_computed(const Builder *builder, uint32_t i)
{
    const Node *node = &builder->nodes[i];
    return node->alive && !node->absorbed && node->same == i && node->depends != OF_CONSTANTS;
}

/* What is read from outside of the lines may not be absorbed, nor what has its value. */
static void keep(Builder *builder, uint32_t reference)
{
    uint32_t node = node_at(builder, reference);
    builder->nodes[node].uses += 2;
    computing(builder, node)->uses += 2;
}

static void count_uses(Builder *builder)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            builder->nodes[operands_of(builder, node)[j]].uses++;
        }
        if (node->alive && node->same != i) { /* shared: neither may be absorbed */
            node->uses += 2;
            builder->nodes[node->same].uses += 2;
        }
    }
    for (uint32_t i = 0; i < tape->outputs; i++) {
        keep(builder, tape->output_places[i]);
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        keep(builder, tape->guard_places[4 * i + 1]);
        keep(builder, tape->guard_places[4 * i + 2]);
    }
}

static int may_absorb(const Builder *builder, uint32_t i, const Node *into)
{
    const Node *node = &builder->nodes[i];
    return is_line(builder, i) && node->uses == 1 && node->same == i && !node->absorbed &&
           node->depends == into->depends;
}

/* In strict mode a term that has a gradient from elsewhere too must get them in their order. */
static int may_be_term(const Builder *builder, uint32_t i)
{
    const Node *node = &builder->nodes[i];
    return builder->tape->is_fast || !node->needs || node->uses == 1;
}

static int grow_list(Builder *builder, size_t wanted)
{
    if (builder->list_count + wanted <= builder->list_room) {
        return 1;
    }
    size_t room = 2 * builder->list_room + wanted;
    uint32_t *fresh = realloc(builder->list, room * sizeof *fresh);
    if (fresh == NULL) {
        return 0;
    }
    builder->list = fresh;
    builder->list_room = room;
    return 1;
}

/* Make one instruction of ((a + b·c) + d) + ...: it is added up in the same order, so bits stay. */
static int fuse_chain(Builder *builder, uint32_t root)
{
    Node *node = &builder->nodes[root];
    uint32_t length = 1, products = 0, left = operands_of(builder, node)[0];
    int is_alone = 1;           /* no term is used elsewhere */
    for (uint32_t i = root;;) { /* down the left side */
        uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        uint32_t right = operands[1];
        products += may_absorb(builder, right, node) && is_mul(builder->nodes[right].op);
        is_alone = is_alone && may_be_term(builder, right);
        left = operands[0];
        length++;
        if (!may_absorb(builder, left, node) || !is_add(builder->nodes[left].op)) {
            products += may_absorb(builder, left, node) && is_mul(builder->nodes[left].op);
            break;
        }
        i = left;
    }
    int has_products = products >= LEAST_DOT;
    if (length < LEAST_DOT || !(has_products || (is_alone && may_be_term(builder, left)))) {
        return PLAN_DONE;
    }
    if (!grow_list(builder, 2 * (size_t)length)) {
        return PLAN_NO_MEMORY;
    }
    uint32_t first = (uint32_t)builder->list_count, place = length;
    uint32_t *terms = builder->list + first;
    builder->list_count += (has_products ? 2 : 1) * (size_t)length;
    for (uint32_t i = root; place > 0;) { /* from the last term to the first */
        uint32_t *operands = operands_of(builder, &builder->nodes[i]);
        uint32_t term = operands[1], next = operands[0];
        for (int is_last = place == 2; place > 0; is_last = 0, term = next) {
            place--;
            Node *inner = &builder->nodes[term];
            int is_product = has_products && may_absorb(builder, term, node) && is_mul(inner->op);
            if (is_product) {
                inner->absorbed = 1;
                terms[place] = operands_of(builder, inner)[0];
                terms[length + place] = operands_of(builder, inner)[1];
            } else {
                terms[place] = term;
                if (has_products) {
                    terms[length + place] = builder->one;
                }
            }
            if (!is_last) {
                break;
            }
        }
        if (place > 0) {
            builder->nodes[next].absorbed = 1;
            i = next;
        }
    }
    node->first = first;
    node->count = has_products ? 2 * length : length;
    node->products = (uint8_t)(has_products ? 2 : 1); /* lists: of a dot, or of a sum */
    node->is_chain = 1;
    return PLAN_DONE;
}

/* What a sum begins with: a chain with its first term, which is what -0 plus it gives. */
double start_of(const Node *node) { return node->is_chain ? -0.0 : 0.0; }

/* Make one dot of x·w + b, where b is a number of its own: it is added last, so bits stay. */
static int fuse_offset(Builder *builder, uint32_t root)
{
    Node *node = &builder->nodes[root];
    uint32_t *operands = operands_of(builder, node);
    int place = may_absorb(builder, operands[0], node) ? 0 : 1;
    uint32_t dot = operands[place], offset = operands[1 - place];
    if (!may_absorb(builder, dot, node) || !is_dot(builder->nodes[dot].op) ||
        builder->nodes[offset].depends == OF_INPUTS || is_line(builder, offset)) {
        return PLAN_DONE;
    }
    uint32_t size = builder->nodes[dot].count / 2;
    if (!grow_list(builder, 2 * (size_t)size + 2)) {
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
    node->first = first;
    node->count = 2 * size + 2;
    node->products = 2;
    return PLAN_DONE;
}

int fuse_chains(Builder *builder)
{
    count_uses(builder);
    int status = PLAN_DONE;
    for (uint32_t i = builder->count; status == PLAN_DONE && i-- > builder->lines_from;) {
        if (is_computed(builder, i) && is_add(builder->nodes[i].op)) {
            status = fuse_chain(builder, i);
            if (status == PLAN_DONE && builder->nodes[i].products == 0) {
                status = fuse_offset(builder, i);
            }
        }
    }
    return status;
}

/* Whether a node is a dot: of the table, or lifted. */
int is_dot_node(const Node *node)
{
    return is_add(node->op) ? node->products == 2 : is_dot(node->op);
}

int is_sum_node(const Node *node)
{
    return is_add(node->op) ? node->products == 1 : is_sum(node->op);
}

/* -- dots over the same operands --------------------------------------------------------------- */

/* Write down the operands of a dot once more, those that depend on the inputs first. Return
 * PLAN_IMPOSSIBLE where they are not all on one side.
 */
static int turn_dot(Builder *builder, Node *node)
{
    uint32_t size = node->count / 2, varies = 0;
    if (!grow_list(builder, node->count)) {
        return PLAN_NO_MEMORY;
    }
    const uint32_t *xs = operands_of(builder, node), *ys = xs + size;
    uint32_t *turned = builder->list + builder->list_count;
    for (uint32_t i = 0; i < size; i++) {
        int other = builder->nodes[ys[i]].depends == OF_INPUTS;
        uint32_t x = other ? ys[i] : xs[i], y = other ? xs[i] : ys[i];
        if (builder->nodes[y].depends == OF_INPUTS ||
            (builder->nodes[y].depends == OF_CAPTURED && is_line(builder, y))) {
            return PLAN_IMPOSSIBLE;
        }
        varies |= builder->nodes[x].depends == OF_INPUTS;
        turned[i] = x;
        turned[size + i] = y;
    }
    node->turned = (uint32_t)builder->list_count;
    builder->list_count += node->count;
    return varies ? PLAN_DONE : PLAN_IMPOSSIBLE;
}

typedef struct {
    uint64_t hash;
    uint32_t first, last, members; /* dots; a list through `next` */
} Bucket;

/* An operand that stands there twice has one gradient, for which a panel has one place each. */
static int has_doubles(Builder *builder, const uint32_t *xs, uint32_t size, uint32_t *seen,
                       uint32_t tag)
{
    for (uint32_t i = 0; i < size; i++) {
        uint32_t x = builder->nodes[xs[i]].same;
        if (seen[x] == tag) {
            return 1;
        }
        seen[x] = tag;
    }
    return 0;
}

static int has_same_operands(const Builder *builder, const Node *a, const Node *b)
{
    if (a->count != b->count) {
        return 0;
    }
    const uint32_t *xs = builder->list + a->turned, *ys = builder->list + b->turned;
    return memcmp(xs, ys, a->count / 2 * sizeof *xs) == 0;
}

/* What a comparison depends on must have the bits of an eager pass, or it may turn otherwise. */
static void find_guarded(Builder *builder)
{
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; i < 2 * tape->guards; i++) {
        uint32_t place = tape->guard_places[4 * (i / 2) + 1 + i % 2];
        computing(builder, node_at(builder, place))->guarded = 1;
    }
    for (uint32_t i = builder->count; i-- > builder->lines_from;) {
        const Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->guarded && j < node->count; j++) {
            computing(builder, operands_of(builder, node)[j])->guarded = 1;
        }
    }
}

int find_groups(Builder *builder)
{
    Plan *plan = builder->plan;
    uint32_t dots = 0;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        dots += is_computed(builder, i) && is_dot_node(&builder->nodes[i]);
    }
    if (dots == 0) {
        return PLAN_DONE;
    }
    size_t room = 16;
    while (room < 2 * (size_t)dots) {
        room *= 2;
    }
    uint32_t *table = malloc(room * sizeof *table), *next = NULL, *seen = NULL;
    Bucket *buckets = malloc(dots * sizeof *buckets);
    next = malloc((builder->count + 1) * sizeof *next);
    seen = calloc(builder->count + 1, sizeof *seen);
    int status = PLAN_NO_MEMORY;
    uint32_t bucket_count = 0;
    if (table == NULL || buckets == NULL || next == NULL || seen == NULL) {
        goto done;
    }
    memset(table, 0xff, room * sizeof *table);
    if (!builder->tape->is_fast) {
        find_guarded(builder);
    }
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        Node *node = &builder->nodes[i];
        if (!is_computed(builder, i) || !is_dot_node(node) || node->depends != OF_INPUTS ||
            node->count == 0 || node->guarded) {
            continue;
        }
        int turned = turn_dot(builder, node);
        if (turned == PLAN_NO_MEMORY) {
            goto done;
        }
        if (turned == PLAN_IMPOSSIBLE) {
            continue;
        }
        uint32_t size = node->count / 2, *xs = builder->list + node->turned;
        uint64_t hash = size;
        for (uint32_t j = 0; j < size; j++) {
            hash = mixed(hash, xs[j]);
        }
        size_t place = hash >> 20 & (room - 1);
        while (table[place] != NONE &&
               !(buckets[table[place]].hash == hash &&
                 has_same_operands(builder, node, &builder->nodes[buckets[table[place]].first]))) {
            place = (place + 1) & (room - 1);
        }
        next[i] = NONE;
        if (table[place] == NONE) {
            if (has_doubles(builder, xs, size, seen, i)) {
                continue;
            }
            table[place] = bucket_count;
            buckets[bucket_count++] = (Bucket){hash, i, i, 1};
        } else {
            Bucket *bucket = &buckets[table[place]];
            next[bucket->last] = i;
            bucket->last = i;
            bucket->members++;
        }
    }
    plan->groups = calloc(bucket_count + 1, sizeof *plan->groups);
    if (plan->groups == NULL) {
        goto done;
    }
    for (uint32_t i = 0; i < bucket_count; i++) {
        Group *group = &plan->groups[plan->group_count];
        const Node *first = &builder->nodes[buckets[i].first];
        if (first->count < 2 * LEAST_DOT && buckets[i].members < LEAST_DOT) {
            continue; /* not worth a matrix */
        }
        group->inner = first->count / 2;
        group->outer = buckets[i].members;
        group->xs = malloc(group->inner * sizeof *group->xs);
        group->zs = malloc(group->outer * sizeof *group->zs);
        group->gs = malloc(group->outer * sizeof *group->gs);
        group->weights = malloc((size_t)group->inner * group->outer * sizeof *group->weights);
        group->starts = calloc(group->outer + MOST_PANEL, sizeof *group->starts);
        group->wanted = malloc(group->inner * sizeof *group->wanted);
        group->targets = malloc(group->inner * sizeof *group->targets);
        plan->group_count++;
        if (group->xs == NULL || group->zs == NULL || group->gs == NULL || group->weights == NULL ||
            group->starts == NULL || group->wanted == NULL || group->targets == NULL) {
            goto done;
        }
        uint32_t member = buckets[i].first;
        for (uint32_t j = 0; j < group->outer; j++, member = next[member]) {
            builder->nodes[member].group = plan->group_count - 1;
            builder->nodes[member].first = builder->nodes[member].turned;
            group->zs[j] = member; /* nodes for now, slots later */
        }
    }
    status = PLAN_DONE;
done:
    free(table);
    free(buckets);
    free(next);
    free(seen);
    return status;
}
