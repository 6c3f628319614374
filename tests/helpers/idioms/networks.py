"""Idioms of networks: a layer, convolution, attention, and a memory, mostly by loops."""

from __future__ import annotations

import functools
import math
import operator
from random import Random

import numpy as np

import scalargrad as sg

from .idiom import Drawn, Idiom, as_values, matrix, vector

# -- a layer ---------------------------------------------------------------------------------


def draw_layer(random: Random, large: bool) -> Drawn:
    inputs, neurons, lanes = (64, 32, 200) if large else (5, 3, 6)
    parameters = {"W": matrix(random, neurons, inputs, 0.3), "b": vector(random, neurons, 0.3)}
    return as_values(parameters), [(vector(random, inputs),) for _ in range(lanes)]


LAYER = Idiom("layer", draw_layer)


def neurons(p):
    return zip(p["W"], p["b"], strict=True)


@LAYER.best_written()
def dot_and_bias(p, x):
    return sg.sum(sg.tanh(sg.dot(w, x) + b) for w, b in neurons(p))


@LAYER.written()
def sum_from_the_bias(p, x):
    return sum(sum((wi * xi for wi, xi in zip(w, x, strict=True)), b).tanh() for w, b in neurons(p))


@LAYER.written()
def loop_from_the_bias(p, x):
    result = 0.0
    for w, b in neurons(p):
        s = b
        for wi, xi in zip(w, x, strict=True):
            s = s + wi * xi
        result = result + s.tanh()
    return result


@LAYER.written()
def loop_from_zero_bias_last(p, x):
    result = 0
    for w, b in neurons(p):
        s = 0
        for i in range(len(x)):
            s += w[i] * x[i]
        s += b
        result += sg.tanh(s)
    return result


@LAYER.written()
def loop_from_zero_point(p, x):
    outputs = []
    for k in range(len(p["W"])):
        s = 0.0
        for i, xi in enumerate(x):
            s = s + xi * p["W"][k][i]
        outputs.append((s + p["b"][k]).tanh())
    return sum(outputs)


@LAYER.written()
def sum_of_a_list(p, x):
    sums = [sum([x[i] * w[i] for i in range(len(w))]) + b for w, b in neurons(p)]
    return sum(s.tanh() for s in sums)


@LAYER.written()
def bias_first(p, x):
    return sum(
        sg.tanh(b + sum(wi * xi for wi, xi in zip(w, x, strict=True))) for w, b in neurons(p)
    )


@LAYER.written()
def reduced(p, x):
    sums = [functools.reduce(operator.add, map(operator.mul, w, x), b) for w, b in neurons(p)]
    return functools.reduce(operator.add, map(sg.tanh, sums))


@LAYER.written()
def our_sum_with_the_bias_in_it(p, x):
    return sg.sum(
        sg.tanh(sg.sum([b, *(wi * xi for wi, xi in zip(w, x, strict=True))])) for w, b in neurons(p)
    )


@LAYER.written()
def one_as_an_input(p, x):
    return sum(sg.tanh(sg.dot([*w, b], [*x, 1.0])) for w, b in neurons(p))


@LAYER.written()
def bias_into_the_last_product(p, x):
    return sum(
        sg.tanh(sum(wi * xi for wi, xi in zip(w[:-1], x[:-1], strict=True)) + (w[-1] * x[-1] + b))
        for w, b in neurons(p)
    )


@LAYER.written()
def from_the_end(p, x):
    result = 0.0
    for w, b in neurons(p):
        s = b
        for wi, xi in zip(reversed(w), reversed(x), strict=True):
            s = wi * xi + s
        result += s.tanh()
    return result


@LAYER.written()
def object_arrays(p, x):
    W, b = np.array(p["W"], dtype=object), np.array(p["b"], dtype=object)
    return np.tanh(W @ np.array(x, dtype=object) + b).sum()


@LAYER.written()
def input_by_input(p, x):
    sums = list(p["b"])
    for i, xi in enumerate(x):
        for k, row in enumerate(p["W"]):
            sums[k] = sums[k] + row[i] * xi
    return sum(s.tanh() for s in sums)


# -- convolution -----------------------------------------------------------------------------


