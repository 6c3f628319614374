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

/* the partial by one operand of two */
#define WRITE_ONE(name)                                                                            \
    do {                                                                                           \
        if (step->operand == 0) {                                                                  \
            WRITE(g[i] * partial_##name##_x(x[i], y[i], z[i]));                                    \
        }                                                                                          \
        else {                                                                                     \
            WRITE(g[i] * partial_##name##_y(x[i], y[i], z[i]));                                    \
        }                                                                                          \
    } while (0)

/* a term for each of two targets */
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

static void sum_of(const uint32_t *list, uint32_t count, double start, const double *values,
                   double *restrict z, size_t stride, size_t lanes)
{
    uint32_t j = 0;
    EACH_LANE z[i] = start;
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

static void dot_of(const uint32_t *list, uint32_t count, double start, const double *values,
                   double *restrict z, size_t stride, size_t lanes)
{
    const uint32_t *others = list + count;
    uint32_t j = 0;
    EACH_LANE z[i] = start;
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
    const Operation *row = row_of(step->operand);
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
    const Operation *row = row_of(step->operand);
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

static void matrix_product(const Group *group, double *values, const double *matrices,
                           size_t stride, size_t lanes)
{
    (void)stride;
    (void)lanes;
    for (uint32_t j = 0; j < group->outer; j++) {
        const double *weights = matrices + group->packed + (size_t)j * group->inner;
        double sum = group->starts[j];
        for (uint32_t k = 0; k < group->inner; k++) {
            sum += values[group->xs[k]] * weights[k];
        }
        values[group->zs[j]] = sum;
    }
}

static void matrix_back(const Group *group, const double *values, double *gradients,
                        double *matrices, size_t stride, size_t lanes, size_t real)
{
    (void)stride;
    (void)lanes;
    (void)real;
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
                                       double *const *to, const uint8_t *adds,
                                       const double *starts, uint32_t count, const int across)
{
    Vector sums[PANEL][ACROSS];
    for (int r = 0; r < PANEL; r++) {
        for (int v = 0; v < across; v++) {
            sums[r][v] = broadcast(starts[r]);
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
                          const uint8_t *adds, const double *starts, uint32_t count)
{
    size_t lane = 0;
    for (; lane + ACROSS * WIDTH <= lanes; lane += ACROSS * WIDTH) {
        product_tile(inner, packed, base, rows, stride, lane, to, adds, starts, count, ACROSS);
    }
    for (; lane + WIDTH <= lanes; lane += WIDTH) {
        product_tile(inner, packed, base, rows, stride, lane, to, adds, starts, count, 1);
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
                      group->xs, stride, lanes, to, adds, group->starts + j, count);
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

/* Put the gradients of the dots beside each other, a row a lane. */
static void turn_gradients(const Group *group, const double *gradients, double *turned,
                           size_t stride, size_t lanes)
{
    size_t row = padded(group->outer);
#ifdef TURN
    for (uint32_t j = 0; j < group->outer; j += 8) {
        const double *from[8];
        for (uint32_t r = 0; r < 8; r++) { /* behind the last one again the last one */
            from[r] = GRADIENTS(group->gs[j + r < group->outer ? j + r : group->outer - 1]);
        }
        for (size_t i = 0; i < lanes; i += 8) {
            TURN(turned + i * row + j, row, from, i);
        }
    }
#else
    for (uint32_t j = 0; j < group->outer; j++) {
        const double *g = GRADIENTS(group->gs[j]);
        EACH_LANE turned[i * row + j] = g[i];
    }
#endif
}

static void outer_product(const Group *group, const double *values, const double *gradients,
                          double *matrices, size_t stride, size_t lanes, size_t real)
{
    size_t row = padded(group->outer);
    double *turned = matrices + group->turned, *sums = matrices + group->sums;
    turn_gradients(group, gradients, turned, stride, lanes);
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
            outer_tile(xs, turned + j, row, real, at + j, count, ACROSS);
        }
        for (; j < row; j += WIDTH) {
            outer_tile(xs, turned + j, row, real, at + j, count, 1);
        }
    }
}

static void matrix_back(const Group *group, const double *values, double *gradients,
                        double *matrices, size_t stride, size_t lanes, size_t real)
{
    if (group->weights_wanted) {
        outer_product(group, values, gradients, matrices, stride, lanes, real);
    }
    static const double starts[PANEL] = {0};
    for (uint32_t k = 0; k < group->wanted_count; k += PANEL) {
        double *to[PANEL];
        uint8_t adds[PANEL];
        uint32_t count = group->wanted_count - k < PANEL ? group->wanted_count - k : PANEL;
        for (uint32_t r = 0; r < count; r++) {
            to[r] = GRADIENTS(group->targets[k + r] >> 1);
            adds[r] = !(group->targets[k + r] & 1);
        }
        product_panel(group->outer, matrices + group->packed_back + (size_t)k * group->outer,
                      gradients, group->gs, stride, lanes, to, adds, starts, count);
    }
}

#endif

/* -- programs --------------------------------------------------------------------------------- */

/* Blocks are whole vectors: loops need no code for what is left over, and the compiler is told. */
#ifdef POINT
#define SHAPE_LANES stride = lanes = 1
#else
#define SHAPE_LANES lanes &= ~(size_t)7
#endif

/* The steps that are no plain arithmetic stand in functions of their own, so that those that are
 * find their operands in registers.
 */
static NOINLINE void forward_row(const Step *step, double *values, size_t stride, size_t lanes)
{
    SHAPE_LANES;
    const double *x = VALUES(step->x), *y = VALUES(step->y);
    double *restrict z = VALUES(step->z);
    switch (step->op) {
#define UNARY(OP, name)                                                                            \
    case OP: EACH_LANE z[i] = value_##name(x[i]); break;
#define STAGED(OP, name)                                                                           \
    case OP: staged_value_##name(lanes, x, z); break;
#define BINARY(OP, name)                                                                           \
    case OP: EACH_LANE z[i] = value_##name(x[i], y[i]); break;
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
    }
}

static NOINLINE void forward_list(const Plan *plan, const Step *step, double *values,
                                  double *space, size_t stride, size_t lanes)
{
    SHAPE_LANES;
    const uint32_t *list = plan->lists + step->x;
    double *restrict z = VALUES(step->z), start = step->assigns ? -0.0 : 0.0;
    switch (step->shape) {
    case SHAPE_DOT: dot_of(list, step->y / 2, start, values, z, stride, lanes); break;
    case SHAPE_SUM: sum_of(list, step->y, start, values, z, stride, lanes); break;
    case SHAPE_MEAN: {
        double count = (double)step->y;
        sum_of(list, step->y, start, values, z, stride, lanes);
        EACH_LANE z[i] = z[i] / count;
        break;
    }
    case SHAPE_SPREAD: spread_of(step, list, values, space, stride, lanes); break;
    default: many_of(step, list, values, space, stride, lanes);
    }
}

static void forward(const Plan *plan, const Program *program, double *values, double *matrices,
                    size_t stride, size_t lanes)
{
    SHAPE_LANES;
    double *space = matrices + plan->matrix_room;
    const Step *end = program->steps + program->count;
    for (const Step *step = program->steps; step < end; step++) {
        switch (step->op) {
#define CHEAP(OP, name)                                                                            \
    case OP: {                                                                                     \
        const double *x = VALUES(step->x), *y = VALUES(step->y);                                   \
        double *restrict z = VALUES(step->z);                                                      \
        EACH_LANE z[i] = value_##name(x[i], y[i]);                                                 \
        break;                                                                                     \
    }
            CHEAP_ROWS(CHEAP)
#undef CHEAP
        case STEP_SQUARE: { /* of the row pow, as a compiler sees it where y is 2 */
            const double *x = VALUES(step->x);
            double *restrict z = VALUES(step->z);
            EACH_LANE z[i] = value_pow(x[i], 2.0);
            break;
        }
        case STEP_MATMUL:
            matrix_product(&plan->groups[step->x], values, matrices, stride, lanes);
            break;
        case STEP_LIST: forward_list(plan, step, values, space, stride, lanes); break;
        default: forward_row(step, values, stride, lanes);
        }
    }
}

static NOINLINE void backward_row(const Step *step, const double *values, double *gradients,
                                  size_t stride, size_t lanes)
{
    SHAPE_LANES;
    const double *x = VALUES(step->x), *y = VALUES(step->y), *z = VALUES(step->z);
    const double *g = GRADIENTS(step->g);
    double *restrict t = GRADIENTS(step->t);
    int assigns = step->assigns;
    switch (step->op) {
#define UNARY(OP, name)                                                                            \
    case OP: WRITE(g[i] * partial_##name##_x(x[i], z[i])); break;
#define STAGED(OP, name)                                                                           \
    case OP: {                                                                                     \
        ALIGNED double p[MOST_LANES];                                                              \
        staged_partial_##name(lanes, x, z, p);                                                     \
        WRITE(g[i] * p[i]);                                                                        \
        break;                                                                                     \
    }
#define BINARY(OP, name)                                                                           \
    case OP:                                                                                       \
        WRITE_ONE(name);                                                                           \
        break;
#ifdef STAGES
        PLAIN_PARTIAL_ROWS(UNARY)
        STAGED_PARTIAL_ROWS(STAGED)
#else
        UNARY_ROWS(UNARY)
#endif
        BINARY_ROWS(BINARY)
#undef UNARY
#undef STAGED
#undef BINARY
    }
}

/* Of a row with several results, all of which are there. */
static NOINLINE void backward_spread(const Plan *plan, const Step *step, const double *values,
                                     double *gradients, size_t stride, size_t lanes)
{
    SHAPE_LANES;
    const uint32_t *list = plan->lists + step->t;
    const double *g = GRADIENTS(step->g), *z = VALUES(step->x + step->z);
    for (uint32_t j = 0; j < step->y; j++) {
        if (list[j] == NONE) {
            continue;
        }
        const double *s = VALUES(step->x + j);
        double *restrict t = GRADIENTS(list[j] >> 1), own = j == step->z;
        int assigns = list[j] & 1;
        switch (step->operand) {
#define SPREAD(OP, name)                                                                           \
    case OP: WRITE(g[i] * entry_##name(z[i], s[i], own)); break;
            SPREAD_ROWS(SPREAD)
#undef SPREAD
        }
    }
}

static NOINLINE void backward_list(const Plan *plan, const Step *step, const double *values,
                                   double *gradients, size_t stride, size_t lanes)
{
    SHAPE_LANES;
    const uint32_t *list = plan->lists + step->t;
    const double *g = GRADIENTS(step->g);
    double share = 1.0 / (double)step->y;
    for (uint32_t j = 0; j < step->y; j++) {
        if (list[j] == NONE) {
            continue;
        }
        double *restrict t = GRADIENTS(list[j] >> 1);
        int assigns = list[j] & 1;
        if (step->shape == SHAPE_SUM) {
            WRITE(g[i]);
        }
        else if (step->shape == SHAPE_MEAN) {
            WRITE(g[i] * share);
        }
        else { /* the other operand, or what was kept */
            const double *p = VALUES(step->shape == SHAPE_DOT ? list[step->y + j] : step->x + j);
            WRITE(g[i] * p[i]);
        }
    }
}

static void backward(const Plan *plan, const Program *program, const double *values,
                     double *gradients, double *matrices, size_t stride, size_t lanes, size_t real)
{
    SHAPE_LANES;
    const Step *end = program->steps + program->count;
    for (const Step *step = program->steps; step < end; step++) {
        const double *g = GRADIENTS(step->g);
        int assigns = step->assigns;
        switch (step->op) {
#define CHEAP(OP, name)                                                                            \
    case OP: {                                                                                     \
        const double *x = VALUES(step->x), *y = VALUES(step->y), *z = VALUES(step->z);             \
        double *restrict t = GRADIENTS(step->t);                                                   \
        (void)x;                                                                                   \
        (void)y;                                                                                   \
        (void)z;                                                                                   \
        if (step->operand == BOTH) {                                                               \
            double *restrict u = GRADIENTS(step->u);                                               \
            WRITE_BOTH(g[i] * partial_##name##_x(x[i], y[i], z[i]),                                \
                       g[i] * partial_##name##_y(x[i], y[i], z[i]));                               \
        }                                                                                          \
        else {                                                                                     \
            WRITE_ONE(name);                                                                       \
        }                                                                                          \
        break;                                                                                     \
    }
            CHEAP_ROWS(CHEAP)
#undef CHEAP
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
            matrix_back(&plan->groups[step->x], values, gradients, matrices, stride, lanes, real);
            break;
        case STEP_LIST:
            if (step->shape == SHAPE_SPREAD) {
                backward_spread(plan, step, values, gradients, stride, lanes);
            }
            else {
                backward_list(plan, step, values, gradients, stride, lanes);
            }
            break;
        default: backward_row(step, values, gradients, stride, lanes);
        }
    }
}

const Lanes NAME = {TITLE, forward, backward, PANEL};
