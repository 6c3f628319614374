/* Brings the numbers of lanes from arrays to slots, and from slots to arrays. */
#include "run.h"

uint32_t next_shared(const Source *sources, size_t count, uint32_t input)
{
    for (size_t s = 0; s < count; s++) { /* they stand in order */
        if (input >= sources[s].first && input - sources[s].first < sources[s].width) {
            input = sources[s].first + (uint32_t)sources[s].width;
        }
    }
    return input;
}

static double number_at(const Source *source, size_t index)
{
    return source->is_integer ? (double)((const int64_t *)(const void *)source->from)[index]
                              : ((const double *)(const void *)source->from)[index];
}

static void load_row(const Run *run, const Source *source, const uint32_t *slots, size_t lane)
{
    for (size_t c = 0; c < source->width; c++) {
        if (slots[c] != NONE) {
            run->space->values[slots[c]] = number_at(source, lane * source->width + c);
        }
    }
}

/* One column of eight rows. */
static void load_column(const Source *source, size_t column, const size_t *rows, double *to)
{
    const double *from = (const double *)(const void *)source->from + column;
    for (size_t i = 0; i < 8; i++) {
        to[i] = source->is_integer ? number_at(source, rows[i] * source->width + column)
                                   : from[rows[i] * source->width];
    }
}

void load_lanes(const Run *run, size_t first, size_t lanes)
{
    const Plan *plan = run->plan;
    size_t stride = run->space->stride, whole = whole_lanes(run, lanes);
    for (size_t s = 0; s < run->source_count; s++) {
        const Source *source = &run->sources[s];
        const uint32_t *slots = plan->input_slots + source->first;
        if (source->width == 1 && run->index == NULL && !source->is_integer && slots[0] != NONE) {
            double *to = row_at(run->space->values, slots[0], stride);
            memcpy(to, (const double *)(const void *)source->from + first, lanes * sizeof *to);
            fill(to + lanes, to[lanes - 1], whole - lanes);
            continue;
        }
        if (whole == 1) {
            load_row(run, source, slots, run->index != NULL ? (size_t)run->index[first] : first);
            continue;
        }
        for (size_t tile = 0; tile < whole; tile += 8) {
            size_t rows[8];
            for (size_t i = 0; i < 8; i++) {
                size_t lane = first + (tile + i < lanes ? tile + i : lanes - 1);
                rows[i] = run->index != NULL ? (size_t)run->index[lane] : lane;
            }
            for (size_t c = 0; c < source->width; c++) {
                if (slots[c] != NONE) {
                    load_column(source, c, rows,
                                row_at(run->space->values, slots[c], stride) + tile);
                }
            }
        }
    }
}

/* Each number is added to `zero`: -0 keeps it as it is, 0 makes no -0 of it. */
static void store(const double *rows, const uint32_t *slots, size_t count, size_t stride,
                  size_t lanes, double zero, double *to)
{
    for (size_t k = 0; stride == 1 && k < count; k++) {
        to[k] = slots[k] != NONE ? rows[slots[k]] + zero : 0.0;
    }
    for (size_t k = 0; stride != 1 && k < count; k++) {
        const double *from = slots[k] != NONE ? rows + slots[k] * stride : NULL;
        if (from != NULL && count == 1) { /* vector by vector */
            for (size_t i = 0; i < lanes; i++) {
                to[i] = from[i] + zero;
            }
            return;
        }
        for (size_t i = 0; i < lanes; i++) {
            to[i * count + k] = from != NULL ? from[i] + zero : 0.0;
        }
    }
}

/* The same, lane by lane to rows that an index names. */
static void scatter(const double *rows, const uint32_t *slots, size_t count, size_t stride,
                    size_t lanes, double zero, const int64_t *index, double *to)
{
    for (size_t k = 0; k < count; k++) {
        const double *from = slots[k] != NONE ? rows + slots[k] * stride : NULL;
        for (size_t i = 0; i < lanes; i++) {
            to[(size_t)index[i] * count + k] = from != NULL ? from[i] + zero : 0.0;
        }
    }
}

void store_values(const Run *run, size_t first, size_t lanes)
{
    const Plan *plan = run->plan;
    if (run->is_scattered) {
        scatter(run->space->values, plan->output_slots, plan->outputs, run->space->stride, lanes,
                -0.0, run->index + first, run->values);
        return;
    }
    store(run->space->values, plan->output_slots, plan->outputs, run->space->stride, lanes, -0.0,
          run->values + first * plan->outputs);
}

/* Gradients are sums that begin with 0. */
void store_gradients(const Run *run, size_t first, size_t lanes)
{
    for (size_t k = 0; k < run->gradient_count; k++) {
        const Target *target = &run->gradients[k];
        const uint32_t *slots = run->plan->input_gradients + target->first;
        if (run->is_scattered) {
            scatter(run->space->gradients, slots, target->width, run->space->stride, lanes, 0.0,
                    run->index + first, target->to);
            continue;
        }
        store(run->space->gradients, slots, target->width, run->space->stride, lanes, 0.0,
              target->to + first * target->width);
    }
}
