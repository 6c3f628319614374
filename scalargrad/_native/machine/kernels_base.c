/* Blocks of lanes on any processor. */
#ifndef NAME /* else of the fast kernels */
#define NAME lanes_base
#endif
#define TITLE "baseline"
#define WIDTH 2
#define PANEL 4
#define ACROSS 2
#define FMA(a, b, c) ((a) * (b) + (c))
#include "kernels.inc"
