/* The kinds of processors: which kernels run. */
#include "plan_object.h"

static const Lanes *strict = &lanes_base;
static const Lanes *const *fast; /* NULL: there are none */

static const Lanes *all_lanes[] = {
#ifdef HAS_X86_LANES
    &lanes_avx512,
    &lanes_avx2,
#endif
    &lanes_base,
};
enum { KINDS = sizeof all_lanes / sizeof *all_lanes };

static int is_supported(const Lanes *lanes)
{
#ifdef HAS_X86_LANES
    __builtin_cpu_init();
    if (lanes == &lanes_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    }
    if (lanes == &lanes_avx2) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
    (void)lanes;
    return 1;
}

/* kinds(): the names of the kernels that this processor can run, the best first */
PyObject *kinds(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *names = PyList_New(0);
    for (int i = 0; names != NULL && i < KINDS; i++) {
        if (!is_supported(all_lanes[i])) {
            continue;
        }
        PyObject *name = PyUnicode_FromString(all_lanes[i]->name);
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(name);
    }
    return names;
}

/* use(kind): run on these kernels from now on */
PyObject *use(PyObject *module, PyObject *kind)
{
    (void)module;
    for (int i = 0; i < KINDS; i++) {
        if (PyUnicode_CheckExact(kind) && is_supported(all_lanes[i]) &&
            PyUnicode_CompareWithASCIIString(kind, all_lanes[i]->name) == 0) {
            strict = all_lanes[i];
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "use: no kernels of the kind %R", kind);
}

/* add_fast(kernels): what the module of fast kernels has */
PyObject *add_fast(PyObject *module, PyObject *kernels)
{
    (void)module;
    fast = PyCapsule_GetPointer(kernels, "scalargrad.lanes");
    if (fast == NULL) {
        return NULL;
    }
    Py_RETURN_NONE;
}

const Lanes *strict_kernels(void) { return strict; }

/* The fast kernels for the same processors, or the strict ones where there are none. */
const Lanes *fast_kernels(void)
{
    for (const Lanes *const *lanes = fast; lanes != NULL && *lanes != NULL; lanes++) {
        if (strcmp((*lanes)->name, strict->name) == 0) {
            return *lanes;
        }
    }
    return strict;
}

void choose_kernels(void)
{
    for (int i = KINDS; i-- > 0;) {
        if (is_supported(all_lanes[i])) {
            strict = all_lanes[i];
        }
    }
}
