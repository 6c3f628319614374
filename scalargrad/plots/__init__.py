"""Pictures of learning, by matplotlib: curves of loss and accuracy, decision boundaries."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import accumulate, cycle
from typing import Any

from .. import errors
from ..core.arguments import by_position, is_list, number, samples, whole
from ..core.arithmetic import is_value
from ..core.modes import no_grad
from ..core.whole_files import path_text, write_whole
from ..functions.elementary import listed

__all__ = ["curves", "decision_boundary", "save"]
__dir__: Callable[[], list[str]] = __all__.copy

_INK, _FAINT = "#333333", "#e6e6e6"
#: distinct to most colour-blind readers too (Okabe, Ito)
_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#666666"]


def curves(
    steps: Sequence[float],
    loss: dict[str, list[float]],
    accuracy: dict[str, list[float]],
    steps_per_epoch: float,
) -> Any:
    """Draw the loss of each step and epoch and, where there is one, the accuracy.

    Raises: `ImportError` without matplotlib, `TypeError` for what are no lists of numbers,
    `ValueError` without a step.
    """
    steps = _column("steps", steps)
    loss, accuracy = _columns("loss", loss), _columns("accuracy", accuracy)
    steps_per_epoch = number("curves", "steps_per_epoch", steps_per_epoch)
    if not steps or not 0.0 < steps_per_epoch < math.inf:
        must = "needs at least one step, and a positive number of steps an epoch"
        got = f"{len(steps)} steps and {steps_per_epoch!r}"
        raise errors.InputError(f"curves: {must}; got {got}; pass e.g. history.steps and 10")
    has_accuracy = any(accuracy.values())
    figure = _figure("plot", (9.6 if has_accuracy else 5.6, 3.8))
    panels = figure.subplots(1, 2 if has_accuracy else 1, squeeze=False)[0]
    epochs = max(map(len, loss.values()), default=0)
    span = 1.0 / steps_per_epoch if epochs else 1.0  # where a step stands on the axis of epochs
    epochs_at = [span * (step + 1) for step in range(len(steps))]
    _dress(panels[0], "epoch" if epochs else "step", "loss")
    if epochs != len(steps):  # else each epoch is one step
        panels[0].plot(epochs_at, steps, color=_COLOURS[0], alpha=0.25, linewidth=0.8)
    _lines(panels[0], loss)
    shown = [step for step in steps if math.isfinite(step)]
    if shown and min(shown) > 0.0 and max(shown) > 100.0 * min(shown):
        panels[0].set_yscale("log")
        panels[0].minorticks_off()
    else:
        low, high = min([0.0, *shown]), panels[0].dataLim.y1
        panels[0].set_ylim(low, high + 0.05 * (high - low) if low < high < math.inf else None)
    if has_accuracy:
        _dress(panels[1], "epoch", "accuracy")
        _lines(panels[1], accuracy)
        shares = [x for numbers in accuracy.values() for x in numbers if math.isfinite(x)]
        panels[1].set_ylim(max(0.0, min([1.0, *shares]) - 0.05), 1.01)
    for panel, corner in zip(panels, ("upper right", "lower right"), strict=False):
        panel.set_xlim(0, max(epochs_at))
        if len(panel.get_legend_handles_labels()[0]) > 0:
            panel.legend(frameon=False, labelcolor=_INK, loc=corner)
    return figure


def decision_boundary(
    model: Callable[[Any], Any],
    inputs: Iterable[Any],
    targets: Iterable[Any] | None = None,
    *,
    title: str = "",
    resolution: int = 90,
) -> Any:
    """Draw how a model of two inputs divides the plane, and the samples on it.

    The model gives one score (the sign decides) or a score for each class (the largest decides).
    Without targets, `inputs` are pairs (input, target).

    Raises: `ImportError` without matplotlib, `ValueError` where samples have not two inputs.
    """
    who = "decision_boundary"
    given, ts = samples(who, inputs, targets)
    points = [by_position(sample) for sample in given]
    for sample in points:
        if not is_list(sample) or len(sample) != 2:
            raise errors.InputError(
                errors.unwanted(who, "samples need two inputs", sample, "pass (x, y)")
            )
    points = [[number(who, "each input", x) for x in sample] for sample in points]
    for target in ts:
        if not isinstance(target, Hashable) or getattr(target, "ndim", 0) != 0 or target != target:
            remedy = "pass a number or a text for each sample"
            raise errors.OperandError(
                errors.unwanted(who, "each target must be a class", target, remedy)
            )
    resolution = whole(who, "resolution", resolution, 2)
    figure = _figure(who, (5.6, 4.8))
    panel = figure.subplots()
    xs, ys = (_ticks([sample[axis] for sample in points], resolution) for axis in (0, 1))
    grid = no_grad().call(lambda: [[_scores(model([x, y])) for x in xs] for y in ys])
    _dress(panel, "x", "y")
    panel.grid(visible=False)
    panel.imshow(
        [[_blend(scores) for scores in row] for row in grid],
        extent=(*_ends(xs), *_ends(ys)),
        origin="lower",
        interpolation="bicubic",
        aspect="auto",
    )
    for margin in _margins(grid):
        panel.contour(xs, ys, margin, levels=[0.0], colors=_INK, linewidths=1.4)
    for colour, label in zip(cycle(_COLOURS), _classes(ts), strict=False):
        own = [sample for sample, target in zip(points, ts, strict=True) if target == label]
        style = {"s": 30, "color": colour, "edgecolor": "white", "linewidth": 0.8, "zorder": 3}
        panel.scatter(*zip(*own, strict=True), label=f"{label}", **style)
    panel.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))
    panel.set_title(title, color=_INK, fontsize=11)
    panel.legend(title="class", loc="upper right", framealpha=0.85, edgecolor="none")
    return figure


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure, whole or not at all; the suffix chooses the format.

    Raises: `ValueError` for another suffix or a path that cannot be written.
    """
    name = path_text("save", "path", path, "plot.png")
    if not callable(getattr(figure, "savefig", None)) or not hasattr(figure, "canvas"):
        remedy = "pass e.g. history.plot()"
        raise errors.OperandError(
            errors.unwanted("save", "wants a figure of matplotlib", figure, remedy)
        )
    kind = os.path.splitext(name)[1][1:].lower()
    kinds = figure.canvas.get_supported_filetypes()
    if kind not in kinds:
        raise errors.InputError(
            errors.unwanted("save", "the suffix must name a format", name, "write e.g. plot.png")
        )
    content = io.BytesIO()
    figure.savefig(content, format=kind, dpi=160)
    write_whole("save", name, content.getvalue())


