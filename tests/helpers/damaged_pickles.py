"""Pickles with one bit turned over: each is refused, or what it holds is as it was.

    python tests/helpers/damaged_pickles.py             every bit of every subject
    python tests/helpers/damaged_pickles.py graph 200   200 of one, drawn by the date

What is read from such a pickle is used too, in a process of its own, as it might end that.
"""

from __future__ import annotations

import collections
import datetime
import io
import os
import pickle
import pickletools
import random
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import scalargrad as sg

#: What may come of a damaged pickle: pickle or we refused it, it holds what it held, it is another
#: thing and cannot be used so; or pickle stopped before the end, or refers to another leaf of those
#: that it holds, which nobody could tell from the right one. And what may not.
ALLOWED = ("refused", "the same", "of no use", "cut short", "another leaf")
WRONG = "wrong"

#: so many seconds for one pickle, and so many bytes more than at the beginning
_SECONDS, _BYTES = 20, 2**30


class Subject(NamedTuple):
    """Something to pickle, and how it is used: what that gives must not change."""

    make: Callable[[], Any]
    use: Callable[[Any], Any]


# -- subjects -------------------------------------------------------------------------------------


@sg.custom(lambda x, y: y, lambda x, y: x)
def product(x: float, y: float) -> float:
    """Multiply, as an operation of one's own."""
    return x * y


def _graph() -> list[Any]:
    x, y = sg.Value(2.0, label="x"), sg.Value(-0.5)
    h = sg.tanh(x * y + 3.0)
    h.backward()
    return [x, y, h, sg.dot([x, h, 1.5], [y, 2.0, x]), sg.record(7.0, [h], [0.25], "own")]


def _use_graph(nodes: list[Any]) -> Any:
    nodes[3].backward()
    return [(node.data, node.grad, node.label, len(node.parents)) for node in nodes]


def _branches(x: Any, y: Any) -> Any:
    return [x * y, 2.5] if x > y else [sg.exp(x) - y, sg.softmax([x, y, 0.5])[1]]


def _compiled() -> Any:
    f = sg.compile(_branches)
    f(2.0, 1.0), f(1.0, 2.0)
    return f


def _use_compiled(f: Any) -> Any:
    return [f(*point) for point in ((2.0, 1.0), (1.0, 2.0), (-3.0, 5.0))]


def _captured() -> Any:
    ws = [sg.Value(0.5 + i, label=f"w{i}") for i in range(4)]
    f = sg.compile(lambda xs, n: sg.tanh(sg.dot(xs, ws)) * xs[n] + product(xs[0], ws[1]))
    f([1.0, 2.0, 3.0, 4.0], 2)
    return f


def _use_captured(f: Any) -> Any:
    total = f.backward([0.5, -1.0, 2.0, 0.25], 2)
    return total, [w.grad for w in f.tape.captured], f.value_and_grad([1.0, 2.0, 3.0, 4.0], 2)


def _products() -> Any:
    net = sg.nn.MLP(3, [4, 4, 1], seed=1)
    f = sg.compile(lambda row: net(row))
    f(_rows()[:1])
    return f


def _rows() -> Any:
    return __import__("numpy").linspace(-1.0, 1.0, 36).reshape(12, 3)


def _use_products(f: Any) -> Any:
    rows = _rows()
    return f(rows).tolist(), f.backward(rows), [w.grad for w in f.tape.captured]


def _network() -> Any:
    return sg.nn.MLP(2, [3, 1], seed=1)


def _use_network(net: Any) -> Any:
    net([1.0, -2.0]).backward()
    return [(name, p.data, p.grad) for name, p in net.named_parameters()]


def _optimizer() -> Any:
    ws = [sg.Value(1.0), sg.Value(-2.0)]
    optimizer = sg.optim.Adam(ws, lr=0.1)
    sg.dot(ws, ws).backward()
    optimizer.step()
    return optimizer


