/* Blocks of lanes on any processor. */
#ifndef NAME /* else of the fast kernels */
#define NAME kernels_base
#endif
#define TITLE "baseline"
#define WIDTH 2
#define PANEL PANEL_BASE
#define ACROSS ACROSS_BASE
#define FMA(a, b, c) ((a) * (b) + (c))
#include "kernels.inc"
