/* The new places of a wide plan's numbers: of steps alone, of long lists, of what stands around. */
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
    wide->waiting =
        grown(wide->maker, wide->waiting, wide->waiting_count, &wide->waiting_room, sizeof waiting);
    if (!wide->maker->failed) {
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

static void place_plain(Wide *wide, Step *step)
{
    int reads = reads_of(wide, step);
    step->x = reads & READS_X ? placed(&wide->values, step->x) : 0;
    step->y = reads & READS_Y ? placed(&wide->values, step->y) : 0;
    if (!wide->is_back || reads & READS_Z) {
        step->z = placed(&wide->values, step->z);
    } else {
        step->z = 0;
    }
}

void place_forward(Wide *wide, Step *step)
{
    Slots *values = &wide->values;
    Plan *plan = wide->plan;
    if (step->op == STEP_MATMUL) {
        place_later(wide, (Waiting){OF_PRODUCT, step->x, 0});
    } else if (step->op == STEP_LIST && step->shape == SHAPE_SPREAD) {
        place_later(wide, (Waiting){OF_VALUES, step->x, step->y});
        place_list(values, plan->lists + step->x + step->y, step->y); /* in a row */
    } else if (step->op == STEP_LIST) {
        place_later(wide, (Waiting){OF_VALUES, step->x, step->y});
        if (step->t != NONE) {
            place_row(values, &step->t, step->y);
        }
        step->z = placed(values, step->z);
    } else {
        place_plain(wide, step);
    }
}

void place_backward(Wide *wide, Step *step)
{
    Slots *gradients = &wide->gradients;
    Plan *plan = wide->plan;
    if (step->op == STEP_MATMUL) {
        Group *group = &plan->groups[step->x];
        begin_targets(wide, group->targets, group->wanted_count);
        place_later(wide, (Waiting){OF_PRODUCT_BACK, step->x, 0});
        return;
    }
    if (step->op == STEP_LIST) { /* spread, or mean */
        begin_targets(wide, plan->lists + step->t, step->y);
        place_later(wide, (Waiting){OF_TARGETS, step->t, step->y});
        step->x = step->shape == SHAPE_SPREAD ? placed(&wide->values, step->x) : 0;
    } else {
        step->assigns = is_first(wide, step->t);
        step->t = placed(gradients, step->t);
        if (step->op == STEP_ZERO) {
            return;
        }
        place_plain(wide, step);
    }
    step->g = placed(gradients, step->g);
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
