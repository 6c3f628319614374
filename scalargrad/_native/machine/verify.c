/* Runs a plan on what is in the slots instead of numbers: empty, written, read. So it finds what is
 * read before it is written, gradients that lose a term, lists and slots out of range. What is in
 * each field of an instruction it takes from instructions.def.
 */
#include "verify.h"
#include <stdarg.h>
#include <stdio.h>

enum { EMPTY, IN_PRELUDE, WRITTEN, SCRATCH };          /* of values */
enum { NO_TERM = EMPTY, ZEROED, HAS_TERMS, WAS_READ }; /* of gradients */

typedef struct {
    const Plan *plan;
    uint8_t *values, *gradients; /* the state of each slot */
    int is_back, in_prelude;
    const char *program, *name; /* where we are, for the message */
    size_t index;
    uint32_t width; /* lanes of a vectorised instruction: so many slots each */
    Problem problem;
} Verifier;

static void fail(Verifier *v, const char *format, ...)
{
    if (v->problem.text[0] != '\0') {
        return; /* the first one tells most */
    }
    char *text = v->problem.text;
    int start = snprintf(text, sizeof v->problem.text, "%s[%zu]%s%s: ", v->program, v->index,
                         v->name[0] != '\0' ? " " : "", v->name);
    va_list args;
    va_start(args, format);
    vsnprintf(text + start, sizeof v->problem.text - (size_t)start, format, args);
    va_end(args);
}

static int is_vectorized(const Verifier *v) { return v->plan->body.stretches != NULL; }

/* -- slots of values --------------------------------------------------------------------------- */

static int has_values(Verifier *v, uint32_t slot, uint32_t width)
{
    if (slot >= v->plan->slots || width > v->plan->slots - slot) {
        fail(v, "%%%u is none of the %u slots of values", slot, v->plan->slots);
        return 0;
    }
    return 1;
}

static void read_values(Verifier *v, uint32_t slot, uint32_t width)
{
    for (uint32_t i = slot; has_values(v, slot, width) && i < slot + width; i++) {
        if (v->values[i] == EMPTY) {
            fail(v, "reads %%%u, which nothing wrote", i);
        } else if (v->values[i] == IN_PRELUDE && !v->in_prelude) {
            fail(v, "reads %%%u of the prelude, which is not spread over the lanes", i);
        }
    }
}

static void write_values(Verifier *v, uint32_t slot, uint32_t width, uint8_t state)
{
    for (uint32_t i = slot; has_values(v, slot, width) && i < slot + width; i++) {
        if (v->values[i] != EMPTY && !(state == SCRATCH && v->values[i] == SCRATCH)) {
            fail(v, "writes %%%u, which was written before", i);
        }
        v->values[i] = state;
    }
}

static void write_results(Verifier *v, uint32_t slot, uint32_t width)
{
    write_values(v, slot, width, v->in_prelude ? IN_PRELUDE : WRITTEN);
}

/* -- slots of gradients ------------------------------------------------------------------------ */

static int has_gradients(Verifier *v, uint32_t slot, uint32_t width)
{
    if (slot >= v->plan->gradients || width > v->plan->gradients - slot) {
        fail(v, "g%u is none of the %u slots of gradients", slot, v->plan->gradients);
        return 0;
    }
    return 1;
}

static void read_gradients(Verifier *v, uint32_t slot, uint32_t width)
{
    for (uint32_t i = slot; has_gradients(v, slot, width) && i < slot + width; i++) {
        if (v->gradients[i] == NO_TERM) {
            fail(v, "reads g%u, which has no term", i);
        }
        v->gradients[i] = WAS_READ;
    }
}

