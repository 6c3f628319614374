/* Blocks of lanes on processors with AVX-512. */
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"))),        \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#ifndef NAME /* else of the fast kernels */
#define NAME kernels_avx512
#endif
#define TITLE "AVX-512"
#define WIDTH 8
#define PANEL PANEL_AVX512
#define ACROSS ACROSS_AVX512
#define FMA(a, b, c) ((Vector)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))

/* Eight numbers of eight rows become columns, `row` numbers apart, in registers. */
static inline void transpose(double *to, size_t row, const double *const *from, size_t place)
{
    __m512d pairs[8], fours[8];
    for (int i = 0; i < 8; i += 2) { /* of each two rows, the even and the odd columns */
        __m512d a = _mm512_loadu_pd(from[i] + place), b = _mm512_loadu_pd(from[i + 1] + place);
        pairs[i] = _mm512_unpacklo_pd(a, b);
        pairs[i + 1] = _mm512_unpackhi_pd(a, b);
    }
    for (int i = 0; i < 4; i++) {
        int at = i / 2 * 4 + i % 2;
        fours[i] = _mm512_shuffle_f64x2(pairs[at], pairs[at + 2], 0x88);
        fours[i + 4] = _mm512_shuffle_f64x2(pairs[at], pairs[at + 2], 0xdd);
    }
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
            __m512d a = fours[4 * j + i], b = fours[4 * j + i + 2];
            _mm512_storeu_pd(to + (size_t)(2 * j + i) * row, _mm512_shuffle_f64x2(a, b, 0x88));
            _mm512_storeu_pd(to + (size_t)(2 * j + i + 4) * row, _mm512_shuffle_f64x2(a, b, 0xdd));
        }
    }
}

#define TRANSPOSE transpose
#include "kernels.inc"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#else
typedef int nothing_here;
#endif
