"""Values: text, truth and comparison, the door for numbers, NumPy."""
# ruff: noqa: N803 - Value is a class

from __future__ import annotations

import math
import operator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import scalargrad as sg

HUGE = 10**400


# -- text, truth, comparison -----------------------------------------------------------------------


def test_repr_and_str_and_format_show_the_number(Value):
    x = Value(1.5, label="x")
    node = x * 2

    assert repr(x) == str(x) == f"{x}" == "Value(data=1.5, grad=0.0, label='x')"
    assert repr(node) == "Value(data=3.0, grad=0.0, op='mul')"
    assert f"{node:.2f}" == "3.00"
    assert f"{node:>8.1f}|" == "     3.0|"
    assert str(Value(1)) == "Value(data=1.0, grad=0.0)"


#: programs that ask whether a Value is true; each would lose one whose number is 0
TRUTHS = {
    "bool": bool,
    "or": lambda v: v or 0,
    "and": lambda v: v and v * 2,
    "not": lambda v: not v,
    "if": lambda v: 1 if v else 2,
    "assert": lambda v: exec("assert v", {"v": v}),
    "while": lambda v: exec("while v: break", {"v": v}),
    "filter": lambda v: list(filter(None, [v])),
    "any": lambda v: any([v]),
    "all": lambda v: all([v]),
    "comprehension": lambda v: [w for w in [v] if w],
    "truth": operator.truth,
    "array": lambda v: bool(np.array([v])),
    "np.bool_": lambda v: np.bool_(v),
    "astype": lambda v: np.array([v]).astype(bool),
    "np.any": lambda v: np.any(np.array([v, v])),
    "np.all": lambda v: np.all(np.array([v, v])),
    "np.where": lambda v: np.where(np.array([v, v]), 1, 2),
    "nonzero": lambda v: np.array([v]).nonzero(),
    "count_nonzero": lambda v: np.count_nonzero(np.array([v])),
    "logical_not": lambda v: np.logical_not(np.array([v])),
    "logical_and": lambda v: np.logical_and(np.array([v]), [True]),
}


@pytest.mark.parametrize("number", [0.0, -0.0, 1e-300, math.nan])
@pytest.mark.parametrize("program", TRUTHS)
def test_value_is_neither_true_nor_false(Value, program, number):
    v = Value(number, label="b")
    message = (
        r"^bool: a Value is not .* silently, .*; got Value\(.*'b'\); write v != 0, or v is not"
    )

    with pytest.raises(TypeError, match=message):
        TRUTHS[program](v)


def test_remedies_of_that_refusal_work(Value):
    x, b = Value(3.0), Value(0.0)

    y = x + (b if b is not None else 0)
    y.backward()

    assert b.grad == 1.0
    assert [bool(v != 0) for v in (Value(1e-300), Value(math.nan), b, Value(-0.0))] == [
        True, True, False, False,
    ]  # fmt: skip
    assert np.where(np.array([x, b]) != 0, 1, 2).tolist() == [1, 2]
    assert (np.array([x, b]) > 1).any()
    assert b in [x, b]
    assert [x, b].index(b) == 1


@pytest.mark.parametrize("run", ["grad", "newton", "compile", "a batch"])
def test_truth_is_refused_in_every_function_that_sees_values(run):
    def function(x):
        return x + 1.0 if x else x

    runs = {
        "grad": lambda f: sg.grad(f)(1.0),
        "newton": lambda f: sg.newton(f, 1.0),
        "compile": lambda f: sg.compile(f)(1.0),
        "a batch": lambda f: sg.compile(f)(np.ones(2)),
    }
    with pytest.raises(TypeError, match=r"^bool: a Value is not"):
        runs[run](function)

    assert runs[run](lambda x: x + 1.0 if x != 0 else x) is not None


def test_comparisons_are_of_the_numbers(Value):
    x, y = Value(1.0), Value(2.0)

    assert x < y
    assert x <= y
    assert y > x
    assert y >= x
    assert x != y
    assert x == Value(1.0)
    assert x == 1
    assert operator.eq(1, x)
    assert x < 1.5
    assert operator.lt(0.5, x)
    assert operator.gt(1.5, x)
    assert x < np.float64(2.0)
    assert np.float64(0.5) < x
    assert not x < 1
    assert Value(math.nan) != Value(math.nan)
    assert max([y, x], key=lambda v: v.data) is y
    assert min(x, y) is x
    assert sorted([y, x]) == [x, y]


def test_comparison_with_a_stranger_is_unequal_and_not_ordered(Value):
    x = Value(1.0)

    assert x != "1"
    assert (x == None) is False  # noqa: E711 - the operator is what is tested
    assert x != [1.0]
    assert x != HUGE
    assert HUGE not in [x]
    assert x < HUGE
    assert x > -HUGE
    with pytest.raises(TypeError):
        assert x < "1"
    with pytest.raises(TypeError):
        assert x >= None