static void add_term(Verifier *v, uint32_t slot, int assigns)
{
    if (!has_gradients(v, slot, 1)) {
        return;
    }
    uint8_t state = v->gradients[slot];
    if (assigns && state == HAS_TERMS) {
        fail(v, "assigns g%u, whose terms nothing read", slot);
    } else if (assigns && state == ZEROED && !is_vectorized(v)) {
        fail(v, "assigns g%u, which collects over all blocks", slot);
    } else if (!assigns && state == NO_TERM) {
        fail(v, "adds to g%u, which has no first term", slot);
    } else if (!assigns && state == WAS_READ) {
        fail(v, "adds to g%u after it was read", slot);
    }
    v->gradients[slot] = HAS_TERMS;
}

static void add_terms(Verifier *v, uint32_t slot, int assigns)
{
    for (uint32_t i = 0; i < v->width; i++) {
        add_term(v, slot + i, assigns);
    }
}

/* -- lists ------------------------------------------------------------------------------------- */

static const uint32_t *list_at(Verifier *v, uint32_t first, size_t count)
{
    if (first > v->plan->list_count || count > v->plan->list_count - first) {
        fail(v, "%zu entries from %u on are not in the side list of %zu", count, first,
             v->plan->list_count);
        return NULL;
    }
    return v->plan->lists + first;
}

static void look_at_list(Verifier *v, const uint32_t *list, uint32_t count,
                         void (*look)(Verifier *, uint32_t, uint32_t), uint32_t width)
{
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        look(v, list[i], width);
    }
}

static void add_to_targets(Verifier *v, const uint32_t *targets, uint32_t count)
{
    for (uint32_t i = 0; targets != NULL && i < count; i++) {
        if (targets[i] != NONE) {
            add_term(v, targets[i] >> 1, targets[i] & 1);
        }
    }
}

/* -- matrix products --------------------------------------------------------------------------- */

static void look_at_weights(Verifier *v, const Group *group)
{
    for (size_t i = 0; i < (size_t)group->inner * group->outer; i++) {
        uint32_t weight = group->weights[i] & ((1u << WEIGHT_BITS) - 1);
        int is_captured = group->weights[i] >> WEIGHT_BITS == WEIGHT_CAPTURED;
        if (weight >= (is_captured ? v->plan->captured : v->plan->constant_count)) {
            fail(v, "weight %zu is no %s number", i, is_captured ? "captured" : "constant");
        }
    }
}

static void look_at_product(Verifier *v, uint32_t index)
{
    if (index >= v->plan->group_count) {
        fail(v, "there is no matrix product %u", index);
        return;
    }
    const Group *group = &v->plan->groups[index];
    if (!v->is_back) {
        look_at_weights(v, group);
        look_at_list(v, group->xs, group->inner, read_values, 1);
        look_at_list(v, group->zs, group->outer, write_results, 1);
        return;
    }
    look_at_list(v, group->xs, group->inner, read_values, 1);
    look_at_list(v, group->gs, group->outer, read_gradients, 1);
    for (uint32_t i = 0; i < group->active_count; i++) {
        if (group->active[i] >= group->inner) {
            fail(v, "operand %u is none of the product's %u", group->active[i], group->inner);
        }
    }
    add_to_targets(v, group->targets, group->active_count);
}

/* -- instructions ------------------------------------------------------------------------------ */

static int partial_reads(const Instruction *instruction)
{
    const Operation *row = row_of(instruction->code);
    return instruction->operand == BOTH ? row->reads[0] | row->reads[1]
                                        : row->reads[instruction->operand];
}

