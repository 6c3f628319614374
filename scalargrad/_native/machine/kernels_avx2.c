/* Blocks of lanes on processors with AVX2 and FMA. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#ifndef NAME /* else of the fast kernels */
#define NAME kernels_avx2
#endif
#define TITLE "AVX2"
#define WIDTH 4
#define PANEL PANEL_AVX2
#define ACROSS ACROSS_AVX2
#define FMA(a, b, c) ((Vector)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#include "kernels.inc"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int nothing_here;
#endif