# -- parts ----------------------------------------------------------------------------------


def _column(what: str, numbers: Any) -> list[float]:
    must, remedy = "a list of numbers", "pass e.g. history.steps"
    column = listed("curves", numbers, f"{what} as {must}", remedy)
    return [number("curves", f"each number of {what}", x) for x in column]


def _columns(what: str, named: Any) -> dict[str, list[float]]:
    if not isinstance(named, Mapping):
        must, remedy = f"{what} must be a dict of lists", "pass e.g. {'training': history.loss}"
        raise errors.OperandError(errors.unwanted("curves", must, named, remedy))
    return {str(name): _column(what, numbers) for name, numbers in named.items()}


def _figure(who: str, size: tuple[float, float]) -> Any:
    try:
        from .shown_figure import figure
    except ImportError:
        raise errors.missing_extra(who, "matplotlib", "plots") from None
    return figure(size)


def _dress(panel: Any, x: str, y: str) -> None:
    panel.set_xlabel(x, color=_INK)
    panel.set_ylabel(y, color=_INK)
    panel.grid(color=_FAINT, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=_INK, length=0)
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_FAINT)


def _lines(panel: Any, named: dict[str, list[float]]) -> None:
    for colour, (name, numbers) in zip(_COLOURS, named.items(), strict=False):
        # what was measured while learning is a mean over its epoch and stands in its middle
        shift = 0.5 if name == "training" else 1.0
        epochs = [epoch + shift for epoch in range(len(numbers))]
        mark = "o-" if len(numbers) <= 20 else "-"
        if numbers:
            style = {"color": colour, "markersize": 4, "label": name, "clip_on": False}
            panel.plot(epochs, numbers, mark, **style)


def _classes(targets: Any) -> list[Any]:
    """Return the classes in order; by their texts where they have none, as a text and a number."""
    classes = set(targets)
    try:
        return sorted(classes)
    except TypeError:
        return sorted(classes, key=str)


def _ticks(numbers: Sequence[float], count: int) -> list[float]:
    low, high = min(numbers), max(numbers)
    edge = 0.12 * (high - low) or 1.0
    step = (high - low + 2 * edge) / (count - 1)
    return list(accumulate([step] * (count - 1), initial=low - edge))


def _ends(ticks: list[float]) -> tuple[float, float]:
    """Return the outer edges of pixels that have their middles at the ticks."""
    half = (ticks[1] - ticks[0]) / 2
    return ticks[0] - half, ticks[-1] + half


def _scores(output: Any) -> list[float]:
    """Return a score for each class; one score is that of the second of two classes."""
    listed = list(output) if is_list(output) else [output]
    numbers = [x._data if is_value(x) else float(x) for x in listed]
    return [-numbers[0], numbers[0]] if len(numbers) == 1 else numbers


def _margins(grid: list[list[list[float]]]) -> list[list[list[float]]]:
    """Return, for each class but the first of two, how far it is ahead of the best other one."""
    classes = len(grid[0][0])
    return [
        [[row[one] - max(row[:one] + row[one + 1 :]) for row in line] for line in grid]
        for one in range(1 if classes == 2 else 0, classes)
    ]


def _blend(scores: list[float]) -> tuple[float, ...]:
    """Mix the classes' colours by their softmax, much lightened."""
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    mixed = [0.0, 0.0, 0.0]
    for weight, colour in zip(weights, cycle(_COLOURS), strict=False):
        for channel in range(3):
            part = int(colour[1 + 2 * channel : 3 + 2 * channel], 16) / 255
            mixed[channel] += weight / sum(weights) * part
    return tuple(0.66 + 0.34 * part for part in mixed)
