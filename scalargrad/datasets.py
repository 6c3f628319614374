"""Data to learn from: drawn by a seed, shipped with the package, or MNIST from a folder."""

from __future__ import annotations

import math
import os
import random
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from . import errors
from .core.arguments import number, whole
from .core.whole_files import path_text
from .seeding import Seed, generator

Dataset: TypeAlias = tuple[list[list[float]], list[int]]

# -- drawn ----------------------------------------------------------------------------------


def moons(n: int = 100, noise: float = 0.1, seed: Seed = 0) -> Dataset:
    """Draw two interleaving half circles, of classes 0 and 1.

    >>> inputs, targets = moons(100)
    >>> len(inputs), len(inputs[0]), sorted(set(targets)), sum(targets)
    (100, 2, [0, 1], 50)
    """

    def place(part: float, target: int) -> list[float]:
        x, y = math.cos(math.pi * part), math.sin(math.pi * part)
        return [1.0 - x, 0.5 - y] if target else [x, y]

    return _drawn("moons", n, 2, noise, seed, place, ends=1)


def circles(n: int = 100, noise: float = 0.05, seed: Seed = 0, factor: float = 0.5) -> Dataset:
    """Draw a circle of class 0 and one of class 1 inside it, `factor` times as large.

    >>> inputs, targets = circles(10, noise=0.0)
    >>> sorted({round(math.hypot(*x), 6) for x in inputs})
    [0.5, 1.0]
    """
    factor = number("circles", "factor", factor, "0.5")

    def place(part: float, target: int) -> list[float]:
        radius = factor if target else 1.0
        return [radius * math.cos(math.tau * part), radius * math.sin(math.tau * part)]

    return _drawn("circles", n, 2, noise, seed, place)


def spirals(
    n: int = 100, noise: float = 0.02, seed: Seed = 0, classes: int = 2, turns: float = 1.0
) -> Dataset:
    """Draw one spiral arm a class, from the middle outwards.

    >>> inputs, targets = spirals(90, classes=3)
    >>> [targets.count(target) for target in range(3)]
    [30, 30, 30]
    """
    classes = whole("spirals", "classes", classes)
    turns = number("spirals", "turns", turns)

    def place(part: float, target: int) -> list[float]:
        angle = math.tau * (turns * part + target / classes)
        radius = 0.1 + 0.9 * part
        return [radius * math.cos(angle), radius * math.sin(angle)]

    return _drawn("spirals", n, classes, noise, seed, place, ends=1)