def _use_optimizer(optimizer: Any) -> Any:
    optimizer.step()
    return repr(optimizer), optimizer.state_dict(), [w.data for w in optimizer.parameters]


def _history() -> Any:
    net = sg.nn.MLP(2, [2, 1], seed=1)
    xs, ys = [[0.0, 1.0], [1.0, 0.5], [0.25, 1.0]], [1.0, -1.0, 1.0]
    optimizer = sg.optim.SGD(net.parameters(), lr=0.1)
    history = sg.fit(net, xs, ys, loss=sg.mse, optimizer=optimizer, epochs=2, seed=1)
    history.seconds = 0.5  # as long as it took may be a longer text
    return history


class Weighed(sg.Value):
    """A Value with a number of its own."""

    def __init__(self, data: float, weight: float) -> None:
        super().__init__(data)
        self.weight = weight


def _book() -> Any:
    layer = sg.nn.book.Affine([[0.5, -1.0], [2.0, 0.25]], [0.0, 1.0])
    layer.forward([[1.0, 2.0]])
    return layer


def _use_book(layer: Any) -> Any:
    return layer.backward([[1.0, -2.0]]), layer.dW, layer.db, layer.forward([[3.0, 1.0]])


SUBJECTS = {
    "leaf": Subject(lambda: sg.Value(2.0, label="x"), lambda x: (x.data, x.label, x.grad)),
    "graph": Subject(_graph, _use_graph),
    "compiled": Subject(_compiled, _use_compiled),
    "captured": Subject(_captured, _use_captured),
    "products": Subject(_products, _use_products),
    "tape": Subject(lambda: _compiled().tape, lambda tape: (str(tape), tape.plan())),
    "expression": Subject(lambda: sg.expression("x * y + 2"), lambda g: (g.names, g(2.0, 3.0))),
    "network": Subject(_network, _use_network),
    "optimizer": Subject(_optimizer, _use_optimizer),
    "history": Subject(_history, lambda history: repr(vars(history))),
    "book": Subject(_book, _use_book),
    "checked": Subject(lambda: sg.check_gradients(sg.atan2, 1.0, 2.0), lambda t: str(t)),
    "weighed": Subject(lambda: Weighed(2.0, 0.25), lambda x: (x.data, x.weight, type(x))),
    "function": Subject(lambda: sg.tanh, lambda tanh: tanh(0.5)),
}


class Handmade:
    """Something that is pickled as other fields of a reader, with the checksum that they have."""

    def __init__(self, reader: Any, *fields: Any) -> None:
        self.reader, self.fields = reader, fields

    def __reduce__(self) -> Any:
        return self.reader.pickled(*self.fields)


# -- one pickle ----------------------------------------------------------------------------------


def turned(pickled: bytes, bit: int) -> bytes:
    """Return a pickle with one bit turned over."""
    changed = bytearray(pickled)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _is_cut_short(pickled: bytes) -> bool:
    """Tell whether pickle stopped before the end: what it gives back then, nobody of us made."""
    stream = io.BytesIO(pickled)
    unpickler: Any = pickle._Unpickler(stream)  # type: ignore[attr-defined]
    unpickler.load()
    frame = unpickler._unframer.current_frame
    return bool((frame and frame.read()) or stream.read())


def _refers_elsewhere(pickled: bytes, whole: bytes) -> bool:
    """Tell whether two pickles differ in what one of their references refers to."""
    pairs = zip(pickletools.genops(pickled), pickletools.genops(whole), strict=True)
    others = [op.name for (op, *got), (right, *wanted) in pairs if (op, got) != (right, wanted)]
    return others in (["BINGET"], ["LONG_BINGET"])


def outcome(subject: Subject, pickled: bytes, whole: bytes, right: str) -> str:
    """Say what comes of a pickle that was whole, and of which that was right."""
    try:
        thing = pickle.loads(pickled)
    except Exception:  # of pickle, or of what it calls instead
        return "refused"
    try:
        used = repr(subject.use(thing))
    except Exception:
        return "of no use"
    if used == right:
        return "the same"
    if _is_cut_short(pickled):
        return "cut short"
    return "another leaf" if _refers_elsewhere(pickled, whole) else WRONG


