"""The pictures that tests draw: those of the book's chapter 5, and what breaks layouts."""

from __future__ import annotations

import random
from collections.abc import Callable

import scalargrad as sg

FIGURES: dict[str, Callable[[], sg.Value]] = {}


def figure(build: Callable[[], sg.Value]) -> Callable[[], sg.Value]:
    """Enter a figure: its value, differentiated."""

    def differentiated() -> sg.Value:
        value = build()
        value.backward()
        return value

    FIGURES[build.__name__] = differentiated
    return differentiated


@figure
def xyz() -> sg.Value:
    x, y, z = sg.values(x=1, y=3, z=-3)
    g = (x + y) * z
    g.label = "g"
    return g


@figure
def apples() -> sg.Value:
    price, number, tax = sg.values(りんご=100, りんごの個数=2, 消費税=1.1)
    total = price * number * tax
    total.label = "支払金額"
    return total


@figure
def fruit() -> sg.Value:
    names = {"りんごの個数": 2, "りんご": 100, "みかん": 150, "みかんの個数": 3, "消費税": 1.1}
    apples, apple, orange, oranges, tax = sg.values(**names)
    total = (apples * apple + orange * oranges) * tax
    total.label = "支払金額"
    return total


@figure
def sigmoid_steps() -> sg.Value:
    (x,) = sg.values(x=0.5)
    y = 1 / (1 + sg.exp(x * -1))
    y.label = "y"
    return y


@figure
def softmax_with_loss() -> sg.Value:
    scores = sg.values(a1=0.3, a2=2.9, a3=4.0)
    exps = [sg.exp(a) for a in scores]
    reciprocal = 1 / sg.sum(exps)
    logs = [sg.log(e * reciprocal) for e in exps]
    loss = sg.sum([t * log for t, log in zip((0.0, 0.0, 1.0), logs, strict=True)]) * -1
    loss.label = "L"
    return loss


@figure
def cross_entropy() -> sg.Value:
    loss = sg.cross_entropy(sg.values(a1=0.3, a2=2.9, a3=4.0), 2)
    loss.label = "L"
    return loss


@figure
def neuron() -> sg.Value:
    w1, w2, x1, x2, b = sg.values(w1=0.5, w2=-0.3, x1=1, x2=2, b=0.25)
    h = (w1 * x1 + w2 * x2 + b).relu()
    h.label = "h"
    return h


@figure
def neuron_with_dot() -> sg.Value:
    w1, w2, x1, x2, b = sg.values(w1=0.5, w2=-0.3, x1=1, x2=2, b=0.25)
    h = (sg.dot([w1, w2], [x1, x2]) + b).relu()
    h.label = "h"
    return h


@figure
def square() -> sg.Value:
    (x,) = sg.values(x=3)
    y = x * x
    y.label = "y"
    return y


@figure
def many_uses() -> sg.Value:
    (x,) = sg.values(x=0.5)
    y = x * x * x + x
    y.label = "y"
    return y


@figure
def network() -> sg.Value:
    """A 2-4-4-1 network."""
    rng = random.Random(1)

    def layer(xs: list[sg.Value], size: int, tag: int, last: bool) -> list[sg.Value]:
        outputs = []
        for i in range(1, size + 1):
            weights = [
                sg.Value(round(rng.uniform(-1, 1), 2), f"w{tag}{i}{j}")
                for j in range(1, len(xs) + 1)
            ]
            total = sg.dot(weights, xs) + sg.Value(0.1, f"b{tag}{i}")
            outputs.append(total if last else total.relu())
        return outputs

    xs = list(sg.values(x1=0.5, x2=-1.2))
    for tag, size in enumerate((4, 4, 1), start=1):
        xs = layer(xs, size, tag, size == 1)
    xs[0].label = "y"
    return xs[0]


@figure
def extreme_numbers() -> sg.Value:
    x, y = sg.values(x=1e-300, y=float("inf"))
    z = (x * y + 123456789.125) / -7e-5
    z.label = "a rather long name for a result"
    return z


@figure
def frames() -> sg.Value:
    x, w, b, v = sg.values(x=0.5, w=-1.5, b=2.0, v=3.0)
    with sg.scope("layer"):
        with sg.scope("sum"):
            s = x * w + b
        h = s.tanh()
    with sg.scope("output"):
        y = h * v + s
    y.label = "y"
    return y


def hairball(nodes: int, seed: int = 3) -> sg.Value:
    """Return a graph of at least so many random operations with far-reaching arrows."""
    rng = random.Random(seed)
    pool = [sg.Value(round(rng.uniform(-1, 1), 3), f"x{i}") for i in range(20)]
    for _ in range(nodes):
        a, b = rng.choice(pool[-40:]), rng.choice(pool[-40:])
        pool.append(rng.choice([a * b, a + b, a.tanh()]))
    total = sg.sum(pool[-40:])
    total.backward()
    return total
