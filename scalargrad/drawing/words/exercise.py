"""Exercises: which values of a picture the learner is to find, and what is said of the answers."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.arguments import as_number, by_position, is_iterable, number, whole
from ...errors import InputError, OperandError, StateError, unwanted
from ..select.graph import Graph, Use
from . import text
from .rules import (
    HIDDEN,
    Rule,
    backward_rule,
    explained,
    forward_rule,
    gradient,
    is_partial,
    spoken,
    sum_rule,
)
from .wording import Side

#: what a value stands beside: an arrow or a stem, by the id of the use or the flow
Anchor = tuple[Side, int]

KINDS = ("backward", "forward", "both")
_ONLY_NUMBERS = "as many numbers as there are boxes, or a dict from box to number"


@dataclass(frozen=True)
class Box:
    """One empty box of a picture, and what belongs into it."""

    number: int
    anchor: Anchor
    value: float
    rule: str  # how it is found, in words and numbers
    digits: int = 6


def empty_boxes(graph: Graph, kind: str, share: float, seed: int, digits: int = 6) -> list[Box]:
    """Return the boxes that are left empty, numbered in the order in which they can be found.

    Raises: `ValueError` and `TypeError` for another kind, share or seed, `RuntimeError` where
    backward values are asked for and there are none.
    """
    if kind not in KINDS:
        must = 'must be "backward", "forward" or "both"'
        raise InputError(unwanted("exercise", must, kind, 'pass e.g. "backward"'))
    part = number("exercise", "share", share, "0.5")
    if not 0.0 < part <= 1.0:
        must = "share must be above 0 and at most 1"
        raise InputError(unwanted("exercise", must, share, "pass e.g. 0.5"))
    seed = whole("exercise", "seed", seed, 0)
    if kind != "forward" and not graph.gradients:
        raise StateError(
            "exercise: backward values are wanted; got a graph without gradients;"
            " call backward() on it first"
        )
    values: list[tuple[Anchor, float, Rule]] = []
    values += _forward(graph) if kind != "backward" else []
    values += _backward(graph) if kind != "forward" else []
    if not values:
        raise InputError("exercise: there must be something to find; got a graph of one leaf")
    kept = random.Random(seed).sample(range(len(values)), max(1, round(part * len(values))))
    boxes = []
    for i, index in enumerate(sorted(kept), 1):
        anchor, value, rule = values[index]
        boxes.append(Box(i, anchor, value, spoken(rule, digits), digits))
    return boxes


def _forward(graph: Graph) -> Iterator[tuple[Anchor, float, Rule]]:
    for vertex in graph.vertices:
        if not (vertex.is_leaf or vertex.cut):
            for flow in vertex.flows:
                if flow.named is None:
                    rule = forward_rule(vertex, flow.value)
                    yield ("forward", id(flow)), flow.value.data, rule


def _backward(graph: Graph) -> Iterator[tuple[Anchor, float, Rule]]:
    for vertex in reversed(graph.vertices):  # as the pass goes: consumers first
        for flow in vertex.flows:
            uses = [use for use in flow.uses if use.backward is not None]
            if flow.named is None and len(uses) > 1:
                grad = gradient(graph, flow.value)
                more = [HIDDEN] * is_partial(graph, flow.value, uses)
                rule = "branch: the sum of what comes back = ", *sum_rule(uses, grad, *more)
                yield ("backward", id(flow)), grad.value, rule
        for way in vertex.inputs:
            if isinstance(way, Use) and way.backward is not None:
                rule = backward_rule(way, explained(graph, way))
                yield ("backward", id(way)), way.backward, rule


def answer_sheet(boxes: Sequence[Box]) -> str:
    """Return the answers as a text, a line a box."""
    lines = []
    for box in boxes:
        answer = text.number(box.value, box.digits)
        lines.append(f"{box.number:>3}  {answer:>12}   {box.rule}\n")
    return "".join(lines)


@dataclass(frozen=True)
class Mark:
    """What was answered in one box, and whether it is right."""

    box: Box
    answer: float | None
    right: bool


class Marks:
    """The marks of an exercise; true where everything is right."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks = tuple(marks)

    @property
    def right(self) -> int:
        """How many answers are right."""
        return sum(mark.right for mark in self.marks)

    def __bool__(self) -> bool:
        return self.right == len(self.marks)

    def __len__(self) -> int:
        return len(self.marks)

    def __getitem__(self, index: int) -> Mark:
        return self.marks[index]

    def __repr__(self) -> str:
        lines = [f"{self.right} of {len(self.marks)} right"]
        for mark in self.marks:
            given = "" if mark.answer is None else text.number(mark.answer)
            wrong = "left empty" if mark.answer is None else "not right"
            verdict = "right" if mark.right else f"{wrong}; {mark.box.rule}"
            lines.append(f"{mark.box.number:>3}  {given:>12}   {verdict}")
        return "\n".join(lines)


def marked(boxes: Sequence[Box], answers: Any, tolerance: float) -> Marks:
    """Compare answers with what belongs into the boxes.

    Raises: `TypeError` for answers of another type, `ValueError` for another number of them or a
    box that does not exist.
    """
    who = "check_answers"
    limit = number(who, "tolerance", tolerance, "0.001")
    if not limit >= 0.0:
        raise InputError(unwanted(who, "tolerance must be at least 0", tolerance, "pass 0.001"))
    given = _by_box(boxes, answers)
    marks = []
    for box in boxes:
        answer = given.get(box.number)
        if isinstance(answer, bool):
            must = f"the answer in box {box.number} must be a number"
            raise OperandError(unwanted(who, must, answer, "pass e.g. 1.0"))
        if answer is not None:
            answer = number(who, f"the answer in box {box.number}", answer)
        marks.append(Mark(box, answer, answer is not None and _agree(answer, box.value, limit)))
    return Marks(marks)


def _by_box(boxes: Sequence[Box], answers: Any) -> Mapping[int, Any]:
    who = "check_answers"
    if isinstance(answers, Mapping):
        if unknown := set(answers) - {box.number for box in boxes}:
            must = f"boxes have the numbers 1 to {len(boxes)}"
            got = next(iter(unknown))
            raise InputError(unwanted(who, must, got, "look at the picture"))
        return answers
    if not is_iterable(answers):
        if len(boxes) == 1 and as_number(answers) is not None:
            return {1: answers}
        raise OperandError(unwanted(who, f"wants {_ONLY_NUMBERS}", answers, "pass a list"))
    answers = list(by_position(answers))
    if len(answers) != len(boxes):
        raise InputError(
            f"{who}: wants {_ONLY_NUMBERS}; got {len(answers)} answers for {len(boxes)} boxes;"
            " leave unknown ones as None"
        )
    return dict(enumerate(answers, 1))


def _agree(answer: float, value: float, tolerance: float) -> bool:
    if answer == value or (answer != answer and value != value):
        return True
    return math.isfinite(value) and abs(answer - value) <= tolerance * max(1.0, abs(value))
