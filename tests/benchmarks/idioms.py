"""Time each spelling of an idiom beside its best spelling and beside eager Values, in one process.

A spelling has a process of its own, which ends when its time is over; turns of a few hundredths of
a second alternate, and what is printed is the least. Then the figures: the same beside NumPy and
JAX, where installed.

    python3 tests/benchmarks/idioms.py [--small] [--seconds N] [idiom or figure ...]

`lanes`: one call of the compiled function over all lanes, value and gradients; `point`: calls at
single points, one after the other. `best`, `eager`: the time divided by theirs. `made`: seconds of
the first call over lanes. Idioms are named in tests/helpers/idioms, figures below.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

# one thread for everybody, before anybody is imported
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["NPROC"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"
# idioms is the package of the tests here, not this file
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "helpers"))

import numpy as np
from idioms import IDIOMS, integers, networks, programs, selects
from idioms.calls import CALLS, chained, six
from idioms.idiom import Idiom, Spelling, as_values, captured_in, columns, eagerly, matrix

import scalargrad as sg
from scalargrad.tape.machine import Machine

Action = Callable[[], Any]
ROUNDS, TURN = 5, 0.02
EAGER_LANES = 3  # of so many lanes the time of all is reckoned

# -- turns -----------------------------------------------------------------------------------


def seconds(actions: dict[str, Action]) -> dict[str, float]:
    """Return the least seconds a call of each, in turns."""
    repeats = {}
    for name, action in actions.items():
        action()
        start = time.perf_counter()
        action()
        repeats[name] = max(1, int(TURN / (time.perf_counter() - start)))
    least = dict.fromkeys(actions, float("inf"))
    for _ in range(ROUNDS):
        for name, action in actions.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(repeats[name]):
                action()
            least[name] = min(least[name], (time.perf_counter() - start) / repeats[name])
    return least


def limited(function: Callable[..., Any], limit: float, *arguments: Any) -> Any:
    """Return what a function returns in a process of its own, or in words why it does not."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        try:
            theirs.send(function(*arguments))
        except ImportError as error:
            theirs.send(f"skipped: {error}")
        except Exception as error:
            theirs.send(f"refused: {type(error).__name__}: {str(error).split(';')[0][:90]}")

    process = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    process.start()
    try:
        return ours.recv() if ours.poll(limit) else f"more than {limit:g} s"
    finally:
        process.kill()
        process.join()


# -- spellings -------------------------------------------------------------------------------


def over_lanes(spelling: Spelling, parameters: Any, lanes: Any, mode: str = "strict") -> Action:
    """Return the call over all lanes: gradients by the parameters, or by the inputs."""
    f: Any = spelling.compiled(parameters, mode)
    batch = columns(lanes)
    if captured_in(parameters):
        return lambda: f.backward(*batch)
    return lambda: f.value_and_grad(*batch)


def at_points(spelling: Spelling, parameters: Any, lanes: Any) -> Action:
    """Return calls at one point after the other."""
    f: Any = spelling.compiled(parameters)
    points = itertools.cycle(lanes[:8])
    ask = f.backward if captured_in(parameters) else f.value_and_grad
    for lane in lanes[:8]:
        ask(*lane)
    return lambda: ask(*next(points))


def measured(idiom: Idiom, spelling: Spelling, is_large: bool) -> dict[str, float]:
    """Return what is printed of one spelling."""
    parameters, lanes = idiom.draw(Random(idiom.name), is_large)
    best = idiom.best
    assert best is not None
    few = itertools.cycle(lanes[:EAGER_LANES])
    ours = over_lanes(spelling, parameters, lanes)
    start = time.perf_counter()
    ours()
    made = time.perf_counter() - start
    found = seconds(
        {
            "lanes": ours,
            "best lanes": over_lanes(best, parameters, lanes),
            "point": at_points(spelling, parameters, lanes),
            "best point": at_points(best, parameters, lanes),
            "eager": lambda: eagerly(spelling, parameters, next(few)),
        }
    )
    return {
        "lanes": found["lanes"],
        "by best": found["lanes"] / found["best lanes"],
        "by eager": found["lanes"] / (found["eager"] * len(lanes)),
        "point": found["point"],
        "point by best": found["point"] / found["best point"],
        "point by eager": found["point"] / found["eager"],
        "made": made,
    }


