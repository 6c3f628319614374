"""Scripts that learn letters with a Value of their own, in the manner of GPTs without libraries.

Each takes the class of Value and returns the numbers that it would print. `Cell` is such a class
as these scripts bring along: a number, its operands and the derivative by each of them.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

WORDS = ["anna", "nana", "ann", "hanna", "nan"]
LETTERS = sorted(set("".join(WORDS)))
END = len(LETTERS)  # stands before and after each word
SIZE = END + 1


class Cell:
    """A Value of 40 lines."""

    __slots__ = ("_children", "_local_grads", "data", "grad", "m", "v")

    def __init__(self, data, children=(), local_grads=()):
        self.data, self.grad = data, 0
        self._children, self._local_grads = children, local_grads

    def __add__(self, other):
        other = other if isinstance(other, Cell) else Cell(other)
        return Cell(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other):
        other = other if isinstance(other, Cell) else Cell(other)
        return Cell(self.data * other.data, (self, other), (other.data, self.data))

    # fmt: off
    def __pow__(self, n): return Cell(self.data**n, (self,), (n * self.data**(n - 1),))
    def log(self): return Cell(math.log(self.data), (self,), (1 / self.data,))
    def exp(self): return Cell(math.exp(self.data), (self,), (math.exp(self.data),))
    def relu(self): return Cell(max(0, self.data), (self,), (float(self.data > 0),))
    def __neg__(self): return self * -1
    def __radd__(self, other): return self + other
    def __sub__(self, other): return self + (-other)
    def __rsub__(self, other): return other + (-self)
    def __rmul__(self, other): return self * other
    def __truediv__(self, other): return self * other**-1
    def __rtruediv__(self, other): return other * self**-1
    # fmt: on

    def backward(self):
        order, seen, stack = [], set(), [(self, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(child, False) for child in node._children]
        self.grad = 1
        for node in reversed(order):
            for child, slope in zip(node._children, node._local_grads, strict=True):
                child.grad += slope * node.grad


def matrix(value, draw, rows, columns, std=0.3):
    return [[value(draw.gauss(0, std)) for _ in range(columns)] for _ in range(rows)]


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x, strict=True)) for row in w]


def softmax(logits):
    largest = max(v.data for v in logits)
    exps = [(v - largest).exp() for v in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def tokens_of(word):
    return [END, *map(LETTERS.index, word), END]


def a_gpt_of_two_heads(value):
    """Two layers, two heads, one word a step, Adam with its moments on the parameters."""
    draw, width, heads, layers = random.Random(3), 4, 2, 2
    state = {"wte": matrix(value, draw, SIZE, width), "wpe": matrix(value, draw, 8, width)}
    for i in range(layers):
        state |= {f"{i}.{w}": matrix(value, draw, width, width) for w in ("q", "k", "v", "o")}
        state |= {f"{i}.up": matrix(value, draw, 6, width)}
        state |= {f"{i}.down": matrix(value, draw, width, 6)}
    params = [p for rows in state.values() for row in rows for p in row]
    for p in params:
        p.m = p.v = 0.0

    def gpt(token, position, keys, values):
        x = [t + p for t, p in zip(state["wte"][token], state["wpe"][position], strict=True)]
        x = rmsnorm(x)
        for i in range(layers):
            kept, x = x, rmsnorm(x)
            q = linear(x, state[f"{i}.q"])
            keys[i].append(linear(x, state[f"{i}.k"]))
            values[i].append(linear(x, state[f"{i}.v"]))
            mixed = []
            for h in range(0, width, width // heads):
                part = slice(h, h + width // heads)
                scores = [
                    sum(a * b for a, b in zip(q[part], k[part], strict=True))
                    / (width / heads) ** 0.5
                    for k in keys[i]
                ]
                shares = list(zip(softmax(scores), values[i], strict=True))
                mixed += [sum(s * v[j] for s, v in shares) for j in range(width)[part]]
            x = [a + b for a, b in zip(kept, linear(mixed, state[f"{i}.o"]), strict=True)]
            hidden = [u.relu() ** 2 for u in linear(rmsnorm(x), state[f"{i}.up"])]
            x = [a + b for a, b in zip(x, linear(hidden, state[f"{i}.down"]), strict=True)]
        return linear(x, state["wte"])  # the table is also the last layer

    printed = []
    for step in range(6):
        tokens = tokens_of(WORDS[step % len(WORDS)])
        keys, values = [[] for _ in range(layers)], [[] for _ in range(layers)]
        losses = []
        for position, (token, target) in enumerate(itertools.pairwise(tokens)):
            probabilities = softmax(gpt(token, position, keys, values))
            losses.append(-probabilities[target].log())
        loss = (1 / len(losses)) * sum(losses)
        loss.backward()
        printed += [loss.data, sum(p.grad**2 for p in params)]
        rate = 0.02 * (1 - step / 6)
        for p in params:
            p.m = 0.9 * p.m + 0.1 * p.grad
            p.v = 0.95 * p.v + 0.05 * p.grad**2
            m, v = p.m / (1 - 0.9 ** (step + 1)), p.v / (1 - 0.95 ** (step + 1))
            p.data -= rate * m / (v**0.5 + 1e-8)
            p.grad = 0
    keys, values, word = [[] for _ in range(layers)], [[] for _ in range(layers)], [END]
    for position in range(5):
        shares = [p.data for p in softmax([z / 0.5 for z in gpt(word[-1], position, keys, values)])]
        word += draw.choices(range(SIZE), weights=shares)
    return printed + word


def a_recurrent_net_with_gradients_added_up(value):
    """A state that goes through all words, a loss for each of them, one step after three."""
    draw, width = random.Random(5), 3
    table, weights, head = (
        matrix(value, draw, rows, columns)
        for rows, columns in ((SIZE, width), (width, width), (SIZE, width))
    )
    params = [p for rows in (table, weights, head) for row in rows for p in row]
    velocity = dict.fromkeys(params, 0.0)
    printed = []
    for word_index, word in enumerate(WORDS + WORDS, 1):
        h = [value(0.0) for _ in range(width)]
        loss = value(0)
        for token, target in itertools.pairwise(tokens_of(word)):
            z = [a + b for a, b in zip(table[token], linear(h, weights), strict=True)]
            h = [((2 * zi).exp() - 1) / ((2 * zi).exp() + 1) for zi in z]
            loss = loss - softmax(linear(h, head))[target].log()
        loss = loss / len(word)
        loss.backward()
        printed.append(loss.data)
        if word_index % 3 == 0:
            norm = sum(p.grad * p.grad for p in params) ** 0.5
            for p in params:
                velocity[p] = 0.9 * velocity[p] - 0.05 * p.grad / max(1.0, norm)
                p.data += velocity[p]
            for p in params:
                p.grad = 0.0
            printed.append(norm)
    return printed


def letters_by_a_table_of_pairs(value):
    """Counts as logits, the mean over all pairs, weight decay, the graph let go by hand."""
    draw = random.Random(7)
    logits = matrix(value, draw, SIZE, SIZE)
    pairs = [pair for word in WORDS for pair in itertools.pairwise(tokens_of(word))]
    printed = []
    for _ in range(4):
        losses = [-softmax(logits[a])[b].log() for a, b in pairs]
        decay = 0.01 * sum((p**2 for row in logits for p in row), value(0.0))
        loss = sum(losses) / len(losses) + decay
        loss.backward()
        printed += [loss.data, logits[END][0].grad, logits[0][END].grad]
        loss._children = ()
        loss._local_grads = ()
        for row in logits:
            for p in row:
                p.data -= 2.0 * p.grad
                p.grad = 0
    return printed


def a_letter_by_the_two_before(value):
    """Vectors of two letters side by side, a hidden layer that is squashed, a batch by chance."""
    draw = random.Random(11)
    table = matrix(value, draw, SIZE, 2)
    w1, b1 = matrix(value, draw, 5, 4), [value(0.0) for _ in range(5)]
    w2, b2 = matrix(value, draw, SIZE, 5), [value(0.0) for _ in range(SIZE)]
    params = [p for rows in (table, w1, w2, [b1], [b2]) for row in rows for p in row]
    samples = []
    for word in WORDS:
        row = [END, *tokens_of(word)]
        samples += [(row[i : i + 2], row[i + 2]) for i in range(len(row) - 2)]
    printed = []
    for step in range(5):
        losses = []
        for context, target in draw.sample(samples, 6):
            x = [entry for letter in context for entry in table[letter]]
            z = [s + b for s, b in zip(linear(x, w1), b1, strict=True)]
            h = [1 / (1 + (-zi).exp()) for zi in z]
            scores = [s + b for s, b in zip(linear(h, w2), b2, strict=True)]
            losses.append(sum(s.exp() for s in scores).log() - scores[target])
        loss = sum(losses) * (1.0 / len(losses))
        for p in params:
            p.grad = 0
        loss.backward()
        rate = 1.0 if step < 3 else 0.1
        for p in params:
            p.data += -rate * p.grad
        printed.append(loss.data)
    return [*printed, *(p.data for p in table[END])]


SCRIPTS: list[Callable[[Any], list[float]]] = [
    a_gpt_of_two_heads,
    a_recurrent_net_with_gradients_added_up,
    letters_by_a_table_of_pairs,
    a_letter_by_the_two_before,
]
