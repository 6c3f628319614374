/* What the parts of a wide plan share: see vectorize.c. */
#ifndef SCALARGRAD_WIDE_H
#define SCALARGRAD_WIDE_H

#include "builder.h"

enum { LEAST = 8, MOST_LISTED = 32 }; /* instructions of a class in vectors; operands of such */
enum { LISTS = 1024, CLASSES = 2048 };
enum { ALONE = CLASSES - 1 }; /* no other instruction is equal */
enum { READS_X = 1, READS_Y = 2, READS_Z = 4 };

/* An instruction that computes values or adds to gradients: what it needs, and what it makes. */
typedef struct {
    Instruction instruction;
    uint32_t level, class;
    uint32_t edges, reads, writes; /* slots of values; on the way back, of gradients */
} Unit;

/* Slots of one kind, values or gradients: their old numbers and the new ones. */
typedef struct {
    uint32_t *place;     /* the new number, or NONE */
    uint8_t *is_written; /* by an instruction that has its place */
    uint32_t count;
    uint32_t spare[MOST_LISTED]; /* places for what is gathered, or NONE */
} Slots;

/* A list that gets its places last. */
typedef struct {
    uint8_t kind;
    uint32_t first, count; /* of the side list; or a group */
} Waiting;

enum { OF_VALUES, OF_TARGETS, OF_PRODUCT, OF_PRODUCT_BACK };

typedef struct {
    Builder *builder;
    Plan *plan;
    Unit *units;
    uint32_t count;
    uint64_t cost,
        cost_before; /* of running it so, and instruction by instruction, in tenths of ns */
    size_t room;
    uint32_t *edges;
    size_t edge_count, edge_room;
    uint32_t *order; /* the units, class by class */
    uint64_t *keys;  /* to sort them by; and as they were before: */
    uint32_t *unsorted;
    Slots values, gradients;
    Waiting *waiting;
    size_t waiting_count, waiting_room;
    uint32_t *constant_at; /* the constant that stands in an old slot of values, or NONE */
    uint32_t *row_at;      /* where it stands so often that a class can read it, or NONE */
    uint32_t *last_writer; /* the first member of the class that wrote to a gradient */
    int is_back;
} Wide;

/* -- vectorize_slots.c ------------------------------------------------------------------------- */

int make_slots(Slots *slots, size_t count); /* 0: no memory */
void free_slots(Slots *slots);
uint32_t placed(Slots *slots, uint32_t old);
uint8_t is_first(Wide *wide, uint32_t target); /* and from now on it is written */
void place_forward(Wide *wide, Instruction *instruction);
void place_backward(Wide *wide, Instruction *instruction);
void place_ends(Wide *wide);

/* -- vectorize_levels.c ------------------------------------------------------------------------ */

int reads_of(const Wide *wide, const Instruction *instruction);
void read_forward(Wide *wide, const Instruction *instruction);
void read_backward(Wide *wide, const Instruction *instruction);
int find_classes(Wide *wide); /* 0: no memory */

static inline int is_of_class(const Wide *wide, uint32_t i, const Unit *first)
{
    const Unit *unit = &wide->units[wide->order[i]];
    return unit->level == first->level && unit->class == first->class;
}

#endif
