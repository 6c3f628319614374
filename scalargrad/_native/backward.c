/* The backward pass: sort the graph, apply the chain rule to every arrow, commit.
 *
 * Nothing in it runs Python code or gives up the lock, so that passes never overlap; a Ctrl-C is
 * looked for, and Python's handler called when the pass is given up. Marks need no clearing: one
 * counts only where the order agrees, so that giving up takes no time (a sparse set: Briggs,
 * Torczon, An efficient representation for sparse sets).
 */
#include "node.h"

typedef struct {
    Value **nodes;
    size_t count, room;
} Stack;

typedef struct {
    Stack order; /* every node below the root, leaves too; a mark is the position here, from 1 */
    Stack open;  /* nodes that wait for a parent, while sorting */
    double *grads;
    size_t room; /* of grads */
} Pass;

static Pass spare; /* the arrays of the last pass, for the next one, unless they are larger than: */
#ifdef SCALARGRAD_DEBUG
enum { KEPT_ROOM = 0 }; /* so that a checker of memory sees those of each pass */
#else
enum { KEPT_ROOM = 1 << 20 };
#endif

typedef enum { DONE, NO_MEMORY, INTERRUPTED } Outcome;

enum { PATIENCE = 1 << 14 }; /* nodes between two looks for a Ctrl-C */

/* Look for a Ctrl-C from time to time. */
static ALWAYS_INLINE int is_interrupted(size_t *patience)
{
    if (LIKELY(--*patience != 0)) {
        return 0;
    }
    *patience = PATIENCE;
    return PyOS_InterruptOccurred();
}

static int grow(Stack *stack)
{
    size_t room = stack->room != 0 ? stack->room * 2 : 64;
    if (room > SIZE_MAX / sizeof(Value *)) {
        return 0;
    }
    Value **nodes = PyMem_RawRealloc(stack->nodes, room * sizeof *nodes);
    if (nodes == NULL) {
        return 0;
    }
    stack->nodes = nodes;
    stack->room = room;
    return 1;
}

static ALWAYS_INLINE int push(Stack *stack, Value *node)
{
    if (UNLIKELY(stack->count == stack->room) && !grow(stack)) {
        return 0;
    }
    stack->nodes[stack->count++] = node;
    return 1;
}

static ALWAYS_INLINE int enter(Stack *order, Value *node)
{
    if (UNLIKELY(order->count >= UINT32_MAX) || !push(order, node)) {
        return 0;
    }
    node->mark = (uint32_t)order->count;
    return 1;
}

/* Whether a node is in the order already. */
static ALWAYS_INLINE int is_entered(const Stack *order, const Value *node)
{
    size_t mark = node->mark;
    return mark != 0 && mark <= order->count && order->nodes[mark - 1] == node;
}

/* Fill the order: parents before the nodes computed from them, from left to right.
 *
 * While a node is open, its mark counts the operands that were looked at; it cannot be met then,
 * as no node is its own ancestor.
 */
static Outcome sort_graph(Pass *pass, Value *root)
{
    Stack *open = &pass->open, *order = &pass->order;
    Value *node = root;
    uint32_t next = 0;
    size_t patience = PATIENCE;
    for (;;) {
        Py_ssize_t count;
        Operand *operands = operands_of(node, &count);
        Value *below = NULL;
        while ((Py_ssize_t)next < count) {
            Value *parent = operands[next++].parent;
            if (parent == NULL || is_entered(order, parent)) {
                continue;
            }
            if (parent->count != 0) {
                below = parent;
                break;
            }
            if (UNLIKELY(!enter(order, parent))) {
                return NO_MEMORY;
            }
            if (UNLIKELY(is_interrupted(&patience))) {
                return INTERRUPTED;
            }
        }
        if (below != NULL) { /* come back to this node when the parent is done */
            node->mark = next;
            if (UNLIKELY(!push(open, node))) {
                return NO_MEMORY;
            }
            node = below;
            next = 0;
            if (UNLIKELY(is_interrupted(&patience))) {
                return INTERRUPTED;
            }
            continue;
        }
        if (UNLIKELY(!enter(order, node))) {
            return NO_MEMORY;
        }
        if (open->count == 0) {
            return DONE;
        }
        node = open->nodes[--open->count];
        next = node->mark;
        if (open->count >= 6) {
            PREFETCH(open->nodes[open->count - 6]);
        }
        if (UNLIKELY(is_interrupted(&patience))) {
            return INTERRUPTED;
        }
    }
}

