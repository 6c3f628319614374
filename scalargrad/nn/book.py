"""The layers of the book, with its names and its interface, each a thin face on Values.

`forward` takes numbers, nested lists or arrays and gives the like; `backward(dout)` takes the
gradient of the loss by what came out and gives that by what went in. In between lies a graph of
Values, `layer.graph`, that can be drawn. Where Values go in, Values come out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .. import errors
from .._engine import Value
from ..core.arguments import again, by_position, is_list, number
from ..core.arithmetic import is_value
from ..core.nesting import each, flat
from ..core.pickles import Sealed
from ..functions.elementary import affine, dot, listed, relu, sigmoid, softmax
from ..functions.losses import cross_entropy
from .book_network import TwoLayerNet

__all__ = ["AddLayer", "Affine", "MulLayer", "Relu", "Sigmoid", "SoftmaxWithLoss", "TwoLayerNet"]
__dir__: Callable[[], list[str]] = __all__.copy


def _like(model: Any, tree: Any) -> Any:
    """Return nested lists as an array where the model is one."""
    if type(model).__module__ == "numpy" and is_list(tree):
        return sys.modules["numpy"].array(tree)
    return tree


class _Layer(Sealed):
    """Keep what went into the last forward pass and what came out, as Values."""

    def __init__(self) -> None:
        self._inputs: tuple[Any, ...] = ()
        self._given: tuple[Any, ...] = ()
        self._output: Any = None

    @property
    def graph(self) -> Any:
        """The Values that came out of the last forward pass: one, or nested lists of them."""
        self._check()
        return self._output

    def _check(self) -> None:
        if self._output is None:
            raise errors.StateError(
                f"{type(self).__name__}: backward and graph need a forward pass; got none yet;"
                " call forward first"
            )

    def _run(self, function: Callable[..., Any], *given: Any) -> Any:
        """Compute on Values; return what came out as what the first one given is."""
        who, given = f"{type(self).__name__}.forward", tuple(map(again, given))

        def as_value(x: Any) -> Any:
            return x if is_value(x) else Value(number(who, "each number", x))

        inputs = tuple(each(tree, as_value) for tree in given)
        self._output = function(*inputs)
        self._inputs, self._given = inputs, given
        if any(is_value(x) for tree in given for x in flat(tree)):
            return self._output
        return _like(given[0], each(self._output, lambda value: value.data))

    def _gradients(self, dout: Any) -> tuple[Any, ...]:
        """Return the gradient by each thing that went in; every `.grad` stays as it was."""
        self._check()
        outputs, upstream = list(flat(self._output)), list(flat(again(dout)))
        if len(outputs) != len(upstream):
            raise errors.InputError(
                f"{type(self).__name__}.backward: dout must have the shape of what came out; got"
                f" {len(upstream)} numbers for {len(outputs)}; check its shape"
            )
        numbers = [number(f"{type(self).__name__}.backward", "dout", x) for x in upstream]
        if len(outputs) == 1:
            _, grads = outputs[0]._sweep(numbers[0])
        else:
            _, grads = dot(outputs, numbers)._sweep(1.0)
        like_inputs = (each(tree, lambda value: grads.get(value, 0.0)) for tree in self._inputs)
        return tuple(_like(g, tree) for g, tree in zip(self._given, like_inputs, strict=True))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class MulLayer(_Layer):
    """Multiply two numbers; backward multiplies the upstream gradient by the other one.

    Maths: z = x·y, dx = dout·y, dy = dout·x
    Source: Saito, Deep Learning from Scratch, section 5.4.1

    >>> apples = MulLayer()
    >>> apples.forward(100, 2), apples.backward(1.1)
    (200.0, (2.2, 110.00000000000001))
    """

    def forward(self, x: Any, y: Any) -> Any:
        """Return x·y."""
        return self._run(lambda x, y: x * y, x, y)

    def backward(self, dout: Any) -> tuple[Any, ...]:
        """Return the gradients by x and y."""
        return self._gradients(dout)


class AddLayer(_Layer):
    """Add two numbers; backward hands the upstream gradient on to both.

    Maths: z = x + y, dx = dout, dy = dout
    Source: Saito, Deep Learning from Scratch, section 5.4.2

    >>> fruit = AddLayer()
    >>> fruit.forward(200, 450), fruit.backward(1.1)
    (650.0, (1.1, 1.1))
    """

    def forward(self, x: Any, y: Any) -> Any:
        """Return x + y."""
        return self._run(lambda x, y: x + y, x, y)

    def backward(self, dout: Any) -> tuple[Any, ...]:
        """Return the gradients by x and y."""
        return self._gradients(dout)


class Relu(_Layer):
    """Keep positive numbers; backward lets the gradient through where they were.

    Maths: y = x if x > 0 else 0, dx = dout if x > 0 else 0
    Source: Saito, Deep Learning from Scratch, section 5.5.1

    >>> layer = Relu()
    >>> layer.forward([[1.0, -0.5], [-2.0, 3.0]])
    [[1.0, 0.0], [0.0, 3.0]]
    >>> layer.mask, layer.backward([[1.0, 2.0], [3.0, 4.0]])
    ([[False, True], [True, False]], [[1.0, 0.0], [0.0, 4.0]])
    """

    mask: Any = None  #: where x <= 0, after a forward pass

    def forward(self, x: Any) -> Any:
        """Return relu(x) of every number."""
        out = self._run(lambda x: each(x, relu), x)
        self.mask = _like(x, each(self._inputs[0], lambda value: value.data <= 0.0))
        return out

    def backward(self, dout: Any) -> Any:
        """Return the gradient by x."""
        return self._gradients(dout)[0]


class Sigmoid(_Layer):
    """Squash numbers into (0, 1); backward needs only what came out.

    Maths: y = 1/(1 + exp(−x)), dx = dout·y(1 − y)
    Source: Saito, Deep Learning from Scratch, section 5.5.2

    >>> layer = Sigmoid()
    >>> layer.forward(0.0), layer.backward(1.0)
    (0.5, 0.25)
    """

    out: Any = None  #: what came out of the last forward pass

    def forward(self, x: Any) -> Any:
        """Return sigmoid(x) of every number."""
        self.out = self._run(lambda x: each(x, sigmoid), x)
        return self.out

    def backward(self, dout: Any) -> Any:
        """Return the gradient by x."""
        return self._gradients(dout)[0]


class Affine(_Layer):
    """Multiply by a matrix and add a bias, for one sample or a batch of any shape.

    Maths: Y = X·W + b, dX = dY·Wᵀ, dW = Xᵀ·dY, db = the sum of dY over the batch
    Shapes: X nin, N × nin or N × anything of nin numbers, W nin × nout, b nout
    Raises: `ValueError` where the shapes do not fit.
    Source: Saito, Deep Learning from Scratch, section 5.6

    >>> layer = Affine([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0.5, 0.5, 0.5])
    >>> layer.forward([1.0, 2.0]), layer.backward([1.0, 0.0, -1.0])
    ([9.5, 12.5, 15.5], [-2.0, -2.0])
    >>> layer.dW, layer.db
    ([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0]], [1.0, 0.0, -1.0])
    """

    dW: Any = None  # noqa: N815 - the book's name; the gradient by W, after a backward pass
    db: Any = None

    def __init__(self, W: Any, b: Any) -> None:  # noqa: N803
        super().__init__()
        self.W: Any = again(W)  # read afresh at each forward pass
        self.b: Any = again(b)
        self.x: Any = None
        self.original_x_shape: tuple[int, ...] | None = None

    def forward(self, x: Any) -> Any:
        """Return X·W + b."""
        rows = listed("Affine.forward", self.W, "W as a list of rows", "pass e.g. [[1.0], [2.0]]")
        columns = {
            len(listed("Affine.forward", row, "W as a list of rows", "pass e.g. [[1.0], [2.0]]"))
            for row in rows
        }
        if len(columns) != 1 or columns != {len(self.b)}:
            raise errors.InputError(
                f"Affine.forward: W must have as many columns as b numbers; got {sorted(columns)}"
                f" columns and {len(self.b)} numbers; check their shapes"
            )
        x = again(x)
        self.x, self.original_x_shape = x, _shape(x)
        return self._run(self._sums, x, self.W, self.b)

    def _sums(self, x: Any, W: Any, b: Any) -> Any:  # noqa: N803
        columns = list(zip(*W, strict=True))

        def at(sample: Any) -> list[Any]:
            xs = list(flat(sample))
            if len(xs) != len(W):
                raise errors.InputError(
                    f"Affine.forward: a sample must have as many numbers as W has rows; got"
                    f" {len(xs)} for {len(W)}; check their shapes"
                )
            return affine([xs] * len(columns), columns, b)

        return [at(sample) for sample in x] if x and is_list(x[0]) else at(x)

    def backward(self, dout: Any) -> Any:
        """Return the gradient by X, in its shape; set dW and db."""
        dx, self.dW, self.db = self._gradients(dout)
        return dx


class SoftmaxWithLoss(_Layer):
    """Turn scores into probabilities and take the mean cross entropy under the targets.

    Maths: y = softmax(x), L = −Σ t·log y / N, dx = dout·(y − t)/N
    Shapes: x n or N × n; t a class or n probabilities, or N of either
    Source: Saito, Deep Learning from Scratch, section 5.6.3 and appendix A

    >>> layer = SoftmaxWithLoss()
    >>> round(layer.forward([1.0, 1.0], [0, 1]), 6), layer.y, layer.backward()
    (0.693147, [0.5, 0.5], [0.5, -0.5])
    """

    def __init__(self) -> None:
        super().__init__()
        self.loss: Any = None
        self.y: Any = None
        self.t: Any = None

    def forward(self, x: Any, t: Any) -> Any:
        """Return the loss; `y` are the probabilities then."""
        x, t = again(x), again(t)
        self.loss = self._run(lambda x: cross_entropy(x, t), x)
        if not is_value(self.loss):
            self.loss = float(self.loss)
        numbers = each(x, lambda x: x._data if is_value(x) else float(x))
        batch = is_list(numbers[0])
        self.y = _like(x, [softmax(row) for row in numbers] if batch else softmax(numbers))
        self.t = t
        return self.loss

    def backward(self, dout: float = 1.0) -> Any:
        """Return the gradient by x."""
        return self._gradients(dout)[0]


def _shape(x: Any) -> tuple[int, ...]:
    shape = []
    while is_list(x := by_position(x)):
        shape.append(len(x))
        x = x[0] if len(x) else None
    return tuple(shape)
