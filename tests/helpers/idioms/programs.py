"""Idioms of longer programs: a letter GPT's step, a hidden Markov model, bodies that attract."""

from __future__ import annotations

import functools
import itertools
import operator
from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, as_values, matrix, vector

# -- one step of a GPT: letters to the chances of the next one -------------------------------


def draw_documents(random: Random, large: bool) -> Drawn:
    letters, width, length, lanes = (27, 16, 8, 8) if large else (4, 2, 3, 4)
    parameters = {
        name: matrix(random, rows, width, 0.3)
        for name, rows in [("letters", letters), ("places", length), ("mix", width)]
    }
    parameters["scores"] = matrix(random, letters, width, 0.5)
    documents = [([random.randrange(letters) for _ in range(length)],) for _ in range(lanes)]
    return as_values(parameters), documents


GPT = Idiom("gpt", draw_documents)


def plain_dot(xs, ys):
    return sum(x * y for x, y in zip(xs, ys, strict=True))


def added(xs, ys):
    return [x + y for x, y in zip(xs, ys, strict=True)]


def normalised(xs):
    scale = (plain_dot(xs, xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def loss_of_a_text(p, text, row, softmax, taken):
    """Return the mean cross entropy of each letter given those before it."""
    past, losses = [], []
    for place, letter in enumerate(text[:-1]):
        x = normalised(added(row(p["letters"], letter), p["places"][place]))
        past.append(x)
        weights = softmax([plain_dot(x, other) / len(x) ** 0.5 for other in past])
        mixed = [plain_dot(weights, column) for column in zip(*past, strict=True)]
        x = added(x, [plain_dot(m, mixed).relu() for m in p["mix"]])
        chances = softmax([plain_dot(s, x) for s in p["scores"]])
        losses.append(-taken(chances, text[place + 1]).log())
    return sum(losses) / len(losses)


def softmax_with(highest):
    def softmax(scores):
        top = highest(scores)
        exps = [(score - top).exp() for score in scores]
        total = sum(exps)
        return [e / total for e in exps]

    return softmax


def by_index(rows, i):
    return rows[i]


@GPT.best_written()
def takes_and_our_softmax(p, text):
    return loss_of_a_text(p, text, sg.take, sg.softmax, sg.take)


@GPT.written(refused=sg.errors.StateError)
def takes_and_data(p, text):
    softmax = softmax_with(lambda scores: max(score.data for score in scores))
    return loss_of_a_text(p, text, sg.take, softmax, sg.take)


@GPT.written(refused=sg.errors.StateError)
def indices_and_data(p, text):
    softmax = softmax_with(lambda scores: max([score.data for score in scores]))
    return loss_of_a_text(p, text, by_index, softmax, by_index)


@GPT.written(refused=sg.errors.StateError)
def data_of_the_max(p, text):
    softmax = softmax_with(lambda scores: max(scores).data)
    return loss_of_a_text(p, text, by_index, softmax, by_index)


@GPT.written(refused=sg.errors.StateError)
def numpy_max_of_data(p, text):
    softmax = softmax_with(lambda scores: np.max([score.data for score in scores]))
    return loss_of_a_text(p, text, by_index, softmax, by_index)


@GPT.written(parts=True)
def max_detached(p, text):
    softmax = softmax_with(lambda scores: max(scores).detach())
    return loss_of_a_text(p, text, by_index, softmax, by_index)


@GPT.written(parts=True)
def max_of_the_detached(p, text):
    softmax = softmax_with(lambda scores: max(score.detach() for score in scores))
    return loss_of_a_text(p, text, sg.take, softmax, sg.take)


@GPT.written(choose="lanes")
def max_of_the_detached_by_lanes(p, text):
    return max_of_the_detached(p, text)


@GPT.written()
def our_max_detached(p, text):
    softmax = softmax_with(lambda scores: sg.max(scores).detach())
    return loss_of_a_text(p, text, sg.take, softmax, sg.take)


@GPT.written(parts=True)
def indices_and_no_shift(p, text):
    return loss_of_a_text(p, text, by_index, softmax_with(lambda scores: 0.0), by_index)


@GPT.written(parts=True)
def max_itself(p, text):
    return loss_of_a_text(p, text, sg.take, softmax_with(max), sg.take)


# -- a hidden Markov model: how likely a sequence is -----------------------------------------


def draw_observations(random: Random, large: bool) -> Drawn:
    states, steps, lanes = (8, 100, 1000) if large else (3, 4, 6)
    parameters = {
        "start": vector(random, states, 0.5),
        "moves": matrix(random, states, states, 0.5),
        "means": vector(random, states),
    }
    return as_values(parameters), [(vector(random, steps),) for _ in range(lanes)]


MARKOV = Idiom("markov", draw_observations)


def log_chances(p, y):
    """Return how likely each state shows y, up to a constant, as a logarithm."""
    return [-0.5 * (y - mean) ** 2 for mean in p["means"]]


def forward_pass(p, ys, logsumexp):
    """Return the logarithm of the likelihood, the logarithms of all moves as they are."""
    alpha = added(p["start"], log_chances(p, ys[0]))
    for y in ys[1:]:
        columns = zip(*p["moves"], strict=True)
        alpha = added([logsumexp(added(alpha, column)) for column in columns], log_chances(p, y))
    return logsumexp(alpha)


@MARKOV.best_written()
def our_logsumexp(p, ys):
    return forward_pass(p, ys, sg.logsumexp)


@MARKOV.written(parts=True)
def own_logsumexp_with_if(p, ys):
    def logsumexp(terms):
        top = terms[0]
        for x in terms:
            if x > top:
                top = x
        return top + sg.log(sum(sg.exp(x - top) for x in terms))

    return forward_pass(p, ys, logsumexp)


@MARKOV.written(parts=True)
def own_logsumexp_with_max(p, ys):
    def logsumexp(terms):
        top = max(terms)
        return top + sg.log(sg.sum([sg.exp(x - top) for x in terms]))

    return forward_pass(p, ys, logsumexp)


@MARKOV.written(choose="lanes")
def own_logsumexp_with_max_by_lanes(p, ys):
    return own_logsumexp_with_max(p, ys)


@MARKOV.written(refused=sg.errors.StateError)
def own_logsumexp_with_data(p, ys):
    def logsumexp(terms):
        top = max(x.data for x in terms)
        return sg.log(sum(sg.exp(x - top) for x in terms)) + top

    return forward_pass(p, ys, logsumexp)


@MARKOV.written()
def own_logsumexp_with_our_max(p, ys):
    def logsumexp(terms):
        top = sg.max(terms)
        return top + sum((x - top).exp() for x in terms).log()

    return forward_pass(p, ys, logsumexp)


@MARKOV.written(parts=True)
def two_at_a_time(p, ys):
    def both(a, b):
        return a + sg.log1p(sg.exp(b - a)) if a > b else b + sg.log1p(sg.exp(a - b))

    return forward_pass(p, ys, lambda terms: functools.reduce(both, terms))


@MARKOV.written()
def two_at_a_time_with_where(p, ys):
    def both(a, b):
        return sg.where(a > b, a, b) + sg.log1p(sg.exp(-abs(a - b)))

    return forward_pass(p, ys, lambda terms: functools.reduce(both, terms))


@MARKOV.written()
def chances_scaled_at_each_step(p, ys):
    moves = [[sg.exp(m) for m in row] for row in p["moves"]]
    alpha, logarithm = [sg.exp(s) for s in p["start"]], 0.0
    for step, y in enumerate(ys):
        if step > 0:
            alpha = [plain_dot(alpha, column) for column in zip(*moves, strict=True)]
        alpha = [a * sg.exp(c) for a, c in zip(alpha, log_chances(p, y), strict=True)]
        scale = sum(alpha)
        alpha = [a / scale for a in alpha]
        logarithm = logarithm + sg.log(scale)
    return logarithm


@MARKOV.written()
def from_the_last_observation(p, ys):
    beta = [0.0 for _ in p["start"]]
    for y in reversed(ys[1:]):
        later = added(beta, log_chances(p, y))
        beta = [sg.logsumexp(added(row, later)) for row in p["moves"]]
    return sg.logsumexp(added(added(p["start"], log_chances(p, ys[0])), beta))


@MARKOV.written()
def loops_over_states(p, ys):
    n = len(p["start"])
    alpha = [p["start"][k] - (ys[0] - p["means"][k]) ** 2 / 2 for k in range(n)]
    for t in range(1, len(ys)):
        following = []
        for k in range(n):
            terms = []
            for j in range(n):
                terms.append(alpha[j] + p["moves"][j][k])
            following.append(sg.logsumexp(terms) - (ys[t] - p["means"][k]) ** 2 / 2)
        alpha = following
    return sg.logsumexp(alpha)


# -- bodies that attract each other: nested lists in -----------------------------------------


def draw_bodies(random: Random, large: bool) -> Drawn:
    bodies, lanes = (30, 50) if large else (4, 5)
    return [], [
        (matrix(random, bodies, 3), [random.uniform(0.5, 2.0) for _ in range(bodies)])
        for _ in range(lanes)
    ]


BODIES = Idiom("bodies", draw_bodies)


@BODIES.best_written()
def pairs_and_sqrt(_, places, masses):
    total = 0.0
    for (a, m), (b, n) in itertools.combinations(zip(places, masses, strict=True), 2):
        dx, dy, dz = a[0] - b[0], a[1] - b[1], a[2] - b[2]
        total = total - m * n / sg.sqrt(dx * dx + dy * dy + dz * dz)
    return total


@BODIES.written()
def two_indices(_, places, masses):
    total = 0
    for i in range(len(places)):
        for j in range(i + 1, len(places)):
            square = 0
            for k in range(3):
                square += (places[i][k] - places[j][k]) ** 2
            total -= masses[i] * masses[j] / square**0.5
    return total


@BODIES.written()
def sum_over_j_below_i(_, places, masses):
    return -sum(
        masses[i] * masses[j] * sum((a - b) ** 2 for a, b in zip(p, places[j], strict=True)) ** -0.5
        for i, p in enumerate(places)
        for j in range(i)
    )


@BODIES.written()
def half_of_all_pairs(_, places, masses):
    total = 0.0
    for i, (x, y, z) in enumerate(places):
        for j, (u, v, w) in enumerate(places):
            if i != j:
                distance = sg.sqrt((x - u) ** 2 + (y - v) ** 2 + (z - w) ** 2)
                total += -0.5 * masses[i] * masses[j] / distance
    return total


@BODIES.written()
def hypot_twice(_, places, masses):
    bodies = [(*place, mass) for place, mass in zip(places, masses, strict=True)]
    return -sg.sum(
        m * n / sg.hypot(sg.hypot(a - d, b - e), c - f)
        for (a, b, c, m), (d, e, f, n) in itertools.combinations(bodies, 2)
    )


@BODIES.written()
def dots_of_differences(_, places, masses):
    total = 0.0
    for i, j in itertools.combinations(range(len(places)), 2):
        d = list(map(operator.sub, places[i], places[j]))
        total = total + masses[i] * masses[j] / sg.dot(d, d) ** 0.5
    return -total


@BODIES.written()
def potential_of_each(_, places, masses):
    def potential(i):
        return sum(
            -masses[j] / sum((places[i][k] - places[j][k]) ** 2 for k in range(3)) ** 0.5
            for j in range(len(masses))
            if j != i
        )

    return sum(mass * potential(i) for i, mass in enumerate(masses)) / 2


@BODIES.written()
def closed_by_sub(_, places, masses):
    def subtract(a, b):
        return [x - y for x, y in zip(a, b, strict=True)]

    def norm(v):
        return sg.sqrt(sum(x * x for x in v))

    pairs = itertools.combinations(range(len(masses)), 2)
    return sum(-masses[i] * masses[j] / norm(subtract(places[i], places[j])) for i, j in pairs)
