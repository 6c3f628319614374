"""Pictures in symbols: what they say is what the numbers say, in the book's form."""

from __future__ import annotations

import pytest

import scalargrad as sg
from scalargrad.drawing.options import view
from scalargrad.drawing.words.algebra import ONE, Names, Product, add, constant, name
from scalargrad.drawing.words.writing import write


def labels(value: sg.Value, **options: object) -> dict[str, list[str | None]]:
    """Return, by the forward text of what flows, its gradient and the parts that come back."""
    seen = view("draw", value, **{"symbols": True, **options})
    found: dict[str, list[str | None]] = {}
    for flow in seen.graph.flows:
        stem = seen.wording.flow(flow)
        parts = [seen.wording.use(use).backward for use in flow.uses]
        found[stem.forward] = [stem.backward, *parts]
    return found


def rooted(value: sg.Value, label: str) -> sg.Value:
    value.label = label
    value.backward()
    return value


# -- the figures of the book -----------------------------------------------------------------


def test_multiplication_shows_upstream_times_the_other_operand() -> None:
    x, y = sg.values(x=10, y=5)

    assert labels(rooted(x * y, "z")) == {
        "x": ["∂L/∂z·y", "∂L/∂z·y"], "y": ["∂L/∂z·x", "∂L/∂z·x"], "z": ["∂L/∂z"],
    }  # fmt: skip


def test_addition_hands_the_upstream_on_times_one() -> None:
    x, y = sg.values(x=10, y=5)

    found = labels(rooted(x + y, "z"))

    assert found["x"][1] == found["y"][1] == "∂L/∂z·1"


def test_square_of_a_sum_is_a_chain_of_partials() -> None:
    x, y = sg.values(x=1, y=2)
    t = x + y
    t.label = "t"
    z = rooted(t**2, "z")

    assert labels(z, symbols="chain", loss="z") == {
        "x": ["∂z/∂z·∂z/∂t·∂t/∂x"] * 2, "y": ["∂z/∂z·∂z/∂t·∂t/∂y"] * 2,
        "t": ["∂z/∂z·∂z/∂t"] * 2, "z": ["∂z/∂z"],
    }  # fmt: skip
    assert labels(z, loss="z")["x"] == ["2t", "2t"]


def test_square_of_a_sum_without_a_name_shows_the_sum() -> None:
    x, y = sg.values(x=1, y=2)

    assert labels(rooted((x + y) ** 2, "z"), loss="z")["x"][0] == "2(x+y)"


def test_steps_of_sigmoid_show_what_the_book_shows() -> None:
    (x,) = sg.values(x=0.5)
    y = rooted(1 / (1 + sg.exp(x * -1)), "y")

    assert labels(y) == {
        "x": ["∂L/∂y·y²·exp(−x)"] * 2,
        "−x": ["−∂L/∂y·y²·exp(−x)"] * 2,
        "exp(−x)": ["−∂L/∂y·y²"] * 2,
        "1+exp(−x)": ["−∂L/∂y·y²"] * 2,
        "y": ["∂L/∂y"],
    }


def test_sigmoid_as_one_node_needs_only_what_came_out() -> None:
    (x,) = sg.values(x=0.5)

    assert labels(rooted(sg.sigmoid(x), "y"))["x"] == ["∂L/∂y·y(1−y)"] * 2


def test_opened_sigmoid_is_simplified_where_it_is_left() -> None:
    (x,) = sg.values(x=0.5)

    found = labels(rooted(sg.sigmoid(x), "y"), open="sigmoid")

    assert found["x"] == ["∂L/∂y·y(1−y)", "∂L/∂y·y²·exp(−x)\n= ∂L/∂y·y(1−y)"]


def softmax_with_loss() -> tuple[sg.Value, list[sg.Value]]:
    scores = sg.values(a1=0.3, a2=2.9, a3=4.0)
    targets = sg.values(t1=0, t2=0, t3=1)
    exps = [sg.exp(a) for a in scores]
    total = sg.sum(exps)
    total.label = "S"
    reciprocal = 1 / total
    outputs = [e * reciprocal for e in exps]
    for place, y in enumerate(outputs, 1):
        y.label = f"y{place}"
    terms = [t * sg.log(y) for t, y in zip(targets, outputs, strict=True)]
    return rooted(sg.sum(terms) * -1, "L"), list(targets)


def test_softmax_with_loss_goes_back_in_the_six_steps_of_the_appendix() -> None:
    loss, targets = softmax_with_loss()

    found = labels(loss, constants=targets)

    assert found["y1"] == ["−t1/y1"] * 2  # what the error hands to the softmax
    assert found["1/S"] == ["−S", "−t1·S", "−t2·S", "−t3·S"]
    assert found["S"] == ["1/S"] * 2  # the targets add up to 1
    assert found["exp(a1)"] == ["1/S−t1/exp(a1)", "1/S", "−t1/exp(a1)"]
    assert [found[f"a{k}"][0] for k in (1, 2, 3)] == ["y1−t1", "y2−t2", "y3−t3"]


