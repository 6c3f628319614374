/* The instructions of a wide plan as units, their levels, and the classes of equal ones. */
#include "units.h"

/* -- units ------------------------------------------------------------------------------------- */

static void push_unit(Wide *wide, Instruction instruction, uint32_t class)
{
    wide->units = grown(wide->builder, wide->units, wide->count, &wide->room, sizeof(Unit));
    if (!wide->builder->failed) {
        wide->units[wide->count++] =
            (Unit){.instruction = instruction, .class = class, .edges = (uint32_t)wide->edge_count};
    }
}

static void push_edge(Wide *wide, uint32_t slot)
{
    wide->edges =
        grown(wide->builder, wide->edges, wide->edge_count, &wide->edge_room, sizeof slot);
    if (!wide->builder->failed) {
        wide->edges[wide->edge_count++] = slot;
    }
}

/* Edges of the last unit: first all that it reads, then all that it writes. */
static void push_read(Wide *wide, uint32_t slot)
{
    push_edge(wide, slot);
    if (!wide->builder->failed) {
        wide->units[wide->count - 1].reads++;
    }
}

static void push_write(Wide *wide, uint32_t slot)
{
    push_edge(wide, slot);
    if (!wide->builder->failed) {
        wide->units[wide->count - 1].writes++;
    }
}

/* What of x, y and z an instruction reads that is no list, no matrix product and no zero. */
int reads_of(const Wide *wide, const Instruction *instruction)
{
    if (instruction->code == CODE_SQUARE) {
        return READS_X;
    }
    const Operation *row = row_of(instruction->code);
    if (wide->is_back) {
        return row->reads[instruction->operand];
    }
    return row->value1 != NULL ? READS_X : READS_X | READS_Y;
}

static void read_product(Wide *wide, const Instruction *instruction)
{
    const Group *group = &wide->plan->groups[instruction->x];
    push_unit(wide, *instruction, ALONE);
    for (uint32_t j = 0; j < group->inner; j++) {
        push_read(wide, group->xs[j]);
    }
    for (uint32_t j = 0; j < group->outer; j++) {
        push_write(wide, group->zs[j]);
    }
}

/* Short sums and dots of equally many operands are equal instructions. */
static uint32_t class_of_list(const Instruction *instruction)
{
    int is_sum = instruction->code == CODE_DOT || instruction->code == CODE_SUM;
    return is_sum && instruction->y != 0 && instruction->y <= MOST_LISTED
               ? LISTS +
                     ((instruction->code == CODE_SUM) * 2u + instruction->assigns) *
                         (MOST_LISTED + 1) +
                     instruction->y
               : ALONE;
}

static void read_list(Wide *wide, const Instruction *instruction)
{
    const Plan *plan = wide->plan;
    push_unit(wide, *instruction, class_of_list(instruction));
    for (uint32_t j = 0; j < instruction->y; j++) {
        push_read(wide, plan->lists[instruction->x + j]);
    }
    for (uint32_t j = 0; instruction->code == CODE_SPREAD && j < instruction->y; j++) {
        push_write(wide, plan->lists[instruction->x + instruction->y + j]);
    }
    if (instruction->code != CODE_SPREAD) {
        push_write(wide, instruction->z);
    }
}

void read_forward(Wide *wide, const Instruction *instruction)
{
    if (instruction->code == CODE_MATMUL) {
        read_product(wide, instruction);
    } else if (is_list(instruction)) {
        read_list(wide, instruction);
    } else {
        int reads = reads_of(wide, instruction);
        uint32_t constants = (wide->constant_at[instruction->x] != NONE) * 256u +
                             (reads & READS_Y && wide->constant_at[instruction->y] != NONE) * 512u;
        push_unit(wide, *instruction, instruction->code + constants); /* 1 - x is no x - y */
        push_read(wide, instruction->x);
        if (reads & READS_Y) {
            push_read(wide, instruction->y);
        }
        push_write(wide, instruction->z);
    }
}

static void read_term(Wide *wide, Instruction instruction)
{
    push_unit(wide, instruction, 2u * instruction.code + instruction.operand);
    push_read(wide, instruction.g);
    push_write(wide, instruction.t);
}

