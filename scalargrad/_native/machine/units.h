/* What the passes of the vectoriser share: instructions as units, and where numbers stand anew. */
#ifndef SCALARGRAD_UNITS_H
#define SCALARGRAD_UNITS_H

#include "builder.h"
#include "costs.h"

enum { LEAST_LANES = 8 }; /* kernels run on whole vectors of so many */
enum { LIST_CLASSES = 1024, CLASSES = 2048 };
enum { ALONE = CLASSES - 1 }; /* no other instruction is isomorphic */
enum { READS_X = 1, READS_Y = 2, READS_Z = 4 };

/* An instruction that computes values or adds to gradients: what it needs, and what it writes. */
typedef struct {
    Instruction instruction;
    uint32_t level, class;
    uint32_t edges, reads, writes; /* slots of values; on the way back, of gradients */
} Unit;

/* The new slots of values, or of gradients, by the old ones. */
typedef struct {
    uint32_t *slot;      /* or NONE */
    uint8_t *is_written; /* by an instruction that is emitted */
    uint32_t count;
    uint32_t scratch[MOST_OPERANDS]; /* the first of slots for what is gathered, or NONE */
} SlotMap;

/* A list that gets its slots last. */
typedef struct {
    uint8_t kind;
    uint32_t first, count; /* of the side list; or a group */
} Deferred;

enum { DEFERRED_VALUES, DEFERRED_TARGETS, DEFERRED_PRODUCT, DEFERRED_PRODUCT_BACK };

typedef struct {
    Builder *builder;
    Plan *plan;
    Unit *units;
    uint32_t count;
    uint64_t cost, scalar_cost; /* of the plan, and of one instruction after the other */
    size_t room;
    uint32_t *edges;
    size_t edge_count, edge_room;
    uint32_t *order; /* the units, class by class */
    uint64_t *keys;  /* to sort them by; and as they were before: */
    uint32_t *unsorted;
    SlotMap *values, *gradients;
    Deferred *deferred;
    size_t deferred_count, deferred_room;
    uint32_t *constant_at;  /* the constant that stands in an old slot of values, or NONE */
    uint32_t *constant_row; /* where it stands so often that a pack can read it, or NONE */
    uint32_t *last_writer;  /* the first member of the class that wrote to a gradient */
    int is_back;
} Vectorizer;

/* -- units.c: the instructions as units -------------------------------------------------------- */

int reads_of(const Vectorizer *vec, const Instruction *instruction);
void read_forward(Vectorizer *vec, const Instruction *instruction);
void read_backward(Vectorizer *vec, const Instruction *instruction);

static inline int is_of_class(const Vectorizer *vec, uint32_t i, const Unit *first)
{
    const Unit *unit = &vec->units[vec->order[i]];
    return unit->level == first->level && unit->class == first->class;
}

/* -- vectorize_levels.c: which of them run together -------------------------------------------- */

int schedule(Vectorizer *vec); /* 0: no memory */

/* -- vectorize_slots.c: where their numbers stand ---------------------------------------------- */

int make_slot_map(SlotMap *map, size_t count); /* 0: no memory */
void free_slot_map(SlotMap *map);
uint32_t slot_for(SlotMap *map, uint32_t old);         /* the new slot; a next one, if none yet */
uint8_t first_write(Vectorizer *vec, uint32_t target); /* and from now on it is written */
void assign_forward(Vectorizer *vec, Instruction *instruction);
void assign_backward(Vectorizer *vec, Instruction *instruction);
void assign_boundary(Vectorizer *vec);

#endif
