/* A plan for one lane that runs equal instructions beside each other, as the lanes of the kernels.
 *
 * Each instruction gets a *level*, above all that it needs. Equal ones of a level are a *class*:
 * none needs another. Numbers get new places, so that those of a class stand in a row; what does not is
 * gathered, or scattered. On the way back a term keeps its place among those that an eager pass
 * adds to the same gradient; but the first two may change, as a + b is b + a. So every bit stays.
 */
#include "units.h"
#include <math.h>

enum { FIELD_X, FIELD_Y, FIELD_Z, FIELD_G, FIELD_LIST }; /* where an operand is named */
enum { OF_READ, OF_TERMS };                              /* spare places of gradients */

static void push_stretch(Wide *wide, Program *program, Stretch stretch)
{
    program->stretches = grown(wide->builder, program->stretches, program->stretch_count,
                               &program->stretch_room, sizeof stretch);
    if (!wide->builder->failed) {
        program->stretches[program->stretch_count++] = stretch;
    }
}

static Program *program_of(const Wide *wide)
{
    return wide->is_back ? &wide->plan->back : &wide->plan->body;
}

/* -- instructions alone ------------------------------------------------------------------------ */

static void emit_alone(Wide *wide, const Unit *unit)
{
    Program *program = program_of(wide);
    Instruction instruction = unit->instruction;
    if (wide->is_back) {
        place_backward(wide, &instruction);
    } else {
        place_forward(wide, &instruction);
    }
    Stretch *last = program->stretches + program->stretch_count - 1; /* there is a first one */
    if (last->kind == STRETCH_INSTRUCTIONS && last->at == 1) {
        last->count++;
    } else {
        push_stretch(wide, program,
                     (Stretch){STRETCH_INSTRUCTIONS, (uint32_t)program->count, 1, 1});
    }
    push_instruction(wide->builder, program, instruction);
}

/* -- what a class reads ------------------------------------------------------------------------ */

