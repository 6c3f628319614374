"""Idioms of care: a root behind a condition, and equations whose rows are exchanged."""

from __future__ import annotations

from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, matrix, vector

# -- √x where x is positive, else 2x: no nan of the other branch -----------------------------


def draw_any_sign(random: Random, large: bool) -> Drawn:
    size, lanes = (10, 1000) if large else (2, 12)
    return [], [(vector(random, size),) for _ in range(lanes)]


GUARDED = Idiom("guarded", draw_any_sign)


@GUARDED.best_written(parts=True)
def root_in_where(_, x):
    return sg.sum(sg.where(v > 0, sg.sqrt(v), 2 * v) for v in x)


@GUARDED.written(parts=True)
def root_in_numpy_where(_, x):
    return sum(np.where(v > 0, sg.sqrt(v), 2 * v) for v in x)


@GUARDED.written(parts=True)
def root_in_a_condition(_, x):
    return sum(sg.sqrt(v) if v > 0 else 2 * v for v in x)


@GUARDED.written(parts=True)
def returns_early(_, x):
    def of_one(v):
        if v <= 0:
            return v + v
        return v**0.5

    return sum(map(of_one, x))


@GUARDED.written()
def where_of_where(_, x):
    return sum(sg.where(v > 0, sg.sqrt(sg.where(v > 0, v, 1.0)), 2.0 * v) for v in x)


@GUARDED.written()
def negative_ones_first(_, x):
    return sum(sg.where(v <= 0, 2 * v, sg.sqrt(abs(v))) for v in x)


@GUARDED.written(parts=True)
def conditional_argument(_, x):
    return sum((2 * v, sg.sqrt(v if v > 0 else 1.0))[int(v > 0)] for v in x)


@GUARDED.written(parts=True)
def truths_with_and(_, x):
    return sum((v > 0 and sg.sqrt(abs(v))) + (v <= 0 and 2 * v) for v in x)


# -- three equations: rows are exchanged for the largest pivot -------------------------------


def draw_equations(random: Random, large: bool) -> Drawn:
    size, lanes = (5, 200) if large else (3, 6)
    return [], [(matrix(random, size, size), vector(random, size)) for _ in range(lanes)]


SOLVE = Idiom("solve", draw_equations)


def back_substituted(rows):
    """Return the sum of the solution of rows that are a triangle, the right side last."""
    n = len(rows)
    x = [0.0] * n
    for i in reversed(range(n)):
        x[i] = (rows[i][n] - sum(rows[i][j] * x[j] for j in range(i + 1, n))) / rows[i][i]
    return sum(x)


def eliminated(rows, exchange):
    """Make a triangle of rows; `exchange` puts a good one at place k."""
    rows = [list(row) for row in rows]
    for k in range(len(rows)):
        exchange(rows, k)
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return back_substituted(rows)


def joined(a, b):
    return [[*row, right] for row, right in zip(a, b, strict=True)]


@SOLVE.best_written()
def our_solve(_, a, b):
    return sg.sum(sg.linalg.solve(a, b))


@SOLVE.written(parts=True)
def pivot_by_if(_, a, b):
    def exchange(rows, k):
        best = k
        for i in range(k + 1, len(rows)):
            if abs(rows[i][k]) > abs(rows[best][k]):
                best = i
        rows[k], rows[best] = rows[best], rows[k]

    return eliminated(joined(a, b), exchange)


@SOLVE.written(parts=True)
def pivot_by_max_of_places(_, a, b):
    def exchange(rows, k):
        best = max(range(k, len(rows)), key=lambda i: abs(rows[i][k]))
        rows[k], rows[best] = rows[best], rows[k]

    return eliminated(joined(a, b), exchange)


@SOLVE.written(parts=True)
def rows_sorted(_, a, b):
    def exchange(rows, k):
        rows[k:] = sorted(rows[k:], key=lambda row: abs(row[k]), reverse=True)

    return eliminated(joined(a, b), exchange)


