/* How nodes die: without recursion, and what the cyclic collector sees of them. */
#include "node.h"

/* Give up one reference to a parent; a node that dies by it joins the list of the dead. */
static ALWAYS_INLINE void drop(Value *parent, Value **dead)
{
    PyObject *object = (PyObject *)parent;
    if (parent == NULL) {
        return;
    }
    if (LIKELY(is_value(object)) && Py_REFCNT(object) == 1) {
        if (parent->flags & TRACKED) {
            PyObject_GC_UnTrack(parent);
        }
        parent->next_dead = *dead;
        *dead = parent;
        return;
    }
    Py_DECREF(object); /* lives on, or is a subclass's with a finaliser of its own */
}

static ALWAYS_INLINE void drop_all(Value *node, Value **dead)
{
    if (node->count == BLOCK) {
        Block *block = node->block;
        node->count = node->op = 0; /* for whoever looks at it while finalisers run */
        for (Py_ssize_t i = 0; i < block->count; i++) {
            drop(block->operands[i].parent, dead);
        }
        Py_XDECREF(block->op);
        PyMem_Free(block);
    } else if (node->count != 0) {
        int two = node->count == 2;
        node->count = node->op = 0;
        drop(node->pair[0].parent, dead);
        if (two) {
            drop(node->pair[1].parent, dead);
        }
    }
}

/* Free a node and whatever dies with it, without recursion: the dead are threaded to a list. */
static void bury(Value *node)
{
    Value *dead = NULL;
    for (;;) {
        PyObject *notes = node->flags & NOTED ? take_notes(node) : NULL;
        drop_all(node, &dead);
        assert(node->count == 0 && !(node->flags & NOTED));
        if (UNLIKELY(node->flags & TRACKED)) {
            PyObject_GC_Del(node);
            Py_DECREF(Value_Type);
        } else {
            give_node(node);
        }
        Py_XDECREF(notes);
        if (dead == NULL) {
            return;
        }
        node = dead;
        dead = node->next_dead;
    }
}

/* What the last reference to a Value runs. */
void free_value(PyObject *self)
{
    Value *node = (Value *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (LIKELY(type == Value_Type)) {
        if (node->flags & TRACKED) {
            PyObject_GC_UnTrack(self);
        }
        bury(node);
        return;
    }
    PyObject_GC_UnTrack(self);
    set_notes(node, NULL);
    drop_operands(node);
    type->tp_free(self);
    Py_DECREF(type);
}

void drop_operands(Value *node)
{
    Value *dead = NULL;
    drop_all(node, &dead);
    while (dead != NULL) {
        Value *next = dead;
        dead = next->next_dead;
        bury(next);
    }
}

/* Of its own, so that Python sees that subclasses are laid out in another way in memory, and
 * refuses to assign one class to the other's `__class__`. */
void free_subclass(void *object) { PyObject_GC_Del(object); }

int visit_parents(PyObject *self, visitproc visit, void *arg)
{
    Py_ssize_t count;
    Operand *operands = operands_of((Value *)self, &count);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_VISIT((PyObject *)operands[i].parent);
    }
    Py_VISIT(Py_TYPE(self));
    return 0;
}

/* Plain nodes cannot be part of a cycle, and the cyclic collector never sees them. */
int is_collected(PyObject *self) { return !is_value(self) || (((Value *)self)->flags & TRACKED); }
