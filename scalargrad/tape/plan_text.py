"""A plan as text: what the machine does for a tape, instruction by instruction.

%3 is a slot of values and g3 one of gradients: a row of numbers, one a lane. An instruction is
shown as the table of instructions has it (`_native/machine/instructions.def`), with the numbers of
the slots in the place of the letters; a partial is shown as the table of operations has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .. import _engine
from ..core.arithmetic import is_value
from ..table.row import FUNCTIONS, ROWS, Row
from .listing import LINES, counted, some
from .planning import NEVER, plan_tape

#: by what an output is differentiated: inputs, captured
GRADIENTS = {
    "none": (False, False),
    "inputs": (True, False),
    "captured": (False, True),
    "both": (True, True),
}

#: of the formula of a partial; a longer one is shown by name
FORMULA = 28

_LETTER = re.compile(r"\b(?:results|partial|[xyzgtuf])\b|\(\+\)=")


class PlanText(str):
    """A text that shows itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def planned_text(tape: Any, gradients: str, output: int, lanes: str, mode: str) -> PlanText:
    """Plan a tape, and return the plan as text."""
    native = _engine.machine()
    why = "the machine was not built here"
    if native is not None and tape.calls:
        names = sorted({tape.op_of(line) for line in tape.calls})
        why = f"the machine cannot call {some(names)}"
    if native is None or tape.calls:
        return PlanText(f"no plan: {why}; the readable replay runs the tape line by line")

    def plan(vector_share: float) -> Any:
        by_inputs, by_captured = GRADIENTS[gradients]
        return plan_tape(
            native, tape, output, by_inputs=by_inputs, by_captured=by_captured,
            is_fast=mode == "fast", is_for_points=lanes == "point",
            vector_share=vector_share,
        )  # fmt: skip

    vectorized = plan(native.costs["VECTOR_PERCENT"] / 100) if lanes == "point" else None
    kind = "blocks of lanes" if lanes == "batch" else "one lane"
    described = (vectorized or plan(NEVER)).describe()
    title = f"{_asked(tape, gradients, output)}; {kind}; {mode}"
    return PlanText("\n".join(_Listing(tape, described, native.instructions).rows(title)))


def _asked(tape: Any, gradients: str, output: int) -> str:
    """Say what a plan computes."""
    values = "value" if len(tape.outputs) == 1 else f"{len(tape.outputs)} values"
    if gradients == "none":
        return values
    by = "inputs and captured" if gradients == "both" else gradients
    which = "its gradient" if len(tape.outputs) == 1 else f"the gradient of value {output}"
    return f"{values}, {which} by {by}"


def _slots(slot: int, width: int = 1) -> str:
    return f"%{slot}" if width == 1 else f"%{slot}..{slot + width - 1}"


def _gradients(slot: int, width: int = 1) -> str:
    return f"g{slot}" if width == 1 else f"g{slot}..{slot + width - 1}"


def _written_to(target: tuple[int, int]) -> str:
    slot, assigns = target
    return f"g{slot} {'=' if assigns else '+='}"


