/* One lane: rows are single numbers. */
#define POINT
#define NAME lanes_point
#define TITLE "one lane"
#include "kernels.inc"
