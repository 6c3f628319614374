/* What the passes of the planner share: the lines of a tape as nodes, and the plan they become.
 * plan.c lists the passes in order.
 */
#ifndef SCALARGRAD_BUILDER_H
#define SCALARGRAD_BUILDER_H

#include <stdbool.h>

#include "../codes.h"
#include "hash_table.h"
#include "machine.h"

enum { OF_CONSTANTS, OF_CAPTURED, OF_INPUTS }; /* what a number depends on, at most */

enum { NOT_FUSED, FUSED_SUM, FUSED_DOT }; /* what an addition became */

/* An input, a captured number, a constant or a line. Each field is written by the pass it stands
 * under, and read by those below; what only one pass needs is in arrays of its own.
 */
typedef struct {
    /* read_tape; `operands` and `count` also fuse_chains, for what it fuses; `operands` also
     * group_dots, which puts those that depend on inputs first, and emit_backward, where a
     * chain has its own operands again; so has `fused` */
    uint32_t operands, count; /* in the builder's list */
    uint32_t result;          /* which one of its row's results it is */
    uint8_t op;
    /* find_alive; anew, merge_lines */
    uint8_t alive; /* a result or a guard needs it */
    /* read_tape for leaves, number_values for lines */
    uint8_t depends, needs; /* needs: a gradient flows through it */
    uint32_t same;          /* the node that has the same value: itself, or an earlier one */
    uint32_t constant;      /* which number it is, if it depends on constants only */
    /* fuse_chains */
    uint8_t absorbed; /* by another one that is computed with it */
    uint8_t fused, is_chain;
    /* group_dots */
    uint32_t group; /* or NONE */
    /* emit_forward, and where it is still NONE, emit_backward and finish */
    uint32_t slot;     /* of its value, or NONE */
    uint32_t partials; /* the first slot of those that MANY keeps, or NONE */
    /* emit_backward */
    uint32_t gradient; /* its slot, or NONE */
    uint8_t borrows;   /* another node of its chain reads that slot after it */
} Node;

typedef struct {
    const Recorded *tape;
    Plan *plan;
    bool failed; /* out of memory */
    /* read_tape */
    Node *nodes; /* inputs, captured, constants, lines */
    uint32_t count, captured_from, constants_from, lines_from;
    uint32_t one;   /* the constant 1, behind the lines */
    uint32_t *list; /* operands of all nodes; fuse_chains and group_dots add to it */
    size_t list_count, list_room;
    uint32_t constant_room;
    /* find_order */
    uint32_t *order; /* the lines below the root, in post-order */
    uint32_t order_count;
    /* group_dots */
    uint32_t *dots; /* nodes of the groups' dots: those of one group after the other */
    /* emit_forward */
    uint32_t last_spread; /* the last node of a row with several results, or NONE */
    /* find_calls */
    HashTable calls; /* the lines that compute a row of one operand */
    /* emit_backward */
    uint32_t *free_rows; /* of gradients */
    size_t free_count, free_room;
} Builder;

static inline uint32_t node_at(const Builder *builder, uint32_t reference)
{
    uint32_t index = INDEX_OF(reference);
    switch (KIND_OF(reference)) {
    case INPUT:
        return index;
    case CAPTURED:
        return builder->captured_from + index;
    case CONSTANT:
        return builder->constants_from + index;
    default:
        return builder->lines_from + index;
    }
}

static inline int is_line(const Builder *builder, uint32_t node)
{
    return node >= builder->lines_from;
}

static inline uint32_t *operands_of(const Builder *builder, const Node *node)
{
    return builder->list + node->operands;
}

/* The node that computes the value of one: itself, or an earlier one that is equal. */
static inline Node *computing(const Builder *builder, uint32_t node)
{
    return &builder->nodes[builder->nodes[node].same];
}

/* Whether an instruction of its own computes it. */
static inline int is_computed(const Builder *builder, uint32_t i)
{
    const Node *node = &builder->nodes[i];
    return node->alive && !node->absorbed && node->same == i && node->depends != OF_CONSTANTS;
}

/* The number of a node that depends on constants only. */
static inline double constant_of(const Builder *builder, uint32_t node)
{
    assert(builder->nodes[node].depends == OF_CONSTANTS);
    return builder->plan->constants[builder->nodes[node].constant];
}

/* Whether every term has the turn of an eager pass, also where a batch adds up apart: in matrix
 * products, and below what no input changes.
 */
static inline int keeps_turns(const Builder *builder)
{
    const Recorded *tape = builder->tape;
    return tape->is_for_points && !tape->is_fast && (tape->by_inputs || tape->by_captured);
}

/* -- builder.c: what grows --------------------------------------------------------------------- */

void *grown(Builder *builder, void *items, size_t count, size_t *room, size_t size);
int grow_operands(Builder *builder, size_t more); /* of nodes; 0: no memory */
void push_list(Builder *builder, uint32_t entry); /* to the plan's side list */
uint32_t *filled(size_t count);                   /* with NONE */
void push_instruction(Builder *builder, Program *program, Instruction instruction);
uint32_t add_constant(Builder *builder, double number);
uint32_t root_of(const Builder *builder); /* the node that is differentiated */

/* -- the passes: each returns PLAN_DONE, PLAN_NO_MEMORY or PLAN_IMPOSSIBLE --------------------- */

int read_tape(Builder *builder); /* values.c */
int find_alive(Builder *builder);
int number_values(Builder *builder);
int merge_lines(Builder *builder);
int find_order(Builder *builder);
int fuse_chains(Builder *builder);  /* fuse.c */
int group_dots(Builder *builder);   /* groups.c */
int emit_forward(Builder *builder); /* emit.c */
int find_calls(Builder *builder);   /* known_partials.c */
int emit_backward(Builder *builder);
int vectorize(Builder *builder); /* vectorize.c */

/* -- of a pass, for others ------------------------------------------------------------ */

/* fuse.c: of a product which factor may be an operand, and whether the other one may be a weight */
int turn_pair(const Builder *builder, uint32_t *x, uint32_t *y);
int is_dot_node(const Node *node);
int is_sum_node(const Node *node);
double start_of(const Node *node);
uint32_t known_partial(const Builder *builder, const Node *node); /* a line that is it, or NONE */
uint32_t value_of(Builder *builder, uint32_t i);                  /* emit.c: its slot */
uint32_t scalar_cost(const Instruction *instruction);             /* vectorize.c: on one lane */

#endif
