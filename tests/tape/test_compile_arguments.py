"""`compile`: arguments are what the plain function sees, ints are ints, arrays of any kind."""

from __future__ import annotations

import bisect
import collections
import copy
import enum
import functools
import itertools
import math
import operator
import random
import statistics
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg
from scalargrad import _engine
from scalargrad.tape import compiled
from scalargrad.tape.replay import Replay

KINDS = _engine.machine().kinds() if _engine.machine() else []
TABLE = [float(place * place) for place in range(40)]
WEIGHTS = [sg.Value(0.1 * place) for place in range(40)]


@pytest.fixture(params=["replay", *KINDS[:1]])
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What replays: the readable replay, and the machine."""
    if request.param == "replay":
        monkeypatch.setattr(compiled, "runner_for", lambda tape, mode: Replay(tape))
    return request.param


def number(result: Any) -> float:
    """Return what a plain function gave as a float."""
    return float(result.data if isinstance(result, sg.Value) else result)


# -- ints -----------------------------------------------------------------------------------

PAIRS = [(3, 4), (0, 1), (1, 1), (5, 2), (4, 4), (7, 3), (2, 9)]

OF_INTS: dict[str, Callable[[Any, Any], Any]] = {
    "range": lambda n, m: float(len(range(n + 1))),
    "steps": lambda n, m: float(sum(range(0, n * m + 1, m))),
    "one before": lambda n, m: TABLE[n - 1],
    "from the end": lambda n, m: TABLE[-n],
    "doubled": lambda n, m: TABLE[2 * n],
    "sum": lambda n, m: TABLE[n + m],
    "difference": lambda n, m: TABLE[abs(n - m)],
    "product": lambda n, m: TABLE[n * m],
    "power": lambda n, m: TABLE[n**2 % 40],
    "power of two": lambda n, m: TABLE[2 ** (m - 1) % 40],
    "power of minus one": lambda n, m: (-1) ** n * 1.0,
    "negative power": lambda n, m: 2.0 * m**-1,
    "power and modulus": lambda n, m: float(pow(n, m, 7)),
    "bit": lambda n, m: float(n & 1),
    "bits": lambda n, m: float((n << 2 | m) ^ 5) + float(~n) + float(1 << m) + float(n >> 1),
    "divmod": lambda n, m: float(sum(divmod(n, 3)) + sum(divmod(7, m))),
    "halves": lambda n, m: TABLE[n // 2 + n % 2],
    "slice": lambda n, m: sum(TABLE[n : n + m]),
    "last ones": lambda n, m: sum(TABLE[-m:]),
    "division": lambda n, m: n / m,
    "key": lambda n, m: {3: 1.0, 4: 2.0}.get(n + 1, 0.0),
    "tuple as a key": lambda n, m: {(0, 2): 1.0, (3, 5): 2.0}.get((n, m + 1), 0.0),
    "member": lambda n, m: float(n + 1 in {1, 2, 3}),
    "text": lambda n, m: float(f"{n * m:03d}") + float(str(n + 1)) + float("%d" % (n + m)),  # noqa: UP031
    "text of a list": lambda n, m: float(len(str([n + m, n]))),
    "text as a key": lambda n, m: {"x4": 1.0}.get(f"x{n + 1}", 0.0),
    "letters": lambda n, m: float(ord(chr(97 + n))),
    "repeated": lambda n, m: float(len([0.0] * n + m * [1.0]) + len("ab" * n)),
    "isinstance": lambda n, m: float(isinstance(n + 1, int)),
    "float": lambda n, m: math.sqrt(n * n + m * m) + float(n),
    "functions of ints": lambda n, m: float(math.comb(n + m, m) + math.gcd(n, m) + n.bit_length()),
    "rounded": lambda n, m: round(n + m, -1) + round(n, 2) + math.floor(n) + math.ceil(-m) + 0.0,
    "largest": lambda n, m: max(n, m, 2) - min(n, 1.5),
    "sorted": lambda n, m: sorted([n, m, n - m])[1] + 0.0,
    "chain": lambda n, m: 1.0 if 0 < n + 1 <= m else 0.0,
    "truth": lambda n, m: 1.0 if n - m else 2.0,
    "fractions": lambda n, m: float(n < Fraction(5, 2)) + float(m == 3.0),
    "with a bool": lambda n, m: TABLE[True + n],
    "with an int of numpy": lambda n, m: TABLE[n + np.int64(1)] + np.arange(9.0)[n],
    "with an array": lambda n, m: sg.sum((np.arange(3) * n + m).tolist()),
    "islice": lambda n, m: next(itertools.islice(TABLE, n, n + 2)),
    "enumerate": lambda n, m: float(sum(i * x for i, x in enumerate(TABLE[:n], start=m))),
    "loops": lambda n, m: float(sum(1 for a in range(n) for b in range(a + m))),
    "factorial": lambda n, m: math.factorial(n + 1) * 1.0,
    "recursion": lambda n, m: functools.reduce(lambda ab, _: (ab[1], sum(ab)), range(n), (0, 1))[0],
    "hash": lambda n, m: float((n * 2654435761 & 0xFFFFFFFF) >> 3),
    "beyond doubles": lambda n, m: float((n * (2**62 + 1) + 3) % 2**64 >> 40),
    "cancelled": lambda n, m: TABLE[n * n - (n - 1) * (n + 1)],
    "comparison of large ones": lambda n, m: float((2**30 * n) ** 2 == (2**30 * n) ** 2 + m - 4),
    "where": lambda n, m: sg.where(n > 2, n, 5.0),
    "copies": lambda n, m: TABLE[copy.copy(n) + copy.deepcopy([n, m])[1]],
    "sum of some": lambda n, m: sum([n, m], 10) / 2,
}


@pytest.mark.parametrize("name", OF_INTS)
def test_ints_are_ints(runner: str, name: str) -> None:
    function = OF_INTS[name]
    expected = [number(function(n, m)) for n, m in PAIRS]
    f, g = sg.compile(function), sg.compile(function)
    assert [f(n, m) for n, m in PAIRS] == expected
    assert g(*map(np.array, zip(*PAIRS, strict=True))).tolist() == expected


def polynomial(n: Any, m: Any, x: Any) -> Any:
    """Compute with whole numbers as with any others."""
    return (2 * n * m + 1 - m) * x + abs(n - m) * x + (-n) ** 2 * x + n / m


def test_ints_have_gradients_and_no_guards(runner: str) -> None:
    f = sg.compile(polynomial)
    lanes = [(3, 2, 0.5), (1, 5, 2.0), (0, 1, 1.0), (-2, 3, 1.5)]
    _, grads = f.value_and_grad(*map(np.array, zip(*lanes, strict=True)))
    for row, lane in enumerate(lanes):
        values = [sg.Value(float(x)) for x in lane]
        result = polynomial(*values)
        result.backward()
        expected = [x.grad for x in values]
        assert f.value_and_grad(*lane) == (result.data, tuple(expected))
        assert [column[row] for column in grads] == expected
    assert len(f.tapes) == 1
    assert not f.tape.guards


def test_ints_are_guarded_where_one_is_wanted(runner: str) -> None:
    f = sg.compile(lambda n, m: TABLE[n + m] * 1.0)
    n = np.array([0, 1, 2, 3, 1, 0])
    assert f(n, n[::-1]).tolist() == [0.0, 4.0, 25.0, 25.0, 4.0, 0.0]
    assert len(f.tapes) == 3
    for way in (lambda n: TABLE[n] + TABLE[n], lambda n: TABLE[n] if n < 9 else {n: 0.0}[n]):
        g = sg.compile(way)
        g(3)
        assert len(g.tape.guards) <= 2


def test_ints_have_a_guard_each(runner: str) -> None:
    f = sg.compile(lambda ns: sum(TABLE[n] for n in ns))
    assert f([3] * 1500) == 1500 * 9.0
    assert len(f.tape.guards) == 1500
    g = sg.compile(lambda ns: TABLE[sum(ns)])
    assert g([0, 1] * 9) == 81.0
    assert len(g.tape.guards) == 1 + 2 * (18 + 17)


def test_zero_has_no_sign(runner: str) -> None:
    f = sg.compile(lambda n, m: [sg.copysign(1.0, z) for z in (-n, n * m, n * -3, 0 * m)])
    assert f(0, -5) == [1.0] * 4
    assert f(np.array([1, 0]), np.array([1, -5])).tolist() == [[-1.0, 1.0, -1.0, 1.0], [1.0] * 4]


def test_ints_outside_a_graph_are_followed(runner: str) -> None:
    def inside(n: Any) -> Any:
        with sg.no_grad():
            k = n + 1
        return k * n + TABLE[k]

    f = sg.compile(inside)
    assert [f(3), f(4), f(3)] == [28.0, 45.0, 28.0]
    assert f.value_and_grad(3) == (28.0, (4.0,))
    derivative = sg.compile(lambda n, x: sg.grad(lambda u: u ** (n + 1))(x))
    assert derivative(2, 3.0) == 27.0


def test_whole_numbers_that_no_double_holds_are_never_wrong(runner: str) -> None:
    large = 2**53 + 1
    f = sg.compile(lambda n: 1.0 if n == 2**53 else 2.0)
    assert f(4) == 2.0
    with pytest.raises(RuntimeError, match=r"must be below 2\*\*53.*got 9007199254740993"):
        f(large)
    for function in (lambda n: TABLE[n % 7], lambda n: TABLE[n - 2**53], str, lambda n: n < n + 1):
        with pytest.raises(RuntimeError, match=r"must be below 2\*\*53"):
            sg.compile(lambda n, function=function: float(function(n)))(large)
    assert sg.compile(lambda n: n * 0.5 if n > 5 else n)(large) == large * 0.5


def test_sums_that_no_double_holds_take_a_path_of_their_own(runner: str) -> None:
    f = sg.compile(lambda n, k: TABLE[(n * n + k) - n * n])
    assert [f(2, 0), f(2, 1)] == [0.0, 1.0]
    large = 2**30 + 1
    assert [f(large, k) for k in (0, 1, 7)] == [0.0, 1.0, 49.0]
    n, k = np.array([2, large, large, 3]), np.array([1, 1, 0, 7])
    assert f(n, k).tolist() == [1.0, 1.0, 0.0, 49.0]


def test_comparisons_of_sums_that_no_double_holds_are_followed(runner: str) -> None:
    large = 2**30 + 1
    f = sg.compile(lambda n, k, m: 1.0 if m < (n * n + k) - n * n else 0.0)
    lanes = [(large, 1, 3), (large, 7, 3), (large, 3, 3), (2, 1, 3), (2, 7, 3), (large, 4, 3)]
    expected = [float(k > m) for _, k, m in lanes]
    assert [f(*lane) for lane in lanes] == expected
    g = sg.compile(f.function)
    assert g(*map(np.array, zip(*lanes, strict=True))).tolist() == expected


def test_large_products_of_themselves_are_walked_once(runner: str) -> None:
    def squares(n: Any) -> Any:
        for _ in range(12):
            n = n * n
        return n

    f = sg.compile(lambda n: TABLE[squares(n) % 7] + TABLE[squares(n + 1) % 5])
    assert [f(n) for n in (1, 2, 3, 2)] == [
        TABLE[squares(n) % 7] + TABLE[squares(n + 1) % 5] for n in (1, 2, 3, 2)
    ]


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "sum": operator.add,
    "difference": operator.sub,
    "product": operator.mul,
    "cancelled": lambda a, b: (a * a + b) - a * a,
    "opposite": lambda a, b: abs(-a) + 7,
    "constant": lambda a, b: (2**53 + 1 - a) * 3,
    "remainder": lambda a, b: a % 7 + (b & 3),
}
ASKED: dict[str, Callable[[Any, Any], float]] = {
    "less": lambda a, b: float(a < b),
    "equal": lambda a, b: float(a == b),
    "small": lambda a, b: float(a >= 3),
    "index": lambda a, b: TABLE[a % 40],
    "key": lambda a, b: {0: 1.0, 1: 2.0}.get(a, 3.0),
}


@pytest.mark.parametrize("seed", range(25))
def test_random_functions_of_ints_give_what_they_give_plainly(runner: str, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        names = [chance.choice([*STEPS, "cancelled", *ASKED, "less"]) for _ in range(8)]
        steps = [(name, chance.random(), chance.random()) for name in names]
        start = [chance.choice([0, 1, 3, -4, 2**26 + 1, 2**30 + 1, 2**53 - 1]) for _ in range(3)]
        lanes = [
            [x if chance.random() < 0.6 else chance.choice([0, 1, 2, 3, 2**31 + 7]) for x in start]
            for _ in range(7)
        ]

        def function(*given: Any, steps: Any = steps) -> float:
            known, answer = list(given), 0.0
            for name, left, right in steps:
                a, b = known[int(left * len(known))], known[int(right * len(known))]
                if name in STEPS:
                    known.append(STEPS[name](a, b))
                else:
                    answer = answer * 1.5 + ASKED[name](a, b)
            return answer

        expected = [function(*lane) for lane in lanes]
        f, g = sg.compile(function), sg.compile(function)
        assert [f(*lane) for lane in lanes] == expected
        assert g(*map(np.array, zip(*lanes, strict=True))).tolist() == expected


SIGNS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]


@pytest.mark.parametrize("other", [10**400, -(10**400), 2**53 + 1, 2**60 - 1, 1 - 2**60, 3, True])
@pytest.mark.parametrize("sign", SIGNS)
def test_comparisons_with_ints_of_any_size(
    runner: str, sign: Callable[[Any, Any], bool], other: int
) -> None:
    points = [0.0, 1.0, 3.0, 2.0**53, 2.0**53 + 2, 2.0**60, -(2.0**60), 1e308, -1e308]
    points += [math.inf, -math.inf, math.nan]
    f = sg.compile(lambda x: 1.0 if sign(x, other) else 0.0)
    expected = [float(sign(x, other)) for x in points]
    assert [float(sign(sg.Value(x), other)) for x in points] == expected
    assert f(np.array(points)).tolist() == expected
    assert [f(x) for x in points] == expected
    assert [sg.compile(lambda x: float(sign(other, x)))(x) for x in points] == [
        float(sign(other, x)) for x in points
    ]


# -- arrays ---------------------------------------------------------------------------------


class Series:
    """What another library calls a column."""

    def __init__(self, numbers: Any) -> None:
        self.numbers = numbers
        self.ndim = 1

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.numbers, dtype)


class Elsewhere:
    """An array that is on another device."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("copy it to the host first")


