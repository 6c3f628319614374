"""The peers of replay.py: each function makes what one of them runs in a case.

What is made is called without arguments and gives a value and the gradient by the inputs, or, for
a training step, the loss and the parameters after it. Nothing of a peer is imported before its
turn, so that those not installed can be skipped.
"""

from __future__ import annotations

import itertools
import math
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Action = Callable[[], tuple[Any, Any]]


def black_scholes(m: Any, spot: Any, strike: Any, rate: Any, sigma: Any, years: Any) -> Any:
    """Return the price of a European call; `m` has the functions of numbers of some kind."""
    root = sigma * m.sqrt(years)
    d1 = (m.log(spot / strike) + (rate + 0.5 * sigma * sigma) * years) / root
    d2 = d1 - root
    n1 = (1.0 + m.erf(d1 / math.sqrt(2.0))) / 2.0
    n2 = (1.0 + m.erf(d2 / math.sqrt(2.0))) / 2.0
    return spot * n1 - strike * m.exp(-rate * years) * n2


# -- NumPy by hand ---------------------------------------------------------------------------


def numpy_two_moons(x: Any, y: Any, weights: list[Any], rate: float) -> Action:
    weights = [np.copy(w) for w in weights]
    w1, b1, w2, b2, w3, b3 = weights

    def step() -> tuple[Any, Any]:
        h1 = np.maximum(x @ w1 + b1, 0.0)
        h2 = np.maximum(h1 @ w2 + b2, 0.0)
        margins = 1.0 - y * (h2 @ w3 + b3)[:, 0]
        loss = np.maximum(margins, 0.0).mean()
        d3 = np.where(margins > 0.0, -y / len(y), 0.0)[:, None]
        d2 = (d3 @ w3.T) * (h2 > 0.0)
        d1 = (d2 @ w2.T) * (h1 > 0.0)
        gradients = x.T @ d1, d1.sum(0), h1.T @ d2, d2.sum(0), h2.T @ d3, d3.sum(0)
        for w, g in zip(weights, gradients, strict=True):
            w -= rate * g
        return loss, weights

    return step


class Affine:
    """The book's, section 5.6."""

    def __init__(self, w: Any, b: Any) -> None:
        self.w, self.b = w, b

    def forward(self, x: Any) -> Any:
        self.x = x
        return np.dot(x, self.w) + self.b

    def backward(self, dout: Any) -> Any:
        dx = np.dot(dout, self.w.T)
        self.dw = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class Relu:
    """The book's, section 5.5."""

    def forward(self, x: Any) -> Any:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Any) -> Any:
        dout[self.mask] = 0
        return dout


class SoftmaxWithLoss:
    """The book's, section 5.6, for classes as targets."""

    def forward(self, x: Any, t: Any) -> Any:
        self.t = t
        powers = np.exp(x - np.max(x, axis=1, keepdims=True))
        self.y = powers / np.sum(powers, axis=1, keepdims=True)
        return -np.sum(np.log(self.y[np.arange(len(t)), t] + 1e-7)) / len(t)

    def backward(self) -> Any:
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


def numpy_mnist(x: Any, t: Any, masks: list[Any], weights: list[Any], rate: float) -> Action:
    weights = [np.copy(w) for w in weights]
    affines = Affine(*weights[:2]), Affine(*weights[2:])
    layers = affines[0], Relu(), affines[1]
    last, turns = SoftmaxWithLoss(), itertools.cycle(masks)

    def step() -> tuple[Any, Any]:
        mask = next(turns)
        out = x[mask]
        for layer in layers:
            out = layer.forward(out)
        loss = last.forward(out, t[mask])
        dout = last.backward()
        for layer in reversed(layers):
            dout = layer.backward(dout)
        for affine in affines:
            affine.w -= rate * affine.dw
            affine.b -= rate * affine.db
        return loss, weights

    return step