def report(idiom: Idiom, is_large: bool, limit: float) -> None:
    count = len(idiom.draw(Random(idiom.name), is_large)[1])
    print(f"\n{idiom.name}, {count} lanes")
    print(f"{'':32}{'lanes ms':>10}{'best':>7}{'eager':>7}{'point µs':>10}{'best':>7}{'eager':>7}"
          f"{'made s':>8}")  # fmt: skip
    for spelling in idiom.spellings:
        found = limited(measured, limit, idiom, spelling, is_large)
        if isinstance(found, str):
            print(f"  {spelling.name:30}  {found}", flush=True)
            continue
        lanes, best, eager, point, point_best, point_eager, made = found.values()
        print(
            f"  {spelling.name:30}{lanes * 1e3:10.3f}{best:7.2f}{eager:7.3f}"
            f"{point * 1e6:10.1f}{point_best:7.2f}{point_eager:7.2f}{made:8.2f}",
            flush=True,
        )


# -- figures: each a few actions, whose times are compared with the first's -------------------


def best_of(idiom: Idiom) -> Spelling:
    assert idiom.best is not None
    return idiom.best


def named(idiom: Idiom, name: str) -> Spelling:
    [found] = [spelling for spelling in idiom.spellings if spelling.name == name]
    return found


def large(idiom: Idiom) -> Any:
    return idiom.draw(Random(idiom.name), True)


def second_int() -> dict[str, Action]:
    f = sg.compile(named(integers.CLASS, "total_less_indexed").closed([]))
    [(scores, _), *_rest] = large(integers.CLASS)[1]
    turns = itertools.cycle(range(len(scores)))
    for k in range(len(scores)):
        f.value_and_grad(scores, k)
    return {
        "one value": lambda: f.value_and_grad(scores, 0),
        "ten values in turn": lambda: f.value_and_grad(scores, next(turns)),
    }


def of_both_letters(draw: Any) -> dict[str, Action]:
    parameters, texts = draw
    letters, targets = columns(texts)

    def step_of(spelling: Spelling) -> Action:
        f: Any = spelling.compiled(parameters)
        optimizer = sg.optim.SGD(captured_in(parameters), lr=1e-3)

        def step() -> Any:
            optimizer.zero_grad()
            loss = f.backward(letters, targets)
            optimizer.step()
            return loss

        return step

    return {
        "NumPy by hand": numpy_letters(parameters, letters, targets),
        "scalargrad, take": step_of(best_of(integers.LETTERS)),
    }


def numpy_letters(parameters: Any, letters: Any, targets: Any) -> Action:
    C, W1, b1, W2, b2 = (
        np.array([[x.data for x in row] if isinstance(row, list) else row.data for row in part])
        for part in parameters.values()
    )

    def step() -> Any:
        x = C[letters].reshape(len(letters), -1)
        h = np.tanh(x @ W1.T + b1)
        scores = h @ W2.T + b2
        exps = np.exp(scores - scores.max(axis=1, keepdims=True))
        chances = exps / exps.sum(axis=1, keepdims=True)
        rows = np.arange(len(targets))
        loss = -np.log(chances[rows, targets]).mean()
        chances[rows, targets] -= 1.0
        d = chances / len(targets)
        dh = (d @ W2) * (1.0 - h * h)
        dC = np.zeros_like(C)
        np.add.at(dC, letters, (dh @ W1).reshape(*letters.shape, -1))
        gradients = dC, dh.T @ x, dh.sum(0), d.T @ h, d.sum(0)
        for p, g in zip((C, W1, b1, W2, b2), gradients, strict=True):
            p -= 1e-3 * g
        return loss

    return step


def letters() -> dict[str, Action]:
    return of_both_letters(large(integers.LETTERS))


def words() -> dict[str, Action]:
    random, count, width, hidden = Random(0), 5000, 16, 64
    parameters = {
        "table": matrix(random, count, width),
        "W1": matrix(random, hidden, 4 * width, 0.1),
        "b1": [0.0] * hidden,
        "W2": matrix(random, 27, hidden, 0.1),
        "b2": [0.0] * 27,
    }
    texts = [([random.randrange(count) for _ in range(4)], random.randrange(27))] * 2000
    return of_both_letters((as_values(parameters), texts))


def select() -> dict[str, Action]:
    _, lanes = large(selects.PIECES)
    x = np.array([lane[0] for lane in lanes])

    def numpy() -> Any:
        return np.where(x > 0, x * x, -x).sum(axis=1), np.where(x > 0, 2 * x, -1.0)

    return {"NumPy by hand": numpy, "scalargrad": over_lanes(best_of(selects.PIECES), [], lanes)}


