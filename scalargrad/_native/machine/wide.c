/* A plan for one lane that runs equal steps beside each other, as the lanes of the kernels.
 *
 * The *level* of a step is one above the highest of what it reads. Equal steps of a level are a
 * *class*: none needs another. Numbers get new places, so that those of a class stand in a row;
 * what does not is gathered, or scattered. On the way back a term is also above those that an eager
 * pass adds to the same gradient before it, unless it is of their class, which keeps its order; the
 * first two may change places, as a + b is b + a. So every bit stays as it is.
 */
#include "maker.h"

enum { LEAST = 8, MOST_LISTED = 32, PARTS = MOST_LISTED };        /* steps, operands of a class */
enum { CLASSES = 1024, ALONE = CLASSES - 1 };                     /* no other step is equal */
enum { FIELD_X, FIELD_Y, FIELD_Z, FIELD_G, FIELD_LIST };          /* where an operand is named */
enum { OF_READ, OF_TERMS }; /* spare places of gradients */
enum { READS_X = 1, READS_Y = 2, READS_Z = 4 };

typedef struct {
    Step step;
    uint32_t level, class;
} Unit;

/* Slots of one kind, values or gradients: their old numbers and the new ones. */
typedef struct {
    uint32_t *place; /* the new number, or NONE */
    uint32_t *level; /* of the last step that writes it */
    uint32_t *class; /* that of this step; NONE where there are several */
    uint8_t *terms;  /* how many were added, at most 2; then whether one was written */
    uint32_t count;
    uint32_t spare[PARTS]; /* places for what is gathered, or NONE */
} Slots;

typedef struct {
    Maker *maker;
    Plan *plan;
    Unit *units;
    uint32_t count, in_vectors;
    size_t room;
    uint32_t *order, *sorted, *tally;
    Slots values, gradients;
    uint32_t *constant_at; /* the constant that stands in an old slot of values, or NONE */
    uint32_t *row_at;      /* where it stands so often that a class can read it, or NONE */
    int is_back;
} Wide;

static uint32_t placed(Slots *slots, uint32_t old)
{
    if (slots->place[old] == NONE) {
        slots->place[old] = slots->count++;
    }
    return slots->place[old];
}

static void push_stretch(Wide *wide, Program *program, Stretch stretch)
{
    program->stretches = grown(wide->maker, program->stretches, program->stretch_count,
                               &program->stretch_room, sizeof stretch);
    if (!wide->maker->failed) {
        program->stretches[program->stretch_count++] = stretch;
    }
}

static Program *program_of(const Wide *wide)
{
    return wide->is_back ? &wide->plan->back : &wide->plan->body;
}

/* -- units ------------------------------------------------------------------------------------ */

static void push_unit(Wide *wide, Step step, uint32_t level, uint32_t class)
{
    wide->units = grown(wide->maker, wide->units, wide->count, &wide->room, sizeof(Unit));
    if (!wide->maker->failed) {
        wide->units[wide->count++] = (Unit){step, level, class};
    }
}

static int is_plain(const Step *step)
{
    return step->op != STEP_LIST && step->op != STEP_MATMUL && step->op != STEP_ZERO;
}

/* What of x, y and z a plain step reads. */
static int reads_of(const Wide *wide, const Step *step)
{
    if (step->op == STEP_SQUARE) {
        return READS_X;
    }
    const Operation *row = row_of(step->op);
    return wide->is_back ? row->reads[step->operand]
                         : row->value1 != NULL ? READS_X : READS_X | READS_Y;
}

static void raise_to(const uint32_t *levels, uint32_t slot, uint32_t *level)
{
    *level = levels[slot] > *level ? levels[slot] : *level;
}

/* The slots of values that a step that is not plain reads: a list of them. */
static const uint32_t *list_read(const Plan *plan, const Step *step, uint32_t *count)
{
    if (step->op == STEP_MATMUL) {
        *count = plan->groups[step->x].inner;
        return plan->groups[step->x].xs;
    }
    *count = step->y;
    return plan->lists + step->x;
}

