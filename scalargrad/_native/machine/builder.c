/* What grows while a plan is built. */
#include "builder.h"

void *grown(Builder *builder, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t next = *room != 0 ? *room * 2 : 64;
    void *fresh = realloc(items, next * size);
    if (fresh == NULL) {
        builder->failed = true;
        return items;
    }
    *room = next;
    return fresh;
}

int grow_operands(Builder *builder, size_t more)
{
    if (builder->list_count + more <= builder->list_room) {
        return 1;
    }
    size_t room = 2 * builder->list_room + more;
    uint32_t *fresh = realloc(builder->list, room * sizeof *fresh);
    if (fresh == NULL) {
        return 0;
    }
    builder->list = fresh;
    builder->list_room = room;
    return 1;
}

void push_list(Builder *builder, uint32_t entry)
{
    Plan *plan = builder->plan;
    plan->lists = grown(builder, plan->lists, plan->list_count, &plan->list_room, sizeof entry);
    if (!builder->failed) {
        plan->lists[plan->list_count++] = entry;
    }
}

uint32_t *filled(size_t count)
{
    uint32_t *items = malloc((count + 1) * sizeof *items);
    if (items != NULL) {
        memset(items, 0xff, (count + 1) * sizeof *items);
    }
    return items;
}

void push_instruction(Builder *builder, Program *program, Instruction instruction)
{
    assert(instruction.code != DETACH && instruction.code < CODES_END);
    program->instructions =
        grown(builder, program->instructions, program->count, &program->room, sizeof instruction);
    if (!builder->failed) {
        program->instructions[program->count++] = instruction;
    }
}

uint32_t add_constant(Builder *builder, double number)
{
    Plan *plan = builder->plan;
    if (plan->constant_count == builder->constant_room) {
        uint32_t room = builder->constant_room * 2 + 16;
        double *fresh = realloc(plan->constants, room * sizeof(double));
        if (fresh == NULL) {
            builder->failed = true;
            return 0;
        }
        plan->constants = fresh;
        builder->constant_room = room;
    }
    plan->constants[plan->constant_count] = number;
    return plan->constant_count++;
}

uint32_t root_of(const Builder *builder)
{
    uint32_t root = node_at(builder, builder->tape->outputs[builder->tape->root]);
    return builder->tape->is_fast ? builder->nodes[root].same : root;
}
