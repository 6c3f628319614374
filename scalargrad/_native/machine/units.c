/* Reads the programs of a plan as units: what each one reads and writes, and its class. */
#include "units.h"

static void push_unit(Vectorizer *vec, Instruction instruction, uint32_t class)
{
    assert(class < CLASSES);
    vec->units = grown(vec->builder, vec->units, vec->count, &vec->room, sizeof(Unit));
    if (!vec->builder->failed) {
        vec->units[vec->count++] =
            (Unit){.instruction = instruction, .class = class, .edges = (uint32_t)vec->edge_count};
    }
}

static void push_edge(Vectorizer *vec, uint32_t slot)
{
    vec->edges = grown(vec->builder, vec->edges, vec->edge_count, &vec->edge_room, sizeof slot);
    if (!vec->builder->failed) {
        vec->edges[vec->edge_count++] = slot;
    }
}

/* Edges of the last unit: first all that it reads, then all that it writes. */
static void push_read(Vectorizer *vec, uint32_t slot)
{
    push_edge(vec, slot);
    if (!vec->builder->failed) {
        vec->units[vec->count - 1].reads++;
    }
}

static void push_write(Vectorizer *vec, uint32_t slot)
{
    push_edge(vec, slot);
    if (!vec->builder->failed) {
        vec->units[vec->count - 1].writes++;
    }
}

/* What of x, y and z an instruction reads that is no list, no matrix product and no zero. */
int reads_of(const Vectorizer *vec, const Instruction *instruction)
{
    if (vec->is_back && instruction->code < CODES) {
        return row_of(instruction->code)->reads[instruction->operand];
    }
    const Form *form = form_of(instruction);
    const uint8_t *fields = vec->is_back ? form->backward : form->forward;
    int reads = 0;
    for (int field = IN_X; field <= IN_Z; field++) {
        reads |= (fields[field] == FIELD_READ) << field;
    }
    return reads;
}

static void read_product(Vectorizer *vec, const Instruction *instruction)
{
    const Group *group = &vec->plan->groups[instruction->x];
    push_unit(vec, *instruction, ALONE);
    for (uint32_t j = 0; j < group->inner; j++) {
        push_read(vec, group->xs[j]);
    }
    for (uint32_t j = 0; j < group->outer; j++) {
        push_write(vec, group->zs[j]);
    }
}

/* Short sums and dots of equally many operands are isomorphic. */
static uint32_t class_of_list(const Instruction *instruction)
{
    int is_sum = instruction->code == CODE_SUM, is_dot = instruction->code == CODE_DOT;
    if (!(is_sum || is_dot) || instruction->y == 0 || instruction->y > MOST_OPERANDS) {
        return ALONE;
    }
    uint32_t kind = 2u * (uint32_t)is_sum + instruction->assigns;
    return LIST_CLASSES + kind * (MOST_OPERANDS + 1) + instruction->y;
}

static void read_list(Vectorizer *vec, const Instruction *instruction)
{
    const Plan *plan = vec->plan;
    push_unit(vec, *instruction, class_of_list(instruction));
    for (uint32_t j = 0; j < instruction->y; j++) {
        push_read(vec, plan->lists[instruction->x + j]);
    }
    for (uint32_t j = 0; instruction->code == CODE_SPREAD && j < instruction->y; j++) {
        push_write(vec, plan->lists[instruction->x + instruction->y + j]);
    }
    if (instruction->code != CODE_SPREAD) {
        push_write(vec, instruction->z);
    }
}

void read_forward(Vectorizer *vec, const Instruction *instruction)
{
    if (instruction->code == CODE_MATMUL) {
        read_product(vec, instruction);
    } else if (is_list(instruction)) {
        read_list(vec, instruction);
    } else {
        int reads = reads_of(vec, instruction);
        uint32_t constants = (vec->constant_at[instruction->x] != NONE) * 256u +
                             (reads & READS_Y && vec->constant_at[instruction->y] != NONE) * 512u;
        push_unit(vec, *instruction, instruction->code + constants); /* 1 - x is no x - y */
        push_read(vec, instruction->x);
        if (reads & READS_Y) {
            push_read(vec, instruction->y);
        }
        push_write(vec, instruction->z);
    }
}

static void read_term(Vectorizer *vec, Instruction instruction)
{
    push_unit(vec, instruction, 2u * instruction.code + instruction.operand);
    push_read(vec, instruction.g);
    push_write(vec, instruction.t);
}

static void write_targets(Vectorizer *vec, const uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            push_write(vec, targets[j] >> 1);
        }
    }
}

/* The terms of a list are those of a sum, or of products with the other operand. */
static void read_list_back(Vectorizer *vec, const Instruction *instruction)
{
    const Plan *plan = vec->plan;
    if (instruction->code == CODE_SPREAD || instruction->code == CODE_MEAN) {
        push_unit(vec, *instruction, ALONE);
        push_read(vec, instruction->g);
        write_targets(vec, plan->lists + instruction->t, instruction->y);
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
            read_term(vec, term);
        }
    }
}

void read_backward(Vectorizer *vec, const Instruction *instruction)
{
    if (is_list(instruction)) {
        read_list_back(vec, instruction);
    } else if (instruction->code == CODE_ZERO) {
        push_unit(vec, *instruction, ALONE);
        push_write(vec, instruction->t);
    } else if (instruction->code == CODE_MATMUL) {
        const Group *group = &vec->plan->groups[instruction->x];
        push_unit(vec, *instruction, ALONE);
        for (uint32_t j = 0; j < group->outer; j++) {
            push_read(vec, group->gs[j]);
        }
        write_targets(vec, group->targets, group->active_count);
    } else if (instruction->operand == BOTH) {
        Instruction first = *instruction, second = *instruction;
        first.operand = 0;
        second.operand = 1;
        second.t = instruction->u;
        read_term(vec, first);
        read_term(vec, second);
    } else {
        read_term(vec, *instruction);
    }
}