static void read_forward(Wide *wide, const Step *step)
{
    const Plan *plan = wide->plan;
    uint32_t *levels = wide->values.level, level = 0, class, count;
    if (is_plain(step)) {
        int reads = reads_of(wide, step);
        raise_to(levels, step->x, &level);
        raise_to(levels, reads & READS_Y ? step->y : step->x, &level);
        class = step->op;
    }
    else {
        const uint32_t *list = list_read(plan, step, &count);
        for (uint32_t j = 0; j < count; j++) {
            raise_to(levels, list[j], &level);
        }
        int is_sum = step->shape == SHAPE_DOT || step->shape == SHAPE_SUM;
        class = step->op == STEP_LIST && is_sum && count != 0 && count <= MOST_LISTED
                    ? 256 + (step->shape * 2u + step->assigns) * (MOST_LISTED + 1) + count
                    : ALONE;
    }
    push_unit(wide, *step, ++level, class);
    if (step->op == STEP_MATMUL) {
        for (uint32_t j = 0; j < plan->groups[step->x].outer; j++) {
            levels[plan->groups[step->x].zs[j]] = level;
        }
    }
    else if (step->op == STEP_LIST && step->shape == SHAPE_SPREAD) {
        for (uint32_t j = 0; j < step->y; j++) {
            levels[plan->lists[step->x + step->y + j]] = level;
        }
    }
    else {
        levels[step->z] = level;
    }
}

/* The level above which a term may be added. */
static void raise_above_terms(const Slots *slots, uint32_t target, uint32_t class, uint32_t *level)
{
    if (slots->terms[target] >= 2) {
        uint32_t least = slots->level[target] + (class != slots->class[target]);
        *level = least > *level ? least : *level;
    }
}

static void note_term(Slots *slots, uint32_t target, uint32_t class, uint32_t level)
{
    if (slots->terms[target] == 0 || level > slots->level[target]) {
        slots->level[target] = level;
        slots->class[target] = class;
    }
    else if (level == slots->level[target] && class != slots->class[target]) {
        slots->class[target] = NONE;
    }
    slots->terms[target] += slots->terms[target] < 2;
}

static void read_term(Wide *wide, Step step)
{
    Slots *slots = &wide->gradients;
    uint32_t class = 2u * step.op + step.operand, level = slots->level[step.g] + 1;
    raise_above_terms(slots, step.t, class, &level);
    note_term(slots, step.t, class, level);
    push_unit(wide, step, level, class);
}

/* A step that writes several targets. */
static void read_alone(Wide *wide, const Step *step, const uint32_t *targets, uint32_t count,
                       uint32_t level)
{
    Slots *slots = &wide->gradients;
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            raise_above_terms(slots, targets[j] >> 1, ALONE, &level);
        }
    }
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            note_term(slots, targets[j] >> 1, ALONE, level);
        }
    }
    push_unit(wide, *step, level, ALONE);
}

/* The terms of a list are those of a sum, or of products with the other operand. */
static void read_list_back(Wide *wide, const Step *step)
{
    const Plan *plan = wide->plan;
    uint32_t above = wide->gradients.level[step->g] + 1;
    if (step->shape == SHAPE_SPREAD || step->shape == SHAPE_MEAN) {
        read_alone(wide, step, plan->lists + step->t, step->y, above);
        return;
    }
    for (uint32_t j = 0; j < step->y; j++) {
        uint32_t target = plan->lists[step->t + j];
        Step term = {.op = (uint8_t)add_op(), .g = step->g, .t = target >> 1, .z = step->z};
        if (step->shape != SHAPE_SUM) {
            term.op = (uint8_t)mul_op();
            term.y = step->shape == SHAPE_DOT ? plan->lists[step->t + step->y + j] : step->x + j;
        }
        if (target != NONE) {
            read_term(wide, term);
        }
    }
}

