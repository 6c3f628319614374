"""A damaged pickle is refused, or holds what it held: no wrong number, and no end of the process.

Here some bits of each are turned over; `python tests/helpers/damaged_pickles.py` turns all.
"""

from __future__ import annotations

import copy
import io
import pickle
import struct
from typing import Any

import pytest
from damaged_pickles import (
    ALLOWED,
    SUBJECTS,
    WRONG,
    Handmade,
    drawn,
    outcome,
    pickled_subject,
    sweep,
    turned,
)
from engines import ENGINES, engine_class
from memory import IS_SANITIZED

import scalargrad as sg
from scalargrad.core import copying, pickles
from scalargrad.core.pickles import content_of
from scalargrad.tape.compiled import Compiled

COUNT = 40 if IS_SANITIZED else 400


@pytest.mark.parametrize("name", SUBJECTS)
def test_no_bit_turned_over_gives_a_wrong_number_or_ends_the_process(name: str) -> None:
    pickled = pickled_subject(name)
    bits = drawn(name, pickled, COUNT, seed=0)
    found = sweep(name, pickled, bits)
    assert list(found) == bits
    assert {bit: what for bit, what in found.items() if what not in ALLOWED} == {}


def mantissa_of(pickled: bytes, number: float) -> int:
    """Return the lowest bit of a number in a pickle."""
    return 8 * (pickled.index(struct.pack(">d", number)) + 7)


def test_damaged_number_is_refused_in_one_sentence() -> None:
    pickled = pickle.dumps(sg.Value(2.0))
    with pytest.raises(sg.errors.InputError) as refusal:
        pickle.loads(turned(pickled, mantissa_of(pickled, 2.0)))
    assert str(refusal.value) == (
        "pickle: must hold what was written; got other content of leaf: it was damaged since;"
        " pickle it again"
    )


def test_without_checksums_a_wrong_number_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "checksum", lambda content: 7)
    subject = SUBJECTS["leaf"]
    pickled = pickle.dumps(subject.make())
    right = repr(subject.use(subject.make()))
    assert outcome(subject, pickled, pickled, right) == "the same"
    damaged = turned(pickled, mantissa_of(pickled, 2.0))
    assert outcome(subject, damaged, pickled, right) == WRONG


def test_a_reader_is_one_of_ours() -> None:
    for path in (("os", "system"), ("scalargrad", "tanh"), ("scalargrad.core.pickles", "damaged"),
                 ("scalargrad.nothing", "x"), ("scalargrad",), (3, 4), ()):  # fmt: skip
        with pytest.raises(sg.errors.InputError, match="it was damaged since"):
            pickles.find_reader(pickles.PICKLE_VERSION, *path)


# -- what was never written, with checksums that are right ----------------------------------------

