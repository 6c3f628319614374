/* What the table of operations looks like in C: ops.inc fills it, and knows nothing of Python. The
 * columns have the names that they have in table/row.py.
 */
#ifndef SCALARGRAD_TABLE_H
#define SCALARGRAD_TABLE_H

#include <float.h>
#include <stddef.h>

/* Both engines give the same bits, which needs arithmetic in doubles and nothing wider. */
#if defined(FLT_EVAL_METHOD) && (FLT_EVAL_METHOD == 2 || FLT_EVAL_METHOD < 0)
#error "doubles are wider while they are computed: compile with CFLAGS='-msse2 -mfpmath=sse'"
#endif
_Static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "a number is an IEEE double");

typedef double (*Value1)(double x);
typedef double (*Value2)(double x, double y);
typedef double (*Step1)(double x, int want, double *dx);
typedef double (*Step2)(double x, double y, int want, double *dx, double *dy);
typedef double (*StepMany)(ptrdiff_t count, const double *xs, const double *ys, double *work,
                           int want, double *dxs, double *dys);
typedef void (*ValuePlural)(ptrdiff_t count, const double *xs, double *work, double *zs);
typedef double (*PartialPlural)(double z, double s, double own);

typedef struct {
    const char *name;
    int arity;    /* operands, or lists of operands */
    int empty;    /* a row of lists: whether these may have no operands */
    int bound;    /* lists that a row of lists binds on the way */
    int reads[2]; /* what the partial by each operand reads: 1 for x, 2 for y, 4 for z */
    int partial_row, partial_sign; /* 1 or -1 where the partial of one operand is that row of x */
    Value1 value1;
    Step1 step1;
    Value2 value2;
    Step2 step2;
    StepMany step_many;       /* of lists, where they have one result */
    ValuePlural value_plural; /* of a list, where it has a result for each operand */
    PartialPlural partial_plural;
} Operation;

typedef double (*RuleStep)(double w, double g, double *const *kept, ptrdiff_t i,
                           const double *settings);
typedef void (*RuleStepFlat)(ptrdiff_t count, double *w, const double *g, double *const *kept,
                             const double *settings);

typedef struct {
    const char *name;
    int kept, settings;
    RuleStep step;
    RuleStepFlat step_flat; /* the same for whole blocks */
} UpdateRule;

extern const unsigned long table_digest; /* see table/row.py */
extern const Operation operations[];
extern const int operation_count;
extern const UpdateRule optimizer_rules[];
extern const int optimizer_rule_count;

#endif
