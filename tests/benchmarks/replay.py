"""Time compiled functions, sg.compile, against their peers: in turn, in one run, one thread each.

Every case checks first that all who run in it give the same numbers. A turn is a tenth of a second
of calls in a row; what is printed is the least of the turns. What is not installed is skipped.
Each has a process of its own, as it would have with a user: in one for all, a first that asks for
large pieces of memory spares the others the cost of fresh pages.

    python3 -m pip install numba casadi jax torch scipy
    python3 tests/benchmarks/replay.py [rounds] [case ...]

The cases: two_moons mnist rosenbrock black_scholes arithmetic record threads.
"""

from __future__ import annotations

import gc
import importlib.metadata
import itertools
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

# one thread for everybody, before anybody is imported; of XLA's pools only NPROC sets the size
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["NPROC"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ["JAX_PLATFORMS"] = "cpu"

import numpy as np
import replay_peers as peers
from replay_peers import Action

import scalargrad as sg
from scalargrad.learning import objectives, on_tapes

#: seconds that a turn takes, about
TURN = 0.1
RATE = 0.1
LANES = 100_000
#: instructions of the recurrence below: four a step
INSTRUCTIONS = 996
NODES = (10**4, 10**5, 10**6)

Makers = dict[str, Callable[[], Action]]

# -- turns -----------------------------------------------------------------------------------


def contest(makers: Makers, rounds: int, close: float = 1e-9) -> dict[str, float]:
    """Return seconds a call of everybody who can be made, once all agree with the first one."""
    processes = {name: Contestant(make) for name, make in makers.items()}
    try:
        results = {name: process.ask("agree") for name, process in processes.items()}
        missing = {name: found for name, found in results.items() if isinstance(found, str)}
        for name, reason in missing.items():
            print(f"{name}: skipped: {reason}")
        there = {name: process for name, process in processes.items() if name not in missing}
        agree({name: results[name] for name in there}, close)
        return measured(there, rounds)
    finally:
        for process in processes.values():
            process.end()


class Contestant:
    """A process in which one of them is made and called."""

    def __init__(self, make: Callable[[], Action]) -> None:
        self.pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")  # what makes them cannot be pickled
        self.process = context.Process(target=serve, args=(theirs, make), daemon=True)
        self.process.start()

    def ask(self, what: str) -> Any:
        self.pipe.send(what)
        found = self.pipe.recv()
        if isinstance(found, BaseException):
            raise found
        return found

    def end(self) -> None:
        self.pipe.send("end")
        self.process.join()


def serve(pipe: Any, make: Callable[[], Action]) -> None:
    """Answer until nobody asks."""
    action: Action | None = None
    repeats = 1
    while (what := pipe.recv()) != "end":
        try:
            if what == "agree":
                action = make()
                pipe.send(flat([action() for _ in range(3)][-1]))
                action()  # what was looked at may have to be made again
                repeats = max(1, int(TURN / timed(action, 2)[0]))
            else:
                assert action is not None
                pipe.send(timed(action, repeats))
        except (ImportError, OSError) as error:
            pipe.send(str(error))
        except Exception as error:
            pipe.send(error)


def agree(results: dict[str, Any], close: float) -> None:
    """Check what comes out of the third call: of training, the parameters after three steps."""
    wanted: Any = None
    for name, numbers in results.items():
        wanted = numbers if wanted is None else wanted
        assert numbers.shape == wanted.shape, f"{name} gives {len(numbers)} of {len(wanted)}"
        error = np.max(np.abs(numbers - wanted) / np.maximum(1.0, np.abs(wanted)))
        assert error <= close, f"{name} is off by {error:.1e}"


def flat(result: Any) -> Any:
    """Return all numbers of a result in one array."""
    if isinstance(result, Fitted):
        result.learner.settle()
        result = result.model
    if isinstance(result, sg.nn.Module):
        result = matrices(result)
    if isinstance(result, (list, tuple)):
        return np.concatenate([flat(part) for part in result])
    return np.ravel(np.asarray(result, dtype=float))


def timed(action: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """Return seconds a call, and how many processors were busy; garbage goes off the clock."""
    start, busy = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        action()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    gc.collect()
    return seconds / repeats, busy / seconds


def measured(processes: dict[str, Contestant], rounds: int) -> dict[str, float]:
    turns = [
        {name: process.ask("turn") for name, process in processes.items()} for _ in range(rounds)
    ]
    for name in processes:
        processors = min(turn[name][1] for turn in turns)
        if processors > 1.2:
            print(f"{name}: kept {processors:.1f} processors busy")
    return {name: min(turn[name][0] for turn in turns) for name in processes}


# -- scalargrad ------------------------------------------------------------------------------


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    if not hasattr(sg, "compile"):
        raise ImportError("this scalargrad has no sg.compile")
    return sg.compile(function, **options)


def matrices(model: Any) -> list[Any]:
    """Return the parameters as the peers keep them: weights nin × nout and biases, in turn."""
    if isinstance(model, sg.nn.TwoLayerNet):
        return [numbers(part) for part in model.params.values()]
    pairs = [
        (numbers(neuron.w for neuron in layer.neurons).T, numbers(n.b for n in layer.neurons))
        for layer in model.layers
    ]
    return [np.ascontiguousarray(part) for pair in pairs for part in pair]


def numbers(tree: Iterable[Any]) -> Any:
    """Return nested Values as an array."""
    return np.array([x.data if isinstance(x, sg.Value) else numbers(x) for x in tree])


def our_step(model: Any, loss: Callable[..., Any], batches: Iterable[tuple[Any, Any]]) -> Action:
    """Return the training step of a model; making a batch counts."""
    f = compiled(loss)
    optimizer, turns = sg.optim.SGD(model.parameters(), lr=RATE), iter(batches)

    def step() -> tuple[Any, Any]:
        x, t = next(turns)
        optimizer.zero_grad()
        value = f.backward(x, t, reduction="mean")
        optimizer.step()
        return value, model

    return step


@dataclass
class Fitted:
    """A model whose numbers lie in the flat block of `fit`, until somebody wants them."""

    model: Any
    learner: Any


def our_fit(model: Any, name: str, x: Any, t: Any, masks: Iterable[Any]) -> Action:
    """Return the step that `fit` takes; finding the samples of a batch counts."""
    optimizer = sg.optim.SGD(model.parameters(), lr=RATE)
    learner = on_tapes.TapeLearner(
        model, x, t, objectives.objective_of("fit", name, None), optimizer
    )
    turns, fitted = iter(masks), Fitted(model, learner)
    return lambda: (learner.step(next(turns), "")[0], fitted)


def ours(function: Callable[..., Any], *args: Any, **options: Any) -> Action:
    f = compiled(function, **options)
    return lambda: f.value_and_grad(*args)  # type: ignore[no-any-return]


# -- training --------------------------------------------------------------------------------


def two_moons(rounds: int) -> dict[str, float]:
    inputs, targets = sg.datasets.moons(100, noise=0.1, seed=0)
    x, y = np.array(inputs), 2.0 * np.array(targets) - 1.0
    model = sg.nn.MLP(2, [16, 16, 1], seed=0)
    given = x, y, matrices(model), RATE
    makers: Makers = {
        "NumPy by hand": partial(peers.numpy_two_moons, *given),
        "JAX jit": partial(peers.jax_two_moons, *given),
        "Numba by hand": partial(peers.numba_two_moons, *given),
        "CasADi, gcc": partial(peers.casadi_two_moons, *given),
        "scalargrad": lambda: our_step(
            model, lambda x, y: sg.hinge(model(x), y), itertools.repeat((x, y))
        ),
        "scalargrad, fit": lambda: our_fit(
            sg.nn.MLP(2, [16, 16, 1], seed=0), "hinge", x, y, itertools.repeat(range(100))
        ),
    }
    return contest(makers, rounds)


def mnist(rounds: int) -> dict[str, float]:
    random = np.random.default_rng(0)
    x, t = random.random((60_000, 784)), random.integers(0, 10, 60_000)
    masks = [random.choice(60_000, 100) for _ in range(1000)]
    model = sg.nn.TwoLayerNet(784, 50, 10, seed=0)
    weights = matrices(model)
    first_step_by_values(x[masks[0]], t[masks[0]], peers.numpy_mnist(x, t, masks, weights, RATE))
    makers: Makers = {
        "NumPy, the book's": partial(peers.numpy_mnist, x, t, masks, weights, RATE),
        "scalargrad": lambda: our_step(
            model,
            lambda x, t: sg.cross_entropy(model(x), t),
            ((x[mask], t[mask]) for mask in itertools.cycle(masks)),
        ),
        "scalargrad, fit": lambda: our_fit(
            sg.nn.TwoLayerNet(784, 50, 10, seed=0), "cross_entropy", x, t, itertools.cycle(masks)
        ),
    }
    return contest(makers, rounds, close=1e-6)  # the book adds 1e-7 within its logarithm


def first_step_by_values(x: Any, t: Any, step: Action) -> None:
    """Check the first step of the book's layers by Values, which no other peer does here."""
    model = sg.nn.TwoLayerNet(784, 50, 10, seed=0)
    loss = model.loss(x.tolist(), t.tolist())
    loss.backward()
    sg.optim.SGD(model.parameters(), lr=RATE).step()
    value, weights = step()
    assert abs(value - loss.data) <= 1e-5
    assert np.max(np.abs(flat(weights) - flat(model))) <= 1e-12


# -- functions -------------------------------------------------------------------------------


def chained(x: Any) -> Any:
    total = 0.0
    for a, b in pairwise(x):
        total = total + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return total


def rosenbrock(rounds: int) -> dict[str, float]:
    point = [0.5 + 0.001 * (i % 7) for i in range(1000)]
    x = np.array(point)
    makers: Makers = {
        "NumPy by hand": partial(peers.numpy_rosenbrock, x),
        "CasADi, called": partial(peers.casadi_rosenbrock_called, x),
        "CasADi, buffer": partial(peers.casadi_rosenbrock_buffer, x),
        "scalargrad, list": lambda: ours(chained, point),
        "scalargrad, array": lambda: ours(chained, x[None, :]),
    }
    return contest(makers, rounds)


def scenarios() -> tuple[Any, ...]:
    """Return spot, strike, rate, volatility and years, each an array."""
    random = np.random.default_rng(0)
    limits = (80.0, 120.0), (80.0, 120.0), (0.0, 0.05), (0.1, 0.5), (0.1, 2.0)
    return tuple(random.uniform(low, high, LANES) for low, high in limits)


price = partial(peers.black_scholes, sg)


def black_scholes(rounds: int) -> dict[str, float]:
    inputs = scenarios()
    makers: Makers = {
        "NumPy by hand": partial(peers.numpy_black_scholes, inputs),
        "PyTorch": partial(peers.torch_black_scholes, inputs),
        "JAX jit, vmap": partial(peers.jax_black_scholes, inputs),
        "Numba by hand": partial(peers.numba_black_scholes, inputs),
        "CasADi, gcc": partial(peers.casadi_black_scholes, inputs),
        "scalargrad, strict": lambda: ours(price, *inputs, mode="strict"),
        "scalargrad, fast": lambda: ours(price, *inputs, mode="fast"),
    }
    return contest(makers, rounds, close=1e-10)


def threads(rounds: int) -> dict[str, float]:
    inputs = scenarios()
    makers: Makers = {
        f"scalargrad, {mode}, {count}": partial(ours, price, *inputs, mode=mode, threads=count)
        for mode in ("strict", "fast")
        for count in (1, 2)
    }
    return contest(makers, rounds, close=1e-10)


# -- scalargrad by itself --------------------------------------------------------------------


def recurrence(x: Any, y: Any) -> Any:
    """Turn a point again and again: x² + y² being 1, no number vanishes or grows."""
    u, v = x, y
    for _ in range(INSTRUCTIONS // 6):
        u, v = u * x - v * y, u * y + v * x
    return u


def lanes_by_values(x: Any, y: Any, results: tuple[Any, Any]) -> None:
    """Check some lanes of the recurrence by Values, where there is no peer."""
    for lane in range(0, len(x), len(x) // 5):
        both = sg.value_and_grad(recurrence, argnums=(0, 1))
        wanted = flat(both(float(x[lane]), float(y[lane])))
        found = flat((results[0][lane], [partials[lane] for partials in results[1]]))
        assert np.all(np.abs(found - wanted) <= 1e-9 * np.abs(wanted).max()), lane


def arithmetic(rounds: int) -> dict[str, float]:
    """Return seconds an instruction and lane, forward and back."""
    random = np.random.default_rng(0)
    angles = random.uniform(0.0, 6.28, LANES)
    x, y = np.cos(angles), np.sin(angles)

    def make(mode: str) -> Action:
        action = ours(recurrence, x, y, mode=mode)
        lanes_by_values(x, y, action())
        return action

    makers: Makers = {f"scalargrad, {mode}": partial(make, mode) for mode in ("strict", "fast")}
    best = contest(makers, rounds)
    return {name: seconds / (INSTRUCTIONS * LANES) for name, seconds in best.items()}


def looped(count: int) -> Callable[[list[Any]], Any]:
    """Return a function of so many nodes, a new one each time."""

    def function(given: list[Any]) -> Any:
        x, y, z = given
        for _ in range(count // 2):
            x = x * y + z
        return x

    return function


def on_values(function: Callable[[list[Any]], Any], point: list[float]) -> None:
    """Run a function as it is, with the graph that this makes and drops."""
    function(list(map(sg.Value, point)))


def record(rounds: int) -> dict[str, float]:
    """Return seconds a node: of a run on Values, of first calls, and of them without the run."""
    point = [0.5, 0.5, 0.25]

    def runs(count: int) -> dict[str, Callable[[], Any]]:
        """Return what is timed once: functions that nobody has called yet."""
        ways: dict[str, Callable[[], Any]] = {"Values": partial(on_values, looped(count), point)}
        if hasattr(sg, "compile"):
            ways["f(x)"] = partial(compiled(looped(count)), point)
            ways["f.value_and_grad(x)"] = partial(compiled(looped(count)).value_and_grad, point)
        return ways

    if not hasattr(sg, "compile"):
        print("scalargrad: skipped: this scalargrad has no sg.compile")
    best = {}
    for count in NODES:
        turns = [{k: timed(run, 1)[0] for k, run in runs(count).items()} for _ in range(rounds)]
        least = {name: min(turn[name] for turn in turns) / count for name in turns[0]}
        for name, seconds in least.items():
            best[f"{count:9,} {name}"] = seconds
            if name != "Values":
                best[f"{count:9,} {name} - Values"] = seconds - least["Values"]
    return best


# -- the tables ------------------------------------------------------------------------------

#: what a case is printed as, and in which unit
CASES: dict[Callable[[int], dict[str, float]], tuple[str, str]] = {
    two_moons: ("step of 2-16-16-1, batch 100", "ms"),
    mnist: ("step of 784-50-10, batch 100", "ms"),
    rosenbrock: ("value and gradient, n = 1000", "ms"),
    black_scholes: (f"price and 5 Greeks, {LANES}", "ms"),
    arithmetic: (f"{INSTRUCTIONS} of + - *, each a lane", "ns"),
    record: ("first call, each node", "ns"),
    threads: (f"price and 5 Greeks, {LANES}", "ms"),
}


def table(title: str, unit: str, best: dict[str, float]) -> None:
    """Print everybody next to scalargrad, or next to the first one where it is not there."""
    if not best:
        return
    base = next((name for name in best if name.startswith("scalargrad")), next(iter(best)))
    print(f"{title:40}{unit:>10}   / {base}")
    for name, seconds in best.items():
        ratio = seconds / best[base]
        print(f"{name:40}{seconds * {'ms': 1e3, 'ns': 1e9}[unit]:10.4f}{ratio:12.2f}x")


def versions() -> str:
    found = []
    for name in ("numpy", "scipy", "torch", "jax", "numba", "casadi"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def main(arguments: list[str]) -> int:
    rounds = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else 10
    cases = {case.__name__: case for case in CASES}
    unknown = set(arguments) - set(cases)
    if unknown:
        names = ", ".join(sorted(unknown))
        print(f"replay: no case {names}; pass some of {' '.join(cases)}", file=sys.stderr)
        return 2
    if len(arguments) != 1:
        print(
            f"engine {sg.engine}, Python {platform.python_version()}, {rounds} rounds, {versions()}"
        )
        for name in arguments or cases:  # each begins with fresh memory
            subprocess.run([sys.executable, __file__, str(rounds), name], check=True)
        return 0
    (name,) = arguments
    print(f"\n== {name}")
    table(*CASES[cases[name]], cases[name](rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