static void write_targets(Wide *wide, const uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            push_write(wide, targets[j] >> 1);
        }
    }
}

/* The terms of a list are those of a sum, or of products with the other operand. */
static void read_list_back(Wide *wide, const Instruction *instruction)
{
    const Plan *plan = wide->plan;
    if (instruction->code == CODE_SPREAD || instruction->code == CODE_MEAN) {
        push_unit(wide, *instruction, ALONE);
        push_read(wide, instruction->g);
        write_targets(wide, plan->lists + instruction->t, instruction->y);
        return;
    }
    for (uint32_t j = 0; j < instruction->y; j++) {
        uint32_t target = plan->lists[instruction->t + j];
        Instruction term = {
            .code = (uint8_t)add_op(), .g = instruction->g, .t = target >> 1, .z = instruction->z};
        if (instruction->code != CODE_SUM) {
            term.code = (uint8_t)mul_op();
            term.y = instruction->code == CODE_DOT
                         ? plan->lists[instruction->t + instruction->y + j]
                         : instruction->x + j;
        }
        if (target != NONE) {
            read_term(wide, term);
        }
    }
}

void read_backward(Wide *wide, const Instruction *instruction)
{
    if (is_list(instruction)) {
        read_list_back(wide, instruction);
    } else if (instruction->code == CODE_ZERO) {
        push_unit(wide, *instruction, ALONE);
        push_write(wide, instruction->t);
    } else if (instruction->code == CODE_MATMUL) {
        const Group *group = &wide->plan->groups[instruction->x];
        push_unit(wide, *instruction, ALONE);
        for (uint32_t j = 0; j < group->outer; j++) {
            push_read(wide, group->gs[j]);
        }
        write_targets(wide, group->targets, group->wanted_count);
    } else if (instruction->operand == BOTH) {
        Instruction first = *instruction, second = *instruction;
        first.operand = 0;
        second.operand = 1;
        second.t = instruction->u;
        read_term(wide, first);
        read_term(wide, second);
    } else {
        read_term(wide, *instruction);
    }
}

/* -- levels ------------------------------------------------------------------------------------ */

typedef struct {
    uint32_t read, term, class; /* levels of who reads it, of a term; and of which class that is */
    uint32_t terms;             /* how many were met, or are still to be met */
} Mark;

static void raise_to(uint32_t *level, uint32_t least) { *level = least > *level ? least : *level; }

/* The first two terms may change places; one that runs alone may add several, and counts as two. */
static uint32_t terms_of(const Unit *unit) { return unit->class == ALONE ? 2 : 1; }

/* Any other comes after the one before it, or beside it if it is of its class, which keeps its
 * order.
 */
static uint32_t level_beside(const Mark *mark, uint32_t class)
{
    return mark->term + (mark->class != class);
}

/* Run every unit as soon as it can be. */
static void level_early(Wide *wide, Mark *marks)
{
    for (uint32_t i = 0; i < wide->count; i++) {
        Unit *unit = &wide->units[i];
        const uint32_t *reads = wide->edges + unit->edges, *writes = reads + unit->reads;
        uint32_t level = 0;
        for (uint32_t j = 0; j < unit->reads; j++) {
            raise_to(&level, marks[reads[j]].term);
        }
        level++;
        for (uint32_t j = 0; j < unit->writes; j++) {
            const Mark *mark = &marks[writes[j]];
            int is_bound = mark->terms + terms_of(unit) > 2;
            raise_to(&level, is_bound ? level_beside(mark, unit->class) : 0);
        }
        unit->level = level;
        for (uint32_t j = 0; j < unit->writes; j++) {
            Mark *mark = &marks[writes[j]];
            if (level > mark->term) {
                mark->class = unit->class;
            } else if (level == mark->term && mark->class != unit->class) {
                mark->class = NONE;
            }
            raise_to(&mark->term, level);
            mark->terms += terms_of(unit);
        }
    }
}

