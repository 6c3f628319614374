"""Idioms of elementary functions: powers, and the logarithm of a sum of exponentials."""

from __future__ import annotations

import functools
import math
from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, vector

# -- powers ----------------------------------------------------------------------------------


def draw_positive(random: Random, large: bool) -> Drawn:
    return [], [(random.uniform(0.2, 3.0),) for _ in range(100_000 if large else 7)]


def draw_signed(random: Random, large: bool) -> Drawn:
    return [], [
        (random.choice([-1.0, 1.0]) * random.uniform(0.2, 3.0),)
        for _ in range(100_000 if large else 7)
    ]


CUBE = Idiom("cube", draw_signed)


@CUBE.best_written()
def written_out(_, x):
    return x * x * x


@CUBE.written()
def to_the_third(_, x):
    return x**3


@CUBE.written()
def to_the_float_three(_, x):
    return x**3.0


@CUBE.written()
def pow_of_python(_, x):
    return pow(x, 3)


@CUBE.written()
def pow_of_ours(_, x):
    return sg.pow(x, 3)


@CUBE.written()
def square_times(_, x):
    return x**2 * x


@CUBE.written()
def fifth_by_second(_, x):
    return x**5 / x**2


@CUBE.written()
def product_of_three(_, x):
    return math.prod([x] * 3)


@CUBE.written()
def in_a_loop(_, x):
    result = 1.0
    for _n in range(3):
        result *= x
    return result


@CUBE.written()
def power_of_numpy(_, x):
    return np.power(x, 3)


INVERSE = Idiom("inverse", draw_signed)


@INVERSE.best_written()
def one_over(_, x):
    return 1 / x


@INVERSE.written()
def to_minus_one(_, x):
    return x**-1


@INVERSE.written()
def to_minus_one_point(_, x):
    return x**-1.0


@INVERSE.written()
def pow_minus_one(_, x):
    return pow(x, -1)


@INVERSE.written()
def times_minus_square(_, x):
    return x * x**-2


@INVERSE.written()
def over_the_square(_, x):
    return x / x**2


@INVERSE.written()
def reciprocal(_, x):
    return np.reciprocal(x)


ROOT = Idiom("root", draw_positive)


@ROOT.best_written()
def square_root(_, x):
    return sg.sqrt(x)


@ROOT.written()
def method_sqrt(_, x):
    return x.sqrt() if isinstance(x, sg.Value) else math.sqrt(x)


@ROOT.written()
def to_the_half(_, x):
    return x**0.5


@ROOT.written()
def to_one_over_two(_, x):
    return x ** (1 / 2)


@ROOT.written()
def over_the_inverse_root(_, x):
    return x * x**-0.5


@ROOT.written()
def one_over_to_minus_half(_, x):
    return 1.0 / x**-0.5


@ROOT.written()
def half_of_the_log(_, x):
    return sg.exp(0.5 * sg.log(x))


@ROOT.written()
def sqrt_of_numpy(_, x):
    return np.sqrt(x)


@ROOT.written()
def sqrt_of_math(_, x):
    return sg.math.sqrt(x)


# -- the logarithm of a sum of exponentials --------------------------------------------------


def draw_scores(random: Random, large: bool) -> Drawn:
    size, lanes = (8, 1000) if large else (4, 15)
    return [], [(vector(random, size, 3.0),) for _ in range(lanes)]


LOGSUMEXP = Idiom("logsumexp", draw_scores)


def shifted(x, top):
    return top + sg.log(sum(sg.exp(v - top) for v in x))


@LOGSUMEXP.best_written()
def logsumexp(_, x):
    return sg.logsumexp(x)


@LOGSUMEXP.written(parts=True)
def top_by_if(_, x):
    top = x[0]
    for v in x[1:]:
        if v > top:
            top = v
    return top + sg.log(sum(sg.exp(v - top) for v in x))


@LOGSUMEXP.written(parts=True)
def top_by_max(_, x):
    return shifted(x, max(x))


@LOGSUMEXP.written()
def top_by_our_max(_, x):
    return shifted(x, sg.max(x))


@LOGSUMEXP.written()
def top_detached(_, x):
    return shifted(x, sg.max(x).detach())


@LOGSUMEXP.written(parts=True)
def top_by_sorted(_, x):
    return shifted(x, sorted(x)[-1])


@LOGSUMEXP.written(parts=True)
def top_by_reduce(_, x):
    return shifted(x, functools.reduce(lambda a, b: a if a > b else b, x))


@LOGSUMEXP.written()
def top_by_maximum(_, x):
    return shifted(x, functools.reduce(sg.maximum, x))


@LOGSUMEXP.written()
def top_by_where(_, x):
    top = x[0]
    for v in x:
        top = sg.where(v > top, v, top)
    return shifted(x, top)


@LOGSUMEXP.written(parts=True)
def pair_by_pair(_, x):
    total = x[0]
    for v in x[1:]:
        high, low = (total, v) if total > v else (v, total)
        total = high + sg.log1p(sg.exp(low - high))
    return total


@LOGSUMEXP.written()
def pair_by_softplus(_, x):
    return functools.reduce(lambda a, b: a + sg.softplus(b - a), x)


@LOGSUMEXP.written()
def without_shift(_, x):
    return sg.log(sum(sg.exp(v) for v in x))


@LOGSUMEXP.written(parts=True)
def top_by_index(_, x):
    return shifted(x, x[max(range(len(x)), key=lambda i: x[i])])
