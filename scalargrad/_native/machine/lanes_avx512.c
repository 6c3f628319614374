/* Blocks of lanes on processors with AVX-512. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#ifndef NAME /* else of the fast kernels */
#define NAME lanes_avx512
#endif
#define TITLE "AVX-512"
#define WIDTH 8
#define PANEL 6
#define ACROSS 4
#define FMA(a, b, c) ((Vector)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#include "lanes.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int nothing_here;
#endif
