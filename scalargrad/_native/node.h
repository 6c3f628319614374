/* A node of the native engine, and what its files share. Each file calls only those above it:
 *
 *     memory.c     nodes come from slabs, notes lie beside them
 *     tools.c      what Python hands over, numbers at the door
 *     life.c       how nodes die
 *     tracer.c     what `compile` traces of one thread
 *     modes.c      what the open blocks ask of a fresh node
 *     operators.c  nodes of one and two operands (ops.inc), and the operators
 *     many.c       nodes of many operands
 *     build.c      the methods by which Python builds nodes
 *     backward.c   the backward pass
 *     value.c      the type: constructor and fields
 *     kin.c        the class whose results are of their operands' class
 *     bulk.c       the numbers of many Values at once, the steps of optimisers
 *     sifting.c    the order in which arrows of a picture cross least
 *     quick.c      functions of Python with a short cut
 *     module.c     the module
 *
 * The operations themselves are generated from the table (ops.inc). What is rare, or only text
 * for people, stays in Python and is the same for both engines: see __init__.py.
 *
 * `assert` checks what we must have done right, never what a user did; it costs nothing but in
 * the debug build (tests/sanitizers.sh), which checks even more.
 */
#ifndef SCALARGRAD_NODE_H
#define SCALARGRAD_NODE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "table.h"
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef Py_GIL_DISABLED
#error "the native engine relies on the global interpreter lock; without it the readable one runs"
#endif

#if defined(SCALARGRAD_DEBUG) && defined(NDEBUG)
#error "a debug build without assertions"
#endif

#if defined(__GNUC__)
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define LIKELY(x) (x)
#define UNLIKELY(x) (x)
#define ALWAYS_INLINE inline
#define NOINLINE
#define PREFETCH(address) ((void)0)
#endif

/* -- nodes ---------------------------------------------------------------------------------- */

typedef struct Value Value;

/* One operand: a Value with the partial by it, or (parent NULL) a plain number. */
typedef struct {
    union {
        Value *parent;
        double room; /* as large as a number, where an address is smaller, too */
    };
    double number;
} Operand;

/* Formulas write the partials of a list as every second double: see ops.inc. */
_Static_assert(sizeof(Operand) == 2 * sizeof(double), "an operand is two doubles");
_Static_assert(offsetof(Operand, number) == sizeof(double), "its number is the second one");

/* The operands of a node that has more than two, or a name of its own. */
typedef struct {
    PyObject *op; /* the name, where it is not one of the table */
    Py_ssize_t count;
    Operand operands[];
} Block;

struct Value {
    PyObject_HEAD
    uint32_t mark; /* during a pass: position in the order, counted from 1; of a fresh node: which
                      of several results it is, from 0; else anything */
    uint8_t op;    /* row of the table */
    uint8_t count; /* operands: 0 (a leaf), 1, 2, or BLOCK */
    uint8_t flags;
    uint8_t marks; /* of Kin: see below */
    double data;
    union {
        double grad;
        Value *next_dead;
    };
    union {
        Operand pair[2];
        Block *block;
        Value *next_free;
    };
};

enum { BLOCK = 255 };
enum {
    GRADED = 1,  /* the gradient has been computed: what Python calls `_grad is not None` */
    NOTED = 2,   /* there are notes (label, scope, line) in the side table */
    TRACKED = 4, /* depends on an instance of a subclass, so that cycles are possible */
    LIVE = 8,    /* depends on the inputs of the function that is, or was, traced */
};

_Static_assert(offsetof(Block, operands) % _Alignof(Operand) == 0, "operands follow a block");
_Static_assert(sizeof(Value) % _Alignof(Value) == 0, "nodes lie side by side");

/* What a Kin remembers besides; core/kin.py names the same. */
enum {
    WHOLE = 1,        /* its number came from ints alone */
    WHOLE_GRAD = 2,   /* so did its gradient */
    NO_GRAD = 4,      /* None was assigned to its gradient */
    OWN_BACKWARD = 8, /* it hands its gradient on by a function of the user's */
    WHOLE_PARTIAL =
        16, /* its partial by the first operand is an int; by the second: the next bit */
    WHOLE_EXPONENT = 64,
    USED = 128, /* it is, or was, an operand */
};

extern PyTypeObject *Value_Type;
extern PyTypeObject *Kin_Type; /* results are of the class of their operands, or NULL */

static inline int is_value(PyObject *object) { return Py_TYPE(object) == Value_Type; }

static inline int is_value_or_subclass(PyObject *object)
{
    return is_value(object) || PyType_IsSubtype(Py_TYPE(object), Value_Type);
}

