/* One lane: rows are single numbers. */
#define POINT
#define NAME kernels_point
#define TITLE "one lane"
#include "kernels.inc"
