/* The verifier of programs. A debug build (SCALARGRAD_DEBUG) runs it behind every pass. */
#ifndef SCALARGRAD_VERIFY_H
#define SCALARGRAD_VERIFY_H

#include "builder.h"

/* What there is to verify: behind a pass of the planner, the last one of a finished plan. */
enum { STAGE_NODES, STAGE_FORWARD, STAGE_BACKWARD, STAGE_PLAN };

typedef struct {
    char text[200]; /* "backward[3] mul: adds to g2 after it was read"; empty: nothing is wrong */
} Problem;

Problem verify_plan(const Plan *plan, int stage);

/* End the process where a pass left something wrong, and say what; nothing in other builds. */
void check_pass(const Builder *builder, const char *pass, int stage);

#endif
