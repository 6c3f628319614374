/* Vectorises a plan for one lane: isomorphic instructions become the lanes of one.
 *
 * That is superword-level parallelism (Larsen, Amarasinghe, "Exploiting superword level parallelism
 * with multimedia instruction sets", 2000), with three departures. A trace has no loops and no
 * memory that is laid out already: instead of adjacent references, whole levels of a schedule are
 * packed, and slots are numbered anew, so that what a pack reads and writes is contiguous where it
 * can be. Packs are as wide as a class of isomorphic instructions, and the kernels split them into
 * vectors. And every bit stays: on the way back a term keeps its turn among those that an eager
 * pass adds to the same gradient; but the first two may change, as a + b is b + a.
 */
#include "units.h"
#include <math.h>

enum { IN_LIST = FIELDS };                /* behind the fields: the operands of a list */
enum { SCRATCH_UPSTREAM, SCRATCH_TERMS }; /* scratch slots of gradients */

/* Some of a class, which run as lanes. */
typedef struct {
    const uint32_t *members;
    uint32_t width;
    int is_reversed; /* they stand from the last of an eager pass to the first */
    uint32_t field_count;
    uint8_t fields[MOST_OPERANDS]; /* in which it reads */
} Pack;

static Program *program_of(const Vectorizer *vec)
{
    return vec->is_back ? &vec->plan->back : &vec->plan->body;
}

static void push_stretch(Vectorizer *vec, Stretch stretch)
{
    Program *program = program_of(vec);
    program->stretches = grown(vec->builder, program->stretches, program->stretch_count,
                               &program->stretch_room, sizeof stretch);
    if (!vec->builder->failed) {
        program->stretches[program->stretch_count++] = stretch;
    }
}

/* -- what a pack reads ------------------------------------------------------------------------- */

static const Instruction *instruction_of(const Vectorizer *vec, const Pack *pack, uint32_t i)
{
    assert(i < pack->width);
    return &vec->units[pack->members[i]].instruction;
}

/* The fields in which a class reads: those of its first instruction. */
static uint32_t fields_of(const Vectorizer *vec, const Instruction *instruction, uint8_t *fields)
{
    uint32_t count = 0;
    if (is_list(instruction)) {
        for (; count < instruction->y; count++) {
            fields[count] = (uint8_t)(IN_LIST + count);
        }
        return count;
    }
    int reads = reads_of(vec, instruction);
    for (int field = IN_X; field <= IN_Z; field++) {
        if (reads >> field & 1) {
            fields[count++] = (uint8_t)field;
        }
    }
    if (vec->is_back) {
        fields[count++] = IN_G;
    }
    return count;
}

static uint32_t slot_read(const Vectorizer *vec, const Instruction *instruction, uint8_t field)
{
    switch (field) {
    case IN_X:
        return instruction->x;
    case IN_Y:
        return instruction->y;
    case IN_Z:
        return instruction->z;
    case IN_G:
        return instruction->g;
    default:
        return vec->plan->lists[instruction->x + field - IN_LIST];
    }
}

/* The slots that a field names: of values, or of gradients. */
static SlotMap *map_of(const Vectorizer *vec, uint8_t field)
{
    return field == IN_G ? vec->gradients : vec->values;
}

static uint32_t old_slot(const Vectorizer *vec, const Pack *pack, uint32_t i, uint8_t field)
{
    return slot_read(vec, instruction_of(vec, pack, i), field);
}

static uint32_t new_slot(const Vectorizer *vec, const Pack *pack, uint32_t i, uint8_t field)
{
    return map_of(vec, field)->slot[old_slot(vec, pack, i, field)];
}

enum { CONTIGUOUS, UNIFORM, SCATTERED };

static int operand_access(const Vectorizer *vec, const Pack *pack, uint8_t field)
{
    uint32_t first = new_slot(vec, pack, 0, field);
    int is_uniform = 1, is_contiguous = 1;
    for (uint32_t i = 1; i < pack->width; i++) {
        uint32_t slot = new_slot(vec, pack, i, field);
        is_uniform &= slot == first;
        is_contiguous &= slot == first + i;
    }
    return is_contiguous ? CONTIGUOUS : is_uniform ? UNIFORM : SCATTERED;
}

