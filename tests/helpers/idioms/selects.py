"""Idioms of choice: a function in two pieces, counting what is large, a bounded error, knots."""

from __future__ import annotations

import bisect
import itertools
import math
from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, as_values, vector

# -- a function in two pieces: v² where v is positive, else −v -------------------------------


def draw_pieces(random: Random, large: bool) -> Drawn:
    size, lanes = (20, 1000) if large else (3, 12)
    return [], [(vector(random, size),) for _ in range(lanes)]


PIECES = Idiom("pieces", draw_pieces)


@PIECES.best_written()
def where_positive(_, x):
    return sg.sum(sg.where(v > 0, v * v, -v) for v in x)


@PIECES.written(parts=True)
def conditional_expression(_, x):
    return sum(v * v if v > 0 else -v for v in x)


@PIECES.written(parts=True)
def if_and_else(_, x):
    total = 0.0
    for v in x:
        if v <= 0:
            total -= v
        else:
            total += v**2
    return total


@PIECES.written()
def numpy_where(_, x):
    return sum(np.where(v > 0, v * v, -v) for v in x)


@PIECES.written()
def two_masks(_, x):
    return sum((v > 0) * v * v - (v <= 0) * v for v in x)


@PIECES.written()
def mask_and_its_rest(_, x):
    total = 0.0
    for v in x:
        m = v > 0
        total = total + m * v * v + (1 - m) * -v
    return total


@PIECES.written()
def two_relus(_, x):
    return sum(sg.relu(v) ** 2 + sg.relu(-v) for v in x)


@PIECES.written(parts=True)
def maxima_of_python(_, x):
    return sum(max(v, 0.0) ** 2 + max(-v, 0.0) for v in x)


@PIECES.written()
def maximum_and_minimum(_, x):
    return sum(sg.maximum(v, 0.0) ** 2 - sg.minimum(v, 0.0) for v in x)


@PIECES.written(parts=True)
def filtered_twice(_, x):
    return sum(v * v for v in x if v > 0) - sum(v for v in x if not v > 0)


@PIECES.written(parts=True)
def list_by_truth(_, x):
    return sum([-v, v * v][v > 0] for v in x)


@PIECES.written(parts=True)
def float_of_a_truth(_, x):
    return sum(float(v > 0) * (v * v) + float(v <= 0) * (-v) for v in x)


@PIECES.written(parts=True)
def array_by_mask(_, x):
    x = np.array(x, dtype=object)
    return np.where(x > 0, x * x, -x).sum()


# -- how many exceed a limit, times the price of each ----------------------------------------


def draw_limits(random: Random, large: bool) -> Drawn:
    size, lanes = (20, 1000) if large else (4, 12)
    return [], [
        (vector(random, size), random.uniform(-0.5, 0.5), random.uniform(1.0, 2.0))
        for _ in range(lanes)
    ]


COUNT = Idiom("count", draw_limits)


@COUNT.best_written()
def sum_of_ones(_, x, limit, price):
    return price * sg.sum(sg.where(v > limit, 1.0, 0.0) for v in x)


@COUNT.written()
def sum_of_truths(_, x, limit, price):
    return price * sum(v > limit for v in x)


@COUNT.written()
def our_sum_of_truths(_, x, limit, price):
    return price * sg.sum([v > limit for v in x])


@COUNT.written(parts=True)
def length_of_the_filtered(_, x, limit, price):
    return len([v for v in x if v > limit]) * price


@COUNT.written(parts=True)
def counter_in_a_loop(_, x, limit, price):
    n = 0
    for v in x:
        if v > limit:
            n += 1
    return n * price


@COUNT.written()
def truth_is_added(_, x, limit, price):
    n = 0
    for v in x:
        n += v > limit
    return price * n


@COUNT.written(parts=True)
def sum_of_ints(_, x, limit, price):
    return price * sum(int(v > limit) for v in x)


@COUNT.written(parts=True)
def count_true(_, x, limit, price):
    return price * [v > limit for v in x].count(True)


@COUNT.written(parts=True)
def numpy_sum(_, x, limit, price):
    return price * np.sum(np.array(x, dtype=object) > limit)


@COUNT.written(parts=True)
def price_of_each(_, x, limit, price):
    return sum((price for v in x if limit < v), 0.0 * price)


@COUNT.written()
def all_less_the_others(_, x, limit, price):
    return (len(x) - sum(v <= limit for v in x)) * price


# -- Huber's error: a square within a bound, a line outside ----------------------------------


def draw_errors(random: Random, large: bool) -> Drawn:
    size, lanes = (10, 1000) if large else (2, 14)
    return [], [(vector(random, size, 2.0), random.uniform(0.5, 1.5)) for _ in range(lanes)]


BOUNDED = Idiom("bounded", draw_errors)


@BOUNDED.best_written()
def where_within(_, r, d):
    return sg.sum(sg.where(abs(e) <= d, e * e / 2, d * (abs(e) - d / 2)) for e in r)


@BOUNDED.written()
def and_of_two_truths(_, r, d):
    return sum(sg.where((e >= -d) & (e <= d), e * e / 2, d * (abs(e) - d / 2)) for e in r)


