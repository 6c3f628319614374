"""Idioms of whole numbers: the class of a sample, a number of years, letters and their vectors."""

from __future__ import annotations

import functools
import itertools
import math
from operator import mul
from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, as_values, matrix, vector

# -- the cross entropy of a class ------------------------------------------------------------


def draw_classes(random: Random, large: bool) -> Drawn:
    classes, lanes = (10, 1000) if large else (4, 9)
    return [], [(vector(random, classes), random.randrange(classes)) for _ in range(lanes)]


CLASS = Idiom("class", draw_classes)


@CLASS.best_written()
def cross_entropy(_, scores, k):
    return sg.cross_entropy(scores, k)


@CLASS.written()
def total_less_taken(_, scores, k):
    return sg.logsumexp(scores) - sg.take(scores, k)


@CLASS.written(parts=True)
def total_less_indexed(_, scores, k):
    return sg.logsumexp(scores) - scores[k]


@CLASS.written(parts=True)
def log_of_softmax_at(_, scores, k):
    return -sg.log(sg.softmax(scores)[k])


@CLASS.written(parts=True)
def counted_from_the_end(_, scores, k):
    return -sg.log_softmax(scores)[k - len(scores)]


@CLASS.written()
def where_it_is_the_class(_, scores, k):
    chosen = sum(sg.where(k == j, score, 0.0) for j, score in enumerate(scores))
    return sg.logsumexp(scores) - chosen


@CLASS.written()
def times_a_truth(_, scores, k):
    return sg.logsumexp(scores) - sum((k == j) * score for j, score in enumerate(scores))


@CLASS.written(parts=True)
def dot_with_one_hot(_, scores, k):
    one_hot = [1.0 if j == k else 0.0 for j in range(len(scores))]
    return -sg.dot(one_hot, sg.log_softmax(scores))


@CLASS.written(parts=True)
def loop_with_if(_, scores, k):
    total = 0.0
    for j, score in enumerate(scores):
        total += sg.exp(score)
        if j == k:
            chosen = score
    return sg.log(total) - chosen


@CLASS.written(parts=True)
def of_a_dict(_, scores, k):
    exps = {j: sg.exp(score) for j, score in enumerate(scores)}
    return -sg.log(exps[k] / sum(exps.values()))


@CLASS.written(parts=True)
def of_an_object_array(_, scores, k):
    exps = np.exp(np.array(scores, dtype=object))
    return -np.log(exps[k] / exps.sum())


# -- compound interest, year by year ---------------------------------------------------------


def draw_years(random: Random, large: bool) -> Drawn:
    years = 40 if large else 6
    lanes = 1000 if large else 11
    # each number of years occurs, the least is 1
    return [], [(random.uniform(0.01, 0.1), 1 + n % years) for n in range(lanes)]


YEARS = Idiom("years", draw_years)


@YEARS.best_written()
def power_of_years(_, rate, years):
    return (1.0 + rate) ** years


@YEARS.written(parts=True)
def year_by_year(_, rate, years):
    money = 1.0
    for _year in range(years):
        money = money * (1.0 + rate)
    return money


@YEARS.written(parts=True)
def interest_is_added(_, rate, years):
    money = 1.0
    for _year in range(int(years)):
        money += money * rate
    return money


@YEARS.written(parts=True)
def count_down(_, rate, years):
    money = 1.0
    while years > 0:
        money, years = money * (1.0 + rate), years - 1
    return money


@YEARS.written(parts=True)
def product_of_a_list(_, rate, years):
    return math.prod([1.0 + rate] * years)


@YEARS.written(parts=True)
def reduced_product(_, rate, years):
    return functools.reduce(mul, itertools.repeat(1.0 + rate, int(years)), 1.0)


@YEARS.written(parts=True)
def last_of_the_accumulated(_, rate, years):
    factors = [1.0 + rate for _year in range(years)]
    return list(itertools.accumulate(factors, mul))[-1]


@YEARS.written(parts=True)
def recursion(_, rate, years):
    return 1.0 if years == 0 else (1.0 + rate) * recursion(_, rate, years - 1)


