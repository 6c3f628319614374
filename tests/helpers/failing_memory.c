/* Lets one allocation after the other fail that the native engine asks for: see failing_memory.py.
 *
 * It is loaded before all else (LD_PRELOAD), so that `malloc` is found here first. Only what C code
 * of the engine asks for may fail, itself or by a function of Python that it calls: what Python asks
 * for on its own account does not, as Python itself does not bear it everywhere.
 */
#define _GNU_SOURCE
#include <Python.h>
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

typedef struct {
    uintptr_t from, to;
} Range;

enum { MOST_RANGES = 16 };

static Range engine[MOST_RANGES], interpreter[MOST_RANGES];
static int engine_count, interpreter_count;
static atomic_long asked, failed, held;   /* held: blocks that were given and not freed */
static atomic_long first, last = -1;      /* which of those asked for fail, from 1 */
static _Thread_local int is_looking;      /* looking may allocate */

static int is_in(const Range *ranges, int count, void *address)
{
    for (int i = 0; i < count; i++) {
        if ((uintptr_t)address >= ranges[i].from && (uintptr_t)address < ranges[i].to) {
            return 1;
        }
    }
    return 0;
}

/* Look at one frame of C: go on to its caller, unless it is known now who asks. */
static _Unwind_Reason_Code look_at(struct _Unwind_Context *context, void *is_engines)
{
    void *address = (void *)_Unwind_GetIP(context);
    if (is_in(engine, engine_count, address)) {
        *(int *)is_engines = 1;
        return _URC_END_OF_STACK;
    }
    return is_in(interpreter, interpreter_count, address) ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Whether code of the engine asks, with no code in Python in between. */
static int is_asked_by_engine(void)
{
    int is_engines = 0;
    if (!is_looking) {
        is_looking = 1;
        _Unwind_Backtrace(look_at, &is_engines);
        is_looking = 0;
    }
    return is_engines;
}

/* Count one that the engine asks for; whether it is to fail. */
static int fails(void)
{
    long turn = ++asked;
    if (turn < first || turn > last) {
        return 0;
    }
    failed++;
    return 1;
}

static int is_armed(void) { return last >= 0; }

/* -- what C asks the system for ---------------------------------------------------------------- */

static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t),
    *(*next_realloc)(void *, size_t);
static char early[1 << 16]; /* for what is asked for while these are looked up */
static size_t early_used;

static void *from_early(size_t size)
{
    size_t start = (early_used + 15) / 16 * 16;
    if (size > sizeof early - start) {
        abort();
    }
    early_used = start + size;
    return early + start;
}

static int find_next(void)
{
    static int is_finding;
    if (next_realloc == NULL && !is_finding) {
        is_finding = 1;
        next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
        next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
        next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    }
    return next_realloc != NULL;
}

#define IS_ENGINES                                                                                 \
    (is_armed() && is_in(engine, engine_count, __builtin_return_address(0)) && fails())

void *malloc(size_t size)
{
    if (!find_next()) {
        return from_early(size);
    }
    return IS_ENGINES ? NULL : next_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    if (!find_next()) {
        return from_early(count * size); /* it is zero */
    }
    return IS_ENGINES ? NULL : next_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    if (!find_next()) {
        return NULL;
    }
    return IS_ENGINES ? NULL : next_realloc(block, size);
}

/* -- what it asks Python for ------------------------------------------------------------------- */

static PyMemAllocatorEx own[3];

static void *give(void *block, int is_new)
{
    held += block != NULL && is_new;
    return block;
}

static void *hooked_malloc(void *context, size_t size)
{
    PyMemAllocatorEx *allocator = context;
    if (is_armed() && is_asked_by_engine() && fails()) {
        return NULL;
    }
    return give(allocator->malloc(allocator->ctx, size), 1);
}

static void *hooked_calloc(void *context, size_t count, size_t size)
{
    PyMemAllocatorEx *allocator = context;
    if (is_armed() && is_asked_by_engine() && fails()) {
        return NULL;
    }
    return give(allocator->calloc(allocator->ctx, count, size), 1);
}

static void *hooked_realloc(void *context, void *block, size_t size)
{
    PyMemAllocatorEx *allocator = context;
    if (is_armed() && is_asked_by_engine() && fails()) {
        return NULL;
    }
    return give(allocator->realloc(allocator->ctx, block, size), block == NULL);
}

static void hooked_free(void *context, void *block)
{
    PyMemAllocatorEx *allocator = context;
    held -= block != NULL;
    allocator->free(allocator->ctx, block);
}

/* -- what failing_memory.py calls -------------------------------------------------------------- */

/* The code of a file that is loaded; of the names that it must contain. */
static int note_range(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    if (strstr(info->dlpi_name, "_native/_core.") == NULL &&
        strstr(info->dlpi_name, "_native/_machine.") == NULL) {
        return 0;
    }
    for (int i = 0; i < info->dlpi_phnum && engine_count < MOST_RANGES; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0) {
            uintptr_t from = info->dlpi_addr + part->p_vaddr;
            engine[engine_count++] = (Range){from, from + part->p_memsz};
        }
    }
    return 0;
}

static void note_function(const char *name)
{
    void *start = dlsym(RTLD_DEFAULT, name);
    Dl_info info;
    const ElfW(Sym) *symbol = NULL;
    if (start != NULL && dladdr1(start, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 &&
        symbol != NULL) {
        interpreter[interpreter_count++] =
            (Range){(uintptr_t)start, (uintptr_t)start + symbol->st_size};
    }
}

/* Begin: tell how many parts of the engine were found. */
int begin(void)
{
    static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM,
                                                   PYMEM_DOMAIN_OBJ};
    /* without memory for a token and for the context, PyContextVar_Set releases a token it lacks */
    static const char *const functions[] = {"_PyEval_EvalFrameDefault", "_PyFunction_Vectorcall",
                                            "PyContextVar_Set"};
    dl_iterate_phdr(note_range, NULL);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        note_function(functions[i]);
    }
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        PyMem_GetAllocator(domains[i], &own[i]);
        PyMemAllocatorEx hooked = {&own[i], hooked_malloc, hooked_calloc, hooked_realloc,
                                   hooked_free};
        PyMem_SetAllocator(domains[i], &hooked);
    }
    return interpreter_count > 0 ? engine_count : 0;
}

/* Let those asked for from now on fail that stand from one place to another, counted from 1. */
void fail(long from, long to)
{
    asked = failed = 0;
    first = from;
    last = to;
}

/* Let none fail any more; return how many were asked for. */
long stop(void)
{
    last = -1;
    return asked;
}

long failures(void) { return failed; }
long blocks_held(void) { return held; }