static void read_backward(Wide *wide, const Step *step)
{
    const Plan *plan = wide->plan;
    if (step->op == STEP_LIST) {
        read_list_back(wide, step);
    }
    else if (step->op == STEP_ZERO) {
        uint32_t target = step->t << 1;
        read_alone(wide, step, &target, 1, 1);
    }
    else if (step->op == STEP_MATMUL) {
        const Group *group = &plan->groups[step->x];
        uint32_t level = 0;
        for (uint32_t j = 0; j < group->outer; j++) {
            raise_to(wide->gradients.level, group->gs[j], &level);
        }
        read_alone(wide, step, group->targets, group->wanted_count, level + 1);
    }
    else if (step->operand == BOTH) {
        Step first = *step, second = *step;
        first.operand = 0;
        second.operand = 1;
        second.t = step->u;
        read_term(wide, first);
        read_term(wide, second);
    }
    else {
        read_term(wide, *step);
    }
}

/* -- classes ---------------------------------------------------------------------------------- */

/* Sort by one key; what is equal stays in order. */
static void sort_by_class(const Wide *wide, const uint32_t *from, uint32_t *to)
{
    uint32_t *starts = wide->tally;
    memset(starts, 0, (CLASSES + 1) * sizeof *starts);
    for (uint32_t i = 0; i < wide->count; i++) {
        starts[wide->units[i].class + 1]++;
    }
    for (uint32_t i = 0; i < CLASSES; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < wide->count; i++) {
        to[starts[wide->units[from[i]].class]++] = from[i];
    }
}

static void sort_by_level(const Wide *wide, const uint32_t *from, uint32_t *to)
{
    uint32_t *starts = wide->tally;
    memset(starts, 0, ((size_t)wide->count + 2) * sizeof *starts);
    for (uint32_t i = 0; i < wide->count; i++) {
        starts[wide->units[i].level + 1]++;
    }
    for (uint32_t i = 0; i <= wide->count; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < wide->count; i++) {
        to[starts[wide->units[from[i]].level]++] = from[i];
    }
}

/* -- steps alone ------------------------------------------------------------------------------ */

static uint8_t is_first(Wide *wide, uint32_t target)
{
    uint8_t is_written = wide->gradients.terms[target];
    wide->gradients.terms[target] = 1;
    return !is_written;
}

static void place_targets(Wide *wide, uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            uint32_t old = targets[j] >> 1;
            uint8_t assigns = is_first(wide, old);
            targets[j] = placed(&wide->gradients, old) << 1 | assigns;
        }
    }
}

static void place_all(Slots *slots, uint32_t *list, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        list[j] = placed(slots, list[j]);
    }
}

static void place_row(Slots *slots, uint32_t *first, uint32_t count)
{
    uint32_t old = *first;
    *first = slots->count;
    for (uint32_t j = 0; j < count; j++) {
        placed(slots, old + j);
    }
}

static void place_plain(Wide *wide, Step *step)
{
    int reads = reads_of(wide, step);
    step->x = reads & READS_X ? placed(&wide->values, step->x) : 0;
    step->y = reads & READS_Y ? placed(&wide->values, step->y) : 0;
    if (!wide->is_back || reads & READS_Z) {
        step->z = placed(&wide->values, step->z);
    }
    else {
        step->z = 0;
    }
}

static void place_forward(Wide *wide, Step *step)
{
    Slots *values = &wide->values;
    Plan *plan = wide->plan;
    if (step->op == STEP_MATMUL) {
        place_all(values, plan->groups[step->x].xs, plan->groups[step->x].inner);
        place_all(values, plan->groups[step->x].zs, plan->groups[step->x].outer);
    }
    else if (step->op == STEP_LIST && step->shape == SHAPE_SPREAD) {
        place_all(values, plan->lists + step->x, 2 * step->y);
    }
    else if (step->op == STEP_LIST) {
        place_all(values, plan->lists + step->x, step->y);
        if (step->t != NONE) {
            place_row(values, &step->t, step->y);
        }
        step->z = placed(values, step->z);
    }
    else {
        place_plain(wide, step);
    }
}