def draw_images(random: Random, large: bool) -> Drawn:
    size, filters, lanes = (12, 4, 100) if large else (4, 2, 5)
    parameters = {
        "filters": [matrix(random, 3, 3, 0.4) for _ in range(filters)],
        "biases": vector(random, filters, 0.2),
    }
    return as_values(parameters), [(matrix(random, size, size),) for _ in range(lanes)]


CONVOLUTION = Idiom("convolution", draw_images)


def filters_of(p):
    return zip(p["filters"], p["biases"], strict=True)


def places(image):
    """Yield the upper left corner of every window of 3 × 3."""
    for i in range(len(image) - 2):
        for j in range(len(image[0]) - 2):
            yield i, j


def flattened(rows):
    return [x for row in rows for x in row]


@CONVOLUTION.best_written()
def windows_and_dots(p, image):
    windows = [flattened(row[j : j + 3] for row in image[i : i + 3]) for i, j in places(image)]
    weights = [(flattened(w), b) for w, b in filters_of(p)]
    return sg.sum(sg.relu(sg.dot(w, window) + b) for w, b in weights for window in windows)


@CONVOLUTION.written()
def six_loops(p, image):
    result = 0.0
    for k in range(len(p["filters"])):
        for i in range(len(image) - 2):
            for j in range(len(image[0]) - 2):
                s = 0.0
                for di in range(3):
                    for dj in range(3):
                        s += p["filters"][k][di][dj] * image[i + di][j + dj]
                result += sg.relu(s + p["biases"][k])
    return result


@CONVOLUTION.written()
def loops_from_the_bias(p, image):
    maps = []
    for w, b in filters_of(p):
        for i, j in places(image):
            s = b
            for di in range(3):
                for dj in range(3):
                    s = s + image[i + di][j + dj] * w[di][dj]
            maps.append(s.relu())
    return sum(maps)


@CONVOLUTION.written()
def generator_from_the_bias(p, image):
    nine = [(di, dj) for di in range(3) for dj in range(3)]
    return sum(
        sum((w[di][dj] * image[i + di][j + dj] for di, dj in nine), b).relu()
        for w, b in filters_of(p)
        for i, j in places(image)
    )


@CONVOLUTION.written()
def row_by_row_with_dots(p, image):
    result = 0.0
    for w, b in filters_of(p):
        for i, j in places(image):
            rows = [sg.dot(w[d], image[i + d][j : j + 3]) for d in range(3)]
            result = result + sg.relu(rows[0] + rows[1] + rows[2] + b)
    return result


@CONVOLUTION.written()
def images_shifted(p, image):
    height, width = len(image) - 2, len(image[0]) - 2
    result = 0.0
    for w, b in filters_of(p):
        sums = [[b] * width for _ in range(height)]
        for di in range(3):
            for dj in range(3):
                for i in range(height):
                    for j in range(width):
                        sums[i][j] = sums[i][j] + w[di][dj] * image[i + di][j + dj]
        result += sum(s.relu() for row in sums for s in row)
    return result


@CONVOLUTION.written()
def windows_of_object_arrays(p, image):
    image = np.array(image, dtype=object)
    weights = [(np.array(w, dtype=object), b) for w, b in filters_of(p)]
    return sum(
        sg.relu((image[i : i + 3, j : j + 3] * w).sum() + b)
        for w, b in weights
        for i, j in places(image)
    )


@CONVOLUTION.written(parts=True)
def relu_by_if(p, image):
    result = 0.0
    for w, b in filters_of(p):
        for i, j in places(image):
            s = sum(w[di][dj] * image[i + di][j + dj] for di in range(3) for dj in range(3)) + b
            if s > 0:
                result += s
    return result


# -- attention -------------------------------------------------------------------------------


def draw_tokens(random: Random, large: bool) -> Drawn:
    tokens, width, lanes = (8, 16, 100) if large else (3, 4, 5)
    parameters = {name: matrix(random, width, width, 0.4) for name in ("query", "key", "value")}
    return as_values(parameters), [(matrix(random, tokens, width),) for _ in range(lanes)]


ATTENTION = Idiom("attention", draw_tokens)


def projected(rows, xs):
    return [[sg.dot(row, x) for row in rows] for x in xs]


def three_of(p, xs):
    return [projected(p[name], xs) for name in ("query", "key", "value")]


def squares(rows):
    return sg.sum(x * x for row in rows for x in row)


