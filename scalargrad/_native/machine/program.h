/* What a program and a plan are. The machine knows numbers only, nothing of Values.
 *
 * A *slot* is a row of `stride` doubles, one a lane; values and gradients have slots of their own.
 * An *instruction* works on whole rows; instructions.def says what each one does.
 */
#ifndef SCALARGRAD_PROGRAM_H
#define SCALARGRAD_PROGRAM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../table.h"
#include "costs.h"

#if defined(__GNUC__)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define ALIGNED __attribute__((aligned(64))) /* or vectors lie across two cache lines */
#else
#define UNLIKELY(x) (x)
#define ALWAYS_INLINE inline
#define NOINLINE
#define ALIGNED
#endif

#define NONE UINT32_MAX

/* Codes: those below CODES are rows of the table, by their number. */
enum {
    CODES = 200,
    CODES_BEGIN = CODES - 1,
#define INSTRUCTION(name, ...) CODE_##name,
#include "instructions.def"
    CODES_END,
};

enum {
#define STRETCH(name, text) STRETCH_##name,
#include "instructions.def"
};

/* What is in a field. */
enum {
#define FIELD(name, text) FIELD_##name,
#include "instructions.def"
};

enum { IN_X, IN_Y, IN_Z, IN_G, IN_T, IN_U, FIELDS };

/* A row of the table of instructions. */
typedef struct {
    const char *name;
    uint8_t forward[FIELDS], backward[FIELDS];
    const char *forward_text, *backward_text;
} Form;

enum { BOTH = 2 }; /* both operands */

typedef struct {
    uint8_t code;
    uint8_t operand;  /* back, of a row of the table: which partial, or BOTH */
    uint8_t assigns;  /* back: this is the first write to t; of BOTH, 2 that to u. See SUM, too */
    uint8_t row;      /* of MANY and SPREAD */
    uint32_t x, y, z; /* slots of values, mostly */
    uint32_t g, t, u; /* slots of gradients, mostly */
} Instruction;

static inline int is_list(const Instruction *instruction)
{
    return instruction->code >= CODE_SUM && instruction->code <= CODE_SPREAD;
}

/* Of a program for one lane whose isomorphic instructions run as lanes: see vectorize.c. */
typedef struct {
    uint8_t kind;
    uint32_t first, count; /* of instructions, or of the side list; to fill: a slot, how many */
    uint32_t at;           /* lanes; or the first slot, to write or to scatter from */
} Stretch;

typedef struct {
    uint32_t constant, slot;
} ConstantRow;

typedef struct {
    Instruction *instructions;
    size_t count, room;
    Stretch *stretches; /* or NULL */
    size_t stretch_count, stretch_room;
} Program;

/* Dots over the same operands: a matrix product. */
typedef struct {
    uint32_t inner, outer; /* operands a dot, dots */
    uint32_t first_dot;    /* of the builder's dots */
    uint32_t *xs;          /* slots of the operands */
    uint32_t *zs;          /* slots of the results */
    uint32_t *weights;     /* [outer][inner]: which number each is: see WEIGHT_BITS */
    double *starts;        /* what each dot begins with: 0 or -0 */
    uint32_t *gs;          /* slots of the results' gradients; NONE without a way back */
    uint32_t *active;      /* the operands through which a gradient flows */
    uint32_t *targets;     /* and where it goes: slot << 1 | assigns */
    uint32_t active_count;
    uint8_t weights_active;
    uint8_t is_constant, is_captured;             /* whether all weights are */
    size_t packed, packed_back, sums, transposed; /* offsets in the work space */
} Group;

/* Rows of sums are whole vectors long. */
static inline size_t padded(size_t count) { return (count + 7) / 8 * 8; }

/* A weight: its kind in the upper two bits, its index among those below. */
enum { WEIGHT_CAPTURED, WEIGHT_CONSTANT };
enum { WEIGHT_BITS = 30 };

typedef struct {
    uint32_t left, right; /* slots */
    uint8_t comparison, outcome;
} Guard;

typedef struct {
    uint32_t inputs, captured, outputs, guard_count, group_count;
    uint32_t slots, gradients; /* rows of values and of gradients */
    double *constants;
    uint32_t constant_count;
    uint32_t *constant_slots, *input_slots, *captured_slots, *output_slots; /* or NONE */
    uint32_t *input_gradients, *captured_gradients;                         /* or NONE */
    uint32_t *read_captured, read_count;   /* which captured numbers have slots: */
    uint32_t *moved_captured, moved_count; /* of values; of gradients */
    uint32_t seed;                         /* slot of the gradient of the output, or NONE */
    uint8_t is_for_points;                 /* it runs on one lane only */
    uint8_t seed_collects;                 /* it is one that collects over all blocks */
    uint32_t *spread_list;                 /* slots of uniform values that the body reads */
    uint32_t spread_count;
    uint32_t *uniform_gradients; /* slots that collect over all blocks */
    uint32_t uniform_gradient_count;
    uint32_t *lists; /* side list of slots and targets */
    size_t list_count, list_room;
    Program prelude, body, back, back_prelude;
    Guard *guards;
    Group *groups;
    uint64_t scalar_cost, vector_cost; /* of one instruction after the other; vectorised, or 0 */
    size_t matrix_room;                /* doubles of work space for matrices */
    uint32_t longest;                  /* operands of the longest row of lists */
    ConstantRow *constant_rows;        /* constants that stand in MOST_LANES slots each */
    size_t constant_row_count, constant_row_room;
} Plan;

typedef struct {
    uint32_t comparison, left, right, outcome; /* references: see node_at */
} RecordedGuard;

/* What a plan is made of: the flat arrays of tape/tape.py. */
typedef struct {
    uint32_t inputs, captured, constants, lines, output_count, guard_count;
    uint32_t start_count, operand_count, result_count;
    const uint8_t *ops;
    const uint32_t *starts, *operands, *results;
    const double *numbers;
    const uint32_t *outputs; /* references */
    const RecordedGuard *guards;
    int by_inputs, by_captured, is_fast;
    int is_for_points;   /* on one lane, where every term keeps the turn of an eager pass */
    double vector_share; /* vectorise, for one lane, what then takes at most so large a part of the
                          * cost; infinite: in any case; negative: do not */
    uint32_t root;       /* which output is differentiated */
} Recorded;

/* -- lanes: the kernels, once for each kind of processor --------------------------------------- */

/* `lanes` is a multiple of 8; only the first `real` are lanes, the rest repeat the last one. */

typedef struct {
    const char *name;
    void (*forward)(const Plan *plan, const Program *program, double *values, double *matrices,
                    size_t stride, size_t lanes);
    void (*backward)(const Plan *plan, const Program *program, const double *values,
                     double *gradients, double *matrices, size_t stride, size_t lanes, size_t real);
    uint32_t panel; /* rows of a matrix that are worked on together */
} Kernels;

extern const Kernels kernels_point, kernels_base;
#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_X86_KERNELS
extern const Kernels kernels_avx2, kernels_avx512;
#endif

#endif
