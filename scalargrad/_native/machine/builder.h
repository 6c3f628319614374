/* What the passes of the planner share: the lines of a tape as nodes, and the plan they become. */
#ifndef SCALARGRAD_BUILDER_H
#define SCALARGRAD_BUILDER_H

#include "machine.h"

enum { DETACH = 0, CALL = 255 }; /* operations of a tape that are no rows of the table */

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
} Builder;

static inline uint32_t node_at(const Builder *builder, uint32_t reference)
{
    uint32_t place = reference & ((1u << 30) - 1);
    switch (reference >> 30) {
    case 0:
        return place;
    case 1:
        return builder->captured_from + place;
    case 2:
        return builder->constants_from + place;
    default:
        return builder->lines_from + place;
    }
}

static inline int is_line(const Builder *builder, uint32_t node)
{
    return node >= builder->lines_from;
}

static inline uint32_t *operands_of(const Builder *builder, const Node *node)
{
    return builder->list + node->first;
}

/* The node that computes the value of one: itself, or an earlier one that is equal. */
static inline Node *computing(const Builder *builder, uint32_t node)
{
    return &builder->nodes[builder->nodes[node].same];
}

/* The number of a node that depends on constants only. */
static inline double constant_of(const Builder *builder, uint32_t node)
{
    return builder->plan->constants[builder->nodes[node].constant];
}

static inline uint64_t mixed(uint64_t hash, uint64_t part)
{
    return (hash ^ part) * UINT64_C(0x9E3779B97F4A7C15) ^ (hash >> 29);
}

/* -- plan.c ------------------------------------------------------------------------------------ */

void *grown(Builder *builder, void *items, size_t count, size_t *room, size_t size);
void push_list(Builder *builder, uint32_t entry);
uint32_t *filled(size_t count); /* with NONE */
void push_instruction(Builder *builder, Program *program, Instruction instruction);
uint32_t add_constant(Builder *builder, double number);
uint32_t root_of(const Builder *builder);

/* -- fuse.c: sums and products that become one instruction ------------------------------------- */

int fuse_chains(Builder *builder);
int find_groups(Builder *builder);
int is_computed(const Builder *builder, uint32_t i);
int is_dot_node(const Node *node);
int is_sum_node(const Node *node);
double start_of(const Node *node);

/* -- emit.c: the instructions ------------------------------------------------------------------ */

uint32_t value_of(Builder *builder, uint32_t i);
void emit_forward(Builder *builder, uint32_t i, uint32_t *last_spread);
void emit_backward(Builder *builder);

/* -- vectorize.c: equal instructions beside each other ----------------------------------------- */

int widen(Builder *builder);

#endif