static void place_backward(Wide *wide, Step *step)
{
    Slots *gradients = &wide->gradients;
    Plan *plan = wide->plan;
    if (step->op == STEP_MATMUL) {
        Group *group = &plan->groups[step->x];
        place_all(gradients, group->gs, group->outer);
        place_targets(wide, group->targets, group->wanted_count);
        return;
    }
    if (step->op == STEP_LIST) { /* spread, or mean */
        place_targets(wide, plan->lists + step->t, step->y);
        step->x = step->shape == SHAPE_SPREAD ? placed(&wide->values, step->x) : 0;
    }
    else {
        step->assigns = is_first(wide, step->t);
        step->t = placed(gradients, step->t);
        if (step->op == STEP_ZERO) {
            return;
        }
        place_plain(wide, step);
    }
    step->g = placed(gradients, step->g);
}

static void emit_alone(Wide *wide, const Unit *unit)
{
    Program *program = program_of(wide);
    Step step = unit->step;
    if (wide->is_back) {
        place_backward(wide, &step);
    }
    else {
        place_forward(wide, &step);
    }
    Stretch *last = program->stretch_count != 0 ? program->stretches + program->stretch_count - 1
                                                : NULL;
    if (last != NULL && last->kind == STRETCH_STEPS && last->at == 1) {
        last->count++;
    }
    else {
        push_stretch(wide, program, (Stretch){STRETCH_STEPS, (uint32_t)program->count, 1, 1});
    }
    push_step(wide->maker, program, step);
}

/* -- steps beside each other ------------------------------------------------------------------ */

/* The fields in which a class reads: those of its first step. */
static uint32_t fields_of(const Wide *wide, const Step *step, uint8_t *fields)
{
    uint32_t count = 0;
    if (step->op == STEP_LIST) {
        for (; count < step->y; count++) {
            fields[count] = (uint8_t)(FIELD_LIST + count);
        }
        return count;
    }
    int reads = reads_of(wide, step);
    for (int field = FIELD_X; field <= FIELD_Z; field++) {
        if (reads >> field & 1) {
            fields[count++] = (uint8_t)field;
        }
    }
    if (wide->is_back) {
        fields[count++] = FIELD_G;
    }
    return count;
}

static uint32_t read_at(const Wide *wide, const Step *step, uint8_t field)
{
    switch (field) {
    case FIELD_X: return step->x;
    case FIELD_Y: return step->y;
    case FIELD_Z: return step->z;
    case FIELD_G: return step->g;
    default: return wide->plan->lists[step->x + field - FIELD_LIST];
    }
}

static uint32_t spare_of(Slots *slots, uint32_t part)
{
    if (slots->spare[part] == NONE) {
        slots->spare[part] = slots->count;
        slots->count += MOST_LANES;
    }
    return slots->spare[part];
}

/* A constant for a whole class stands in a row of its own. */
static uint32_t row_of_constant(Wide *wide, uint32_t old)
{
    Plan *plan = wide->plan;
    if (wide->row_at[old] == NONE) {
        wide->row_at[old] = wide->values.count;
        wide->values.count += MOST_LANES;
        plan->constant_rows = grown(wide->maker, plan->constant_rows, plan->constant_row_count,
                                    &plan->constant_row_room, sizeof *plan->constant_rows);
        if (!wide->maker->failed) {
            plan->constant_rows[plan->constant_row_count++] =
                (ConstantRow){wide->constant_at[old], wide->row_at[old]};
        }
    }
    return wide->row_at[old];
}