/* What the chain rule relies on: every parent is before its node, and the root is the last. */
static void check_order(const Pass *pass, const Value *root)
{
    const Stack *order = &pass->order;
    assert(order->count > 0 && order->nodes[order->count - 1] == root && pass->open.count == 0);
#ifdef SCALARGRAD_DEBUG
    for (size_t i = 0; i < order->count; i++) {
        Py_ssize_t count;
        Operand *operands = operands_of(order->nodes[i], &count);
        assert(order->nodes[i]->mark == i + 1);
        for (Py_ssize_t j = 0; j < count; j++) {
            const Value *parent = operands[j].parent;
            assert(parent == NULL || (is_entered(order, parent) && parent->mark <= i));
        }
    }
#endif
    (void)order;
    (void)root;
}

/* grad(parent) = the sum of grad(node) * d(node)/d(parent) over all nodes it went into. */
static Outcome apply_chain_rule(Pass *pass, double upstream)
{
    size_t count = pass->order.count, patience = PATIENCE;
    Value **order = pass->order.nodes;
    if (pass->room < count) {
        PyMem_RawFree(pass->grads);
        pass->room = pass->order.room;
        assert(pass->room <= SIZE_MAX / sizeof(double));
        pass->grads = PyMem_RawMalloc(pass->room * sizeof(double));
        if (pass->grads == NULL) {
            pass->room = 0;
            return NO_MEMORY;
        }
    }
    double *grads = pass->grads;
    memset(grads, 0, count * sizeof(double));
    grads[count - 1] = upstream;
    for (size_t i = count; i-- > 0;) {
        Value *node = order[i];
        double grad = grads[i];
        if (i >= 8) {
            PREFETCH(order[i - 8]);
        }
        if (node->count == 2) {
            Value *x = node->pair[0].parent, *y = node->pair[1].parent;
            if (LIKELY(x != NULL)) {
                grads[x->mark - 1] += grad * node->pair[0].number;
            }
            if (LIKELY(y != NULL)) {
                grads[y->mark - 1] += grad * node->pair[1].number;
            }
        } else if (node->count == 1) {
            grads[node->pair[0].parent->mark - 1] += grad * node->pair[0].number;
        } else if (node->count == BLOCK) {
            Operand *operands = node->block->operands;
            for (Py_ssize_t j = 0; j < node->block->count; j++) {
                if (operands[j].parent != NULL) {
                    grads[operands[j].parent->mark - 1] += grad * operands[j].number;
                }
            }
        }
        if (UNLIKELY(is_interrupted(&patience))) {
            return INTERRUPTED;
        }
    }
    return DONE;
}

/* Write the gradients of a finished pass: reset interior nodes, add to leaves. */
static void commit(Pass *pass)
{
    size_t count = pass->order.count;
    for (size_t i = 0; i < count; i++) {
        Value *node = pass->order.nodes[i];
        PREFETCH(pass->order.nodes[i + 8 < count ? i + 8 : i]);
        node->grad = node->count == 0 ? node->grad + pass->grads[i] : pass->grads[i];
        node->flags |= GRADED;
    }
}

/* Say which of the gradients just written came from ints alone. */
static void mark_whole_gradients(const Pass *pass)
{
    for (size_t i = 0; i < pass->order.count; i++) {
        Value *node = pass->order.nodes[i];
        node->marks &= (uint8_t)~NO_GRAD;
        node->marks |= node->count != 0 ? WHOLE_GRAD : 0; /* a leaf adds to what it has */
    }
    for (size_t i = pass->order.count; i-- > 0;) {
        Py_ssize_t count;
        const Value *node = pass->order.nodes[i];
        Operand *operands = operands_of(pass->order.nodes[i], &count);
        for (Py_ssize_t j = 0; j < count; j++) {
            int whole = j < 2 && node->marks & WHOLE_GRAD && node->marks & (WHOLE_PARTIAL << j);
            if (operands[j].parent != NULL && !whole) {
                operands[j].parent->marks &= (uint8_t)~WHOLE_GRAD;
            }
        }
    }
}

static void end_pass(Pass *pass)
{
    pass->order.count = pass->open.count = 0;
    if (UNLIKELY(traced_thread != NULL)) {
        stamp_anew();
    }
    if (spare.order.nodes == NULL && pass->order.room <= KEPT_ROOM) {
        spare = *pass;
        return;
    }
    PyMem_RawFree(pass->order.nodes);
    PyMem_RawFree(pass->open.nodes);
    PyMem_RawFree(pass->grads);
}

