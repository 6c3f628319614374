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

static void free_space(Space *space)
{
    if (space != NULL) {
        free_aligned(space->values);
        free_aligned(space->gradients);
        free_aligned(space->matrices);
        free(space);
    }
}

static Space *new_space(const Plan *plan, size_t stride)
{
    Space *space = calloc(1, sizeof *space);
    if (space == NULL) {
        return NULL;
    }
    space->stride = stride;
    space->values = aligned(plan->slots * stride);
    space->gradients = aligned(plan->gradients * stride);
    space->matrices = aligned(plan->matrix_room + 8 * (size_t)plan->longest);
    if (space->values == NULL || space->gradients == NULL || space->matrices == NULL) {
        free_space(space);
        return NULL;
    }
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
    return space;
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
