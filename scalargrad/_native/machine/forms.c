/* The table of instructions: instructions.def as C reads it. */
#include "machine.h"

#define FIELDS_OF(x, y, z, g, t, u)                                                                \
    {FIELD_##x, FIELD_##y, FIELD_##z, FIELD_##g, FIELD_##t, FIELD_##u}

const Form forms[] = {
#define INSTRUCTION(name, forward_fields, forward, backward_fields, backward)                      \
    {#name, FIELDS_OF forward_fields, FIELDS_OF backward_fields, forward, backward},
#include "instructions.def"
};

_Static_assert(CODES_END <= UINT8_MAX, "a code is one byte");

const Form *form_of(const Instruction *instruction)
{
    assert(instruction->code < CODES_END);
    if (instruction->code >= CODES) {
        return &forms[instruction->code - CODES];
    }
    return &forms[(row_of(instruction->code)->value2 != NULL ? CODE_BINARY : CODE_UNARY) - CODES];
}
