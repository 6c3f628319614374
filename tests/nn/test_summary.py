"""The table of a model: layers, shapes, parameters, each counted once."""

from __future__ import annotations

import re

import scalargrad as sg
from scalargrad import nn
from scalargrad.nn.summary import MOST, parts_of


class Block(nn.Module):
    """Parameters of its own beside layers, some of which are used twice."""

    def __init__(self) -> None:
        self.scale = sg.Value(1.0)
        self.rows = [[sg.Value(0.0)], [sg.Value(0.0), sg.Value(0.0)]]
        self.body = nn.Affine(3, 3, seed=0)
        self.again = {"same": self.body, "norm": sg.tanh}
        self.name = "no layer"
        self._hidden = nn.Affine(9, 9)


def test_layers_have_their_shapes() -> None:
    model = nn.Sequential(nn.Affine(4, 8), nn.Tanh(), sg.relu, nn.Affine(8, 3))

    assert parts_of(model) == [
        ("layers.0", "Affine(4, 8)", "W (4, 8), b (8,)", 40),
        ("layers.1", "Tanh()", "", 0),
        ("layers.2", "relu", "", 0),
        ("layers.3", "Affine(8, 3)", "W (8, 3), b (3,)", 27),
    ]


def test_what_is_learnt_beside_layers_is_a_row_and_counts_once() -> None:
    assert parts_of(Block()) == [
        ("scale", "", "", 1),
        ("rows", "", "(2 rows)", 3),
        ("body", "Affine(3, 3)", "W (3, 3), b (3,)", 12),
        ("again.same", "Affine(3, 3)", "W (3, 3), b (3,)", 0),
        ("again.norm", "tanh", "", 0),
    ]
    assert sum(part.parameters for part in parts_of(Block())) == len(Block().parameters())


def test_equal_neighbours_are_one_row_and_others_are_not() -> None:
    deep = nn.Sequential(nn.Affine(2, 2), nn.Affine(2, 2), nn.Affine(2, 1), nn.Affine(2, 1))

    assert [part[:2] for part in parts_of(deep)] == [
        ("layers.0-1", "2 × Affine(2, 2)"),
        ("layers.2-3", "2 × Affine(2, 1)"),
    ]
    assert [part.parameters for part in parts_of(deep)] == [12, 6]


def test_a_module_that_holds_itself_ends() -> None:
    model = nn.Sequential(nn.Affine(1, 1))
    model.layers.append(model)

    assert [part.path for part in parts_of(model)] == ["layers.0"]


def test_books_network_is_shown_by_its_names() -> None:
    rows = [part.path for part in parts_of(nn.TwoLayerNet(2, 3, 2, seed=0))]

    assert rows == ["layers.Affine1", "layers.Relu1", "layers.Affine2"]


def test_notebook_shows_how_many_there_are_and_not_too_many_rows() -> None:
    model = nn.Sequential(
        *(layer for n in range(1, 50) for layer in (nn.Affine(n, n + 1), sg.tanh))
    )
    shown = re.sub(r"<[^>]+>", "|", model._repr_html_())

    assert f"Sequential: {len(model.parameters()):,} parameters" in shown
    assert f"... {2 * 49 - MOST} more" in shown
    assert "1 parameter<" in nn.Module.__new__(Line)._filled()._repr_html_()


class Line(nn.Module):
    """One parameter."""

    def _filled(self) -> Line:
        self.slope = sg.Value(2.0)
        return self