class Measured(np.ndarray):
    """An array of a class of one's own."""


PLAIN = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    "array",
    [
        PLAIN.astype("float32"), PLAIN.astype("float16"), PLAIN.astype("longdouble"),
        PLAIN.astype(">f8"), PLAIN.astype(">f4"), PLAIN.astype("int8"), PLAIN.astype(">i4"),
        PLAIN.astype("uint64"), PLAIN.astype("uint16"), np.asfortranarray(PLAIN),
        np.repeat(PLAIN, 2, axis=1)[:, ::2], PLAIN[::-1][::-1], PLAIN.view(Measured),
        Series(PLAIN), Series(PLAIN.tolist()),
    ],
)  # fmt: skip
def test_arrays_of_every_kind_are_lanes(runner: str, array: Any) -> None:
    f = sg.compile(lambda x: x[0] * x[1] - x[2])
    assert f(array).tolist() == [-1.0, 14.0]
    _, (grads,) = f.value_and_grad(array)
    assert grads.tolist() == [[2.0, 1.0, -1.0], [5.0, 4.0, -1.0]]


def test_arrays_that_may_not_be_written_are_lanes(runner: str) -> None:
    frozen = PLAIN.copy()
    frozen.flags.writeable = False
    assert sg.compile(lambda x: x[0] + x[2])(frozen).tolist() == [4.0, 10.0]


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint64", "int64", ">i4", "bool"])
def test_whole_numbers_of_arrays_are_ints(runner: str, kind: str) -> None:
    f = sg.compile(lambda t: WEIGHTS[t + 1] * 10)
    assert f(np.array([1, 0, 1], kind)).tolist() == pytest.approx([2.0, 1.0, 2.0])


