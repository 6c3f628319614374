"""Layers and networks: parameters in plain attributes, and what is computed from them."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from .. import errors
from .._engine import Value
from ..core.arguments import Seed, as_number, by_position, generator, is_list, number, whole
from ..core.arithmetic import data_of, is_value
from ..core.interrupts import call_and
from ..core.modes import no_grad, scope
from ..core.nesting import each
from ..functions import losses
from ..functions.elementary import affine, dot, listed, relu, sigmoid, softmax, tanh
from ..functions.gathering import take
from .module import Module

# a block may be entered any number of times
_LAYER, _AFFINE, _LOSS = scope("Layer"), scope("Affine"), scope("Softmax with Loss")

# -- inputs ---------------------------------------------------------------------------------


def _is_batch(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return bool(x) and is_list(x[0])
    return getattr(x, "ndim", 1) >= 2


def _sample(who: str, x: Any, width: int) -> list[Any]:
    """Return one sample as a list; a lone number is a list of one."""
    alone = is_value(x) or as_number(x) is not None
    xs = [x] if alone else listed(who, x, "a list of numbers or Values", "pass e.g. [1.0, 2.0]")
    if xs and is_list(xs[0]):
        raise errors.InputError(
            f"{who}: takes one sample at a time; got a list of {len(xs)} lists; write"
            " [model(x) for x in samples]"
        )
    if len(xs) != width:
        raise errors.InputError(
            f"{who}: needs {width} inputs a sample; got {len(xs)}; pass {width}, or build it for"
            f" {len(xs)}"
        )
    return xs


# -- micrograd's three ----------------------------------------------------------------------


class Neuron(Module):
    """Compute relu(w·x + b), or w·x + b where `nonlin` is false.

    Weights are drawn from U(-1, 1) and the bias is 0, from Python's `random` in micrograd's order
    unless a seed is given. The products are added first and the bias last, where micrograd adds
    them to the bias one by one: last bits may differ.

    >>> neuron = Neuron(2, nonlin=False)
    >>> neuron.w[0].data, neuron.w[1].data, neuron.b.data = 2.0, -1.0, 0.5
    >>> neuron([3.0, 4.0]).data, neuron
    (2.5, LinearNeuron(2))
    """

    def __init__(self, nin: int, nonlin: bool = True, *, seed: Seed = None) -> None:
        draw = generator("Neuron", seed)
        self.w: list[Value] = [
            Value(draw.uniform(-1, 1)) for _ in range(whole("Neuron", "nin", nin))
        ]
        self.b: Value = Value(0.0)
        self.nonlin = nonlin

    def __call__(self, x: Any) -> Any:
        z = dot(self.w, _sample("Neuron", x, len(self.w))) + self.b
        return z.relu() if self.nonlin else z

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Hold neurons that see the same inputs; one neuron gives one Value, not a list.

    >>> Layer(3, 2, nonlin=False)
    Layer of [LinearNeuron(3), LinearNeuron(3)]
    """

    def __init__(self, nin: int, nout: int, *, seed: Seed = None, **kwargs: Any) -> None:
        draw, count = generator("Layer", seed), whole("Layer", "nout", nout)
        shared = None if seed is None else draw  # one generator, or all neurons would be alike
        self.neurons: list[Neuron] = [Neuron(nin, seed=shared, **kwargs) for _ in range(count)]

    def __call__(self, x: Any) -> Any:
        xs = _sample("Layer", x, len(self.neurons[0].w))
        out = _LAYER.call(self._outputs, xs)
        return out[0] if len(out) == 1 else out

    def _outputs(self, xs: list[Any]) -> list[Any]:
        neurons = self.neurons
        sums = affine([n.w for n in neurons], [xs] * len(neurons), [n.b for n in neurons])
        return [z.relu() if n.nonlin else z for n, z in zip(neurons, sums, strict=True)]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Chain layers: relu in all but the last, one Value for one output.

    >>> model = MLP(2, [3, 1], seed=0)
    >>> len(model.parameters()), len(model([1.0, -2.0]).parents)
    (13, 2)
    """

    def __init__(self, nin: int, nouts: Iterable[int], *, seed: Seed = None) -> None:
        sizes = [nin, *listed("MLP", nouts, "a list of layer sizes", "pass e.g. [16, 1]")]
        if len(sizes) < 2:
            raise errors.InputError(
                errors.unwanted("MLP", "needs at least one layer", nouts, "pass e.g. [16, 1]")
            )
        shared = None if seed is None else generator("MLP", seed)
        self.layers: list[Layer] = [
            Layer(nin, nout, nonlin=index != len(sizes) - 1, seed=shared)
            for index, (nin, nout) in enumerate(pairwise(sizes), 1)
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


# -- the book's layers ----------------------------------------------------------------------


class Affine(Module):
    """Compute Y = X·W + b, of one sample or of a batch.

    Maths: y_j = Σ x_i·W_ij + b_j
    Shapes: X nin or N × nin, W nin × nout, b nout, Y nout or N × nout
    Source: Saito, Deep Learning from Scratch, section 5.6

    Biases are 0. Weights are drawn by `init`: "he" N(0, 2/nin), "xavier" N(0, 2/(nin + nout)),
    "uniform" U(-1/√nin, 1/√nin), or a number, the standard deviation of a normal distribution.

    >>> layer = Affine(2, 3, init=0.0)
    >>> layer.b[2].data = 1.0
    >>> [y.data for y in layer([5.0, 6.0])], layer
    ([0.0, 0.0, 1.0], Affine(2, 3))
    """

    def __init__(self, nin: int, nout: int, init: str | float = "he", *, seed: Seed = None) -> None:
        nin, nout = whole("Affine", "nin", nin), whole("Affine", "nout", nout)
        draw = _initial(nin, nout, init, seed)
        self.W = [[Value(draw()) for _ in range(nout)] for _ in range(nin)]
        self.b: list[Value] = [Value(0.0) for _ in range(nout)]

    def __call__(self, x: Any) -> Any:
        return _AFFINE.call(self._on, by_position(x))  # one group, also of a batch

    def _on(self, x: Any) -> Any:
        width, columns = len(self.W), list(zip(*self.W, strict=True))
        if not _is_batch(x):
            return self._at(_sample("Affine", x, width), columns)
        return [self._at(_sample("Affine", row, width), columns) for row in x]

    def _at(self, xs: list[Any], columns: list[Any]) -> list[Any]:
        return affine([xs] * len(columns), columns, self.b)

    def __repr__(self) -> str:
        return f"Affine({len(self.W)}, {len(self.b)})"


def _initial(nin: int, nout: int, init: str | float, seed: Seed) -> Callable[[], float]:
    draw = generator("Affine", seed)
    if init == "uniform":
        return lambda: draw.uniform(-1.0, 1.0) / math.sqrt(nin)
    deviations = {"he": math.sqrt(2 / nin), "xavier": math.sqrt(2 / (nin + nout))}
    if isinstance(init, str) and init not in deviations:
        raise errors.InputError(
            errors.unwanted(
                "Affine", 'init must be "he", "xavier", "uniform" or a number', init, 'use "he"'
            )
        )
    std = deviations[init] if isinstance(init, str) else number("Affine", "init", init, '"he"')
    if not 0.0 <= std < math.inf:
        raise errors.InputError(
            errors.unwanted("Affine", "a deviation is at least 0", init, "pass e.g. 0.01")
        )
    return lambda: draw.gauss(0.0, std)


class _Elementwise(Module):
    """Apply one function to every number, at any nesting of lists."""

    _function: Callable[[Any], Any]

    def __call__(self, x: Any) -> Any:
        # one group, also of a batch
        return scope(type(self).__name__).call(each, x, type(self)._function)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ReLU(_Elementwise):
    """Apply relu to every number.

    >>> ReLU()([[1.0, -0.5], [-2.0, 3.0]])
    [[1.0, 0.0], [0.0, 3.0]]
    """

    _function = staticmethod(relu)


class Sigmoid(_Elementwise):
    """Apply sigmoid to every number.

    >>> Sigmoid()([0.0])
    [0.5]
    """

    _function = staticmethod(sigmoid)


class Tanh(_Elementwise):
    """Apply tanh to every number.

    >>> Tanh()([0.0])
    [0.0]
    """

    _function = staticmethod(tanh)


class Softmax(Module):
    """Turn the scores of a sample, or of each sample of a batch, into probabilities.

    For learning, give the scores themselves to `cross_entropy`.

    >>> Softmax()([1.0, 1.0])
    [0.5, 0.5]
    """

    def __call__(self, x: Any) -> list[Any]:
        x = by_position(x)
        if _is_batch(x):
            return [self(row) for row in x]
        return scope("Softmax").call(softmax, x)

    def __repr__(self) -> str:
        return "Softmax()"


class Sequential(Module):
    """Chain layers, or any functions: each one gets what the one before gave.

    Raises: `TypeError` for what cannot be called.

    >>> Sequential(Affine(2, 3), ReLU(), Affine(3, 1))
    Sequential(Affine(2, 3), ReLU(), Affine(3, 1))
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for layer in layers:
            if not callable(layer):
                raise errors.OperandError(
                    errors.unwanted(
                        "Sequential", "layers must be callable", layer, "write Sequential(a, b)"
                    )
                )
        self.layers: list[Callable[[Any], Any]] = list(layers)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Callable[[Any], Any]:
        return self.layers[index]

    def __repr__(self) -> str:
        names = [getattr(layer, "__name__", None) or repr(layer) for layer in self.layers]
        return f"Sequential({', '.join(names)})"


