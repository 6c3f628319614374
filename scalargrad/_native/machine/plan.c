/* From a tape to programs: what is dead goes, what is equal is computed once, constants are
 * folded, chains of sums become one step and dots over the same operands a matrix product.
 *
 * Everything is linear in the lines of the tape. In strict mode the gradient of every line is
 * added up as an eager pass does it; lines that are equal share their value, not their gradient.
 */
#include "machine.h"
#include <math.h>

enum { OF_CONSTANTS, OF_CAPTURED, OF_INPUTS }; /* what a number depends on, at most */
enum { LEAST_DOT = 4 };                        /* so many terms are a long sum */

typedef struct {
    uint32_t first, count; /* operands in the list */
    uint32_t uses;         /* by lines that stay */
    uint32_t same;         /* the node that has the same value: itself, or an earlier one */
    uint32_t slot, gradient;
    uint32_t group;        /* of dots */
    uint32_t result;
    uint8_t op, depends, alive, needs; /* needs: a gradient flows through it */
    uint8_t absorbed, reached, products, is_chain;
    uint8_t guarded; /* a comparison depends on it */
} Node;

typedef struct {
    const Recorded *tape;
    Plan *plan;
    Node *nodes; /* inputs, captured, constants, lines */
    uint32_t count, lines_from, captured_from, constants_from;
    uint32_t *list; /* operands of all lines */
    size_t list_count, list_room;
    double *constants;
    uint32_t constant_room;
    uint32_t *order; /* lines in the post-order of the root */
    uint32_t order_count;
    uint32_t one; /* the constant 1, or NONE */
    uint32_t *free_rows;
    size_t free_count, free_room;
    uint32_t gradient_rows;
    int failed; /* out of memory */
} Maker;

static void *grown(Maker *maker, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t wanted = *room != 0 ? *room * 2 : 64;
    void *fresh = realloc(items, wanted * size);
    if (fresh == NULL) {
        maker->failed = 1;
        return items;
    }
    *room = wanted;
    return fresh;
}

static uint32_t push_list(Maker *maker, uint32_t entry)
{
    Plan *plan = maker->plan;
    plan->lists = grown(maker, plan->lists, plan->list_count, &plan->list_room, sizeof entry);
    if (maker->failed) {
        return 0;
    }
    plan->lists[plan->list_count] = entry;
    return (uint32_t)plan->list_count++;
}

static void push_step(Maker *maker, Program *program, Step step)
{
    program->steps = grown(maker, program->steps, program->count, &program->room, sizeof step);
    if (!maker->failed) {
        program->steps[program->count++] = step;
    }
}

static uint32_t node_at(const Maker *maker, uint32_t standing)
{
    uint32_t place = standing & ((1u << 30) - 1);
    switch (standing >> 30) {
    case 0: return place;
    case 1: return maker->captured_from + place;
    case 2: return maker->constants_from + place;
    default: return maker->lines_from + place;
    }
}

static int is_line(const Maker *maker, uint32_t node) { return node >= maker->lines_from; }

static uint32_t *operands_of(const Maker *maker, const Node *node)
{
    return maker->list + node->first;
}

static uint32_t add_constant(Maker *maker, double number)
{
    Plan *plan = maker->plan;
    if (plan->constant_count == maker->constant_room) {
        uint32_t room = maker->constant_room * 2 + 16;
        double *fresh = realloc(plan->constants, room * sizeof(double));
        if (fresh == NULL) {
            maker->failed = 1;
            return 0;
        }
        plan->constants = fresh;
        maker->constant_room = room;
    }
    plan->constants[plan->constant_count] = number;
    return plan->constant_count++;
}

/* -- reading the tape ------------------------------------------------------------------------- */