/* Follow what a field says; `bit` is that of x, y or z in the operands that a partial reads. */
static void look_at_field(Verifier *v, const Instruction *i, uint8_t kind, uint32_t field, int bit)
{
    const uint32_t *list = NULL;
    switch (kind) {
    case FIELD_READ:
        read_values(v, field, v->width);
        break;
    case FIELD_WRITE:
        write_results(v, field, v->width);
        break;
    case FIELD_PARTIAL_READ:
        read_values(v, field, partial_reads(i) & bit ? v->width : 0);
        break;
    case FIELD_OPERANDS:
        look_at_list(v, list_at(v, field, i->y), i->y, read_values, v->width);
        break;
    case FIELD_OPERANDS_RESULTS:
        list = list_at(v, field, 2 * (size_t)i->y);
        look_at_list(v, list, i->y, read_values, 1);
        look_at_list(v, list != NULL ? list + i->y : NULL, i->y, write_results, 1);
        break;
    case FIELD_KEEP:
        write_results(v, field == NONE ? 0 : field, field == NONE ? 0 : i->y);
        break;
    case FIELD_KEPT:
        read_values(v, field, i->y);
        break;
    case FIELD_ENTRY:
        if (field >= i->y) {
            fail(v, "there is no result %u of %u", field, i->y);
        }
        break;
    case FIELD_PRODUCT:
        look_at_product(v, field);
        break;
    case FIELD_UPSTREAM:
        read_gradients(v, field, v->width);
        break;
    case FIELD_TARGET:
        add_terms(v, field, i->assigns & 1);
        break;
    case FIELD_SECOND_TARGET:
        if (i->operand == BOTH) {
            add_terms(v, field, i->assigns >> 1);
        }
        break;
    case FIELD_CLEARED:
        add_term(v, field, 1);
        break;
    case FIELD_TARGETS:
        add_to_targets(v, list_at(v, field, i->y), i->y);
        break;
    case FIELD_TARGETS_FACTORS:
        list = list_at(v, field, 2 * (size_t)i->y);
        look_at_list(v, list != NULL ? list + i->y : NULL, i->y, read_values, 1);
        add_to_targets(v, list, i->y);
        break;
    default:
        break;
    }
}

static int is_row(const Instruction *instruction)
{
    const Operation *row = row_of(instruction->code);
    return instruction->code < operation_count && (row->value1 != NULL || row->value2 != NULL);
}

static void look_at_instruction(Verifier *v, const Instruction *i)
{
    int is_own = i->code >= CODES && i->code < CODES_END;
    if (i->code == DETACH || (!is_own && !is_row(i))) {
        fail(v, "there is no instruction of the code %u", i->code);
        return;
    }
    if ((i->code == CODE_MANY || i->code == CODE_SPREAD) && i->row >= operation_count) {
        fail(v, "there is no row %u", i->row);
        return;
    }
    const Form *form = form_of(i);
    const uint8_t *kinds = v->is_back ? form->backward : form->forward;
    v->name = form == &forms[CODE_UNARY - CODES] || form == &forms[CODE_BINARY - CODES]
                  ? row_of(i->code)->name
                  : form->name;
    if (v->is_back && !is_own && i->operand > (form == &forms[CODE_BINARY - CODES] ? BOTH : 0)) {
        fail(v, "there is no operand %u", i->operand);
        return;
    }
    const uint32_t fields[FIELDS] = {i->x, i->y, i->z, i->g, i->t, i->u};
    for (int k = 0; k < FIELDS; k++) {
        look_at_field(v, i, kinds[k], fields[k], k < 3 ? 1 << k : 0);
    }
    if (kinds[IN_G] == FIELD_UPSTREAM && kinds[IN_T] == FIELD_TARGET && i->g == i->t) {
        fail(v, "adds to g%u what it reads there", i->g);
    }
    if (kinds[IN_U] == FIELD_SECOND_TARGET && i->operand == BOTH && i->t == i->u) {
        fail(v, "has g%u as two targets", i->t);
    }
}

/* -- stretches --------------------------------------------------------------------------------- */

/* Values and gradients are gathered on the way back. */
static void look_at_move(Verifier *v, const Stretch *s)
{
    int is_gathered = s->kind == STRETCH_GATHER || s->kind == STRETCH_GATHER_BACK;
    int of_gradients = s->kind == STRETCH_GATHER_BACK || s->kind == STRETCH_FILL_BACK;
    void (*read)(Verifier *, uint32_t, uint32_t) = of_gradients ? read_gradients : read_values;
    if (is_gathered) {
        look_at_list(v, list_at(v, s->first, s->count), s->count, read, 1);
    } else {
        read(v, s->first, 1);
    }
    if (!of_gradients) {
        write_values(v, s->at, s->count, SCRATCH);
    }
    for (uint32_t i = 0; of_gradients && i < s->count; i++) {
        add_term(v, s->at + i, 1);
    }
}

