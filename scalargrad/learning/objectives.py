"""Losses by name: how they are computed over a batch, and what counts as a correct answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import errors
from ..core.arguments import by_position, is_list
from ..functions import losses


@dataclass(frozen=True)
class Objective:
    """A loss over a batch, and what counts as a correct answer to one sample."""

    compute: Callable[[list[Any], list[Any]], Any]
    is_correct: Callable[[Any, Any], bool] | None
    batched: Batched | None = None  # of a loss that is the mean of that of each sample


@dataclass(frozen=True)
class Batched:
    """What a loss is over arrays: a row a sample."""

    are_targets: Callable[[Any], bool]  # else the loss itself raises
    expected: str  # a sentence on what they are
    correct: Callable[[Any, Any], Any] | None  # outputs and targets -> which are correct


def _cross_entropy(outputs: list[Any], targets: list[Any]) -> Any:
    for output in outputs:
        if not is_list(output) or len(output) < 2:
            raise errors.InputError(
                errors.unwanted(
                    "fit",
                    "cross_entropy needs a list of two or more scores a sample",
                    output,
                    'use "binary_cross_entropy" or "hinge" for one output',
                )
            )
    return losses.cross_entropy(outputs, targets)


def _one_output(loss: Callable[[Any, Any], Any]) -> Callable[[list[Any], list[Any]], Any]:
    def compute(outputs: list[Any], targets: list[Any]) -> Any:
        return loss([_alone(x, t) for x, t in zip(outputs, targets, strict=True)], targets)

    return compute


def _alone(output: Any, target: Any = None) -> Any:
    """Return the only element of a list of one, where the target is no list."""
    is_alone = is_list(output) and len(output) == 1 and not is_list(target)
    return by_position(output)[0] if is_alone else output


def _is_class(scores: Any, target: Any) -> bool:
    return _largest(scores) == (_largest(target) if is_list(target) else target)


def _largest(numbers: Any) -> int:
    numbers = by_position(numbers)
    return max(range(len(numbers)), key=numbers.__getitem__)


def _are_classes(targets: Any) -> bool:
    return bool(targets.ndim == 2 or targets.dtype.kind in "iu")


def _is_class_in_each(outputs: Any, targets: Any) -> Any:
    return outputs.argmax(axis=1) == (targets if targets.ndim == 1 else targets.argmax(axis=1))


def _is_positive_in_each(threshold: float) -> Callable[[Any, Any], Any]:
    return lambda outputs, targets: (outputs[:, 0] > 0.0) == (targets > threshold)


def _are_numbers(targets: Any) -> bool:
    return True


def _are_signs(targets: Any) -> bool:
    return targets.ndim == 1 and bool((abs(targets) == 1).all())


def _are_shares(targets: Any) -> bool:
    return targets.ndim == 1 and bool(((targets >= 0) & (targets <= 1)).all())


#: what may be written for `loss`, beside any function of outputs and targets
_OBJECTIVES = {
    "cross_entropy": Objective(
        _cross_entropy,
        _is_class,
        Batched(_are_classes, "classes as ints, or rows of probabilities", _is_class_in_each),
    ),
    "binary_cross_entropy": Objective(
        _one_output(losses.binary_cross_entropy_with_logits),
        lambda logit, target: (_alone(logit) > 0.0) == (target > 0.5),
        Batched(_are_shares, "a number from 0 to 1 each", _is_positive_in_each(0.5)),
    ),
    "hinge": Objective(
        _one_output(losses.hinge),
        lambda score, label: (_alone(score) > 0.0) == (label > 0),
        Batched(_are_signs, "-1 or 1 each", _is_positive_in_each(0.0)),
    ),
    "mse": Objective(_one_output(losses.mse), None, Batched(_are_numbers, "numbers", None)),
    "mae": Objective(_one_output(losses.mae), None, Batched(_are_numbers, "numbers", None)),
}
_OWN = {
    losses.cross_entropy: "cross_entropy",
    losses.binary_cross_entropy_with_logits: "binary_cross_entropy",
    losses.hinge: "hinge",
    losses.mse: "mse",
    losses.mae: "mae",
}


def objective_of(who: str, loss: Any, is_correct: Callable[[Any, Any], bool] | None) -> Objective:
    """Return what a loss stands for.

    Raises: `ValueError` for an unknown name.
    """
    name = _OWN.get(loss, loss) if callable(loss) else loss
    if isinstance(name, str) and name in _OBJECTIVES:
        known = _OBJECTIVES[name]
        if is_correct is None or known.batched is None:
            return known
        batched = Batched(known.batched.are_targets, known.batched.expected, None)
        return Objective(known.compute, is_correct, batched)
    if not callable(loss):
        raise errors.InputError(
            errors.unwanted(
                who,
                f"loss must be one of {', '.join(_OBJECTIVES)}, or a function",
                loss,
                'pass e.g. "cross_entropy"',
            )
        )
    return Objective(loss, is_correct)