/* Return where an operand of a whole class stands in a row: there, or gathered. */
static uint32_t operand_of(Wide *wide, const uint32_t *members, uint32_t width, uint8_t field,
                           uint32_t part)
{
    Slots *slots = field == FIELD_G ? &wide->gradients : &wide->values;
    uint32_t first = read_at(wide, &wide->units[members[0]].step, field);
    int is_one = 1, is_row = 1;
    for (uint32_t i = 1; i < width; i++) {
        uint32_t old = read_at(wide, &wide->units[members[i]].step, field);
        is_one &= old == first;
        is_row &= slots->place[old] == slots->place[first] + i;
    }
    if (is_row) {
        return slots->place[first];
    }
    if (is_one && field != FIELD_G && wide->constant_at[first] != NONE) {
        return row_of_constant(wide, first);
    }
    Stretch stretch = {.count = width, .at = spare_of(slots, field == FIELD_G ? OF_READ : part)};
    if (is_one) {
        stretch.kind = field == FIELD_G ? STRETCH_FILL_BACK : STRETCH_FILL;
        stretch.first = slots->place[first];
    }
    else {
        stretch.kind = field == FIELD_G ? STRETCH_GATHER_BACK : STRETCH_GATHER;
        stretch.first = (uint32_t)wide->plan->list_count;
        for (uint32_t i = 0; i < width; i++) {
            uint32_t old = read_at(wide, &wide->units[members[i]].step, field);
            push_list(wide->maker, slots->place[old]);
        }
    }
    push_stretch(wide, program_of(wide), stretch);
    return stretch.at;
}

/* Let a class write its terms: to a row of targets, or to a place from where they are scattered. */
static void write_terms(Wide *wide, const uint32_t *members, uint32_t width, int is_turned,
                        Step step, Stretch run)
{
    Slots *slots = &wide->gradients;
    uint32_t first = wide->units[members[0]].step.t;
    uint8_t is_written = slots->terms[first];
    int is_row = 1;
    for (uint32_t i = 1; i < width; i++) {
        uint32_t old = wide->units[members[i]].step.t;
        is_row &= slots->place[old] == slots->place[first] + i && slots->terms[old] == is_written;
    }
    step.t = is_row ? slots->place[first] : spare_of(slots, OF_TERMS);
    step.assigns = !(is_row && is_written);
    push_step(wide->maker, &wide->plan->back, step);
    push_stretch(wide, &wide->plan->back, run);
    uint32_t list = (uint32_t)wide->plan->list_count;
    for (uint32_t i = 0; i < width; i++) { /* in the order of an eager pass */
        uint32_t old = wide->units[members[is_turned ? width - 1 - i : i]].step.t;
        uint8_t assigns = is_first(wide, old);
        if (!is_row) {
            push_list(wide->maker, slots->place[old] << 1 | assigns);
        }
    }
    if (!is_row) {
        uint8_t kind = is_turned ? STRETCH_SCATTER_TURNED : STRETCH_SCATTER;
        push_stretch(wide, &wide->plan->back, (Stretch){kind, list, width, step.t});
    }
}

/* Run some of a class as lanes. */
static void emit_beside(Wide *wide, const uint32_t *members, uint32_t width, int is_turned,
                        const uint8_t *fields, uint32_t field_count)
{
    Program *program = program_of(wide);
    Step step = {0};
    const Step *first = &wide->units[members[0]].step;
    uint32_t stands[MOST_LISTED];
    for (uint32_t k = 0; k < field_count; k++) {
        stands[k] = operand_of(wide, members, width, fields[k], k);
    }
    step.op = first->op;
    step.operand = first->operand;
    step.shape = first->shape;
    if (first->op == STEP_LIST) {
        step.assigns = first->assigns;
        step.y = first->y;
        step.t = NONE;
        step.x = (uint32_t)wide->plan->list_count;
        for (uint32_t k = 0; k < field_count; k++) {
            push_list(wide->maker, stands[k]);
        }
    }
    for (uint32_t k = 0; first->op != STEP_LIST && k < field_count; k++) {
        *(fields[k] == FIELD_X   ? &step.x
          : fields[k] == FIELD_Y ? &step.y
          : fields[k] == FIELD_Z ? &step.z
                                 : &step.g) = stands[k];
    }
    wide->in_vectors += width;
    Stretch run = {STRETCH_STEPS, (uint32_t)program->count, 1, width};
    if (wide->is_back) {
        write_terms(wide, members, width, is_turned, step, run);
        return;
    }
    step.z = wide->values.place[first->z]; /* results are new, and so in a row */
    push_step(wide->maker, program, step);
    push_stretch(wide, program, run);
}