static void look_at_stretch(Verifier *v, const Program *program, const Stretch *s)
{
    v->width = 1;
    switch (s->kind) {
    case STRETCH_INSTRUCTIONS:
        if (s->at != 1 && (s->at % 8 != 0 || s->at > MOST_LANES)) {
            fail(v, "%u lanes are no whole vectors", s->at);
        }
        if (s->first != v->index || s->count > program->count - s->first) {
            fail(v, "a stretch of %u instructions begins at %u", s->count, s->first);
            return;
        }
        v->width = s->at;
        for (uint32_t i = 0; i < s->count; i++, v->index++) {
            look_at_instruction(v, &program->instructions[v->index]);
        }
        break;
    case STRETCH_SCATTER:
    case STRETCH_SCATTER_REVERSED:
        read_gradients(v, s->at, s->count);
        add_to_targets(v, list_at(v, s->first, s->count), s->count);
        break;
    default:
        look_at_move(v, s);
    }
}

static void look_at_program(Verifier *v, const Program *program, const char *name, int is_back)
{
    v->program = name;
    v->name = "";
    v->is_back = is_back;
    v->index = 0;
    for (size_t i = 0; i < program->stretch_count; i++) {
        look_at_stretch(v, program, &program->stretches[i]);
    }
    if (program->stretches != NULL && v->index != program->count) {
        fail(v, "%zu instructions are in no stretch", program->count - v->index);
    }
    v->width = 1;
    for (; program->stretches == NULL && v->index < program->count; v->index++) {
        look_at_instruction(v, &program->instructions[v->index]);
    }
}

/* -- the whole plan ---------------------------------------------------------------------------- */

static void write_used(Verifier *v, const char *what, const uint32_t *slots, uint32_t count)
{
    v->name = what;
    for (v->index = 0; v->index < count; v->index++) {
        if (slots[v->index] != NONE) {
            write_values(v, slots[v->index], 1, WRITTEN);
        }
    }
}

static void begin(Verifier *v)
{
    const Plan *plan = v->plan;
    v->program = "before";
    write_used(v, "input", plan->input_slots, plan->inputs);
    write_used(v, "captured", plan->captured_slots, plan->captured);
    write_used(v, "constant", plan->constant_slots, plan->constant_count);
    v->name = "constant row";
    for (size_t i = 0; i < plan->constant_row_count; i++) {
        write_values(v, plan->constant_rows[i].slot, MOST_LANES, WRITTEN);
    }
}

static void look_at_results(Verifier *v)
{
    const Plan *plan = v->plan;
    v->program = "after";
    v->name = "output";
    for (v->index = 0; v->index < plan->outputs; v->index++) {
        read_values(v, plan->output_slots[v->index], 1);
    }
    v->name = "guard";
    for (v->index = 0; v->index < plan->guard_count; v->index++) {
        const Guard *guard = &plan->guards[v->index];
        read_values(v, guard->left, 1);
        read_values(v, guard->right, 1);
    }
}

static void spread(Verifier *v)
{
    v->program = "prelude";
    v->name = "spread";
    for (v->index = 0; v->index < v->plan->spread_count; v->index++) {
        uint32_t slot = v->plan->spread_list[v->index];
        if (has_values(v, slot, 1) && v->values[slot] == EMPTY) {
            fail(v, "spreads %%%u, which nothing wrote", slot);
        }
        v->values[slot] = WRITTEN;
    }
}

static void look_forward(Verifier *v, int stage)
{
    begin(v);
    v->in_prelude = !v->plan->is_for_points; /* one lane has all that a prelude wrote */
    look_at_program(v, &v->plan->prelude, "prelude", 0);
    if (stage == STAGE_PLAN) {
        spread(v);
    }
    v->in_prelude = stage != STAGE_PLAN; /* until then nobody says what is spread */
    look_at_program(v, &v->plan->body, "forward", 0);
    if (stage == STAGE_PLAN) {
        look_at_results(v);
    }
}

