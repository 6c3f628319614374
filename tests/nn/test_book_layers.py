"""The layers of the book: its numbers, its interface, and the same by NumPy's matrices."""

from __future__ import annotations

import numpy
import pytest

import scalargrad as sg
from scalargrad import Value
from scalargrad.nn import book

RANDOM = numpy.random.default_rng(5)


def test_apples_cost_what_figure_5_14_says():
    apples, tax = book.MulLayer(), book.MulLayer()

    price = tax.forward(apples.forward(100, 2), 1.1)
    d_apples, d_tax = tax.backward(1)
    d_apple, d_apple_num = apples.backward(d_apples)

    assert price == 220.00000000000003
    assert (d_apple, d_apple_num, d_tax) == (2.2, 110.00000000000001, 200)


def test_apples_and_oranges_cost_what_figure_5_17_says():
    apples, oranges, fruit, tax = (
        book.MulLayer(), book.MulLayer(), book.AddLayer(), book.MulLayer(),
    )  # fmt: skip

    both = fruit.forward(apples.forward(100, 2), oranges.forward(150, 3))
    price = tax.forward(both, 1.1)
    d_both, d_tax = tax.backward(1)
    d_apples, d_oranges = fruit.backward(d_both)
    d_orange, d_orange_num = oranges.backward(d_oranges)
    d_apple, d_apple_num = apples.backward(d_apples)

    assert price == 715.0000000000001
    assert (d_apple, d_orange, d_tax) == (2.2, 3.3000000000000003, 650)
    assert (int(d_apple_num), int(d_orange_num)) == (110, 165)


@pytest.mark.parametrize(
    ("layer", "upstream", "expected"),
    [(book.AddLayer, 1.3, (1.3, 1.3)), (book.MulLayer, 1.3, (6.5, 13.0))],
)
def test_add_and_multiply_hand_on_what_figures_5_11_and_5_13_show(layer, upstream, expected):
    node = layer()
    node.forward(10, 5)

    assert node.backward(upstream) == expected


def test_relu_has_the_books_mask():
    layer = book.Relu()
    x = numpy.array([[1.0, -0.5], [-2.0, 3.0]])

    out = layer.forward(x)
    dx = layer.backward(numpy.ones_like(x))

    assert isinstance(out, numpy.ndarray)
    assert out.tolist() == [[1.0, 0.0], [0.0, 3.0]]
    assert layer.mask.tolist() == [[False, True], [True, False]]
    assert dx.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_sigmoid_needs_only_its_output():
    layer = book.Sigmoid()
    x, dout = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=(3, 4))

    out = layer.forward(x)

    numpy.testing.assert_allclose(out, 1 / (1 + numpy.exp(-x)), rtol=1e-14)
    numpy.testing.assert_allclose(layer.backward(dout), dout * (1 - out) * out, rtol=1e-13)
    assert layer.out is out


@pytest.mark.parametrize("shape", [(2,), (1, 2), (5, 2)])
def test_affine_is_the_matrix_product_forward_and_back(shape):
    x, w, b = RANDOM.normal(size=shape), RANDOM.normal(size=(2, 3)), RANDOM.normal(size=3)
    layer = book.Affine(w, b)

    out = layer.forward(x)
    dout = RANDOM.normal(size=out.shape)
    dx = layer.backward(dout)

    numpy.testing.assert_allclose(out, x @ w + b, rtol=1e-13)
    numpy.testing.assert_allclose(dx, dout @ w.T, rtol=1e-13)
    rows, douts = x.reshape(-1, 2), dout.reshape(-1, 3)
    numpy.testing.assert_allclose(layer.dW, rows.T @ douts, rtol=1e-13)
    numpy.testing.assert_allclose(layer.db, douts.sum(axis=0), rtol=1e-13)
    assert (dx.shape, layer.dW.shape, layer.db.shape) == (shape, (2, 3), (3,))


def test_affine_flattens_images_and_gives_their_shape_back():
    x, w, b = RANDOM.normal(size=(2, 1, 2, 2)), RANDOM.normal(size=(4, 3)), numpy.zeros(3)
    layer = book.Affine(w, b)

    out = layer.forward(x)
    dx = layer.backward(numpy.ones((2, 3)))

    numpy.testing.assert_allclose(out, x.reshape(2, 4) @ w, rtol=1e-13)
    assert layer.original_x_shape == dx.shape == (2, 1, 2, 2)
    numpy.testing.assert_allclose(dx.reshape(2, 4), numpy.ones((2, 3)) @ w.T, rtol=1e-13)


def test_affine_reads_its_weights_anew_at_each_forward_pass():
    w, b = numpy.ones((2, 1)), numpy.zeros(1)
    layer = book.Affine(w, b)
    assert layer.forward([1.0, 2.0]) == [3.0]

    w -= 0.5

    assert layer.forward([1.0, 2.0]) == [1.5]


