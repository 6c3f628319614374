"""The gallery: every script prints its source's numbers and draws the committed picture."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from formula_reader import Reader, is_said, said
from geometry import collisions

from scalargrad.drawing import Drawing, pictures
from scalargrad.drawing.layout.picture import Picture
from scalargrad.drawing.options import View
from scalargrad.drawing.words.symbols import Symbols

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "examples" / "gallery"
SCRIPTS = sorted(path.stem for path in GALLERY.glob("*.py") if path.stem != "draw_all")
PICTURES = sorted(path.name for path in (GALLERY / "pictures").glob("*.svg"))
MNIST = os.environ.get("SCALARGRAD_MNIST")

#: what the sources give or what follows from it by arithmetic, as the scripts print it
PRINTED = {
    "fig_5_01": ["100 -> 200 -> 220"],
    "fig_5_02": ["100 -> 200 -> 220"],
    "fig_5_03": ["200", "450", "650", "715"],
    "fig_5_04": ["200 + 4000 = 4200, with tax 4620"],
    "fig_5_05": ["one yen more for an apple: 2.2 yen more to pay"],
    "fig_5_06": ["y = 9, E * dy/dx = 1.3 * 6 = 7.8"],
    "fig_5_07": ["dz/dx = dz/dz * dz/dt * dt/dx = 1 * 6 * 1 = 6"],
    "fig_5_08": ["dz/dt = 2t = 6, dt/dx = 1, dz/dx = 2(x + y) = 6"],
    "fig_5_09": ["dz/dx = 1, dz/dy = 1"],
    "fig_5_11": ["10 + 5 = 15; backward 1.3 and 1.3"],
    "fig_5_12": ["dz/dx = y = 5, dz/dy = x = 10"],
    "fig_5_13": ["10 * 5 = 50; backward 6.5 and 13"],
    "fig_5_14": [
        "price 220",
        "d price / d apple = 2.2: one yen more for an apple, 2.2 yen to pay",
        "d price / d apples = 110",
        "d price / d tax = 200: a tax of 100 % more, 200 yen to pay",
    ],
    "fig_5_15": [
        "  1           1.1   ×: upstream × the other operand = 1 × 1.1 = 1.1",
        "  2           650   ×: upstream × the other operand = 1 × 650 = 650",
        "  3           1.1   +: upstream, unchanged = 1.1",
        "  4           1.1   +: upstream, unchanged = 1.1",
        "  5           110   ×: upstream × the other operand = 1.1 × 100 = 110",
        "  6           2.2   ×: upstream × the other operand = 1.1 × 2 = 2.2",
        "  7           3.3   ×: upstream × the other operand = 1.1 × 3 = 3.3",
        "  8           165   ×: upstream × the other operand = 1.1 × 150 = 165",
    ],
    "fig_5_16": [
        "price: 220, that is int(220.00000000000003)",
        "dApple: 2.2",
        "dApple_num: 110, that is int(110.00000000000001)",
        "dTax: 200",
    ],
    "fig_5_17": [
        "price: 715, that is int(715.0000000000001)",
        "dApple: 2.2",
        "dApple_num: 110, that is int(110.00000000000001)",
        "dOrange: 3.3000000000000003",
        "dOrange_num: 165, that is int(165.0)",
        "dTax: 650",
    ],
    "fig_5_18": ["x = 3: y = 3, dy/dx = 1", "x = -2: y = 0, dy/dx = 0", "x = 0: y = 0, dy/dx = 0"],
    "fig_5_19": ["y = 0.622459, as sigmoid(0.5) = 0.622459"],
    "fig_5_20": [
        "/: -y^2 = -0.387456",
        "+: the same, -0.387456",
        "exp: times exp(-x), -0.235004",
        "×: times -1, 0.235004 = y^2 exp(-x) = 0.235004",
    ],
    "fig_5_21": ["dy/dx = y^2 exp(-x) = 0.235004"],
    "fig_5_22": ["dy/dx = y(1 - y) = 0.235004 = 0.235004"],
    "fig_5_24": ["X·W = [5.0, 11.0, 17.0]  Y = [6.0, 13.0, 20.0]"],
    "fig_5_25": [
        "W (2, 3), W^T (3, 2)",
        "dX = [-2.5, -2.0] = dY·W^T = [-2.5, -2.0]",
        "dW = [[1.0, 0.5, -1.0], [2.0, 1.0, -2.0]]",
        "X^T·dY = [[1.0, 0.5, -1.0], [2.0, 1.0, -2.0]]",
        "dB = [1.0, 0.5, -1.0] = dY",
    ],
    "fig_5_27": [
        "dB = [5.0, 7.0, 9.0] = the sum of the rows of dY",
        "dW = [[13.0, 17.0, 21.0], [18.0, 24.0, 30.0]]",
        "dX = [[22.0, 28.0], [49.0, 64.0]]",
    ],
    "fig_5_28": [
        "score 5.3 -> 0.008",
        "score 10.1 -> 0.991",
        "all ten add up to 1",
        "without softmax the largest score tells it too: 2",
    ],
    "fig_5_29": ["loss 1.6094", "y - t = 0.3000 -0.8000 0.5000"],
    "fig_5_30": [
        "y = (0.3, 0.2, 0.5): loss 1.6094, y - t = 0.30 -0.80 0.50",
        "y = (0.01, 0.99, 0): loss 0.01005, y - t = 0.01 -0.01 0.00",
    ],
    "a_1": ["-t/y = 0 -5 0", "S = 1, dL/dS = 1/S = 1", "y - t = 0.30 -0.80 0.50"],
    "a_2": ["y = 0.30 0.20 0.50", "L = 1.6094"],
    "a_3": ["S = 10", "y = 0.30 0.20 0.50"],
    "a_4": ["L = 1.6094 = -log(0.2)"],
    "a_5": ["-t/y = 0 -5 0"],
    "a_6": [
        "1: 0 -5 0",  # -t/y
        "2: -10",  # the sum of -t·S
        "3: 0.1",  # 1/S
        "4: 0.1 0.1 0.1",
        "5: 0.1 -0.4 0.1",  # 1/S - t/exp(a)
        "6: 0.3 -0.8 0.5",
    ],
    "qiita_function": ["z = 8, E f'(x) = 0.5 * 12 = 6"],
    "qiita_add": ["z = 5; 0.5 and 0.5 go back"],
    "qiita_multiply": ["z = 6; E y = 1.5 and E x = 1 go back"],
    "qiita_branch": ["z = 21; back go 4 + 6 = 10"],
    "qiita_sum": [
        "z = 10; back go 0.5 0.5 0.5 0.5",
        "[30.0, 33.0] ; back go [[0.5, -1.0], [0.5, -1.0], [0.5, -1.0]]",
    ],
    "qiita_broadcast": ["b is added up by columns: [9.0, 12.0]"],
    "qiita_batch_norm": ["dL/dβ = [6.0, 2.0]", "dL/dX adds up to 0.000000 0.000000"],
    "node_reciprocal": ["y = 0.25, dy/dx = -0.0625 = -y^2 = -0.0625"],
    "node_exp": ["y = 7.38906, dy/dx = 7.38906"],
    "node_log": ["y = -1.60944, dy/dx = 5"],
    "node_square": ["z = 9, dz/dt = 6"],
    "node_dot": ["s = 11, ds/dx = 3 4, ds/dw = 1 2"],
    "matrices_pic1": [
        "Y = [[1.0, 0.0], [2.5, -2.0]]",
        "dL/dW = [[17.0, -12.0], [24.0, -16.0]]",
        "dL/dX = [[1.0, 0.5], [10.5, -2.75]]",
    ],
    "matrices_pic2": [
        "dL/dy1 = dL/dz1 dz1/dy1 + dL/dz2 dz2/dy1 = 3*2 + 2*1 = 8",
        "dL/dy2 = dL/dz1 dz1/dy2 + dL/dz2 dz2/dy2 = 3*1 + 2*1 = 5",
    ],
    "matrices_pic3": ["dL/dx = dL/dy dy/dx + dL/dz dz/dx = 4*3 + 6*4 = 36"],
    "matrices_elements": [
        "s = [[5.0, 16.0], [25.0, 32.0]]",
        "dL/ds = 0.2000 0.0625 0.0400 0.0312",
        "dL/db = 0.2000 0.0625 0.0400 0.0312",
        "dL/dx = 1.0000 0.3750 0.2800 0.2500",
        "dL/dy = 0.2000 0.1250 0.1200 0.1250",
    ],
    "matrices_broadcast": ["dy_11/db = 1 0", "dy_12/db = 0 1", "dL/db = 9 12"],
    "matrices_descent": [
        "L = 0.6100, W = 0.50 -0.50 0.20 0.30",
        "L = 0.1525, W = 0.51 -0.61 0.22 0.08",
    ],
    "two_layer_deltas": [
        "E = 0.4900, y - d = 0.30 -0.80 0.50",
        "E = 1.6094, y - d = 0.30 -0.80 0.50",
    ],
    "training_1_sum": ["p = 4, dp/dx = 1, dp/dy = 1"],
    "training_2_product": [
        "p = 4, g = -12, dg/dg = 1",
        "dg/dp = -3",
        "dg/dx = -3",
        "dg/dy = -3",
        "dg/dz = 4",
    ],
    "training_3_steps": [
        "step 1: c = 2.2500, W = -0.5000, b = 0.5000",
        "step 2: c = 0.5625, W = -0.2000, b = 0.6500",
        "step 3: c = 0.1406, W = -0.0500, b = 0.7250",
        "step 4: c = 0.0352, W = 0.0250, b = 0.7625",
        "step 5: c = 0.0088, W = 0.0625, b = 0.7812",
        "step 6: c = 0.0022, W = 0.0813, b = 0.7906",
        "step 7: c = 0.0005, W = 0.0906, b = 0.7953",
    ],
    "program_relu": [
        "mask = [[False, True], [True, False]]",
        "out = [[1.0, 0.0], [0.0, 3.0]]",
        "dx = [[1.0, 0.0], [0.0, 1.0]]",
    ],
    "program_affine": [
        "y = [[9.5, 12.5, 15.5], [19.5, 26.5, 33.5]]",
        "dx = [[[[-2.0, -2.0]]], [[[6.0, 15.0]]]]",
        "shape of x: (2, 1, 1, 2)",
        "dW = [[4.0, 3.0, 2.0], [6.0, 4.0, 2.0]] db = [2.0, 1.0, 0.0]",
    ],
    "program_softmax_with_loss": 2 * [
        "loss 0.814820",
        "  (y - t)/2 = 0.1500 -0.4000 0.2500",
        "  (y - t)/2 = 0.0050 -0.0100 0.0050",
    ],
    "program_two_layer_net": [
        "Affine1: Affine(784, 50)",
        "Relu1: ReLU()",
        "Affine2: Affine(50, 10)",
        "39,760 parameters in W1, b1, W2, b2",
        "10 scores, accuracy 0",
    ],
}  # fmt: skip

HEADS, ACTS = ("regression", "classification"), ("sigmoid", "relu")

#: how pictures are named that do not bear the name of their script
NAMED = {"two_layer_networks": "two_layer_(regression|classification)_(sigmoid|relu)"}

#: figures of the book that its text describes; 5-23 and 5-26 it does not
FIGURES = [
    *(f"fig_5_{number:02}" for number in range(1, 31) if number not in (23, 26)),
    *(f"a_{number}" for number in range(1, 6)),
]

#: pictures, and all that is red in them
RED = {
    "fig_5_01": set(),
    "fig_5_02": set(),
    "fig_5_03": set(),
    "fig_5_04": set(),
    "fig_5_05": {"1", "1.1", "2.2"},
    "fig_5_06": {"∂L/∂y", "∂L/∂y·∂y/∂x"},
    "fig_5_07": {
        "∂z/∂z", "∂z/∂z·∂z/∂t", "∂z/∂z·∂z/∂t·∂t/∂x", "∂z/∂z·∂z/∂t·∂t/∂y",
    },
    "fig_5_08_1": {"1", "2t"},
    "fig_5_08_2": {"1", "2(x+y)"},
    "fig_5_09": {"∂L/∂z", "∂L/∂z·1"},
    "fig_5_10": {"1", "∂L/∂z", "∂L/∂z·1"},
    "fig_5_11": {"1.3"},
    "fig_5_12": {"∂L/∂z", "∂L/∂z·y", "∂L/∂z·x"},
    "fig_5_13": {"1.3", "6.5", "13"},
    "fig_5_14": {"1", "1.1", "2.2", "110", "200"},
    "fig_5_15_1": {"1"},
    "fig_5_15_2": {"1", "1.1", "2.2", "110", "3.3", "165", "650"},
    "fig_5_16": {"1", "1.1", "2.2", "110", "200"},
    "fig_5_17": {"1", "1.1", "2.2", "110", "3.3", "165", "650"},
    "fig_5_18_1": {"∂L/∂y", "∂L/∂y·1", "here x > 0", "1"},
    "fig_5_18_2": {"∂L/∂y", "1", "here x ≤ 0", "0"},
    "fig_5_19": set(),
    "fig_5_20_1": {"∂L/∂y", "−∂L/∂y·y²"},
    "fig_5_20_2": {"∂L/∂y", "−∂L/∂y·y²"},
    "fig_5_20_3": {"∂L/∂y", "−∂L/∂y·y²", "−∂L/∂y·y²·exp(−x)"},
    "fig_5_20_4": {"∂L/∂y", "−∂L/∂y·y²", "−∂L/∂y·y²·exp(−x)", "∂L/∂y·y²·exp(−x)"},
    "fig_5_21": {"∂L/∂y", "∂L/∂y·y²·exp(−x)"},
    "fig_5_22_1": {"∂L/∂y", "∂L/∂y·y(1−y)"},
    "fig_5_24": set(),
    "fig_5_25": {
        "1", "∂L/∂X (2,)", "∂L/∂W (2, 3)", "∂L/∂B (3,)", "∂L/∂(X·W) (3,)", "∂L/∂Y (3,)",
    },
    "fig_5_27": {
        "1", "∂L/∂X (N, 2)", "∂L/∂W (2, 3)", "∂L/∂B (3,)", "∂L/∂(X·W) (N, 3)", "∂L/∂Y (N, 3)",
    },
    "fig_5_28": set(),
    "fig_5_30_1": {
        "1", "−t₁/y₁", "−t₂/y₂", "−t₃/y₃", "y₁−t₁", "y₂−t₂", "y₃−t₃",
    },
    "fig_5_30_2": {"1", "0", "−5", "0.3", "−0.8", "0.5"},
    "fig_5_30_3": {"1", "0.01", "−0.01", "0"},
    "a_2": set(),
    "a_3": set(),
    "a_4": set(),
    "a_5": {"1", "−1", "−t₁", "−t₂", "−t₃", "−t₁/y₁", "−t₂/y₂", "−t₃/y₃"},
    "a_6_1": {"1", "−t₁/y₁", "−t₂/y₂", "−t₃/y₃"},
    "qiita_function": {"∂L/∂z", "0.5", "∂L/∂z·∂z/∂x", "6"},
    "qiita_add": {"∂L/∂z", "0.5", "∂L/∂z·1"},
    "qiita_multiply": {"∂L/∂z", "0.5", "∂L/∂z·y", "1.5", "∂L/∂z·x", "1"},
    "qiita_branch": {"1", "4", "6", "10"},
    "qiita_broadcast": {"1", "3", "5", "9"},
    "qiita_sum_1": {"0.5"},
    "qiita_sum_2": {"0.5"},
    "node_exp": {"∂L/∂y", "1", "∂L/∂y·y", "7.38906"},
    "node_log": {"∂L/∂y", "1", "∂L/∂y·1/x", "5"},
    "node_square": {"∂L/∂z", "1", "∂L/∂z·2t", "6"},
    "node_dot_1": {"∂L/∂s", "∂L/∂s·w1", "∂L/∂s·w2", "∂L/∂s·x1", "∂L/∂s·x2"},
    "matrices_broadcast": {"1", "∂L/∂X (N, D)", "∂L/∂b (D,)", "∂L/∂Y (N, D)"},
    "matrices_pic2_2": {"1", "3", "2", "6", "8", "5"},
    "matrices_pic3_2": {"1", "4", "6", "12", "24", "36"},
    "training_1_sum": {"1"},
    "training_2_product_1": {"1", "−3", "4"},
    "training_2_product_2": {"1", "z", "p"},
    "training_3_steps_1": set(),
    "training_3_steps_2": {"1", "−3", "−6"},
    "training_3_steps_3": set(),
    "two_layer_deltas_1": {"1", "0.3", "−0.8", "0.5"},
    "two_layer_deltas_2": {"1", "0.3", "−0.8", "0.5"},
    "program_relu": {"1", "0"},
}  # fmt: skip

#: larger pictures, and some of what is red in them
RED_AMONG_OTHERS = {
    "fig_5_22_2": {"= ∂L/∂y·y(1−y)", "∂L/∂y·y²·exp(−x)"},
    "fig_5_29": {"y₁−t₁", "y₂−t₂", "y₃−t₃", "−t₁·S", "1/S", "−t₁/y₁"},
    "a_1_1": {"y₁−t₁", "−t₁·S", "−S", "1/S", "−t₁/exp(a₁)", "1/S−t₁/exp(a₁)", "−t₁/y₁"},
    "a_1_2": {"0.3", "−0.8", "0.5", "−5"},
    "a_6_2": {"−t₁·S", "−t₂·S", "−t₃·S"},
    "a_6_3": {"1/S"},
    "a_6_4": {"1/S"},
    "a_6_5": {"−t₁/exp(a₁)", "1/S−t₁/exp(a₁)"},
    "a_6_6": {"y₁−t₁", "y₂−t₂", "y₃−t₃"},
    "matrices_pic1": {"∂L/∂W (2, 2)", "∂L/∂Y (2, 2)", "∂L/∂Z (2, 2)"},
    "matrices_pic2_1": {"∂L/∂L·∂L/∂z₁·∂z₁/∂y₁", "∂L/∂L·∂L/∂z₂·∂z₂/∂y₁"},
    "matrices_pic3_1": {"∂L/∂L·∂L/∂y·∂y/∂x", "∂L/∂L·∂L/∂z·∂z/∂x"},
    "two_layer_regression_sigmoid_1": {"y₁−d₁", "h₁(y₁−d₁)", "h₂(y₂−d₂)"},
    "two_layer_regression_sigmoid_2": {"v₁₁(y₁−d₁)", "v₁₁(y₁−d₁)+v₂₁(y₂−d₂)"},
    "two_layer_regression_sigmoid_3": {"h₁(1−h₁)(v₁₁(y₁−d₁)+v₂₁(y₂−d₂))"},
    "two_layer_regression_relu_3": {"v₁₁(y₁−d₁)+v₂₁(y₂−d₂)", "0"},
    "two_layer_classification_sigmoid_1": {"y₁−d₁", "−d₁/y₁", "h₁(y₁−d₁)"},
    "two_layer_classification_sigmoid_3": {"h₁(1−h₁)(v₁₁(y₁−d₁)+v₂₁(y₂−d₂))"},
    "two_layer_classification_relu_3": {"v₁₁(y₁−d₁)+v₂₁(y₂−d₂)", "0"},
    "program_two_layer_net": {"∂L/∂W1 (784, 50)", "∂L/∂b2 (10,)"},
}

#: pictures, and some of what stands above their black arrows
BLACK = {
    "fig_5_01": {"100", "200", "220", "2", "1.1"},
    "fig_5_03": {"200", "450", "650", "715"},
    "fig_5_04": {"200", "4000", "4200", "4620", "(4,)"},
    "fig_5_19": {"−x", "exp(−x)", "1+exp(−x)", "y"},
    "fig_5_24": {"(2,)", "(2, 3)", "X·W (3,)", "(3,)", "Y (3,)"},
    "fig_5_27": {"(N, 2)", "X·W (N, 3)", "Y (N, 3)"},
    "fig_5_28": {"5.3", "10.1", "(8,)", "y₀ = 0.00816", "y₂ = 0.991"},
    "a_3": {"exp(a₁)", "S", "1/S", "y₁"},
    "a_4": {"log(y₁)", "t₁·log(y₁)"},
    "training_2_product_1": {"1", "3", "−3", "p = 4", "−12"},
}


def load_draw_all() -> Any:
    spec = importlib.util.spec_from_file_location("draw_all", GALLERY / "draw_all.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["draw_all"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@dataclass
class Run:
    """What one run of `draw_all` left: files in a folder, and what lies behind them."""

    folder: Path
    shown: dict[str, Any]  # by the name of the script
    drawn: dict[str, Picture]  # by the name of the file
    said: dict[str, list[tuple[str, float, Reader]]]  # of those in symbols


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("gallery")
    drawn: dict[str, Picture] = {}
    texts: dict[str, list[tuple[str, float, Reader]]] = {}
    views: list[View] = []
    save, view = Drawing.save, pictures.view

    def keep_view(*given: Any, **options: Any) -> View:
        views.append(view(*given, **options))
        return views[-1]

    def keep(drawing: Drawing, path: str) -> None:
        assert path not in drawn, f"two scripts draw {path}"
        drawn[path] = drawing.picture
        graph, wording = views[-1].graph, views[-1].wording
        wording = getattr(wording, "symbols", wording)
        if isinstance(wording, Symbols):  # read now: a script may change the numbers
            texts[path] = list(said(View(graph, wording, "")))
        save(drawing, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawing, "save", keep)
        patch.setattr(pictures, "view", keep_view)
        draw_all = load_draw_all()
        sections = draw_all.run_all()
        (folder / "pictures").mkdir()
        draw_all.write(sections, folder)
        yield Run(
            folder, {one.name: one for part in sections.values() for one in part}, drawn, texts
        )
        del sys.modules["draw_all"]


def texts(picture: Picture, style: str) -> set[str]:
    return {text.content for text in picture.texts if text.style == style and text.content}


def numbers(line: str) -> list[float]:
    """Return the numbers behind the equals sign."""
    return [float(word) for word in line.partition("=")[2].split()]


# -- all of it ------------------------------------------------------------------------------


def test_gallery_is_as_committed(run: Run) -> None:
    committed = {path.name: path for path in (GALLERY / "pictures").iterdir()}
    drawn = {path.name: path for path in (run.folder / "pictures").iterdir()}

    assert drawn.keys() == committed.keys()
    different = [n for n in drawn if drawn[n].read_bytes() != committed[n].read_bytes()]
    assert different == [], "run python3 examples/gallery/draw_all.py and look at the pictures"
    page = (run.folder / "README.md").read_text(encoding="utf-8")
    assert page == (GALLERY / "README.md").read_text(encoding="utf-8")


def test_every_picture_is_named_after_its_script(run: Run) -> None:
    for name, shown in run.shown.items():
        for picture in shown.pictures:
            assert re.fullmatch(rf"{NAMED.get(name, name)}(_\d)?\.svg", picture)
    assert run.drawn.keys() == set(PICTURES)


def test_every_figure_of_the_book_has_a_script_and_a_picture() -> None:
    for figure in FIGURES:
        assert figure in SCRIPTS
        assert any(re.fullmatch(rf"{figure}(_\d)?\.svg", picture) for picture in PICTURES)


def test_every_script_has_its_numbers_asserted() -> None:
    others = ["fig_5_10", "through_time", "program_gradient_check", "program_train_neuralnet"]

    assert sorted([*PRINTED, *NAMED, *others]) == SCRIPTS


def test_every_script_has_an_english_and_a_japanese_caption_and_a_source(run: Run) -> None:
    page = (run.folder / "README.md").read_text(encoding="utf-8")
    japanese = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")

    assert sorted(run.shown) == SCRIPTS
    for name, shown in run.shown.items():
        assert re.fullmatch(r"\S.*\.", shown.english)
        assert not japanese.search(shown.english)
        assert japanese.search(shown.japanese)
        assert shown.japanese.endswith("。")
        assert "\nSource: " in (GALLERY / f"{name}.py").read_text(encoding="utf-8")
        assert f"]({name}.py)** — {shown.english}<br>\n{shown.japanese}\n" in page
        for picture in shown.pictures:
            assert f"](pictures/{picture})" in page


def test_page_links_every_section_and_every_picture_under_its_own_title(run: Run) -> None:
    page = (run.folder / "README.md").read_text(encoding="utf-8")

    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    links = re.findall(r"^- \[(.*)\]\(#(.*)\)$", page, re.MULTILINE)
    assert [heading for heading, _ in links] == headings
    assert ("Matrices · 行列", "matrices--行列") in links
    images = re.findall(r"^\[!\[(.*)\]\((.*)\)\]\((.*)\)$", page, re.MULTILINE)
    assert [picture for _, picture, _ in images] == [picture for _, _, picture in images]
    assert sorted(picture for _, picture, _ in images) == [f"pictures/{name}" for name in PICTURES]
    titles = {picture: title for title, picture, _ in images}
    assert titles["pictures/fig_5_20_2.svg"] == "fig_5_20: Step 2: the node +"


def test_japanese_captions_have_full_width_colons_and_brackets(run: Run) -> None:
    letters = "\u3040-\u30ff\u4e00-\u9fff"
    for shown in run.shown.values():
        assert not re.search(rf"[{letters}][:(]|\([{letters}]|[{letters}]\)", shown.japanese)


# -- numbers --------------------------------------------------------------------------------


def test_every_formula_says_its_number(run: Run) -> None:
    assert len(run.said) > 40
    assert sum(map(len, run.said.values())) > 1300
    for picture, texts in run.said.items():
        for text, number, reader in texts:
            assert is_said(text, number, reader), (picture, text, number)


@pytest.mark.parametrize("name", PRINTED)
def test_script_prints_the_numbers_of_its_source(name: str, run: Run) -> None:
    assert run.shown[name].printed.splitlines() == PRINTED[name]


def test_fig_5_10_hands_one_number_to_both_operands(run: Run) -> None:
    gradients = re.findall(r"\d\.\d{3}e-\d\d", run.shown["fig_5_10"].printed)

    assert len(gradients) == 3
    assert len(set(gradients)) == 1


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("head", HEADS)
def test_two_layer_prints_the_lectures_deltas(head: str, act: str, run: Run) -> None:
    x, w, b = (1.0, 0.5), ((0.4, 0.2), (-0.9, 0.6)), (0.1, -0.1)
    v, c, d = ((0.7, -0.2), (0.3, 0.5)), (0.2, 0.0), (1.0, 0.0)
    u = [w[j][0] * x[0] + w[j][1] * x[1] + b[j] for j in (0, 1)]
    h = [max(u_j, 0.0) if act == "relu" else 1 / (1 + math.exp(-u_j)) for u_j in u]
    slope = [
        float(u_j > 0) if act == "relu" else h_j * (1 - h_j) for u_j, h_j in zip(u, h, strict=True)
    ]
    a = [v[k][0] * h[0] + v[k][1] * h[1] + c[k] for k in (0, 1)]
    if head == "regression":
        y = a
        error = sum((y_k - d_k) ** 2 for y_k, d_k in zip(y, d, strict=True)) / 2
    else:
        y = [math.exp(a_k) / (math.exp(a[0]) + math.exp(a[1])) for a_k in a]
        error = -math.log(y[0])
    outer = [y_k - d_k for y_k, d_k in zip(y, d, strict=True)]
    back = [outer[0] * v[0][j] + outer[1] * v[1][j] for j in (0, 1)]
    inner = [back[j] * slope[j] for j in (0, 1)]

    printed = run.shown["two_layer_networks"].printed
    lines = printed.partition(f"{head}, {act}: ")[2].splitlines()[:6]

    assert [line.partition(" =")[0] for line in lines] == [
        "E", "dE/dv", "dE/dc", "dE/dh", "dE/dw", "dE/db",
    ]  # fmt: skip
    expected = [
        [error],
        [outer[k] * h[j] for k in (0, 1) for j in (0, 1)],
        outer,
        back,
        [inner[j] * x[i] for j in (0, 1) for i in (0, 1)],
        inner,
    ]
    for line, values in zip(lines, expected, strict=True):
        assert numbers(line) == pytest.approx(values, abs=6e-7)


def test_through_time_prints_the_gradient_of_shared_weights(run: Run) -> None:
    def loss(u: float, w: float) -> float:
        h = 0.0
        for x in (1, -1, 2):
            h = math.tanh(u * h + w * x)
        return (h - 1) ** 2

    def slope(u: float, w: float, step: float = 1e-5) -> float:
        return (loss(0.8 + u * step, 0.5 + w * step) - loss(0.8 - u * step, 0.5 - w * step)) / (
            2 * step
        )

    printed = run.shown["through_time"].printed
    results = [float(number) for number in re.findall(r"= (-?[\d.]+)", printed)]

    assert results == pytest.approx([loss(0.8, 0.5), slope(1, 0), slope(0, 1)], abs=1e-6)


def test_gradient_check_agrees_for_every_key(run: Run) -> None:
    lines = run.shown["program_gradient_check"].printed.splitlines()
    if not MNIST:
        assert lines.pop(0).startswith("no MNIST, as SCALARGRAD_MNIST names no folder")

    assert [line.partition(":")[0] for line in lines] == ["W1", "b1", "W2", "b2"]
    for line in lines:
        assert 0.0 < float(line.split()[1]) < 1e-6


def test_train_neuralnet_learns(run: Run) -> None:
    lines = run.shown["program_train_neuralnet"].printed.splitlines()
    steps = [re.fullmatch(r"after (\d+) .* ([\d.]+), test accuracy ([\d.]+)", s) for s in lines]

    assert [match[1] for match in steps] == ["0", "100", "200", "300"]
    assert float(steps[0][2]) < 0.3
    assert float(steps[-1][2]) > 0.9
    assert float(steps[-1][3]) > 0.85


# -- pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RED)
def test_picture_has_only_these_red_texts(name: str, run: Run) -> None:
    assert texts(run.drawn[f"{name}.svg"], "backward") == RED[name]


@pytest.mark.parametrize("name", RED_AMONG_OTHERS)
def test_picture_has_these_red_texts_among_others(name: str, run: Run) -> None:
    assert texts(run.drawn[f"{name}.svg"], "backward") >= RED_AMONG_OTHERS[name]


@pytest.mark.parametrize("name", BLACK)
def test_picture_has_these_black_texts(name: str, run: Run) -> None:
    assert texts(run.drawn[f"{name}.svg"], "forward") >= BLACK[name]


def test_a_picture_of_each_step_has_more_red_than_the_one_before(run: Run) -> None:
    for name, last in (("fig_5_20", 4), ("a_6", 6), ("two_layer_regression_sigmoid", 3)):
        steps = [run.drawn[f"{name}_{step}.svg"] for step in range(1, last + 1)]
        red = [sum(line.backward for line in picture.arrows) for picture in steps]
        assert red == sorted(set(red))


def test_exercise_leaves_eight_boxes_empty(run: Run) -> None:
    assert [blank.number for blank in run.drawn["fig_5_15_1.svg"].blanks] != []
    assert len(run.drawn["fig_5_15_1.svg"].blanks) == 8
    assert not run.drawn["fig_5_15_2.svg"].blanks


@pytest.mark.parametrize("name", PICTURES)
def test_picture_has_no_collisions(name: str, run: Run) -> None:
    assert collisions(run.drawn[name]) == []


# -- the command ----------------------------------------------------------------------------


def start(script: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-W", "error", script, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def copied(folder: Path, **scripts: str) -> Path:
    """Copy the command beside other scripts."""
    for name, code in scripts.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    command = folder / "draw_all.py"
    command.write_bytes((GALLERY / "draw_all.py").read_bytes())
    return command


def test_script_runs_by_itself(run: Run, tmp_path: Path) -> None:
    done = start(GALLERY / "fig_5_08.py", tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run.shown["fig_5_08"].printed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == (
        run.shown["fig_5_08"].pictures
    )


def test_draw_all_draws_what_stands_beside_it_into_another_folder(tmp_path: Path) -> None:
    code = '"""One.\n一。\n"""\nimport pathlib; pathlib.Path("node_one.svg").write_text("<svg/>")\n'
    command = copied(tmp_path, node_one=code)

    done = start(command, tmp_path, "drawn/here")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("README.md and pictures (1) are in ")
    assert (tmp_path / "drawn/here/pictures/node_one.svg").read_text() == "<svg/>"
    assert "[`node_one.py`](node_one.py)** — One.<br>\n一。\n" in (
        (tmp_path / "drawn/here/README.md").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("scripts", "arguments", "message"),
    [
        ({}, ["a", "b"], "draw_all: wants one folder or none; got 2 arguments"),
        ({}, ["draw_all.py"], "draw_all: needs a folder that can be written to; "),
        ({"other": "x = 1"}, ["here"], "draw_all: names must begin with one of fig_5_, "),
        ({"a_9": "1 / 0"}, ["here"], "draw_all: a_9.py must run; ZeroDivisionError: division"),
    ],
)
def test_draw_all_refuses_in_one_line(
    scripts: dict[str, str], arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = start(copied(tmp_path, **scripts), tmp_path, *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(message)
