/* The kernels: every step on a block of lanes. Included once for each kind of processor, which
 * defines NAME, and for whole blocks WIDTH (doubles a vector), PANEL, ACROSS and FMA(a, b, c).
 */
#include "machine.h"
#include <math.h>

#define INF HUGE_VAL
#define Py_ssize_t ptrdiff_t
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-variable" /* each stage binds everything */
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define EACH_LANE _Pragma("GCC ivdep") for (size_t i = 0; i < lanes; i++)
#else
#define EACH_LANE for (size_t i = 0; i < lanes; i++)
#endif
#if !defined(POINT) && !defined(FAST)
#define STAGES /* fast kernels call on whole vectors anyway */
#endif
#include "lanes.inc"

#define IS_CHEAP(OP) (OP == OP_ADD || OP == OP_SUB || OP == OP_MUL || OP == OP_DIV)
#define VALUES(slot) (values + (size_t)(slot) * stride)
#define GRADIENTS(slot) (gradients + (size_t)(slot) * stride)

/* t (+)= something, for every lane */
#define WRITE(term)                                                                                \
    do {                                                                                           \
        if (assigns) {                                                                             \
            EACH_LANE t[i] = (term);                                                               \
        }                                                                                          \
        else {                                                                                     \
            EACH_LANE t[i] += (term);                                                              \
        }                                                                                          \
    } while (0)

/* the same for two targets */
#define WRITE_BOTH(term, other)                                                                    \
    do {                                                                                           \
        switch (assigns) {                                                                         \
        case 0: EACH_LANE { t[i] += (term); u[i] += (other); } break;                              \
        case 1: EACH_LANE { t[i] = (term); u[i] += (other); } break;                               \
        case 2: EACH_LANE { t[i] += (term); u[i] = (other); } break;                               \
        default: EACH_LANE { t[i] = (term); u[i] = (other); }                                      \
        }                                                                                          \
    } while (0)

/* -- rows of lists ---------------------------------------------------------------------------- */

static void sum_of(const uint32_t *list, uint32_t count, const double *values, double *restrict z,
                   size_t stride, size_t lanes)
{
    uint32_t j = 0;
    EACH_LANE z[i] = 0.0;
    for (; j + 4 <= count; j += 4) { /* four terms a pass, from left to right */
        const double *a = VALUES(list[j]), *b = VALUES(list[j + 1]);
        const double *c = VALUES(list[j + 2]), *d = VALUES(list[j + 3]);
        EACH_LANE z[i] = (((z[i] + a[i]) + b[i]) + c[i]) + d[i];
    }
    for (; j < count; j++) {
        const double *a = VALUES(list[j]);
        EACH_LANE z[i] += a[i];
    }
}

static void dot_of(const uint32_t *list, uint32_t count, const double *values, double *restrict z,
                   size_t stride, size_t lanes)
{
    const uint32_t *others = list + count;
    uint32_t j = 0;
    EACH_LANE z[i] = 0.0;
    for (; j + 4 <= count; j += 4) {
        const double *a = VALUES(list[j]), *b = VALUES(list[j + 1]);
        const double *c = VALUES(list[j + 2]), *d = VALUES(list[j + 3]);
        const double *p = VALUES(others[j]), *q = VALUES(others[j + 1]);
        const double *r = VALUES(others[j + 2]), *s = VALUES(others[j + 3]);
        EACH_LANE z[i] =
            (((z[i] + a[i] * p[i]) + b[i] * q[i]) + c[i] * r[i]) + d[i] * s[i];
    }
    for (; j < count; j++) {
        const double *a = VALUES(list[j]), *p = VALUES(others[j]);
        EACH_LANE z[i] += a[i] * p[i];
    }
}

/* A row that is computed one lane after the other; its partials go to slots of their own. */
static void many_of(const Step *step, const uint32_t *list, double *values, double *space,
                    size_t stride, size_t lanes)
{
    const Row *row = row_of(step->op);
    ptrdiff_t count = step->y / (uint32_t)row->arity;
    double *xs = space, *work = xs + step->y, *partials = work + row->bound * count;
    int wants = step->t != NONE ? 3 : 0;
    for (size_t i = 0; i < lanes; i++) {
        for (uint32_t j = 0; j < step->y; j++) {
            xs[j] = VALUES(list[j])[i];
        }
        double *dys = row->arity == 2 ? partials + 2 * count : NULL;
        VALUES(step->z)[i] = row->many(count, xs, xs + count, work, wants, partials, dys);
        for (uint32_t j = 0; wants && j < step->y; j++) {
            VALUES(step->t + j)[i] = partials[2 * j];
        }
    }
}