def test_hash_is_identity(Value):
    x, twin = Value(1.0), Value(1.0)

    assert x == twin
    assert len({x, twin}) == 2
    assert {x: "x", twin: "twin"}[x] == "x"


def test_equal_numbers_are_never_taken_for_the_same_value(Value):
    xs = [Value(2.0) for _ in range(4)]

    (xs[0] * xs[1] + xs[2] / xs[3]).backward()

    assert [x.grad for x in xs] == [2.0, 2.0, 0.5, -0.5]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("float", float),
        ("float", math.exp), ("float", math.sqrt), ("float", math.sin), ("float", np.float64),
    ],
)  # fmt: skip
def test_silent_way_out_of_the_graph_is_refused_and_names_the_right_one(Value, name, function):
    with pytest.raises(TypeError, match=rf"^{name}: .*v\.data.*sg\.exp") as caught:
        function(Value(1.0))

    assert isinstance(caught.value, sg.ScalargradError)


@pytest.mark.parametrize("use", [lambda v: [1, 2][v], lambda v: range(v), lambda v: v & 1])
def test_value_is_no_index_and_has_no_bits(Value, use):
    with pytest.raises(TypeError):
        use(Value(1.0))


# -- the door --------------------------------------------------------------------------------------

NUMBERS = [
    3, True, Fraction(1, 3), 2**1000, -0.0, math.inf,
    np.float64(0.1), np.float32(0.1), np.float16(0.5), np.int64(3), np.uint8(7), np.bool_(True),
    np.longdouble(0.5),
]  # fmt: skip

STRANGERS = [
    "1", b"1", None, 1j, Decimal("1"), [1.0], (1.0,), {1.0}, {"x": 1.0}, object(),
    np.array([1.0, 2.0]), np.array(1.0), np.complex128(1), np.str_("1"),
    np.datetime64("2020-01-01"), lambda: 1.0, range(3),
]  # fmt: skip

#: operands that NumPy itself makes an object array of
ARRAYS = (np.ndarray,)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_value_takes_every_real_number_and_holds_an_exact_float(Value, number):
    x = Value(number)

    assert type(x.data) is float
    assert x.data == float(number)
    for node in (Value(2.0) * number, number * Value(2.0)):
        assert type(node) is Value
        assert node.data == 2.0 * float(number)
        assert [type(o) for o in node.operands if o is not node.parents[0]] == [float]


def test_value_takes_subclasses_of_float_and_int_as_the_plain_number(Value):
    class Celsius(float):
        def __add__(self, other):
            return NotImplemented

    x = Value(Celsius(1.5))

    assert type(x.data) is float
    assert type((x + Celsius(1.0)).operands[1]) is float


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda s: f"{type(s).__name__}")
def test_value_refuses_everything_else(Value, stranger):
    with pytest.raises(TypeError, match=r"^Value: data must be a number; got ") as caught:
        Value(stranger)

    assert isinstance(caught.value, sg.ScalargradError)
    assert type(stranger).__name__ in str(caught.value)


@pytest.mark.parametrize(
    "stranger",
    [s for s in STRANGERS if not isinstance(s, ARRAYS)],
    ids=lambda s: f"{type(s).__name__}",
)
def test_operators_refuse_strangers_with_pythons_own_error(Value, stranger):
    x = Value(1.0)
    for operate in (
        lambda: x + stranger, lambda: stranger + x, lambda: x - stranger, lambda: stranger - x,
        lambda: x * stranger, lambda: stranger * x, lambda: x / stranger, lambda: stranger / x,
        lambda: x**stranger, lambda: stranger**x, lambda: x % stranger, lambda: x // stranger,
        lambda: stranger // x, lambda: divmod(x, stranger), lambda: divmod(stranger, x),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            operate()


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda s: f"{type(s).__name__}")
def test_functions_refuse_strangers_and_name_themselves(Value, stranger):
    for call, name in [
        (lambda: sg.exp(stranger), "exp"),
        (lambda: sg.atan2(Value(1.0), stranger), "atan2"),
        (lambda: sg.atan2(stranger, 1.0), "atan2"),
        (lambda: sg.sum([Value(1.0), stranger]), "sum"),
        (lambda: sg.dot([1.0], [stranger]), "dot"),
        (lambda: Value(1.0).arctan2(stranger), "atan2"),
        (lambda: Value(1.0).leaky_relu(stranger), "leaky_relu"),
    ]:
        with pytest.raises(TypeError, match=f"^{name}: "):
            call()


