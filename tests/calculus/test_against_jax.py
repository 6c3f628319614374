"""Ten thousand random programs, and their first and second derivatives, against JAX.

JAX is in the extra `oracle`, not in `test`: without it these tests say that they did not run, and
where SCALARGRAD_ORACLE is set they fail.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest

import scalargrad as sg

try:
    import jax
except ImportError:
    if os.environ.get("SCALARGRAD_ORACLE"):
        raise
    pytest.skip('JAX is not installed; install ".[oracle]"', allow_module_level=True)

import jax.numpy as jnp
from jax import nn, scipy

jax.config.update("jax_enable_x64", True)

GRAPHS = 10_000
SHARES = 20  # tests, each with its share of the graphs
CURVED = 10  # every tenth graph has its Hessian times a vector compared too

#: what a step may do to earlier results, in scalargrad and in JAX; all keep numbers moderate
ONE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "exp": (lambda x: sg.exp(-x * x), lambda x: jnp.exp(-x * x)),
    "expm1": (lambda x: sg.expm1(x.tanh()), lambda x: jnp.expm1(jnp.tanh(x))),
    "log": (lambda x: sg.log(1 + x * x), lambda x: jnp.log(1 + x * x)),
    "log1p": (lambda x: sg.log1p(x**2), lambda x: jnp.log1p(x**2)),
    "sqrt": (lambda x: sg.sqrt(x * x + 0.5), lambda x: jnp.sqrt(x * x + 0.5)),
    "cbrt": (lambda x: sg.cbrt(x * x + 0.5), lambda x: jnp.cbrt(x * x + 0.5)),
    "reciprocal": (lambda x: 1 / (2 + x * x), lambda x: 1 / (2 + x * x)),
    "sin": (sg.sin, jnp.sin), "cos": (sg.cos, jnp.cos), "atan": (sg.atan, jnp.arctan),
    "asinh": (sg.asinh, jnp.arcsinh), "tanh": (sg.tanh, jnp.tanh),
    "erf": (sg.erf, scipy.special.erf),
    "sigmoid": (sg.sigmoid, nn.sigmoid), "softplus": (sg.softplus, nn.softplus),
    "silu": (sg.silu, nn.silu), "gelu": (sg.gelu, lambda x: nn.gelu(x, approximate=False)),
    "relu": (sg.relu, nn.relu), "abs": (abs, jnp.abs),
    "leaky_relu": (lambda x: sg.leaky_relu(x, 0.1), lambda x: nn.leaky_relu(x, 0.1)),
}  # fmt: skip
TWO: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (lambda x, y: x + y, lambda x, y: x + y),
    "sub": (lambda x, y: x - y, lambda x, y: x - y),
    "mul": (lambda x, y: x * y.tanh(), lambda x, y: x * jnp.tanh(y)),
    "div": (lambda x, y: x / (1.5 + y * y), lambda x, y: x / (1.5 + y * y)),
    "pow": (lambda x, y: (1 + x * x) ** y.sin(), lambda x, y: (1 + x * x) ** jnp.sin(y)),
    "maximum": (sg.maximum, jnp.maximum), "minimum": (sg.minimum, jnp.minimum),
    "hypot": (lambda x, y: sg.hypot(x, y + 9), lambda x, y: jnp.hypot(x, y + 9)),
    "atan2": (lambda x, y: sg.atan2(x, 2 + y * y), lambda x, y: jnp.arctan2(x, 2 + y * y)),
    "sum": (lambda x, y: sg.sum([x, y, 2.0]), lambda x, y: x + y + 2),
    "mean": (lambda x, y: sg.mean([x, y, x]), lambda x, y: jnp.mean(jnp.stack([x, y, x]))),
    "dot": (
        lambda x, y: sg.dot([x.tanh(), y], [0.5, x.tanh()]),
        lambda x, y: jnp.tanh(x) * 0.5 + y * jnp.tanh(x),
    ),
    "logsumexp": (
        lambda x, y: sg.logsumexp([x, y, 1.0]),
        lambda x, y: scipy.special.logsumexp(jnp.stack([x, y, jnp.ones_like(x)])),
    ),
    "softmax": (
        lambda x, y: sg.softmax([x, 0.5, y])[2],
        lambda x, y: nn.softmax(jnp.stack([x, 0.5 * jnp.ones_like(x), y]))[2],
    ),
    "log_softmax": (
        lambda x, y: sg.log_softmax([x, y])[0], lambda x, y: nn.log_softmax(jnp.stack([x, y]))[0],
    ),
    "cross_entropy": (
        lambda x, y: sg.cross_entropy([x, y, 0.0], 1),
        lambda x, y: -nn.log_softmax(jnp.stack([x, y, jnp.zeros_like(x)]))[1],
    ),
}  # fmt: skip

#: a step: the name of an operation, and which earlier results it is applied to
Program = list[tuple[str, tuple[int, ...]]]


def drawn(rng: random.Random) -> tuple[Program, list[float]]:
    """Return a random program of 3 to 15 steps on 2 to 4 inputs, and a point."""
    inputs = rng.randint(2, 4)
    program: Program = []
    for step in range(rng.randint(3, 15)):
        there = inputs + step
        recent = max(0, there - 4)
        places = tuple(
            rng.choice((rng.randrange(there), rng.randrange(recent, there))) for _ in "xy"
        )
        if rng.random() < 0.5:
            program.append((rng.choice(list(ONE)), places[:1]))
        else:
            program.append((rng.choice(list(TWO)), places))
    return program, [rng.uniform(-2, 2) for _ in range(inputs)]


def run(program: Program, which: int, inputs: Any) -> Any:
    """Run a program in scalargrad (0) or JAX (1)."""
    made = list(inputs)
    for name, places in program:
        made.append((ONE | TWO)[name][which](*(made[place] for place in places)))
    return made[-1]


@pytest.mark.parametrize("share", range(SHARES))
def test_random_program_has_the_derivatives_of_jax(share: int) -> None:
    rng = random.Random(share)
    for graph in range(GRAPHS // SHARES):
        program, point = drawn(rng)

        def ours(xs: Any, program: Program = program) -> Any:
            return run(program, 0, xs)

        def theirs(xs: Any, program: Program = program) -> Any:
            return run(program, 1, xs)

        about = f"{program} at {point}"
        value, gradient = sg.value_and_grad(ours)(point)
        their_value, their_gradient = jax.value_and_grad(theirs)(list(map(jnp.float64, point)))
        assert value == pytest.approx(float(their_value), rel=1e-12, abs=1e-13), about
        agree(gradient, their_gradient, 1e-11, about)
        if graph % CURVED == 0:
            vector = [rng.uniform(-1, 1) for _ in point]
            arguments = list(map(jnp.float64, point)), list(map(jnp.float64, vector))
            _, exact = jax.jvp(jax.grad(theirs), *([argument] for argument in arguments))
            agree(sg.hvp(ours, point, vector), exact, 1e-10, about)


def agree(found: list[float], exact: Any, share: float, about: str) -> None:
    """Compare two vectors, up to a share of the largest entry, or of 1."""
    size = max(1.0, *map(abs, found))
    assert found == pytest.approx(list(map(float, exact)), abs=share * size), about