def attended(p, xs, softmax):
    """Return the squares of what each token reads of those so far."""
    queries, keys, values = three_of(p, xs)
    result = 0.0
    for t, query in enumerate(queries):
        scores = [sg.dot(query, key) / len(query) ** 0.5 for key in keys[: t + 1]]
        weights = softmax(scores)
        for column in zip(*values[: t + 1], strict=True):
            result = result + sg.dot(weights, column) ** 2
    return result


@ATTENTION.best_written()
def dots_and_softmax(p, xs):
    return attended(p, xs, sg.softmax)


@ATTENTION.written(parts=True)
def softmax_less_the_max(p, xs):
    def softmax(scores):
        top = max(scores)
        exps = [(score - top).exp() for score in scores]
        return [e / sum(exps) for e in exps]

    return attended(p, xs, softmax)


@ATTENTION.written(refused=sg.errors.StateError)
def softmax_less_the_data(p, xs):
    def softmax(scores):
        top = max(score.data for score in scores)
        exps = [(score - top).exp() for score in scores]
        total = sum(exps)
        return [e / total for e in exps]

    return attended(p, xs, softmax)


@ATTENTION.written()
def softmax_without_shift(p, xs):
    def softmax(scores):
        exps = [sg.exp(score) for score in scores]
        inverse = 1 / sum(exps)
        return [e * inverse for e in exps]

    return attended(p, xs, softmax)


@ATTENTION.written()
def softmax_by_logarithms(p, xs):
    def softmax(scores):
        total = sg.logsumexp(scores)
        return [sg.exp(score - total) for score in scores]

    return attended(p, xs, softmax)


@ATTENTION.written()
def loops_everywhere(p, xs):
    n, width = len(xs), len(xs[0])
    Q, K, V = ([[0.0] * width for _ in range(n)] for _ in range(3))
    for t in range(n):
        for i in range(width):
            for j in range(width):
                Q[t][i] += p["query"][i][j] * xs[t][j]
                K[t][i] += p["key"][i][j] * xs[t][j]
                V[t][i] += p["value"][i][j] * xs[t][j]
    result = 0.0
    for t in range(n):
        exps, total = [], 0.0
        for s in range(t + 1):
            score = 0.0
            for i in range(width):
                score += Q[t][i] * K[s][i]
            exps.append(sg.exp(score / math.sqrt(width)))
            total += exps[s]
        for i in range(width):
            mixed = 0.0
            for s in range(t + 1):
                mixed += exps[s] / total * V[s][i]
            result += mixed * mixed
    return result


@ATTENTION.written()
def divided_at_the_end(p, xs):
    queries, keys, values = three_of(p, xs)
    read = []
    for t, query in enumerate(queries):
        exps = [sg.exp(sg.dot(query, key) * len(query) ** -0.5) for key in keys[: t + 1]]
        columns = zip(*values[: t + 1], strict=True)
        read.append([sg.dot(exps, column) / sg.sum(exps) for column in columns])
    return squares(read)


@ATTENTION.written()
def later_tokens_masked(p, xs):
    queries, keys, values = three_of(p, xs)
    read = []
    for t, query in enumerate(queries):
        scores = [sg.dot(query, key) / len(query) ** 0.5 for key in keys]
        weights = sg.softmax([score if s <= t else -1e9 for s, score in enumerate(scores)])
        read.append([sg.dot(weights, column) for column in zip(*values, strict=True)])
    return squares(read)


@ATTENTION.written()
def matrices_of_objects(p, xs):
    X = np.array(xs, dtype=object)
    Q, K, V = (X @ np.array(p[name], dtype=object).T for name in ("query", "key", "value"))
    E = np.exp(Q @ K.T / math.sqrt(len(xs[0]))) * np.tri(len(xs))
    return ((E / E.sum(axis=1)[:, None] @ V) ** 2).sum()


# -- a memory: LSTM --------------------------------------------------------------------------


def draw_sequences(random: Random, large: bool) -> Drawn:
    steps, inputs, width, lanes = (30, 4, 16, 100) if large else (3, 2, 2, 5)
    parameters = {
        name: {
            "W": matrix(random, width, inputs, 0.4),
            "U": matrix(random, width, width, 0.4),
            "b": vector(random, width, 0.2),
        }
        for name in ("forget", "input", "output", "new")
    }
    return as_values(parameters), [(matrix(random, steps, inputs),) for _ in range(lanes)]


