"""What is no tape is refused, by Python and by C alike; every other one is run to the same bits."""

from __future__ import annotations

import math
import pickle
from array import array
from typing import Any

import pytest
from damaged_pickles import Handmade
from damaged_tapes import mutants, tapes, with_column
from replays import KINDS, bits

import scalargrad as sg
from scalargrad import _engine
from scalargrad.core.nesting import NUMBER, Container, Leaf, list_of
from scalargrad.core.tracer import reference
from scalargrad.table.codes import LINE
from scalargrad.tape.compiled import _restored
from scalargrad.tape.machine import Machine
from scalargrad.tape.planning import NEVER
from scalargrad.tape.replay import BY_CAPTURED, BY_INPUTS, Replay
from scalargrad.tape.tape import Tape, check

TAPES = tapes()
BOTH = BY_INPUTS | BY_CAPTURED


#: what the machine never sees: Python refuses it alone
NOT_OF_THE_MACHINE = (
    "a number for each input", "a name for each input", "captured Values", "a line of a file",
    "a whole number that is known", "a function for each", "turn out true or false",
)  # fmt: skip


def refusal(tape: Tape) -> str:
    """Return what the checker says of a tape; nothing where it has nothing to say."""
    try:
        check(tape)
    except sg.errors.InputError as error:
        return str(error)
    return ""


def captured_of(tape: Tape) -> Any:
    return array("d", [getattr(value, "data", value) for value in tape.captured])


def plans(tape: Tape) -> list[Any]:
    """Return every kind of plan that the machine makes of a tape."""
    return [
        Machine(tape, _engine.machine(), mode).planned(request, 0, share)
        for mode in ("strict", "fast")
        for request in (0, BOTH)
        for share in (NEVER, math.inf)
    ]


def run(plan: Any, tape: Tape) -> Any:
    return plan.point([0.5] * tape.inputs, captured_of(tape), 1.0)


@pytest.mark.parametrize("name", TAPES)
def test_tapes_of_real_functions_are_in_order(name: str) -> None:
    assert refusal(TAPES[name]) == ""
    assert refusal(pickle.loads(pickle.dumps(TAPES[name]))) == ""


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("name", TAPES)
def test_machine_refuses_what_is_no_tape_by_itself(name: str) -> None:
    refused = 0
    for what, tape in mutants(TAPES[name]):
        sentence = refusal(tape)
        if not sentence:
            continue
        assert sentence.startswith("tape: wants ")
        assert sentence.endswith("; record it anew")
        try:
            made = plans(tape)
        except (ValueError, TypeError, OverflowError):
            refused += 1
            continue
        assert any(part in sentence for part in NOT_OF_THE_MACHINE), (what, sentence)
        for plan in filter(None, made):
            run(plan, tape)
    assert refused > 40


@pytest.mark.parametrize("name", TAPES)
def test_what_is_another_tape_is_run_to_the_same_bits(name: str) -> None:
    others = 0
    for what, tape in mutants(TAPES[name]):
        if refusal(tape):
            continue
        others += 1
        right = Replay(tape).point([0.5] * tape.inputs, captured_of(tape), BOTH)
        made = plans(tape) if KINDS else [None] * 4
        for plan in filter(None, made):
            assert plan.verify() == "", what
            run(plan, tape)
        if made[2] is None or made[2].describe()["products"]:
            continue
        values, inputs, captured, broken = run(made[2], tape)
        assert broken == right.broken, what
        if broken is None:
            assert bits(values) == bits(right.values), what
            assert bits(inputs) == bits(right.inputs), what
            assert bits(memoryview(captured).cast("d")) == bits(right.captured), what
    assert others > 0


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("name", 3), ("inputs", 1.0), ("inputs", True), ("outputs", array("i", [0])),
        ("ops", bytearray(b"\x03")), ("starts", [0, 2]), ("constants", array("f", [1.0])),
        ("captured", (None,)), ("captured", [1.0]), ("guards", ((0, 0, 0, True, ("f", 1)),)),
        ("calls", {0: 3}), ("calls", None), ("sample", (1,)), ("names", (1,)),
        ("sample", ()), ("sample", (1.0, 2.0)), ("names", ()), ("names", ("x", "y")),
    ],
)  # fmt: skip
def test_tape_of_other_types_is_refused(name: str, column: Any) -> None:
    assert refusal(with_column(TAPES["one line 0"], **{name: column}))


def test_tape_in_a_pickle_is_checked_also_where_the_checksum_is_right() -> None:
    tape = TAPES["one line 0"]
    assert pickle.loads(pickle.dumps(tape)).ops == tape.ops
    for changed in ({"inputs": 0}, {"outputs": array("I", [reference(LINE, 1)])}):
        with pytest.raises(sg.errors.InputError, match="tape: wants "):
            pickle.loads(pickle.dumps(with_column(tape, **changed)))


def test_tape_whose_starts_fall_or_whose_guard_has_no_line_is_refused() -> None:
    chain = TAPES["chains 0"]
    starts = array("I", chain.starts)
    starts[1], starts[2] = starts[2], starts[1]
    assert "operands that follow each other" in refusal(with_column(chain, starts=starts))
    branches = TAPES["branches 0"]
    guard = branches.guards[0]._replace(source=("f", 1.0))
    assert "a line of a file" in refusal(with_column(branches, guards=(guard,)))


