/* The new places of a wide plan's numbers: of what runs alone, of long lists, of the ends. */
#include "units.h"

int make_slots(Slots *slots, size_t count)
{
    slots->place = filled(count);
    slots->is_written = calloc(count + 1, 1);
    memset(slots->spare, 0xff, sizeof slots->spare);
    return slots->place != NULL && slots->is_written != NULL;
}

void free_slots(Slots *slots)
{
    free(slots->place);
    free(slots->is_written);
}

uint32_t placed(Slots *slots, uint32_t old)
{
    if (slots->place[old] == NONE) {
        slots->place[old] = slots->count++;
    }
    return slots->place[old];
}

uint8_t is_first(Wide *wide, uint32_t target)
{
    uint8_t is_written = wide->gradients.is_written[target];
    wide->gradients.is_written[target] = 1;
    return !is_written;
}

static void begin_targets(Wide *wide, uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            targets[j] = (targets[j] & ~1u) | is_first(wide, targets[j] >> 1);
        }
    }
}

/* Long lists may name any places: classes, which want rows, choose theirs first. */
static void place_later(Wide *wide, Waiting waiting)
{
    wide->waiting = grown(wide->builder, wide->waiting, wide->waiting_count, &wide->waiting_room,
                          sizeof waiting);
    if (!wide->builder->failed) {
        wide->waiting[wide->waiting_count++] = waiting;
    }
}

static void place_list(Slots *slots, uint32_t *list, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        list[j] = placed(slots, list[j]);
    }
}

static void place_targets(Slots *slots, uint32_t *targets, uint32_t count)
{
    for (uint32_t j = 0; j < count; j++) {
        if (targets[j] != NONE) {
            targets[j] = placed(slots, targets[j] >> 1) << 1 | (targets[j] & 1);
        }
    }
}

static void place_waiting(Wide *wide)
{
    Plan *plan = wide->plan;
    for (size_t i = 0; i < wide->waiting_count; i++) {
        const Waiting *w = &wide->waiting[i];
        Group *group = w->kind >= OF_PRODUCT ? &plan->groups[w->first] : NULL;
        switch (w->kind) {
        case OF_VALUES:
            place_list(&wide->values, plan->lists + w->first, w->count);
            break;
        case OF_TARGETS:
            place_targets(&wide->gradients, plan->lists + w->first, w->count);
            break;
        case OF_PRODUCT:
            place_list(&wide->values, group->xs, group->inner);
            place_list(&wide->values, group->zs, group->outer);
            break;
        default:
            place_list(&wide->gradients, group->gs, group->outer);
            place_targets(&wide->gradients, group->targets, group->wanted_count);
        }
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

static void place_plain(Wide *wide, Instruction *instruction)
{
    int reads = reads_of(wide, instruction);
    instruction->x = reads & READS_X ? placed(&wide->values, instruction->x) : 0;
    instruction->y = reads & READS_Y ? placed(&wide->values, instruction->y) : 0;
    if (!wide->is_back || reads & READS_Z) {
        instruction->z = placed(&wide->values, instruction->z);
    } else {
        instruction->z = 0;
    }
}

void place_forward(Wide *wide, Instruction *instruction)
{
    Slots *values = &wide->values;
    Plan *plan = wide->plan;
    if (instruction->code == CODE_MATMUL) {
        place_later(wide, (Waiting){OF_PRODUCT, instruction->x, 0});
    } else if (instruction->code == CODE_SPREAD) {
        place_later(wide, (Waiting){OF_VALUES, instruction->x, instruction->y});
        place_list(values, plan->lists + instruction->x + instruction->y,
                   instruction->y); /* in a row */
    } else if (is_list(instruction)) {
        place_later(wide, (Waiting){OF_VALUES, instruction->x, instruction->y});
        if (instruction->t != NONE) {
            place_row(values, &instruction->t, instruction->y);
        }
        instruction->z = placed(values, instruction->z);
    } else {
        place_plain(wide, instruction);
    }
}

void place_backward(Wide *wide, Instruction *instruction)
{
    Slots *gradients = &wide->gradients;
    Plan *plan = wide->plan;
    if (instruction->code == CODE_MATMUL) {
        Group *group = &plan->groups[instruction->x];
        begin_targets(wide, group->targets, group->wanted_count);
        place_later(wide, (Waiting){OF_PRODUCT_BACK, instruction->x, 0});
        return;
    }
    if (is_list(instruction)) { /* spread, or mean */
        begin_targets(wide, plan->lists + instruction->t, instruction->y);
        place_later(wide, (Waiting){OF_TARGETS, instruction->t, instruction->y});
        instruction->x =
            instruction->code == CODE_SPREAD ? placed(&wide->values, instruction->x) : 0;
    } else {
        instruction->assigns = is_first(wide, instruction->t);
        instruction->t = placed(gradients, instruction->t);
        if (instruction->code == CODE_ZERO) {
            return;
        }
        place_plain(wide, instruction);
    }
    instruction->g = placed(gradients, instruction->g);
}

static void place_used(Slots *slots, uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = list[i] != NONE ? placed(slots, list[i]) : NONE;
    }
}

/* What stands outside of the programs gets its new places. */
void place_ends(Wide *wide)
{
    Plan *plan = wide->plan;
    Slots *values = &wide->values, *gradients = &wide->gradients;
    place_waiting(wide);
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
    plan->slots = values->count > MOST_LANES ? values->count : MOST_LANES; /* named, if not read */
    plan->gradients = gradients->count;
}