/* Contiguous targets are all new, or have all been written. */
static int target_access(const Vectorizer *vec, const Pack *pack)
{
    const SlotMap *map = vec->gradients;
    uint32_t first = instruction_of(vec, pack, 0)->t;
    int is_contiguous = 1;
    for (uint32_t i = 1; i < pack->width; i++) {
        uint32_t old = instruction_of(vec, pack, i)->t;
        is_contiguous &= map->slot[old] == map->slot[first] + i;
        is_contiguous &= map->is_written[old] == map->is_written[first];
    }
    return is_contiguous ? CONTIGUOUS : SCATTERED;
}

/* -- what it takes ----------------------------------------------------------------------------- */

uint32_t scalar_cost(const Instruction *instruction)
{
    if (is_list(instruction)) {
        return COST_SCALAR + COST_SCALAR_OPERAND * instruction->y;
    }
    switch (instruction->code) {
    case CODE_MATMUL:
    case CODE_ZERO:
        return 0; /* the same in every plan */
    default:
        return instruction->operand == BOTH ? COST_SCALAR_BOTH : COST_SCALAR;
    }
}

static uint32_t vector_cost(const Vectorizer *vec, const Pack *pack)
{
    uint32_t width = pack->width, cost = COST_VECTOR + COST_VECTOR_LANE * width;
    for (uint32_t k = 0; k < pack->field_count; k++) {
        switch (operand_access(vec, pack, pack->fields[k])) {
        case SCATTERED:
            cost += COST_GATHER + COST_GATHER_LANE * width;
            break;
        case UNIFORM:
            cost += COST_FILL + COST_FILL_LANE * width;
        }
    }
    if (vec->is_back && target_access(vec, pack) == SCATTERED) {
        cost += COST_SCATTER + COST_SCATTER_LANE * width;
    }
    return cost;
}

/* -- instructions one by one ------------------------------------------------------------------- */

static void emit_scalar(Vectorizer *vec, const Unit *unit)
{
    Program *program = program_of(vec);
    Instruction instruction = unit->instruction;
    if (vec->is_back) {
        assign_backward(vec, &instruction);
    } else {
        assign_forward(vec, &instruction);
    }
    assert(program->stretch_count != 0);
    Stretch *last = program->stretches + program->stretch_count - 1;
    if (last->kind == STRETCH_INSTRUCTIONS && last->at == 1) {
        last->count++;
    } else {
        push_stretch(vec, (Stretch){STRETCH_INSTRUCTIONS, (uint32_t)program->count, 1, 1});
    }
    push_instruction(vec->builder, program, instruction);
}

/* -- instructions as lanes --------------------------------------------------------------------- */

static uint32_t scratch_slots(SlotMap *map, uint32_t part)
{
    if (map->scratch[part] == NONE) {
        map->scratch[part] = map->count;
        map->count += MOST_LANES;
    }
    return map->scratch[part];
}

/* A constant for all lanes stands in a row of its own. */
static uint32_t constant_row_of(Vectorizer *vec, uint32_t old)
{
    Plan *plan = vec->plan;
    if (vec->constant_row[old] == NONE) {
        vec->constant_row[old] = vec->values->count;
        vec->values->count += MOST_LANES;
        plan->constant_rows = grown(vec->builder, plan->constant_rows, plan->constant_row_count,
                                    &plan->constant_row_room, sizeof *plan->constant_rows);
        if (!vec->builder->failed) {
            plan->constant_rows[plan->constant_row_count++] =
                (ConstantRow){vec->constant_at[old], vec->constant_row[old]};
        }
    }
    return vec->constant_row[old];
}