def numpy_rosenbrock(x: Any) -> Action:
    def both() -> tuple[Any, Any]:
        a, slack, rest = x[:-1], x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
        gradient = np.zeros_like(x)
        gradient[:-1] = -400.0 * a * slack - 2.0 * rest
        gradient[1:] += 200.0 * slack
        return 100.0 * slack @ slack + rest @ rest, gradient

    return both


def _adjoint(m: Any) -> Callable[..., tuple[Any, ...]]:
    """Return the price and its derivatives by hand, for the functions of arrays or of floats."""
    sqrt, log, exp, erf = m.sqrt, m.log, m.exp, m.erf
    half, density = 1.0 / math.sqrt(2.0), 1.0 / math.sqrt(2.0 * math.pi)

    def both(spot: Any, strike: Any, rate: Any, sigma: Any, years: Any) -> tuple[Any, ...]:
        sqrt_years = sqrt(years)
        root = sigma * sqrt_years
        drift = rate + 0.5 * sigma * sigma
        d1 = (log(spot / strike) + drift * years) / root
        d2 = d1 - root
        n1, n2 = 0.5 * (1.0 + erf(d1 * half)), 0.5 * (1.0 + erf(d2 * half))
        discount = exp(-rate * years)
        paid = strike * discount
        # from here on g_ is the derivative of the price by what stands behind it
        g_d2 = -paid * density * exp(-0.5 * d2 * d2)
        g_d1 = spot * density * exp(-0.5 * d1 * d1) + g_d2
        g_sum = g_d1 / root
        g_root = -g_d2 - d1 * g_sum
        g_exponent = -paid * n2
        g_spot = n1 + g_sum / spot
        g_strike = -discount * n2 - g_sum / strike
        g_rate = g_sum * years - years * g_exponent
        g_sigma = g_sum * sigma * years + g_root * sqrt_years
        g_years = g_sum * drift + 0.5 * g_root * sigma / sqrt_years - rate * g_exponent
        return spot * n1 - paid * n2, g_spot, g_strike, g_rate, g_sigma, g_years

    return both


class _Arrays:
    sqrt, log, exp = np.sqrt, np.log, np.exp

    def __init__(self) -> None:
        from scipy.special import erf

        self.erf = erf


def numpy_black_scholes(inputs: tuple[Any, ...]) -> Action:
    adjoint = _adjoint(_Arrays())

    def both() -> tuple[Any, Any]:
        value, *gradient = adjoint(*inputs)
        return value, gradient

    return both


# -- PyTorch and JAX -------------------------------------------------------------------------


def torch_black_scholes(inputs: tuple[Any, ...]) -> Action:
    import torch

    torch.set_num_threads(1)

    def both() -> tuple[Any, Any]:
        leaves = [torch.from_numpy(x).requires_grad_() for x in inputs]
        value = black_scholes(torch, *leaves)
        return value.detach(), torch.autograd.grad(value.sum(), leaves)

    return both


def _jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # or a second thread computes
    return jax


