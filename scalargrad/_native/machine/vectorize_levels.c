/* List scheduling by levels (Hu, "Parallel sequencing and assembly line problems", 1961): as soon as
 * possible, or as late. There is no bound on how many units run together, so a level is all that
 * could; the order in which terms are added to one gradient bounds it as edges do.
 */
#include "units.h"

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
static uint32_t least_level(const Mark *mark, uint32_t class)
{
    return mark->term + (mark->class != class);
}

/* Run every unit as soon as it can be. */
static void level_asap(Vectorizer *vec, Mark *marks)
{
    for (uint32_t i = 0; i < vec->count; i++) {
        Unit *unit = &vec->units[i];
        const uint32_t *reads = vec->edges + unit->edges, *writes = reads + unit->reads;
        uint32_t level = 0;
        for (uint32_t j = 0; j < unit->reads; j++) {
            raise_to(&level, marks[reads[j]].term);
        }
        level++;
        for (uint32_t j = 0; j < unit->writes; j++) {
            const Mark *mark = &marks[writes[j]];
            int is_bound = mark->terms + terms_of(unit) > 2;
            raise_to(&level, is_bound ? least_level(mark, unit->class) : 0);
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
static void level_alap(Vectorizer *vec, Mark *marks)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < vec->count; i++) {
        const uint32_t *writes = vec->edges + vec->units[i].edges + vec->units[i].reads;
        for (uint32_t j = 0; j < vec->units[i].writes; j++) {
            marks[writes[j]].terms += terms_of(&vec->units[i]);
        }
    }
    for (uint32_t i = vec->count; i-- > 0;) {
        Unit *unit = &vec->units[i];
        const uint32_t *reads = vec->edges + unit->edges, *writes = reads + unit->reads;
        uint32_t level = 0; /* counted from the end */
        for (uint32_t j = 0; j < unit->writes; j++) {
            raise_to(&level, marks[writes[j]].read);
        }
        level++;
        for (uint32_t j = 0; j < unit->writes; j++) {
            const Mark *mark = &marks[writes[j]];
            raise_to(&level, mark->term != 0 ? least_level(mark, unit->class) : 0);
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
    for (uint32_t i = 0; i < vec->count; i++) {
        vec->units[i].level = top + 1 - vec->units[i].level;
    }
}

/* -- classes ----------------------------------------------------------------------------------- */

/* Sort by what is in a field of the units; what is equal stays in order. */
static void sort_by(const Vectorizer *vec, size_t field, uint32_t most, const uint32_t *from,
                    uint32_t *to, uint32_t *starts)
{
#define KEY(i) (*(const uint32_t *)(const void *)((const char *)&vec->units[i] + field))
    memset(starts, 0, ((size_t)most + 2) * sizeof *starts);
    for (uint32_t i = 0; i < vec->count; i++) {
        starts[KEY(i) + 1]++;
    }
    for (uint32_t i = 0; i <= most; i++) {
        starts[i + 1] += starts[i];
    }
    for (uint32_t i = 0; i < vec->count; i++) {
        to[starts[KEY(from[i])]++] = from[i];
    }
#undef KEY
}

/* Sort units by level and class; return how many can run as lanes. */
static uint32_t sort_units(Vectorizer *vec, uint32_t *spare, uint32_t *starts)
{
    uint32_t vectorizable = 0;
    for (uint32_t i = 0; i < vec->count; i++) {
        vec->order[i] = i;
    }
    sort_by(vec, offsetof(Unit, class), CLASSES, vec->order, spare, starts);
    sort_by(vec, offsetof(Unit, level), vec->count, spare, vec->order, starts);
    for (uint32_t from = 0, to; from < vec->count; from = to) {
        const Unit *first = &vec->units[vec->order[from]];
        for (to = from; to < vec->count && is_of_class(vec, to, first); to++) {
        }
        vectorizable += first->class != ALONE ? (to - from) / LEAST_LANES * LEAST_LANES : 0;
    }
    return vectorizable;
}

/* Level the units early, which keeps those apart that come from different places; or late if that
 * puts many more into vectors: where they begin with a chain, as the way back from one does.
 */
int schedule(Vectorizer *vec)
{
    size_t slots = (vec->is_back ? vec->plan->gradients : vec->plan->slots) + (size_t)1;
    size_t room = (vec->count > CLASSES ? vec->count : CLASSES) + (size_t)2;
    Mark *marks = malloc(slots * sizeof *marks);
    uint32_t *spare = malloc(room * sizeof *spare), *starts = malloc(room * sizeof *starts);
    int is_ready = marks != NULL && spare != NULL && starts != NULL;
    void (*const levels[])(Vectorizer *, Mark *) = {level_asap, level_alap, level_asap};
    for (uint32_t turn = 0, best = 0; is_ready && turn < 3; turn++) {
        memset(marks, 0, slots * sizeof *marks);
        levels[turn](vec, marks);
        uint32_t lanes = sort_units(vec, spare, starts);
        if (turn == 1 && lanes > best + best / LATE_GAIN) {
            break;
        }
        best = lanes;
    }
    free(marks);
    free(spare);
    free(starts);
    return is_ready;
}