static void look_at_leaves(Verifier *v, const char *what, const uint32_t *slots, uint32_t count)
{
    v->program = "after";
    v->name = what;
    for (v->index = 0; v->index < count; v->index++) {
        uint32_t slot = slots[v->index];
        if (slot != NONE && has_gradients(v, slot, 1) && v->gradients[slot] != HAS_TERMS &&
            v->gradients[slot] != ZEROED) {
            fail(v, "its gradient, g%u, has no terms left", slot);
        }
    }
}

static void look_backward(Verifier *v, int stage)
{
    const Plan *plan = v->plan;
    v->program = "before";
    v->name = "collecting gradient";
    for (v->index = 0; v->index < plan->uniform_gradient_count; v->index++) {
        if (has_gradients(v, plan->uniform_gradients[v->index], 1)) {
            v->gradients[plan->uniform_gradients[v->index]] = ZEROED;
        }
    }
    if (plan->seed == NONE) {
        return;
    }
    v->name = "seed";
    add_term(v, plan->seed, !plan->seed_collects);
    look_at_program(v, &plan->back, "backward", 1);
    v->in_prelude = 1; /* it runs on the first lanes only */
    look_at_program(v, &plan->back_prelude, "backward prelude", 1);
    if (stage == STAGE_PLAN) {
        look_at_leaves(v, "input", plan->input_gradients, plan->inputs);
        look_at_leaves(v, "captured", plan->captured_gradients, plan->captured);
    }
}

Problem verify_plan(const Plan *plan, int stage)
{
    Verifier v = {.plan = plan, .width = 1};
    v.values = calloc(plan->slots + (size_t)1, 1);
    v.gradients = calloc(plan->gradients + (size_t)1, 1);
    if (v.values != NULL && v.gradients != NULL) {
        look_forward(&v, stage);
        if (stage >= STAGE_BACKWARD) {
            look_backward(&v, stage);
        }
    }
    free(v.values);
    free(v.gradients);
    return v.problem;
}

/* -- behind each pass -------------------------------------------------------------------------- */

#ifdef SCALARGRAD_DEBUG

static Problem verify_nodes(const Builder *builder)
{
    Verifier v = {.plan = builder->plan, .program = "nodes", .name = ""};
    for (uint32_t i = builder->lines_from; i < builder->count; i++) {
        const Node *node = &builder->nodes[i];
        v.index = i - builder->lines_from;
        if (node->operands > builder->list_count ||
            node->count > builder->list_count - node->operands) {
            fail(&v, "its operands are not in the list");
            break;
        }
        for (uint32_t j = 0; j < node->count; j++) {
            uint32_t operand = operands_of(builder, node)[j];
            if (operand >= i && operand != builder->one) {
                fail(&v, "operand %u is no earlier node", j);
            }
        }
        if (node->same > i || builder->nodes[node->same].same != node->same) {
            fail(&v, "it has the value of node %u, which has that of another", node->same);
        }
        if (node->absorbed && (!node->alive || node->fused != NOT_FUSED)) {
            fail(&v, "it is absorbed, and dead or fused itself");
        }
    }
    for (uint32_t i = 0; i < builder->order_count; i++) {
        v.index = i;
        if (!is_line(builder, builder->order[i]) || builder->order[i] >= builder->count) {
            fail(&v, "the order has a node that is no line");
        }
    }
    return v.problem;
}

void check_pass(const Builder *builder, const char *pass, int stage)
{
    Problem problem =
        stage == STAGE_NODES ? verify_nodes(builder) : verify_plan(builder->plan, stage);
    if (problem.text[0] != '\0') {
        fprintf(stderr, "scalargrad: pass %s: %s\n", pass, problem.text);
        abort();
    }
}

#else

void check_pass(const Builder *builder, const char *pass, int stage)
{
    (void)builder;
    (void)pass;
    (void)stage;
}

#endif
