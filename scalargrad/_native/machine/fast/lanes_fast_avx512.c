/* Blocks of lanes on processors with AVX-512., with vector mathematics. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#define NAME lanes_fast_avx512
#define TITLE "AVX-512"
#define WIDTH 8
#define PANEL 6
#define ACROSS 4
#define FMA(a, b, c) ((Vector)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#include "../lanes.h"
#else
typedef int nothing_here;
#endif