static void spread_of(const Step *step, const uint32_t *list, double *values, double *space,
                      size_t stride, size_t lanes)
{
    const Row *row = row_of(step->op);
    ptrdiff_t count = step->y;
    double *xs = space, *work = xs + count, *zs = work + row->bound * count;
    for (size_t i = 0; i < lanes; i++) {
        for (ptrdiff_t j = 0; j < count; j++) {
            xs[j] = VALUES(list[j])[i];
        }
        row->spread(count, xs, work, zs);
        for (ptrdiff_t j = 0; j < count; j++) {
            VALUES(list[count + j])[i] = zs[j];
        }
    }
}

/* -- matrices --------------------------------------------------------------------------------- */

#ifdef POINT

enum { PANEL = 1 };

static void matrix_product(const Group *group, double *values, const double *matrices)
{
    for (uint32_t j = 0; j < group->outer; j++) {
        const double *weights = matrices + group->packed + (size_t)j * group->inner;
        double sum = 0.0;
        for (uint32_t k = 0; k < group->inner; k++) {
            sum += values[group->xs[k]] * weights[k];
        }
        values[group->zs[j]] = sum;
    }
}

static void matrix_back(const Group *group, const double *values, double *gradients,
                        double *matrices)
{
    size_t row = padded(group->outer);
    for (uint32_t j = 0; group->weights_wanted && j < group->outer; j++) {
        double g = gradients[group->gs[j]], *sums = matrices + group->sums + j;
        for (uint32_t k = 0; k < group->inner; k++) {
            sums[k * row] += g * values[group->xs[k]];
        }
    }
    for (uint32_t k = 0; k < group->wanted_count; k++) {
        const double *weights = matrices + group->packed_back + (size_t)k * group->outer;
        uint32_t target = group->targets[k];
        double sum = target & 1 ? 0.0 : gradients[target >> 1];
        for (uint32_t j = group->outer; j-- > 0;) {
            sum += gradients[group->gs[j]] * weights[j];
        }
        gradients[target >> 1] = sum;
    }
}

#else

typedef double Vector __attribute__((vector_size(WIDTH * sizeof(double))));
typedef double Loose __attribute__((vector_size(WIDTH * sizeof(double)), aligned(8), may_alias));

static ALWAYS_INLINE Vector load(const double *from) { return (Vector)*(const Loose *)from; }
static ALWAYS_INLINE void store(double *to, Vector v) { *(Loose *)to = (Loose)v; }
static ALWAYS_INLINE Vector broadcast(double x) { return x - (Vector){0}; }

/* PANEL rows of a product on `across` vectors of lanes: row r is Σ_k packed[k][r] · b_k. */
static ALWAYS_INLINE void product_tile(uint32_t inner, const double *packed, const double *base,
                                       const uint32_t *rows, size_t stride, size_t lane,
                                       double *const *to, const uint8_t *adds, uint32_t count,
                                       const int across)
{
    Vector sums[PANEL][ACROSS];
    for (int r = 0; r < PANEL; r++) {
        for (int v = 0; v < across; v++) {
            sums[r][v] = (Vector){0};
        }
    }
    for (uint32_t k = 0; k < inner; k++) {
        const double *b = base + (size_t)rows[k] * stride + lane;
        Vector bs[ACROSS];
        for (int v = 0; v < across; v++) {
            bs[v] = load(b + v * WIDTH);
        }
        for (int r = 0; r < PANEL; r++) {
            Vector a = broadcast(packed[(size_t)k * PANEL + r]);
            for (int v = 0; v < across; v++) {
                sums[r][v] = FMA(a, bs[v], sums[r][v]);
            }
        }
    }
    for (uint32_t r = 0; r < PANEL; r++) {
        for (int v = 0; r < count && v < across; v++) {
            double *z = to[r] + lane + v * WIDTH;
            store(z, adds[r] ? load(z) + sums[r][v] : sums[r][v]);
        }
    }
}

