/* Blocks of lanes on processors with AVX2 and FMA, with vector mathematics. */
#define FAST
#define NAME kernels_fast_avx2
#include "../kernels_avx2.c"
