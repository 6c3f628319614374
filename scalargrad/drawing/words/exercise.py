"""Exercises: which values of a picture the learner is to find, and what is said of the answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.arguments import as_number, as_whole, by_position, is_iterable, number, whole
from ...errors import InputError, OperandError, StateError, unwanted
from ..select.graph import Graph, Use
from . import text
from .answers import read_answer
from .cancelling import left_over
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
_WHO = "check_answers"
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
        raise InputError(
            "exercise: there must be something to find; got a picture without a result;"
            " draw a result, or more of the graph"
        )
    kept = random.Random(seed).sample(range(len(values)), max(1, round(part * len(values))))
    boxes = []
    rounding = left_over(graph)
    for i, index in enumerate(sorted(kept), 1):
        anchor, value, rule = values[index]
        if anchor in rounding:  # what is left where terms cancel
            value, rule = 0.0, (*rule[:-1], "0")
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
    text: str = ""  # the answer as a picture would write it
    coarse: bool = False  # right, but for too few digits

    @property
    def verdict(self) -> str:
        """What is said of it, with the rule that finds the value where it is not right."""
        if self.right:
            return "right"
        wrong = "too few digits" if self.coarse else "not right" if self.text else "left empty"
        return f"{wrong}; {self.box.rule}"


class Marks:
    """The marks of an exercise; true where everything is right."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks: tuple[Mark, ...] = tuple(marks)

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
            lines.append(f"{mark.box.number:>3}  {mark.text:>12}   {mark.verdict}")
        return "\n".join(lines)


def digits_wanted(digits: Any) -> int:
    """Return how many digits an answer needs, or refuse what a double has not.

    Raises: `ValueError`.
    """
    wanted = whole(_WHO, "digits", digits)
    if wanted > 17:
        raise InputError(unwanted(_WHO, "digits must be at most 17", digits, "pass e.g. 3"))
    return wanted


def marked(boxes: Sequence[Box], answers: Any, digits: int, tolerance: float) -> Marks:
    """Compare answers with what belongs into the boxes.

    Raises: `TypeError` for answers of another type, `ValueError` for another number of them, a
    text that is no number, or a box that does not exist.
    """
    limit = number(_WHO, "tolerance", tolerance, "1e-9")
    if not limit >= 0.0:
        raise InputError(unwanted(_WHO, "tolerance must be at least 0", tolerance, "pass 1e-9"))
    given = _by_box(boxes, answers)
    return Marks([_mark(box, given.get(box.number), digits, limit) for box in boxes])


def _mark(box: Box, given: Any, digits: int, tolerance: float) -> Mark:
    answer = read_answer(_WHO, f"the answer in box {box.number}", given)
    if answer is None:
        return Mark(box, None, right=False)
    right = answer.is_right(box.value, digits, tolerance)
    coarse = not right and answer.is_coarse(box.value, tolerance)
    return Mark(box, answer.number, right, answer.text, coarse)


def _by_box(boxes: Sequence[Box], answers: Any) -> Mapping[int, Any]:
    if isinstance(answers, Mapping):
        return _in_known_boxes(boxes, answers)
    if not is_iterable(answers):
        if len(boxes) == 1 and (isinstance(answers, str) or as_number(answers) is not None):
            return {1: answers}
        raise OperandError(unwanted(_WHO, f"wants {_ONLY_NUMBERS}", answers, "pass a list"))
    answers = list(by_position(answers))
    if len(answers) != len(boxes):
        raise InputError(
            f"{_WHO}: wants {_ONLY_NUMBERS}; got {len(answers)} answers for {len(boxes)} boxes;"
            " leave unknown ones as None"
        )
    return dict(enumerate(answers, 1))


def _in_known_boxes(boxes: Sequence[Box], answers: Mapping[Any, Any]) -> Mapping[int, Any]:
    """Return answers by the numbers of their boxes, which may be texts, as the head of a table."""
    given: dict[int, Any] = {}
    known = {str(box.number): box.number for box in boxes}
    for key, answer in answers.items():
        box = known.get(key.strip() if isinstance(key, str) else str(as_whole(key)))
        if box is None or box in given:
            must = f"boxes have the numbers 1 to {len(boxes)}, each once"
            raise InputError(unwanted(_WHO, must, key, "look at the picture"))
        given[box] = answer
    return given