/* Run every unit as late as it can be. */
static void level_late(Wide *wide, Mark *marks)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < wide->count; i++) {
        const uint32_t *writes = wide->edges + wide->units[i].edges + wide->units[i].reads;
        for (uint32_t j = 0; j < wide->units[i].writes; j++) {
            marks[writes[j]].terms += terms_of(&wide->units[i]);
        }
    }
    for (uint32_t i = wide->count; i-- > 0;) {
        Unit *unit = &wide->units[i];
        const uint32_t *reads = wide->edges + unit->edges, *writes = reads + unit->reads;
        uint32_t level = 0; /* counted from the end */
        for (uint32_t j = 0; j < unit->writes; j++) {
            raise_to(&level, marks[writes[j]].read);
        }
        level++;
        for (uint32_t j = 0; j < unit->writes; j++) {
            const Mark *mark = &marks[writes[j]];
            raise_to(&level, mark->term != 0 ? level_beside(mark, unit->class) : 0);
        }
        unit->level = level;
        raise_to(&top, level);
        for (uint32_t j = 0; j < unit->writes; j++) {
            Mark *mark = &marks[writes[j]];
            if (mark->terms > 2) {
                mark->term = level;
                mark->class = unit->class;
            }
            mark->terms -= terms_of(unit);
        }
        for (uint32_t j = 0; j < unit->reads; j++) {
            raise_to(&marks[reads[j]].read, level);
        }
    }
    for (uint32_t i = 0; i < wide->count; i++) {
        wide->units[i].level = top + 1 - wide->units[i].level;
    }
}

/* -- classes ----------------------------------------------------------------------------------- */

/* Sort by what stands in a field of the units; what is equal stays in order. */
static void sort_by(const Wide *wide, size_t field, uint32_t most, const uint32_t *from,
                    uint32_t *to, uint32_t *starts)
{
#define KEY(i) (*(const uint32_t *)(const void *)((const char *)&wide->units[i] + field))
    memset(starts, 0, ((size_t)most + 2) * sizeof *starts);
    for (uint32_t i = 0; i < wide->count; i++) {
        starts[KEY(i) + 1]++;
    }
    for (uint32_t i = 0; i <= most; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < wide->count; i++) {
        to[starts[KEY(from[i])]++] = from[i];
    }
#undef KEY
}

/* Sort units by level and class; return how many can run beside others. */
static uint32_t sort_units(Wide *wide, uint32_t *spare, uint32_t *starts)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < wide->count; i++) {
        wide->order[i] = i;
    }
    sort_by(wide, offsetof(Unit, class), CLASSES, wide->order, spare, starts);
    sort_by(wide, offsetof(Unit, level), wide->count, spare, wide->order, starts);
    for (uint32_t from = 0, to; from < wide->count; from = to) {
        const Unit *first = &wide->units[wide->order[from]];
        for (to = from; to < wide->count && is_of_class(wide, to, first); to++) {
        }
        found += first->class != ALONE ? (to - from) / LEAST * LEAST : 0;
    }
    return found;
}

/* Level the units early, which keeps those apart that come from different places; or late if that
 * puts many more beside each other: where they begin with a chain, as the way back from one does.
 */
int find_classes(Wide *wide)
{
    size_t slots = (wide->is_back ? wide->plan->gradients : wide->plan->slots) + (size_t)1;
    size_t room = (wide->count > CLASSES ? wide->count : CLASSES) + (size_t)2;
    Mark *marks = malloc(slots * sizeof *marks);
    uint32_t *spare = malloc(room * sizeof *spare), *starts = malloc(room * sizeof *starts);
    int is_ready = marks != NULL && spare != NULL && starts != NULL;
    void (*const levels[])(Wide *, Mark *) = {level_early, level_late, level_early};
    for (uint32_t turn = 0, best = 0; is_ready && turn < 3; turn++) {
        memset(marks, 0, slots * sizeof *marks);
        levels[turn](wide, marks);
        uint32_t found = sort_units(wide, spare, starts);
        if (turn == 1 && found > best + best / 8) {
            break;
        }
        best = found;
    }
    free(marks);
    free(spare);
    free(starts);
    return is_ready;
}