def jax_two_moons(x: Any, y: Any, weights: list[Any], rate: float) -> Action:
    jax = _jax()
    jnp = jax.numpy

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = weights
        hidden = jax.nn.relu(jax.nn.relu(x @ w1 + b1) @ w2 + b2)
        return jnp.maximum(1.0 - y * (hidden @ w3 + b3)[:, 0], 0.0).mean()

    @jax.jit
    def train(weights: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        return loss, [w - rate * g for w, g in zip(weights, gradients, strict=True)]

    x, y, weights = jnp.asarray(x), jnp.asarray(y), [jnp.asarray(w) for w in weights]

    def step() -> tuple[Any, Any]:
        nonlocal weights
        loss, weights = jax.block_until_ready(train(weights, x, y))
        return loss, weights

    return step


def jax_black_scholes(inputs: tuple[Any, ...]) -> Action:
    jax = _jax()

    class functions:  # noqa: N801 - stands for a module
        sqrt, log, exp = jax.numpy.sqrt, jax.numpy.log, jax.numpy.exp
        erf = jax.scipy.special.erf

    def price(*inputs: Any) -> Any:
        return black_scholes(functions, *inputs)

    both = jax.jit(jax.vmap(jax.value_and_grad(price, argnums=(0, 1, 2, 3, 4))))
    arrays = [jax.numpy.asarray(x) for x in inputs]
    return lambda: jax.block_until_ready(both(*arrays))


# -- Numba by hand ---------------------------------------------------------------------------


def numba_two_moons(x: Any, y: Any, weights: list[Any], rate: float) -> Action:
    """Keep the lanes innermost, and sum over them in four parts: else no loop is vectorised."""
    import numba

    njit = numba.njit(error_model="numpy")

    @njit
    def ahead(x: Any, w: Any, b: Any, nonlin: bool) -> Any:
        out = np.empty((w.shape[1], x.shape[1]))
        for j in range(w.shape[1]):
            for n in range(x.shape[1]):
                out[j, n] = b[j]
            for i in range(w.shape[0]):
                for n in range(x.shape[1]):
                    out[j, n] += w[i, j] * x[i, n]
            if nonlin:
                for n in range(x.shape[1]):
                    out[j, n] = max(out[j, n], 0.0)
        return out

    @njit
    def inwards(h: Any, w: Any, dout: Any) -> Any:
        dx = np.zeros_like(h)
        for i in range(w.shape[0]):
            for j in range(w.shape[1]):
                for n in range(h.shape[1]):
                    dx[i, n] += w[i, j] * dout[j, n]
            for n in range(h.shape[1]):
                dx[i, n] = dx[i, n] if h[i, n] > 0.0 else 0.0
        return dx

    @njit
    def update(x: Any, dout: Any, w: Any, b: Any, rate: float) -> None:
        for j in range(w.shape[1]):
            for i in range(w.shape[0]):
                s0 = s1 = s2 = s3 = 0.0
                for n in range(0, x.shape[1], 4):
                    s0 += x[i, n] * dout[j, n]
                    s1 += x[i, n + 1] * dout[j, n + 1]
                    s2 += x[i, n + 2] * dout[j, n + 2]
                    s3 += x[i, n + 3] * dout[j, n + 3]
                w[i, j] -= rate * ((s0 + s1) + (s2 + s3))
            total = 0.0
            for n in range(x.shape[1]):
                total += dout[j, n]
            b[j] -= rate * total

    @njit
    def train(
        x: Any, y: Any, w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, rate: float
    ) -> float:
        h1 = ahead(x, w1, b1, True)
        h2 = ahead(h1, w2, b2, True)
        score = ahead(h2, w3, b3, False)
        loss, d3 = 0.0, np.empty_like(score)
        for n in range(len(y)):
            margin = 1.0 - y[n] * score[0, n]
            loss += max(margin, 0.0)
            d3[0, n] = -y[n] / len(y) if margin > 0.0 else 0.0
        d2 = inwards(h2, w3, d3)
        d1 = inwards(h1, w2, d2)
        update(h2, d3, w3, b3, rate)
        update(h1, d2, w2, b2, rate)
        update(x, d1, w1, b1, rate)
        return loss / len(y)

    x, weights = np.ascontiguousarray(x.T), [np.copy(w, order="C") for w in weights]
    return lambda: (train(x, y, *weights, rate), weights)


def numba_black_scholes(inputs: tuple[Any, ...]) -> Action:
    import numba

    adjoint = numba.njit(error_model="numpy")(_adjoint(math))

    @numba.njit(error_model="numpy")
    def both(spot: Any, strike: Any, rate: Any, sigma: Any, years: Any) -> Any:
        value, gradient = np.empty(len(spot)), np.empty((5, len(spot)))
        for n in range(len(spot)):
            (
                value[n], gradient[0, n], gradient[1, n], gradient[2, n], gradient[3, n],
                gradient[4, n],
            ) = adjoint(spot[n], strike[n], rate[n], sigma[n], years[n])  # fmt: skip
        return value, gradient

    return lambda: both(*inputs)  # type: ignore[no-any-return]


# -- CasADi ----------------------------------------------------------------------------------


def _compiled(function: Any) -> Any:
    """Return the function as gcc compiles the C that CasADi writes for it."""
    import casadi

    name = function.name()
    with tempfile.TemporaryDirectory() as folder:
        generator = casadi.CodeGenerator(f"{name}.c")
        generator.add(function)
        source = generator.generate(f"{folder}/")
        library = Path(folder, f"{name}.so")
        flags = ["-O3", "-march=native", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, source, "-o", library, "-lm"], check=True)
        return casadi.external(name, str(library))


