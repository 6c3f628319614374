"""Turns: one thread at a time, whatever interrupts it; and none is waited for behind a fork."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from typing import Any

import pytest

from scalargrad.core import turns
from scalargrad.core.turns import take_turn

variable: ContextVar[int] = ContextVar("variable", default=0)


def in_thread(work: Any) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_threads_take_turns_in_the_order_in_which_they_came():
    done: list[Any] = []

    def first() -> list[threading.Thread]:
        waiting = []
        for number in range(3):
            thread = in_thread(lambda number=number: take_turn(done.append, number))
            waiting.append(thread)
            while all(turn.thread != thread.ident for turn in list(turns._queue)):
                time.sleep(0.0)
        done.append("first")
        return waiting

    for thread in take_turn(first):
        thread.join(10)

    assert done == ["first", 0, 1, 2]
    assert not turns._queue


def test_turn_inside_a_turn_is_taken_at_once():
    assert take_turn(lambda: take_turn(lambda: take_turn(int, "7"))) == 7


def test_error_ends_a_turn_and_variables_are_as_before():
    def fails() -> None:
        variable.set(1)
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        take_turn(fails)

    assert variable.get() == 0
    assert not turns._queue


def test_turn_that_an_interrupt_left_in_the_queue_is_dropped(monkeypatch):
    class Kept(dict):
        """A queue that nothing is taken out of, as behind an interrupt."""

        is_broken = True

        def pop(self, *key: Any) -> Any:
            return None if self.is_broken else super().pop(*key)

    queue = Kept()
    monkeypatch.setattr(turns, "_queue", queue)
    take_turn(int)
    assert len(queue) == 1
    queue.is_broken = False

    done: list[int] = []
    in_thread(lambda: take_turn(done.append, 1)).join(10)

    assert done == [1]
    assert not queue


FORKS = {
    "while another thread traces": """
f, inside, go = waiting()
thread = threading.Thread(target=f, args=(2.0,))
thread.start()
inside.wait()
in_child(lambda: everything())
go.set()
thread.join()
everything()
""",
    "inside of a function that is traced": """
def forks(x):
    if not children:
        in_child(lambda: None)
    return x * x
assert sg.compile(forks)(3.0) == 9.0
everything()
""",
    "while other threads wait": """
f, inside, go = waiting()
threads = [threading.Thread(target=f, args=(float(i),)) for i in range(4)]
for thread in threads:
    thread.start()
inside.wait()
in_child(lambda: everything())
in_child(lambda: in_child(lambda: everything()))
go.set()
for thread in threads:
    thread.join()
everything()
""",
    "behind a batch in threads": """
everything()
in_child(lambda: everything())
""",
    "by multiprocessing": """
import multiprocessing
f, inside, go = waiting()
thread = threading.Thread(target=f, args=(2.0,))
thread.start()
inside.wait()
with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(everything, range(4))
go.set()
thread.join()
""",
}

BEFORE = """
import os, signal, threading, warnings
warnings.simplefilter("ignore")
import scalargrad as sg
try:
    import numpy as np
except ImportError:
    np = None
children = []

def waiting():
    inside, go = threading.Event(), threading.Event()
    def waits(x):
        inside.set()
        go.wait()
        return x * x
    return sg.compile(waits), inside, go

def everything(number=0):
    x = sg.Value(3.0)
    (x * x).backward()
    assert x.grad == 6.0
    f = sg.compile(lambda x: x * 3.0 if x > 1 else x, threads=2)
    assert (f(2.0), f(0.5)) == (6.0, 0.5)
    if np is not None:
        lanes = np.linspace(0.0, 2.0, 100_000)
        assert (f(lanes) == np.where(lanes > 1, lanes * 3, lanes)).all()
    done = []
    thread = threading.Thread(target=lambda: done.append(sg.compile(lambda x: x + 1.0)(1.0)))
    thread.start()
    thread.join()
    assert done == [2.0]

def in_child(work):
    child = os.fork()
    children.append(child)
    if child == 0:
        signal.alarm(60)  # what hangs is ended
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(turns.os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("engine", ["", "python"])
@pytest.mark.parametrize("program", FORKS.values(), ids=FORKS)
def test_child_of_a_fork_waits_for_nobody(program, engine, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_ENGINE", engine)
    done = subprocess.run(
        [sys.executable, "-c", BEFORE + program], capture_output=True, text=True, timeout=100
    )
    assert (done.returncode, done.stderr) == (0, "")
