"""A bar in a notebook: one display, written anew, whose last state stays."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

import scalargrad as sg
from scalargrad.learning import progress

IPython = pytest.importorskip("IPython")


class Handle:
    """What IPython's `display` returns: keeps what it was told."""

    def __init__(self, first: dict[str, str]) -> None:
        self.shown = [first]

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(bundle)


@pytest.fixture
def displays(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Handle]]:
    """A notebook whose displays are kept."""
    handles: list[Handle] = []

    def display(bundle: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        handles.append(Handle(bundle))
        return handles[-1]

    shell = types.SimpleNamespace(display_pub=Handle({}))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr("IPython.display.display", display)
    return handles


def learn(**options: Any) -> sg.History:
    w = sg.Value(0.0)
    settings: dict[str, Any] = {"optimizer": sg.optim.SGD([w], lr=0.1), "loss": "mse", **options}
    settings = {"batch_size": 1, "epochs": 3, **settings}
    return sg.fit(lambda x: w * x, [1.0, 2.0], [3.0, 6.0], **settings)


def test_notebook_keeps_the_last_state_alone(displays: list[Handle]) -> None:
    history = learn()

    (handle,) = displays
    assert handle.shown[0]["text/plain"].startswith("fit: 0 of 6 steps, ")
    last = handle.shown[-1]
    assert last["text/plain"].startswith("fit: 6 of 6 steps, ")
    assert last["text/plain"].endswith(f" s, epoch 3, loss {history.steps[-1]:.4g}")
    assert last["text/plain"] in last["text/html"]
    assert "width:100%" in last["text/html"]


def test_display_is_written_anew_now_and_then(
    displays: list[Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock) * progress.PAUSE / 8)

    learn(epochs=50)

    (handle,) = displays
    assert 3 < len(handle.shown) < 50  # of a hundred steps
    assert "steps, " in handle.shown[1]["text/plain"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_bar_stays_where_learning_ended(displays: list[Handle], error: type) -> None:
    def after(history: sg.History) -> None:
        raise error

    if error is KeyboardInterrupt:
        assert learn(after_epoch=after).is_interrupted
    else:
        with pytest.raises(error):
            learn(after_epoch=after)

    assert displays[0].shown[-1]["text/plain"].startswith("fit: 2 of 6 steps, ")


def test_no_bar_where_none_is_wanted(displays: list[Handle]) -> None:
    learn(progress=False)

    assert displays == []


def test_notebook_needs_no_tqdm(displays: list[Handle], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)

    learn(progress=True)

    assert len(displays) == 1


def test_terminal_of_ipython_and_a_captured_cell_are_no_notebook(
    displays: list[Handle], monkeypatch: pytest.MonkeyPatch
) -> None:
    from IPython.core import displaypub

    for kind in (displaypub.DisplayPublisher, displaypub.CapturingDisplayPublisher):
        shell = types.SimpleNamespace(display_pub=kind())
        monkeypatch.setattr(IPython, "get_ipython", lambda shell=shell: shell)
        learn()

    assert displays == []
