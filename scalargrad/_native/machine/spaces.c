/* Work spaces: the slots, gradients and matrices that a run writes to, kept for later runs. */
#include "run.h"

static void *aligned(size_t count)
{
    size_t size = (count * sizeof(double) + 127) / 64 * 64;
    char *block = malloc(size + 64);
    if (block == NULL) {
        return NULL;
    }
    char *start = block + 64 - ((uintptr_t)block & 63); /* its own address stands before it */
    memcpy(start - sizeof block, &block, sizeof block);
    memset(start, 0, size);
    return start;
}

static void free_aligned(void *start)
{
    if (start != NULL) {
        char *block;
        memcpy(&block, (char *)start - sizeof block, sizeof block);
        free(block);
    }
}

void free_space(Space *space)
{
    if (space != NULL) {
        free_aligned(space->values);
        free_aligned(space->gradients);
        free_aligned(space->matrices);
        free(space);
    }
}

/* Return a space of so many numbers of each kind. */
static Space *allocate(size_t values, size_t gradients, size_t matrices)
{
    Space *space = calloc(1, sizeof *space);
    if (space == NULL) {
        return NULL;
    }
    space->values = aligned(values);
    space->gradients = aligned(gradients);
    space->matrices = aligned(matrices);
    if (space->values == NULL || space->gradients == NULL || space->matrices == NULL) {
        free_space(space);
        return NULL;
    }
    return space;
}

void lend_space(Space *space, const Plan *plan, size_t stride)
{
    space->stride = stride;
    space->packed_for = NULL;
    for (uint32_t i = 0; i < plan->constant_count; i++) {
        if (plan->constant_slots[i] != NONE) {
            fill(row_at(space->values, plan->constant_slots[i], stride), plan->constants[i],
                 stride);
        }
    }
    for (size_t i = 0; i < plan->constant_row_count; i++) {
        const ConstantRow *whole = &plan->constant_rows[i];
        fill(space->values + whole->slot, plan->constants[whole->constant], MOST_LANES);
    }
}

/* A row of lists wants room for each operand, for a list that it binds, and for partials in pairs. */
static size_t room_for_lists(const Plan *plan)
{
    return plan->matrix_room + (size_t)plan->longest + plan->longest + 2 * (size_t)plan->longest;
}

static Space *new_space(const Plan *plan, size_t stride)
{
    Space *space = allocate(plan->slots * stride, plan->gradients * stride, room_for_lists(plan));
    if (space != NULL) {
        lend_space(space, plan, stride);
    }
    return space;
}

Space *common_space(const Plan *const *plans, size_t count, size_t lanes)
{
    size_t values = 0, gradients = 0, matrices = 0;
    for (size_t i = 0; i < count; i++) {
        size_t stride = stride_for(plans[i], lanes), lists = room_for_lists(plans[i]);
        values = plans[i]->slots * stride > values ? plans[i]->slots * stride : values;
        gradients =
            plans[i]->gradients * stride > gradients ? plans[i]->gradients * stride : gradients;
        matrices = lists > matrices ? lists : matrices;
    }
    return allocate(values, gradients, matrices);
}

Space *take_space(Spaces *spaces, const Plan *plan, size_t stride)
{
    for (Space **link = &spaces->first; *link != NULL; link = &(*link)->next) {
        Space *space = *link;
        if (space->stride == stride) {
            *link = space->next;
            return space;
        }
    }
    return new_space(plan, stride);
}

void give_space(Spaces *spaces, Space *space)
{
    int count = 0;
    for (Space *other = spaces->first; other != NULL; other = other->next) {
        count++;
    }
    if (count >= KEPT_SPACES) {
        free_space(space);
        return;
    }
    space->next = spaces->first;
    spaces->first = space;
}

void free_spaces(Spaces *spaces)
{
    while (spaces->first != NULL) {
        Space *space = spaces->first;
        spaces->first = space->next;
        free_space(space);
    }
}