/* The fields in which a class reads: those of its first instruction. */
static uint32_t fields_of(const Wide *wide, const Instruction *instruction, uint8_t *fields)
{
    uint32_t count = 0;
    if (is_list(instruction)) {
        for (; count < instruction->y; count++) {
            fields[count] = (uint8_t)(FIELD_LIST + count);
        }
        return count;
    }
    int reads = reads_of(wide, instruction);
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

static uint32_t read_at(const Wide *wide, const Instruction *instruction, uint8_t field)
{
    switch (field) {
    case FIELD_X:
        return instruction->x;
    case FIELD_Y:
        return instruction->y;
    case FIELD_Z:
        return instruction->z;
    case FIELD_G:
        return instruction->g;
    default:
        return wide->plan->lists[instruction->x + field - FIELD_LIST];
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
        plan->constant_rows = grown(wide->builder, plan->constant_rows, plan->constant_row_count,
                                    &plan->constant_row_room, sizeof *plan->constant_rows);
        if (!wide->builder->failed) {
            plan->constant_rows[plan->constant_row_count++] =
                (ConstantRow){wide->constant_at[old], wide->row_at[old]};
        }
    }
    return wide->row_at[old];
}

/* -- how operands lie -------------------------------------------------------------------------- */

/* Some of a class, which run as lanes. */
typedef struct {
    const uint32_t *members;
    uint32_t width;
    int is_turned;
    uint32_t field_count;
    uint8_t fields[MOST_LISTED]; /* in which it reads */
} Piece;

enum { IN_A_ROW, ONE_FOR_ALL, ANYWHERE };

static const Instruction *instruction_of(const Wide *wide, const Piece *piece, uint32_t i)
{
    return &wide->units[piece->members[i]].instruction;
}

static int operands_lie(const Wide *wide, const Piece *piece, uint8_t field)
{
    const Slots *slots = field == FIELD_G ? &wide->gradients : &wide->values;
    uint32_t first = slots->place[read_at(wide, instruction_of(wide, piece, 0), field)];
    int is_one = 1, is_row = 1;
    for (uint32_t i = 1; i < piece->width; i++) {
        uint32_t place = slots->place[read_at(wide, instruction_of(wide, piece, i), field)];
        is_one &= place == first;
        is_row &= place == first + i;
    }
    return is_row ? IN_A_ROW : is_one ? ONE_FOR_ALL : ANYWHERE;
}

/* Targets in a row are all new, or have all been written. */
static int targets_lie(const Wide *wide, const Piece *piece)
{
    const Slots *slots = &wide->gradients;
    uint32_t first = instruction_of(wide, piece, 0)->t;
    int is_row = 1;
    for (uint32_t i = 1; i < piece->width; i++) {
        uint32_t old = instruction_of(wide, piece, i)->t;
        is_row &= slots->place[old] == slots->place[first] + i;
        is_row &= slots->is_written[old] == slots->is_written[first];
    }
    return is_row ? IN_A_ROW : ANYWHERE;
}

/* What an instruction takes alone, in tenths of ns, as measured. */
static uint32_t cost_alone(const Instruction *instruction)
{
    if (is_list(instruction)) {
        return 36 + 12 * instruction->y;
    }
    switch (instruction->code) {
    case CODE_MATMUL:
    case CODE_ZERO:
        return 0; /* the same in every plan */
    default:
        return instruction->operand == BOTH ? 48 : 36;
    }
}

/* What the instructions of a piece take as lanes. */
static uint32_t cost_beside(const Wide *wide, const Piece *piece)
{
    uint32_t width = piece->width, cost = 100 + 4 * width;
    for (uint32_t k = 0; k < piece->field_count; k++) {
        int lie = operands_lie(wide, piece, piece->fields[k]);
        cost += lie == ANYWHERE ? 100 + 14 * width : lie == ONE_FOR_ALL ? 50 + 2 * width : 0;
    }
    if (wide->is_back && targets_lie(wide, piece) == ANYWHERE) {
        cost += 100 + 20 * width;
    }
    return cost;
}

static int is_better_beside(Wide *wide, const Piece *piece)
{
    uint32_t cost = cost_beside(wide, piece);
    uint32_t alone = piece->width * cost_alone(instruction_of(wide, piece, 0));
    int is_better = piece->width >= LEAST && (cost < alone || isinf(wide->builder->tape->beside));
    wide->cost += is_better ? cost : alone;
    return is_better;
}

/* -- instructions beside each other ------------------------------------------------------------ */

/* Return where an operand stands in a row: there, or gathered. */
static uint32_t operand_of(Wide *wide, const Piece *piece, uint32_t k)
{
    uint8_t field = piece->fields[k];
    Slots *slots = field == FIELD_G ? &wide->gradients : &wide->values;
    uint32_t first = read_at(wide, instruction_of(wide, piece, 0), field);
    int lie = operands_lie(wide, piece, field);
    if (lie == IN_A_ROW) {
        return slots->place[first];
    }
    if (lie == ONE_FOR_ALL && field != FIELD_G && wide->constant_at[first] != NONE) {
        return row_of_constant(wide, first);
    }
    Stretch stretch = {.count = piece->width};
    stretch.at = spare_of(slots, field == FIELD_G ? OF_READ : k);
    if (lie == ONE_FOR_ALL) {
        stretch.kind = field == FIELD_G ? STRETCH_FILL_BACK : STRETCH_FILL;
        stretch.first = slots->place[first];
    } else {
        stretch.kind = field == FIELD_G ? STRETCH_GATHER_BACK : STRETCH_GATHER;
        stretch.first = (uint32_t)wide->plan->list_count;
        for (uint32_t i = 0; i < piece->width; i++) {
            push_list(wide->builder,
                      slots->place[read_at(wide, instruction_of(wide, piece, i), field)]);
        }
    }
    push_stretch(wide, program_of(wide), stretch);
    return stretch.at;
}

/* Add terms to a row of targets, or write them to a place from where they are scattered. */
static void emit_terms(Wide *wide, const Piece *piece, Instruction instruction, Stretch run)
{
    Slots *slots = &wide->gradients;
    Program *program = &wide->plan->back;
    uint32_t first = instruction_of(wide, piece, 0)->t, list = (uint32_t)wide->plan->list_count;
    int is_row = targets_lie(wide, piece) == IN_A_ROW;
    instruction.t = is_row ? slots->place[first] : spare_of(slots, OF_TERMS);
    instruction.assigns = !(is_row && slots->is_written[first]);
    push_instruction(wide->builder, program, instruction);
    push_stretch(wide, program, run);
    for (uint32_t i = 0; i < piece->width; i++) { /* in the order of an eager pass */
        uint32_t old = instruction_of(wide, piece, piece->is_turned ? piece->width - 1 - i : i)->t;
        uint8_t assigns = is_first(wide, old);
        if (!is_row) {
            push_list(wide->builder, slots->place[old] << 1 | assigns);
        }
    }
    if (!is_row) {
        uint8_t kind = piece->is_turned ? STRETCH_SCATTER_TURNED : STRETCH_SCATTER;
        push_stretch(wide, program, (Stretch){kind, list, piece->width, instruction.t});
    }
}

static void emit_beside(Wide *wide, const Piece *piece)
{
    Program *program = program_of(wide);
    const Instruction *first = instruction_of(wide, piece, 0);
    Instruction instruction = {.code = first->code, .operand = first->operand};
    uint32_t stands[MOST_LISTED];
    for (uint32_t k = 0; k < piece->field_count; k++) {
        stands[k] = operand_of(wide, piece, k);
    }
    if (is_list(first)) {
        instruction.assigns = first->assigns;
        instruction.y = first->y;
        instruction.t = NONE;
        instruction.x = (uint32_t)wide->plan->list_count;
    }
    for (uint32_t k = 0; k < piece->field_count; k++) {
        switch (piece->fields[k]) {
        case FIELD_X:
            instruction.x = stands[k];
            break;
        case FIELD_Y:
            instruction.y = stands[k];
            break;
        case FIELD_Z:
            instruction.z = stands[k];
            break;
        case FIELD_G:
            instruction.g = stands[k];
            break;
        default:
            push_list(wide->builder, stands[k]);
        }
    }
    Stretch run = {STRETCH_INSTRUCTIONS, (uint32_t)program->count, 1, piece->width};
    if (wide->is_back) {
        emit_terms(wide, piece, instruction, run);
        return;
    }
    instruction.z = wide->values.place[first->z]; /* results are new, and so in a row */
    push_instruction(wide->builder, program, instruction);
    push_stretch(wide, program, run);
}

/* -- classes ----------------------------------------------------------------------------------- */

static void turn_around(uint32_t *members, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t other = members[i];
        members[i] = members[count - 1 - i];
        members[count - 1 - i] = other;
    }
}