def test_value_refuses_a_value_and_names_its_data(Value):
    with pytest.raises(TypeError, match=r"pass its \.data"):
        Value(Value(1.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: sg.maximum(x, "a"), "maximum: y must be a number; got 'a' (str); pass e.g. 1.0"),
        (lambda x: sg.maximum("a", x), "maximum: x must be a number; got 'a' (str); pass e.g. 1.0"),
        (lambda x: sg.maximum("a", 1.0), "maximum: x must be a number; got 'a' (str)"),
        (lambda x: sg.leaky_relu(x, "a"), "leaky_relu: slope must be a number; got 'a' (str)"),
        (lambda x: sg.leaky_relu("a", x), "leaky_relu: x must be a number; got 'a' (str)"),
        (lambda x: sg.where(True, x, "a"), "where: b must be a number; got 'a' (str)"),
        (lambda x: sg.where(False, x, "a"), "where: b must be a number; got 'a' (str)"),
        (lambda x: sg.where(False, "a", 2.0), "where: a must be a number; got 'a' (str)"),
        (lambda x: sg.where(True, "a", x), "where: a must be a number; got 'a' (str)"),
        (lambda x: sg.sum([x, "a"]), "sum: each operand must be a number; got 'a' (str)"),
        (lambda x: x.backward(HUGE), "backward: upstream must fit a double"),
        (lambda x: sg.exp(HUGE), "exp: x must fit a double"),
        (lambda x: sg.sum([x, HUGE]), "sum: each operand must fit a double"),
        (lambda x: type(x)(HUGE), "Value: data must fit a double"),
        (lambda x: x + HUGE, "Value: an operand must fit a double"),
    ],
)
def test_refusal_names_the_function_and_the_operand_that_is_wrong(Value, call, message):
    with pytest.raises((TypeError, OverflowError)) as caught:
        call(Value(1.0))

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("maximum", sg.maximum),
        ("where", lambda x, y: sg.where(True, x, y)),
        ("sum", lambda x, y: sg.sum([x, y])),
        ("dot", lambda x, y: sg.dot([x], [y])),
        ("mse", sg.mse),
        ("binary_cross_entropy_with_logits", sg.binary_cross_entropy_with_logits),
    ],
)
def test_functions_refuse_operands_of_two_engines_in_one_sentence(Value, foreign, name, call):
    for x, y in ((Value(1.0), foreign(2.0)), (foreign(1.0), Value(2.0))):
        with pytest.raises(TypeError, match=f"^{name}: operands must be Values of one engine; got"):
            call(x, y)


def test_integer_beyond_the_doubles_raises_overflow_error(Value):
    x = Value(1.0)

    for use in (
        lambda: Value(HUGE), lambda: x + HUGE, lambda: -HUGE * x, lambda: sg.exp(HUGE),
        lambda: sg.sum([x, HUGE]), lambda: x.backward(HUGE), lambda: Value(Fraction(HUGE)),
    ):  # fmt: skip
        with pytest.raises(OverflowError, match="must fit a double") as caught:
            use()
        assert isinstance(caught.value, sg.ScalargradError)
        assert len(str(caught.value)) < 300


def test_operator_leaves_an_unknown_operand_to_its_own_reflected_method(Value):
    class Tensor:
        def __radd__(self, other):
            return "radd"

        def __rpow__(self, other):
            return "rpow"

        def __eq__(self, other):
            return "eq"

        __hash__ = None

    assert Value(1.0) + Tensor() == "radd"
    assert Value(1.0) ** Tensor() == "rpow"
    assert (Value(1.0) == Tensor()) == "eq"


def test_value_of_another_engine_is_a_foreign_operand(Value, foreign):
    x, stranger = Value(1.0), foreign(2.0)

    for operate in (
        lambda: x + stranger, lambda: stranger * x, lambda: sg.sum([x, stranger]),
        lambda: sg.atan2(x, stranger), lambda: Value(stranger), lambda: sg.dot([x], [stranger]),
        lambda: sg.record(1.0, [x, stranger], [1.0, 1.0], op="own"),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            operate()
    assert x < stranger
    (sg.exp(stranger) * 2.0).backward()
    assert stranger.grad == 2.0 * math.exp(2.0)


@pytest.mark.parametrize("name", ["mean", "max", "min", "logsumexp", "softmax", "log_softmax"])
def test_reduction_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"^{name}: needs at least one operand; got "):
        getattr(sg, name)([])


def test_sum_and_dot_of_nothing_are_zero():
    assert sg.sum([]) == 0.0
    assert sg.dot([], []) == 0.0
    assert type(sg.sum([])) is float


def test_dot_refuses_unequal_lengths(Value):
    with pytest.raises(
        ValueError, match=r"^dot: both lists must be equally long; got 1 and 2 operands"
    ):
        sg.dot([Value(1.0)], [1.0, 2.0])