static void turn_around(uint32_t *members, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t other = members[i];
        members[i] = members[count - 1 - i];
        members[count - 1 - i] = other;
    }
}

/* Give a class its places: in a row, as far as they are new. */
static void place_class(Wide *wide, const uint32_t *members, uint32_t count, const uint8_t *fields,
                        uint32_t field_count)
{
    for (uint32_t k = 0; k < field_count; k++) {
        for (uint32_t i = 0; i < count; i++) {
            placed(fields[k] == FIELD_G ? &wide->gradients : &wide->values,
                   read_at(wide, &wide->units[members[i]].step, fields[k]));
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const Step *step = &wide->units[members[i]].step;
        if (wide->is_back) {
            placed(&wide->gradients, step->t);
        }
        else {
            placed(&wide->values, step->z);
        }
    }
}

/* Members come in the order of an eager pass. On the way back that is mostly from the last number
 * to the first: then it is turned around, as lanes read from the first to the last.
 */
static void emit_class(Wide *wide, uint32_t *members, uint32_t count)
{
    uint8_t fields[MOST_LISTED];
    const Step *first = &wide->units[members[0]].step, *last = &wide->units[members[count - 1]].step;
    uint32_t field_count = fields_of(wide, first, fields);
    int is_turned = first->z > last->z;
    if (is_turned) {
        turn_around(members, count);
    }
    place_class(wide, members, count, fields, field_count);
    while (count >= LEAST && !wide->maker->failed) {
        uint32_t width = count < MOST_LANES ? count / LEAST * LEAST : MOST_LANES;
        emit_beside(wide, is_turned ? members + count - width : members, width, is_turned, fields,
                    field_count);
        count -= width;
        members += is_turned ? 0 : width;
    }
    for (uint32_t i = 0; i < count && !wide->maker->failed; i++) {
        emit_alone(wide, &wide->units[members[is_turned ? count - 1 - i : i]]);
    }
}

static void emit_units(Wide *wide)
{
    uint32_t *order = wide->order;
    for (uint32_t i = 0; i < wide->count; i++) {
        order[i] = i;
    }
    sort_by_class(wide, order, wide->sorted);
    sort_by_level(wide, wide->sorted, order);
    for (uint32_t from = 0, to; from < wide->count && !wide->maker->failed; from = to) {
        const Unit *first = &wide->units[order[from]];
        for (to = from + 1; to < wide->count; to++) {
            const Unit *unit = &wide->units[order[to]];
            if (unit->level != first->level || unit->class != first->class) {
                break;
            }
        }
        if (first->class == ALONE) {
            for (uint32_t i = from; i < to; i++) {
                emit_alone(wide, &wide->units[order[i]]);
            }
            continue;
        }
        emit_class(wide, order + from, to - from);
    }
}

/* -- all of it -------------------------------------------------------------------------------- */

static int make_slots(Slots *slots, size_t count)
{
    slots->place = filled(count);
    slots->class = filled(count);
    slots->level = calloc(count + 1, sizeof *slots->level);
    slots->terms = calloc(count + 1, 1);
    memset(slots->spare, 0xff, sizeof slots->spare);
    return slots->place != NULL && slots->class != NULL && slots->level != NULL &&
           slots->terms != NULL;
}

static void free_slots(Slots *slots)
{
    free(slots->place);
    free(slots->class);
    free(slots->level);
    free(slots->terms);
}

/* Read both programs of a direction as units, and write one of stretches in their place. */
static int widen_direction(Wide *wide, Program *first, Program *second,
                           void (*read)(Wide *, const Step *))
{
    Program *program = program_of(wide);
    wide->count = 0;
    for (size_t i = 0; i < first->count; i++) {
        read(wide, &first->steps[i]);
    }
    for (size_t i = 0; i < second->count; i++) {
        read(wide, &second->steps[i]);
    }
    first->count = second->count = 0;
    size_t count = wide->count > CLASSES ? wide->count : CLASSES;
    wide->order = malloc((count + 2) * sizeof(uint32_t));
    wide->sorted = malloc((count + 2) * sizeof(uint32_t));
    wide->tally = malloc((count + 2) * sizeof(uint32_t));
    int is_ready = wide->order != NULL && wide->sorted != NULL && wide->tally != NULL;
    if (wide->is_back) { /* from now on: whether something is written there */
        memset(wide->gradients.terms, 0, wide->plan->gradients);
    }
    if (is_ready && !wide->maker->failed) {
        push_stretch(wide, program, (Stretch){STRETCH_STEPS, 0, 0, 1});
        emit_units(wide);
    }
    free(wide->order);
    free(wide->sorted);
    free(wide->tally);
    return is_ready && !wide->maker->failed;
}

static void place_used(Slots *slots, uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = list[i] != NONE ? placed(slots, list[i]) : NONE;
    }
}

