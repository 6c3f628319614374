"""The memory of native nodes: how much there is, and that it comes back."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from engines import ENGINES, engine_class
from memory import IS_SANITIZED, held
from native_nodes import chain, run

import scalargrad as sg

if "native" not in ENGINES:
    pytest.skip("no native engine was built", allow_module_level=True)

Value = engine_class("native")


class Parameter(Value):
    """A leaf with attributes, and so with cycles."""


# -- memory ----------------------------------------------------------------------------------------


def test_fresh_node_has_one_owner():
    leaf = Value(1.0)  # or no node would ever be freed, and no checker of memory see anything
    node = leaf * 2.0
    fresh = [Value(float(i)) for i in range(100)]

    assert sys.getrefcount(node) == 2
    assert sys.getrefcount(leaf) == 3
    assert {sys.getrefcount(value) for value in fresh} == {3}  # the list, the name, the argument


def test_size_of_a_node_is_what_was_promised():
    x = Value(1.0)

    assert sys.getsizeof(x) == sys.getsizeof(x * x) == 72
    assert sys.getsizeof(sg.sum([x] * 100)) == 72 + 16 + 100 * 16


NAME = "".join(["mi", "ne"])  # a text that nobody else holds


def everyday(x: Any, p: Any) -> None:
    """Build, differentiate, fail, name, copy: all that may leave something behind."""
    with sg.scope("Layer"):
        h = (x * 2.0 - p / 3).tanh() ** 2
        h.label = "h"
    total = sg.dot([h, x, 1.0], [x, p, h]) + sum(sg.softmax([x, h, 0.5])) + sg.logsumexp([h, p])
    total.backward()
    _ = x.detach(), h.detach(), total.parents, total.operands, total.partials, repr(h), h.scope
    with sg.no_grad():
        x * p
    for mistake in (
        lambda: x + "1",
        lambda: sg.sum([x, None]),
        lambda: x.backward("one"),
        lambda: Value("x"),
        lambda: Value(1.0, label=2),
        lambda: sg.dot([x], []),
        lambda: sg.dot([x, h], [p, None]),
        lambda: sg.dot([x, None], [p, h]),
    ):
        with contextlib.suppress(TypeError, ValueError):
            mistake()
    with contextlib.suppress(FloatingPointError), sg.scope(NAME), sg.detect_anomaly():
        (x * 0.0).log()
    own = sg.record(1.0, [x, h], [1.0, 2.0], op=NAME)
    own.label = NAME
    own.backward()
    own.detach()
    sg.zero_grad([x, p, h])


def test_fifty_thousand_loops_leave_references_and_memory_as_they_were():
    # in a process of its own: threads of other tests, too, hold memory
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = run("import test_native_memory as test; test.loop()", PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr


def loop() -> None:
    """Do what is done every day, over and over, and look at what is left behind."""
    x, p = Value(0.5), Parameter(1.5)
    everyday(x, p)
    for _ in range(5_000):
        everyday(x, p)
    gc.collect()
    counted = (x, p, Value, Parameter, NAME)
    references = list(map(sys.getrefcount, counted))
    memory, blocks = held(), sys.getallocatedblocks()  # the first look makes what Python keeps

    for _ in range(50_000):
        everyday(x, p)

    gc.collect()
    assert list(map(sys.getrefcount, counted)) == references
    assert sys.getallocatedblocks() - blocks < 100
    assert held() - memory < 1_500_000  # the smallest piece of memory, 32 bytes, a loop were more


@pytest.mark.skipif(IS_SANITIZED, reason="that build has no slabs; see sanitizers.sh")
def test_empty_slabs_go_back_to_the_system():
    chain(Value(1.0), 10)
    before = held()
    root = chain(Value(1.0), 3_000_000)
    grown = held() - before
    assert grown > 200_000_000

    del root

    assert held() - before < 80_000_000  # 64 MiB are kept for the next graph


def test_scattered_nodes_are_found_again_by_their_slabs():
    kept = []
    for turn in range(5):
        nodes = [Value(float(i)) for i in range(60_000)]
        kept += nodes[turn::7]
        del nodes
    kept = kept[::3]
    fresh = [Value(-1.0) for _ in range(100_000)]

    assert all(node.data >= 0.0 for node in kept)
    assert all(node.data == -1.0 for node in fresh)
    assert len({id(node) for node in kept + fresh}) == len(kept) + len(fresh)


SLABS = """
from scalargrad import Value
slabs = {}
for i in range(80_000):
    node = Value(float(i))
    slabs.setdefault(id(node) >> 20, []).append(node)
first, second = list(slabs)[1:3]
del node, slabs[first][:10], slabs[second][:10]  # both have room now, the second stands first
fresh = [Value(-1.0)]
while id(fresh[-1]) >> 20 != second:
    fresh.append(Value(-1.0))
slabs.pop(first)  # becomes empty while it stands first
fresh += [Value(-1.0) for _ in range(60_000)]
kept = [node for slab in slabs.values() for node in slab]
assert len({id(node) for node in kept + fresh}) == len(kept) + len(fresh)
assert all(node.data >= 0.0 for node in kept)
assert all(node.data == -1.0 for node in fresh)
"""


@pytest.mark.skipif(IS_SANITIZED, reason="that build has no slabs; see sanitizers.sh")
def test_slab_that_becomes_empty_at_the_head_of_the_list_leaves_the_others_whole():
    done = run(SLABS)  # in a process of its own, where nobody else's nodes lie in between

    assert done.returncode == 0, done.stderr


def test_labels_of_many_nodes_come_and_go():
    nodes = [Value(float(i), label=f"x{i}") for i in range(20_000)]
    for i in range(0, 20_000, 3):
        nodes[i] = Value(-1.0)
    for i in range(1, 20_000, 3):
        nodes[i].label = "new"

    labels = [node.label for node in nodes]

    assert labels[::3] == [""] * len(labels[::3])
    assert labels[1::3] == ["new"] * len(labels[1::3])
    assert labels[2::3] == [f"x{i}" for i in range(2, 20_000, 3)]