LSTM = Idiom("lstm", draw_sequences)


def remembered(p, xs, gate):
    """Run the cell; `gate` says how one is computed before its sigmoid or tanh."""
    width = len(p["new"]["b"])
    h, c = [0.0] * width, [0.0] * width
    for x in xs:
        f, i, o = ([sg.sigmoid(s) for s in gate(p[name], x, h)] for name in list(p)[:3])
        g = [sg.tanh(s) for s in gate(p["new"], x, h)]
        c = [f[k] * c[k] + i[k] * g[k] for k in range(width)]
        h = [o[k] * sg.tanh(c[k]) for k in range(width)]
    return sg.sum(h)


@LSTM.best_written()
def one_dot_a_gate(p, xs):
    def gate(q, x, h):
        rows = zip(q["W"], q["U"], q["b"], strict=True)
        return [sg.dot(w + u, [*x, *h]) + b for w, u, b in rows]

    return remembered(p, xs, gate)


@LSTM.written()
def two_dots_a_gate(p, xs):
    def gate(q, x, h):
        return [
            sg.dot(w, x) + sg.dot(u, h) + b for w, u, b in zip(q["W"], q["U"], q["b"], strict=True)
        ]

    return remembered(p, xs, gate)


@LSTM.written()
def loops_from_the_gates_bias(p, xs):
    def gate(q, x, h):
        sums = []
        for k in range(len(h)):
            s = q["b"][k]
            for j in range(len(x)):
                s = s + q["W"][k][j] * x[j]
            for j in range(len(h)):
                s = s + q["U"][k][j] * h[j]
            sums.append(s)
        return sums

    return remembered(p, xs, gate)


@LSTM.written()
def sums_of_products(p, xs):
    def gate(q, x, h):
        return [
            sum(wi * xi for wi, xi in zip(w, x, strict=True))
            + sum(ui * hi for ui, hi in zip(u, h, strict=True))
            + b
            for w, u, b in zip(q["W"], q["U"], q["b"], strict=True)
        ]

    return remembered(p, xs, gate)


@LSTM.written()
def bias_then_both(p, xs):
    def gate(q, x, h):
        return [
            b + sum(a * v for a, v in zip([*w, *u], [*x, *h], strict=True))
            for w, u, b in zip(q["W"], q["U"], q["b"], strict=True)
        ]

    return remembered(p, xs, gate)


@LSTM.written()
def matrices_times_vectors(p, xs):
    def gate(q, x, h):
        W, U, b = (np.array(q[name], dtype=object) for name in ("W", "U", "b"))
        return list(W @ np.array(x, dtype=object) + U @ np.array(h, dtype=object) + b)

    return remembered(p, xs, gate)


@LSTM.written()
def neuron_by_neuron(p, xs):
    width = len(p["new"]["b"])
    h, c = [0.0] * width, [0.0] * width
    for x in xs:
        before = h.copy()
        for k in range(width):
            sums = {}
            for name, q in p.items():
                s = 0.0
                for j in range(len(x)):
                    s += q["W"][k][j] * x[j]
                for j in range(width):
                    s += q["U"][k][j] * before[j]
                sums[name] = s + q["b"][k]
            forget = 1 / (1 + sg.exp(-sums["forget"]))
            c[k] = forget * c[k] + sg.sigmoid(sums["input"]) * sg.tanh(sums["new"])
            h[k] = sg.sigmoid(sums["output"]) * sg.tanh(c[k])
    return sum(h)


@LSTM.written()
def one_wide_matrix(p, xs):
    rows = [w + u + [b] for q in p.values() for w, u, b in zip(q["W"], q["U"], q["b"], strict=True)]
    width = len(p["new"]["b"])
    h, c = [0.0] * width, [0.0] * width
    for x in xs:
        sums = [sg.dot(row, [*x, *h, 1.0]) for row in rows]
        f, i, o, g = (sums[k : k + width] for k in range(0, 4 * width, width))
        c = [
            sg.sigmoid(fk) * ck + sg.sigmoid(ik) * sg.tanh(gk)
            for fk, ck, ik, gk in zip(f, c, i, g, strict=True)
        ]
        h = [sg.sigmoid(ok) * sg.tanh(ck) for ok, ck in zip(o, c, strict=True)]
    return sg.sum(h)
