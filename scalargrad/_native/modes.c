/* What the open blocks of a thread (no_grad, scope, detect_anomaly) ask of a fresh node. */
#include "node.h"

/* What the innermost open block asks for. */
typedef struct {
    int recording, anomaly;
    PyObject *scope; /* owned, or NULL for none */
} Request;

/* The last answer is kept, as blocks hold many nodes. */
static struct {
    PyObject *mode;
    Request request;
} known;

static int read_flag(PyObject *mode, const char *name)
{
    PyObject *flag = PyObject_GetAttrString(mode, name);
    int truth = flag != NULL ? PyObject_IsTrue(flag) : -1;
    Py_XDECREF(flag);
    return truth;
}

/* Read a mode and keep it as the known one; `mode` is consumed. */
static int read_mode(PyObject *mode, Request *request)
{
    int recording = read_flag(mode, "recording"), anomaly = read_flag(mode, "anomaly");
    PyObject *scope = PyObject_GetAttrString(mode, "scope");
    if (recording < 0 || anomaly < 0 || scope == NULL) {
        Py_DECREF(mode);
        Py_XDECREF(scope);
        return -1;
    }
    if (scope == Py_None) {
        Py_CLEAR(scope);
    }
    PyObject *old_mode = known.mode, *old_scope = known.request.scope;
    known.mode = mode;
    known.request = (Request){recording, anomaly, scope};
    *request = known.request; /* before old things go, which may run other code */
    Py_XINCREF(request->scope);
    Py_XDECREF(old_mode);
    Py_XDECREF(old_scope);
    return 0;
}

/* Read what this thread or task asks for. */
static int current_request(Request *request)
{
    PyObject *mode = NULL;
    *request = (Request){1, 0, NULL};
    if (PyContextVar_Get(tools.mode, NULL, &mode) < 0) {
        return -1;
    }
    if (mode == NULL) { /* it is in no block; another one is */
        return 0;
    }
    int open = PySet_Contains(tools.active, mode);
    int is_known = mode == known.mode;
    Py_DECREF(mode);
    if (open == 1 && is_known) {
        *request = known.request;
        Py_XINCREF(request->scope);
        return 0;
    }
    mode = open < 0 ? NULL : PyObject_CallNoArgs(tools.current);
    return mode == NULL ? -1 : read_mode(mode, request);
}

/* Leave the innermost entry, if it is one of this block; else, and without memory, return NULL: ask
 * the function. No code of Python runs between the end of a block and here, so no interrupt can leave
 * it open.
 */
PyObject *leave_block(PyObject *block)
{
    PyObject *mode = NULL, *result = NULL;
    if (PyContextVar_Get(tools.mode, NULL, &mode) < 0 || mode == NULL) {
        return NULL;
    }
    PyObject *entered = PyObject_GetAttrString(mode, "block");
    PyObject *outer = entered != NULL ? PyObject_GetAttrString(mode, "outer") : NULL;
    if (entered == block && outer != NULL && PySet_Contains(tools.active, mode) == 1) {
        PyObject *token = PyContextVar_Set(tools.mode, outer);
        if (token != NULL) {
            (void)PySet_Discard(tools.active, mode);
            result = Py_NewRef(Py_None);
            Py_DECREF(token);
        }
    }
    if (result == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(outer);
    Py_XDECREF(entered);
    Py_DECREF(mode);
    return result;
}

int detects_anomaly(void)
{
    Request request;
    if (current_request(&request) < 0) {
        return -1;
    }
    Py_XDECREF(request.scope);
    return request.anomaly;
}

static PyObject *add_scope(Value *node, PyObject *scope)
{
    int status = -1;
    PyObject *notes = get_notes(node);
    if (notes == NULL) {
        status = set_notes(node, scope);
    } else { /* with the line that built it; copying may run a finaliser that removes it */
        PyObject *kept = Py_NewRef(notes);
        if ((notes = PyDict_Copy(kept)) != NULL) {
            status = PyDict_SetItem(notes, tools.scope_key, scope);
            status = status < 0 ? -1 : set_notes(node, notes);
            Py_DECREF(notes);
        }
        Py_DECREF(kept);
    }
    if (status < 0) {
        Py_DECREF(node);
        return NULL;
    }
    return (PyObject *)node;
}

PyObject *with_modes(Value *node)
{
    Request request;
    PyObject *result = (PyObject *)node;
    int traced = is_traced();
    assert(Py_REFCNT(result) == 1); /* fresh: nobody else knows it */
    if (traced) {
        if (trace_node(node) < 0) {
            Py_DECREF(node);
            return NULL;
        }
        if (PySet_GET_SIZE(tools.active) == 1) { /* the only open block is that of `compile` */
            return result;
        }
    }
    if (current_request(&request) < 0) {
        Py_DECREF(node);
        return NULL;
    }
    if (request.anomaly) {
        PyObject *done = PyObject_CallOneArg(tools.check_fresh, result);
        if (done == NULL) {
            Py_DECREF(node);
            Py_XDECREF(request.scope);
            return NULL;
        }
        Py_DECREF(done);
    }
    if (!request.recording && traced && is_traced() && trace_detached(node, node) < 0) {
        Py_DECREF(node);
        Py_XDECREF(request.scope);
        return NULL;
    }
    if (!request.recording) {
        set_notes(node, NULL);
        drop_operands(node);
        node->flags |= GRADED;
    } else if (request.scope != NULL) {
        result = add_scope(node, request.scope);
    }
    Py_XDECREF(request.scope);
    return result;
}
