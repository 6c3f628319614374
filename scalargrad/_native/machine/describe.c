/* What a plan looks like, by name, for tape/plan_text.py. */
#include "plan_object.h"
#include "../codes.h"

/* -- small parts ------------------------------------------------------------------------------- */

/* Put a value into a dict, and forget it; -1 with an error. */
static int put(PyObject *dict, const char *name, PyObject *value)
{
    int status = value != NULL && dict != NULL ? PyDict_SetItemString(dict, name, value) : -1;
    Py_XDECREF(value);
    return status;
}

/* Put an item behind a list, and forget it; without an item there is no list any more. Lists grow
 * item by item, as making the next one may run a finaliser, which must see no empty places.
 */
static void append(PyObject **list, PyObject *item)
{
    if (*list != NULL && (item == NULL || PyList_Append(*list, item) < 0)) {
        Py_CLEAR(*list);
    }
    Py_XDECREF(item);
}

static PyObject *number_or_none(uint32_t number)
{
    return number == NONE ? Py_NewRef(Py_None) : PyLong_FromUnsignedLong(number);
}

static PyObject *target_of(uint32_t target)
{
    return target == NONE ? Py_NewRef(Py_None) : Py_BuildValue("(II)", target >> 1, target & 1);
}

static PyObject *list_of(const uint32_t *numbers, size_t count, PyObject *(*item_of)(uint32_t))
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        append(&list, item_of(numbers[i]));
    }
    return list;
}

static PyObject *slots(const uint32_t *numbers, size_t count)
{
    return list_of(numbers, count, number_or_none);
}

static PyObject *targets(const uint32_t *numbers, size_t count)
{
    return list_of(numbers, count, target_of);
}

/* -- the table of instructions ----------------------------------------------------------------- */

static const char *const field_names[] = {
#define FIELD(name, text) #name,
#include "instructions.def"
};

static const char *const letters[FIELDS] = {"x", "y", "z", "g", "t", "u"};

static PyObject *describe_direction(const uint8_t *kinds, const char *text)
{
    PyObject *fields = PyDict_New();
    for (int k = 0; k < FIELDS; k++) {
        if (kinds[k] != FIELD_UNUSED &&
            put(fields, letters[k], PyUnicode_FromString(field_names[kinds[k]])) < 0) {
            Py_CLEAR(fields);
        }
    }
    return Py_BuildValue("{s:N,s:s}", "fields", fields, "text", text);
}

/* {name: {"forward": {"fields": {"x": "READ", ...}, "text": "z = f(x)"}, "backward": ...}} */
PyObject *describe_instructions(void)
{
    PyObject *all = PyDict_New();
    for (int i = 0; all != NULL && i < CODES_END - CODES; i++) {
        const Form *form = &forms[i];
        PyObject *entry = Py_BuildValue(
            "{s:N,s:N}", "forward", describe_direction(form->forward, form->forward_text),
            "backward", describe_direction(form->backward, form->backward_text));
        if (put(all, form->name, entry) < 0) {
            Py_CLEAR(all);
        }
    }
    return all;
}

/* -- programs ---------------------------------------------------------------------------------- */

static PyObject *describe_field(const Plan *plan, const Instruction *i, uint8_t kind,
                                uint32_t field)
{
    switch (kind) {
    case FIELD_OPERANDS:
        return slots(plan->lists + field, i->y);
    case FIELD_OPERANDS_RESULTS:
        return Py_BuildValue("(NN)", slots(plan->lists + field, i->y),
                             slots(plan->lists + field + i->y, i->y));
    case FIELD_TARGETS:
        return targets(plan->lists + field, i->y);
    case FIELD_TARGETS_FACTORS:
        return Py_BuildValue("(NN)", targets(plan->lists + field, i->y),
                             slots(plan->lists + field + i->y, i->y));
    default:
        return number_or_none(field);
    }
}

static PyObject *describe_instruction(const Plan *plan, const Instruction *i, int is_back)
{
    const Form *form = form_of(i);
    const uint8_t *kinds = is_back ? form->backward : form->forward;
    const uint32_t fields[FIELDS] = {i->x, i->y, i->z, i->g, i->t, i->u};
    int is_listed = i->code == CODE_MANY || i->code == CODE_SPREAD;
    PyObject *entry = Py_BuildValue("{s:s,s:s,s:i,s:i}", "form", form->name, "row",
                                    i->code < CODES ? row_of(i->code)->name
                                    : is_listed     ? row_of(i->row)->name
                                                    : "",
                                    "operand", i->operand, "assigns", i->assigns);
    for (int k = 0; entry != NULL && k < FIELDS; k++) {
        if (kinds[k] != FIELD_UNUSED &&
            put(entry, letters[k], describe_field(plan, i, kinds[k], fields[k])) < 0) {
            Py_CLEAR(entry);
        }
    }
    return entry;
}

static PyObject *describe_stretch(const Plan *plan, const Stretch *s)
{
    static const char *const names[] = {
#define STRETCH(name, text) #name,
#include "instructions.def"
    };
    PyObject *list = s->kind == STRETCH_GATHER || s->kind == STRETCH_GATHER_BACK
                         ? slots(plan->lists + s->first, s->count)
                     : s->kind == STRETCH_SCATTER || s->kind == STRETCH_SCATTER_REVERSED
                         ? targets(plan->lists + s->first, s->count)
                         : Py_NewRef(Py_None);
    return Py_BuildValue("{s:s,s:I,s:I,s:I,s:N}", "kind", names[s->kind], "first", s->first,
                         "count", s->count, "at", s->at, "list", list);
}