@pytest.mark.parametrize(
    "scalar",
    [
        np.float32(3), np.float64(3), np.float16(3), np.longdouble(3), np.int8(3), np.uint64(3),
        np.array(3.0), np.array(3), np.array(3, object), np.array(3.0, ">f4"), Fraction(3),
    ],
)  # fmt: skip
def test_arrays_without_dimensions_and_scalars_are_numbers(runner: str, scalar: Any) -> None:
    f = sg.compile(lambda x, y: x * y[0])
    assert f(scalar, [2.0]) == 6.0
    assert f(scalar, np.array([[2.0], [3.0]])).tolist() == [6.0, 9.0]
    assert f(2.0, [scalar]) == 6.0


def test_numbers_may_follow_arrays_of_the_same_kind(runner: str) -> None:
    f = sg.compile(lambda x: x * 2)
    assert f(np.ones(3)).tolist() == [2.0] * 3
    assert f(np.array(2.0)) == 4.0
    assert f(np.ones(3).view(Measured)).tolist() == [2.0] * 3
    with pytest.raises(TypeError, match="a masked array"):
        f(np.ma.array([1.0, 2.0]))
    assert f(np.ones(2)).tolist() == [2.0] * 2


def test_bools_are_numbers(runner: str) -> None:
    f = sg.compile(lambda x, flag: x * x if flag else -x)
    assert [f(3.0, True), f(3.0, False), f(3.0, np.True_), f(3.0, np.array(False))] == [
        9,
        -3,
        9,
        -3,
    ]
    assert f(np.full(2, 3.0), np.array([True, False])).tolist() == [9.0, -3.0]


