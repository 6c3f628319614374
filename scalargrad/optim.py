"""Optimisers and learning-rate schedules, by the definitions of PyTorch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from . import errors
from ._engine import quick
from .core import evaluation, refusals, tracer
from .core.arguments import number, whole
from .core.arithmetic import is_value
from .core.nesting import check_keys, pairs
from .core.pickles import Sealed
from .functions.elementary import listed, zero_grad
from .table import libm, optimizers
from .table.row import UpdateRule

__all__ = [
    "SGD", "AdaGrad", "Adam", "AdamW", "Optimizer", "RMSprop", "Rate", "Schedule", "clip_grad_norm",
    "cosine_decay", "exponential_decay", "step_decay", "warm_up",
]  # fmt: skip
__dir__: Callable[[], list[str]] = __all__.copy

#: from the number of steps taken so far, from 0, to the learning rate of the next one
Schedule: TypeAlias = Callable[[int], float]
Rate: TypeAlias = float | Schedule

#: of a state that is loaded: no training comes so far, and a power of such a number is a float
MOST_STEPS = 10**15

_move = quick(evaluation.move, kind="move")

# -- what all optimisers share --------------------------------------------------------------


class Optimizer(Sealed, ABC):
    """Hold parameters and a learning rate; a rule says what one step does to one number.

    Raises: `TypeError` for what is no Value, `ValueError` for no parameter, one given twice, one
    that was computed, and for a number out of range.
    """

    _rule: UpdateRule

    def __init__(self, parameters: Iterable[Any], lr: Rate, weight_decay: float = 0.0) -> None:
        self.parameters: list[Any] = _checked(type(self).__name__, parameters)
        self.steps: int = 0
        self.lr = lr
        self.weight_decay: float = _at_least_0(type(self).__name__, "weight_decay", weight_decay)
        self._kept = [array("d", [0.0]) * len(self.parameters) for _ in self._rule.kept]

    @property
    def lr(self) -> float:
        """The learning rate of the next step; assign a number or a schedule."""
        if not callable(self._rate):
            return self._rate
        return _at_least_0(type(self).__name__, "the rate of the schedule", self._rate(self.steps))

    @lr.setter
    def lr(self, rate: Rate) -> None:
        self._rate = rate if callable(rate) else _at_least_0(type(self).__name__, "lr", rate)

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0."""
        zero_grad(self.parameters)

    def step(self) -> None:
        """Move every parameter once, by the gradient that it holds: all of them or none."""
        if tracer.is_on():
            raise refusals.frozen_write("data")
        settings = self._settings(self.lr, self.steps + 1)
        evaluation.at_once(
            (_move, (self._rule, self.parameters, self._kept, settings)),
            (vars(self).update, ({"steps": self.steps + 1},)),
        )

    @abstractmethod
    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        """Return the settings of the rule for one step, the first step being 1."""

    def state_dict(self) -> dict[str, Any]:
        """Return the number of steps and what is kept for each parameter, as plain numbers.

        Rates and other settings are those of the constructor: give them again.
        """
        columns = zip(self._rule.kept, self._kept, strict=True)
        return {"steps": self.steps, **{name: list(column) for name, column in columns}}

    def load_state_dict(self, numbers: Mapping[str, Any]) -> None:
        """Go on from a state; everything is checked before anything is set.

        Raises: `ValueError` for a missing or unknown key or another length, `TypeError` for what
        is no number.
        """
        who, kept = "load_state_dict", self._rule.kept
        check_keys(who, type(self).__name__, numbers, ["steps", *kept])
        steps = whole(who, "steps", numbers["steps"], 0)
        if steps > MOST_STEPS:
            must = f"steps must be at most {MOST_STEPS:,}"
            raise errors.InputError(errors.unwanted(who, must, steps, "build it as it was saved"))
        self._kept = [
            array("d", [data for _, data in pairs(who, name, self.parameters, numbers[name])])
            for name in kept
        ]
        self.steps = steps

    def __repr__(self) -> str:
        count = len(self.parameters)
        return f"{type(self).__name__}({count} parameter{'s' * (count != 1)}, lr={self.lr!r})"