/* Sort and compute. Return 0, or -1 with an error. */
static int run_pass(Pass *pass, Value *root, double upstream)
{
    if (is_traced() && root->flags & LIVE) {
        refuse_while_traced("frozen_pass", NULL);
        return -1;
    }
    for (;;) {
        *pass = spare;
        spare = (Pass){0};
        Outcome outcome = sort_graph(pass, root);
        if (outcome == DONE) {
            if (pass->open.room > KEPT_ROOM) { /* make room for the gradients */
                PyMem_RawFree(pass->open.nodes);
                pass->open = (Stack){0};
            }
            check_order(pass, root);
            outcome = apply_chain_rule(pass, upstream);
            if (outcome == DONE) {
                return 0;
            }
        }
        end_pass(pass);
        if (outcome == NO_MEMORY) {
            PyErr_NoMemory();
            return -1;
        }
        PyErr_SetInterrupt(); /* it was taken from the queue: let Python's handler have it */
        if (PyErr_CheckSignals() < 0) {
            return -1;
        }
    }
}

/* -- passes as Python sees them ------------------------------------------------------------- */

/* Return the positions in the order in which a pass meets the nodes, or NULL. */
static size_t *positions_as_met(const Pass *pass)
{
    size_t count = pass->order.count, last = 0;
    size_t *positions = PyMem_RawCalloc(count, 2 * sizeof(size_t));
    if (positions == NULL) {
        return NULL;
    }
    size_t *seen = positions + count;
    positions[last++] = count - 1;
    for (size_t i = count; i-- > 0;) {
        Py_ssize_t operand_count;
        Operand *operands = operands_of(pass->order.nodes[i], &operand_count);
        for (Py_ssize_t j = 0; j < operand_count; j++) {
            Value *parent = operands[j].parent;
            if (parent != NULL && !seen[parent->mark - 1]) {
                seen[parent->mark - 1] = 1;
                positions[last++] = parent->mark - 1;
            }
        }
    }
    return positions;
}

/* Return (interior nodes in order, gradients); the entries are in the order of the pass. */
static PyObject *as_python(const Pass *pass, const size_t *positions)
{
    for (size_t i = 0; i < pass->order.count; i++) { /* making objects may run finalisers */
        Py_INCREF((PyObject *)pass->order.nodes[i]);
    }
    PyObject *order = PyList_New(0), *grads = PyDict_New();
    int status = order == NULL || grads == NULL ? -1 : 0;
    for (size_t i = 0; status == 0 && i < pass->order.count; i++) {
        Value *node = pass->order.nodes[i];
        status = node->count != 0 ? PyList_Append(order, (PyObject *)node) : 0;
    }
    for (size_t i = 0; status == 0 && i < pass->order.count; i++) {
        PyObject *number = PyFloat_FromDouble(pass->grads[positions[i]]);
        PyObject *node = (PyObject *)pass->order.nodes[positions[i]];
        status = number == NULL ? -1 : PyDict_SetItem(grads, node, number);
        Py_XDECREF(number);
    }
    for (size_t i = 0; i < pass->order.count; i++) {
        Py_DECREF((PyObject *)pass->order.nodes[i]);
    }
    if (status < 0) {
        Py_XDECREF(order);
        Py_XDECREF(grads);
        return NULL;
    }
    return Py_BuildValue("(NN)", order, grads);
}

static PyObject *sweep(PyObject *root, PyObject *upstream)
{
    Pass pass;
    double number = PyFloat_AsDouble(upstream);
    if ((number == -1.0 && PyErr_Occurred()) || run_pass(&pass, (Value *)root, number) < 0) {
        return NULL;
    }
    size_t *positions =
        positions_as_met(&pass); /* reads the marks before anything that may run other code */
    PyObject *result = positions != NULL ? as_python(&pass, positions) : PyErr_NoMemory();
    PyMem_RawFree(positions);
    end_pass(&pass);
    return result;
}

/* Read the gradients of Values in a finished pass: 0 for those that are not below the root. */
static double *gradients_in(const Pass *pass, PyObject *values)
{
    Py_ssize_t count = PyTuple_GET_SIZE(values);
    double *gradients = PyMem_RawMalloc((count != 0 ? (size_t)count : 1) * sizeof *gradients);
    for (Py_ssize_t i = 0; gradients != NULL && i < count; i++) {
        Value *node = (Value *)PyTuple_GET_ITEM(values, i);
        gradients[i] = is_entered(&pass->order, node) ? pass->grads[node->mark - 1] : 0.0;
    }
    return gradients;
}