static void product_panel(uint32_t inner, const double *packed, const double *base,
                          const uint32_t *rows, size_t stride, size_t lanes, double *const *to,
                          const uint8_t *adds, uint32_t count)
{
    size_t lane = 0;
    for (; lane + ACROSS * WIDTH <= lanes; lane += ACROSS * WIDTH) {
        product_tile(inner, packed, base, rows, stride, lane, to, adds, count, ACROSS);
    }
    for (; lane + WIDTH <= lanes; lane += WIDTH) {
        product_tile(inner, packed, base, rows, stride, lane, to, adds, count, 1);
    }
    if (lane < lanes) { /* nothing is written behind the last lane: a row may collect over blocks */
        static const uint8_t assigns[PANEL] = {0};
        double rest[PANEL][WIDTH], *into[PANEL];
        for (uint32_t r = 0; r < PANEL; r++) {
            into[r] = rest[r];
        }
        product_tile(inner, packed, base + lane, rows, stride, 0, into, assigns, count, 1);
        for (uint32_t r = 0; r < count; r++) {
            for (size_t i = lane; i < lanes; i++) {
                to[r][i] = adds[r] ? to[r][i] + rest[r][i - lane] : rest[r][i - lane];
            }
        }
    }
}

static void matrix_product(const Group *group, double *values, const double *matrices,
                           size_t stride, size_t lanes)
{
    static const uint8_t adds[PANEL] = {0};
    for (uint32_t j = 0; j < group->outer; j += PANEL) {
        double *to[PANEL];
        uint32_t count = group->outer - j < PANEL ? group->outer - j : PANEL;
        for (uint32_t r = 0; r < count; r++) {
            to[r] = VALUES(group->zs[j + r]);
        }
        product_panel(group->inner, matrices + group->packed + (size_t)j * group->inner, values,
                      group->xs, stride, lanes, to, adds, count);
    }
}

/* sums[k][j] += Σ_lanes x_k · g_j, for a panel of operands and `across` vectors of dots */
static ALWAYS_INLINE void outer_tile(const double *const *xs, const double *turned, size_t row,
                                     size_t lanes, double *sums, uint32_t count, const int across)
{
    Vector tile[PANEL][ACROSS];
    for (int r = 0; r < PANEL; r++) {
        for (int v = 0; v < across; v++) {
            tile[r][v] = (Vector){0};
        }
    }
    for (size_t i = 0; i < lanes; i++) {
        Vector gs[ACROSS];
        for (int v = 0; v < across; v++) {
            gs[v] = load(turned + i * row + (size_t)v * WIDTH);
        }
        for (int r = 0; r < PANEL; r++) {
            Vector x = broadcast(xs[r][i]);
            for (int v = 0; v < across; v++) {
                tile[r][v] = FMA(x, gs[v], tile[r][v]);
            }
        }
    }
    for (uint32_t r = 0; r < count; r++) {
        for (int v = 0; v < across; v++) {
            double *sum = sums + (size_t)r * row + (size_t)v * WIDTH;
            store(sum, load(sum) + tile[r][v]);
        }
    }
}

static void outer_product(const Group *group, const double *values, const double *gradients,
                          double *matrices, size_t stride, size_t lanes)
{
    size_t row = padded(group->outer);
    double *turned = matrices + group->turned, *sums = matrices + group->sums;
    for (uint32_t j = 0; j < group->outer; j++) {
        const double *g = GRADIENTS(group->gs[j]);
        EACH_LANE turned[i * row + j] = g[i];
    }
    uint32_t k = 0;
    for (; k < group->inner; k += PANEL) {
        const double *xs[PANEL];
        uint32_t count = group->inner - k < PANEL ? group->inner - k : PANEL;
        for (uint32_t r = 0; r < PANEL; r++) {
            xs[r] = VALUES(group->xs[k + (r < count ? r : 0)]);
        }
        size_t j = 0;
        double *at = sums + (size_t)k * row;
        for (; j + ACROSS * WIDTH <= row; j += ACROSS * WIDTH) {
            outer_tile(xs, turned + j, row, lanes, at + j, count, ACROSS);
        }
        for (; j < row; j += WIDTH) {
            outer_tile(xs, turned + j, row, lanes, at + j, count, 1);
        }
    }
}

static void matrix_back(const Group *group, const double *values, double *gradients,
                        double *matrices, size_t stride, size_t lanes)
{
    if (group->weights_wanted) {
        outer_product(group, values, gradients, matrices, stride, lanes);
    }
    for (uint32_t k = 0; k < group->wanted_count; k += PANEL) {
        double *to[PANEL];
        uint8_t adds[PANEL];
        uint32_t count = group->wanted_count - k < PANEL ? group->wanted_count - k : PANEL;
        for (uint32_t r = 0; r < count; r++) {
            to[r] = GRADIENTS(group->targets[k + r] >> 1);
            adds[r] = !(group->targets[k + r] & 1);
        }
        product_panel(group->outer, matrices + group->packed_back + (size_t)k * group->outer,
                      gradients, group->gs, stride, lanes, to, adds, count);
    }
}

