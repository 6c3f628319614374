"""The rules of the optimisers against the published ones, at fifty digits: readable, in C, flat.

What stands here follows the boxes of PyTorch's pages and the papers, not the rows: decay is added
where there is any, means are unbiased by dividing them, roots are taken of what is unbiased.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from typing import Any

import pytest
from mpmath import mp, mpf
from mpmath import sqrt as root

from scalargrad import _engine, optim
from scalargrad.table import optimizers
from scalargrad.table.row import UpdateRule

START = [1.0, -2.0, 0.25, 0.0]
#: of four parameters at six steps: of changing signs, none at first, none at all, where eps weighs
GRADIENTS = [
    [0.75, -2.0, 0.0, 0.0], [-0.25, -1.5, 0.0, 1e-9], [0.5, 3.0, -0.125, -2e-9],
    [0.0, 0.5, 4.0, 3e-9], [-1.0, -0.75, 0.25, 0.0], [2.0, 1e-3, -0.5, 1e-8],
]  # fmt: skip


def sgd(w, gradients, lr, momentum=0, nesterov=False, weight_decay=0) -> Iterator[Any]:
    velocity = mpf(0)
    for g in gradients:
        g += weight_decay * w
        if momentum:
            velocity = momentum * velocity + g
            g = g + momentum * velocity if nesterov else velocity
        w -= lr * g
        yield w, velocity


def adagrad(w, gradients, lr, weight_decay=0, eps=1e-10) -> Iterator[Any]:
    h = mpf(0)
    for g in gradients:
        g += weight_decay * w
        h += g**2
        w -= lr * g / (root(h) + eps)
        yield w, h


def rmsprop(
    w, gradients, lr, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False
) -> Iterator[Any]:
    h = m = velocity = mpf(0)
    for g in gradients:
        g += weight_decay * w
        h = alpha * h + (1 - alpha) * g**2
        spread = h
        if centered:
            m = alpha * m + (1 - alpha) * g
            spread = h - m**2
        d = g / (root(spread) + eps)
        if momentum:
            d = velocity = momentum * velocity + d
        w -= lr * d
        yield w, h, m, velocity


def adam(w, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, apart=False):
    m = v = mpf(0)
    first, second = map(mpf, betas)
    for t, g in enumerate(gradients, 1):
        if apart:
            w -= lr * weight_decay * w
        else:
            g += weight_decay * w
        m = first * m + (1 - first) * g
        v = second * v + (1 - second) * g**2
        w -= lr * (m / (1 - first**t)) / (root(v / (1 - second**t)) + eps)
        yield w, m, v


def adamw(w, gradients, lr, weight_decay=0.01, **settings) -> Iterator[Any]:
    return adam(w, gradients, lr, weight_decay=weight_decay, apart=True, **settings)


CASES = {
    optim.SGD: (
        sgd,
        [{}, {"weight_decay": 0.05}, {"weight_decay": 1.0}, {"momentum": 0.9}, {"momentum": 1.0},
         {"momentum": 0.9, "nesterov": True}, {"momentum": 1.0, "nesterov": True},
         {"momentum": 0.5, "nesterov": True, "weight_decay": 0.3}],
    ),
    optim.AdaGrad: (
        adagrad,
        [{}, {"weight_decay": 0.05}, {"weight_decay": 1.0}, {"eps": 0.5},
         {"eps": 0.5, "weight_decay": 0.3}],
    ),
    optim.RMSprop: (
        rmsprop,
        [{}, {"weight_decay": 1.0}, {"eps": 0.5}, {"momentum": 0.9}, {"momentum": 1.0},
         {"centered": True}, {"alpha": 0.5, "centered": True, "eps": 0.25},
         {"alpha": 0.8, "eps": 0.1, "weight_decay": 0.05, "momentum": 0.5, "centered": True}],
    ),
    optim.Adam: (
        adam,
        [{}, {"weight_decay": 0.05}, {"weight_decay": 1.0}, {"eps": 0.5}, {"betas": (0.0, 0.5)},
         {"betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.3}],
    ),
    optim.AdamW: (
        adamw,
        [{}, {"weight_decay": 0.0}, {"weight_decay": 1.0}, {"eps": 0.5}, {"betas": (0.5, 0.0)},
         {"betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.3}],
    ),
}  # fmt: skip
EACH = [
    pytest.param(kind, rule, settings, id=f"{kind.__name__} {settings}")
    for kind, (rule, every) in CASES.items()
    for settings in every
]
RATE = 0.125


def published(rule: Any, settings: dict[str, Any]) -> list[list[list[float]]]:
    """Return of each step the numbers of all parameters, then each column that is kept."""
    with mp.workdps(50):
        walks = [
            [tuple(map(float, after)) for after in rule(mpf(w), map(mpf, grads), RATE, **settings)]
            for w, grads in zip(START, zip(*GRADIENTS, strict=True), strict=True)
        ]
    return [list(map(list, zip(*step, strict=True))) for step in zip(*walks, strict=True)]


def near(columns: list[list[float]]) -> list[Any]:
    return [pytest.approx(column, rel=1e-12, abs=1e-40) for column in columns]


def test_every_rule_has_cases():
    rows = {row for row in vars(optimizers).values() if isinstance(row, UpdateRule)}

    assert {kind._rule for kind in CASES} == rows


@pytest.mark.parametrize(("kind", "rule", "settings"), EACH)
def test_optimiser_walks_as_published(Value, kind, rule, settings):  # noqa: N803 - a class
    w = [Value(x) for x in START]
    optimizer = kind(w, lr=RATE, **settings)

    for gradients, after in zip(GRADIENTS, published(rule, settings), strict=True):
        for parameter, grad in zip(w, gradients, strict=True):
            parameter.grad = grad
        optimizer.step()
        _, *kept = optimizer.state_dict().values()

        assert [[x.data for x in w], *kept] == near(after)


@pytest.mark.skipif(not hasattr(_engine._module, "move_flat"), reason="flat blocks are native")
@pytest.mark.parametrize(("kind", "rule", "settings"), EACH)
def test_flat_block_walks_as_published(kind, rule, settings):
    optimizer = kind([_engine.Value(x) for x in START], lr=RATE, **settings)
    numbers, kept = array("d", START), [array("d", [0.0] * 4) for _ in kind._rule.kept]

    for step, after in enumerate(published(rule, settings), 1):
        gradients = array("d", GRADIENTS[step - 1])
        _engine.move_flat(kind._rule, numbers, gradients, kept, optimizer._settings(RATE, step))

        assert [list(numbers), *map(list, kept)] == near(after)


@pytest.mark.parametrize("kind", CASES)
def test_number_without_end_stays_where_nothing_decays(Value, kind):  # noqa: N803 - a class
    w = Value(math.inf)
    w.grad = 1.0

    kind([w], lr=RATE, weight_decay=0.0).step()

    assert w.data == math.inf  # 0 of it would be nan
