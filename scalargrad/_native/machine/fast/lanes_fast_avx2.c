/* Blocks of lanes on processors with AVX2 and FMA., with vector mathematics. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#pragma GCC target("avx2,fma")
#define NAME lanes_fast_avx2
#define TITLE "AVX2"
#define WIDTH 4
#define PANEL 4
#define ACROSS 2
#define FMA(a, b, c) ((Vector)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#include "../lanes.h"
#else
typedef int nothing_here;
#endif
