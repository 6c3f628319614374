/* The table of operations, for what the machine does one number at a time. */
#include "machine.h"
#include <math.h>

#define INF HUGE_VAL
#define Py_ssize_t ptrdiff_t
typedef double (*Value1)(double x);
typedef double (*Value2)(double x, double y);
typedef double (*Step1)(double x, int want, double *dx);
typedef double (*Step2)(double x, double y, int want, double *dx, double *dy);
typedef double (*Entry)(double z, double s, double own);

typedef struct {
    const char *name;
    int arity;
    int bound;
    Value1 value1;
    Step1 step1;
    Value2 value2;
    Step2 step2;
    Many many;
    Spread spread;
    Entry entry;
} Operation;

typedef struct {
    const char *name;
    int kept, settings;
    double (*move)(double w, double g, double *const *kept, ptrdiff_t i, const double *settings);
} MoveRule;

extern const unsigned long table_digest;
extern const Operation operations[];
extern const int operation_count;
extern const MoveRule move_rules[];
extern const int move_rule_count;
#include "../ops.inc" /* beside this file, wherever it is included from */

const Row *row_of(int op)
{
    static Row rows[256];
    const Operation *operation = &operations[op];
    rows[op] = (Row){operation->name, operation->arity, operation->bound, operation->value1,
                     operation->value2, operation->many, operation->spread};
    return &rows[op];
}

const int row_count = sizeof operations / sizeof *operations;
unsigned long machine_digest(void) { return table_digest; }
int is_sum(int op) { return op == OP_SUM; }
int is_mean(int op) { return op == OP_MEAN; }
int is_dot(int op) { return op == OP_DOT; }
int is_add(int op) { return op == OP_ADD; }
int is_mul(int op) { return op == OP_MUL; }
int is_cheap(int op) { return op == OP_ADD || op == OP_SUB || op == OP_MUL || op == OP_DIV; }
int is_pow(int op) { return op == OP_POW; }
int is_div(int op) { return op == OP_DIV; }
int mul_op(void) { return OP_MUL; }

double div_partial(double divisor)
{
    double partial;
    step_div(0.0, divisor, 1, &partial, NULL);
    return partial;
}
