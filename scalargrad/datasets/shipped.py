"""Real data that ships with the package."""

from __future__ import annotations

from .drawn import Dataset


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

    content = resources.files(__package__).joinpath("files", name).read_bytes()
    text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
    rows = [line.split(",") for line in text.splitlines()[1:]]
    return [[float(x) / scale for x in row[:-1]] for row in rows], [int(row[-1]) for row in rows]