#endif

/* -- programs --------------------------------------------------------------------------------- */

static ALWAYS_INLINE void forward_on(const Plan *plan, const Program *program, double *values,
                                     double *matrices, size_t stride, size_t lanes)
{
#ifdef POINT
    stride = lanes = 1;
#endif
    double *space = matrices + plan->matrix_room;
    const Step *end = program->steps + program->count;
    for (const Step *step = program->steps; step < end; step++) {
        switch (step->op) {
#define UNARY(OP, name)                                                                            \
    case OP: {                                                                                     \
        const double *x = VALUES(step->x);                                                         \
        double *restrict z = VALUES(step->z);                                                      \
        EACH_LANE z[i] = value_##name(x[i]);                                                       \
        break;                                                                                     \
    }
#define STAGED(OP, name)                                                                           \
    case OP:                                                                                       \
        staged_value_##name(lanes, VALUES(step->x), VALUES(step->z));                              \
        break;
#define BINARY(OP, name)                                                                           \
    case OP: {                                                                                     \
        if (OP == OP_ADD && step->shape != SHAPE_OTHER) {                                              \
            goto lists;                                                                            \
        }                                                                                          \
        const double *x = VALUES(step->x), *y = VALUES(step->y);                                   \
        double *restrict z = VALUES(step->z);                                                      \
        EACH_LANE z[i] = value_##name(x[i], y[i]);                                                 \
        break;                                                                                     \
    }
#ifdef STAGES
            PLAIN_VALUE_ROWS(UNARY)
            STAGED_VALUE_ROWS(STAGED)
#else
            UNARY_ROWS(UNARY)
#endif
            BINARY_ROWS(BINARY)
#undef UNARY
#undef STAGED
#undef BINARY
        case STEP_SQUARE: { /* of the row pow, as a compiler sees it where y is 2 */
            const double *x = VALUES(step->x);
            double *restrict z = VALUES(step->z);
            EACH_LANE z[i] = value_pow(x[i], 2.0);
            break;
        }
        case STEP_MATMUL:
#ifdef POINT
            matrix_product(&plan->groups[step->x], values, matrices);
#else
            matrix_product(&plan->groups[step->x], values, matrices, stride, lanes);
#endif
            break;
        default:
        lists: {
            const uint32_t *list = plan->lists + step->x;
            double *restrict z = VALUES(step->z);
            if (step->shape == SHAPE_DOT) {
                dot_of(list, step->y / 2, values, z, stride, lanes);
            }
            else if (step->shape == SHAPE_SUM) {
                sum_of(list, step->y, values, z, stride, lanes);
            }
            else if (step->shape == SHAPE_MEAN) {
                double count = (double)step->y;
                sum_of(list, step->y, values, z, stride, lanes);
                EACH_LANE z[i] = z[i] / count;
            }
            else if (row_of(step->op)->spread != NULL) {
                spread_of(step, list, values, space, stride, lanes);
            }
            else {
                many_of(step, list, values, space, stride, lanes);
            }
        }
        }
    }
}