class _Listing:
    """The rows of the text."""

    def __init__(self, tape: Any, plan: dict[str, Any], instructions: dict[str, Any]) -> None:
        self.tape, self.plan, self.instructions = tape, plan, instructions

    def rows(self, title: str) -> Iterator[str]:
        plan = self.plan
        yield f"plan of {self.tape.name}: {title}"
        yield f"  {', '.join(self._sizes())}"
        yield from _named("inputs", zip(self.tape.names, plan["inputs"], strict=True))
        yield from _named("captured", zip(_captured(self.tape), plan["captured"], strict=True))
        yield from _named("constants", [(repr(x), slot) for slot, x in plan["constants"].items()])
        yield from self._products()
        yield from self._program("prelude", "prelude, once a call", is_back=False)
        yield from self._program("forward", "forward", is_back=False)
        yield f"results: {some([_slots(slot) for slot in plan['outputs']])}"
        for guard in plan["guards"]:
            negated = "" if guard["outcome"] else "not "
            yield f"guard: {negated}%{guard['left']} {guard['sign']} %{guard['right']}"
        if plan["seed"] is not None:
            yield from self._way_back()

    def _sizes(self) -> Iterator[str]:
        plan = self.plan
        yield counted(plan["slots"], "slot") + " of values"
        yield f"{plan['gradients']} of gradients"
        alone = f"{plan['scalar_cost'] / 10} ns"
        beside = f"{plan['vector_cost'] / 10} ns vectorised, "
        yield "reckoned at " + (
            f"{beside}{alone} else" if plan["vector_cost"] else f"{alone} a lane"
        )

    def _way_back(self) -> Iterator[str]:
        plan = self.plan
        if plan["collects"]:
            collecting = some([f"g{slot}" for slot in plan["collects"]])
            yield f"added up over all lanes, from 0: {collecting}"
        yield from self._program(
            "backward", f"backward, from g{plan['seed']} = upstream", is_back=True
        )
        yield from self._program("backward_prelude", "backward prelude, once a call", is_back=True)
        for key, names in (("by_inputs", self.tape.names), ("by_captured", _captured(self.tape))):
            pairs = zip(names, plan[key], strict=True)
            parts = [f"{name}: g{slot}" for name, slot in pairs if slot is not None]
            if parts:
                yield f"gradients by {key.removeprefix('by_')}: {some(parts)}"

    def _products(self) -> Iterator[str]:
        for index, product in enumerate(self.plan["products"]):
            xs, zs = ([f"%{slot}" for slot in product[key]] for key in ("xs", "zs"))
            weights = some([x if isinstance(x, str) else repr(x) for x in product["weights"]])
            size = f"{product['outer']} dots of {product['inner']}"
            yield f"product {index}, {size}: {some(zs)} = [{weights}] on [{some(xs)}]"
            if product["gs"][0] is not None:  # it has a way back
                goes = list(map(_written_to, product["targets"]))
                goes += ["the sums of its weights"] * product["collects"]
                yield f"  back, from {some([f'g{slot}' for slot in product['gs']])}: {some(goes)}"

    # -- programs ----------------------------------------------------------------------------

    def _program(self, key: str, title: str, *, is_back: bool) -> Iterator[str]:
        program = self.plan[key]
        if not program["instructions"]:
            return
        yield title
        lines = list(self._lines(program, is_back=is_back))
        width = max(len(name) for _, name, _ in lines)
        texts = [f"  {index:>3}  {name:{width}}  {text}" for index, name, text in lines]
        head = len(texts) if len(texts) <= LINES else LINES // 2
        yield from texts[:head]
        if len(texts) > LINES:
            yield f"  ... {len(texts) - LINES} more"
            yield from texts[-(LINES - head) :]

    def _lines(self, program: dict[str, Any], *, is_back: bool) -> Iterator[tuple[str, str, str]]:
        instructions = program["instructions"]
        whole = {"kind": "INSTRUCTIONS", "first": 0, "count": len(instructions), "at": 1}
        for stretch in program["stretches"] or [whole]:
            if stretch["kind"] != "INSTRUCTIONS":
                yield "", *_moved(stretch)
                continue
            lanes = "" if stretch["at"] == 1 else f"  # {stretch['at']} at once"
            for index in range(stretch["first"], stretch["first"] + stretch["count"]):
                name, text = self._instruction(instructions[index], stretch["at"], is_back=is_back)
                yield str(index), name, text + lanes

    def _instruction(self, one: dict[str, Any], width: int, *, is_back: bool) -> tuple[str, str]:
        """Return the name of an instruction, and what it does."""
        form = self.instructions[one["form"]]["backward" if is_back else "forward"]
        row, fields = ROWS.get(one["row"]), form["fields"]
        words = {letter: _field(kind, one[letter], width) for letter, kind in fields.items()}
        if fields.get("x") == "OPERANDS_RESULTS":
            words["results"] = some([_slots(slot) for slot in one["x"][1]])
        if one["form"] == "DOT" and not is_back:
            halves = one["x"][: one["y"] // 2], one["x"][one["y"] // 2 :]
            words["x"] = ", ".join(f"[{_field('OPERANDS', half, width)}]" for half in halves)
        words |= {"f": one["row"], "(+)=": "=" if one["assigns"] & 1 else "+="}
        if isinstance(row, Row) and is_back:
            text = _terms(row, form["text"], one, words)
        elif isinstance(row, Row):
            text = _replaced(re.sub(r"f\(.*\)", _forward(row), form["text"]), words)
        elif "t" in fields and fields["t"].startswith("TARGETS"):
            text = some([_replaced(form["text"], words | more) for more in _targets(one, fields)])
        else:
            text = _replaced(form["text"], words)
            text += " from -0" * (not is_back and bool(one["assigns"]))
        return one["row"] or one["form"].lower(), text


# -- what instructions do --------------------------------------------------------------------


def _replaced(text: str, words: dict[str, str]) -> str:
    """Put words in the place of the letters of a text; a product with 1 is no product."""
    text = _LETTER.sub(lambda letter: words.get(letter[0], letter[0]), text)
    text = re.sub(r" \* 1(?![\w.])", "", text)
    return re.sub(r"(\S+) \* \(-1\)", r"-\1", text)


def _field(kind: str, field: Any, width: int) -> str:
    """Return what is in a field of an instruction."""
    if kind == "OPERANDS":
        return some([_slots(slot, width) for slot in field])
    if kind == "OPERANDS_RESULTS":
        return some([_slots(slot) for slot in field[0]])
    if kind in ("UPSTREAM", "TARGET", "SECOND_TARGET", "CLEARED"):
        return _gradients(field, width)
    if kind in ("READ", "WRITE", "PARTIAL_READ", "NAMED"):
        return _slots(field, width)
    return str(field)


def _forward(row: Row) -> str:
    """Return the forward formula of a row where it is plain arithmetic, else a call of it."""
    if re.fullmatch(r"[-xy+*/ ]+", row.forward):
        return row.forward
    return f"{row.name}({', '.join(row.letters)})"


def _partial(row: Row, operand: int) -> str:
    """Return the formula of a partial where it is short, else name it."""
    formula = row.partials[operand]
    known = {*"xyz", *ROWS, *FUNCTIONS}
    names = {name for name in re.findall(r"[A-Za-z_]\w*", formula) if not name.isupper()}
    if len(formula) > FORMULA or not names <= known:
        return f"d{row.name}/d{row.letters[operand]}({', '.join(row.letters)})"
    return f"({formula})" if re.search(r"^-| [-+/] ", formula) else formula


def _terms(row: Row, text: str, one: dict[str, Any], words: dict[str, str]) -> str:
    """Return what the operands of a row get: one of them, or both."""
    both = one["operand"] == len(row.partials) == 2
    first, *second = text.split("; ")
    terms = [first.replace("dx", _partial(row, 0 if both else one["operand"]))]
    terms += [term.replace("dy", _partial(row, 1)) for term in second if both]
    signs = one["assigns"] & 1, one["assigns"] >> 1
    return ", ".join(
        _replaced(term, words | {"(+)=": "=" if assigns else "+="})
        for term, assigns in zip(terms, signs, strict=False)
    )


def _targets(one: dict[str, Any], fields: dict[str, str]) -> Iterator[dict[str, str]]:
    """Return the words for each target of a list: the target, and the partial for it."""
    factors: Sequence[int | None] = ()
    targets = one["t"]
    if fields["t"] == "TARGETS_FACTORS":
        targets, factors = targets
    for index, target in enumerate(targets):
        if target is None:
            continue
        words = {"t": f"g{target[0]}", "(+)=": "=" if target[1] else "+="}
        if factors:
            words["partial"] = f"%{factors[index]}"
        elif "z" in fields and fields["z"] == "ENTRY":
            words["partial"] = f"d{one['row']}(%{one['x'] + one['z']}, %{one['x'] + index})"
        elif "x" in fields:
            words["partial"] = f"%{one['x'] + index}"
        yield words


def _moved(stretch: dict[str, Any]) -> tuple[str, str]:
    """Return the name of a stretch that copies, and what it copies."""
    kind, count = stretch["kind"], stretch["count"]
    is_scattered = kind.startswith("SCATTER")
    name = _gradients if is_scattered or kind.endswith("_BACK") else _slots
    moved = name(stretch["at"], count)
    if is_scattered:
        targets = some(list(map(_written_to, stretch["list"])))
        return "scatter", f"{targets} {moved}{', from the last' * kind.endswith('REVERSED')}"
    if stretch["list"] is None:
        return "fill", f"{moved} = {name(stretch['first'])}"
    return "gather", f"{moved} = {some(list(map(name, stretch['list'])))}"


def _named(what: str, slots: Iterable[tuple[str, int | None]]) -> Iterator[str]:
    """Return one row: which slots have which names."""
    parts = [f"%{slot} = {name}" for name, slot in slots if slot is not None]
    if parts:
        yield f"{what}: {some(parts)}"


def _captured(tape: Any) -> list[str]:
    """Return the names of what was captured: w0, w1, ..., and labels."""
    direct = tape.captured[: tape.direct]
    labels = [value.label if is_value(value) else None for value in direct]
    return [f"w{i} ({label})" if label else f"w{i}" for i, label in enumerate(labels)]
