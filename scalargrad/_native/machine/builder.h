/* What the parts of the planner share: the lines of a tape as nodes, and who makes a plan of them. */
#ifndef SCALARGRAD_MAKER_H
#define SCALARGRAD_MAKER_H

#include "machine.h"

enum { OF_CONSTANTS, OF_CAPTURED, OF_INPUTS }; /* what a number depends on, at most */

typedef struct {
    uint32_t first, count; /* operands in the list */
    uint32_t uses;         /* by lines that stay */
    uint32_t same;         /* the node that has the same value: itself, or an earlier one */
    uint32_t constant;     /* where its number stands, if it depends on constants only */
    uint32_t slot, gradient;
    uint32_t partials; /* the first slot of those that a row of lists keeps */
    uint32_t turned;   /* of a dot: its operands in the list, what depends on inputs first */
    uint32_t group;    /* of dots */
    uint32_t result;   /* which one of its row's results it is */
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
    uint32_t constant_room;
    uint32_t *order; /* lines in the post-order of the root */
    uint32_t order_count;
    uint32_t one; /* the constant 1, or NONE */
    uint32_t *free_rows;
    size_t free_count, free_room;
    uint32_t gradient_rows;
    int failed; /* out of memory */
} Maker;

static inline uint32_t node_at(const Maker *maker, uint32_t standing)
{
    uint32_t place = standing & ((1u << 30) - 1);
    switch (standing >> 30) {
    case 0:
        return place;
    case 1:
        return maker->captured_from + place;
    case 2:
        return maker->constants_from + place;
    default:
        return maker->lines_from + place;
    }
}

static inline int is_line(const Maker *maker, uint32_t node) { return node >= maker->lines_from; }

static inline uint32_t *operands_of(const Maker *maker, const Node *node)
{
    return maker->list + node->first;
}

/* The node that computes the value of one: itself, or an earlier one that is equal. */
static inline Node *computing(const Maker *maker, uint32_t node)
{
    return &maker->nodes[maker->nodes[node].same];
}

/* The number of a node that depends on constants only. */
static inline double constant_of(const Maker *maker, uint32_t node)
{
    return maker->plan->constants[maker->nodes[node].constant];
}

static inline uint64_t mixed(uint64_t hash, uint64_t part)
{
    return (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

/* -- plan.c ----------------------------------------------------------------------------------- */

void *grown(Maker *maker, void *items, size_t count, size_t *room, size_t size);
void push_list(Maker *maker, uint32_t entry);
uint32_t *filled(size_t count); /* with NONE */
void push_step(Maker *maker, Program *program, Step step);
uint32_t add_constant(Maker *maker, double number);
uint32_t root_of(const Maker *maker);

/* -- fuse.c: sums and products that become one step ------------------------------------------- */

int lift_chains(Maker *maker);
int find_groups(Maker *maker);
int is_computed(const Maker *maker, uint32_t i);
int is_dot_node(const Node *node);
int is_sum_node(const Node *node);
double start_of(const Node *node);

/* -- emit.c: the steps ------------------------------------------------------------------------ */

uint32_t value_of(Maker *maker, uint32_t i);
void emit_forward(Maker *maker, uint32_t i, uint32_t *last_spread);
void emit_backward(Maker *maker);

/* -- vectorize.c: equal steps beside each other ---------------------------------------------------- */

int widen(Maker *maker);

#endif