static ALWAYS_INLINE void backward_on(const Plan *plan, const Program *program,
                                      const double *values, double *gradients, double *matrices,
                                      size_t stride, size_t lanes)
{
#ifdef POINT
    stride = lanes = 1;
#endif
    const Step *end = program->steps + program->count;
    for (const Step *step = program->steps; step < end; step++) {
        const double *g = GRADIENTS(step->g);
        int assigns = step->assigns;
        switch (step->op) {
#define UNARY(OP, name)                                                                            \
    case OP: {                                                                                     \
        const double *x = VALUES(step->x), *z = VALUES(step->z);                                   \
        double *restrict t = GRADIENTS(step->t);                                                   \
        (void)x;                                                                                   \
        (void)z;                                                                                   \
        WRITE(g[i] * partial_##name##_x(x[i], z[i]));                                              \
        break;                                                                                     \
    }
#define BINARY(OP, name)                                                                           \
    case OP: {                                                                                     \
        if (OP == OP_ADD && step->shape != SHAPE_OTHER) {                                              \
            goto lists;                                                                            \
        }                                                                                          \
        const double *x = VALUES(step->x), *y = VALUES(step->y), *z = VALUES(step->z);             \
        double *restrict t = GRADIENTS(step->t);                                                   \
        (void)x;                                                                                   \
        (void)y;                                                                                   \
        (void)z;                                                                                   \
        if (IS_CHEAP(OP) && step->operand == BOTH) {                                               \
            double *restrict u = GRADIENTS(step->u);                                               \
            WRITE_BOTH(g[i] * partial_##name##_x(x[i], y[i], z[i]),                                \
                       g[i] * partial_##name##_y(x[i], y[i], z[i]));                               \
        }                                                                                          \
        else if (step->operand == 0) {                                                             \
            WRITE(g[i] * partial_##name##_x(x[i], y[i], z[i]));                                    \
        }                                                                                          \
        else {                                                                                     \
            WRITE(g[i] * partial_##name##_y(x[i], y[i], z[i]));                                    \
        }                                                                                          \
        break;                                                                                     \
    }
#define STAGED(OP, name)                                                                           \
    case OP: {                                                                                     \
        double p[MOST_LANES], *restrict t = GRADIENTS(step->t);                                    \
        staged_partial_##name(lanes, VALUES(step->x), VALUES(step->z), p);                         \
        WRITE(g[i] * p[i]);                                                                        \
        break;                                                                                     \
    }
#define SPREAD(OP, name)                                                                           \
    case OP: {                                                                                     \
        const uint32_t *list = plan->lists + step->t;                                              \
        const double *z = VALUES(step->x + step->z);                                               \
        (void)z;                                                                                   \
        for (uint32_t j = 0; j < step->y; j++) {                                                   \
            if (list[j] != NONE) {                                                                 \
                const double *s = VALUES(step->x + j);                                             \
                double *restrict t = GRADIENTS(list[j] >> 1), own = j == step->z;                  \
                assigns = list[j] & 1;                                                             \
                WRITE(g[i] * entry_##name(z[i], s[i], own));                                       \
            }                                                                                      \
        }                                                                                          \
        break;                                                                                     \
    }
#ifdef STAGES
            PLAIN_PARTIAL_ROWS(UNARY)
            STAGED_PARTIAL_ROWS(STAGED)
#else
            UNARY_ROWS(UNARY)
#endif
            BINARY_ROWS(BINARY)
            SPREAD_ROWS(SPREAD)
#undef UNARY
#undef STAGED
#undef BINARY
#undef SPREAD
        case STEP_SQUARE: {
            const double *x = VALUES(step->x), *z = VALUES(step->z);
            double *restrict t = GRADIENTS(step->t);
            (void)z;
            WRITE(g[i] * partial_pow_x(x[i], 2.0, z[i]));
            break;
        }
        case STEP_ZERO: {
            double *t = GRADIENTS(step->t);
            EACH_LANE t[i] = 0.0;
            break;
        }
        case STEP_MATMUL:
#ifdef POINT
            matrix_back(&plan->groups[step->x], values, gradients, matrices);
#else
            matrix_back(&plan->groups[step->x], values, gradients, matrices, stride, lanes);
#endif
            break;
        default:
        lists: {
            const uint32_t *list = plan->lists + step->t;
            double share = 1.0 / (double)step->y;
            for (uint32_t j = 0; j < step->y; j++) {
                if (list[j] == NONE) {
                    continue;
                }
                double *restrict t = GRADIENTS(list[j] >> 1);
                assigns = list[j] & 1;
                if (step->shape == SHAPE_SUM) {
                    WRITE(g[i]);
                }
                else if (step->shape == SHAPE_MEAN) {
                    WRITE(g[i] * share);
                }
                else { /* the other operand, or what was kept */
                    const double *p = VALUES(step->shape == SHAPE_DOT ? list[step->y + j]
                                                                      : step->x + j);
                    WRITE(g[i] * p[i]);
                }
            }
        }
        }
    }
}

/* Whole vectors need no code for what is left over, and the compiler is told so. */
#define WHOLE(lanes) ((lanes) & ~(size_t)7)

static void forward(const Plan *plan, const Program *program, double *values, double *matrices,
                    size_t stride, size_t lanes)
{
    if (lanes == WHOLE(lanes)) {
        forward_on(plan, program, values, matrices, stride, WHOLE(lanes));
    }
    else {
        forward_on(plan, program, values, matrices, stride, lanes);
    }
}

static void backward(const Plan *plan, const Program *program, const double *values,
                     double *gradients, double *matrices, size_t stride, size_t lanes)
{
    if (lanes == WHOLE(lanes)) {
        backward_on(plan, program, values, gradients, matrices, stride, WHOLE(lanes));
    }
    else {
        backward_on(plan, program, values, gradients, matrices, stride, lanes);
    }
}

const Lanes NAME = {TITLE, forward, backward, PANEL};
