"""The network of the book as its programs use it: arrays go in and come out, tapes are replayed.

`nn.TwoLayerNet` is the same network of Values, which can be drawn and given to `fit`.
"""

from __future__ import annotations

import functools
import math
from collections import OrderedDict
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from .. import errors
from ..core.arguments import Seed, by_position, number
from ..core.arithmetic import data_of
from ..core.interrupts import call_and
from ..core.nesting import check_keys, flat, pairs
from ..functions.elementary import zero_grad
from . import layers


class TwoLayerNet:
    """Classify with two layers, Affine, ReLU, Affine, as the book's class does it.

    `params` is a dict of arrays under "W1", "b1", "W2", "b2", read at each call: the book's loops
    change it in place. `x` is a sample or a batch, `t` classes or one-hot targets. The softmax is
    only in the loss.

    Raises: `ImportError` where NumPy is not installed.
    Source: Saito, Deep Learning from Scratch, section 5.7

    >>> network = TwoLayerNet(input_size=2, hidden_size=3, output_size=2, seed=0)
    >>> grad = network.gradient([[1.0, 2.0], [2.0, 1.0]], [0, 1])
    >>> for key in ("W1", "b1", "W2", "b2"):
    ...     network.params[key] -= 0.1 * grad[key]
    >>> network.params["W1"].shape, type(network.loss([1.0, 2.0], 0))
    ((2, 3), <class 'float'>)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        weight_init_std: str | float = 0.01,
        *,
        seed: Seed = None,
    ) -> None:
        net = layers.TwoLayerNet(input_size, hidden_size, output_size, weight_init_std, seed=seed)
        self._net = net
        self._start()
        self.params: dict[str, Any] = self._by_key(data_of)

    def _start(self) -> None:
        from ..tape.compiled import compile  # which takes its time to load

        held = self._net.params
        self._shapes = {key: _shape(tree) for key, tree in held.items()}
        self._leaves = {key: list(flat(tree)) for key, tree in held.items()}
        self._predict, self._loss = compile(self._net.predict), compile(self._net.loss)

    @functools.cached_property
    def _by_hand(self) -> tuple[OrderedDict[str, Any], Any]:
        from .book import Affine, Relu, SoftmaxWithLoss  # which hand this class on

        p = self.params
        first, second = Affine(p["W1"], p["b1"]), Affine(p["W2"], p["b2"])
        named = OrderedDict(Affine1=first, Relu1=Relu(), Affine2=second)
        return named, SoftmaxWithLoss()

    @property
    def layers(self) -> OrderedDict[str, Any]:
        """The layers on the arrays of `params`, to go through by hand: no method runs them."""
        held, (named, _) = self.params, self._by_hand
        for layer, at in (("Affine1", 1), ("Affine2", 2)):
            named[layer].W, named[layer].b = held[f"W{at}"], held[f"b{at}"]
        return named

    @property
    def lastLayer(self) -> Any:  # noqa: N802 - the book's name
        """The softmax with its loss, which follows the layers."""
        return self._by_hand[1]

    def predict(self, x: Any) -> Any:
        """Return the scores of the classes; the largest wins, so no softmax is needed."""
        self._read_params()
        x = _samples(x)
        scores = self._predict(x if x.ndim > 1 else x[None])  # an array of one axis is a batch
        return scores if x.ndim > 1 else scores[0]

    def loss(self, x: Any, t: Any) -> float:
        """Return the cross entropy of softmax(scores), the mean over a batch."""
        self._read_params()
        return self._mean_loss(*_batch(x, t))

    def _mean_loss(self, x: Any, t: Any) -> float:
        return float(_numpy().mean(self._loss(x, t)))

    def accuracy(self, x: Any, t: Any) -> float:
        """Return the part of the samples whose largest score is the target's.

        Raises: `ValueError` where there are not as many targets as samples.
        """
        x, t = _batch(x, t)
        targets = [layers.class_of(target) for target in _numpy().atleast_1d(t).tolist()]
        if len(targets) != len(x):
            raise errors.InputError(
                f"accuracy: needs one target a sample; got {len(x)} samples and {len(targets)}"
                " targets; check their shapes"
            )
        return float(_numpy().mean(self.predict(x).argmax(axis=1) == targets))

    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """Return the gradient of the loss by each array of `params`, by backpropagation."""
        self._read_params()
        for leaves in self._leaves.values():
            zero_grad(leaves)
        self._loss.backward(*_batch(x, t))
        return self._by_key(attrgetter("grad"))

    def numerical_gradient(self, x: Any, t: Any, h: float = 1e-4) -> dict[str, Any]:
        """Return the gradient of the loss by central differences, which takes its time.

        Maths: dL/dw ≈ (L(w + h) − L(w − h))/2h
        Raises: `ValueError` where h is not above 0 and finite.
        """
        if not 0.0 < number("numerical_gradient", "h", h, "1e-4") < math.inf:
            must = "h must be above 0 and finite"
            got = errors.unwanted("numerical_gradient", must, h, "pass e.g. 1e-4")
            raise errors.InputError(got)
        self._read_params()
        x, t = _batch(x, t)

        def difference(parameter: Any) -> float:
            kept: float = parameter.data

            def loss_at(data: float) -> float:
                parameter.data = data
                return self._mean_loss(x, t)

            def restore() -> None:
                parameter.data = kept

            return call_and(restore, lambda: loss_at(kept + h) - loss_at(kept - h)) / (2 * h)

        return self._by_key(difference)

    def _read_params(self) -> None:
        """Give the network the numbers of `params`, all or none.

        Raises: `ValueError` for a missing or unknown key or another shape, `TypeError` for what
        is no number.
        """
        who = "TwoLayerNet.params"
        check_keys(who, "TwoLayerNet", self.params, self._leaves)
        numbers: dict[str, Any] = {}
        for key in self._leaves:
            held = self.params[key]
            if self._is_ready(key, held):
                numbers[key] = held.ravel().tolist()
            else:  # lists, other shapes, no numbers
                found = pairs(who, key, self._net.params[key], held)
                numbers[key] = [number for _, number in found]
        for key, leaves in self._leaves.items():
            for leaf, data in zip(leaves, numbers[key], strict=True):
                leaf.data = data

    def _is_ready(self, key: str, held: Any) -> bool:
        """Tell whether it is an array of doubles, of the shape that it had."""
        numpy = _numpy()
        is_array = type(held) is numpy.ndarray and held.dtype == numpy.float64
        return bool(is_array and held.shape == self._shapes[key])

    def _by_key(self, function: Callable[[Any], float]) -> dict[str, Any]:
        """Return arrays of what a function gives for each parameter, under the keys of `params`."""
        numpy = _numpy()
        return {
            key: numpy.array(list(map(function, leaves))).reshape(self._shapes[key])
            for key, leaves in self._leaves.items()
        }

    def __getstate__(self) -> dict[str, Any]:
        return {"params": self.params, "_net": self._net}  # what is compiled is so anew

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def _repr_html_(self) -> str:
        return self._net._repr_html_()

    def __repr__(self) -> str:
        return repr(self._net)


def _shape(tree: Any) -> tuple[int, ...]:
    return (len(tree), len(tree[0])) if isinstance(tree[0], list) else (len(tree),)


def _samples(x: Any) -> Any:
    """Return a sample as one row of numbers, and a batch as rows of them, images laid flat."""
    must = "a sample must be a row of numbers, a batch rows of equal lengths"
    x = _array(x, must, "pass e.g. [1.0, 2.0]", dtype=float)
    return x.reshape(len(x), -1) if x.ndim > 2 else x


def _array(thing: Any, must: str, remedy: str, **options: Any) -> Any:
    try:
        return _numpy().asarray(by_position(thing), **options)
    except (TypeError, ValueError, RuntimeError):  # the last of a list that changes meanwhile
        raise errors.OperandError(errors.unwanted("TwoLayerNet", must, thing, remedy)) from None


def _batch(x: Any, t: Any) -> tuple[Any, Any]:
    """Return samples and targets as arrays, of one sample as a batch of one."""
    must = "targets must be classes, or rows of probabilities"
    x, t = _samples(x), _array(t, must, "pass e.g. [0, 1]")
    return (x, t) if x.ndim > 1 else (x[None], t[None])


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise errors.missing_extra("nn.book.TwoLayerNet", "numpy", "mnist") from None
    return numpy
