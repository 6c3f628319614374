/* Dots over the same operands become a matrix product (after superword-level parallelism, Larsen and
 * Amarasinghe, 2000: what is alike is run together; here what is alike are whole dots).
 */
#include "builder.h"

typedef struct {
    uint64_t hash;
    uint32_t first, last, members; /* dots, linked through `next` */
} Bucket;

typedef struct {
    Builder *builder;
    HashTable table; /* of buckets */
    Bucket *buckets;
    uint32_t bucket_count, dot_count;
    uint32_t *turned;  /* of a dot: its operands in the list, what depends on inputs first */
    uint32_t *next;    /* of a dot: the next one of its bucket, or NONE */
    uint8_t *compared; /* of a node: a comparison depends on it */
    uint32_t *uses;    /* of a node, by nodes that are computed, or have a gradient of their own */
    uint32_t *turns;   /* of a node: when a pass back comes to it, counted from the end, or NONE */
} Grouping;

/* Write down the operands of a dot once more, those that depend on the inputs first, and of a bias
 * the 1 by which it is multiplied. Return PLAN_IMPOSSIBLE where the others are no weights.
 */
static int turn_dot(Grouping *grouping, uint32_t dot)
{
    Builder *builder = grouping->builder;
    const Node *node = &builder->nodes[dot];
    uint32_t size = node->count / 2, varies = 0;
    if (!grow_operands(builder, node->count)) {
        return PLAN_NO_MEMORY;
    }
    const uint32_t *xs = operands_of(builder, node), *ys = xs + size;
    uint32_t *turned = builder->list + builder->list_count;
    for (uint32_t i = 0; i < size; i++) {
        uint32_t x = xs[i], y = ys[i];
        if (!turn_pair(builder, &x, &y)) {
            return PLAN_IMPOSSIBLE;
        }
        varies |= builder->nodes[x].depends == OF_INPUTS;
        turned[i] = x;
        turned[size + i] = y;
    }
    grouping->turned[dot] = (uint32_t)builder->list_count;
    builder->list_count += node->count;
    return varies ? PLAN_DONE : PLAN_IMPOSSIBLE;
}

/* What a comparison depends on must have the bits of an eager pass, or it may turn otherwise. */
static void find_compared(Grouping *grouping)
{
    const Builder *builder = grouping->builder;
    const Recorded *tape = builder->tape;
    for (uint32_t i = 0; !tape->is_fast && i < tape->guard_count; i++) {
        const RecordedGuard *guard = &tape->guards[i];
        grouping->compared[builder->nodes[node_at(builder, guard->left)].same] = 1;
        grouping->compared[builder->nodes[node_at(builder, guard->right)].same] = 1;
    }
    for (uint32_t i = builder->count; i-- > builder->lines_from;) {
        const Node *node = &builder->nodes[i];
        for (uint32_t j = 0; grouping->compared[i] && j < node->count; j++) {
            grouping->compared[builder->nodes[operands_of(builder, node)[j]].same] = 1;
        }
    }
}

static int may_be_grouped(const Grouping *grouping, uint32_t i)
{
    const Node *node = &grouping->builder->nodes[i];
    return is_computed(grouping->builder, i) && is_dot_node(node) && node->depends == OF_INPUTS &&
           node->count != 0 && !grouping->compared[i];
}

typedef struct {
    const Grouping *grouping;
    uint64_t hash;
    uint32_t dot;
} Sought;

static int has_same_operands(const void *pointer, uint32_t entry)
{
    const Sought *sought = pointer;
    const Grouping *grouping = sought->grouping;
    const Builder *builder = grouping->builder;
    uint32_t first = grouping->buckets[entry].first, count = builder->nodes[first].count;
    const uint32_t *xs = builder->list + grouping->turned[sought->dot];
    const uint32_t *ys = builder->list + grouping->turned[first];
    return grouping->buckets[entry].hash == sought->hash &&
           builder->nodes[sought->dot].count == count &&
           memcmp(xs, ys, count / 2 * sizeof *xs) == 0;
}

/* Put a dot to those over the same operands. */
static int add_dot(Grouping *grouping, uint32_t dot)
{
    const Builder *builder = grouping->builder;
    int status = turn_dot(grouping, dot);
    if (status != PLAN_DONE) {
        return status == PLAN_IMPOSSIBLE ? PLAN_DONE : status;
    }
    uint32_t size = builder->nodes[dot].count / 2, *xs = builder->list + grouping->turned[dot];
    uint64_t hash = size;
    for (uint32_t j = 0; j < size; j++) {
        hash = mixed(hash, xs[j]);
    }
    Sought sought = {grouping, hash, dot};
    uint32_t *entry = find_entry(&grouping->table, hash, has_same_operands, &sought);
    grouping->next[dot] = NONE;
    if (*entry != NO_ENTRY) {
        Bucket *bucket = &grouping->buckets[*entry];
        grouping->next[bucket->last] = dot;
        bucket->last = dot;
        bucket->members++;
    } else {
        *entry = grouping->bucket_count;
        grouping->buckets[grouping->bucket_count++] = (Bucket){hash, dot, dot, 1};
    }
    return PLAN_DONE;
}

static void find_turns(Grouping *grouping)
{
    const Builder *builder = grouping->builder;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        const Node *node = &builder->nodes[i];
        for (uint32_t j = 0; node->alive && !node->absorbed && j < node->count; j++) {
            grouping->uses[operands_of(builder, node)[j]]++;
        }
    }
    for (uint32_t i = 0; i < builder->order_count; i++) {
        grouping->turns[builder->order[i]] = i;
    }
}

