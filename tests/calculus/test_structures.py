"""What goes in and what comes out: every structure with every other one, in every transformation.

Rows are outputs, always: part i of a Jacobian is the gradient of output i, in the structure of the
argument; results have the function's own structure. The numbers are dyadic, so that all is exact.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import scalargrad as sg


class Point(NamedTuple):
    """Two things with names."""

    x: Any
    y: Any


class Named(NamedTuple):
    """A thing with a name, and one that may not be there."""

    name: str
    x: Any
    other: Any = None


@dataclasses.dataclass
class Pair:
    """Two numbers, or lists of them."""

    first: Any
    second: Any


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """What a layer may be described by."""

    activation: str
    weights: Any
    rate: Any
    note: str | None = None
    how: Callable[..., Any] = sg.tanh


def box(thing: Any) -> Any:
    """Return a number, an array or lists of equal lengths as an array; None for anything else."""
    if isinstance(thing, float):
        return np.array(thing)
    if isinstance(thing, np.ndarray):
        return thing if thing.dtype.kind == "f" else None
    if type(thing) not in (list, tuple):
        return None
    children = [box(child) for child in thing]
    if any(child is None or child.shape != children[0].shape for child in children):
        return None
    return np.array(children)


def arr(things: list[Any], *shape: int) -> Any:
    """Return an array of numbers or of rows, of objects where these make no array."""
    boxes = [box(thing) for thing in things]
    if all(one is not None and one.shape == boxes[0].shape for one in boxes):
        return np.array(boxes).reshape(shape + boxes[0].shape)
    array = np.empty(len(things), dtype=object)
    for i, thing in enumerate(things):
        array[i] = thing
    return array.reshape(shape)


@dataclasses.dataclass
class Kind:
    """A structure: how it is made of some things, and how they are read out of it again."""

    count: int
    make: Callable[[list[Any]], Any]
    parts: Callable[[Any], list[Any]]


KINDS = {
    "number": Kind(1, lambda xs: xs[0], lambda v: [v]),
    "list": Kind(4, list, list),
    "tuple": Kind(4, tuple, list),
    "one in a list": Kind(1, list, list),
    "lists in a list": Kind(4, lambda xs: [xs[:2], xs[2:]], lambda v: [*v[0], *v[1]]),
    "ragged": Kind(
        4, lambda xs: [xs[0], [xs[1], (xs[2],)], xs[3]], lambda v: [v[0], v[1][0], v[1][1][0], v[2]]
    ),
    "dict": Kind(2, lambda xs: {"b": xs[0], "a": xs[1]}, lambda v: [v["b"], v["a"]]),
    "ordered dict": Kind(
        2, lambda xs: collections.OrderedDict(b=xs[0], a=xs[1]), lambda v: [v["b"], v["a"]]
    ),
    "named tuple": Kind(2, lambda xs: Point(*xs), lambda v: [v.x, v.y]),
    "array": Kind(4, lambda xs: arr(xs, 4), lambda v: [*v]),
    "one in an array": Kind(1, lambda xs: arr(xs, 1), lambda v: [v[0]]),
    "matrix": Kind(4, lambda xs: arr(xs, 2, 2), lambda v: [v[0, 0], v[0, 1], v[1, 0], v[1, 1]]),
    "arrays in a list": Kind(
        4, lambda xs: [arr(xs[:2], 2), arr(xs[2:], 2)], lambda v: [*v[0], *v[1]]
    ),
    "array and number": Kind(4, lambda xs: (arr(xs[:3], 3), xs[3]), lambda v: [*v[0], v[1]]),
    "arrays in a dict": Kind(
        4, lambda xs: {"w": arr(xs[:2], 1, 2), "b": arr(xs[2:], 2)},
        lambda v: [v["w"][0, 0], v["w"][0, 1], *v["b"]],
    ),
    "dataclass": Kind(2, lambda xs: Pair(*xs), lambda v: [v.first, v.second]),
    "dataclasses in one": Kind(
        4, lambda xs: Pair(Pair(xs[0], [xs[1], xs[2]]), xs[3]),
        lambda v: [v.first.first, *v.first.second, v.second],
    ),
    "dataclass with words": Kind(
        3, lambda xs: Layer(activation="tanh", weights=xs[:2], rate=xs[2]),
        lambda v: [*v.weights, v.rate],
    ),
    "named tuple with words": Kind(1, lambda xs: Named("w", xs[0]), lambda v: [v.x]),
    "dict with words": Kind(
        2, lambda xs: {"name": "w", "xs": [xs[0], "and", xs[1]], "none": None},
        lambda v: [v["xs"][0], v["xs"][2]],
    ),
    "point of arrays": Kind(
        4, lambda xs: Point([xs[0]], arr(xs[1:], 3)), lambda v: [v.x[0], *v.y]
    ),
}  # fmt: skip

AT = [0.5, -1.25, 2.0, 3.0]
FACTORS = [
    [2.0, 3.0, 5.0, 7.0],
    [-1.0, 4.0, 0.5, 6.0],
    [8.0, -3.0, 1.0, 0.25],
    [9.0, 1.5, 2.5, -2.0],
]
SQUARES = [1.0, -2.0, 0.5, 4.0]
UPSTREAM = [1.0, 10.0, -100.0, 0.5]
DIRECTION = [2.0, -1.0, 0.25, 8.0]


def several(out: Kind, given: Kind) -> Callable[[Any], Any]:
    """Return a function between two structures: y_i = Σ a_ij·u_j + c_i·u_k², k = i mod n."""

    def function(thing: Any) -> Any:
        u = given.parts(thing)
        return out.make([
            sum((FACTORS[i][j] * u[j] for j in range(len(u))), 0.0)
            + SQUARES[i] * u[i % len(u)] * u[i % len(u)]
            for i in range(out.count)
        ])  # fmt: skip

    return function


def slopes(out: Kind, given: Kind) -> list[list[float]]:
    """Return the derivatives of `several`: a row an output."""
    n = given.count
    return [
        [FACTORS[i][j] + (2 * SQUARES[i] * AT[j] if j == i % n else 0.0) for j in range(n)]
        for i in range(out.count)
    ]


def one(given: Kind) -> Callable[[Any], Any]:
    """Return a function of one number: Σ a_ij·u_i·u_j."""

    def function(thing: Any) -> Any:
        u = given.parts(thing)
        return sum((FACTORS[i][j] * u[i] * u[j] for i in range(len(u)) for j in range(len(u))), 0.0)

    return function


def curvatures(n: int) -> list[list[float]]:
    """Return the second derivatives of `one`."""
    return [[FACTORS[i][j] + FACTORS[j][i] for j in range(n)] for i in range(n)]


def gradient(n: int) -> list[float]:
    """Return the derivatives of `one`."""
    return [sum(row[j] * AT[j] for j in range(n)) for row in curvatures(n)]


def plain(thing: Any) -> Any:
    """Return Values and numbers of NumPy as floats, in the same structure."""
    if isinstance(thing, sg.Value):
        return thing.data
    if isinstance(thing, np.ndarray):
        return arr([*map(plain, thing.ravel())], *thing.shape)
    if thing is None or isinstance(thing, str) or callable(thing):
        return thing
    if isinstance(thing, (Point, Named)):
        return type(thing)(*map(plain, thing))
    if dataclasses.is_dataclass(thing):
        return type(thing)(**{key: plain(value) for key, value in fields(thing)})
    if isinstance(thing, (list, tuple)):
        return type(thing)(map(plain, thing))
    if isinstance(thing, dict):
        return type(thing)((key, plain(value)) for key, value in thing.items())
    return float(thing)


def fields(thing: Any) -> list[tuple[str, Any]]:
    """Return the fields of an object of a dataclass."""
    return [(one.name, getattr(thing, one.name)) for one in dataclasses.fields(thing)]


def same(found: Any, expected: Any) -> bool:
    """Tell whether two nestings are the same: types, order, shapes, numbers.

    Where the expected one has a word, a gradient has None.
    """
    if expected is None or isinstance(expected, str) or callable(expected):
        return found is None or bool(found == expected)
    if isinstance(expected, np.ndarray):
        return (
            type(found) is np.ndarray
            and (found.shape, found.dtype) == (expected.shape, expected.dtype)
            and all(map(same, found.ravel().tolist(), expected.ravel().tolist()))
        )
    if type(found) is not type(expected):
        return False
    if dataclasses.is_dataclass(expected):
        return same([*map(list, fields(found))], [*map(list, fields(expected))])
    if isinstance(expected, dict):
        return [*found] == [*expected] and all(same(found[k], expected[k]) for k in expected)
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(same, found, expected))
    return bool(found == expected)


every = pytest.mark.parametrize("into", KINDS)
every_output = pytest.mark.parametrize("out", KINDS)


def ends(out: str, into: str) -> tuple[Kind, Kind, Callable[[Any], Any], Any]:
    """Return both kinds, a function between them, and a point."""
    result, given = KINDS[out], KINDS[into]
    return result, given, several(result, given), given.make(AT[: given.count])


@every
@every_output
def test_rows_of_a_jacobian_are_outputs(out: str, into: str) -> None:
    result, given, function, point = ends(out, into)
    expected = result.make([given.make(row) for row in slopes(result, given)])

    assert same(sg.jacobian(function)(point), expected)
    for i, row in enumerate(slopes(result, given)):  # each of them as `grad` has it
        alone = sg.grad(lambda x, i=i: result.parts(function(x))[i])(point)
        assert same(alone, given.make(row))


@every
@every_output
def test_jacobian_at_values_is_one_of_values(out: str, into: str) -> None:
    result, given, function, _ = ends(out, into)
    values = [sg.Value(x) for x in AT[: given.count]]
    expected = result.make([given.make(row) for row in slopes(result, given)])

    found = sg.jacobian(function)(given.make(values))

    assert same(plain(found), expected)


@every
@every_output
def test_several_arguments_give_a_tuple_at_every_number_and_of_an_array_one_of_arrays(
    out: str, into: str
) -> None:
    result, given, function, point = ends(out, into)
    blocks = [given.make(row) for row in slopes(result, given)]
    doubled = [given.make([2.0 * x for x in row]) for row in slopes(result, given)]

    found = sg.jacobian(
        lambda x, y: result.make([
            a + 2.0 * b
            for a, b in zip(result.parts(function(x)), result.parts(function(y)), strict=True)
        ]),
        (0, 1),
    )(point, point)  # fmt: skip

    if isinstance(result.make(AT[: result.count]), np.ndarray):
        assert type(found) is tuple
        assert same(list(found), [result.make(blocks), result.make(doubled)])
    elif "array" not in out:
        assert same(found, result.make(list(zip(blocks, doubled, strict=True))))


@every
@every_output
def test_vjp_and_jvp_have_the_structures_of_both_ends(out: str, into: str) -> None:
    result, given, function, point = ends(out, into)
    rows = np.array(slopes(result, given))
    upstream, direction = UPSTREAM[: result.count], DIRECTION[: given.count]
    value = plain(function(point))

    found, back = sg.vjp(function, point)
    assert same(found, value)
    pulled = back(result.make(upstream))
    assert same(list(pulled), [given.make((np.array(upstream) @ rows).tolist())])
    found, pushed = sg.jvp(function, (point,), (given.make(direction),))
    assert same(found, value)
    assert same(pushed, result.make((rows @ direction).tolist()))


@every
@every_output
def test_gradients_on_a_graph_have_the_structure_of_the_inputs(out: str, into: str) -> None:
    result, given, function, _ = ends(out, into)
    inputs = given.make([sg.Value(x) for x in AT[: given.count]])
    outputs = function(inputs)
    upstream = UPSTREAM[: result.count]
    expected = given.make((np.array(upstream) @ np.array(slopes(result, given))).tolist())

    assert same(sg.gradients(outputs, inputs, result.make(upstream)), expected)
    graph = sg.gradients(outputs, inputs, result.make(upstream), create_graph=True)
    assert all(isinstance(x, sg.Value) for x in given.parts(graph))
    assert same(plain(graph), expected)


@every
def test_gradient_value_and_hessian_have_the_structure_of_the_argument(into: str) -> None:
    given = KINDS[into]
    n = given.count
    function, point = one(given), given.make(AT[:n])
    value, first = plain(function(point)), given.make(gradient(n))
    second = given.make([given.make(row) for row in curvatures(n)])
    direction = DIRECTION[:n]

    assert same(sg.grad(function)(point), first)
    assert same(sg.value_and_grad(function)(point), (value, first))
    assert same(sg.hessian(function)(point), second)
    product = given.make((np.array(curvatures(n)) @ direction).tolist())
    assert same(sg.hvp(function, point, given.make(direction)), product)
    assert same(sg.jacobian(sg.grad(function))(point), second)
    assert same(sg.grad(lambda x, y: function(x) + y, (0, 1))(point, 1.0), (first, 1.0))
    assert len(sg.check_gradients(function, point)) == n


@every
@every_output
def test_what_is_brought_along_has_its_own_structure(out: str, into: str) -> None:
    _, given, function, point = ends(out, into)
    aux, first = plain(function(point)), given.make(gradient(given.count))

    found = sg.grad(lambda x: (one(given)(x), function(x)), has_aux=True)(point)

    assert same(found, (first, aux))


@every
@every_output
def test_values_that_go_along_in_any_structure_keep_their_graph(out: str, into: str) -> None:
    result, given, function, point = ends(out, into)
    others = [sg.Value(x) for x in UPSTREAM[: result.count]]

    def weighed(x: Any, by: Any) -> Any:
        pairs = zip(result.parts(function(x)), result.parts(by), strict=True)
        return sum((a * b for a, b in pairs), 0.0)

    found = sg.grad(weighed)(point, result.make(others))

    first = given.parts(found)[0]
    assert isinstance(first, sg.Value)
    assert sg.gradients(first, others) == [row[0] for row in slopes(result, given)]
    assert isinstance(given.parts(sg.grad(weighed)(point, by=result.make(others)))[0], sg.Value)


# -- compiled ----------------------------------------------------------------------------------

#: structures that are one point to a compiled function: arrays of numbers are a batch
POINTS = [name for name in KINDS if "array" not in name and name != "matrix"]


@pytest.mark.parametrize("into", POINTS)
@every_output
def test_compiled_function_at_a_point_gives_what_the_function_gives(out: str, into: str) -> None:
    _, _, function, point = ends(out, into)
    f = sg.compile(function)

    for _ in range(2):
        assert same(f(point), plain(function(point)))
    assert same(pickle.loads(pickle.dumps(f))(point), plain(function(point)))


@every
@every_output
def test_compiled_function_of_values_gives_nodes_in_the_structure(out: str, into: str) -> None:
    result, given, function, _ = ends(out, into)
    inputs = given.make([sg.Value(x) for x in AT[: given.count]])

    found = sg.compile(function)(inputs)

    assert all(isinstance(x, sg.Value) for x in result.parts(found))
    assert same(plain(found), plain(function(inputs)))
    for output, row in zip(result.parts(found), slopes(result, given), strict=True):
        assert same(sg.gradients(output, inputs), given.make(row))


@pytest.mark.parametrize("into", POINTS)
def test_compiled_gradient_has_the_structure_of_the_arguments(into: str) -> None:
    given = KINDS[into]
    function, point = one(given), given.make(AT[: given.count])
    expected = plain(function(point)), (given.make(gradient(given.count)),)

    f = sg.compile(function)

    assert same(f.value_and_grad(point), expected)
    values = given.make([sg.Value(x) for x in AT[: given.count]])
    assert same(plain(f.value_and_grad(values)), expected)


@every_output
def test_batch_has_its_lanes_first_in_every_array(out: str) -> None:
    result = KINDS[out]
    function = several(result, KINDS["number"])
    lanes = np.array([0.5, -1.0, 3.0])

    found = sg.compile(function)(lanes)

    parts = box(result.make(SQUARES[: result.count]))
    if parts is not None and type(found) is np.ndarray:
        assert found.shape == (3, *parts.shape)
    for lane, x in enumerate(lanes.tolist()):
        read = result.make(list(range(result.count)))  # a number's place says where it stands
        assert result.parts(at_lane(found, read, lane)) == result.parts(function(x))


def at_lane(batch: Any, like: Any, lane: int) -> Any:
    """Return one lane of a batch in the structure of its function."""
    if isinstance(batch, np.ndarray):
        return batch[lane] if isinstance(like, np.ndarray) else shaped(batch[lane].tolist(), like)
    if isinstance(batch, dict):
        return {key: at_lane(batch[key], like[key], lane) for key in batch}
    if batch is None or isinstance(batch, str) or callable(batch):
        return batch
    if dataclasses.is_dataclass(batch):
        parts = zip(fields(batch), fields(like), strict=True)
        return type(batch)(**{name: at_lane(x, own, lane) for (name, x), (_, own) in parts})
    children = [at_lane(part, own, lane) for part, own in zip(batch, like, strict=True)]
    return type(like)(*children) if isinstance(like, (Point, Named)) else children


def shaped(numbers: Any, like: Any) -> Any:
    """Return lists with arrays where the structure has them."""
    if isinstance(like, np.ndarray):
        return np.array(numbers)
    if isinstance(like, (list, tuple)):
        return [shaped(x, own) for x, own in zip(numbers, like, strict=True)]
    return numbers


@pytest.mark.parametrize(
    "function", [lambda x: [x * x], lambda x: (x * x,), lambda x: arr([x * x], 1)]
)
def test_one_number_in_a_list_is_not_one_number(function: Callable[[Any], Any]) -> None:
    for run in (
        sg.grad(function),
        sg.value_and_grad(function),
        sg.hessian(function),
        sg.compile(function).value_and_grad,
        sg.compile(function).backward,
    ):
        with pytest.raises(TypeError, match="one number"):
            run(2.0)


# -- constants beside numbers ------------------------------------------------------------------


class Kernel(enum.Enum):
    """Members are constants, and `is` finds them."""

    GAUSS = "gauss"
    LAPLACE = "laplace"


@dataclasses.dataclass
class Fit:
    """Everything that may stand beside a number; `area` is computed from what is given."""

    width: Any
    height: Any = 3.0
    name: str | None = None
    kernel: Kernel = Kernel.GAUSS
    squared: bool = True
    day: datetime.date = datetime.date(2026, 1, 31)
    link: Callable[[Any], Any] = sg.exp
    area: Any = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        if self.width <= 0:
            raise ValueError("width must be above 0")
        self.area = self.width * self.height


def loss(p: Fit) -> Any:
    """Return width²·height, all constants being what they were."""
    assert p.name == "spring"
    assert p.kernel is Kernel.GAUSS
    assert p.day.year == 2026
    assert p.link is sg.exp
    return p.area * (p.width if p.squared else 1.0)


def test_gradient_of_a_dataclass_is_one_with_none_where_a_constant_is() -> None:
    found = sg.grad(loss)(Fit(2.0, name="spring"))

    assert type(found) is Fit
    assert vars(found) == {
        "width": 12.0, "height": 4.0, "name": None, "kernel": None, "squared": None, "day": None,
        "link": None, "area": None,
    }  # fmt: skip
    falling = sg.grad(lambda p: -loss(p))(Fit(2.0, name="spring"))
    assert falling.width == -12.0  # though no Fit has such a width


def test_gradient_of_a_dataclass_beside_a_number_has_none_where_a_constant_is() -> None:
    layer = Layer(activation="tanh", weights=[2.0], rate=None)

    slope, slopes = sg.grad(lambda xs: xs[0] * xs[1].weights[0])([3.0, layer])

    assert (slope, slopes.weights, slopes.activation, slopes.how) == (2.0, [3.0], None, None)


def test_constants_stay_in_every_transformation() -> None:
    p, step = Fit(2.0, name="spring"), Fit(1.0, 0.0, name="spring")

    assert sg.value_and_grad(loss)(p)[0] == 12.0
    assert sg.hessian(loss)(p).width.width == 6.0
    assert sg.hessian(loss)(p).name is None
    assert sg.jvp(loss, (p,), (step,)) == (12.0, 12.0)
    assert (sg.hvp(loss, p, step).width, sg.hvp(loss, p, step).height) == (6.0, 4.0)
    assert sg.vjp(loss, p)[1](2.0)[0].height == 8.0
    assert sg.grad(sg.grad(lambda w: loss(Fit(w, name="spring"))))(2.0) == 6.0
    assert [row.name for row in sg.check_gradients(loss, p)] == ["p.width", "p.height"]


def test_compiled_function_has_a_tape_for_each_constant() -> None:
    f = sg.compile(lambda p: p.width**2 * p.height if p.kernel is Kernel.GAUSS else p.width)

    for width in (2.0, 3.0):
        value, (slope,) = f.value_and_grad(Fit(width, name="spring"))
        assert (value, slope.width, slope.height) == (3 * width**2, 6 * width, width**2)
        assert slope.name is slope.kernel is slope.area is None
        assert f.value_and_grad(Fit(width, kernel=Kernel.LAPLACE))[1][0].width == 1.0
    assert len(f.tapes) == 2
    assert sg.grad(f)(Fit(2.0, name="spring")).width == 12.0

    batch = Layer(activation="tanh", weights=np.array([2.0, 3.0]), rate=np.array([1.0, 5.0]))
    g = sg.compile(lambda p: p.weights**2 * p.rate * (p.activation == "tanh"))
    value, (slope,) = g.value_and_grad(batch)
    assert value.tolist() == [4.0, 45.0]
    assert slope.weights.tolist() == [4.0, 30.0]
    assert slope.activation is slope.how is None


def test_what_a_dataclass_holds_keeps_its_graph_beside_the_argument() -> None:
    w = sg.Value(2.0)

    found = sg.grad(lambda x, p: x * p.width)(3.0, Fit(w))

    assert isinstance(found, sg.Value)
    assert sg.gradients(found, w) == 1.0
    assert sg.grad(lambda x: (x, Pair(x, "a")), has_aux=True)(3.0) == (1.0, Pair(3.0, "a"))


def test_a_text_alone_or_in_a_list_is_no_constant() -> None:
    for point in ("tanh", ["tanh", 1.0], [None], {"a": "b"}, Named("w", None), object(), {1.0}):
        for run in (sg.grad(lambda p: 1.0), sg.compile(lambda p: 1.0), sg.jacobian(lambda p: 1.0)):
            with pytest.raises(TypeError, match="must be numbers"):
                run(point)
    for unknown in (object(), [1.0, {2.0}], np.datetime64("2026-01-31"), 1j):
        with pytest.raises(TypeError, match=r"must be (numbers|a number)"):
            sg.grad(lambda p: p["x"])({"x": 1.0, "unknown": unknown})


def test_dataclass_that_its_fields_do_not_make_is_refused() -> None:
    @dataclasses.dataclass
    class Percent:
        rate: Any
        base: dataclasses.InitVar[float] = 1.0

        def __post_init__(self, base: float) -> None:
            self.rate = self.rate / 100

    @dataclasses.dataclass
    class Needs:
        rate: Any
        base: dataclasses.InitVar[float]

    with pytest.raises(
        TypeError, match="must keep what its constructor is given; got another rate"
    ):
        sg.grad(lambda p: p.rate)(Percent(5.0))
    with pytest.raises(TypeError, match="got a Needs that its fields alone cannot make"):
        sg.grad(lambda p: p.rate)(Needs(5.0, 1.0))


def test_jacobian_of_an_array_at_numbers_without_an_output_or_input() -> None:
    assert sg.jacobian(lambda x: np.array([]))([1.0, 2.0]).shape == (0, 2)
    assert sg.jacobian(lambda x: np.array([1.0, 2.0]))([]).shape == (2, 0)
    assert sg.jacobian(lambda x: [])([1.0, 2.0]) == []
