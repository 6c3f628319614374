/* Memory: nodes in slabs that go back to the system when empty; notes in a table beside them. */
#include "node.h"

#if defined(_WIN32)
#include <malloc.h>
#else
#include <sys/mman.h>
#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif
#endif

PyTypeObject *Value_Type, *Kin_Type;

/* -- slabs ---------------------------------------------------------------------------------- */

enum { SPARES = 64 }; /* empty slabs that are kept: 64 MiB */
enum { BATCH = 56 };  /* nodes put into a free list at a time: about one page */

static Slab nothing; /* stands for *no slab yet*, so that the fast path asks one question only */
Slab *current_slab = &nothing;

#ifndef EACH_NODE_ALONE

static Slab *partial; /* slabs with free and used nodes, but for the current one */
static Slab *spares;
static int spare_count;

static Slab *map_slab(void)
{
#if defined(_WIN32)
    return _aligned_malloc(SLAB_SIZE, SLAB_SIZE);
#else
    /* twice as much as needed contains an aligned slab; the rest goes back at once */
    char *start =
        mmap(NULL, 2 * SLAB_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        return NULL;
    }
    uintptr_t aligned = ((uintptr_t)start + SLAB_SIZE - 1) & ~(uintptr_t)(SLAB_SIZE - 1);
    size_t before = aligned - (uintptr_t)start;
    if (before != 0) {
        munmap(start, before);
    }
    if (before != SLAB_SIZE) {
        munmap((char *)aligned + SLAB_SIZE, SLAB_SIZE - before);
    }
    return (Slab *)aligned;
#endif
}

static void unmap_slab(Slab *slab)
{
#if defined(_WIN32)
    _aligned_free(slab);
#else
    munmap(slab, SLAB_SIZE);
#endif
}

static void reset(Slab *slab)
{
    memset(slab, 0, sizeof *slab);
    slab->fresh = (char *)slab + sizeof(Slab);
}

static int thread_fresh_nodes(Slab *slab)
{
    char *end = (char *)slab + SLAB_SIZE;
    if (slab->fresh == NULL || slab->fresh + sizeof(Value) > end) {
        return 0;
    }
    Value **link = &slab->free;
    for (int i = 0; i < BATCH && slab->fresh + sizeof(Value) <= end; i++) {
        Value *node = (Value *)slab->fresh;
        memset(node, 0, sizeof(PyObject)); /* some Pythons look at the count that they replace */
        slab->fresh += sizeof(Value);
        *link = node;
        link = &node->next_free;
    }
    *link = NULL;
    return 1;
}

Value *take_node_slowly(void)
{
    while (current_slab->free == NULL && !thread_fresh_nodes(current_slab)) {
        Slab *next = NULL;
        if (partial != NULL) {
            next = partial;
            partial = next->next;
            if (partial != NULL) {
                partial->previous = NULL;
            }
            next->next = NULL;
        } else if (spares != NULL) {
            next = spares;
            spares = next->next;
            spare_count--;
            reset(next);
        } else {
            next = map_slab();
            if (next == NULL) {
                return (Value *)PyErr_NoMemory();
            }
            reset(next);
        }
        current_slab->full = current_slab != &nothing;
        current_slab = next;
    }
    Value *node = current_slab->free;
    current_slab->free = node->next_free;
    current_slab->used++;
    return node;
}

/* A node came back to a slab that was full, or that is empty now. */
void slab_changed(Slab *slab)
{
    if (slab == current_slab) {
        return;
    }
    if (slab->full) {
        slab->full = 0;
        slab->previous = NULL;
        slab->next = partial;
        if (partial != NULL) {
            partial->previous = slab;
        }
        partial = slab;
    }
    if (slab->used != 0) {
        return;
    }
    if (slab->previous != NULL) {
        slab->previous->next = slab->next;
    } else {
        partial = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->previous = slab->previous;
    }
    if (spare_count < SPARES) {
        slab->next = spares;
        spares = slab;
        spare_count++;
    } else {
        unmap_slab(slab);
    }
}