def jax_of(loss: Callable[..., Any], parameters: Any, lanes: Any) -> Action:
    """Return the mean over lanes and its gradient, by JAX; `loss` has jax.numpy as its first."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    given = [jnp.asarray(column) for column in columns(lanes)]
    numbers = jax.tree.map(lambda p: p.data, parameters, is_leaf=lambda p: isinstance(p, sg.Value))
    arrays = {name: as_arrays(jnp, part) for name, part in numbers.items()}

    def mean(arrays: Any, *given: Any) -> Any:
        axes = (None, *[0] * len(given))
        return jax.vmap(lambda p, *x: loss(jax, p, *x), in_axes=axes)(arrays, *given).mean()

    both = jax.jit(jax.value_and_grad(mean))
    return lambda: jax.block_until_ready(both(arrays, *given))


def as_arrays(jnp: Any, tree: Any) -> Any:
    if isinstance(tree, dict):
        return {name: as_arrays(jnp, part) for name, part in tree.items()}
    return jnp.asarray(tree)


def jax_lstm(jax: Any, p: Any, xs: Any) -> Any:
    def step(memory: Any, x: Any) -> Any:
        h, c = memory
        sums = {name: q["W"] @ x + q["U"] @ h + q["b"] for name, q in p.items()}
        gate = {name: jax.nn.sigmoid(s) for name, s in sums.items()}
        c = gate["forget"] * c + gate["input"] * jax.numpy.tanh(sums["new"])
        return (gate["output"] * jax.numpy.tanh(c), c), None

    zeros = jax.numpy.zeros(len(p["new"]["b"]))
    return jax.lax.scan(step, (zeros, zeros), xs)[0][0].sum()


def jax_markov(jax: Any, p: Any, ys: Any) -> Any:
    def log_chances(y: Any) -> Any:
        return -0.5 * (y - p["means"]) ** 2

    def step(alpha: Any, y: Any) -> Any:
        both = alpha[:, None] + p["moves"]
        return jax.scipy.special.logsumexp(both, axis=0) + log_chances(y), None

    alpha, _ = jax.lax.scan(step, p["start"] + log_chances(ys[0]), ys[1:])
    return jax.scipy.special.logsumexp(alpha)


def jax_action(loss: Any, idiom: Idiom) -> dict[str, Action]:
    try:
        return {"JAX": jax_of(loss, *large(idiom))}
    except ImportError as error:
        print(f"    JAX skipped: {error}")
        return {}


def lstm() -> dict[str, Action]:
    return jax_action(jax_lstm, networks.LSTM) | {
        f"scalargrad, fast, {spelling.name}": over_lanes(
            spelling, *large(networks.LSTM), mode="fast"
        )
        for spelling in networks.LSTM.spellings[:3]
    }


def markov(spelling: Spelling) -> dict[str, Action]:
    parameters, lanes = large(programs.MARKOV)
    ours = over_lanes(spelling, parameters, lanes)
    ours()
    return jax_action(jax_markov, programs.MARKOV) | {f"scalargrad, {spelling.name}": ours}


def markov_best() -> dict[str, Action]:
    return markov(best_of(programs.MARKOV))


def markov_if() -> dict[str, Action]:
    return markov(named(programs.MARKOV, "own_logsumexp_with_if"))


def ways(function: Callable[..., Any], point: list[float]) -> dict[str, Action]:
    calls = {make.__name__: make(function) for make in CALLS}
    return {
        name: lambda call=call: call(point)  # type: ignore[misc]
        for name, call in sorted(calls.items(), key=lambda pair: pair[0] != "raw_values")
    }


def six_operations() -> dict[str, Action]:
    return ways(six, [0.5, 1.25])


def rosenbrock_10() -> dict[str, Action]:
    found = ways(chained, [0.5 + 0.01 * i for i in range(10)])
    return {"method_of_the_compiled": found.pop("method_of_the_compiled")} | found


def rosenbrock_1000() -> dict[str, Action]:
    makes = {make.__name__: make for make in CALLS}
    point = [0.5 + 0.001 * (i % 7) for i in range(1000)]
    first = "method_of_the_compiled", "ours_of_the_compiled", "arrays_as_scipy_passes_them"
    calls = {name: makes[name](chained) for name in first}
    return {name: lambda call=call: call(point) for name, call in calls.items()}  # type: ignore[misc]


def nested(idiom: Idiom) -> dict[str, Action]:
    """Compare a call with nested lists with the part of it that the machine itself takes."""
    parameters, lanes = large(idiom)
    f: Any = best_of(idiom).compiled(parameters)
    kept: list[Any] = []
    point = Machine.point

    def noted(self: Machine, *arguments: Any) -> Any:
        kept[:] = [(self, arguments)]
        return point(self, *arguments)

    for _ in range(40):  # from the 32nd call on, points run on their lasting plan
        f.value_and_grad(*lanes[0])
    Machine.point = noted  # type: ignore[method-assign]
    f.value_and_grad(*lanes[0])
    Machine.point = point  # type: ignore[method-assign]
    if not kept:
        raise RuntimeError("the call does not go by Machine.point; its share is not known here")
    [(machine, arguments)] = kept
    return {
        "the whole call": lambda: f.value_and_grad(*lanes[0]),
        "the machine's part": lambda: machine.point(*arguments),
    }


def nested_bodies() -> dict[str, Action]:
    return nested(programs.BODIES)


def nested_attention() -> dict[str, Action]:
    return nested(networks.ATTENTION)


def documents(spelling: Spelling) -> dict[str, Action]:
    parameters, texts = large(programs.GPT)
    few = itertools.cycle(texts)
    ours = at_points(spelling, parameters, texts)
    return {"eager": lambda: eagerly(spelling, parameters, next(few)), "compiled": ours}


def gpt_data() -> dict[str, Action]:
    return documents(named(programs.GPT, "takes_and_data"))


def gpt_index() -> dict[str, Action]:
    return documents(named(programs.GPT, "max_detached"))


def gpt_best() -> dict[str, Action]:
    return documents(best_of(programs.GPT))


def gpt_lanes() -> dict[str, Action]:
    return documents(named(programs.GPT, "max_of_the_detached_by_lanes"))


def markov_lanes() -> dict[str, Action]:
    return markov(named(programs.MARKOV, "own_logsumexp_with_max_by_lanes"))


def jacobian() -> dict[str, Action]:
    random = Random(0)
    rows = matrix(random, 100, 100, 0.1)

    def function(x: Any) -> Any:
        outputs = []
        for row in rows:
            products = [w * sg.sin(v) for w, v in zip(row, x, strict=True)]
            outputs.append(sg.tanh(sum(products)))
        return outputs

    f = sg.compile(function)
    x = [random.gauss(0.0, 1.0) for _ in range(100)]
    weights = np.array(rows)

    def numpy() -> Any:
        sums = weights @ np.sin(x)
        return (1.0 - np.tanh(sums) ** 2)[:, None] * weights * np.cos(x)

    asked = sg.jacobian(f)
    return {"NumPy by hand": numpy, "scalargrad": lambda: asked(x)}


FIGURES: list[Callable[[], dict[str, Action]]] = [
    second_int, letters, words, select, lstm, six_operations, rosenbrock_10, rosenbrock_1000,
    nested_bodies, nested_attention, gpt_best, gpt_index, gpt_data, gpt_lanes,
    markov_best, markov_if, markov_lanes, jacobian,
]  # fmt: skip


def figure(make: Callable[[], dict[str, Action]], limit: float) -> None:
    print(f"\nfigure {make.__name__}")
    found = limited(lambda: seconds(make()), limit)
    if isinstance(found, str):
        print(f"    {found}", flush=True)
        return
    first = next(iter(found.values()))
    for name, least in found.items():
        print(f"    {name:42}{least * 1e3:10.4f} ms{least / first:9.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time spellings of idioms.")
    parser.add_argument("names", nargs="*", help="idioms or figures; all of them by default")
    parser.add_argument("--small", action="store_true", help="the numbers of the tests")
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        help="the limit of one spelling; a figure has three times as much",
    )
    given = parser.parse_args()
    known = {idiom.name for idiom in IDIOMS} | {f"figure-{make.__name__}" for make in FIGURES}
    wrong = set(given.names) - known
    if wrong:
        parser.error(f"names are {', '.join(sorted(known))}; got {', '.join(sorted(wrong))}")
    print(f"engine {sg.engine}, limit {given.seconds:g} s")
    for idiom in IDIOMS:
        if idiom.name in given.names or not given.names:
            report(idiom, not given.small, given.seconds)
    for make in FIGURES:
        if f"figure-{make.__name__}" in given.names or not given.names:
            figure(make, 3 * given.seconds)  # several are made in one


if __name__ == "__main__":
    main()