@BOUNDED.written()
def or_of_two_truths(_, r, d):
    return sum(sg.where((e < -d) | (e > d), d * (abs(e) - d / 2), e * e / 2) for e in r)


@BOUNDED.written()
def exclusive_or(_, r, d):
    return sum(sg.where((e > -d) ^ (e > d), e * e / 2, d * (abs(e) - d / 2)) for e in r)


@BOUNDED.written()
def where_in_where(_, r, d):
    outside = [sg.where(e > d, d * (e - d / 2), -d * (e + d / 2)) for e in r]
    within = [
        sg.where(e < -d, o, sg.where(e > d, o, e**2 / 2)) for e, o in zip(r, outside, strict=True)
    ]
    return sum(within)


@BOUNDED.written(parts=True)
def chained_comparison(_, r, d):
    return sum(e * e / 2 if -d <= e <= d else d * (abs(e) - d / 2) for e in r)


@BOUNDED.written(parts=True)
def if_with_or(_, r, d):
    total = 0.0
    for e in r:
        if e > d or e < -d:  # noqa: SIM108
            error = d * (abs(e) - 0.5 * d)
        else:
            error = 0.5 * e * e
        total = total + error
    return total


@BOUNDED.written(parts=True)
def clipped_by_python(_, r, d):
    total = 0.0
    for e in r:
        within = max(-d, min(e, d))
        total += within * (e - within / 2)
    return total


@BOUNDED.written()
def clipped_by_ours(_, r, d):
    total = 0.0
    for e in r:
        within = sg.minimum(abs(e), d)
        total += within * (abs(e) - within / 2)
    return total


@BOUNDED.written(parts=True)
def middle_of_three(_, r, d):
    middles = [sorted([-d, e, d])[1] for e in r]
    return sum(m * (e - m / 2) for m, e in zip(middles, r, strict=True))


# -- a line between knots --------------------------------------------------------------------


def draw_knots(random: Random, large: bool) -> Drawn:
    count, lanes = (50, 1000) if large else (5, 12)
    xs = [float(i) + random.uniform(0.0, 0.8) for i in range(count)]
    heights = as_values(vector(random, count))
    return {"xs": xs, "ys": heights}, [(random.uniform(xs[0], xs[-1]),) for _ in range(lanes)]


KNOTS = Idiom("knots", draw_knots)


def between(p, i, x):
    """Return the height at x on the line from knot i to the next."""
    xs, ys = p["xs"], p["ys"]
    share = (x - xs[i]) / (xs[i + 1] - xs[i])
    return ys[i] + share * (ys[i + 1] - ys[i])


@KNOTS.best_written(parts=True)
def interp(p, x):
    return sg.interp(x, p["xs"], p["ys"])


@KNOTS.written(parts=True)
def bisect_of_python(p, x):
    return between(p, bisect.bisect_right(p["xs"], x) - 1, x)


@KNOTS.written(parts=True)
def bisection_of_ones_own(p, x):
    low, high = 0, len(p["xs"]) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if x < p["xs"][middle]:
            high = middle
        else:
            low = middle
    return between(p, low, x)


@KNOTS.written(parts=True)
def first_knot_beyond(p, x):
    for i in range(1, len(p["xs"])):
        if x < p["xs"][i]:
            return between(p, i - 1, x)
    return between(p, len(p["xs"]) - 2, x)


@KNOTS.written(parts=True)
def last_knot_before(p, x):
    return between(p, max(i for i, knot in enumerate(p["xs"][:-1]) if knot <= x), x)


@KNOTS.written(parts=True)
def next_of_a_generator(p, x):
    pairs = zip(p["xs"], p["xs"][1:], strict=False)
    return between(p, next(i for i, (a, b) in enumerate(pairs) if a <= x < b), x)


@KNOTS.written(parts=True)
def count_of_knots_before(p, x):
    return between(p, sum(x >= knot for knot in p["xs"][1:-1]), x)


@KNOTS.written(parts=True)
def searchsorted_of_numpy(p, x):
    return between(p, int(np.searchsorted(p["xs"], x, side="right")) - 1, x)


@KNOTS.written()
def where_from_the_right(p, x):
    height = between(p, 0, x)
    for i in range(1, len(p["xs"]) - 1):
        height = sg.where(x >= p["xs"][i], between(p, i, x), height)
    return height


@KNOTS.written()
def sum_of_pieces_by_mask(p, x):
    xs = [-math.inf, *p["xs"][1:-1], math.inf]
    return sum(
        ((a <= x) & (x < b)) * between(p, i, x) for i, (a, b) in enumerate(itertools.pairwise(xs))
    )


@KNOTS.written()
def bends_by_relu(p, x):
    xs, ys = p["xs"], p["ys"]
    slopes = [(ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) for i in range(len(xs) - 1)]
    height = ys[0] + slopes[0] * (x - xs[0])
    for i in range(1, len(slopes)):
        height = height + (slopes[i] - slopes[i - 1]) * sg.relu(x - xs[i])
    return height