class Embedding(Module):
    """Look up vectors: an index gives its row of W, a list of indices a list of rows.

    Shapes: W count × width; an int gives width numbers, a nesting of ints a nesting of such lists
    Raises: `ValueError` for an index that is out of range, `TypeError` for one that is no int.

    The numbers are drawn from a normal distribution with the standard deviation `init`.

    >>> table = Embedding(3, 2, init=0.0)
    >>> table.W[2][0].data = 1.0
    >>> [x.data for x in table(2)], table
    ([1.0, 0.0], Embedding(3, 2))
    """

    def __init__(self, count: int, width: int, init: float = 1.0, *, seed: Seed = None) -> None:
        count, width = whole("Embedding", "count", count), whole("Embedding", "width", width)
        draw, deviation = generator("Embedding", seed), number("Embedding", "init", init)
        self.W = [[Value(draw.gauss(0.0, deviation)) for _ in range(width)] for _ in range(count)]

    def __call__(self, x: Any) -> Any:
        return take(self.W, x)

    def __repr__(self) -> str:
        return f"Embedding({len(self.W)}, {len(self.W[0])})"


# -- the book's network ---------------------------------------------------------------------


class TwoLayerNet(Module):
    """Classify with two layers: Affine, ReLU, Affine, and the softmax only in the loss.

    `x` is a sample or a batch, `t` a class or one-hot target, or a batch of either. `params` maps
    "W1", "b1", "W2", "b2" to the nested lists of Values that the layers hold.

    Source: Saito, Deep Learning from Scratch, section 5.7

    >>> net = TwoLayerNet(2, 3, 2, seed=0)
    >>> net.params.keys() == net.gradient([1.0, 2.0], 1).keys() == {"W1", "b1", "W2", "b2"}
    True
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
        shared = None if seed is None else generator("TwoLayerNet", seed)
        self.layers: dict[str, Any] = {
            "Affine1": Affine(input_size, hidden_size, weight_init_std, seed=shared),
            "Relu1": ReLU(),
            "Affine2": Affine(hidden_size, output_size, weight_init_std, seed=shared),
        }

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters under the book's names; a view that cannot be assigned to."""
        first, second = self.layers["Affine1"], self.layers["Affine2"]
        return MappingProxyType({"W1": first.W, "b1": first.b, "W2": second.W, "b2": second.b})

    def predict(self, x: Any) -> Any:
        """Return the scores of the classes; the largest wins, so no softmax is needed."""
        for layer in self.layers.values():
            x = layer(x)
        return x

    def __call__(self, x: Any) -> Any:
        return self.predict(x)  # looked up, so that a subclass's predict is used

    def loss(self, x: Any, t: Any) -> Any:
        """Return the cross entropy of softmax(scores), the mean over a batch."""
        scores = self.predict(x)
        return _LOSS.call(losses.cross_entropy, scores, t)

    def accuracy(self, x: Any, t: Any) -> float:
        """Return the part of the samples whose largest score is the target's.

        Raises: `ValueError` where there are not as many targets as samples.
        """
        x = by_position(x)
        if not _is_batch(x):
            x, t = [x], [t]
        targets = [
            class_of(target)
            for target in listed("accuracy", t, "one target a sample", "pass e.g. [0, 1]")
        ]
        if len(targets) != len(x):
            raise errors.InputError(
                f"accuracy: needs one target a sample; got {len(x)} samples and {len(targets)}"
                " targets; check their shapes"
            )
        classes = no_grad().call(lambda: [class_of(scores) for scores in self.predict(x)])
        return sum(map(int.__eq__, classes, targets)) / len(targets)

    def gradient(self, x: Any, t: Any) -> dict[str, Any]:
        """Return the gradient of the loss by backpropagation; every `.grad` stays as it was.

        Raises: `RuntimeError` inside `no_grad`, where no graph is recorded.
        """
        loss = self.loss(each(x, data_of), each(t, data_of))
        if not loss.parents:
            raise errors.StateError(
                "gradient: nothing is recorded inside no_grad; got a loss without a graph;"
                " call it outside"
            )
        parameters = self.parameters()
        kept = [parameter.grad for parameter in parameters]

        def restore() -> None:
            for parameter, grad in zip(parameters, kept, strict=True):
                parameter.grad = grad

        def compute() -> dict[str, Any]:
            self.zero_grad()
            loss.backward()
            return {key: each(tree, lambda p: p.grad) for key, tree in self.params.items()}

        return call_and(restore, compute)

    def numerical_gradient(self, x: Any, t: Any, h: float = 1e-4) -> dict[str, Any]:
        """Return the gradient of the loss by central differences; every number stays as it was.

        Maths: dL/dw ≈ (L(w + h) − L(w − h))/2h
        Raises: `ValueError` where h is not above 0 and finite.
        """
        if not 0.0 < number("numerical_gradient", "h", h, "1e-4") < math.inf:
            raise errors.InputError(
                errors.unwanted(
                    "numerical_gradient", "h must be above 0 and finite", h, "pass e.g. 1e-4"
                )
            )
        x, t = each(x, data_of), each(t, data_of)

        def difference(parameter: Any) -> float:
            kept: float = parameter.data

            def loss_at(data: float) -> float:
                parameter.data = data
                number: float = self.loss(x, t).data
                return number

            restore = functools.partial(setattr, parameter, "data", kept)
            return call_and(restore, lambda: loss_at(kept + h) - loss_at(kept - h)) / (2 * h)

        return no_grad().call(
            lambda: {key: each(tree, difference) for key, tree in self.params.items()}
        )

    def __repr__(self) -> str:
        sizes = len(self.params["W1"]), len(self.params["b1"]), len(self.params["b2"])
        return f"TwoLayerNet({', '.join(map(str, sizes))})"


def class_of(target: Any) -> int:
    """Return a class index, or the index of the largest score or probability."""
    if is_list(target) and len(target):
        numbers = [number("accuracy", "each probability", data_of(score)) for score in target]
        return numbers.index(max(numbers))
    index = None if is_list(target) else as_number(target)
    if index is None or not index.is_integer():
        must = "each target must be a class, or a row of probabilities"
        raise errors.OperandError(errors.unwanted("accuracy", must, target, "pass e.g. [0]"))
    return int(index)
