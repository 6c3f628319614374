/* The costs and limits of costs.def, by name. */
#ifndef SCALARGRAD_COSTS_H
#define SCALARGRAD_COSTS_H

enum {
#define COST(name, tenths, what) name = tenths,
#define LIMIT(name, number, what) name = number,
#include "costs.def"
};

enum { MOST_PANEL = 8 }; /* rows of a panel of any kernels */

#endif
