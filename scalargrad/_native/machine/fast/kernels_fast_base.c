/* Blocks of lanes on any processor, with vector mathematics. */
#define FAST
#define NAME lanes_fast_base
#include "../kernels_base.c"