def _report(name: str, pickled: bytes, bits: Iterable[int]) -> None:
    """Print what comes of each bit, one a line; this process may end in the middle of it."""
    subject = SUBJECTS[name]
    right = repr(subject.use(pickle.loads(pickled)))
    _limit()
    for bit in bits:
        signal.alarm(_SECONDS)
        print(bit, outcome(subject, turned(pickled, bit), pickled, right), flush=True)


def _limit() -> None:
    if "SCALARGRAD_SANITIZED" in os.environ:  # which reserves terabytes
        return
    with open("/proc/self/statm", encoding="ascii") as file:
        held = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + _BYTES, held + _BYTES))


# -- many ----------------------------------------------------------------------------------------


def pickled_subject(name: str) -> bytes:
    """Return the pickle of a subject."""
    return pickle.dumps(SUBJECTS[name].make())


def drawn(name: str, pickled: bytes, count: int, seed: object) -> list[int]:
    """Return at most so many bits of a pickle, drawn by a seed."""
    bits = range(8 * len(pickled))
    return sorted(random.Random(f"{seed} {name}").sample(bits, min(count, len(bits))))


def sweep(name: str, pickled: bytes, bits: Sequence[int]) -> dict[int, str]:
    """Turn over bits in the pickle of a subject, one at a time; return what came of each."""
    found: dict[int, str] = {}
    while len(found) < len(bits):
        found.update(_run(name, pickled, bits[len(found) :]))
    return found


def _run(name: str, pickled: bytes, bits: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield what comes of bits, up to one that ends the process."""
    command = [sys.executable, "-X", "faulthandler", __file__, "--report", name, pickled.hex()]
    asan = os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"  # as malloc does
    paths = {"PYTHONPATH": os.pathsep.join(_paths()), "ASAN_OPTIONS": asan}
    with tempfile.TemporaryDirectory() as folder:  # a function that pickle calls may write there
        done = subprocess.run(
            command, input=" ".join(map(str, bits)), capture_output=True, text=True, check=False,
            cwd=folder, env=os.environ | paths,
        )  # fmt: skip
    lines = [line.split(" ", 1) for line in done.stdout.splitlines()]
    pairs = [(int(bit), what) for bit, what in lines if bit.isdigit()]
    yield from pairs
    if len(pairs) < len(bits):
        if not pairs and done.returncode > 0:
            raise RuntimeError(done.stderr)
        yield bits[len(pairs)], f"ended by {done.returncode}: {done.stderr[-2000:]}"


def _paths() -> list[str]:
    here = Path(__file__).resolve()
    return [str(here.parents[2]), str(here.parent)]


def main() -> int:
    """Turn over bits, and print what came of it."""
    if sys.argv[1:2] == ["--report"]:
        _report(sys.argv[2], bytes.fromhex(sys.argv[3]), map(int, sys.stdin.read().split()))
        return 0
    names = sys.argv[1:2] or list(SUBJECTS)
    is_right = True
    for name in names:
        pickled = pickled_subject(name)
        total = 8 * len(pickled)
        count = int(sys.argv[2]) if len(sys.argv) > 2 else total
        found = sweep(name, pickled, drawn(name, pickled, count, datetime.date.today()))
        wrong = {bit: what for bit, what in found.items() if what not in ALLOWED}
        counts = collections.Counter(what.partition(":")[0] for what in found.values())
        print(f"{name}: {len(found)} of {total} bits: {dict(counts)}")
        for bit, what in wrong.items():
            print(f"  bit {bit}: {what}")
        is_right = is_right and not wrong
    return not is_right


if __name__ == "__main__":
    import damaged_pickles  # by the name under which pickles look for it

    sys.exit(damaged_pickles.main())