@SOLVE.written(parts=True)
def exchanged_when_larger(_, a, b):
    def exchange(rows, k):
        for i in range(k + 1, len(rows)):
            if rows[i][k] ** 2 > rows[k][k] ** 2:
                rows[i], rows[k] = rows[k], rows[i]

    return eliminated(joined(a, b), exchange)


@SOLVE.written()
def no_exchange(_, a, b):
    return eliminated(joined(a, b), lambda rows, k: None)


def determinant(a):
    if len(a) == 1:
        return a[0][0]
    minors = [[[*row[:j], *row[j + 1 :]] for row in a[1:]] for j in range(len(a))]
    return sum((-1) ** j * a[0][j] * determinant(minor) for j, minor in enumerate(minors))


@SOLVE.written()
def by_cramer(_, a, b):
    columns = [
        [[*row[:j], right, *row[j + 1 :]] for row, right in zip(a, b, strict=True)]
        for j in range(len(a))
    ]
    return sum(map(determinant, columns)) / determinant(a)


@SOLVE.written()
def inverse_first(_, a, b):
    return sum(sg.dot(row, b) for row in sg.linalg.inv(a))


@SOLVE.written()
def zero_pivots_only(_, a, b):
    def exchange(rows, k):
        i = k
        while rows[i][k] == 0:
            i += 1
        rows[k], rows[i] = rows[i], rows[k]

    return eliminated(joined(a, b), exchange)


# -- the volatility at which an option costs what was paid ------------------------------------


def draw_prices(random: Random, large: bool) -> Drawn:
    lanes = []
    for _ in range(1000 if large else 5):
        strike, volatility = random.uniform(90.0, 110.0), random.uniform(0.15, 0.45)
        lanes.append((price(strike, volatility), strike))
    return [], lanes


IMPLIED = Idiom("implied", draw_prices)


def price(strike, volatility):
    deviation = volatility * 0.5**0.5
    d = (sg.log(100.0 / strike) + 0.01) / deviation + deviation / 2.0
    return 100.0 * sg.ndtr(d) - strike * 0.99 * sg.ndtr(d - deviation)


def vega(strike, volatility):
    deviation = volatility * 0.5**0.5
    d = (sg.log(100.0 / strike) + 0.01) / deviation + deviation / 2.0
    # the price here rounds the discount, so its slope has both densities
    above = sg.exp(-d * d / 2.0) * (1.0 - d / deviation)
    below = sg.exp(-((d - deviation) ** 2) / 2.0) * (-d / deviation)
    return (100.0 * above - strike * 0.99 * below) * 0.5**0.5 / (2.0 * np.pi) ** 0.5


@IMPLIED.best_written()
def newton(_, paid, strike):
    return sg.newton(lambda v: price(strike, v) - paid, 0.3)


@IMPLIED.written()
def in_an_interval(_, paid, strike):
    return sg.root(lambda v: price(strike, v) - paid, 0.01, 3.0)


@IMPLIED.written()
def as_a_system(_, paid, strike):
    return sg.newton(lambda v: [price(strike, v[0]) - paid], [0.3])[0]


@IMPLIED.written()
def by_repetition(_, paid, strike):
    return sg.fixed_point(lambda v: v - (price(strike, v) - paid) / 30.0, 0.3)


@IMPLIED.written()
def by_its_logarithm(_, paid, strike):
    return sg.exp(sg.newton(lambda u: price(strike, sg.exp(u)) - paid, -1.2))


@IMPLIED.written()
def steps_by_hand(_, paid, strike):
    v = 0.3
    for _ in range(8):
        v = v - (price(strike, v) - paid) / vega(strike, v)
    return v


@IMPLIED.written()
def steps_by_grad(_, paid, strike):
    v = sg.Value(0.3)
    for _ in range(8):
        value, slope = sg.value_and_grad(lambda v: price(strike, v) - paid)(v)
        v = v - value / slope
    return v
