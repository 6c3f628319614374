/* The table of operations, for what the machine does one number at a time. */
#include "machine.h"
#include <math.h>

#define INF HUGE_VAL
#define Py_ssize_t ptrdiff_t
#include "../ops.inc" /* beside this file, wherever it is included from */

const Operation *row_of(int op) { return &operations[op]; }

unsigned long machine_digest(void) { return table_digest; }
int is_sum(int op) { return op == OP_SUM; }
int is_mean(int op) { return op == OP_MEAN; }
int is_dot(int op) { return op == OP_DOT; }
int is_add(int op) { return op == OP_ADD; }
int is_mul(int op) { return op == OP_MUL; }
#define OR_IS(OP, name) || op == OP
int is_cheap(int op) { return 0 CHEAP_ROWS(OR_IS); }
int is_div(int op) { return op == OP_DIV; }
int add_op(void) { return OP_ADD; }
int mul_op(void) { return OP_MUL; }

uint8_t power_code(int op, double exponent)
{
#define CODE_OF(name, number)                                                                      \
    if (op == OP_POW && exponent == (number)) {                                                    \
        return CODE_##name;                                                                        \
    }
    POWERS(CODE_OF)
#undef CODE_OF
    return 0;
}

double div_partial(double divisor)
{
    double partial;
    step_div(0.0, divisor, 1, &partial, NULL);
    return partial;
}
