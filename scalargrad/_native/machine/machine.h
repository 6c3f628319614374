/* What the parts of the machine offer each other: the planner, and the table of operations. */
#ifndef SCALARGRAD_MACHINE_H
#define SCALARGRAD_MACHINE_H

#include "program.h"

/* -- plan.c: the planner ----------------------------------------------------------------------- */

enum { PLAN_DONE, PLAN_NO_MEMORY, PLAN_IMPOSSIBLE };

int make_plan(Plan *plan, const Recorded *recorded);
void free_plan(Plan *plan);

/* -- check_tape.c: the door --------------------------------------------------------------------- */

/* A tape has at most so many of each thing, as a reference has so many bits for an index. */
enum { MOST_OF_A_KIND = 1 << 30 };

/* Return what a tape lacks, or "". */
const char *check_tape(const Recorded *tape);

/* -- forms.c: the table of instructions --------------------------------------------------------- */

extern const Form forms[];                           /* by the code less CODES */
const Form *form_of(const Instruction *instruction); /* UNARY or BINARY, of a row of the table */

/* Powers that are no call, by their exponents: as many as the row pow has formulas for. */
#define POWERS(POWER)                                                                              \
    POWER(SQUARE, 2.0)                                                                             \
    POWER(CUBE, 3.0)                                                                               \
    POWER(FOURTH_POWER, 4.0)                                                                       \
    POWER(RECIPROCAL, -1.0)                                                                        \
    POWER(RECIPROCAL_SQUARE, -2.0)                                                                 \
    POWER(ROOT, 0.5)                                                                               \
    POWER(RECIPROCAL_ROOT, -0.5)                                                                   \
    POWER(ROOT_OF_CUBE, 1.5)

/* -- table.c: the table ------------------------------------------------------------------------ */

unsigned long machine_digest(void);
const Operation *row_of(int op);
int is_sum(int op);
int is_mean(int op);
int is_dot(int op);
int is_add(int op);
int is_mul(int op);
uint8_t power_code(int op, double exponent); /* of POWERS, or 0 */
int is_div(int op);
int add_op(void);
int mul_op(void);
double div_partial(double divisor); /* of a quotient by its numerator */
int is_cheap(int op);               /* whose two partials are best computed together */

#endif