@pytest.mark.parametrize("operands", [1.0, "12", b"12", None])
def test_reduction_refuses_what_is_no_iterable_of_operands(operands):
    with pytest.raises(TypeError, match=r"^max: wants one iterable of Values and numbers; got "):
        sg.max(operands)


def test_reduction_takes_any_iterable(Value):
    x, y = Value(1.0), Value(2.0)

    assert sg.sum(v for v in (x, y)).data == 3.0
    assert sg.sum({x: 0, y: 0}.keys()).data == 3.0
    assert sg.sum(np.array([x, y])).data == 3.0
    assert sg.max(np.array([1.0, 2.0])) == 2.0
    assert sg.sum((x, 1, np.float64(2.0))).data == 4.0


@pytest.mark.parametrize("condition", ["yes", None, [], 1j])
def test_where_refuses_a_condition_that_is_neither_truth_nor_number(Value, condition):
    with pytest.raises(TypeError, match=r"^where: the condition must be a number"):
        sg.where(condition, Value(1.0), 2.0)


def test_sums_add_left_to_right_in_plain_doubles(Value):
    numbers = [1e16, 1.0, 1.0, -1e16]

    assert sg.sum([Value(n) for n in numbers]).data == 0.0
    assert sg.sum(numbers) == 0.0
    assert sg.mean(numbers) == 0.0
    assert sg.dot(numbers, [1.0] * 4) == 0.0
    assert sg.sum([0.1] * 10) == 0.9999999999999999


# -- NumPy -----------------------------------------------------------------------------------------


def test_numpy_scalars_on_either_side_give_a_value(Value):
    v = Value(3.0)

    for node, data in [
        (np.float64(2.0) * v, 6.0), (v * np.float64(2.0), 6.0), (np.float64(2.0) - v, -1.0),
        (np.float32(0.5) + v, 3.5), (np.int64(6) / v, 2.0), (np.float64(2.0) ** v, 8.0),
        (np.bool_(True) * v, 3.0), (v - np.uint8(1), 2.0), (np.float64(-7.0) % v, 2.0),
        (v // np.int64(2), 1.0), (np.float32(7.0) // v, 2.0),
    ]:  # fmt: skip
        assert type(node) is Value
        assert node.data == data


def test_numpy_arrays_on_either_side_give_object_arrays(Value):
    v = Value(3.0)
    array = np.array([1.0, 2.0])

    for made in (
        array * v, v * array, array + v, v - array, array / v, v**array, array % v, v // array,
    ):  # fmt: skip
        assert isinstance(made, np.ndarray)
        assert made.dtype == object
        assert made.shape == (2,)
        assert all(type(node) is Value for node in made)
    assert [node.data for node in v - array] == [2.0, 1.0]


def test_numpy_object_arrays_calculate_and_differentiate(Value):
    weights = np.array([[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]])
    inputs = np.array([Value(0.5), Value(-1.0)])

    scores = weights @ inputs
    total = np.exp(scores).sum()
    total.backward()

    assert [s.data for s in scores] == [-1.5, -2.5]
    assert total.data == pytest.approx(math.exp(-1.5) + math.exp(-2.5), rel=1e-15)
    assert weights[0, 1].grad == -math.exp(-1.5)
    assert [x.data for x in (weights + weights).ravel()] == [2.0, 4.0, 6.0, 8.0]
    for name in ("exp", "log", "sqrt", "tanh", "sin", "log1p", "cbrt"):
        made = getattr(np, name)(np.array([Value(0.5)]))
        assert made[0].data == getattr(sg, name)(0.5)
    assert np.abs(np.array([Value(-2.0)]))[0].data == 2.0
    assert np.maximum(np.array([Value(1.0)]), np.array([Value(2.0)]))[0].data == 2.0


def test_value_is_one_element_of_an_array(Value):
    array = np.array([Value(1.0), 2.0])

    assert array.shape == (2,)
    assert array.dtype == object
    assert not hasattr(Value, "__len__")
    assert not hasattr(Value, "__array_ufunc__")


@pytest.mark.parametrize("method", ["__eq__", "__hash__"])
def test_subclass_may_not_change_how_nodes_are_told_apart(Value, method):
    with pytest.raises(TypeError, match=f"must keep {method}"):
        type("Equal", (Value,), {method: lambda *operands: True})


@pytest.mark.parametrize("label", ["", "was"])
def test_a_constructor_called_again_makes_a_leaf(Value, label):
    x = Value(2.0)
    for node in (Value(1.0, label), x * 3.0):
        if node.parents and label:
            node.label = label
        node.__init__(5.0)

        assert (node.data, node.grad, node.label, node.op) == (5.0, 0.0, "", "")
        assert node.parents == node.operands == node.partials == ()