/* Give all members their places: in a row, as far as they are new. */
static void place_members(Wide *wide, const Piece *all)
{
    for (uint32_t k = 0; k < all->field_count; k++) {
        uint8_t field = all->fields[k];
        for (uint32_t i = 0; i < all->width; i++) {
            placed(field == FIELD_G ? &wide->gradients : &wide->values,
                   read_at(wide, instruction_of(wide, all, i), field));
        }
    }
    for (uint32_t i = 0; i < all->width; i++) {
        if (wide->is_back) {
            placed(&wide->gradients, instruction_of(wide, all, i)->t);
        } else {
            placed(&wide->values, instruction_of(wide, all, i)->z);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How often what a class reads does not stand beside what the member before reads. */
static uint32_t breaks(const Wide *wide, const Piece *all)
{
    uint32_t found = 0;
    for (uint32_t k = 0; k < all->field_count; k++) {
        const Slots *slots = all->fields[k] == FIELD_G ? &wide->gradients : &wide->values;
        uint32_t last = slots->place[read_at(wide, instruction_of(wide, all, 0), all->fields[k])];
        for (uint32_t i = 1; i < all->width; i++) {
            uint32_t place =
                slots->place[read_at(wide, instruction_of(wide, all, i), all->fields[k])];
            found += place != last && place != last + 1;
            last = place;
        }
    }
    return found;
}

/* Sort members by where the first operand stands that does not lie in a row, if that is better. */
static void sort_members(Wide *wide, const Piece *all, uint32_t *members)
{
    uint32_t k = 0, count = all->width, before = breaks(wide, all);
    while (k < all->field_count && operands_lie(wide, all, all->fields[k]) != ANYWHERE) {
        k++;
    }
    if (k == all->field_count) {
        return;
    }
    const Slots *slots = all->fields[k] == FIELD_G ? &wide->gradients : &wide->values;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t place = slots->place[read_at(wide, instruction_of(wide, all, i), all->fields[k])];
        wide->keys[i] = place << 32 | members[i];
    }
    qsort(wide->keys, count, sizeof *wide->keys, compare);
    memcpy(wide->unsorted, members, count * sizeof *members);
    for (uint32_t i = 0; i < count; i++) {
        members[i] = (uint32_t)wide->keys[i];
    }
    if (breaks(wide, all) >= before) {
        memcpy(members, wide->unsorted, count * sizeof *members);
    }
}

/* Whether several members add to one gradient. */
static int is_shared(Wide *wide, const Piece *all)
{
    int is_shared = 0;
    for (uint32_t i = 0; wide->is_back && i < all->width; i++) {
        uint32_t *last = &wide->last_writer[instruction_of(wide, all, i)->t];
        is_shared |= *last == all->members[0];
        *last = all->members[0];
    }
    return is_shared;
}

/* Members come in the order of an eager pass. On the way back that is mostly from the last number
 * to the first: then it is turned around, as lanes read from the first to the last. Those that
 * share no gradient may have any other order.
 */
static void emit_class(Wide *wide, uint32_t *members, uint32_t count)
{
    Piece piece = {.members = members, .width = count};
    const Instruction *first = instruction_of(wide, &piece, 0),
                      *last = instruction_of(wide, &piece, count - 1);
    piece.field_count = fields_of(wide, first, piece.fields);
    piece.is_turned = first->z > last->z;
    if (piece.is_turned) {
        turn_around(members, count);
    }
    if (!is_shared(wide, &piece)) {
        sort_members(wide, &piece, members);
    }
    place_members(wide, &piece);
    while (count != 0 && !wide->builder->failed) {
        uint32_t vectors = count / LEAST * LEAST;
        uint32_t width = count >= MOST_LANES ? MOST_LANES : vectors != 0 ? vectors : 1;
        count -= width;
        piece.width = width;
        piece.members = piece.is_turned ? members + count : members;
        members += piece.is_turned ? 0 : width;
        if (is_better_beside(wide, &piece)) {
            emit_beside(wide, &piece);
            continue;
        }
        for (uint32_t i = 0; i < width; i++) {
            uint32_t at = piece.is_turned ? width - 1 - i : i;
            emit_alone(wide, &wide->units[piece.members[at]]);
        }
    }
}

static void emit_units(Wide *wide)
{
    uint32_t *order = wide->order;
    for (uint32_t from = 0, to; from < wide->count && !wide->builder->failed; from = to) {
        const Unit *first = &wide->units[order[from]];
        for (to = from; to < wide->count && is_of_class(wide, to, first); to++) {
            if (first->class == ALONE) {
                wide->cost += cost_alone(&wide->units[order[to]].instruction);
                emit_alone(wide, &wide->units[order[to]]);
            }
        }
        if (first->class != ALONE) {
            emit_class(wide, order + from, to - from);
        }
    }
}

/* -- all of it --------------------------------------------------------------------------------- */

/* Read both programs of a direction as units, and write one of stretches in their place. */
static int widen_direction(Wide *wide, Program *first, Program *second,
                           void (*read)(Wide *, const Instruction *))
{
    wide->count = 0;
    wide->edge_count = 0;
    for (size_t i = 0; i < first->count; i++) {
        read(wide, &first->instructions[i]);
        wide->cost_before += cost_alone(&first->instructions[i]);
    }
    for (size_t i = 0; i < second->count; i++) {
        read(wide, &second->instructions[i]);
        wide->cost_before += cost_alone(&second->instructions[i]);
    }
    first->count = second->count = 0;
    wide->order = malloc(((size_t)wide->count + 1) * sizeof *wide->order);
    wide->keys = malloc(((size_t)wide->count + 1) * sizeof *wide->keys);
    wide->unsorted = malloc(((size_t)wide->count + 1) * sizeof *wide->unsorted);
    int is_ready = wide->order != NULL && wide->keys != NULL && wide->unsorted != NULL &&
                   !wide->builder->failed && find_classes(wide);
    if (is_ready) {
        push_stretch(wide, program_of(wide), (Stretch){STRETCH_INSTRUCTIONS, 0, 0, 1});
        emit_units(wide);
    }
    free(wide->order);
    free(wide->keys);
    free(wide->unsorted);
    return is_ready && !wide->builder->failed;
}

int widen(Builder *builder)
{
    Plan *plan = builder->plan;
    Wide wide = {.builder = builder, .plan = plan};
    wide.constant_at = filled(plan->slots);
    wide.row_at = filled(plan->slots);
    wide.last_writer = filled(plan->gradients);
    int is_ready = make_slots(&wide.values, plan->slots) &&
                   make_slots(&wide.gradients, plan->gradients) && wide.constant_at != NULL &&
                   wide.row_at != NULL && wide.last_writer != NULL;
    if (is_ready) {
        for (uint32_t i = 0; i < plan->constant_count; i++) {
            if (plan->constant_slots[i] != NONE) {
                wide.constant_at[plan->constant_slots[i]] = i;
            }
        }
        is_ready = widen_direction(&wide, &plan->prelude, &plan->body, read_forward);
        wide.is_back = 1;
    }
    if (is_ready) {
        is_ready = widen_direction(&wide, &plan->back, &plan->back_prelude, read_backward);
        place_ends(&wide);
    }
    int is_worth_it = (double)wide.cost <= builder->tape->beside * (double)wide.cost_before;
    free(wide.units);
    free(wide.edges);
    free(wide.waiting);
    free(wide.constant_at);
    free(wide.row_at);
    free(wide.last_writer);
    free_slots(&wide.values);
    free_slots(&wide.gradients);
    return !is_ready ? PLAN_NO_MEMORY : is_worth_it ? PLAN_DONE : PLAN_IMPOSSIBLE;
}