class Kind(enum.IntEnum):
    """A number with a name."""

    A = 1


@pytest.mark.parametrize(
    ("argument", "kind", "words"),
    [
        (np.ma.array([1.0, 2.0], mask=[0, 1]), TypeError, r"a masked array; pass \.filled"),
        (np.ma.masked, TypeError, "a masked array"),
        ([np.ma.array([1.0])], TypeError, "a masked array"),
        (np.ones((2, 2)).view(np.matrix), TypeError, r"a numpy\.matrix; pass numpy\.asarray"),
        (np.array([1.0, 2], object), TypeError, r"an array of objects; pass \.astype\(float\)"),
        (np.array(["a", None], object), TypeError, "must be numbers"),
        (np.array([1 + 2j]), TypeError, "an array of complex128; pass an array of floats"),
        (np.complex64(1), TypeError, "an array of complex64"),
        (np.array(["1.0"]), TypeError, "an array of <U3"),
        (np.zeros(2, "M8[s]"), TypeError, r"an array of datetime64\[s\]"),
        (np.timedelta64(1, "s"), TypeError, r"an array of timedelta64\[s\]"),
        (np.zeros(2, [("a", float)]), TypeError, r"an array of \[\('a', '<f8'\)\]"),
        (np.array([2**63], "uint64"), ValueError, r"below 2\*\*63; got 9223372036854775808"),
        (Elsewhere(), TypeError, r"gives no array \(copy it to the host first\)"),
        (10**400, OverflowError, "argument 0 must fit a double"),
        ([1, 10**400], OverflowError, "argument 0 must fit a double"),
        (Kind.A, TypeError, r"<Kind\.A: 1>.*pass its \.value"),
        ({"a": "one"}, TypeError, "argument 0 must be numbers.*'one'"),
        ({1.0}, TypeError, "argument 0 must be numbers"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(
    argument: Any, kind: type[Exception], words: str
) -> None:
    f = sg.compile(lambda x: 1.0)
    f(1)
    f([1])
    with pytest.raises(kind, match=words) as caught:
        f(argument)
    assert str(caught.value).startswith("<lambda>: ")
    assert "\n" not in str(caught.value)


def test_values_in_an_array_are_an_array_of_values(runner: str) -> None:
    x = sg.Value(2.0)
    f = sg.compile(lambda xs: (xs * 2).prod())
    f(np.array([1.0, 3.0]) * x).backward()
    assert x.grad == 48.0
    assert sg.compile(lambda x: np.array([1.0, 3.0]) * x)(2.0).tolist() == [2.0, 6.0]


# -- functions as they are written -----------------------------------------------------------


class Point(NamedTuple):
    """Two coordinates."""

    x: Any
    y: Any


AS_WRITTEN: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "class label": (lambda x, t: -sg.log_softmax(x)[t], ([1.0, 2.0, 3.0], 1)),
    "one hot": (lambda x, t: sg.mse(x, [1.0 * (i == t) for i in range(3)]), ([1.0, 2.0, 3.0], 1)),
    "embedding": (lambda ts: sg.sum(WEIGHTS[t] for t in ts), ([3, 1, 1],)),
    "counts": (lambda ts: sum(c**2.0 for c in collections.Counter(ts).values()), ([3, 1, 1],)),
    "table": (lambda x, k: {0: x, 1: x * x}[k], (2.0, 1)),
    "coefficients": (lambda x, c: sg.sum(a * x**i for i, a in enumerate(c)), (2.0, [1, 2, 3])),
    "binomial": (lambda n, k, p: math.comb(n, k) * p**k * (1 - p) ** (n - k), (5, 2, 0.3)),
    "poisson": (lambda k, u: sg.exp(-u) * u**k / math.factorial(k), (3, 2.0)),
    "string keys": (lambda d, n: d["a"] * d[f"b{n}"], ({"a": 2.0, "b1": 3.0}, 1)),
    "int keys": (lambda d, k: d[k], ({1: 2.0, 2: 3.0}, 2)),
    "nested tuples": (lambda p: p[0][0] * p[1], (((1.0, 2.0), 3.0),)),
    "named tuple": (lambda p: p.x - p.y, (Point(1.0, 2.0),)),
    "many arguments": (lambda *xs: sg.sum(xs), (1.0, 2, 3.0)),
    "default": (lambda x, y=3.0, n=None: x * y if n is None else x, (2.0,)),
    "matrix": (lambda m, i, j: m[i][j], ([[1.0, 2.0], [3.0, 4.0]], 1, 0)),
    "permutation": (lambda xs, p: sg.dot([xs[i] for i in p], p), ([1.0, 2.0, 3.0], [2, 0, 1])),
    "clip": (lambda xs, i: xs[max(0, min(i, len(xs) - 1))], ([1.0, 2.0], 9)),
    "place": (lambda ns: float(ns.index(2) + ns.count(2)), ([1, 2, 2],)),
    "bisect": (lambda x: float(bisect.bisect([1.0, 2.0, 3.0], x)), (2.5,)),
    "largest": (lambda xs: float(max(range(len(xs)), key=xs.__getitem__)), ([1.0, 5.0, 2.0],)),
    "mean": (lambda ns: statistics.mean(ns) * 1.0, ([1, 2, 6],)),
    "fsum": (lambda ns: math.fsum(ns) + math.prod(ns), ([1, 2, 6],)),
    "array": (lambda ns: float(np.array(ns).sum()), ([1, 2, 3],)),
    "taylor": (lambda x, n: sum((-1) ** k * x ** (2 * k + 1) for k in range(n)), (0.5, 4)),
}


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_functions_as_they_are_written(runner: str, name: str) -> None:
    function, arguments = AS_WRITTEN[name]
    f = sg.compile(function)
    expected = number(function(*arguments))
    assert [f(*arguments), f(*arguments)] == [expected, expected]


def test_whole_numbers_as_results_are_numbers(runner: str) -> None:
    f = sg.compile(lambda x: [1, x] if x > 0 else [x, 0])
    assert f(np.array([2.0, -2.0])).tolist() == [[1.0, 2.0], [-2.0, 0.0]]
    g = sg.compile(lambda x: x > 1)
    assert g(np.array([2.0, -2.0])).tolist() == [1.0, 0.0]


def test_ints_are_keys_of_results(runner: str) -> None:
    f = sg.compile(lambda n, x: {n: x, (n, n + 1): 2 * x})
    assert f(3, 2.0) == {3: 2.0, (3, 4): 4.0}
    keys = list(f(4, 2.0))
    assert keys == [4, (4, 5)]
    assert [type(keys[0]), type(keys[1][1])] == [int, int]


@pytest.mark.parametrize("name", OF_INTS)
def test_ints_are_ints_in_fast_mode(name: str) -> None:
    function = OF_INTS[name]
    f = sg.compile(function, mode="fast")
    expected = [number(function(n, m)) for n, m in PAIRS]
    found = f(*map(np.array, zip(*PAIRS, strict=True)))
    assert found == pytest.approx(expected, rel=1e-14)


def test_whole_numbers_of_a_recording_are_ints_in_messages() -> None:
    f = sg.compile(lambda scores, t: sg.cross_entropy(scores, t))
    with pytest.raises(ValueError, match=r"a class from 0 to 2; got 5 \(int\);"):
        f(np.zeros((2, 3)), np.array([0, 5]))


@pytest.mark.parametrize("count", [64, 65, 200])
def test_a_batch_may_have_any_number_of_arrays(count: int, runner: str) -> None:
    def weighted(n: Any, *xs: Any) -> Any:
        total = sum(x * x * k for k, x in enumerate(xs)) * xs[0]
        return total if xs[0] > 0 else total * float(n)

    f = sg.compile(weighted)
    rng = np.random.default_rng(count)
    arrays = [rng.normal(size=6) for _ in range(count - 1)]
    counts = np.array([1, 2, 1, 2, 1, 2])
    shared = arrays[:-1]
    value, grads = f.value_and_grad(counts, *shared, 0.5, arrays[-1])
    assert len(grads) == count + 1
    for lane in range(6):
        point = [xs[lane].item() for xs in (counts, *shared)]
        expected, slopes = f.value_and_grad(*point, 0.5, arrays[-1][lane].item())
        assert value[lane] == pytest.approx(expected, rel=1e-13)  # of a fused sum
        assert [grad[lane] for grad in grads] == pytest.approx(list(slopes), rel=1e-13)
        assert f(counts, *shared, 0.5, arrays[-1])[lane] == pytest.approx(expected, rel=1e-13)