/* Return from where on an operand is contiguous: where it stands, or is gathered. */
static uint32_t packed_operand(Vectorizer *vec, const Pack *pack, uint32_t k)
{
    uint8_t field = pack->fields[k];
    uint32_t old = old_slot(vec, pack, 0, field), first = new_slot(vec, pack, 0, field);
    int access = operand_access(vec, pack, field), is_gradient = field == IN_G;
    if (access == CONTIGUOUS) {
        return first;
    }
    if (access == UNIFORM && !is_gradient && vec->constant_at[old] != NONE) {
        return constant_row_of(vec, old);
    }
    Stretch stretch = {.count = pack->width};
    stretch.at = scratch_slots(map_of(vec, field), is_gradient ? SCRATCH_UPSTREAM : k);
    if (access == UNIFORM) {
        stretch.kind = is_gradient ? STRETCH_FILL_BACK : STRETCH_FILL;
        stretch.first = first;
    } else {
        stretch.kind = is_gradient ? STRETCH_GATHER_BACK : STRETCH_GATHER;
        stretch.first = (uint32_t)vec->plan->list_count;
        for (uint32_t i = 0; i < pack->width; i++) {
            push_list(vec->builder, new_slot(vec, pack, i, field));
        }
    }
    push_stretch(vec, stretch);
    return stretch.at;
}

/* Add terms to contiguous targets, or write them to scratch slots, which are scattered. */
static void emit_terms(Vectorizer *vec, const Pack *pack, Instruction instruction, Stretch run)
{
    SlotMap *map = vec->gradients;
    uint32_t first = instruction_of(vec, pack, 0)->t, list = (uint32_t)vec->plan->list_count;
    int is_contiguous = target_access(vec, pack) == CONTIGUOUS;
    instruction.t = is_contiguous ? map->slot[first] : scratch_slots(map, SCRATCH_TERMS);
    instruction.assigns = !(is_contiguous && map->is_written[first]);
    push_instruction(vec->builder, &vec->plan->back, instruction);
    push_stretch(vec, run);
    for (uint32_t i = 0; i < pack->width; i++) { /* in the order of an eager pass */
        uint32_t turn = pack->is_reversed ? pack->width - 1 - i : i;
        uint32_t old = instruction_of(vec, pack, turn)->t;
        uint8_t assigns = first_write(vec, old);
        if (!is_contiguous) {
            push_list(vec->builder, map->slot[old] << 1 | assigns);
        }
    }
    if (!is_contiguous) {
        uint8_t kind = pack->is_reversed ? STRETCH_SCATTER_REVERSED : STRETCH_SCATTER;
        push_stretch(vec, (Stretch){kind, list, pack->width, instruction.t});
    }
}

static void set_field(Vectorizer *vec, Instruction *instruction, uint8_t field, uint32_t slot)
{
    switch (field) {
    case IN_X:
        instruction->x = slot;
        break;
    case IN_Y:
        instruction->y = slot;
        break;
    case IN_Z:
        instruction->z = slot;
        break;
    case IN_G:
        instruction->g = slot;
        break;
    default:
        push_list(vec->builder, slot);
    }
}

static void emit_vector(Vectorizer *vec, const Pack *pack)
{
    Program *program = program_of(vec);
    const Instruction *first = instruction_of(vec, pack, 0);
    Instruction instruction = {.code = first->code, .operand = first->operand};
    uint32_t slots[MOST_OPERANDS];
    for (uint32_t k = 0; k < pack->field_count; k++) {
        slots[k] = packed_operand(vec, pack, k);
    }
    if (is_list(first)) {
        instruction.assigns = first->assigns;
        instruction.y = first->y;
        instruction.t = NONE;
        instruction.x = (uint32_t)vec->plan->list_count;
    }
    for (uint32_t k = 0; k < pack->field_count; k++) {
        set_field(vec, &instruction, pack->fields[k], slots[k]);
    }
    Stretch run = {STRETCH_INSTRUCTIONS, (uint32_t)program->count, 1, pack->width};
    if (vec->is_back) {
        emit_terms(vec, pack, instruction, run);
        return;
    }
    instruction.z = vec->values->slot[first->z]; /* results are new, and so contiguous */
    push_instruction(vec->builder, program, instruction);
    push_stretch(vec, run);
}

static void emit_pack(Vectorizer *vec, const Pack *pack)
{
    uint32_t scalar = pack->width * scalar_cost(instruction_of(vec, pack, 0));
    uint32_t vector = vector_cost(vec, pack);
    int is_forced = isinf(vec->builder->tape->vector_share);
    if (pack->width >= LEAST_LANES && (vector < scalar || is_forced)) {
        vec->cost += vector;
        emit_vector(vec, pack);
        return;
    }
    vec->cost += scalar;
    for (uint32_t i = 0; i < pack->width; i++) { /* in the order of an eager pass */
        uint32_t turn = pack->is_reversed ? pack->width - 1 - i : i;
        emit_scalar(vec, &vec->units[pack->members[turn]]);
    }
}

