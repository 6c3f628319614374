"""Losses: shapes, batches, refusals, and formulas written out by hand."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import scalargrad as sg

PAIRED = [sg.mse, sg.mae, sg.hinge, sg.binary_cross_entropy_with_logits]
XS, TS = [0.5, -2.0, 3.0], [1.0, -1.0, 1.0]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def leaves(Value: type, numbers: Any) -> Any:
    return [leaves(Value, n) for n in numbers] if isinstance(numbers, list) else Value(numbers)


def grads(values: Any) -> Any:
    return [grads(v) for v in values] if isinstance(values, list) else values.grad


# -- one sample ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "targets", "value", "gradient"),
    [
        (sg.mse, TS, lambda x, t: (x - t) ** 2, lambda x, t: 2 * (x - t)),
        (sg.mae, TS, lambda x, t: abs(x - t), lambda x, t: math.copysign(1.0, x - t)),
        (sg.hinge, TS, lambda x, t: max(0.0, 1 - x * t), lambda x, t: -t if x * t < 1 else 0.0),
        (sg.binary_cross_entropy_with_logits, [1, 0, 0.25],
         lambda x, t: -t * math.log(sigmoid(x)) - (1 - t) * math.log(1 - sigmoid(x)),
         lambda x, t: sigmoid(x) - t),
    ],
    ids=["mse", "mae", "hinge", "binary"],
)  # fmt: skip
def test_loss_of_paired_lists_is_the_mean_of_its_formula_in_one_node(
    Value, loss, targets, value, gradient
):
    xs = leaves(Value, XS)

    result = loss(xs, targets)
    result.backward()

    assert [id(p) for p in result.parents] == [id(x) for x in xs]
    assert result.data == pytest.approx(
        sum(value(x, t) for x, t in zip(XS, targets, strict=True)) / 3, rel=1e-14
    )
    assert grads(xs) == pytest.approx(
        [gradient(x, t) / 3 for x, t in zip(XS, targets, strict=True)], rel=1e-14
    )
    assert loss(XS, targets) == result.data
    assert type(loss(XS, targets)) is float


@pytest.mark.parametrize("loss", PAIRED)
def test_loss_of_one_number_is_that_of_a_list_of_one(Value, loss):
    x = Value(0.25)

    alone = loss(x, 1)

    assert alone.data == loss([0.25], [1]) == loss(0.25, 1)
    assert alone.parents == (x,)
    assert len(alone.parents) == 1


def test_cross_entropy_is_minus_the_logarithm_of_the_probability_of_the_class(Value):
    xs = leaves(Value, XS)

    result = sg.cross_entropy(xs, 2)
    result.backward()

    exponentials = [math.exp(x) for x in XS]
    probabilities = [e / sum(exponentials) for e in exponentials]
    assert result.op == "cross_entropy"
    assert len(result.parents) == 3
    assert result.data == pytest.approx(-math.log(probabilities[2]), rel=1e-14)
    assert grads(xs) == pytest.approx(
        [probabilities[0], probabilities[1], probabilities[2] - 1], rel=1e-13
    )


def test_cross_entropy_takes_probabilities_that_need_not_add_up_to_one(Value):
    xs = leaves(Value, XS)
    weights = [0.5, 0.0, 0.25]

    result = sg.cross_entropy(xs, weights)
    result.backward()

    total = math.log(sum(map(math.exp, XS)))
    assert result.data == pytest.approx(
        sum(w * (total - x) for w, x in zip(weights, XS, strict=True)), rel=1e-14
    )
    assert grads(xs) == pytest.approx(
        [0.75 * math.exp(x - total) - w for x, w in zip(XS, weights, strict=True)], rel=1e-12
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda loss: loss(["a"], [1]), "each prediction must be a number; got 'a' (str)"),
        (lambda loss: loss("a", 1), "each prediction must be a number; got 'a' (str)"),
        (lambda loss: loss([0.5, 1.0], [1]), "both lists must be equally long"),
        (lambda loss: loss([], []), "needs at least one prediction"),
        (lambda loss: loss([10**400], [1]), "each prediction must fit a double"),
    ],
)
@pytest.mark.parametrize("loss", PAIRED)
def test_loss_names_itself_in_every_refusal(loss, call, message):
    with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
        call(loss)

    assert str(caught.value).startswith(f"{loss.__name__}: {message}")


def test_binary_cross_entropy_names_a_target_that_is_no_number(Value):
    with pytest.raises(TypeError) as caught:
        sg.binary_cross_entropy_with_logits([Value(0.5)], ["a"])

    assert str(caught.value) == (
        "binary_cross_entropy_with_logits: each target must be a number; got 'a' (str);"
        " pass e.g. 1.0"
    )


def test_cross_entropy_takes_the_class_as_one_hot_too(Value):
    for target in (1, np.int64(1), [0, 1, 0], (0.0, 1.0, 0.0), np.array([0, 1, 0])):
        assert sg.cross_entropy(XS, target) == sg.cross_entropy(leaves(Value, XS), target).data
        assert sg.cross_entropy(XS, target) == sg.cross_entropy(XS, 1)


@pytest.mark.parametrize("loss", [sg.mse, sg.mae])
def test_target_may_be_a_value_with_the_opposite_gradient(Value, loss):
    x, t = Value(3.0), Value(1.0)

    loss([x], [t]).backward()

    assert x.grad == -t.grad != 0.0


def test_targets_of_cross_entropy_may_be_values(Value):
    xs, ts = leaves(Value, XS), leaves(Value, [0.2, 0.3, 0.5])

    sg.cross_entropy(xs, ts).backward()

    total = math.log(sum(map(math.exp, XS)))
    assert grads(ts) == pytest.approx([total - x for x in XS], rel=1e-14)


# -- batches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [sg.mse, sg.mae])
def test_loss_of_a_batch_is_the_mean_over_its_samples(Value, loss):
    xs, ts = [[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]], [[0.0, 0.0], [3.5, 1.0], [0.25, 4.0]]
    values = leaves(Value, xs)

    result = loss(values, ts)
    result.backward()

    singles = [loss(x, t) for x, t in zip(xs, ts, strict=True)]
    assert result.data == pytest.approx(sum(singles) / 3, rel=1e-15)
    alone = leaves(Value, xs[1])
    loss(alone, ts[1]).backward()
    assert grads(values)[1] == pytest.approx([g / 3 for g in grads(alone)], rel=1e-15)
    assert loss(xs, ts) == result.data
    assert loss(np.array(xs), np.array(ts)) == result.data


def test_cross_entropy_of_a_batch_takes_classes_or_probabilities(Value):
    logits = [[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]]
    values = leaves(Value, logits)

    result = sg.cross_entropy(values, [2, 0])
    result.backward()

    assert result.data == pytest.approx(
        (sg.cross_entropy(logits[0], 2) + sg.cross_entropy(logits[1], 0)) / 2, rel=1e-15
    )
    assert result.data == sg.cross_entropy(logits, [[0, 0, 1], [1, 0, 0]])
    assert result.data == sg.cross_entropy(np.array(logits), np.array([2, 0]))
    assert sum(sum(row) for row in grads(values)) == pytest.approx(0.0, abs=1e-15)


def test_losses_stay_finite_for_huge_scores(Value):
    x = Value(-1000.0)

    result = sg.binary_cross_entropy_with_logits([x], [1])
    result.backward()

    assert (result.data, x.grad) == (1000.0, -1.0)
    assert sg.cross_entropy([1e308, -1e308], 0) == 0.0
    assert sg.cross_entropy([1000.0, 0.0], 1) == 1000.0


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: sg.mse([1.0], [1.0, 2.0]), ValueError,
         "mse: both lists must be equally long; got 1 and 2 operands; check their shapes"),
        (lambda: sg.mse([], []), ValueError,
         "mse: needs at least one prediction; got [] (list); pass e.g. [1.0]"),
        (lambda: sg.mse([1.0], 1.0), TypeError,
         "mse: wants as many targets as predictions; got 1.0 (float); write mse([a, b], [c, d])"),
        (lambda: sg.hinge([1.0], [0]), ValueError,
         "hinge: labels must be -1 or 1; got 0 (int); map classes 0, 1 to them"),
        (lambda: sg.binary_cross_entropy_with_logits([1.0], [-1]), ValueError,
         "binary_cross_entropy_with_logits: targets must be within 0 and 1; got -1 (int);"
         " map labels -1, 1 to 0, 1"),
        (lambda: sg.cross_entropy([1.0, 2.0], 2), ValueError,
         "cross_entropy: target must be a class from 0 to 1; got 2 (int);"
         " check the labels or the number of logits"),
        (lambda: sg.cross_entropy([1.0, 2.0], 1.0), TypeError,
         "cross_entropy: target must be a class index or probabilities; got 1.0 (float);"
         " pass e.g. 2 or [0, 0, 1]"),
        (lambda: sg.cross_entropy([1.0, 2.0], [1.0]), ValueError,
         "cross_entropy: needs one probability a class; got 1 for 2 classes; check the shapes"),
        (lambda: sg.cross_entropy([[1.0, 2.0]], [0, 1]), ValueError,
         "cross_entropy: needs one target a sample; got 1 samples and 2 targets;"
         " check their shapes"),
    ],
)  # fmt: skip
def test_loss_refuses_in_one_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()

    assert str(caught.value) == sentence
    assert isinstance(caught.value, sg.ScalargradError)


@pytest.mark.parametrize("target", [-1, 3, 10**30, np.int64(-1)])
def test_cross_entropy_refuses_a_class_out_of_range(Value, target):
    with pytest.raises(ValueError, match="target must be a class from 0 to 2"):
        sg.cross_entropy(leaves(Value, XS), target)


@pytest.mark.parametrize("target", [None, "1", True, 1.0, math.nan, 1j])
def test_cross_entropy_refuses_a_target_that_is_no_class(Value, target):
    with pytest.raises(TypeError, match=r"^cross_entropy: "):
        sg.cross_entropy(leaves(Value, XS), target)


@pytest.mark.parametrize("logits", [1.0, "ab", None])
def test_cross_entropy_refuses_logits_that_are_no_list(logits):
    with pytest.raises(TypeError, match="cross_entropy: wants a list of logits"):
        sg.cross_entropy(logits, 0)


def test_cross_entropy_refuses_no_logits_at_all():
    with pytest.raises(ValueError, match="cross_entropy: needs at least one logit"):
        sg.cross_entropy([], 0)
    with pytest.raises(ValueError, match="cross_entropy: needs at least one logit"):
        sg.cross_entropy([[]], [0])


@pytest.mark.parametrize("label", [0, 2, 0.5, math.nan, -1.5])
def test_hinge_refuses_other_labels(Value, label):
    with pytest.raises(ValueError, match="hinge: labels must be -1 or 1"):
        sg.hinge([Value(1.0)], [label])
    with pytest.raises(ValueError, match="hinge: labels must be -1 or 1"):
        sg.hinge(Value(1.0), label)


@pytest.mark.parametrize("target", [-0.1, 1.1, 2, math.nan, math.inf])
def test_binary_cross_entropy_refuses_targets_outside_zero_and_one(Value, target):
    with pytest.raises(ValueError, match="targets must be within 0 and 1"):
        sg.binary_cross_entropy_with_logits([Value(1.0)], [target])


@pytest.mark.parametrize("loss", PAIRED)
def test_loss_refuses_text_and_other_strangers(Value, loss):
    for wrong in ("1", None, 1j, object()):
        with pytest.raises(TypeError):
            loss([Value(1.0), wrong], [1, 1])
        with pytest.raises((TypeError, ValueError)):
            loss([Value(1.0)], [wrong])


@pytest.mark.parametrize("loss", PAIRED)
def test_loss_refuses_lists_of_unequal_length(Value, loss):
    with pytest.raises(ValueError, match=r"both lists must be equally long; got 2 and 1"):
        loss(leaves(Value, [1.0, 2.0]), [1])
    with pytest.raises(ValueError, match=r"both lists must be equally long; got 1 and 2"):
        loss(leaves(Value, [[1.0, 2.0]]), [[1, 1], [1, 1]])


@pytest.mark.parametrize("loss", [sg.mse, sg.mae])
def test_loss_refuses_a_batch_of_ragged_shape(Value, loss):
    with pytest.raises((TypeError, ValueError)):
        loss(leaves(Value, [[1.0, 2.0], [3.0]]), [[1, 1], [1, 1]])
    with pytest.raises((TypeError, ValueError)):
        loss([[1.0, 2.0], 3.0], [[1, 1], [1, 1]])


def test_labels_of_a_batch_are_checked_too(Value):
    with pytest.raises(ValueError, match="hinge: labels must be -1 or 1"):
        sg.hinge(leaves(Value, [[1.0], [2.0]]), [[1], [0]])
    with pytest.raises(ValueError, match="targets must be within 0 and 1"):
        sg.binary_cross_entropy_with_logits(leaves(Value, [[1.0], [2.0]]), [[1], [2]])


def test_targets_may_come_from_a_generator(Value):
    assert sg.hinge([0.5, -2.0], (t for t in (1, -1))) == sg.hinge([0.5, -2.0], [1, -1])
    assert sg.binary_cross_entropy_with_logits([0.5], (t for t in (1,))) == pytest.approx(
        math.log(1 + math.exp(-0.5))
    )
    with pytest.raises(ValueError, match="hinge: labels must be -1 or 1"):
        sg.hinge([Value(1.0)], (t for t in (0,)))