static PyObject *list_of(const double *numbers, Py_ssize_t count)
{
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, i, number);
    }
    return list;
}

/* Return a tuple of what a list holds once there is one: making it may run a finaliser that changes
 * the list, which PyList_AsTuple of some Pythons does not expect.
 */
static PyObject *frozen(PyObject *list)
{
    PyObject *tuple = NULL;
    do {
        Py_XSETREF(tuple, PyTuple_New(PyList_GET_SIZE(list)));
    } while (tuple != NULL && PyTuple_GET_SIZE(tuple) != PyList_GET_SIZE(list));
    for (Py_ssize_t i = 0; tuple != NULL && i < PyTuple_GET_SIZE(tuple); i++) {
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(PyList_GET_ITEM(list, i)));
    }
    return tuple;
}

/* Return the gradients of a list of Values, in its order. */
static PyObject *gradients_of(PyObject *root, PyObject *args)
{
    double upstream;
    PyObject *values, *result = NULL;
    if (!PyArg_ParseTuple(args, "dO!:_gradients", &upstream, &PyList_Type, &values)) {
        return NULL;
    }
    values = frozen(values); /* a handler of Ctrl-C may change a list */
    if (values == NULL) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(values), i = 0;
    while (i < count && is_value_or_subclass(PyTuple_GET_ITEM(values, i))) {
        i++;
    }
    Pass pass;
    if (i < count) {
        PyErr_SetString(PyExc_TypeError, "_gradients: wants a list of Values");
    } else if (run_pass(&pass, (Value *)root, upstream) == 0) {
        double *gradients =
            gradients_in(&pass, values); /* before anything that may run other code */
        end_pass(&pass);
        result = gradients != NULL ? list_of(gradients, count) : PyErr_NoMemory();
        PyMem_RawFree(gradients);
    }
    Py_DECREF(values);
    return result;
}

/* Where a node has a backward of its own, give all nodes in order. */
static int order_by_hand(const Pass *pass, PyObject **by_hand)
{
    size_t count = pass->order.count, i = 0;
    while (i < count && !(pass->order.nodes[i]->marks & OWN_BACKWARD)) {
        i++;
    }
    if (i == count) {
        return 0;
    }
    for (i = 0; i < count; i++) { /* making a list may run finalisers */
        Py_INCREF((PyObject *)pass->order.nodes[i]);
    }
    *by_hand = hidden(PyList_New((Py_ssize_t)count));
    for (i = 0; i < count; i++) {
        PyObject *node = (PyObject *)pass->order.nodes[i];
        if (*by_hand != NULL) {
            PyList_SET_ITEM(*by_hand, (Py_ssize_t)i, node);
        } else {
            Py_DECREF(node);
        }
    }
    return shown(*by_hand) != NULL ? 0 : -1;
}

int run_backward(Value *root, double upstream, PyObject **by_hand)
{
    if (is_traced()) {
        refuse_while_traced("frozen_pass", NULL);
        return -1;
    }
    int anomaly = modes_are_open() ? detects_anomaly() : 0;
    if (anomaly < 0) {
        return -1;
    }
    if (anomaly) { /* Python refuses what is not finite */
        PyObject *number = PyFloat_FromDouble(upstream), *swept = NULL, *checked = NULL;
        if (number != NULL && (swept = sweep((PyObject *)root, number)) != NULL) {
            checked = PyObject_CallObject(tools.check_pass, swept);
        }
        Py_XDECREF(number);
        Py_XDECREF(swept);
        if (checked == NULL) {
            return -1;
        }
        Py_DECREF(checked);
    }
    Pass pass;
    if (run_pass(&pass, root, upstream) < 0) {
        return -1;
    }
    int status = by_hand != NULL ? order_by_hand(&pass, by_hand) : 0;
    if (status == 0 && (by_hand == NULL || *by_hand == NULL)) {
        commit(&pass);
        if (by_hand != NULL) {
            mark_whole_gradients(&pass);
        }
    }
    end_pass(&pass);
    return status;
}

PyMethodDef pass_methods[] = {
    {"_sweep", sweep, METH_O, NULL},
    {"_gradients", gradients_of, METH_VARARGS, NULL},
    {NULL},
};
