"""A long graph is freed node by node where the stack is short, as in a browser."""

from __future__ import annotations

import os
import subprocess
import sys

#: as in WebAssembly; elsewhere Python's own care begins at a dozen nodes that go with each other
PROGRAM = """
import gc, sys
sys.platform = "emscripten"
import scalargrad as sg

def living():
    return sum(type(thing) is sg.Value for thing in gc.get_objects())

x = sg.Value(1.0)
before = living()
chain = x
for _ in range(20_000):
    chain = chain * 0.5 + x
both = [chain, chain.tanh()]
chain.backward()
assert x.grad == 2.0, x.grad
del chain
assert both[0].parents  # it is in use
deepest = 0

def note(frame, event, argument):
    global deepest
    depth = 0
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    deepest = max(deepest, depth)

sys.setprofile(note)
both.clear()
sys.setprofile(None)
assert living() == before, living() - before

try:
    sg.Value("no number")  # half made
except sg.ScalargradError:
    pass
y = x * x
y.backward()
print(sg.engine, y.parents[0] is x, deepest < 6)
"""


def ran(program: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SCALARGRAD_ENGINE": "python"}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )


def test_long_graph_is_freed_at_once_and_without_depth() -> None:
    done = ran(PROGRAM)

    assert (done.stdout, done.stderr) == ("python True True\n", "")


def test_elsewhere_python_frees_nodes_itself() -> None:
    done = ran("import scalargrad as sg; print(hasattr(sg.Value, '__del__'))")

    assert (done.stdout, done.stderr) == ("False\n", "")
