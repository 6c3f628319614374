/* Slot assignment of a vectorised plan: of what runs alone, of long lists, of the ends. */
#include "units.h"

int make_slot_map(SlotMap *map, size_t count)
{
    map->slot = filled(count);
    map->is_written = calloc(count + 1, 1);
    memset(map->scratch, 0xff, sizeof map->scratch);
    return map->slot != NULL && map->is_written != NULL;
}

void free_slot_map(SlotMap *map)
{
    free(map->slot);
    free(map->is_written);
}

uint32_t slot_for(SlotMap *map, uint32_t old)
{
    if (map->slot[old] == NONE) {
        map->slot[old] = map->count++;
    }
    return map->slot[old];
}

uint8_t first_write(Vectorizer *vec, uint32_t target)
{
    uint8_t is_written = vec->gradients->is_written[target];
    vec->gradients->is_written[target] = 1;
    return !is_written;
}

static void mark_targets(Vectorizer *vec, uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            targets[j] = (targets[j] & ~1u) | first_write(vec, targets[j] >> 1);
        }
    }
}

/* Long lists may name any slots: packs, which want contiguous ones, choose theirs first. */
static void defer(Vectorizer *vec, Deferred deferred)
{
    vec->deferred = grown(vec->builder, vec->deferred, vec->deferred_count, &vec->deferred_room,
                          sizeof deferred);
    if (!vec->builder->failed) {
        vec->deferred[vec->deferred_count++] = deferred;
    }
}

static void assign_list(SlotMap *map, uint32_t *list, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        list[j] = slot_for(map, list[j]);
    }
}

static void assign_targets(SlotMap *map, uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            targets[j] = slot_for(map, targets[j] >> 1) << 1 | (targets[j] & 1);
        }
    }
}

static void assign_deferred(Vectorizer *vec)
{
    Plan *plan = vec->plan;
    for (size_t i = 0; i < vec->deferred_count; i++) {
        const Deferred *d = &vec->deferred[i];
        Group *group = d->kind >= DEFERRED_PRODUCT ? &plan->groups[d->first] : NULL;
        switch (d->kind) {
        case DEFERRED_VALUES:
            assign_list(vec->values, plan->lists + d->first, d->count);
            break;
        case DEFERRED_TARGETS:
            assign_targets(vec->gradients, plan->lists + d->first, d->count);
            break;
        case DEFERRED_PRODUCT:
            assign_list(vec->values, group->xs, group->inner);
            assign_list(vec->values, group->zs, group->outer);
            break;
        default:
            assign_list(vec->gradients, group->gs, group->outer);
            assign_targets(vec->gradients, group->targets, group->active_count);
        }
    }
}

static void assign_run(SlotMap *map, uint32_t *first, uint32_t count)
{
    uint32_t old = *first;
    *first = map->count;
    for (uint32_t j = 0; j < count; j++) {
        slot_for(map, old + j);
    }
}

static void assign_operands(Vectorizer *vec, Instruction *instruction)
{
    int reads = reads_of(vec, instruction);
    instruction->x = reads & READS_X ? slot_for(vec->values, instruction->x) : 0;
    instruction->y = reads & READS_Y ? slot_for(vec->values, instruction->y) : 0;
    if (!vec->is_back || reads & READS_Z) {
        instruction->z = slot_for(vec->values, instruction->z);
    } else {
        instruction->z = 0;
    }
}

void assign_forward(Vectorizer *vec, Instruction *instruction)
{
    SlotMap *values = vec->values;
    Plan *plan = vec->plan;
    if (instruction->code == CODE_MATMUL) {
        defer(vec, (Deferred){DEFERRED_PRODUCT, instruction->x, 0});
    } else if (instruction->code == CODE_SPREAD) {
        defer(vec, (Deferred){DEFERRED_VALUES, instruction->x, instruction->y});
        uint32_t *results = plan->lists + instruction->x + instruction->y;
        assign_list(values, results, instruction->y); /* contiguous, as they are new */
    } else if (is_list(instruction)) {
        defer(vec, (Deferred){DEFERRED_VALUES, instruction->x, instruction->y});
        if (instruction->t != NONE) {
            assign_run(values, &instruction->t, instruction->y);
        }
        instruction->z = slot_for(values, instruction->z);
    } else {
        assign_operands(vec, instruction);
    }
}

void assign_backward(Vectorizer *vec, Instruction *instruction)
{
    SlotMap *gradients = vec->gradients;
    Plan *plan = vec->plan;
    if (instruction->code == CODE_MATMUL) {
        Group *group = &plan->groups[instruction->x];
        mark_targets(vec, group->targets, group->active_count);
        defer(vec, (Deferred){DEFERRED_PRODUCT_BACK, instruction->x, 0});
        return;
    }
    if (is_list(instruction)) { /* spread, or mean */
        mark_targets(vec, plan->lists + instruction->t, instruction->y);
        defer(vec, (Deferred){DEFERRED_TARGETS, instruction->t, instruction->y});
        instruction->x =
            instruction->code == CODE_SPREAD ? slot_for(vec->values, instruction->x) : 0;
    } else {
        instruction->assigns = first_write(vec, instruction->t);
        instruction->t = slot_for(gradients, instruction->t);
        if (instruction->code == CODE_ZERO) {
            return;
        }
        assign_operands(vec, instruction);
    }
    instruction->g = slot_for(gradients, instruction->g);
}

static void assign_used(SlotMap *map, uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = list[i] != NONE ? slot_for(map, list[i]) : NONE;
    }
}

/* What the programs share with the world outside gets its new slots. */
void assign_boundary(Vectorizer *vec)
{
    Plan *plan = vec->plan;
    SlotMap *values = vec->values, *gradients = vec->gradients;
    assign_deferred(vec);
    assign_used(values, plan->input_slots, plan->inputs);
    assign_used(values, plan->captured_slots, plan->captured);
    assign_used(values, plan->output_slots, plan->outputs);
    for (uint32_t i = 0; i < plan->guard_count; i++) {
        plan->guards[i].left = slot_for(values, plan->guards[i].left);
        plan->guards[i].right = slot_for(values, plan->guards[i].right);
    }
    assign_used(values, plan->constant_slots, plan->constant_count);
    assign_used(gradients, plan->input_gradients, plan->inputs);
    assign_used(gradients, plan->captured_gradients, plan->captured);
    assign_used(gradients, plan->uniform_gradients, plan->uniform_gradient_count);
    assign_used(gradients, &plan->seed, 1);
    plan->spread_count = 0;
    plan->slots = values->count > MOST_LANES ? values->count : MOST_LANES; /* named, if not read */
    plan->gradients = gradients->count;
}