/* -- classes ----------------------------------------------------------------------------------- */

static void reverse(uint32_t *members, uint32_t count)
{
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t other = members[i];
        members[i] = members[count - 1 - i];
        members[count - 1 - i] = other;
    }
}

/* Give all members their slots: contiguous, as far as they are new. */
static void assign_members(Vectorizer *vec, const Pack *pack)
{
    for (uint32_t k = 0; k < pack->field_count; k++) {
        uint8_t field = pack->fields[k];
        for (uint32_t i = 0; i < pack->width; i++) {
            slot_for(map_of(vec, field), old_slot(vec, pack, i, field));
        }
    }
    for (uint32_t i = 0; i < pack->width; i++) {
        if (vec->is_back) {
            slot_for(vec->gradients, instruction_of(vec, pack, i)->t);
        } else {
            slot_for(vec->values, instruction_of(vec, pack, i)->z);
        }
    }
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* How often what a member reads does not stand behind what the one before it reads. */
static uint32_t count_breaks(const Vectorizer *vec, const Pack *pack)
{
    uint32_t breaks = 0;
    for (uint32_t k = 0; k < pack->field_count; k++) {
        uint32_t last = new_slot(vec, pack, 0, pack->fields[k]);
        for (uint32_t i = 1; i < pack->width; i++) {
            uint32_t slot = new_slot(vec, pack, i, pack->fields[k]);
            breaks += slot != last && slot != last + 1;
            last = slot;
        }
    }
    return breaks;
}

/* Sort members by the slots of the first operand that is not contiguous, if that is better. */
static void sort_members(Vectorizer *vec, const Pack *pack, uint32_t *members)
{
    uint32_t k = 0, count = pack->width, before = count_breaks(vec, pack);
    while (k < pack->field_count && operand_access(vec, pack, pack->fields[k]) != SCATTERED) {
        k++;
    }
    if (k == pack->field_count) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t slot = new_slot(vec, pack, i, pack->fields[k]);
        vec->keys[i] = slot << 32 | members[i];
    }
    qsort(vec->keys, count, sizeof *vec->keys, compare);
    memcpy(vec->unsorted, members, count * sizeof *members);
    for (uint32_t i = 0; i < count; i++) {
        members[i] = (uint32_t)vec->keys[i];
    }
    if (count_breaks(vec, pack) >= before) {
        memcpy(members, vec->unsorted, count * sizeof *members);
    }
}

/* Whether several members add to one gradient. */
static int is_shared(Vectorizer *vec, const Pack *pack)
{
    int is_shared = 0;
    for (uint32_t i = 0; vec->is_back && i < pack->width; i++) {
        uint32_t *last = &vec->last_writer[instruction_of(vec, pack, i)->t];
        is_shared |= *last == pack->members[0];
        *last = pack->members[0];
    }
    return is_shared;
}

/* Members come in the order of an eager pass. On the way back that is mostly from the last number
 * to the first: then they are reversed, as lanes read from the first to the last. Those that share
 * no gradient may have any other order.
 */
static void emit_class(Vectorizer *vec, uint32_t *members, uint32_t count)
{
    Pack pack = {.members = members, .width = count};
    const Instruction *first = instruction_of(vec, &pack, 0);
    pack.field_count = fields_of(vec, first, pack.fields);
    pack.is_reversed = first->z > instruction_of(vec, &pack, count - 1)->z;
    if (pack.is_reversed) {
        reverse(members, count);
    }
    if (!is_shared(vec, &pack)) {
        sort_members(vec, &pack, members);
    }
    assign_members(vec, &pack);
    while (count != 0 && !vec->builder->failed) {
        uint32_t whole = count / LEAST_LANES * LEAST_LANES;
        pack.width = count >= MOST_LANES ? MOST_LANES : whole != 0 ? whole : 1;
        count -= pack.width;
        pack.members = pack.is_reversed ? members + count : members;
        members += pack.is_reversed ? 0 : pack.width;
        emit_pack(vec, &pack);
    }
}

