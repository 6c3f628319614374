"""Every entry point interrupted at every position: afterwards all works, and nothing is half done.

    python3 tests/helpers/interrupted.py [share of the positions] [entry ...]

prints the positions tried, and those behind which something does not work.
"""

from __future__ import annotations

import copy
import math
import os
import pickle
import random
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import positions

import scalargrad as sg
from scalargrad import _engine, nn, optim
from scalargrad.core import around, modes

#: an action, and what must hold behind it whether it was interrupted or not
Entry = tuple[Callable[[], Any], Callable[[], None]]


def nothing() -> None:
    """Check nothing but what is always checked."""


# -- what always works afterwards --------------------------------------------------------------


def works(patience: float = 20.0) -> None:
    """Fail where something does not work any more; also in another thread."""
    _works()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            _works()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(patience)
    assert not thread.is_alive(), "another thread waits for ever"
    assert not failed, failed
    assert not modes.active, modes.active
    assert not around._everywhere


def _works() -> None:
    w = sg.Value(2.0)
    f = sg.compile(lambda x: w * x if x > 1.0 else x)
    assert (f(3.0), f(0.5)) == (6.0, 0.5)
    x = sg.Value(3.0)
    y = x * x
    assert (y.parents, y.scope) == ((x, x), None)
    y.backward()
    assert (x.grad, y.grad) == (6.0, 1.0)
    sg.log(sg.Value(0.0))  # which detect_anomaly would refuse
    assert f.backward(3.0) == 6.0
    assert w.grad == 3.0
    assert sg.grad(lambda x: x * x)(3.0) == 6.0
    assert copy.deepcopy(w).data == 2.0


# -- entries -----------------------------------------------------------------------------------


def graph() -> tuple[Any, Any]:
    x, y = sg.values(x=2.0, y=3.0)
    with sg.scope("Layer"):
        h = (x * y).tanh()
    return x, sg.max([h, x]) * y


def backward() -> Entry:
    x, root = graph()
    x.grad = 10.0
    root.backward()
    whole = x.grad

    def check() -> None:
        assert x.grad in (whole, 2 * whole - 10.0)

    return root.backward, check


def of_function(transform: Any) -> Callable[[], Entry]:
    return lambda: (lambda: transform(lambda x: x * x * sg.sin(x))(2.0), nothing)


def compiled_function() -> tuple[Any, Any]:
    w = sg.Value(2.0)
    return w, sg.compile(lambda x: w * x if x > 0.5 else w + x if x > 0.25 else x, threads=2)


def compiled(call: Callable[[Any], Any]) -> Callable[[], Entry]:
    def make() -> Entry:
        w, f = compiled_function()

        def check() -> None:
            assert [f(x) for x in (1.0, 0.3, 0.1)] == [2.0, 2.3, 0.1]
            assert w.grad in (0.0, 1.0, 2.7 / 4)  # no part of what several paths give
            w.grad = 0.0
            assert f.backward(1.0) == 2.0
            assert w.grad == 1.0

        return lambda: call(f), check

    return make


def lanes() -> Any:
    import numpy as np

    return np.array([1.0, 0.3, 0.1, 0.7])


LEARNT: dict[Any, list[Any]] = {}


def state(model: Any, optimizer: Any) -> list[Any]:
    return [model.state_dict(), optimizer.state_dict()]


def fit(compile: bool, **options: Any) -> Callable[[], Entry]:
    """Learn; afterwards the model and its optimiser are as behind one of the steps."""
    inputs, targets = [[0.0, 1.0], [1.0, 0.5], [0.5, 0.25]], [1.0, 0.0, 0.5]

    def made() -> tuple[Any, Any, Callable[[int], Any]]:
        model = nn.MLP(2, [2, 1], seed=1)
        optimizer = optim.Adam(model.parameters(), lr=0.1)

        def learn(epochs: int) -> Any:
            return sg.fit(
                model, inputs, targets, loss="mse", optimizer=optimizer, epochs=epochs,
                batch_size=None, compile=compile, validation=(inputs, targets),
                **{"progress": False, **options},
            )  # fmt: skip

        return model, optimizer, learn

    def make() -> Entry:
        key = compile
        if key not in LEARNT:
            LEARNT[key] = []
            for epochs in range(4):
                model, optimizer, learn = made()
                if epochs:
                    learn(epochs)
                LEARNT[key].append(state(model, optimizer))
        model, optimizer, learn = made()

        def check() -> None:
            assert state(model, optimizer) in LEARNT[key], "a part of a step was taken"
            learn(1)
            assert state(model, optimizer) in LEARNT[key], "the next step went wrong"

        return lambda: learn(2), check

    return make


def step() -> Entry:
    ws = [sg.Value(1.0), sg.Value(2.0)]
    optimizer = optim.Adam(ws, lr=0.1)
    for w in ws:
        w.grad = 1.0

    def check() -> None:
        moved = [w.data for w in ws] != [1.0, 2.0]
        kept = [column != [0.0, 0.0] for column in list(optimizer.state_dict().values())[1:]]
        assert [*kept, optimizer.steps == 1] == [moved] * (len(kept) + 1)

    return optimizer.step, check


