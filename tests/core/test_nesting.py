"""Nestings: apart and together again, names, order, refusals; what tapes make of the same."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalargrad as sg
from scalargrad import errors
from scalargrad.core.nesting import (
    INTEGER,
    NUMBER,
    Container,
    Leaf,
    aligned,
    each,
    flat,
    flatten,
    list_of,
    values_in,
)
from scalargrad.tape.flattening import columns, flatten_argument, flatten_result

WHO = "f", "argument 0"


class Pair(NamedTuple):
    left: Any
    right: Any


class Row(list):  # type: ignore[type-arg]
    """A list of one's own."""


FLOATS = st.floats(-1e3, 1e3)
ARRAYS = st.builds(
    lambda shape, dtype: np.arange(np.prod(shape), dtype=dtype).reshape(shape) / 4,
    st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple),
    st.sampled_from([np.float64, np.float32]),
)


def nestings(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return nestings of lists, tuples, dicts and their like."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.lists(inner, max_size=3).map(tuple)
            | st.lists(inner, max_size=3).map(Row)
            | st.builds(Pair, inner, inner)
            | st.dictionaries(st.sampled_from(["a", "b", 1, (2, "c")]), inner, max_size=3)
            | st.dictionaries(st.integers(0, 3), inner, max_size=3).map(OrderedDict)
            | st.lists(FLOATS, max_size=4)
        ),
        max_leaves=8,
    )


def numbers_in(thing: Any) -> list[float]:
    """Return the numbers of a nesting from left to right."""
    if isinstance(thing, np.ndarray):
        return thing.ravel().tolist()
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, (list, tuple)):
        return [number for inner in thing for number in numbers_in(inner)]
    return [thing]


def told(thing: Any) -> Any:
    """Return all that tells a nesting from another one, its types too."""
    if isinstance(thing, np.ndarray):
        return thing.dtype, thing.shape, thing.tolist()
    if isinstance(thing, dict):
        return type(thing), [(key, told(value)) for key, value in thing.items()]
    if isinstance(thing, (list, tuple)):
        return type(thing), [told(inner) for inner in thing]
    return type(thing), thing


# -- there and back ------------------------------------------------------------------------------


@given(nestings(FLOATS | ARRAYS))
def test_nesting_comes_back_as_it_was(thing: Any) -> None:
    structure, numbers = flatten(*WHO, thing, "pass a float")

    assert numbers == numbers_in(thing)
    assert structure.size == len(numbers)
    assert told(structure.unflatten(iter(numbers))) == told(thing)


@given(nestings(FLOATS | ARRAYS))
def test_name_of_each_number_is_how_one_would_write_it(thing: Any) -> None:
    structure, numbers = flatten(*WHO, thing, "pass a float")

    names = list(structure.names("x"))

    assert [eval(name, {"x": thing}) for name in names] == numbers


@given(nestings(FLOATS | ARRAYS))
def test_map_meets_every_number_and_every_whole_array_from_left_to_right(thing: Any) -> None:
    structure, numbers = flatten(*WHO, thing, "pass a float")
    met: list[Leaf] = []

    structure.map(met.append)

    assert sum(leaf.size for leaf in met) == len(numbers)
    shapes = [leaf.shape for leaf in met]
    assert shapes == shapes_in(thing)


def shapes_in(thing: Any) -> list[tuple[int, ...]]:
    """Return the shape of each number and array."""
    if isinstance(thing, (np.ndarray, float)):
        return [np.shape(thing)]
    return [shape for x in (thing.values() if isinstance(thing, dict) else thing)
            for shape in shapes_in(x)]  # fmt: skip


@given(nestings(FLOATS))
def test_result_of_a_tape_comes_back_as_it_was_with_plain_dicts(thing: Any) -> None:
    structure, numbers = flatten_result(*WHO, thing, "return x")

    assert numbers == numbers_in(thing)
    again = structure.unflatten(iter(numbers))
    assert again == thing or told(again) == told(thing)
    assert flatten_result(*WHO, again, "return x")[0] == structure
    assert pickle.loads(pickle.dumps(structure)) == copy.deepcopy(structure) == structure
    assert {structure: 1}[pickle.loads(pickle.dumps(structure))] == 1


@given(nestings(FLOATS))
def test_batch_of_one_lane_is_that_lane(thing: Any) -> None:
    structure, numbers = flatten_result(*WHO, thing, "return x")

    batch = columns(structure, np.array([numbers, numbers]).reshape(2, len(numbers)))

    assert numbers_in(lane(batch, 1)) == numbers


def lane(batch: Any, row: int) -> Any:
    """Return one lane of a batch."""
    if isinstance(batch, np.ndarray):
        return batch[row]
    if isinstance(batch, dict):
        return {key: lane(value, row) for key, value in batch.items()}
    return [lane(inner, row) for inner in batch]


# -- what stands where ---------------------------------------------------------------------------


def test_list_of_numbers_and_list_of_rows_have_their_parts_once() -> None:
    assert flatten(*WHO, [1.0, 2.0, 3.0], "")[0] == list_of(3)
    assert flatten(*WHO, [[1.0, 2.0]] * 3, "")[0] == Container(list, (list_of(2),), 3)
    assert flatten(*WHO, (1.0, [2.0]), "")[0] == Container(tuple, (NUMBER, list_of(1)))
    assert flatten(*WHO, [], "") == (Container(list, ()), [])