@pytest.mark.parametrize(
    ("y", "expected", "loss"),
    [
        ((0.3, 0.2, 0.5), (0.3, -0.8, 0.5), 1.6094),
        ((0.01, 0.99, 1e-300), (0.01, -0.01, 0), 0.01005),
    ],
)
@pytest.mark.parametrize("t", [[0, 1, 0], 1])
def test_softmax_with_loss_sends_back_y_minus_t(y, expected, loss, t):
    layer = book.SoftmaxWithLoss()

    found = layer.forward(numpy.log(y).tolist(), t)

    assert found == layer.loss == pytest.approx(loss, abs=5e-5)
    assert layer.y == pytest.approx(y, abs=1e-12)
    assert layer.backward() == pytest.approx(expected, abs=1e-12)
    assert layer.t == t


def test_softmax_with_loss_divides_by_the_batch():
    x, t = RANDOM.normal(size=(4, 3)), numpy.array([0, 2, 1, 1])
    layer = book.SoftmaxWithLoss()

    layer.forward(x, t)

    one_hot = numpy.eye(3)[t]
    numpy.testing.assert_allclose(layer.backward(), (layer.y - one_hot) / 4, atol=1e-15)
    numpy.testing.assert_allclose(layer.backward(3), 3 * (layer.y - one_hot) / 4, atol=1e-15)


def test_layers_train_the_books_network():
    inputs, labels = sg.datasets.iris()
    x, t = numpy.array(inputs[::5]), numpy.array(labels[::5])
    params = {
        "W1": 0.5 * RANDOM.normal(size=(4, 6)), "b1": numpy.zeros(6),
        "W2": 0.5 * RANDOM.normal(size=(6, 3)), "b2": numpy.zeros(3),
    }  # fmt: skip
    first, second = book.Affine(params["W1"], params["b1"]), book.Affine(params["W2"], params["b2"])
    layers, last = [first, book.Relu(), second], book.SoftmaxWithLoss()
    losses = []

    for _ in range(30):
        out = x
        for layer in layers:
            out = layer.forward(out)
        losses.append(last.forward(out, t))
        dout = last.backward()
        for layer in reversed(layers):
            dout = layer.backward(dout)
        for affine, w, b in ((first, "W1", "b1"), (second, "W2", "b2")):
            params[w] -= 0.05 * affine.dW
            params[b] -= 0.05 * affine.db

    assert losses[-1] < 0.6 * losses[0]
    assert dout.shape == x.shape


def test_values_that_go_in_stay_in_the_graph_that_comes_out():
    apple, number = sg.values(apple=100, number=2)
    layer = book.MulLayer()

    out = layer.forward(apple, number)

    assert out.parents == (apple, number)
    assert layer.graph is out
    assert layer.backward(1.1) == (2.2, 110.00000000000001)
    assert (apple.grad, number.grad) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("mistake", "kind", "message"),
    [
        (lambda: book.MulLayer().backward(1), RuntimeError, "MulLayer: backward and graph need a"),
        (lambda: book.MulLayer().forward("1", 2), TypeError, "MulLayer.forward: each number must"),
        (lambda: relu([1.0, 2.0]).backward([1.0]), ValueError, "Relu.backward: dout must have the"),
        (lambda: relu([1.0, 2.0]).backward([1.0, "x"]), TypeError, "Relu.backward: dout must be a"),
        (lambda: book.Affine([[1.0]], [1.0, 2.0]).forward([1.0]), ValueError, "as many columns as"),
        (lambda: book.Affine([[1.0], [1.0, 2.0]], [1.0]).forward([1.0]), ValueError, "columns"),
        (lambda: book.Affine([[1.0]], [1.0]).forward([1.0, 2.0]), ValueError, "as many numbers"),
        (lambda: book.Affine([[1.0]], [1.0]).forward([]), ValueError, "as many numbers"),
        (lambda: book.SoftmaxWithLoss().forward([1.0, 2.0], 5), ValueError, "a class from 0"),
        (lambda: book.Affine(1.0, [1.0]).forward([1.0]), TypeError, "W as a list of rows"),
    ],
)  # fmt: skip
def test_mistakes_get_one_clear_sentence(mistake, kind, message):
    with pytest.raises(kind, match=message) as caught:
        mistake()

    assert isinstance(caught.value, sg.ScalargradError)
    assert "\n" not in str(caught.value)


def relu(x):
    layer = book.Relu()
    layer.forward(x)
    return layer


def test_layer_is_told_apart_by_its_repr():
    assert isinstance(book.MulLayer().forward(Value(2.0), 3.0), Value)
    assert repr(book.MulLayer()) == "MulLayer()"


def test_mask_of_relu_holds_at_0_and_the_last_forward_pass_says_what_comes_back():
    layer = book.Relu()
    layer.forward([[1.0, 2.0]])
    out = layer.forward(numpy.array([[0.0, -1.0, 3.0]]))

    assert isinstance(out, numpy.ndarray)
    assert layer.mask.tolist() == [[True, True, False]]
    back = layer.backward(numpy.ones((1, 3)))
    assert isinstance(back, numpy.ndarray)
    assert back.tolist() == [[0.0, 0.0, 1.0]]