def blocks() -> Entry:
    @sg.no_grad()
    @sg.scope("outer")
    def inside() -> Any:
        return sg.Value(2.0) * 3.0

    @sg.detect_anomaly()
    def checked() -> Any:
        return inside(), sg.Value(2.0) * 3.0

    return checked, nothing


def drawn(draw: Callable[[Any], Any]) -> Callable[[], Entry]:
    def make() -> Entry:
        _, root = graph()
        root.backward()
        return lambda: draw(root), nothing

    return make


def saved(save: Callable[[str], Any], name: str) -> Callable[[], Entry]:
    """Write a file over another one; afterwards it is the old or the new one, and there alone."""

    def make() -> Entry:
        folder = tempfile.mkdtemp()
        path = Path(folder) / name
        save(str(path))
        new = path.read_bytes()
        path.write_bytes(b"old")

        def check() -> None:
            assert path.read_bytes() in (b"old", new)
            assert os.listdir(folder) == [name]
            path.unlink()
            os.rmdir(folder)

        return lambda: save(str(path)), check

    return make


def book_gradients(name: str) -> Callable[[], Entry]:
    def make() -> Entry:
        net = nn.TwoLayerNet(2, 2, 2, seed=0)
        parameters = net.parameters()
        for p in parameters:
            p.grad = 7.0
        numbers = [p.data for p in parameters]

        def check() -> None:
            assert [p.data for p in parameters] == numbers
            assert [p.grad for p in parameters] == [7.0] * len(numbers)

        return lambda: getattr(net, name)([1.0, 2.0], 1), check

    return make


def copied() -> Entry:
    _, root = graph()
    return lambda: copy.deepcopy(root), nothing


def pickled() -> Entry:
    _, root = graph()
    return lambda: pickle.loads(pickle.dumps([root, root])), nothing


ENTRIES: dict[str, Callable[[], Entry]] = {
    "backward": backward,
    "grad": of_function(sg.grad),
    "hessian": of_function(sg.hessian),
    "newton": lambda: (lambda: sg.newton(lambda x: x * x - 2.0, 1.0), nothing),
    "check_gradients": lambda: (lambda: sg.check_gradients(lambda x: x * x, 2.0), nothing),
    "compile": compiled(lambda f: [f(1.0), f(0.3)]),
    "compile, gradients": compiled(lambda f: [f.value_and_grad(1.0), f.backward(1.0)]),
    "compile, Values": compiled(lambda f: f(sg.Value(1.0))),
    "plan": compiled(lambda f: [f(1.0), f.tape.plan() if _engine.machine() else str(f.tape)]),
    "fit on graphs": fit(False),
    "no_grad, scope, detect_anomaly": blocks,
    "optimizer.step": step,
    "draw": drawn(lambda root: sg.draw(root).svg),
    "draw, symbols and opened": drawn(lambda root: sg.draw(root, symbols=True, open=True).svg),
    "walkthrough": drawn(lambda root: sg.walkthrough(root)._repr_html_()),
    "save a picture": saved(lambda path: sg.draw(sg.Value(2.0) * 3.0).save(path), "g.svg"),
    "save a model": saved(lambda path: nn.MLP(1, [1], seed=0).save(path), "m.json"),
    "numerical_gradient": book_gradients("numerical_gradient"),
    "gradient": book_gradients("gradient"),
    "deepcopy": copied,
    "pickle": pickled,
    "expression": lambda: (lambda: sg.expression("x * tanh(y) + 1")(2.0, 3.0), nothing),
}
if sg.engine == "native" and _engine.machine() is not None:
    ENTRIES["fit on tapes"] = fit(True)
    ENTRIES["fit with a bar"] = fit(True, progress=True)
    ENTRIES["compile, batch"] = compiled(lambda f: [f(lanes()), f.backward(lanes())])


# -- the sweep ---------------------------------------------------------------------------------


def sweep(
    name: str, share: float = 1.0, most: int = 1_000_000, seed: int = 0
) -> Iterator[tuple[str, str]]:
    """Interrupt an entry at a share of its positions; yield where, and what does not work."""
    make = ENTRIES[name]
    make()[0]()  # what is kept from then on is not made again
    total = positions.count(make()[0])
    some = min(math.ceil(share * total), most)
    for position in sorted(random.Random(f"{seed} {name}").sample(range(1, total + 1), some)):
        action, check = make()
        where = positions.interrupt(action, position)
        try:
            works()
            check()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            modes.active.clear()
            around._everywhere.clear()  # or the next ones would not work either
            yield where, f"{type(error).__name__}: {str(error)[:150]}"
        else:
            yield where, ""


def main(share: str = "1", *names: str) -> None:
    """Print what does not work."""
    total = failures = 0
    for name in names or ENTRIES:
        tried = 0
        for where, failure in sweep(name, float(share)):
            tried += 1
            if failure:
                failures += 1
                print(f"  {where}: {failure}", flush=True)
        total += tried
        print(f"{name}: {tried} positions", flush=True)
    print(f"{total} positions, {failures} failures")


if __name__ == "__main__":
    main(*sys.argv[1:])