def _checked(who: str, parameters: Iterable[Any]) -> list[Any]:
    checked = listed(who, parameters, "an iterable of parameters")
    if not checked:
        raise errors.InputError(
            errors.unwanted(who, "needs at least one parameter", checked, "pass model.parameters()")
        )
    for parameter in checked:
        if not is_value(parameter):
            raise errors.OperandError(
                errors.unwanted(who, "parameters must be Values", parameter, "pass Values only")
            )
        if parameter.parents:
            raise errors.InputError(
                errors.unwanted(
                    who, "parameters must be leaves", parameter, "pass what it came from"
                )
            )
    if len(set(map(id, checked))) != len(checked):
        raise errors.InputError(
            f"{who}: each parameter must be given once; got {len(checked)} of which"
            f" {len(set(map(id, checked)))} differ; leave the doubles out"
        )
    return checked


def _at_least_0(who: str, what: str, value: Any) -> float:
    return _within(who, what, value, math.inf)


def _within(who: str, what: str, value: Any, end: float) -> float:
    """Return a setting that must be in [0, end)."""
    setting = number(who, what, value, "0.1")
    if not 0.0 <= setting < end:
        must = "at least 0 and finite" if end == math.inf else f"at least 0 and below {end:g}"
        raise errors.InputError(errors.unwanted(who, f"{what} must be {must}", value, "pass 0.1"))
    return setting


# -- the optimisers -------------------------------------------------------------------------


class SGD(Optimizer):
    """Go down the gradient, with momentum if asked for.

    Maths: g = grad + weight_decay·w, v = momentum·v + g, w = w − lr·v;
    with `nesterov` w = w − lr·(g + momentum·v)
    Raises: `ValueError` for `nesterov` without momentum; see `Optimizer`.
    Source: PyTorch, torch.optim.SGD

    >>> from scalargrad import Value
    >>> w = Value(3.0)
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.4
    """

    _rule = optimizers.SGD

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: Rate,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.momentum: float = _at_least_0("SGD", "momentum", momentum)
        self.nesterov: bool = bool(nesterov)
        if self.nesterov and not self.momentum:
            raise errors.InputError(
                errors.unwanted("SGD", "nesterov needs momentum above 0", momentum, "pass 0.9")
            )

    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        return lr, self.weight_decay, self.momentum, self.nesterov


class AdaGrad(Optimizer):
    """Divide each step by the root of all squared gradients so far.

    Maths: g = grad + weight_decay·w, h = h + g², w = w − lr·g/(√h + eps)
    Source: PyTorch, torch.optim.Adagrad; Saito, Deep Learning from Scratch, section 6.1.5

    >>> from scalargrad import Value
    >>> w = Value(3.0)
    >>> optimizer = AdaGrad([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.9
    """

    _rule = optimizers.ADAGRAD

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: Rate = 0.01,
        weight_decay: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.eps: float = _at_least_0("AdaGrad", "eps", eps)

    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        return lr, self.weight_decay, self.eps


class RMSprop(Optimizer):
    """Divide each step by the root of a running mean of squared gradients.

    Maths: g = grad + weight_decay·w, h = alpha·h + (1 − alpha)·g², d = g/(√h + eps), w = w − lr·d;
    with `centered` √(h − m²) where m is the running mean of g; with momentum d is its velocity
    Source: PyTorch, torch.optim.RMSprop

    >>> from scalargrad import Value
    >>> w = Value(3.0)
    >>> optimizer = RMSprop([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.0
    """

    _rule = optimizers.RMSPROP

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: Rate = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        self.alpha: float = _within("RMSprop", "alpha", alpha, 1.0)
        self.eps: float = _at_least_0("RMSprop", "eps", eps)
        self.momentum: float = _at_least_0("RMSprop", "momentum", momentum)
        self.centered: bool = bool(centered)

    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        return lr, self.weight_decay, self.alpha, self.eps, self.momentum, self.centered


class Adam(Optimizer):
    """Divide a running mean of gradients by the root of one of their squares, both unbiased.

    Maths: g = grad + weight_decay·w, m = β₁·m + (1 − β₁)·g, v = β₂·v + (1 − β₂)·g²,
    w = w − lr·(m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + eps) at step t = 1, 2, ...
    Source: Kingma, Ba, Adam: A Method for Stochastic Optimization; PyTorch, torch.optim.Adam

    >>> from scalargrad import Value
    >>> w = Value(3.0)
    >>> optimizer = Adam([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.9
    """

    _rule = optimizers.ADAM

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay)
        who = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise errors.InputError(
                errors.unwanted(who, "betas must be two numbers", betas, "pass (0.9, 0.999)")
            )
        first, second = (_within(who, "each of betas", beta, 1.0) for beta in betas)
        self.betas: tuple[float, float] = first, second
        self.eps: float = _at_least_0(who, "eps", eps)

    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        first, second = self.betas
        rate, unbias = lr / (1.0 - first**steps), math.sqrt(1.0 - second**steps)
        return self.weight_decay, first, second, rate, unbias, self.eps


