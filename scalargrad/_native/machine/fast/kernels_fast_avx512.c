/* Blocks of lanes on processors with AVX-512, with vector mathematics. */
#define FAST
#define NAME kernels_fast_avx512
#include "../kernels_avx512.c"
