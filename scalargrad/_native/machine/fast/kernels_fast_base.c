/* Blocks of lanes on any processor, with vector mathematics. */
#define FAST
#define NAME kernels_fast_base
#include "../kernels_base.c"
