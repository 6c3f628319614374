/* The table once more, in fast arithmetic. */
#include "../rows.c"
