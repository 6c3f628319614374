/* Blocks of lanes on any processor., with vector mathematics. */
#define NAME lanes_fast_base
#define TITLE "baseline"
#define WIDTH 2
#define PANEL 4
#define ACROSS 2
#define FMA(a, b, c) ((a) * (b) + (c))
#include "../lanes.h"