/* What stands outside of the programs gets its new places. */
static void place_ends(Wide *wide)
{
    Plan *plan = wide->plan;
    Slots *values = &wide->values, *gradients = &wide->gradients;
    place_used(values, plan->input_slots, plan->inputs);
    place_used(values, plan->captured_slots, plan->captured);
    place_used(values, plan->output_slots, plan->outputs);
    for (uint32_t i = 0; i < plan->guard_count; i++) {
        plan->guards[i].left = placed(values, plan->guards[i].left);
        plan->guards[i].right = placed(values, plan->guards[i].right);
    }
    place_used(values, plan->constant_slots, plan->constant_count);
    place_used(gradients, plan->input_gradients, plan->inputs);
    place_used(gradients, plan->captured_gradients, plan->captured);
    place_used(gradients, plan->uniform_gradients, plan->uniform_gradient_count);
    place_used(gradients, &plan->seed, 1);
    plan->spread_count = 0;
    plan->slots = values->count;
    plan->gradients = gradients->count;
}

int widen(Maker *maker)
{
    Plan *plan = maker->plan;
    Wide wide = {.maker = maker, .plan = plan};
    wide.constant_at = filled(plan->slots);
    wide.row_at = filled(plan->slots);
    int is_ready = make_slots(&wide.values, plan->slots) &&
                   make_slots(&wide.gradients, plan->gradients) && wide.constant_at != NULL &&
                   wide.row_at != NULL;
    uint32_t all = 0;
    if (is_ready) {
        for (uint32_t i = 0; i < plan->constant_count; i++) {
            if (plan->constant_slots[i] != NONE) {
                wide.constant_at[plan->constant_slots[i]] = i;
            }
        }
        is_ready = widen_direction(&wide, &plan->prelude, &plan->body, read_forward);
        all = wide.count;
        wide.is_back = 1;
    }
    if (is_ready) {
        is_ready = widen_direction(&wide, &plan->back, &plan->back_prelude, read_backward);
        all += wide.count;
        place_ends(&wide);
    }
    int is_worth_it = wide.in_vectors >= maker->tape->beside * all;
    free(wide.units);
    free(wide.constant_at);
    free(wide.row_at);
    free_slots(&wide.values);
    free_slots(&wide.gradients);
    return !is_ready ? PLAN_NO_MEMORY : is_worth_it ? PLAN_DONE : PLAN_IMPOSSIBLE;
}
