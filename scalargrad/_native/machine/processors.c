/* The kinds of processors: which kernels run. */
#include "plan_object.h"

static const Kernels *strict = &kernels_base;
static const Kernels *const *fast; /* NULL: there are none */

static const Kernels *all_kernels[] = {
#ifdef HAS_X86_KERNELS
    &kernels_avx512,
    &kernels_avx2,
#endif
    &kernels_base,
};
enum { KINDS = sizeof all_kernels / sizeof *all_kernels };

static int is_supported(const Kernels *kernels)
{
#ifdef HAS_X86_KERNELS
    __builtin_cpu_init();
    if (kernels == &kernels_avx512) {
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    }
    if (kernels == &kernels_avx2) {
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    }
#endif
    (void)kernels;
    return 1;
}

/* kinds(): the names of the kernels that this processor can run, the best first */
PyObject *kinds(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    PyObject *names = PyList_New(0);
    for (int i = 0; names != NULL && i < KINDS; i++) {
        if (!is_supported(all_kernels[i])) {
            continue;
        }
        PyObject *name = PyUnicode_FromString(all_kernels[i]->name);
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
        if (PyUnicode_CheckExact(kind) && is_supported(all_kernels[i]) &&
            PyUnicode_CompareWithASCIIString(kind, all_kernels[i]->name) == 0) {
            strict = all_kernels[i];
            Py_RETURN_NONE;
        }
    }
    return PyErr_Format(PyExc_ValueError, "use: no kernels of the kind %R", kind);
}

/* add_fast(kernels): what the module of fast kernels has */
PyObject *add_fast(PyObject *module, PyObject *kernels)
{
    (void)module;
    const Kernels *const *given = PyCapsule_GetPointer(kernels, "scalargrad.kernels");
    if (given == NULL) {
        return NULL;
    }
    fast = given;
    Py_RETURN_NONE;
}

const Kernels *strict_kernels(void) { return strict; }

/* The fast kernels for the same processors, or the strict ones where there are none. */
const Kernels *fast_kernels(void)
{
    for (const Kernels *const *kernels = fast; kernels != NULL && *kernels != NULL; kernels++) {
        if (strcmp((*kernels)->name, strict->name) == 0) {
            return *kernels;
        }
    }
    return strict;
}

void choose_kernels(void)
{
    for (int i = KINDS; i-- > 0;) {
        if (is_supported(all_kernels[i])) {
            strict = all_kernels[i];
        }
    }
}