def test_values_and_numbers_of_all_kinds_stand_in_order() -> None:
    x = sg.Value(5.0)

    structure, numbers = flatten(*WHO, [1, x, True, np.float32(2.5), np.array(3)], "")

    assert numbers == [1.0, x, 1.0, 2.5, 3.0]
    assert [type(number) for number in numbers] == [float, type(x), float, float, float]
    assert structure == list_of(5)


def test_array_keeps_its_dtype_unless_values_come_back() -> None:
    structure, _ = flatten(*WHO, np.ones((2, 1), np.float32), "")
    x = sg.Value(1.0)

    assert structure.unflatten(iter([3.0, 4.0])).dtype == np.float32
    mixed = structure.unflatten(iter([x, 4.0]))
    assert (mixed.dtype, mixed.shape, mixed[0, 0]) == (np.dtype(object), (2, 1), x)


def test_dict_keeps_its_default_factory() -> None:
    given = defaultdict(list, a=1.0)

    structure, _ = flatten(*WHO, given, "")

    again = structure.unflatten(iter([2.0]))
    assert (again, again.default_factory, given) == ({"a": 2.0}, list, {"a": 1.0})


def test_aligned_numbers_stand_in_the_order_of_the_wanted_keys() -> None:
    wanted, _ = flatten(*WHO, {"a": 1.0, "b": [2.0, 3.0]}, "")
    structure, numbers = flatten(*WHO, {"b": (20.0, 30.0), "a": 10.0}, "")

    assert aligned(wanted, structure, numbers) == [10.0, 20.0, 30.0]


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ([1.0, 2.0], [1.0]),
        ([1.0], {0: 1.0}),
        ({"a": 1.0}, [1.0]),
        ({"a": 1.0}, {"b": 1.0}),
        (1.0, [1.0]),
        ([1.0, [2.0]], [[1.0], 2.0]),
        (np.ones(3), np.ones((3, 1))),
        (np.ones(2), [1.0, 1.0]),
    ],
    ids=repr,
)
def test_other_structure_is_not_aligned(wanted: Any, got: Any) -> None:
    (structure, _), (other, numbers) = (flatten(*WHO, thing, "") for thing in (wanted, got))

    assert aligned(structure, other, numbers) is None


# -- arguments of a tape -------------------------------------------------------------------------


def test_argument_of_a_tape_tells_whole_numbers_from_others() -> None:
    structure, numbers, arrays = flatten_argument(*WHO, {"n": [1, 2], "x": 1.0, "b": True}, "")

    assert structure == Container(
        dict, (Container(list, (INTEGER,), 2), NUMBER, INTEGER), 1, ("n", "x", "b")
    )
    assert (numbers, arrays) == ([1, 2, 1.0, 1], [])
    assert flatten_result(*WHO, [1, 2], "") == (list_of(2), [1, 2])


def test_array_in_an_argument_is_a_batch_whose_lanes_have_zeros_among_the_numbers() -> None:
    batch = np.ones((5, 2, 3))

    structure, numbers, arrays = flatten_argument(*WHO, [4.0, batch], "")

    assert structure == Container(list, (NUMBER, Leaf((2, 3))))
    assert numbers == [4.0] + [0.0] * 6
    assert [(start, array is batch) for start, array in arrays] == [(1, True)]


# -- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [lambda x: x, lambda x: [1.0, x], lambda x: [{"a": 1.0}, x]])
def test_what_is_no_number_is_refused_with_who_what_and_remedy(nested: Any) -> None:
    with pytest.raises(errors.OperandError) as caught:
        flatten("grad", "argument 1", nested("text"), "pass a float")
    assert str(caught.value) == (
        "grad: argument 1 must be numbers, or lists, tuples, dicts, dataclasses or arrays of them;"
        " got 'text' (str); pass a float"
    )
    with pytest.raises(errors.OperandError) as caught:
        flatten_result("f", "the result", nested("text"), "return x")
    assert str(caught.value) == (
        "f: the result must be numbers, or lists or arrays of them; got 'text' (str); return x"
    )


@pytest.mark.parametrize("flattened", [flatten, flatten_argument, flatten_result])
def test_whole_number_beyond_a_double_is_refused(flattened: Any) -> None:
    with pytest.raises(OverflowError, match=re.escape("f: argument 0 must fit a double")):
        flattened(*WHO, [10**400], "")


# -- nested lists alone --------------------------------------------------------------------------


def test_flat_and_each_go_through_lists_tuples_and_arrays() -> None:
    tree = [1.0, (2.0, [3.0]), np.array([[4.0], [5.0]])]

    assert list(flat(tree)) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert each(tree, lambda x: -x) == [-1.0, [-2.0, [-3.0]], [[-4.0], [-5.0]]]
    assert list(flat(2.0)) == [2.0]


def test_list_that_contains_itself_ends_in_an_error() -> None:
    tree: list[Any] = [1.0]
    tree.append(tree)

    with pytest.raises(RecursionError):
        list(flat(tree))
    with pytest.raises(RecursionError):
        flatten(*WHO, tree, "")


def test_values_in_finds_them_in_order_at_any_depth() -> None:
    w, x, y, z = sg.values(w=0, x=1, y=2, z=3)
    deep: Any = z
    for _ in range(10_000):
        deep = [deep]

    assert values_in([w, {"a": (x, "text", 1.0), "b": y}, {w}, deep]) == [w, x, y, z]