class AdamW(Adam):
    """Adam with a weight decay of its own: w = w − lr·weight_decay·w, then Adam's step.

    Source: Loshchilov, Hutter, Decoupled Weight Decay Regularization; PyTorch, torch.optim.AdamW

    >>> from scalargrad import Value
    >>> w = Value(3.0)
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.87
    """

    _rule = optimizers.ADAMW

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: Rate = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def _settings(self, lr: float, steps: int) -> tuple[float, ...]:
        return 1.0 - lr * self.weight_decay, *super()._settings(lr, steps)[1:]


# -- gradients ------------------------------------------------------------------------------


def clip_grad_norm(parameters: Iterable[Any], max_norm: float) -> float:
    """Scale all gradients down where their common norm is above `max_norm`; return that norm.

    Maths: n = √Σ grad², grad = grad·min(1, max_norm/(n + 1e-6))
    Raises: as `Optimizer` does.
    Source: PyTorch, torch.nn.utils.clip_grad_norm_

    >>> from scalargrad import Value
    >>> x = Value(1.0)
    >>> (3.0 * x).backward()
    >>> clip_grad_norm([x], 1.0), round(x.grad, 5)
    (3.0, 1.0)
    """
    who = "clip_grad_norm"
    parameters = _checked(who, parameters)
    limit = _at_least_0(who, "max_norm", max_norm)
    norm = math.hypot(*(parameter.grad for parameter in parameters))
    factor = limit / (norm + 1e-6)
    if not factor >= 1.0:  # nan too
        for parameter in parameters:
            parameter.grad *= factor
    return norm


# -- schedules ------------------------------------------------------------------------------


def step_decay(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Multiply the rate by `factor` after every so many steps.

    >>> rate = step_decay(1.0, every=10, factor=0.5)
    >>> rate(9), rate(10), rate(20)
    (1.0, 0.5, 0.25)
    """
    lr, every = _at_least_0("step_decay", "lr", lr), whole("step_decay", "every", every)
    factor = _at_least_0("step_decay", "factor", factor)
    return lambda step: lr * libm.pow(factor, step // every)


def exponential_decay(lr: float, factor: float) -> Schedule:
    """Multiply the rate by `factor` after every step.

    >>> exponential_decay(1.0, factor=0.5)(3)
    0.125
    """
    lr = _at_least_0("exponential_decay", "lr", lr)
    factor = _at_least_0("exponential_decay", "factor", factor)
    return lambda step: lr * libm.pow(factor, step)


def cosine_decay(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """Go from `lr` to `final` along half a cosine, and stay there.

    Maths: final + (lr − final)·(1 + cos(π·step/steps))/2
    Source: Loshchilov, Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts

    >>> rate = cosine_decay(1.0, steps=100)
    >>> rate(0), round(rate(50), 6), rate(100), rate(200)
    (1.0, 0.5, 0.0, 0.0)
    """
    lr, steps = _at_least_0("cosine_decay", "lr", lr), whole("cosine_decay", "steps", steps)
    final = _at_least_0("cosine_decay", "final", final)
    return lambda step: (
        final + (lr - final) * (1.0 + math.cos(math.pi * min(step, steps) / steps)) / 2.0
    )


def warm_up(lr: Rate, steps: int) -> Schedule:
    """Rise in a straight line to `lr`, a number or a schedule that starts when that is reached.

    Maths: lr·(step + 1)/steps while step < steps

    >>> rate = warm_up(1.0, steps=4)
    >>> [rate(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    steps = whole("warm_up", "steps", steps)
    level = None if callable(lr) else _at_least_0("warm_up", "lr", lr)

    def rate(step: int) -> float:
        reached = lr(max(step - steps, 0)) if level is None else level  # type: ignore[operator]
        return float(reached * min(step + 1, steps) / steps)

    return rate
