"""Shards on worker processes: the numbers of one process, also where a worker dies."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

try:
    from dask.distributed import Client
except ImportError:
    pytest.skip('dask is not installed; install ".[cluster]"', allow_module_level=True)

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))  # the workers get this path, too

import many_machines

SIZES = [100_000] * 24 + [7]
RECORDED: list[float] = []


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """Two worker processes."""
    with Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as client:
        yield client


def counted(x: Any) -> Any:
    """Take one of two paths; note each time that this is recorded."""
    RECORDED.append(1.0)
    return x * x if x > 0 else -x


def replayed(f: Any, x: Any) -> tuple[list[float], int]:
    """Return what f gives on a worker, and how often the worker recorded it so far."""
    return f(x).tolist(), len(RECORDED)


def test_workers_replay_what_was_recorded_elsewhere(client: Any) -> None:
    f = sg.compile(counted)
    f(1.0)
    worker, *_ = client.nthreads()  # alive, before other tests end some

    def ask(x: list[float]) -> Any:
        return client.submit(replayed, f, np.array(x), workers=worker, pure=False).result()

    assert ask([2.0, 3.0]) == ([4.0, 9.0], 0)
    values, times = ask([2.0, -3.0])
    assert (values, times > 0) == ([4.0, 3.0], True)  # a path that no tape has: it is noticed


def kill(pid: int) -> None:
    """End a process at once, without a word to it."""
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows the second is as hard


def priced() -> sg.tape.Compiled:
    """Return a pricing function that is recorded."""
    f = sg.compile(many_machines.call_price)
    f(100.0, 100.0, 0.2, 0.05, 1.0)
    return f


def test_totals_keep_their_bits_when_a_worker_is_killed(client: Any) -> None:
    f = priced()
    alone = sum(many_machines.price_shard(index, size, f) for index, size in enumerate(SIZES))
    undisturbed = many_machines.price_all(client, f, SIZES, lambda done, count: None)
    pids = client.run(os.getpid)
    killed = []

    def kill_one(done: int, count: int) -> None:
        if done == count // 3:
            results = client.has_what()
            victim = max(results, key=lambda worker: len(results[worker]))
            assert results[victim]  # which are lost, and computed again
            assert any(client.processing().values())
            killed.append(pids[victim])
            kill(pids[victim])

    disturbed = many_machines.price_all(client, f, SIZES, kill_one)

    assert disturbed.tobytes() == undisturbed.tobytes() == alone.tobytes()
    client.wait_for_workers(2, timeout=60)
    assert not {*killed} & {*client.run(os.getpid).values()}


def test_gradients_are_those_of_one_process_also_after_a_worker_died(client: Any) -> None:
    client.wait_for_workers(2, timeout=60)
    draw = np.random.default_rng(0)
    x, t = draw.normal(size=(301, 20)), draw.integers(0, 10, 301)
    f = sg.compile(sg.nn.TwoLayerNet(20, 8, 10, weight_init_std="he", seed=0).loss)
    f(x[:1], t[:1])
    numbers = draw.normal(size=len(f.tape.captured))  # others than those that are sent
    sent = client.submit(many_machines.itself, f, pure=False)

    loss, by_all = many_machines.gradient_by_all(client, sent, numbers, x, t, 2)
    kill(next(iter(client.run(os.getpid).values())))
    again, once_more = many_machines.gradient_by_all(client, sent, numbers, x, t, 2)

    by_one, alone = many_machines.gradient(f, numbers, x, t)
    assert loss == pytest.approx(by_one, rel=1e-14)
    assert np.abs(by_all - alone).max() <= 1e-14 * np.abs(alone).max()
    assert (again, once_more.tobytes()) == (loss, by_all.tobytes())