static int read_tape(Maker *maker)
{
    const Recorded *tape = maker->tape;
    maker->captured_from = tape->inputs;
    maker->constants_from = maker->captured_from + tape->captured;
    maker->lines_from = maker->constants_from + tape->constants;
    maker->count = maker->lines_from + tape->lines;
    maker->one = maker->count; /* the constant 1 stands behind the lines */
    maker->nodes = calloc(maker->count + 1, sizeof(Node));
    maker->list_count = tape->starts[tape->lines];
    maker->list_room = maker->list_count;
    maker->list = malloc((maker->list_count + 1) * sizeof(uint32_t));
    maker->order = malloc((tape->lines + 1) * sizeof(uint32_t));
    if (maker->nodes == NULL || maker->list == NULL || maker->order == NULL) {
        return PLAN_NO_MEMORY;
    }
    for (size_t i = 0; i < maker->list_count; i++) {
        maker->list[i] = node_at(maker, tape->operands[i]);
    }
    for (uint32_t i = 0; i < maker->count; i++) {
        Node *node = &maker->nodes[i];
        node->same = i;
        node->slot = node->gradient = node->group = NONE;
        node->depends = i < maker->captured_from    ? OF_INPUTS
                        : i < maker->constants_from ? OF_CAPTURED
                                                    : OF_CONSTANTS;
        if (i < maker->captured_from) {
            node->needs = (uint8_t)tape->wants_inputs;
        }
        else if (i < maker->constants_from) {
            node->needs = (uint8_t)tape->wants_captured;
        }
    }
    Node *one = &maker->nodes[maker->one];
    one->same = maker->one;
    one->slot = add_constant(maker, 1.0);
    one->gradient = one->group = NONE;
    for (uint32_t line = 0; line < tape->lines; line++) {
        Node *node = &maker->nodes[maker->lines_from + line];
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

static void revive(Maker *maker, uint32_t standing)
{
    maker->nodes[maker->nodes[node_at(maker, standing)].same].alive = 1;
}

/* Whatever an output or a guard needs. */
static void find_alive(Maker *maker)
{
    const Recorded *tape = maker->tape;
    for (uint32_t i = 0; i < tape->outputs; i++) {
        revive(maker, tape->output_places[i]);
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        revive(maker, tape->guard_places[4 * i + 1]);
        revive(maker, tape->guard_places[4 * i + 2]);
    }
    for (uint32_t i = maker->count; i-- > maker->lines_from;) {
        Node *node = &maker->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            maker->nodes[operands_of(maker, node)[j]].alive = 1;
        }
    }
}

/* -- values ----------------------------------------------------------------------------------- */

/* The number of a node that depends on constants only; `slot` holds its place meanwhile. */
static double constant_of(const Maker *maker, uint32_t node)
{
    return maker->plan->constants[maker->nodes[node].slot];
}

static void fold(Maker *maker, Node *node)
{
    const Operation *row = row_of(node->op);
    uint32_t *operands = operands_of(maker, node);
    if (node->op == DETACH) {
        node->slot = add_constant(maker, constant_of(maker, operands[0]));
    }
    else if (row->value1 != NULL) {
        node->slot = add_constant(maker, row->value1(constant_of(maker, operands[0])));
    }
    else if (row->value2 != NULL) {
        node->slot = add_constant(maker, row->value2(constant_of(maker, operands[0]),
                                                     constant_of(maker, operands[1])));
    }
    else {
        node->depends = OF_CAPTURED; /* computed once a call */
    }
}

static uint64_t mixed(uint64_t hash, uint64_t part)
{
    return (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

static int is_same_line(const Maker *maker, const Node *a, const Node *b)
{
    if (a->op != b->op || a->count != b->count || a->result != b->result) {
        return 0;
    }
    uint32_t *xs = operands_of(maker, a), *ys = operands_of(maker, b);
    for (uint32_t i = 0; i < a->count; i++) {
        if (maker->nodes[xs[i]].same != maker->nodes[ys[i]].same) {
            return 0;
        }
    }
    return 1;
}

/* Tell what each line depends on, fold constants, find lines of the same value. */
static int compute_values(Maker *maker)
{
    const Recorded *tape = maker->tape;
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
        Node *node = &maker->nodes[maker->constants_from + i];
        node->slot = add_constant(maker, tape->numbers[i]);
        memcpy(&bits, &tape->numbers[i], sizeof bits);
        size_t place = mixed(bits, 1) >> 20 & (slots - 1);
        while (table[place] != NONE) {
            uint32_t other = table[place];
            if (memcmp(&tape->numbers[other - maker->constants_from], &tape->numbers[i], 8) == 0) {
                node->same = other;
                break;
            }
            place = (place + 1) & (slots - 1);
        }
        if (node->same == maker->constants_from + i) {
            table[place] = node->same;
        }
    }
    memset(table, 0xff, slots * sizeof *table);
    for (uint32_t i = maker->lines_from; i < maker->count && !maker->failed; i++) {
        Node *node = &maker->nodes[i];
        if (!node->alive) {
            continue;
        }
        uint32_t *operands = operands_of(maker, node);
        uint64_t hash = mixed(node->op, node->result);
        for (uint32_t j = 0; j < node->count; j++) {
            const Node *operand = &maker->nodes[operands[j]];
            node->depends = operand->depends > node->depends ? operand->depends : node->depends;
            node->needs |= operand->needs && node->op != DETACH;
            hash = mixed(hash, operand->same);
        }
        if (node->count == 0) { /* the sum of nothing */
            node->depends = OF_CAPTURED;
        }
        if (node->depends == OF_CONSTANTS) {
            fold(maker, node);
            if (node->depends == OF_CONSTANTS) {
                continue;
            }
        }
        size_t place = hash >> 20 & (slots - 1);
        while (table[place] != NONE && !is_same_line(maker, node, &maker->nodes[table[place]])) {
            place = (place + 1) & (slots - 1);
        }
        if (table[place] == NONE) {
            table[place] = i;
        }
        else {
            node->same = table[place];
        }
    }
    free(table);
    return maker->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

/* In fast mode a line that is equal to an earlier one is that one, for gradients too. */
static void merge(Maker *maker)
{
    for (uint32_t i = maker->lines_from; i < maker->count; i++) {
        Node *node = &maker->nodes[i];
        uint32_t *operands = operands_of(maker, node);
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            operands[j] = maker->nodes[operands[j]].same;
        }
    }
}

/* -- the order of a pass ---------------------------------------------------------------------- */

static uint32_t root_of(const Maker *maker)
{
    uint32_t root = node_at(maker, maker->tape->output_places[maker->tape->root]);
    return maker->tape->is_fast ? maker->nodes[root].same : root;
}

static int find_order(Maker *maker)
{
    uint32_t root = root_of(maker);
    if (!is_line(maker, root)) {
        return PLAN_DONE;
    }
    size_t room = 64, count = 0;
    struct { uint32_t node, next; } *open = malloc(room * sizeof *open);
    if (open == NULL) {
        return PLAN_NO_MEMORY;
    }
    open[count].node = root;
    open[count++].next = 0;
    maker->nodes[root].reached = 1;
    while (count != 0) {
        Node *node = &maker->nodes[open[count - 1].node];
        uint32_t *operands = operands_of(maker, node), enter = NONE;
        uint32_t end = node->op == DETACH ? 0 : node->count;
        while (open[count - 1].next < end && enter == NONE) {
            uint32_t operand = operands[open[count - 1].next++];
            if (is_line(maker, operand) && !maker->nodes[operand].reached) {
                enter = operand;
            }
        }
        if (enter == NONE) {
            maker->order[maker->order_count++] = open[--count].node;
            continue;
        }
        maker->nodes[enter].reached = 1;
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

/* -- chains of sums --------------------------------------------------------------------------- */

/* Whose value is computed by a step of its own. */
static int is_computed(const Maker *maker, uint32_t i)
{
    const Node *node = &maker->nodes[i];
    return node->alive && !node->absorbed && node->same == i && node->depends != OF_CONSTANTS;
}

/* What is read from outside of the lines may not be absorbed, nor what has its value. */
static void keep(Maker *maker, uint32_t standing)
{
    uint32_t node = node_at(maker, standing);
    maker->nodes[node].uses += 2;
    maker->nodes[maker->nodes[node].same].uses += 2;
}

static void count_uses(Maker *maker)
{
    const Recorded *tape = maker->tape;
    for (uint32_t i = maker->lines_from; i < maker->count; i++) {
        Node *node = &maker->nodes[i];
        for (uint32_t j = 0; node->alive && j < node->count; j++) {
            maker->nodes[operands_of(maker, node)[j]].uses++;
        }
        if (node->alive && node->same != i) { /* shared: neither may be absorbed */
            node->uses += 2;
            maker->nodes[node->same].uses += 2;
        }
    }
    for (uint32_t i = 0; i < tape->outputs; i++) {
        keep(maker, tape->output_places[i]);
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        keep(maker, tape->guard_places[4 * i + 1]);
        keep(maker, tape->guard_places[4 * i + 2]);
    }
}

static int may_absorb(const Maker *maker, uint32_t i, const Node *into)
{
    const Node *node = &maker->nodes[i];
    return is_line(maker, i) && node->uses == 1 && node->same == i && !node->absorbed &&
           node->depends == into->depends;
}

/* In strict mode a term that has a gradient from elsewhere too must get them in their order. */
static int may_be_term(const Maker *maker, uint32_t i)
{
    const Node *node = &maker->nodes[i];
    return maker->tape->is_fast || !node->needs || node->uses == 1;
}

static int grow_list(Maker *maker, size_t wanted)
{
    if (maker->list_count + wanted <= maker->list_room) {
        return 1;
    }
    size_t room = 2 * maker->list_room + wanted;
    uint32_t *fresh = realloc(maker->list, room * sizeof *fresh);
    if (fresh == NULL) {
        return 0;
    }
    maker->list = fresh;
    maker->list_room = room;
    return 1;
}

/* Make one step of ((a + b·c) + d) + ...: it is added up in the same order, so bits stay. */
static int lift_chain(Maker *maker, uint32_t root)
{
    Node *node = &maker->nodes[root];
    uint32_t length = 1, products = 0, left = operands_of(maker, node)[0];
    int is_alone = 1; /* no term is used elsewhere */
    for (uint32_t i = root;;) { /* down the left side */
        uint32_t *operands = operands_of(maker, &maker->nodes[i]);
        uint32_t right = operands[1];
        products += may_absorb(maker, right, node) && is_mul(maker->nodes[right].op);
        is_alone = is_alone && may_be_term(maker, right);
        left = operands[0];
        length++;
        if (!may_absorb(maker, left, node) || !is_add(maker->nodes[left].op)) {
            products += may_absorb(maker, left, node) && is_mul(maker->nodes[left].op);
            break;
        }
        i = left;
    }
    int has_products = products >= LEAST_DOT;
    if (length < LEAST_DOT || !(has_products || (is_alone && may_be_term(maker, left)))) {
        return PLAN_DONE;
    }
    if (!grow_list(maker, 2 * (size_t)length)) {
        return PLAN_NO_MEMORY;
    }
    uint32_t first = (uint32_t)maker->list_count, place = length;
    uint32_t *terms = maker->list + first;
    maker->list_count += (has_products ? 2 : 1) * (size_t)length;
    for (uint32_t i = root; place > 0;) { /* from the last term to the first */
        uint32_t *operands = operands_of(maker, &maker->nodes[i]);
        uint32_t term = operands[1], next = operands[0];
        for (int is_last = place == 2; place > 0; is_last = 0, term = next) {
            place--;
            Node *inner = &maker->nodes[term];
            int is_product = has_products && may_absorb(maker, term, node) && is_mul(inner->op);
            if (is_product) {
                inner->absorbed = 1;
                terms[place] = operands_of(maker, inner)[0];
                terms[length + place] = operands_of(maker, inner)[1];
            }
            else {
                terms[place] = term;
                if (has_products) {
                    terms[length + place] = maker->one;
                }
            }
            if (!is_last) {
                break;
            }
        }
        if (place > 0) {
            maker->nodes[next].absorbed = 1;
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
static double start_of(const Node *node) { return node->is_chain ? -0.0 : 0.0; }

/* Make one dot of x·w + b, where b is a number of its own: it is added last, so bits stay. */
static int lift_offset(Maker *maker, uint32_t root)
{
    Node *node = &maker->nodes[root];
    uint32_t *operands = operands_of(maker, node);
    int place = may_absorb(maker, operands[0], node) ? 0 : 1;
    uint32_t dot = operands[place], offset = operands[1 - place];
    if (!may_absorb(maker, dot, node) || !is_dot(maker->nodes[dot].op) ||
        maker->nodes[offset].depends == OF_INPUTS || is_line(maker, offset)) {
        return PLAN_DONE;
    }
    uint32_t size = maker->nodes[dot].count / 2;
    if (!grow_list(maker, 2 * (size_t)size + 2)) {
        return PLAN_NO_MEMORY;
    }
    uint32_t first = (uint32_t)maker->list_count, *terms = maker->list + first;
    const uint32_t *factors = operands_of(maker, &maker->nodes[dot]);
    memcpy(terms, factors, size * sizeof *terms);
    memcpy(terms + size + 1, factors + size, size * sizeof *terms);
    terms[size] = maker->one;
    terms[2 * size + 1] = offset;
    maker->list_count += 2 * (size_t)size + 2;
    maker->nodes[dot].absorbed = 1;
    node->first = first;
    node->count = 2 * size + 2;
    node->products = 2;
    return PLAN_DONE;
}

static int lift_chains(Maker *maker)
{
    count_uses(maker);
    int status = PLAN_DONE;
    for (uint32_t i = maker->count; status == PLAN_DONE && i-- > maker->lines_from;) {
        if (is_computed(maker, i) && is_add(maker->nodes[i].op)) {
            status = lift_chain(maker, i);
            if (status == PLAN_DONE && maker->nodes[i].products == 0) {
                status = lift_offset(maker, i);
            }
        }
    }
    return status;
}

/* Whether a node is a dot: of the table, or lifted. */
static int is_dot_node(const Node *node)
{
    return is_add(node->op) ? node->products == 2 : is_dot(node->op);
}

static int is_sum_node(const Node *node)
{
    return is_add(node->op) ? node->products == 1 : is_sum(node->op);
}

/* -- dots over the same operands -------------------------------------------------------------- */

/* Put what depends on the inputs first; return whether all of it is there and nowhere else. */
static int turn_dot(Maker *maker, Node *node)
{
    uint32_t size = node->count / 2, *xs = operands_of(maker, node), *ys = xs + size;
    int varies = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (maker->nodes[ys[i]].depends == OF_INPUTS) {
            if (maker->nodes[xs[i]].depends == OF_INPUTS) {
                return 0;
            }
            uint32_t kept = xs[i];
            xs[i] = ys[i];
            ys[i] = kept;
        }
        varies |= maker->nodes[xs[i]].depends == OF_INPUTS;
        if (maker->nodes[ys[i]].depends == OF_CAPTURED && is_line(maker, ys[i])) {
            return 0;
        }
    }
    return varies;
}

typedef struct {
    uint64_t hash;
    uint32_t first, last, members; /* dots; a list through `next` */
} Bucket;

static int has_doubles(Maker *maker, const uint32_t *xs, uint32_t size, uint32_t *seen, uint32_t tag)
{
    for (uint32_t i = 0; i < size; i++) {
        uint32_t x = maker->nodes[xs[i]].same;
        if (seen[x] == tag) {
            return 1;
        }
        seen[x] = tag;
    }
    return 0;
}

static int has_same_operands(const Maker *maker, const Node *a, const Node *b)
{
    if (a->count != b->count) {
        return 0;
    }
    const uint32_t *xs = operands_of(maker, a), *ys = operands_of(maker, b);
    return memcmp(xs, ys, a->count / 2 * sizeof *xs) == 0;
}

/* What a comparison depends on must have the bits of an eager pass, or it may turn otherwise. */
static void find_guarded(Maker *maker)
{
    const Recorded *tape = maker->tape;
    for (uint32_t i = 0; i < 2 * tape->guards; i++) {
        uint32_t place = tape->guard_places[4 * (i / 2) + 1 + i % 2];
        maker->nodes[maker->nodes[node_at(maker, place)].same].guarded = 1;
    }
    for (uint32_t i = maker->count; i-- > maker->lines_from;) {
        const Node *node = &maker->nodes[i];
        for (uint32_t j = 0; node->guarded && j < node->count; j++) {
            maker->nodes[maker->nodes[operands_of(maker, node)[j]].same].guarded = 1;
        }
    }
}

static int find_groups(Maker *maker)
{
    Plan *plan = maker->plan;
    uint32_t dots = 0;
    for (uint32_t i = maker->lines_from; i < maker->count; i++) {
        dots += is_computed(maker, i) && is_dot_node(&maker->nodes[i]);
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
    next = malloc((maker->count + 1) * sizeof *next);
    seen = calloc(maker->count + 1, sizeof *seen);
    int status = PLAN_NO_MEMORY;
    uint32_t bucket_count = 0;
    if (table == NULL || buckets == NULL || next == NULL || seen == NULL) {
        goto done;
    }
    memset(table, 0xff, room * sizeof *table);
    if (!maker->tape->is_fast) {
        find_guarded(maker);
    }
    for (uint32_t i = maker->lines_from; i < maker->count; i++) {
        Node *node = &maker->nodes[i];
        if (!is_computed(maker, i) || !is_dot_node(node) || node->depends != OF_INPUTS ||
            node->count == 0 || node->guarded || !turn_dot(maker, node)) {
            continue;
        }
        uint32_t size = node->count / 2, *xs = operands_of(maker, node);
        uint64_t hash = size;
        for (uint32_t j = 0; j < size; j++) {
            hash = mixed(hash, xs[j]);
        }
        size_t place = hash >> 20 & (room - 1);
        while (table[place] != NONE &&
               !(buckets[table[place]].hash == hash &&
                 has_same_operands(maker, node, &maker->nodes[buckets[table[place]].first]))) {
            place = (place + 1) & (room - 1);
        }
        next[i] = NONE;
        if (table[place] == NONE) {
            if (has_doubles(maker, xs, size, seen, i)) {
                continue;
            }
            table[place] = bucket_count;
            buckets[bucket_count++] = (Bucket){hash, i, i, 1};
        }
        else {
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
        const Node *first = &maker->nodes[buckets[i].first];
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
        if (group->xs == NULL || group->zs == NULL || group->gs == NULL ||
            group->weights == NULL || group->starts == NULL || group->wanted == NULL ||
            group->targets == NULL) {
            goto done;
        }
        uint32_t member = buckets[i].first;
        for (uint32_t j = 0; j < group->outer; j++, member = next[member]) {
            maker->nodes[member].group = plan->group_count - 1;
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

/* -- slots ------------------------------------------------------------------------------------ */

static uint32_t value_of(Maker *maker, uint32_t i)
{
    Node *node = &maker->nodes[maker->nodes[i].same];
    Plan *plan = maker->plan;
    uint32_t same = maker->nodes[i].same;
    if (node->depends == OF_CONSTANTS) {
        uint32_t *slot = &plan->constant_slots[node->slot];
        if (*slot == NONE) {
            *slot = plan->slots++;
        }
        return *slot;
    }
    if (node->slot == NONE) {
        node->slot = plan->slots++;
        if (same < maker->captured_from) {
            plan->input_slots[same] = node->slot;
        }
        else if (same < maker->constants_from) {
            plan->captured_slots[same - maker->captured_from] = node->slot;
        }
    }
    return node->slot;
}

static uint32_t weight_of(Maker *maker, uint32_t i)
{
    uint32_t same = maker->nodes[i].same;
    if (maker->nodes[same].depends == OF_CONSTANTS) {
        return (uint32_t)WEIGHT_CONSTANT << WEIGHT_BITS | maker->nodes[same].slot;
    }
    return (uint32_t)WEIGHT_CAPTURED << WEIGHT_BITS | (same - maker->captured_from);
}

static uint8_t shape_of(const Node *node)
{
    return is_dot_node(node)     ? SHAPE_DOT
           : is_sum_node(node)   ? SHAPE_SUM
           : is_mean(node->op)   ? SHAPE_MEAN
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
    if (!is_div(node->op) ||
        maker->nodes[operands_of(maker, node)[1]].depends != OF_CONSTANTS) {
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

static void emit_spread(Maker *maker, Program *program, uint32_t i, uint32_t *heads)
{
    /* the first of several results computes all of them: heads[] knows their slots */
    Plan *plan = maker->plan;
    Node *node = &maker->nodes[i];
    uint32_t *operands = operands_of(maker, node), first = 0;
    for (uint32_t j = 0; j < node->count; j++) {
        uint32_t place = push_list(maker, value_of(maker, operands[j]));
        first = j == 0 ? place : first;
    }
    for (uint32_t j = 0; j < node->count; j++) {
        push_list(maker, plan->slots + j);
    }
    *heads = plan->slots;
    push_step(maker, program,
              (Step){.op = STEP_LIST, .operand = node->op, .shape = SHAPE_SPREAD, .x = first,
                     .y = node->count});
    plan->slots += node->count;
    plan->longest = node->count > plan->longest ? node->count : plan->longest;
}

static void emit_forward(Maker *maker, uint32_t i, uint32_t *last_spread)
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
        int is_next = other != NULL && other->op == node->op && other->count == node->count &&
                      memcmp(operands_of(maker, other), operands, node->count * sizeof *operands) ==
                          0;
        uint32_t from;
        if (is_next) {
            from = other->slot - other->result;
        }
        else {
            emit_spread(maker, program, i, &from);
        }
        node->slot = from + node->result;
        *last_spread = i;
        return;
    }
    Step step = {.op = node->op};
    if (row->value1 != NULL) {
        step.x = value_of(maker, operands[0]);
    }
    else if (row->value2 != NULL && node->products == 0) {
        step.x = value_of(maker, operands[0]);
        if (is_square(maker, node)) {
            step.op = STEP_SQUARE;
        }
        else if (halves(maker, node, &step.y)) {
            step.op = mul_op();
        }
        else {
            step.y = value_of(maker, operands[1]);
        }
    }
    else {
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
            step.t = plan->slots; /* a slot an operand, for its partial */
            plan->slots += node->count;
        }
    }
    step.z = value_of(maker, i);
    push_step(maker, program, step);
    if (step.shape == SHAPE_OTHER && row->value1 == NULL && row->value2 == NULL) {
        node->group = step.t; /* where the partials are: such a node is in no group */
    }
}

/* -- backward --------------------------------------------------------------------------------- */

static uint32_t take_row(Maker *maker)
{
    return maker->free_count != 0 ? maker->free_rows[--maker->free_count] : maker->gradient_rows++;
}

static void give_row(Maker *maker, uint32_t row)
{
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
        }
        else { /* it collects over all blocks, and begins with 0 */
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

static void emit_back(Maker *maker, uint32_t i, uint32_t *left_in_group)
{
    Plan *plan = maker->plan;
    Node *node = &maker->nodes[i];
    const Operation *row = row_of(node->op);
    int varies = node->depends == OF_INPUTS;
    Program *program = varies ? &plan->back : &plan->back_prelude;
    uint32_t *operands = operands_of(maker, node);
    int is_grouped = varies && node->group != NONE && is_dot_node(node);
    if (is_grouped) {
        if (--left_in_group[node->group] == 0) {
            emit_group_back(maker, node->group);
        }
        return;
    }
    if (node->gradient == NONE || node->op == DETACH) {
        return;
    }
    Step step = {.op = node->op, .g = node->gradient};
    step.z = value_of(maker, i);
    if (row->value1 != NULL || (row->value2 != NULL && node->products == 0)) {
        step.x = value_of(maker, operands[0]);
        if (is_square(maker, node)) {
            step.op = STEP_SQUARE;
        }
        else if (node->count > 1) {
            step.y = value_of(maker, operands[1]);
        }
        if (is_cheap(node->op) && operands[0] != operands[1] &&
            maker->nodes[operands[0]].needs && maker->nodes[operands[1]].needs) {
            uint8_t first, second;
            step.operand = BOTH;
            step.t = target_of(maker, operands[0], &first);
            step.u = target_of(maker, operands[1], &second);
            step.assigns = (uint8_t)(first | second << 1);
            push_step(maker, program, step);
            operands = NULL;
        }
        if (operands != NULL && has_constant_partial(maker, node, &step.y)) {
            step.op = mul_op();
        }
        for (uint32_t j = 0; operands != NULL && j < node->count; j++) {
            if (maker->nodes[operands[j]].needs) {
                step.operand = (uint8_t)j;
                step.t = target_of(maker, operands[j], &step.assigns);
                push_step(maker, program, step);
            }
        }
    }
    else {
        step.op = STEP_LIST;
        step.operand = node->op;
        step.shape = shape_of(node);
        uint32_t from = (uint32_t)plan->list_count;
        for (uint32_t j = 0; j < node->count; j++) {
            push_list(maker, packed_target(maker, operands[j]));
        }
        if (step.shape == SHAPE_DOT) { /* the partial is the other operand */
            uint32_t half = node->count / 2;
            for (uint32_t j = 0; j < node->count; j++) {
                push_list(maker, value_of(maker, operands[j < half ? j + half : j - half]));
            }
        }
        if (row->spread != NULL) {
            const Node *same = &maker->nodes[node->same];
            step.shape = SHAPE_SPREAD;
            step.x = same->slot - same->result; /* the first of the results */
            step.z = node->result;
        }
        else if (step.shape == SHAPE_OTHER) {
            step.x = maker->nodes[node->same].group; /* the first of the partials */
        }
        step.y = node->count;
        step.t = from;
        push_step(maker, program, step);
    }
    if (varies) {
        give_row(maker, node->gradient);
    }
}

static void emit_backward(Maker *maker)
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

/* -- all of it -------------------------------------------------------------------------------- */

static uint32_t *filled(size_t count)
{
    uint32_t *items = malloc((count + 1) * sizeof *items);
    if (items != NULL) {
        memset(items, 0xff, (count + 1) * sizeof *items);
    }
    return items;
}

/* Uniform values that the body reads are spread over all lanes. */
static void find_spread(Maker *maker)
{
    Plan *plan = maker->plan;
    for (uint32_t i = maker->lines_from; i < maker->count; i++) {
        const Node *node = &maker->nodes[i];
        if (node->alive && node->same == i && !node->absorbed && node->depends == OF_CAPTURED &&
            node->slot != NONE) {
            plan->spread_list[plan->spread_count++] = node->slot;
        }
    }
}

static void find_results(Maker *maker)
{
    const Recorded *tape = maker->tape;
    Plan *plan = maker->plan;
    for (uint32_t i = 0; i < tape->outputs; i++) {
        plan->output_slots[i] = value_of(maker, node_at(maker, tape->output_places[i]));
    }
    for (uint32_t i = 0; i < tape->guards; i++) {
        const uint32_t *given = &tape->guard_places[4 * i];
        plan->guards[i] = (Guard){
            .comparison = (uint8_t)given[0],
            .outcome = (uint8_t)given[3],
            .left = value_of(maker, node_at(maker, given[1])),
            .right = value_of(maker, node_at(maker, given[2])),
        };
    }
    for (uint32_t i = 0; i < tape->inputs; i++) {
        plan->input_gradients[i] = maker->nodes[i].gradient;
    }
    for (uint32_t i = 0; i < tape->captured; i++) {
        plan->captured_gradients[i] = maker->nodes[maker->captured_from + i].gradient;
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

static int run_maker(Maker *maker)
{
    const Recorded *tape = maker->tape;
    Plan *plan = maker->plan;
    int status = read_tape(maker);
    if (status != PLAN_DONE) {
        return status;
    }
    find_alive(maker);
    if ((status = compute_values(maker)) != PLAN_DONE) {
        return status;
    }
    if (tape->is_fast) {
        merge(maker);
        for (uint32_t i = maker->lines_from; i < maker->count; i++) {
            maker->nodes[i].alive = 0;
        }
        find_alive(maker);
    }
    if ((tape->wants_inputs || tape->wants_captured) &&
        (status = find_order(maker)) != PLAN_DONE) {
        return status;
    }
    if ((status = lift_chains(maker)) != PLAN_DONE ||
        (status = find_groups(maker)) != PLAN_DONE) {
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
    if (plan->constant_slots == NULL || plan->input_slots == NULL ||
        plan->captured_slots == NULL || plan->read_captured == NULL ||
        plan->moved_captured == NULL || plan->output_slots == NULL ||
        plan->input_gradients == NULL || plan->captured_gradients == NULL ||
        plan->spread_list == NULL || plan->uniform_gradients == NULL || plan->guards == NULL) {
        return PLAN_NO_MEMORY;
    }
    uint32_t last_spread = NONE;
    for (uint32_t i = maker->lines_from; i < maker->count && !maker->failed; i++) {
        if (is_computed(maker, i)) {
            emit_forward(maker, i, &last_spread);
        }
    }
    if (maker->order_count != 0 || !is_line(maker, root_of(maker))) {
        if (tape->wants_inputs || tape->wants_captured) {
            emit_backward(maker);
        }
    }
    find_results(maker);
    find_spread(maker);
    for (uint32_t i = 0; i < plan->group_count; i++) {
        Group *group = &plan->groups[i];
        for (uint32_t j = 0; j < group->outer; j++) {
            group->zs[j] = maker->nodes[group->zs[j]].slot;
        }
    }
    place_matrices(plan);
    plan->gradients = maker->gradient_rows;
    return maker->failed ? PLAN_NO_MEMORY : PLAN_DONE;
}

int make_plan(Plan *plan, const Recorded *recorded)
{
    Maker maker = {.tape = recorded, .plan = plan};
    memset(plan, 0, sizeof *plan);
    plan->inputs = recorded->inputs;
    plan->captured = recorded->captured;
    plan->outputs = recorded->outputs;
    plan->guard_count = recorded->guards;
    plan->seed = NONE;
    int status = run_maker(&maker);
    free(maker.nodes);
    free(maker.list);
    free(maker.order);
    free(maker.free_rows);
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
    free(plan->prelude.steps);
    free(plan->body.steps);
    free(plan->back.steps);
    free(plan->back_prelude.steps);
    free(plan->guards);
    memset(plan, 0, sizeof *plan);
}