RIGHT: dict[str, Any] = {"grad": None, "notes": None, "data": 3.0, "op": "mul", "partials": (2.0,)}
WRONG_FIELDS = [
    ("grad", 1), ("grad", ()), ("notes", 3), ("data", None), ("data", 3), ("data", "3.0"),
    ("partials", ()), ("partials", (2.0, 1.0)), ("partials", (2,)), ("partials", [2.0]),
    ("partials", (None,)),
]  # fmt: skip


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize(("field", "other"), WRONG_FIELDS)
def test_fields_that_no_node_has_are_refused(
    name: str, field: str, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(copying.chosen, "Value", engine_class(name))
    x = sg.Value(2.0)
    fields = tuple({**RIGHT, field: other}.values())
    right = [([-1, 1.5], [-1], tuple(RIGHT.values()))]
    assert pickle.loads(pickle.dumps(Handmade(copying._load, [], [x], right)))[0].data == 3.0
    for made in (
        Handmade(copying._load, [], [x], [([-1, 1.5], [-1], fields)]),
        Handmade(copying._leaf, None, (*fields[:4], other if field == "partials" else ())),
    ):
        if made.reader is copying._load or other != ():
            with pytest.raises(sg.errors.InputError, match="must hold what was written"):
                pickle.loads(pickle.dumps(made))


@pytest.mark.parametrize(
    ("outside", "operands", "parents"),
    [
        (1, [-2, 1.5], [-2]), (1, [0, 1.5], [0]), (1, [2**70, 1.5], [2**70]), (1, [-1, -1], [-1]),
        (1, [1.5, 1.5], []), (1, [], []), (1, [-1, None], [-1]), (1, [-1, True], [-1]),
        (1, [-1, 1.5], [-1, -1]), (1, [-1, 1.5], [0]), (2, [-1, 1.5], [-1]), (3, [-1, 1.5], [-1]),
    ],
)  # fmt: skip
def test_operands_that_are_not_there_are_refused(
    outside: int, operands: list[Any], parents: list[Any]
) -> None:
    x = sg.Value(2.0)
    found = [[x], [x, x], [x, 2.0]][outside - 1]
    made = Handmade(copying._load, [], found, [(operands, parents, (*RIGHT.values(),))])
    with pytest.raises(sg.errors.InputError, match="must hold what was written"):
        pickle.loads(pickle.dumps(made))


# -- what is in order is not refused --------------------------------------------------------------


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", SUBJECTS)
def test_whole_pickles_are_read(name: str, protocol: int) -> None:
    subject = SUBJECTS[name]
    read = pickle.loads(pickle.dumps(subject.make(), protocol))
    right = repr(subject.use(subject.make()))
    assert repr(subject.use(read)) == right
    if not isinstance(read, Compiled):  # whose copies are traced anew
        assert repr(subject.use(copy.deepcopy(subject.make()))) == right


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_nan_is_read(protocol: int) -> None:
    for number in (float("nan"), -float("nan"), struct.unpack("<d", b"\1\0\0\0\0\0\xf8\x7f")[0]):
        x = sg.Value(number)
        y = sg.record(number, [x, x * number], [number, 1.0], "own")
        optimizer = sg.optim.Adam([sg.Value(1.0)], lr=0.1)
        optimizer._kept[0][0] = number
        twin, _, other = pickle.loads(pickle.dumps([y, x, optimizer], protocol))
        assert twin.data != twin.data
        assert other._kept[0][0] != other._kept[0][0]


class Node(sg.nn.Module):
    """A module that knows the one above it, and lists in which it stands itself."""

    def __init__(self, above: Any = None) -> None:
        self.above, self.w, self.children = above, [sg.Value(1.5)], []
        self.home = [self, self.w]
        self.home.append(self.home)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_modules_that_lead_back_to_themselves_are_read(protocol: int) -> None:
    top = Node()
    top.children = [Node(top), Node(top)]
    for start in (top, top.children, top.children[1], top.home, {"a": top.home, "b": top}):
        for twin in (pickle.loads(pickle.dumps(start, protocol)), copy.deepcopy(start)):
            assert type(twin) is type(start)
    low = pickle.loads(pickle.dumps(top.children[1], protocol))
    assert low.above.children[1] is low
    assert low.home[0] is low
    assert low.home[2] is low.home


class Stated(sg.nn.Module):
    """A module with words of its own for its state."""

    def __init__(self) -> None:
        self.w, self.cache = sg.Value(0.5), [1.0]

    def __getstate__(self) -> dict[str, Any]:
        return {"w": self.w}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, cache=[])


class Reduced(sg.nn.Module):
    """A module that is made again."""

    def __reduce__(self) -> Any:
        return Reduced, ()


def test_modules_that_say_themselves_what_is_kept_are_read() -> None:
    for twin in (
        pickle.loads(pickle.dumps(Stated())),
        copy.copy(Stated()),
        copy.deepcopy(Stated()),
    ):
        assert (twin.w.data, twin.cache) == (0.5, [])
    assert isinstance(pickle.loads(pickle.dumps(Reduced())), Reduced)
    assert isinstance(copy.deepcopy(Reduced()), Reduced)


def test_a_pickler_that_lives_on_refers_to_numbers_that_have_changed_since() -> None:
    net = sg.nn.Affine(2, 1, init=0.5)
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.dump(net)
    for p in net.parameters():
        p.data = 2.0
    pickler.dump([sg.sum(net.parameters()), sg.optim.SGD(net.parameters(), lr=0.1)])
    unpickler = pickle.Unpickler(io.BytesIO(stream.getvalue()))
    unpickler.load()
    total, optimizer = unpickler.load()
    assert total.data == 6.0
    assert list(total.parents) == optimizer.parameters


def test_content_is_entered_once_however_often_it_is_shared() -> None:
    thing: Any = (1.0,)
    for _ in range(60):
        thing = (thing, thing)
    assert content_of(thing) == content_of(pickle.loads(pickle.dumps(thing)))
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    assert content_of(deep) == content_of([object()])
