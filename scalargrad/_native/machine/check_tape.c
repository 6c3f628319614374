/* The door of the machine: a tape that is handed in is checked whole, every count, index and code,
 * before a pass reads it. So no pass need doubt what it reads. The twin of `check` in tape/tape.py.
 */
#include "machine.h"

#include "../codes.h"

_Static_assert(MOST_OF_A_KIND == 1 << INDEX_BITS, "as many as there are indices");

static const char none[] = ""; /* nothing is wrong */

static const char *wrong_counts(const Recorded *tape)
{
    uint64_t nodes = (uint64_t)tape->inputs + tape->captured + tape->constants + tape->lines;
    return nodes >= MOST_OF_A_KIND ? "fewer inputs, captured numbers, constants and lines"
           : tape->start_count != tape->lines + 1 || tape->result_count != tape->lines
               ? "one start and one result a line"
           : tape->root >= tape->output_count ? "an output of this number"
                                              : none;
}

static const char *wrong_starts(const Recorded *tape)
{
    int is_rising = tape->starts[0] == 0 && tape->starts[tape->lines] == tape->operand_count;
    for (uint32_t line = 0; is_rising && line < tape->lines; line++) {
        is_rising = tape->starts[line] <= tape->starts[line + 1];
    }
    return is_rising ? none : "operands that follow each other";
}

/* Whether a reference is to something that stands before a line. */
static int is_before(const Recorded *tape, uint32_t reference, uint32_t line)
{
    const uint32_t counts[] = {
        [INPUT] = tape->inputs,
        [CAPTURED] = tape->captured,
        [CONSTANT] = tape->constants,
        [LINE] = line,
    };
    return INDEX_OF(reference) < counts[KIND_OF(reference)];
}

/* Whether an operation of the table takes so many operands, and has such a result. */
static int fits(const Operation *row, uint32_t count, uint32_t result)
{
    if (row->value1 != NULL || row->value2 != NULL) {
        return count == (uint32_t)row->arity && result == 0;
    }
    return count % (uint32_t)row->arity == 0 && (count != 0 || row->empty) &&
           result < (row->value_plural != NULL ? count : 1);
}

static const char *wrong_line(const Recorded *tape, uint32_t line)
{
    int op = tape->ops[line];
    uint32_t start = tape->starts[line], end = tape->starts[line + 1];
    for (uint32_t i = start; i < end; i++) {
        if (!is_before(tape, tape->operands[i], line)) {
            return "operands that stand before their line";
        }
    }
    if (op == CALL) { /* of which the machine plans nothing */
        return none;
    }
    if (op >= operation_count) {
        return "operations of the table";
    }
    int is_so = op == DETACH ? end - start == 1 && tape->results[line] == 0
                             : fits(row_of(op), end - start, tape->results[line]);
    return is_so ? none : "as many operands and results as its operations have";
}

static const char *wrong_end(const Recorded *tape)
{
    for (uint32_t i = 0; i < tape->output_count; i++) {
        if (!is_before(tape, tape->outputs[i], tape->lines)) {
            return "outputs that are there";
        }
    }
    for (uint32_t i = 0; i < tape->guard_count; i++) {
        const RecordedGuard *guard = &tape->guards[i];
        if (guard->comparison >= COMPARISON_COUNT || guard->outcome > 1) {
            return "comparisons that Python has";
        }
        if (!is_before(tape, guard->left, tape->lines) ||
            !is_before(tape, guard->right, tape->lines)) {
            return "guards of operands that are there";
        }
    }
    return none;
}

const char *check_tape(const Recorded *tape)
{
    const char *wrong = wrong_counts(tape);
    wrong = *wrong == '\0' ? wrong_starts(tape) : wrong;
    for (uint32_t line = 0; *wrong == '\0' && line < tape->lines; line++) {
        wrong = wrong_line(tape, line);
    }
    return *wrong == '\0' ? wrong_end(tape) : wrong;
}
