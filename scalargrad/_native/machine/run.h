/* One run of a plan over a range of lanes: blocks of them, one after the other. */
#ifndef SCALARGRAD_RUN_H
#define SCALARGRAD_RUN_H

#include "machine.h"

/* -- spaces.c: what a run writes to, kept for later runs ---------------------------------------- */

typedef struct Space Space;
struct Space {
    size_t stride;
    double *values, *gradients, *matrices;
    const Kernels *packed_for; /* constant weights lie there as these kernels want them */
    Space *next;
};

typedef struct {
    Space *first; /* of earlier runs, for later ones */
} Spaces;

Space *take_space(Spaces *spaces, const Plan *plan, size_t stride); /* NULL: no memory */
void give_space(Spaces *spaces, Space *space);
void free_spaces(Spaces *spaces);

/* A space for several plans in turn, of up to so many lanes; NULL: no memory. */
Space *common_space(const Plan *const *plans, size_t count, size_t lanes);
void lend_space(Space *space, const Plan *plan, size_t stride);
void free_space(Space *space);

/* The lanes of a slot. */
static inline double *row_at(double *rows, uint32_t slot, size_t stride)
{
    return rows + slot * stride;
}

static inline void fill(double *to, double number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = number;
    }
}

/* -- a run ------------------------------------------------------------------------------------- */

typedef struct {
    const char *from; /* a row a lane */
    size_t width;
    uint32_t first; /* the input of its first column */
    int is_integer; /* 64-bit integers, not doubles */
} Source;

typedef struct {
    double *to; /* a row a lane */
    size_t width;
    uint32_t first; /* the input of its first column */
} Target;

typedef struct {
    const Plan *plan;
    const Kernels *kernels;
    const Kernels *vector_kernels; /* for the packs of one lane */
    Space *space;
    const double *captured, *shared;
    const Source *sources;
    size_t source_count;
    const int64_t *index; /* which row each lane is, or NULL */
    int is_scattered;     /* results go to these rows too, not one behind the other */
    double upstream;
    double *values, *sums;   /* to write: a row a lane, and one number each; or NULL */
    const Target *gradients; /* by inputs; or NULL */
    size_t gradient_count;
    int32_t *status;
    size_t undone;
} Run;

/* Return how many lanes are best run at a time. */
size_t stride_for(const Plan *plan, size_t lanes);
void run_range(Run *run, size_t first, size_t last); /* run.c */

/* Lanes as the kernels want them: whole vectors, behind the last lane the last lane again. */
static inline size_t whole_lanes(const Run *run, size_t lanes)
{
    return run->space->stride == 1 ? 1 : padded(lanes);
}

/* -- load.c: from arrays to slots, and from slots to arrays ------------------------------------ */

/* Return the next input, this one or a later one, that no array gives. */
uint32_t next_shared(const Source *sources, size_t count, uint32_t input);
void load_lanes(const Run *run, size_t first, size_t lanes);
void store_values(const Run *run, size_t first, size_t lanes);
void store_gradients(const Run *run, size_t first, size_t lanes);

#endif
