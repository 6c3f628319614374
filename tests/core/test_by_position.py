"""What is taken by position is so whatever holds it: a series or a table goes by labels."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from taking import (
    CLASSES,
    INPUTS,
    OF_COLUMNS,
    OF_ROWS,
    OF_SAMPLES,
    SIGNS,
    learnt,
    network,
    plain,
    split_of,
)  # fmt: skip

import scalargrad as sg
from scalargrad.core.arguments import by_position, of_python
from scalargrad.core.nesting import each
from scalargrad.functions.elementary import listed


class Labelled:
    """Numbers or rows whose brackets go by label, whatever the library."""

    def __init__(self, numbers: Any) -> None:
        self._numbers = numbers

    def __getitem__(self, label: int) -> Any:
        return self._numbers[len(self) - 1 - label]

    def __len__(self) -> int:
        return len(self._numbers)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self._numbers, dtype)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._numbers)


class Table(Labelled):
    """Rows whose iterator gives the names of the columns."""

    ndim = 2

    def __iter__(self) -> Iterator[Any]:
        return iter(range(len(self._numbers[0])))


def lines(rows: list[list[float]]) -> list[str]:
    """Return rows as the lines of a file."""
    return [",".join(map(str, row)) for row in rows]


def labels(count: int) -> list[int]:
    """Return labels in another order than that of the positions; some are beyond them."""
    return [(7 * i + 3) % (2 * count) for i in range(count)]


#: what one column may be held by
COLUMNS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "series": lambda xs: pd.Series(xs, index=labels(len(xs))),
    "series from behind": lambda xs: pd.Series(xs, index=range(len(xs))[::-1]),
    "names": lambda xs: pd.Series(xs, index=[f"row {i}" for i in range(len(xs))]),
    "index": pd.Index,
    "labelled": Labelled,
    "generator": lambda xs: (x for x in xs),
    "map": lambda xs: map(float if type(xs[0]) is float else int, xs),
    "values of a dict": lambda xs: dict(enumerate(xs)).values(),
}

#: what rows may be held by
ROWS: dict[str, Callable[[list[list[float]]], Any]] = {
    "lists": list,
    "array": np.array,
    "frame": lambda rows: pd.DataFrame(rows, index=labels(len(rows))),
    "frame from behind": lambda rows: pd.DataFrame(rows, index=range(len(rows))[::-1]),
    "frame with names": lambda rows: pd.DataFrame(rows, columns=[*"abcdefgh"[: len(rows[0])]]),
    "series of rows": lambda rows: [pd.Series(row, index=labels(len(row))) for row in rows],
    "table": Table,
    "generator": lambda rows: (row for row in rows),
    "csv.reader": lambda rows: (list(map(float, row)) for row in csv.reader(lines(rows))),
    "keys of a dict": lambda rows: dict.fromkeys(map(tuple, rows)).keys(),
}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", OF_SAMPLES)
def test_samples_are_taken_by_position(name: str, rows: str, column: str) -> None:
    function = OF_SAMPLES[name]
    lists = plain(function(INPUTS, CLASSES))

    assert plain(function(ROWS[rows](INPUTS), COLUMNS[column](CLASSES))) == lists


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", OF_ROWS)
def test_rows_are_taken_by_position(name: str, rows: str) -> None:
    function = OF_ROWS[name]

    assert plain(function(ROWS[rows](INPUTS))) == plain(function(INPUTS))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", OF_COLUMNS)
def test_columns_are_taken_by_position(name: str, column: str) -> None:
    function = OF_COLUMNS[name]

    assert plain(function(COLUMNS[column](SIGNS))) == plain(function(SIGNS))


class Loader:
    """Gives batches, as loaders do, of a data set that has samples by their index."""

    batch_size = 2

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset) // 2

    def __iter__(self) -> Iterator[Any]:
        pairs = [self.dataset[i] for i in range(len(self.dataset))]
        for i in range(0, len(pairs), 2):
            yield [np.array(part) for part in zip(*pairs[i : i + 2], strict=True)]


class Dataset:
    """Has samples by their index, and no iterator: an input, and a class without dimensions."""

    def __init__(self, inputs: Any, targets: Any) -> None:
        self.samples = [(np.array(x), np.array(t)) for x, t in zip(inputs, targets, strict=True)]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self.samples):
            raise RuntimeError("asked for a sample that is not there")
        return self.samples[index]


#: what may give inputs and targets in pairs
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "zip": zip,
    "list of tuples": lambda xs, ts: list(zip(xs, ts, strict=True)),
    "tuple of tuples": lambda xs, ts: tuple(zip(xs, ts, strict=True)),
    "lists": lambda xs, ts: ([x, t] for x, t in zip(xs, ts, strict=True)),
    "generator": lambda xs, ts: ((np.array(x), t) for x, t in zip(xs, ts, strict=True)),
    "items of a dict": lambda xs, ts: {tuple(x): t for x, t in zip(xs, ts, strict=True)}.items(),
    "iterators": lambda xs, ts: (iter([iter(x), t]) for x, t in zip(xs, ts, strict=True)),
    "rows of a table": lambda xs, ts: ((row[:2], int(row[2])) for row in np.column_stack([xs, ts])),
    "data set": Dataset,
    "loader": lambda xs, ts: Loader(Dataset(xs, ts)),
    "loader of a list": lambda xs, ts: Loader(list(zip(xs, ts, strict=True))),
}

#: what takes pairs
OF_PAIRS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "fit": (lambda ps: learnt(ps, None, compile=True), "fit"),
    "fit on graphs": (lambda ps: learnt(ps, None, compile=False), "fit on graphs"),
    "validation": (
        lambda ps: learnt(INPUTS, CLASSES, compile=True, validation=ps), "validation"
    ),
    "evaluate": (lambda ps: sg.evaluate(network(), ps, loss="cross_entropy"), "evaluate"),
    "split": (lambda ps: split_of(ps, None), "split"),
}  # fmt: skip


@pytest.mark.parametrize("pairs", PAIRS)
@pytest.mark.parametrize("name", OF_PAIRS)
def test_pairs_are_samples_with_their_targets(name: str, pairs: str) -> None:
    take, twin = OF_PAIRS[name]

    assert plain(take(PAIRS[pairs](INPUTS, CLASSES))) == plain(OF_SAMPLES[twin](INPUTS, CLASSES))


def test_decision_boundary_of_pairs_is_that_of_samples() -> None:
    first, second = (
        sg.plots.decision_boundary(network(), *data, resolution=3)._repr_png_()
        for data in [(zip(INPUTS, CLASSES, strict=True),), (INPUTS, CLASSES)]
    )

    assert first == second


def test_column_of_a_table_that_is_called_dataset_is_no_loader() -> None:
    table = pd.DataFrame({"dataset": [1.0, 2.0], "y": [3.0, 6.0]})

    score = sg.evaluate(lambda x: 2.0 * x, table, loss="mse")

    assert score.loss == (1.0**2 + 2.0**2) / 2


def test_a_batch_among_pairs_and_what_is_no_pair_are_refused() -> None:
    batch = [(np.array(INPUTS), np.array(CLASSES))]
    for samples, message in (
        (batch, "got a batch of 6"),
        ([*INPUTS, [1.0, 2.0, 3.0]], r"must be a pair; got \[1.0, 2.0, 3.0\]"),
        ({(0.0, 1.0)}, r"samples must be a list"),
        (dict(zip(map(tuple, INPUTS), CLASSES, strict=True)), r"samples must be a list"),
        (3, "samples must be a list or an array; got 3"),
    ):
        with pytest.raises(TypeError, match=message):
            sg.evaluate(network(), samples, loss="cross_entropy")
    for two in ([((1.0, 2.0), 0), ((3.0, 4.0), 1)], [((1.0, 2.0), 0)] * 3 + [3]):
        with pytest.raises(TypeError, match=r"pass \(inputs, targets\)"):
            learnt(INPUTS, CLASSES, compile=False, validation=two)


@pytest.mark.parametrize("rows", ["frame", "frame from behind", "table"])
def test_batch_of_a_compiled_function_is_taken_by_position(rows: str) -> None:
    f = sg.compile(lambda x: x[0] - 2.0 * x[1])

    assert f(ROWS[rows](INPUTS)).tolist() == [x[0] - 2.0 * x[1] for x in INPUTS]


@pytest.mark.parametrize("column", COLUMNS)
def test_answers_are_taken_by_position(column: str) -> None:
    x, y = sg.values(x=3, y=5)
    product = x * y
    product.backward()
    answers = [5.0, 3.0]

    assert sg.check_answers(product, COLUMNS[column](answers))
    assert not sg.check_answers(product, COLUMNS[column](answers[::-1]))


def test_only_element_of_an_output_is_taken_by_position() -> None:
    model = lambda x: pd.Series([0.5 * x], index=[7])  # noqa: E731

    score = sg.evaluate(model, [1.0, -4.0], [1.0, -1.0], loss="mse")

    assert score.loss == (0.5**2 + 1.0**2) / 2


@pytest.mark.parametrize("rows", ["frame", "table"])
def test_names_of_columns_are_no_numbers(rows: str) -> None:
    table = ROWS[rows](INPUTS)
    x, y = sg.values(x=3, y=5)
    product = x * y
    product.backward()

    for function in (sg.sum, sg.max, sg.softmax, lambda t: sg.dot(t, t)):
        with pytest.raises(TypeError):
            function(table)
    for model in (sg.nn.MLP(2, [1]), sg.nn.Neuron(2), sg.nn.Layer(2, 1)):
        with pytest.raises(ValueError, match="one sample at a time"):
            model(table)
    with pytest.raises(ValueError, match="answers for"):
        sg.check_answers(product, table)


@pytest.mark.parametrize(
    "take",
    [
        lambda d: learnt(d, CLASSES, compile=False),
        lambda d: sg.evaluate(network(), INPUTS, d, loss="cross_entropy"),
        lambda d: sg.datasets.split(d, CLASSES),
        lambda d: sg.plots.decision_boundary(network(), d, CLASSES),
        sg.sum,
        sg.mean,
        lambda d: sg.dot(d, SIGNS),
        lambda d: sg.mse(SIGNS, d),
        sg.zero_grad,
    ],
)
def test_dict_has_no_positions(take: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match=r"got \{.*\(dict\)"):
        take({i: float(i) for i in range(6)})


def test_numbers_that_a_series_or_table_cannot_give_are_refused() -> None:
    for strange in (pd.Series(["a", "b"]), pd.Series([1.0, None], dtype=object)):
        with pytest.raises(TypeError, match="must be a number"):
            sg.sum(strange)


@pytest.mark.parametrize("compile", [True, False])
def test_masked_samples_are_refused(compile: bool) -> None:
    rows = np.ma.array(INPUTS, mask=[[False, i == 3] for i in range(len(INPUTS))])
    classes = np.ma.array(CLASSES, mask=[True] + [False] * 5)

    for xs, ts in ((rows, CLASSES), (INPUTS, classes)):
        with pytest.raises(TypeError, match="must all be numbers; got a masked array"):
            learnt(xs, ts, compile=compile)
        with pytest.raises(TypeError, match="must all be numbers; got a masked array"):
            sg.datasets.split(xs, ts)
    filled = learnt(rows.filled(0.0), CLASSES, compile=compile)
    assert learnt(np.ma.array(rows.filled(0.0)), CLASSES, compile=compile) == filled


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda x: sg.grad(lambda x: x.sum())(x),
        lambda x: sg.gradients(sg.Value(1.0), x),
        lambda x: sg.jvp(lambda x: x.sum(), (x,), (x,)),
        lambda x: sg.check_gradients(lambda x: x.sum(), x),
    ],
)
def test_series_is_no_point_and_the_remedy_says_what_is(differentiate: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"got .*\(Series\); pass numpy\.asarray of it"):
        differentiate(pd.Series([1.0, 2.0], index=[1, 0]))

    found = sg.grad(lambda x: x[0] * 3.0 + x[1])(np.asarray(pd.Series([1.0, 2.0])))
    assert found.tolist() == [3.0, 1.0]


def test_array_is_taken_as_it_is() -> None:
    array = np.ones(2)

    assert by_position(array) is array
    assert by_position(x := [1.0]) is x
    assert by_position("text") == "text"
    assert type(by_position(np.float64(1.0))) is np.float64


@pytest.mark.parametrize("dtype", [float, np.float32, np.float16, int, np.uint8])
def test_arrays_of_numbers_become_numbers_of_python(dtype: Any) -> None:
    rows = np.array([[0, 1], [2, 3]]).astype(dtype)

    for found in (of_python(rows), each(rows, lambda x: x), [listed("f", row) for row in rows]):
        assert found == rows.tolist()
        assert {type(x) for row in found for x in row} <= {float, int}
    for other in (np.array([sg.Value(1.0)]), np.array([True]), [1.0], np.float64(2.0)):
        assert of_python(other) is other