def test_targets_that_are_no_constants_stay_in_the_sum() -> None:
    loss, _ = softmax_with_loss()

    assert labels(loss)["S"] == ["(t1+t2+t3)/S"] * 2
    assert labels(loss)["a1"][0] == "(t1+t2+t3)·y1−t1"


def test_opened_cross_entropy_ends_in_outputs_minus_targets() -> None:
    scores, targets = sg.values(a1=0.3, a2=2.9), sg.values(t1=0, t2=1)
    loss = rooted(sg.cross_entropy(scores, targets), "L")

    found = labels(loss, open="cross_entropy", constants=targets)

    assert [found["a1"][0], found["a2"][0]] == ["y₁−t1", "y₂−t2"]


def test_choice_is_made_by_the_numbers() -> None:
    x, y = sg.values(x=2, y=-2)

    assert labels(rooted(x.relu(), "z"))["x"][0] == "∂L/∂z"
    assert labels(rooted(y.relu(), "z"))["y"][0] == "0"


def test_custom_node_shows_its_partial_by_name() -> None:
    (x,) = sg.values(x=3)
    f = sg.custom(lambda x: 2 * x, op="f")(lambda x: x * x)

    assert labels(rooted(f(x), "y"))["x"][0] == "∂L/∂y·∂y/∂x"


def test_nothing_is_red_before_backward() -> None:
    x, y = sg.values(x=10, y=5)
    z = x * y
    z.label = "z"

    assert labels(z) == {"x": [None, None], "y": [None, None], "z": [None]}


def test_both_writes_symbols_over_numbers() -> None:
    x, y = sg.values(x=10, y=5)

    found = labels(rooted((x * y).exp(), "z"), symbols="both")

    assert "x·y\n50" in found
    assert found["10"][0].startswith("∂L/∂z·z·y\n")


# -- the algebra -----------------------------------------------------------------------------

X, Y, Z = (name(letter, letter) for letter in "xyz")


@pytest.mark.parametrize(
    ("made", "written"),
    [
        (X * Y, "x·y"), (X * X, "x²"), (X * X**-1, "1"), (constant(-2.0) * X, "−2x"),
        (add(X, X), "2x"), (add(X, constant(-1.0) * X), "0"), (add(constant(-1.0) * X, Y), "y−x"),
        (X * Y**-1 * Z**-1, "x/(y·z)"), (X**-2, "1/x²"), (add(X, Y) * Z, "(x+y)·z"),
        (Z * add(X, Y), "z(x+y)"), (add(X * Z, Y * Z), "z(x+y)"), (constant(0.0) * X, "0"),
        (constant(-1.0) * add(X, Y), "−(x+y)"), (add(X, Y) * add(X, Y), "(x+y)²"),
        (constant(0.5) * X * Y, "0.5x·y"),
    ],
)  # fmt: skip
def test_product_is_written_as_in_the_book(made: Product, written: str) -> None:
    assert write(made) == written


def test_sum_is_multiplied_out_only_where_that_is_shorter() -> None:
    names = Names()

    assert write(names.short(Z * add(ONE, constant(-1.0) * Z))) == "z(1−z)"
    assert write(names.short(X * add(Z**-1, constant(-1.0) * Y * X**-1))) == "x/z−y"


def test_names_stand_for_products_only_where_that_is_shorter() -> None:
    names = Names()
    names.enter(Z, X * Y**-1)

    assert write(names.short(X * Y**-1)) == "z"
    assert write(names.short(X * X * Y**-2)) == "z²"
    assert write(names.short(Y)) == "y"


@pytest.mark.parametrize("symbols", ["all", 2, None, []])
def test_draw_refuses_symbols_it_does_not_know(symbols: object) -> None:
    with pytest.raises(ValueError, match="draw: symbols must be True"):
        sg.draw(sg.Value(1.0), symbols=symbols)


def test_symbols_of_a_deep_product_stay_short() -> None:
    (x,) = sg.values(x=1.0)
    value = x
    for _ in range(60):
        value = value * x + value.sin()
    value.backward()

    texts = [text for flow in labels(value).items() for text in (flow[0], *flow[1])]

    assert max(len(text or "") for text in texts) < 100


def test_chain_shows_the_sum_at_a_stem_a_line_a_term() -> None:
    y1, y2 = sg.Value(1, "y₁"), sg.Value(2, "y₂")
    z1, z2 = y1 * y2, y1 + y2
    z1.label, z2.label = "z₁", "z₂"

    found = labels(rooted(z1 * z2, "L"), symbols="chain")

    first, second = "∂L/∂L·∂L/∂z₁·∂z₁/∂y₁", "∂L/∂L·∂L/∂z₂·∂z₂/∂y₁"
    assert found["y₁"] == [f"{first}\n+ {second}", first, second]
