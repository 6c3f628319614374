"""Pickles and files with random damage: each is refused, or what it holds is as it was."""

from __future__ import annotations

import contextlib
import functools
import math
import pickle
import random
import tempfile
from pathlib import Path
from typing import Any

from damaged_pickles import ALLOWED, SUBJECTS, outcome, pickled_subject

import scalargrad as sg


def damaged(source: random.Random, content: bytes) -> bytes:
    """Change bits and bytes, cut, double or move a stretch."""
    changed = bytearray(content)
    for _ in range(source.choice((1, 1, 2, 5))):
        if not changed:
            break
        at = source.randrange(len(changed))
        end = min(len(changed), at + source.choice((1, 2, 4, 8, 30)))
        kind = source.randrange(7)
        if kind == 0:
            changed[at] ^= 1 << source.randrange(8)
        elif kind == 1:
            changed[at] = source.choice((0, 1, 127, 128, 255, ord("."), ord("-"), ord("9")))
        elif kind == 2:
            del changed[at:]
        elif kind == 3:
            del changed[at:end]
        elif kind == 4:
            changed[at:at] = changed[at:end]
        elif kind == 5:
            other = source.randrange(len(changed))
            changed[at:end] = changed[other : other + end - at]
        else:
            changed[at:end] = source.randbytes(end - at)
    return bytes(changed)


@functools.cache
def _subject(name: str) -> tuple[bytes, str]:
    pickled = pickled_subject(name)
    return pickled, repr(SUBJECTS[name].use(pickle.loads(pickled)))


def try_pickle(seed: str) -> str:
    """Read a damaged pickle.

    Raises: `AssertionError` where a wrong number comes of it.
    """
    source = random.Random(seed)
    name = source.choice(sorted(SUBJECTS))
    pickled, right = _subject(name)
    what = outcome(SUBJECTS[name], damaged(source, pickled), pickled, right)
    assert what in ALLOWED, f"{name}: {what}"
    return f"{name}: {what}"


@functools.cache
def _model_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        sg.nn.MLP(2, [2, 1], seed=1).save(path)
        return path.read_bytes()


def try_file(seed: str) -> str:
    """Load a damaged file of a model, and one of pixels.

    Raises: what no caller should see; `AssertionError` where a refused file changes a model.
    """
    source = random.Random(seed)
    if source.random() < 0.3:
        return _try_mnist(source)
    model = sg.nn.MLP(2, [2, 1], seed=2)
    before = [p.data for p in model.parameters()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_bytes(damaged(source, _model_file()))
        try:
            model.load(path)
        except sg.ScalargradError:
            assert [p.data for p in model.parameters()] == before, "refused, and changed"
            return "model: refused"
    numbers = [p.data for p in model.parameters()]
    assert all(type(x) is float and not math.isnan(x) for x in numbers), numbers
    return "model: loaded"


def _try_mnist(source: random.Random) -> str:
    import gzip

    pixels = b"\0\0\x08\x03" + b"\0\0\0\2" + b"\0\0\0\x1c" * 2 + bytes(range(196)) * 8
    labels = b"\0\0\x08\x01" + b"\0\0\0\2" + b"\3\7"
    with tempfile.TemporaryDirectory() as folder:
        for part in ("train", "t10k"):
            for name, content in (("images-idx3", pixels), ("labels-idx1", labels)):
                inner = damaged(source, content) if source.random() < 0.4 else content
                outer = gzip.compress(inner)
                outer = damaged(source, outer) if source.random() < 0.3 else outer
                (Path(folder) / f"{part}-{name}-ubyte.gz").write_bytes(outer)
        with contextlib.suppress(sg.ScalargradError):
            arrays: Any = sg.datasets.mnist(folder)
            repr(arrays)
    return "mnist"