static PyObject *describe_program(const Plan *plan, const Program *program, int is_back)
{
    PyObject *instructions = PyList_New(0), *stretches = PyList_New(0);
    for (size_t i = 0; instructions != NULL && i < program->count; i++) {
        append(&instructions, describe_instruction(plan, &program->instructions[i], is_back));
    }
    for (size_t i = 0; stretches != NULL && i < program->stretch_count; i++) {
        append(&stretches, describe_stretch(plan, &program->stretches[i]));
    }
    return Py_BuildValue("{s:N,s:N}", "instructions", instructions, "stretches", stretches);
}

/* -- what stands around them ------------------------------------------------------------------- */

/* {slot: number} of the constants that have one */
static PyObject *describe_constants(const Plan *plan)
{
    PyObject *constants = PyDict_New();
    for (size_t i = 0; constants != NULL && i < plan->constant_count + plan->constant_row_count;
         i++) {
        int is_row = i >= plan->constant_count;
        ConstantRow row = is_row ? plan->constant_rows[i - plan->constant_count]
                                 : (ConstantRow){(uint32_t)i, plan->constant_slots[i]};
        if (row.slot == NONE) {
            continue;
        }
        PyObject *slot = PyLong_FromUnsignedLong(row.slot);
        PyObject *number = PyFloat_FromDouble(plan->constants[row.constant]);
        if (slot == NULL || number == NULL || PyDict_SetItem(constants, slot, number) < 0) {
            Py_CLEAR(constants);
        }
        Py_XDECREF(slot);
        Py_XDECREF(number);
    }
    return constants;
}

static PyObject *describe_guards(const Plan *plan)
{
    static const char *const signs[] = {
#define COMPARISON(number, sign, holds) sign,
        COMPARISONS(COMPARISON)
#undef COMPARISON
    };
    PyObject *guards = PyList_New(0);
    for (uint32_t i = 0; guards != NULL && i < plan->guard_count; i++) {
        const Guard *guard = &plan->guards[i];
        append(&guards, Py_BuildValue("{s:I,s:s,s:I,s:i}", "left", guard->left, "sign",
                                      signs[guard->comparison], "right", guard->right, "outcome",
                                      guard->outcome));
    }
    return guards;
}

static PyObject *describe_product(const Plan *plan, const Group *group)
{
    size_t count = (size_t)group->inner * group->outer;
    PyObject *weights = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; weights != NULL && i < count; i++) {
        uint32_t index = group->weights[i] & ((1u << WEIGHT_BITS) - 1);
        PyObject *weight = group->weights[i] >> WEIGHT_BITS == WEIGHT_CAPTURED
                               ? PyUnicode_FromFormat("w%u", index)
                               : PyFloat_FromDouble(plan->constants[index]);
        if (weight == NULL) {
            Py_CLEAR(weights);
            break;
        }
        PyList_SET_ITEM(weights, (Py_ssize_t)i, weight);
    }
    return Py_BuildValue(
        "{s:I,s:I,s:N,s:N,s:N,s:N,s:N,s:N,s:i}", "inner", group->inner, "outer", group->outer, "xs",
        slots(group->xs, group->inner), "zs", slots(group->zs, group->outer), "weights", weights,
        "gs", slots(group->gs, group->outer), "operands", slots(group->active, group->active_count),
        "targets", targets(group->targets, group->active_count), "collects", group->weights_active);
}

static PyObject *describe_products(const Plan *plan)
{
    PyObject *products = PyList_New(0);
    for (uint32_t i = 0; products != NULL && i < plan->group_count; i++) {
        append(&products, describe_product(plan, &plan->groups[i]));
    }
    return products;
}

/* describe(): the plan as a dict */
PyObject *describe(PyObject *object, PyObject *unused)
{
    (void)unused;
    const Plan *plan = &((PlanObject *)object)->plan;
    PyObject *all =
        Py_BuildValue("{s:I,s:I,s:K,s:K}", "slots", plan->slots, "gradients", plan->gradients,
                      "scalar_cost", (unsigned long long)plan->scalar_cost, "vector_cost",
                      (unsigned long long)plan->vector_cost);
    if (put(all, "inputs", slots(plan->input_slots, plan->inputs)) < 0 ||
        put(all, "captured", slots(plan->captured_slots, plan->captured)) < 0 ||
        put(all, "constants", describe_constants(plan)) < 0 ||
        put(all, "prelude", describe_program(plan, &plan->prelude, 0)) < 0 ||
        put(all, "spread", slots(plan->spread_list, plan->spread_count)) < 0 ||
        put(all, "forward", describe_program(plan, &plan->body, 0)) < 0 ||
        put(all, "outputs", slots(plan->output_slots, plan->outputs)) < 0 ||
        put(all, "guards", describe_guards(plan)) < 0 ||
        put(all, "seed", number_or_none(plan->seed)) < 0 ||
        put(all, "collects", slots(plan->uniform_gradients, plan->uniform_gradient_count)) < 0 ||
        put(all, "backward", describe_program(plan, &plan->back, 1)) < 0 ||
        put(all, "backward_prelude", describe_program(plan, &plan->back_prelude, 1)) < 0 ||
        put(all, "by_inputs", slots(plan->input_gradients, plan->inputs)) < 0 ||
        put(all, "by_captured", slots(plan->captured_gradients, plan->captured)) < 0 ||
        put(all, "products", describe_products(plan)) < 0) {
        Py_CLEAR(all);
    }
    return all;
}
