"""What takes samples, rows or columns of numbers, with an example of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import scalargrad as sg

INPUTS = [[-2.0, 0.5], [-1.0, 0.1], [1.5, -0.2], [2.0, 0.3], [0.5, -1.0], [-0.5, 2.0]]
CLASSES = [0, 0, 1, 1, 1, 0]
SIGNS = [-1, -1, 1, 1, 1, -1]


def network() -> Any:
    """Return the same small network each time."""
    return sg.nn.Sequential(sg.nn.Affine(2, 3, seed=1), sg.nn.Tanh(), sg.nn.Affine(3, 2, seed=2))


def learnt(inputs: Any, targets: Any, *, compile: bool, **options: Any) -> Any:
    """Return the losses of some epochs, and what they led to."""
    model = network()
    optimizer = sg.optim.SGD(model.parameters(), lr=0.5)
    history = sg.fit(
        model, inputs, targets, loss="cross_entropy", optimizer=optimizer, epochs=3, batch_size=2,
        compile=compile, **options,
    )  # fmt: skip
    return history.steps, history.accuracy, history.validation_loss, history.validation_accuracy


def plain(thing: Any) -> Any:
    """Return Values as numbers, arrays as lists."""
    if isinstance(thing, sg.Value):
        return thing.data
    if isinstance(thing, np.ndarray):
        return plain(thing.tolist())
    if isinstance(thing, (list, tuple)):
        return [plain(x) for x in thing]
    return {k: plain(v) for k, v in thing.items()} if isinstance(thing, dict) else thing


def split_of(inputs: Any, targets: Any) -> Any:
    """Return the parts as lists."""
    return [[[*map(float, row)] for row in xs] + [*map(int, ts)]
            for xs, ts in sg.datasets.split(inputs, targets, 0.3)]  # fmt: skip


#: what takes samples and a target for each
OF_SAMPLES: dict[str, Callable[[Any, Any], Any]] = {
    "fit": lambda xs, ts: learnt(xs, ts, compile=True),
    "fit on graphs": lambda xs, ts: learnt(xs, ts, compile=False),
    "validation": lambda xs, ts: learnt(INPUTS, CLASSES, compile=True, validation=(xs, ts)),
    "validation on graphs": lambda xs, ts: learnt(
        INPUTS, CLASSES, compile=False, validation=(xs, ts)
    ),
    "evaluate": lambda xs, ts: sg.evaluate(network(), xs, ts, loss="cross_entropy"),
    "split": split_of,
    "cross_entropy": lambda xs, ts: sg.cross_entropy(xs, ts),
    "accuracy": lambda xs, ts: sg.nn.TwoLayerNet(2, 3, 2, seed=0).accuracy(xs, ts),
    "loss": lambda xs, ts: sg.nn.TwoLayerNet(2, 3, 2, seed=0).loss(xs, ts),
    "gradient": lambda xs, ts: sg.nn.TwoLayerNet(2, 3, 2, seed=0).gradient(xs, ts),
    "SoftmaxWithLoss": lambda xs, ts: sg.nn.book.SoftmaxWithLoss().forward(xs, ts),
}


def backward(layer: Any, dout: Any) -> Any:
    """Return what comes back through a layer."""
    layer.forward([[1.0, -1.0]] * len(INPUTS))
    return layer.backward(dout)


#: what takes rows
OF_ROWS: dict[str, Callable[[Any], Any]] = {
    "Affine": lambda xs: sg.nn.Affine(2, 3, seed=0)(xs),
    "Softmax": lambda xs: sg.nn.Softmax()(xs),
    "Tanh": lambda xs: sg.nn.Tanh()(xs),
    "predict": lambda xs: sg.nn.TwoLayerNet(2, 3, 2, seed=0).predict(xs),
    "book's Affine": lambda xs: sg.nn.book.Affine(xs, [0.5, 1.0]).forward([1.0] * len(INPUTS)),
    "book's Affine, forward": lambda xs: sg.nn.book.Affine([[1.0], [2.0]], [0.5]).forward(xs),
    "classes of scores": lambda ts: sg.evaluate(network(), INPUTS, ts, loss="cross_entropy"),
    "book's Relu, backward": lambda xs: backward(sg.nn.book.Relu(), xs),
    "book's Relu": lambda xs: sg.nn.book.Relu().forward(xs),
    "mse": lambda xs: sg.mse(xs, INPUTS[::-1]),
    "targets of mae": lambda xs: sg.mae(INPUTS[::-1], xs),
    "probabilities": lambda xs: sg.cross_entropy(INPUTS[::-1], xs),
    "binary_cross_entropy_with_logits": lambda xs: sg.binary_cross_entropy_with_logits(
        xs, [[0.5, 1.0]] * len(INPUTS)
    ),
    "decision_boundary": lambda xs: [
        [*map(tuple, points.get_offsets().tolist())]
        for points in sg.plots.decision_boundary(network(), xs, CLASSES, resolution=3)
        .axes[0]
        .collections
        if points.get_offsets().size
    ],
}

#: what takes one column of numbers
OF_COLUMNS: dict[str, Callable[[Any], Any]] = {
    **{
        name: (lambda xs, name=name: getattr(sg, name)(xs))
        for name in ("sum", "mean", "max", "min", "logsumexp", "softmax", "log_softmax")
    },
    "dot": lambda xs: sg.dot(xs, [3.0, 1.0, 2.0, 5.0, 4.0, 6.0]),
    "second of dot": lambda xs: sg.dot([3.0, 1.0, 2.0, 5.0, 4.0, 6.0], xs),
    "mse": lambda xs: sg.mse(xs, [3.0, 1.0, 2.0, 5.0, 4.0, 6.0]),
    "targets of mae": lambda xs: sg.mae([3.0, 1.0, 2.0, 5.0, 4.0, 6.0], xs),
    "labels of hinge": lambda xs: sg.hinge([3.0, 1.0, -2.0, 5.0, -4.0, 0.5], xs),
    "logits": lambda xs: sg.cross_entropy(xs, 2),
    "probabilities": lambda xs: sg.cross_entropy([3.0, 1.0, 2.0, 5.0, 4.0, 6.0], xs),
    "Neuron": lambda xs: sg.nn.Neuron(6, seed=0)(xs),
    "MLP": lambda xs: sg.nn.MLP(6, [3, 1], seed=0)(xs),
    "Affine": lambda xs: sg.nn.Affine(6, 2, seed=0)(xs),
    "ReLU": lambda xs: sg.nn.ReLU()(xs),
    "fsum": lambda xs: sg.math.fsum(xs),
    "prod": lambda xs: sg.math.prod(xs),
    "dist": lambda xs: sg.math.dist(xs, [3.0, 1.0, 2.0, 5.0, 4.0, 6.0]),
    "partials of record": lambda xs: (
        sg.record(1.0, sg.values(a=1, b=2, c=3, d=4, e=5, f=6), xs, "own").partials
    ),
    "compile": lambda xs: (
        sg.compile(lambda x: x * x)(np.asarray(xs) if isinstance(xs, list) else xs)
        if hasattr(xs, "__array__") or isinstance(xs, (list, memoryview, bytes))
        else [x * x for x in xs]
    ),
    "decision_boundary": lambda ts: [
        text.get_text()
        for text in sg.plots.decision_boundary(network(), INPUTS, ts, resolution=3)
        .axes[0]
        .get_legend()
        .get_texts()
    ],
}

A, B = [[4.0, 1.0], [2.0, 3.0]], [[1.0, 2.0], [0.0, 3.0]]


def gradients_at(xs: Any) -> Any:
    """Return the gradient of a graph by some upstream numbers."""
    x, y = sg.values(x=2.0, y=3.0)
    return sg.gradients([x * y, x + y, y, x, x * x, y * y], [x, y], xs)


def moved(parameters: Any, gradients: Any = None) -> Any:
    """Return parameters behind a step."""
    optimizer = sg.optim.Adam(sg.values(a=1, b=2, c=3, d=4, e=5, f=6), lr=0.1)
    optimizer.load_state_dict({"steps": 1, "means": parameters, "squares": gradients or [1.0] * 6})
    optimizer.step()
    return [p.data for p in optimizer.parameters]


def loaded(weights: Any) -> Any:
    """Return the weights of a layer that were loaded."""
    layer = sg.nn.Affine(6, 2, seed=0)
    state = layer.state_dict()
    layer.load_state_dict({name: weights if name == "W" else x for name, x in state.items()})
    return layer.state_dict()


def six_sums() -> Any:
    """Return what six additions give."""
    x = sg.Value(0.0)
    for number in (1.0, 1.0, -2.0, 3.0, -2.0, 1.0):
        x = x + number
    return x


def polynomial(x: Any) -> Any:
    """Return a number of any six."""
    return sg.sum([(i + 1.0) * x[i] * x[i] for i in range(6)])


#: what takes one column, beside what is taken by position above
MORE_COLUMNS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda xs: sg.grad(polynomial)(xs),
    "value_and_grad": lambda xs: sg.value_and_grad(polynomial)(xs),
    "jacobian": lambda xs: sg.jacobian(lambda x: [x[0] * x[1], x[5]])(xs),
    "hessian": lambda xs: sg.hessian(polynomial)(xs),
    "hvp": lambda xs: sg.hvp(polynomial, [1.0] * 6, xs),
    "jvp": lambda xs: sg.jvp(polynomial, ([1.0] * 6,), (xs,)),
    "vjp": lambda xs: sg.vjp(polynomial, xs)[1](2.0),
    "vjp, upstream": lambda xs: sg.vjp(lambda x: [2.0 * y for y in x], [1.0] * 6)[1](xs),
    "check_gradients": lambda xs: bool(sg.check_gradients(polynomial, xs)),
    "gradients, upstream": gradients_at,
    "newton": lambda xs: sg.newton(lambda x: [y * y - 4.0 + y for y in x], xs),
    "fixed_point": lambda xs: sg.fixed_point(lambda x: [0.5 * y + 1.0 for y in x], xs),
    "take": lambda xs: sg.take(xs, 2),
    "linalg.norm": lambda xs: sg.linalg.norm(xs),
    "linalg.matmul": lambda xs: sg.linalg.matmul([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], xs),
    "linalg.solve": lambda xs: sg.linalg.solve([[float(i == j) + 1.0 for i in range(6)]
                                                for j in range(6)], xs),
    "linalg.lstsq": lambda xs: sg.linalg.lstsq([[1.0, i] for i in range(6)], xs).solution,
    "math.hypot": lambda xs: sg.math.hypot(*xs),
    "math.sumprod": lambda xs: sg.math.sumprod(xs, [3.0, 1.0, 2.0, 5.0, 4.0, 6.0]),
    "load_state_dict": moved,
    "check_answers": lambda xs: [
        mark.right for mark in sg.check_answers(six_sums(), xs, exercise="forward").marks
    ],
    "plots.curves": lambda xs: len(sg.plots.curves(xs, {"a": []}, {"a": []}, 6.0).axes),
    "datasets.split, targets": lambda xs: sg.datasets.split([[1.0]] * 6, xs, 0.5),
    "MLP, compiled": lambda xs: sg.compile(sg.nn.MLP(6, [2, 1], seed=0))([*xs]),
    "compile, two": lambda xs: sg.compile(lambda x, y: x * y + x).value_and_grad(
        np.asarray(xs) if isinstance(xs, (list, tuple)) else xs, np.arange(6.0)
    ),
    "compile, a list": lambda xs: sg.compile(polynomial).value_and_grad([*xs]),
}  # fmt: skip

#: what takes rows of two
MORE_ROWS: dict[str, Callable[[Any], Any]] = {
    "load_state_dict of a layer": loaded,
    "take": lambda xs: sg.take(xs, 2),
    "linalg.matmul": lambda xs: sg.linalg.matmul(xs, B),
    "linalg.lstsq": lambda xs: sg.linalg.lstsq(xs, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).solution,
    "linalg.norm": lambda xs: sg.linalg.norm(xs),
    "linalg.solve": lambda xs: sg.linalg.solve(A, [[*row] for row in zip(*xs, strict=True)]),
    "grad": lambda xs: sg.grad(lambda x: sg.sum([row[0] * row[1] for row in x]))(xs),
    "compile": lambda xs: sg.compile(lambda x: x[0] - 2.0 * x[1])(
        np.asarray(xs, float) if isinstance(xs, (list, tuple)) else xs
    ),
    "compile, gradients": lambda xs: sg.compile(lambda x: x[0] * x[1]).value_and_grad(
        np.asarray(xs, float) if isinstance(xs, (list, tuple)) else xs
    ),
}

#: what takes a square matrix of two
SQUARES: dict[str, Callable[[Any], Any]] = {
    "linalg.inv": sg.linalg.inv,
    "linalg.det": sg.linalg.det,
    "linalg.slogdet": sg.linalg.slogdet,
    "linalg.cholesky": sg.linalg.cholesky,
    "linalg.solve": lambda xs: sg.linalg.solve(xs, [1.0, 2.0]),
    "nn.book.Affine": lambda xs: sg.nn.book.Affine(xs, [0.5, 1.0]).forward([1.0, 2.0]),
}