static void emit_units(Vectorizer *vec)
{
    uint32_t *order = vec->order;
    for (uint32_t from = 0, to; from < vec->count && !vec->builder->failed; from = to) {
        const Unit *first = &vec->units[order[from]];
        for (to = from; to < vec->count && is_of_class(vec, to, first); to++) {
            if (first->class == ALONE) {
                vec->cost += scalar_cost(&vec->units[order[to]].instruction);
                emit_scalar(vec, &vec->units[order[to]]);
            }
        }
        if (first->class != ALONE) {
            emit_class(vec, order + from, to - from);
        }
    }
}

/* -- all of it --------------------------------------------------------------------------------- */

typedef void (*Reader)(Vectorizer *vec, const Instruction *instruction);

static void read_program(Vectorizer *vec, Program *program, Reader read)
{
    for (size_t i = 0; i < program->count; i++) {
        read(vec, &program->instructions[i]);
        vec->scalar_cost += scalar_cost(&program->instructions[i]);
    }
    program->count = 0;
}

/* Read both programs of a direction as units, and write one of stretches instead of them. */
static int vectorize_direction(Vectorizer *vec, Program *first, Program *second, Reader read)
{
    vec->count = 0;
    vec->edge_count = 0;
    read_program(vec, first, read);
    read_program(vec, second, read);
    vec->order = malloc(((size_t)vec->count + 1) * sizeof *vec->order);
    vec->keys = malloc(((size_t)vec->count + 1) * sizeof *vec->keys);
    vec->unsorted = malloc(((size_t)vec->count + 1) * sizeof *vec->unsorted);
    int is_ready = vec->order != NULL && vec->keys != NULL && vec->unsorted != NULL &&
                   !vec->builder->failed && schedule(vec);
    if (is_ready) {
        push_stretch(vec, (Stretch){STRETCH_INSTRUCTIONS, 0, 0, 1}); /* which grows */
        emit_units(vec);
    }
    free(vec->order);
    free(vec->keys);
    free(vec->unsorted);
    return is_ready && !vec->builder->failed;
}

static int vectorize_both(Vectorizer *vec)
{
    Plan *plan = vec->plan;
    for (uint32_t i = 0; i < plan->constant_count; i++) {
        if (plan->constant_slots[i] != NONE) {
            vec->constant_at[plan->constant_slots[i]] = i;
        }
    }
    if (!vectorize_direction(vec, &plan->prelude, &plan->body, read_forward)) {
        return 0;
    }
    vec->is_back = 1;
    if (!vectorize_direction(vec, &plan->back, &plan->back_prelude, read_backward)) {
        return 0;
    }
    assign_boundary(vec);
    return 1;
}

int vectorize(Builder *builder)
{
    if (builder->tape->vector_share < 0.0) {
        return PLAN_DONE;
    }
    Plan *plan = builder->plan;
    SlotMap values = {.slot = NULL}, gradients = {.slot = NULL};
    Vectorizer vec = {.builder = builder, .plan = plan, .values = &values, .gradients = &gradients};
    vec.constant_at = filled(plan->slots);
    vec.constant_row = filled(plan->slots);
    vec.last_writer = filled(plan->gradients);
    int is_ready = make_slot_map(&values, plan->slots) &&
                   make_slot_map(&gradients, plan->gradients) && vec.constant_at != NULL &&
                   vec.constant_row != NULL && vec.last_writer != NULL;
    int is_done = is_ready && vectorize_both(&vec);
    plan->vector_cost = vec.cost;
    int is_worth_it = (double)vec.cost <= builder->tape->vector_share * (double)vec.scalar_cost;
    free(vec.units);
    free(vec.edges);
    free(vec.deferred);
    free(vec.constant_at);
    free(vec.constant_row);
    free(vec.last_writer);
    free_slot_map(&values);
    free_slot_map(&gradients);
    return !is_done ? PLAN_NO_MEMORY : is_worth_it ? PLAN_DONE : PLAN_IMPOSSIBLE;
}
