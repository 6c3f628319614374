/* The module of the fast kernels: compiled with vector mathematics, which must not touch anything
 * else. It hands them to the machine.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../machine.h"

extern const Kernels kernels_fast_base;
#ifdef HAS_X86_KERNELS
extern const Kernels kernels_fast_avx2, kernels_fast_avx512;
#endif

static const Kernels *const all[] = {
#ifdef HAS_X86_KERNELS
    &kernels_fast_avx512,
    &kernels_fast_avx2,
#endif
    &kernels_fast_base,
    NULL,
};

static int execute(PyObject *module)
{
    PyObject *capsule = PyCapsule_New((void *)all, "scalargrad.kernels", NULL);
    PyObject *digest = PyLong_FromUnsignedLong(machine_digest());
    int status = capsule != NULL && digest != NULL &&
                         PyModule_AddObjectRef(module, "kernels", capsule) == 0 &&
                         PyModule_AddObjectRef(module, "digest", digest) == 0
                     ? 0
                     : -1;
    Py_XDECREF(capsule);
    Py_XDECREF(digest);
    return status;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)execute},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "scalargrad._native._fast",
    .m_doc = "Kernels with vector mathematics, for the machine.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__fast(void) { return PyModuleDef_Init(&definition); }