def _on_arrays(function: Any, given: list[Any], results: list[Any]) -> Callable[[], None]:
    """Return what calls a function on the memory of arrays, without a copy."""
    buffer, trigger = function.buffer()
    for place, array in enumerate(given):
        buffer.set_arg(place, memoryview(array))
    for place, array in enumerate(results):
        buffer.set_res(place, memoryview(array))

    def call(buffer: Any = buffer) -> None:  # the buffer must live as long
        trigger()

    return call


def casadi_two_moons(x: Any, y: Any, weights: list[Any], rate: float) -> Action:
    import casadi

    count = len(y)
    ends = list(itertools.accumulate(w.size for w in weights))
    point, label, p = (casadi.SX.sym(*of) for of in (("x", 2), ("y",), ("p", ends[-1])))
    parts = casadi.vertsplit(p, [0, *ends])
    hidden = point
    for (nin, nout), w, b in zip(
        (w.shape for w in weights[::2]), parts[::2], parts[1::2], strict=True
    ):
        score = casadi.reshape(w, nout, nin) @ hidden + b  # its matrices go by columns
        hidden = casadi.fmax(score, 0.0)
    loss = casadi.fmax(1.0 - label * score, 0.0)
    one = casadi.Function("one", [point, label, p], [loss, casadi.gradient(loss, p)])
    mapped = _compiled(one.map("mapped", "serial", count, [2], [0, 1]))
    flat = np.concatenate([w.ravel() for w in weights])
    parted = zip(np.split(flat, ends[:-1]), weights, strict=True)
    views = [part.reshape(w.shape) for part, w in parted]
    total, gradient = np.zeros(1), np.zeros(len(flat))
    call = _on_arrays(mapped, [x, y, flat], [total, gradient])

    def step() -> tuple[Any, Any]:
        nonlocal flat
        call()
        flat -= rate / count * gradient
        return total[0] / count, views

    return step


def _casadi_rosenbrock(count: int) -> Any:
    import casadi

    x = casadi.SX.sym("x", count)
    value = casadi.SX(0.0)
    for a, b in itertools.pairwise(casadi.vertsplit(x)):
        value = value + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return casadi.Function("both", [x], [value, casadi.gradient(value, x)])


def casadi_rosenbrock_called(x: Any) -> Action:
    both = _casadi_rosenbrock(len(x))
    return lambda: both(x)  # type: ignore[no-any-return]


def casadi_rosenbrock_buffer(x: Any) -> Action:
    given, value, gradient = np.zeros(len(x)), np.zeros(1), np.zeros(len(x))
    call = _on_arrays(_casadi_rosenbrock(len(x)), [given], [value, gradient])

    def both() -> tuple[Any, Any]:
        given[:] = x
        call()
        return value[0], gradient

    return both


def casadi_black_scholes(inputs: tuple[Any, ...]) -> Action:
    import casadi

    count = len(inputs[0])
    x = casadi.SX.sym("x", 5)
    parts = casadi.vertsplit(x)
    value = black_scholes(casadi, *parts)
    gradient = casadi.vertsplit(casadi.gradient(value, x))
    one = casadi.Function("one", parts, [value, *gradient])
    results = [np.zeros(count) for _ in range(6)]
    call = _on_arrays(_compiled(one.map(count, "serial")), list(inputs), results)

    def both() -> tuple[Any, Any]:
        call()
        return results[0], results[1:]

    return both