def test_plan_of_a_whole_number_that_is_not_known_is_refused() -> None:
    tape = TAPES["ints 0"]
    index = next(i for i, guard in enumerate(tape.guards) if guard.comparison == 6)
    for changed in ({"right": reference(LINE, 0)}, {"outcome": False}):
        guards = [*tape.guards]
        guards[index] = guards[index]._replace(**changed)
        assert "a whole number that is known" in refusal(with_column(tape, guards=tuple(guards)))


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
def test_machine_refuses_columns_that_are_cut() -> None:
    tape = TAPES["branches 0"]
    names = ("ops", "starts", "operands", "results", "constants", "outputs")
    columns: dict[str, Any] = {name: getattr(tape, name) for name in names} | {
        "inputs": 2, "captured": 0, "guards": b"", "by_inputs": True, "by_captured": True,
        "root": 0, "is_fast": False, "is_for_points": False, "vector_share": NEVER,
    }  # fmt: skip
    plan = _engine.machine().plan
    plan(**columns)
    for name in ("starts", "operands", "results", "constants", "outputs"):
        for cut in (1, 3):
            with pytest.raises(ValueError, match="plan: "):
                plan(**{**columns, name: columns[name].tobytes()[:-cut]})
    for root in (1, 2**31, 2**32 - 1):
        with pytest.raises(ValueError, match="plan: a tape wants an output"):
            plan(**{**columns, "root": root})
    plan(**{**columns, "guards": array("I", [6, 0, 0, 1])})
    for guard in ([7, 0, 0, 1], [2**32 - 1, 0, 0, 1], [0, 0, 0, 2]):
        with pytest.raises(ValueError, match="plan: a tape wants comparisons"):
            plan(**{**columns, "guards": array("I", guard)})


@pytest.mark.skipif(not KINDS, reason="the machine was not built")
@pytest.mark.parametrize("lanes", [2**58, 2**60, 2**61, 2**62, 2**63 - 1])
def test_machine_refuses_more_lanes_than_there_are(lanes: int) -> None:
    plan = Machine(TAPES["one line 0"], _engine.machine(), "strict").plan(BY_INPUTS)
    with pytest.raises(ValueError, match="wants "):
        plan.run(
            0, 2, lanes, [1.0], [], b"", 1.0, bytearray(), [(0, bytearray())], None, None, None
        )


@sg.compile
def doubled(x: Any, y: Any) -> Any:
    return x + 2.0 * y


def fields_of(f: Any) -> list[Any]:
    f(1.0, 2.0)
    _, (_, *fields) = f.__reduce__()
    return fields


def key_of(structures: Any) -> Any:
    return lambda fields: {structures: next(iter(fields[3].values()))}


def result_of(structure: Any) -> Any:
    def paths(fields: list[Any]) -> Any:
        ((structures, ((tape, _),)),) = fields[3].items()
        return {structures: [(tape, structure)]}

    return paths


HUGE = Container(list, (NUMBER,), 2**60)


@pytest.mark.parametrize(
    ("index", "other"),
    [
        (0, 3), (1, ("a",)), (1, (1, 2)), (2, ()), (2, ("x", 1, 1)), (2, ("strict", 0, 1)),
        (2, ("strict", 1, None)), (4, 7), (3, key_of(3)), (3, key_of((3, 4))),
        (3, key_of((NUMBER,))), (3, key_of((HUGE,))), (3, key_of((Leaf((2**40, 2**40)),))),
        (3, key_of((Leaf((-1,)), Leaf((-2,))))), (3, key_of((Leaf((1.0,)), NUMBER))),
        (3, key_of((Container(list, (NUMBER,), -2), list_of(4)))),
        (3, key_of((Container(dict, (NUMBER, NUMBER), 1, ("a",)),))),
        (3, result_of(3)), (3, result_of(HUGE)), (3, result_of(list_of(2))),
        (3, result_of(Container(list, (NUMBER, 3)))), (3, result_of(Container(None, (NUMBER,)))),
        (3, lambda fields: {(NUMBER, NUMBER): [(3, NUMBER)]}),
        (3, lambda fields: {(NUMBER, NUMBER): ()}),
    ],
)  # fmt: skip
def test_fields_that_no_compiled_function_has_are_refused(index: int, other: Any) -> None:
    fields = fields_of(doubled)
    made = Handmade(_restored, *fields)
    assert pickle.loads(pickle.dumps(made))(1.0, 2.0) == 5.0
    fields[index] = other(fields) if callable(other) else other
    with pytest.raises(sg.errors.ScalargradError):
        pickle.loads(pickle.dumps(Handmade(_restored, *fields)))


def test_pickle_of_other_arguments_than_its_tape_has_is_refused() -> None:
    f = sg.compile(lambda x, y: x * y)
    f(1.0, 2.0)
    ((structures, known),) = f._paths.items()
    f._paths = {structures[:1]: known}
    with pytest.raises(sg.errors.InputError, match="an input for each argument"):
        pickle.loads(pickle.dumps(f))