static inline int is_kin(PyObject *object)
{
    return !is_value(object) && Kin_Type != NULL && PyType_IsSubtype(Py_TYPE(object), Kin_Type);
}

/* Whether a node that has this parent may be part of a reference cycle. */
static inline int is_held(Value *parent)
{
    return !is_value((PyObject *)parent) || (parent->flags & TRACKED);
}

/* Whether a float that came from ints alone still is the int that it came from. */
static inline int is_exact(double number)
{
    return -9007199254740992.0 <= number && number <= 9007199254740992.0;
}

/* The class of such a node, which has one more parent; NULL while it cannot be part of a cycle. */
PyTypeObject *held_with(PyTypeObject *held, Value *parent);

static inline Operand *operands_of(Value *node, Py_ssize_t *count)
{
    if (node->count == BLOCK) {
        *count = node->block->count;
        return node->block->operands;
    }
    assert(node->count <= 2);
    *count = node->count;
    return node->pair;
}

/* -- memory.c: nodes come from slabs, notes lie beside them ---------------------------------- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_NODE_ALONE
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EACH_NODE_ALONE /* so that a checker of memory sees every node */
#endif

#define SLAB_SIZE ((size_t)1 << 20)

typedef struct Slab Slab;
struct Slab {
    Value *free;
    size_t used;
    int full;    /* has no free node and is in no list */
    char *fresh; /* from here on no node was ever handed out */
    Slab *next, *previous;
};

_Static_assert(sizeof(Slab) % _Alignof(Value) == 0, "nodes follow the head of a slab");

extern Slab *current_slab;
Value *take_node_slowly(void);
void slab_changed(Slab *slab);

#ifdef EACH_NODE_ALONE
static inline Value *take_node(void)
{
    Value *node = PyMem_RawCalloc(1, sizeof(Value));
    return node != NULL ? node : (Value *)PyErr_NoMemory();
}
static inline void give_node(Value *node) { PyMem_RawFree(node); }
#else
static inline Value *take_node(void)
{
    Slab *slab = current_slab;
    Value *node = slab->free;
    if (UNLIKELY(node == NULL)) {
        return take_node_slowly();
    }
    slab->free = node->next_free;
    slab->used++;
    return node;
}

static inline void give_node(Value *node)
{
    Slab *slab = (Slab *)((uintptr_t)node & ~(uintptr_t)(SLAB_SIZE - 1));
    assert(slab->used > 0);
    node->next_free = slab->free;
    slab->free = node;
    if (UNLIKELY(--slab->used == 0 || slab->full)) {
        slab_changed(slab);
    }
}
#endif

/* Return a fresh leaf of number 0 that no collector sees, or NULL. */
static inline Value *new_node(uint8_t op, uint8_t count)
{
    assert(count <= 2); /* who has more fills in a block */
    Value *node = take_node();
    if (UNLIKELY(node == NULL)) {
        return NULL;
    }
#ifdef Py_REF_DEBUG
    Py_SET_TYPE(node, Value_Type);
    _Py_NewReference((PyObject *)node);
#else
    Py_SET_REFCNT((PyObject *)node, 1);
    Py_SET_TYPE((PyObject *)node, Value_Type);
#endif
    node->mark = 0;
    node->op = op;
    node->count = count;
    node->flags = 0;
    node->marks = 0;
    node->grad = 0.0;
    return node;
}

/* The same, of a class of `held_with`: to be tracked by the cyclic collector once it is whole. */
Value *new_node_if_held(uint8_t op, PyTypeObject *held);

PyObject *get_notes(Value *node);            /* borrowed, or NULL */
int set_notes(Value *node, PyObject *notes); /* NULL or None removes them */
PyObject *take_notes(Value *node);           /* owned; they are removed */

/* -- the table: see table.h (operators.c includes ops.inc) ------------------------------------ */

enum { OWN_NAME = 255 }; /* the operation of a node whose block holds its name */

/* -- tools.c: what Python hands over -------------------------------------------------------- */

typedef struct {
    PyObject *as_number, *number;      /* core/arguments.py */
    PyObject *active, *mode, *current; /* core/modes.py: the set, its variable, its reader */
    PyObject *around;                  /* core/around.py: the variable */
    PyObject *check_fresh, *check_pass;
    PyObject *tracer, *refusals; /* core/tracer.py, core/refusals.py */
    PyObject *arithmetic;        /* the class that every engine's Value comes from */
    PyObject *name_indices;      /* name of an operation -> row of the table */
    PyObject *row_indices;       /* row object -> row of the table */
    PyObject *rule_indices;
    PyObject *operation_names[256]; /* interned, as are these two: "scope", "__init__" */
    PyObject *scope_key, *init_key;
    PyObject *calls_keys[3]; /* where compiled functions keep how they were called last */
} Tools;