#endif

PyTypeObject *held_with(PyTypeObject *held, Value *parent)
{
    PyTypeObject *type = Py_TYPE(parent);
    if (type == Value_Type && !(parent->flags & TRACKED)) {
        return held;
    }
    parent->marks |= USED;
    if (held == NULL || held == Value_Type) {
        return is_kin((PyObject *)parent) ? type : Value_Type;
    }
    return PyType_IsSubtype(type, held) ? type : held; /* the class that knows more */
}

Value *new_node_if_held(uint8_t op, PyTypeObject *held)
{
    if (held == NULL) {
        return new_node(op, 0);
    }
    Value *node;
    if (held != Value_Type) {
        if ((node = PyObject_GC_New(Value, held)) != NULL) {
            memset((char *)node + sizeof(PyObject), 0, held->tp_basicsize - sizeof(PyObject));
            node->op = op;
            node->marks = WHOLE_GRAD; /* 0 is an int */
        }
        return node;
    }
    node = PyObject_GC_New(Value, Value_Type);
    if (node == NULL) {
        return NULL;
    }
    node->mark = 0;
    node->op = op;
    node->count = 0;
    node->flags = TRACKED;
    node->marks = 0;
    node->grad = 0.0;
    return node;
}

/* -- notes: a hash table from nodes to what is rarely said of them ------------------------- */

typedef struct {
    Value *node;
    PyObject *notes;
} Note;

static Note *table;
static size_t slots, filled; /* slots is a power of two */

static size_t home(Value *node)
{
    uint64_t key = (uint64_t)(uintptr_t)node >> 3;
    return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (slots - 1);
}

static Note *find(Value *node)
{
    assert(slots != 0 && (slots & (slots - 1)) == 0 && filled < slots);
    size_t i = home(node);
    while (table[i].node != NULL && table[i].node != node) {
        i = (i + 1) & (slots - 1);
    }
    return &table[i];
}

/* Return whether there was memory for it; sets no error. */
static int resize(size_t size)
{
    Note *old = table, *fresh = PyMem_RawCalloc(size, sizeof(Note));
    size_t old_slots = slots;
    if (fresh == NULL) {
        return 0;
    }
    table = fresh;
    slots = size;
    for (size_t i = 0; i < old_slots; i++) {
        if (old[i].node != NULL) {
            *find(old[i].node) = old[i];
        }
    }
    PyMem_RawFree(old);
    return 1;
}

PyObject *get_notes(Value *node) { return node->flags & NOTED ? find(node)->notes : NULL; }

PyObject *take_notes(Value *node)
{
    if (!(node->flags & NOTED)) {
        return NULL;
    }
    Note *note = find(node);
    assert(note->node == node);
    PyObject *notes = note->notes;
    size_t hole = (size_t)(note - table), i = hole;
    for (;;) { /* close the gap, so that no search stops at it */
        i = (i + 1) & (slots - 1);
        if (table[i].node == NULL) {
            break;
        }
        size_t from = home(table[i].node);
        if (((i - from) & (slots - 1)) >= ((i - hole) & (slots - 1))) {
            table[hole] = table[i];
            hole = i;
        }
    }
    table[hole].node = NULL;
    filled--;
    node->flags &= (uint8_t)~NOTED;
    if (slots > 4096 && filled * 8 < slots) {
        resize(slots / 4); /* without memory for that it only stays larger than it need be */
    }
    return notes;
}

int set_notes(Value *node, PyObject *notes)
{
    if (notes == NULL || notes == Py_None) {
        Py_XDECREF(take_notes(node));
        return 0;
    }
    if ((filled + 1) * 4 > slots * 3 && !resize(slots != 0 ? slots * 2 : 1024)) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(notes);
    Note *note = find(node);
    PyObject *old = note->node == node ? note->notes : NULL;
    filled += old == NULL;
    note->node = node;
    note->notes = notes;
    node->flags |= NOTED;
    Py_XDECREF(old);
    return 0;
}
