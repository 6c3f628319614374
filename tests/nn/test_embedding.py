"""Embeddings: vectors by index, which learn on graphs and on tapes alike."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import nn


def side_by_side(rows: Any) -> Any:
    """Return the numbers of several vectors as one list."""
    return [x for row in rows for x in row]


def test_embedding_gives_rows_of_its_parameters() -> None:
    table = nn.Embedding(4, 2, seed=0)

    assert table(1) is table.W[1]
    assert table([3, -4]) == [table.W[3], table.W[0]]
    assert table(np.array([[2]])) == [[table.W[2]]]
    assert len(table.parameters()) == 8
    assert repr(table) == "Embedding(4, 2)"


def test_embedding_draws_a_normal_distribution_by_its_seed() -> None:
    numbers = [x.data for x in nn.Embedding(100, 10, 0.5, seed=3).parameters()]

    assert np.std(numbers) == pytest.approx(0.5, rel=0.1)
    assert numbers == [x.data for x in nn.Embedding(100, 10, 0.5, seed=3).parameters()]


def test_embedding_is_saved_and_loaded(tmp_path: Path) -> None:
    one, other = nn.Embedding(3, 2, seed=0), nn.Embedding(3, 2, seed=1)
    one.save(tmp_path / "table.json")
    other.load(tmp_path / "table.json")

    assert other.state_dict() == one.state_dict() == {"W": [[x.data for x in r] for r in one.W]}
    with pytest.raises(ValueError, match="W must be a list of 4"):
        nn.Embedding(4, 2).load(tmp_path / "table.json")


@pytest.mark.parametrize("argument", [{"count": 0}, {"width": 1.5}])
def test_embedding_refuses_sizes(argument: Any) -> None:
    with pytest.raises(ValueError, match=r"Embedding: .* must be a whole number from 1"):
        nn.Embedding(**{"count": 3, "width": 2, **argument})


def test_fit_teaches_an_embedding_which_letter_follows() -> None:
    words = "abcabcabcabdabdabd"
    letters = sorted(set(words))
    pairs = [[letters.index(a), letters.index(b)] for a, b in itertools.pairwise(words)]
    inputs, targets = pairs[:-1], [letters.index(c) for c in words[2:]]
    histories = []
    for compiled in (None, False):
        model = nn.Sequential(nn.Embedding(4, 2, seed=1), side_by_side, nn.Affine(4, 4, seed=2))
        optimizer = sg.optim.Adam(model.parameters(), lr=0.1)
        history = sg.fit(
            model, inputs, targets, loss="cross_entropy", optimizer=optimizer, epochs=40,
            batch_size=8, seed=0, compile=compiled, progress=False,
        )  # fmt: skip
        histories.append(history)

    assert [history.is_replayed for history in histories] == [sg.engine == "native", False]
    assert histories[0].loss == pytest.approx(histories[1].loss, rel=1e-9)
    assert histories[0].loss[-1] < 0.4 * histories[0].loss[0]