@YEARS.written()
def by_exp_and_log(_, rate, years):
    return sg.exp(years * sg.log(1.0 + rate))


@YEARS.written(parts=True)
def by_log1p(_, rate, years):
    return sg.exp(sg.log1p(rate) * float(years))


# -- a network that reads letters ------------------------------------------------------------


def draw_letters(random: Random, large: bool) -> Drawn:
    letters, width, hidden, tokens, lanes = (27, 10, 64, 4, 200) if large else (5, 2, 3, 3, 8)
    parameters = {
        "table": matrix(random, letters, width),
        "W1": matrix(random, hidden, tokens * width, 0.3),
        "b1": vector(random, hidden, 0.1),
        "W2": matrix(random, letters, hidden, 0.3),
        "b2": vector(random, letters, 0.1),
    }
    texts = [
        ([random.randrange(letters) for _ in range(tokens)], random.randrange(letters))
        for _ in range(lanes)
    ]
    return as_values(parameters), texts


LETTERS = Idiom("letters", draw_letters)


def affine(weights, biases, x):
    return [sg.dot(row, x) + bias for row, bias in zip(weights, biases, strict=True)]


def loss_of(p, x, target):
    hidden = [sg.tanh(h) for h in affine(p["W1"], p["b1"], x)]
    return sg.cross_entropy(affine(p["W2"], p["b2"], hidden), target)


@LETTERS.best_written()
def take_all_at_once(p, text, target):
    return loss_of(p, [x for row in sg.take(p["table"], text) for x in row], target)


@LETTERS.written()
def embedding_layer(p, text, target):
    embedding = sg.nn.Embedding(len(p["table"]), len(p["table"][0]), seed=0)
    embedding.W = p["table"]
    return loss_of(p, [x for row in embedding(text) for x in row], target)


@LETTERS.written()
def take_one_by_one(p, text, target):
    x = []
    for letter in text:
        x += sg.take(p["table"], letter)
    return loss_of(p, x, target)


@LETTERS.written(parts=True)
def rows_by_index(p, text, target):
    return loss_of(p, [x for letter in text for x in p["table"][letter]], target)


@LETTERS.written(parts=True)
def rows_joined(p, text, target):
    x = list(itertools.chain.from_iterable(p["table"][letter] for letter in text))
    return loss_of(p, x, target)


@LETTERS.written(parts=True)
def rows_of_an_object_array(p, text, target):
    table = np.array(p["table"], dtype=object)
    return loss_of(p, list(np.concatenate([table[letter] for letter in text])), target)


@LETTERS.written(parts=True)
def one_hot_times_the_table(p, text, target):
    x = []
    for letter in text:
        one_hot = [float(j == letter) for j in range(len(p["table"]))]
        x += [sg.dot(one_hot, column) for column in zip(*p["table"], strict=True)]
    return loss_of(p, x, target)


@LETTERS.written()
def column_by_column(p, text, target):
    table = list(zip(*p["table"], strict=True))
    x = [sg.take(column, letter) for letter in text for column in table]
    return loss_of(p, x, target)


@LETTERS.written(parts=True)
def loops_all_the_way(p, text, target):
    x = []
    for letter in text:
        for number in p["table"][letter]:
            x.append(number)
    hidden = []
    for i in range(len(p["W1"])):
        total = p["b1"][i]
        for j in range(len(x)):
            total = total + p["W1"][i][j] * x[j]
        hidden.append(total.tanh())
    scores = []
    for i in range(len(p["W2"])):
        total = p["b2"][i]
        for j in range(len(hidden)):
            total = total + p["W2"][i][j] * hidden[j]
        scores.append(total)
    return sg.logsumexp(scores) - scores[target]


@LETTERS.written(parts=True)
def softmax_by_hand(p, text, target):
    x = sum((p["table"][letter] for letter in text), [])  # noqa: RUF017
    hidden = [h.tanh() for h in affine(p["W1"], p["b1"], x)]
    exps = [score.exp() for score in affine(p["W2"], p["b2"], hidden)]
    return -(exps[target] / sum(exps)).log()