extern Tools tools;

int take_tools(PyObject *given, PyObject *rows, PyObject *rules);

/* Return 1 and the number, 0 for what is no number, -1 with an error. */
int as_number(PyObject *object, double *number);
/* The same, but refuse what is no number, with an example of one: 1 or -1. */
int number_of(const char *who, const char *what, PyObject *object, const char *example,
              double *number);
/* Return the row of the table that a row object is, or -1 with an error. */
int row_index(PyObject *row);

/* Make a list (or tuple) that is being filled unseen to finalisers: its places are empty. NULL stays
 * NULL. Whoever has filled it shows it.
 */
static inline PyObject *hidden(PyObject *sequence)
{
    if (sequence != NULL && PyObject_GC_IsTracked(sequence)) { /* the empty tuple is shared */
        PyObject_GC_UnTrack(sequence);
    }
    return sequence;
}

static inline PyObject *shown(PyObject *sequence)
{
    if (sequence != NULL && !PyObject_GC_IsTracked(sequence)) {
        PyObject_GC_Track(sequence);
    }
    return sequence;
}

/* -- life.c --------------------------------------------------------------------------------- */

void drop_operands(Value *node); /* makes a leaf of it */
void free_value(PyObject *self);
void free_subclass(void *object);
int visit_parents(PyObject *self, visitproc visit, void *arg);
int is_collected(PyObject *self);

/* -- tracer.c: what `compile` traces of one thread ------------------------------------ */

extern PyThreadState *traced_thread; /* NULL: of none */
extern PyMethodDef tracer_functions[];

static inline int is_traced(void)
{
    return UNLIKELY(traced_thread != NULL) && traced_thread == PyThreadState_Get();
}

int trace_node(Value *node);
int trace_detached(Value *node, Value *source);
PyObject *note_guard(int comparison, PyObject *x, PyObject *y, int outcome);
void stamp_anew(void);
void refuse_while_traced(const char *what, const char *field);

/* -- modes.c -------------------------------------------------------------------------------- */

static inline int modes_are_open(void)
{
    return UNLIKELY(((PySetObject *)tools.active)->used != 0);
}

/* Give a fresh node what the open blocks of this thread ask for; it is consumed on error. */
PyObject *with_modes(Value *node);
/* Whether this thread is in detect_anomaly; -1 with an error. */
int detects_anomaly(void);
PyObject *leave_block(PyObject *block);

/* -- operators.c, many.c, build.c: nodes ----------------------------------------------------- */

PyObject *unary_node(int op, PyObject *x);
PyObject *binary_node(int op, PyObject *x, PyObject *y);
void set_operator_slots(PyTypeObject *type);
PyObject *add_kin(PyObject *a, PyObject *b);
PyObject *multiply_kin(PyObject *a, PyObject *b);
PyObject *raise_kin(PyObject *a, PyObject *b, PyObject *modulus);

Block *new_block(Py_ssize_t count); /* its operands are not set */
/* Items are lists or tuples. Return NotImplemented where one needs Python's eyes. */
PyObject *many_node(int op, PyObject *xs, PyObject *ys);
PyObject *many_node_of_anything(int op, PyObject *xs, PyObject *ys);

/* Give a node that has none operands and partials; on error it stays a leaf. */
int set_operands(Value *node, PyObject *op, PyObject *operands, PyObject *partials);

extern PyMethodDef build_methods[];

/* -- backward.c ----------------------------------------------------------------------------- */

/* Run a pass. Where a node has a backward of its own, and somebody wants to know (`by_hand`), do
 * nothing but give all nodes in order.
 */
int run_backward(Value *root, double upstream, PyObject **by_hand);

extern PyMethodDef pass_methods[];

/* -- value.c -------------------------------------------------------------------------------- */

int create_type(PyObject *bases, PyObject *docs);
/* Whether a field is being deleted, which is refused. */
int no_deletion(PyObject *self, PyObject *value, const char *field);
int init_value(Value *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *detached(Value *node);

/* -- kin.c ---------------------------------------------------------------------------------- */

int create_kin(void);

/* -- bulk.c, quick.c ------------------------------------------------------------------------ */

PyObject *move_parameters(PyObject *rule, PyObject *parameters, PyObject *kept, PyObject *settings);

extern PyMethodDef bulk_functions[];
extern PyMethodDef sifting_functions[];
PyObject *access_capsule(void); /* see access.h */

int create_quick_type(void);
PyObject *new_quick(PyObject *module, PyObject *args);

#endif
