"""Losses: one node for a sample, the mean over the batch where there is one."""

from __future__ import annotations

import operator
from typing import Any

from .. import errors
from ..core.arguments import as_number, is_iterable, number
from ..core.arithmetic import are_values, is_value
from ..core.nesting import flat
from ..table import ops
from ..table.row import ManyRow
from .elementary import apply_many, check_lengths, listed


def mse(prediction: Any, target: Any) -> Any:
    """Take the mean squared error of one prediction, or of lists of them.

    Maths: z = Σ(x − t)²/n, dz/dx = 2(x − t)/n
    Shapes: numbers; n and n; N × n and N × n (the mean over the batch)
    Raises: `ValueError` where the shapes differ.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _paired("mse", ops.MSE, prediction, target)


def mae(prediction: Any, target: Any) -> Any:
    """Take the mean absolute error of one prediction, or of lists of them.

    Maths: z = Σ|x − t|/n, dz/dx = sign(x − t)/n
    Shapes: numbers; n and n; N × n and N × n (the mean over the batch)
    Domain: any; where both agree the derivative is taken as 0, and in graphs of gradients as that
    of one side, so that mae(x, t)**2 has its second derivative; the kink of mae itself has none,
    its 0 is a convention
    Raises: `ValueError` where the shapes differ.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return _paired("mae", ops.MAE, prediction, target)


def hinge(scores: Any, labels: Any) -> Any:
    """Take the mean of max(0, 1 − label·score), labels being −1 or 1.

    Maths: z = Σ max(0, 1 − y·s)/n, ds = −y/n where y·s < 1, else 0
    Shapes: numbers; n and n; N × n and N × n (the mean over the batch)
    Raises: `ValueError` for another label, or where the lengths differ.
    Source: Cortes, Vapnik, Support-Vector Networks (soft margin)

    >>> hinge([0.5, -2.0], [1, -1])
    0.25
    """
    labels = listed("hinge", labels) if is_iterable(labels) else [labels]
    plain = set(map(type, labels)) <= {int, float}
    for label in dict.fromkeys(labels) if plain else flat(labels):  # few of many differ
        if not is_value(label) and as_number(label, "hinge", "a label") not in (-1, 1):
            raise errors.InputError(
                errors.unwanted(
                    "hinge", "labels must be -1 or 1", label, "map classes 0, 1 to them"
                )
            )
    if plain:
        labels = list(map(float, labels))
    return _paired("hinge", ops.HINGE, scores if is_iterable(scores) else [scores], labels)


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Any:
    """Take the mean cross entropy of sigmoid(logit), targets being between 0 and 1.

    Maths: z = Σ(max(x, 0) − x·t + log(1 + exp(−|x|)))/n, dz/dx = (sigmoid(x) − t)/n
    Shapes: numbers; n and n; N × n and N × n (the mean over the batch)
    Raises: `ValueError` for a target outside [0, 1], or where the lengths differ.

    >>> round(binary_cross_entropy_with_logits(0.0, 1), 6)
    0.693147
    """
    who = "binary_cross_entropy_with_logits"
    logits, targets = (
        listed(who, operands) if is_iterable(operands) else [operands]
        for operands in (logits, targets)
    )
    for target in flat(targets):
        if is_value(target):
            continue
        if not 0.0 <= number(who, "each target", target) <= 1.0:
            raise errors.InputError(
                errors.unwanted(
                    who, "targets must be within 0 and 1", target, "map labels -1, 1 to 0, 1"
                )
            )
    return _paired(who, ops.BCE, logits, targets)


def cross_entropy(logits: Any, target: Any) -> Any:
    """Take the cross entropy of softmax(logits): one node with logits, no probabilities between.

    Maths: z = −Σ t·log softmax(x), dz/dx = softmax(x)·Σt − t
    Shapes: n and a class 0..n−1 or n probabilities; N × n and N of either (the mean)
    Raises: `ValueError` for a class out of range or a wrong length.
    Source: Saito, Deep Learning from Scratch, section 5.6.3 and appendix A

    >>> round(cross_entropy([0.0, 0.0], 1), 6)
    0.693147
    """
    who = "cross_entropy"
    logits = listed(who, logits, "a list of logits", "write cross_entropy([a, b], 0)")
    if not logits:
        raise errors.InputError(
            errors.unwanted(who, "needs at least one logit", logits, "pass [1.0, 2.0]")
        )
    if is_iterable(logits[0]):
        targets = listed(who, target, "one target a sample", "pass e.g. [0, 1]")
        if len(logits) != len(targets):
            raise errors.InputError(
                f"{who}: needs one target a sample; got {len(logits)} samples and"
                f" {len(targets)} targets; check their shapes"
            )
        samples = [cross_entropy(x, t) for x, t in zip(logits, targets, strict=True)]
        return apply_many(ops.MEAN, samples)
    return apply_many(ops.CROSS_ENTROPY, logits, _probabilities(len(logits), target))


def _probabilities(classes: int, target: Any) -> list[Any]:
    if is_iterable(target):
        probabilities = listed("cross_entropy", target)
        if len(probabilities) != classes:
            raise errors.InputError(
                f"cross_entropy: needs one probability a class; got {len(probabilities)} for"
                f" {classes} classes; check the shapes"
            )
        return probabilities
    if is_value(target) and hasattr(type(target), "__index__"):  # of `compile`
        if 0 <= target < classes:
            label: Any = target.detach()
            return [(1.0 - abs(label - float(index))).relu() for index in range(classes)]
        chosen: int | None = -1
    else:
        chosen = _index(target)
    if chosen is None or isinstance(target, bool):
        raise errors.OperandError(
            errors.unwanted(
                "cross_entropy", "target must be a class index or probabilities", target,
                "pass e.g. 2 or [0, 0, 1]",
            )
        )  # fmt: skip
    if not 0 <= chosen < classes:
        raise errors.InputError(
            errors.unwanted(
                "cross_entropy", f"target must be a class from 0 to {classes - 1}", target,
                "check the labels or the number of logits",
            )
        )  # fmt: skip
    return [1.0 if index == chosen else 0.0 for index in range(classes)]


def _index(target: Any) -> int | None:
    try:
        return operator.index(target)
    except TypeError:
        return None


def _paired(who: str, row: ManyRow, prediction: Any, target: Any) -> Any:
    if not (is_iterable(prediction) or is_iterable(target)):
        return _sample(who, row, [prediction], [target])
    remedy = f"write {who}([a, b], [c, d])"
    xs = listed(who, prediction, "as many predictions as targets", remedy)
    ys = listed(who, target, "as many targets as predictions", remedy)
    check_lengths(who, xs, ys)
    if not xs:
        raise errors.InputError(
            errors.unwanted(who, "needs at least one prediction", xs, "pass e.g. [1.0]")
        )
    if is_iterable(xs[0]):
        return apply_many(ops.MEAN, [_paired(who, row, x, y) for x, y in zip(xs, ys, strict=True)])
    return _sample(who, row, xs, ys)


def _sample(who: str, row: ManyRow, xs: list[Any], ys: list[Any]) -> Any:
    return apply_many(
        row, _numbers(who, "each prediction", xs), _numbers(who, "each target", ys), who=who
    )


def _numbers(who: str, what: str, operands: list[Any]) -> list[Any]:
    """Return the operands with plain numbers as floats."""
    if are_values(operands, float):
        return operands
    return [x if is_value(x) else number(who, what, x) for x in operands]