/* Whether a product adds the terms of every gradient as its dots would in their turns. Then no dot
 * is without a gradient, they come from the last to the first, and nobody else has their operands.
 */
static int has_turns_of_dots(const Grouping *grouping, const Bucket *bucket)
{
    const Builder *builder = grouping->builder;
    uint32_t size = builder->nodes[bucket->first].count / 2, last = NONE;
    for (uint32_t dot = bucket->first; dot != NONE; dot = grouping->next[dot]) {
        const uint32_t *xs = builder->list + grouping->turned[dot], *ws = xs + size;
        if (grouping->turns[dot] == NONE || (last != NONE && grouping->turns[dot] < last)) {
            return 0;
        }
        last = grouping->turns[dot];
        for (uint32_t j = 0; j < size; j++) {
            if ((builder->nodes[xs[j]].needs && grouping->uses[xs[j]] != bucket->members) ||
                (builder->nodes[ws[j]].needs && grouping->uses[ws[j]] != 1)) {
                return 0;
            }
        }
    }
    return 1;
}

/* Whether a matrix product costs less than its dots; than one alone where it is long, and only the
 * weights have gradients.
 */
static int is_worth_it(const Grouping *grouping, const Bucket *bucket)
{
    const Builder *builder = grouping->builder;
    uint32_t size = builder->nodes[bucket->first].count / 2, needs = 0;
    const uint32_t *xs = builder->list + grouping->turned[bucket->first];
    if (bucket->members > 1) {
        return size >= LEAST_DOTS || bucket->members >= LEAST_DOTS;
    }
    for (uint32_t j = 0; j < size; j++) {
        needs |= builder->nodes[xs[j]].needs;
    }
    return !needs && size >= LEAST_ALONE;
}

/* Make a group of a bucket, if it is worth a matrix; 0: no memory. */
static int make_group(Grouping *grouping, const Bucket *bucket)
{
    Builder *builder = grouping->builder;
    Group *group = &builder->plan->groups[builder->plan->group_count];
    if (!is_worth_it(grouping, bucket)) {
        return 1;
    }
    if (keeps_turns(builder) && !has_turns_of_dots(grouping, bucket)) {
        return 1;
    }
    group->inner = builder->nodes[bucket->first].count / 2;
    group->outer = bucket->members;
    group->xs = malloc(group->inner * sizeof *group->xs);
    group->zs = malloc(group->outer * sizeof *group->zs);
    group->gs = filled(group->outer); /* NONE: no gradient flows through the product */
    group->weights = malloc((size_t)group->inner * group->outer * sizeof *group->weights);
    group->starts = calloc(group->outer + (size_t)MOST_PANEL, sizeof *group->starts);
    group->active = malloc(group->inner * sizeof *group->active);
    group->targets = malloc(group->inner * sizeof *group->targets);
    builder->plan->group_count++;
    if (group->xs == NULL || group->zs == NULL || group->gs == NULL || group->weights == NULL ||
        group->starts == NULL || group->active == NULL || group->targets == NULL) {
        return 0;
    }
    uint32_t member = bucket->first;
    group->first_dot = grouping->dot_count;
    for (uint32_t j = 0; j < group->outer; j++, member = grouping->next[member]) {
        builder->nodes[member].group = builder->plan->group_count - 1;
        builder->nodes[member].operands = grouping->turned[member];
        builder->dots[grouping->dot_count++] = member;
    }
    assert(member == NONE);
    return 1;
}

static int make_groups(Grouping *grouping)
{
    Builder *builder = grouping->builder;
    int status = PLAN_DONE;
    find_compared(grouping);
    find_turns(grouping);
    for (uint32_t i = builder->lines_from; status == PLAN_DONE && i < builder->count; i++) {
        status = may_be_grouped(grouping, i) ? add_dot(grouping, i) : PLAN_DONE;
    }
    Plan *plan = builder->plan;
    plan->groups = calloc(grouping->bucket_count + (size_t)1, sizeof *plan->groups);
    for (uint32_t i = 0; status == PLAN_DONE && i < grouping->bucket_count; i++) {
        int is_made = plan->groups != NULL && make_group(grouping, &grouping->buckets[i]);
        status = is_made ? PLAN_DONE : PLAN_NO_MEMORY;
    }
    return status;
}

int group_dots(Builder *builder)
{
    uint32_t dots = 0;
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        dots += is_computed(builder, i) && is_dot_node(&builder->nodes[i]);
    }
    if (dots == 0) {
        return PLAN_DONE;
    }
    size_t count = (size_t)builder->count + 1;
    Grouping grouping = {.builder = builder};
    grouping.buckets = malloc(dots * sizeof *grouping.buckets);
    builder->dots = malloc(dots * sizeof *builder->dots);
    grouping.turned = malloc(count * sizeof *grouping.turned);
    grouping.next = malloc(count * sizeof *grouping.next);
    grouping.compared = calloc(count, sizeof *grouping.compared);
    grouping.uses = calloc(count, sizeof *grouping.uses);
    grouping.turns = filled(count);
    int is_ready = make_hash_table(&grouping.table, dots) && grouping.buckets != NULL &&
                   builder->dots != NULL && grouping.turned != NULL && grouping.next != NULL &&
                   grouping.compared != NULL && grouping.uses != NULL && grouping.turns != NULL;
    int status = is_ready ? make_groups(&grouping) : PLAN_NO_MEMORY;
    free_hash_table(&grouping.table);
    free(grouping.buckets);
    free(grouping.turned);
    free(grouping.next);
    free(grouping.compared);
    free(grouping.uses);
    free(grouping.turns);
    return status;
}