def xor(n: int = 4, noise: float = 0.0, seed: Seed = 0) -> Dataset:
    """Give the corners of the unit square in turn, of class 1 where just one coordinate is 1.

    >>> xor()
    ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    draw, deviation = generator("xor", seed), _deviation("xor", noise)
    corners = [(place >> 1 & 1, place & 1) for place in range(whole("xor", "n", n))]
    inputs = [[_noisy(float(x), deviation, draw) for x in corner] for corner in corners]
    return inputs, [x ^ y for x, y in corners]


def _drawn(
    who: str,
    n: int,
    classes: int,
    noise: float,
    seed: Seed,
    place: Callable[[float, int], list[float]],
    ends: int = 0,
) -> Dataset:
    """Spread n points evenly over the classes' curves, then add noise and shuffle.

    An open curve (`ends` = 1) has a point at either end, a closed one meets itself.
    """
    draw, deviation = generator(who, seed), _deviation(who, noise)
    points = []
    for target in range(classes):
        many = (whole(who, "n", n) + classes - 1 - target) // classes
        for step in range(many):
            x = place(step / max(many - ends, 1), target)
            points.append(([_noisy(each, deviation, draw) for each in x], target))
    draw.shuffle(points)
    return [x for x, _ in points], [target for _, target in points]


def _noisy(x: float, deviation: float, draw: random.Random) -> float:
    return x + draw.gauss(0.0, deviation) if deviation else x


def _deviation(who: str, noise: Any) -> float:
    deviation = number(who, "noise", noise, "0.1")
    if not 0.0 <= deviation < math.inf:
        raise errors.InputError(
            errors.unwanted(who, "noise must be at least 0 and finite", noise, "pass e.g. 0.1")
        )
    return deviation


# -- shipped --------------------------------------------------------------------------------


def iris() -> Dataset:
    """Give Fisher's 150 irises: sepal and petal length and width in cm, one of three species.

    Source: Fisher, The use of multiple measurements in taxonomic problems; UCI, CC BY 4.0

    >>> inputs, targets = iris()
    >>> inputs[0], targets[0], len(inputs)
    ([5.1, 3.5, 1.4, 0.2], 0, 150)
    """
    return _table("iris.csv", 1.0)


def digits() -> Dataset:
    """Give 1,797 handwritten digits of 8 × 8 pixels, row by row, from 0.0 (paper) to 1.0 (ink).

    Source: Alpaydin, Kaynak, Optical Recognition of Handwritten Digits; UCI, CC BY 4.0

    >>> inputs, targets = digits()
    >>> len(inputs), len(inputs[0]), targets[:5], max(inputs[0])
    (1797, 64, [0, 1, 2, 3, 4], 0.9375)
    """
    return _table("digits.csv.gz", 16.0)


def _table(name: str, scale: float) -> Dataset:
    import gzip  # here and below: who wants no data need not wait for these modules
    from importlib import resources

    content = resources.files(f"{__package__}.data").joinpath(name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return [[float(x) / scale for x in row[:-1]] for row in rows], [int(row[-1]) for row in rows]


# -- parts ----------------------------------------------------------------------------------

Part: TypeAlias = tuple[list[Any], list[Any]]


def split(
    inputs: Sequence[Any], targets: Sequence[Any], test: float = 0.2, seed: Seed = 0
) -> tuple[Part, Part]:
    """Shuffle samples and divide them: (inputs, targets) to learn from, (inputs, targets) to test.

    Raises: `ValueError` where lengths differ, `test` is not between 0 and 1 or a part is empty.

    >>> split([1, 2, 3, 4, 5], ["a", "b", "c", "d", "e"])
    (([2, 1, 5, 4], ['b', 'a', 'e', 'd']), ([3], ['c']))
    """
    if len(inputs) != len(targets):
        raise errors.InputError(
            f"split: needs one target a sample; got {len(inputs)} samples and {len(targets)}"
            " targets; check their shapes"
        )
    tested = round(len(inputs) * part) if 0.0 < (part := number("split", "test", test)) < 1.0 else 0
    if not 0 < tested < len(inputs):
        raise errors.InputError(
            errors.unwanted(
                "split",
                f"test must leave both parts of the {len(inputs)} samples something",
                test,
                "pass e.g. 0.2",
            )
        )
    places = list(range(len(inputs)))
    generator("split", seed).shuffle(places)
    learnt, held = places[tested:], places[:tested]
    return (
        ([inputs[place] for place in learnt], [targets[place] for place in learnt]),
        ([inputs[place] for place in held], [targets[place] for place in held]),
    )


# -- MNIST ----------------------------------------------------------------------------------

# name: magic number, samples, bytes a sample, md5 of the uncompressed file
_MNIST = {
    "train-images-idx3-ubyte": (2051, 60_000, 784, "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (2049, 60_000, 1, "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (2051, 10_000, 784, "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (2049, 10_000, 1, "27ae3e4e09519cfbb04c329615203637"),
}


def mnist(folder: str | os.PathLike[str] | None = None) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Read MNIST from its four original files, gzip-compressed or not.

    The folder is the argument or else `SCALARGRAD_MNIST`. Every file is checked: kind, count,
    length and md5.

    Shapes: ((60000 × 784, 60000), (10000 × 784, 10000)): float64 from 0.0 to 1.0, integer labels
    Raises: `ImportError` without NumPy; `FileNotFoundError`, `ValueError` naming a file that is
    missing, cut off or another one; `TypeError` for a folder that is no path.
    """
    try:
        import numpy
    except ImportError:
        raise errors.missing_extra("mnist", "numpy", "mnist") from None
    where = folder if folder is not None else os.environ.get("SCALARGRAD_MNIST", "")
    if where == "":
        raise errors.InputError(
            "mnist: needs the folder with the four files; got none; pass it or set SCALARGRAD_MNIST"
        )
    place = Path(path_text("mnist", "folder", where, "mnist"))

    def images(name: str) -> Any:
        pixels = numpy.frombuffer(_body(place, name), dtype=numpy.uint8)
        return pixels.reshape(-1, 784).astype(numpy.float64) / 255.0

    def labels(name: str) -> Any:
        return numpy.frombuffer(_body(place, name), dtype=numpy.uint8).astype(numpy.int64)

    train_images, train_labels, test_images, test_labels = _MNIST
    return (images(train_images), labels(train_labels)), (images(test_images), labels(test_labels))


def _body(folder: Path, name: str) -> bytes:
    """Return the bytes behind the header of one file, all of it checked."""
    import hashlib

    path, content = _content(folder, name)
    magic, count, width, md5 = _MNIST[name]
    shape = (count,) if width == 1 else (count, 28, 28)
    header = struct.pack(f">{1 + len(shape)}i", magic, *shape)
    if content[:4] != header[:4]:
        problem = f"must start with the magic number {magic}", content[:4], "get the file again"
    elif content[: len(header)] != header:
        problem = f"must hold {count} samples", content[: len(header)], "get the whole file"
    elif len(content) != len(header) + count * width:
        problem = f"must have {len(header) + count * width} bytes", len(content), "get it again"  # type: ignore[assignment]
    elif (got := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
        problem = f"must have the md5 {md5}", got, "get the original file"  # type: ignore[assignment]
    else:
        return content[len(header) :]
    wanted, came, remedy = problem
    raise errors.InputError(errors.unwanted("mnist", f"{path} {wanted}", came, remedy))


def _content(folder: Path, name: str) -> tuple[Path, bytes]:
    import gzip
    import zlib

    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        return plain, plain.read_bytes()
    if not packed.is_file():
        raise errors.MissingFileError(
            f"mnist: wants the file {name}.gz, or {name}, in {folder}; got no such file;"
            " pass the folder that holds all four"
        )
    try:
        return packed, gzip.decompress(packed.read_bytes())
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise errors.InputError(
            f"mnist: {packed} must be a whole gzip file; got one that cannot be unpacked ({error});"
            " get it again"
        ) from None
