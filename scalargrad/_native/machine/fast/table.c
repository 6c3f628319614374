/* The table once more, in fast arithmetic. */
#include "../table.c"
