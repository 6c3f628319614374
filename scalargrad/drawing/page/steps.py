"""The steps of a walk through a graph: forward vertex by vertex, then backward arrow by arrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...core.explanation import Explanation
from ..select.graph import Flow, Graph, Use, Vertex
from ..select.survey import is_leaf
from ..words import text
from ..words.rules import (
    HIDDEN,
    MANY,
    Quantity,
    Rule,
    backward_rule,
    data,
    explained,
    gradient,
    is_partial,
    parts,
    sign,
    spelled_rule,
    sum_rule,
)
from ..words.wording import Side, Wording

#: lines of one step: a box may give so many values
_LINES = 4
#: a value that is used more often has only its last sum
_TERMS = 16


@dataclass(frozen=True, eq=False)
class Step:
    """What appears at once, and the rule that says why.

    Keys name a value beside an arrow or a stem: `f:n3.0` the value, `b:n3.0` the gradient, of
    what `Picture` calls `n3.0`.
    """

    side: Side
    rules: tuple[Rule, ...]
    shows: tuple[str, ...] = ()  # keys of what appears
    reads: tuple[str, ...] = ()  # keys of the numbers that the rule takes
    what: str = ""  # what is computed, such as ∂L/∂x
    lit: str = ""  # the vertex that works
    note: Rule = ()  # one more sentence
    asks: Quantity | None = None  # what a quiz hides
    question: str = ""
    flow: str = ""  # whose gradient grows
    total: Quantity | None = None  # the gradient so far
    left: int = 0  # parts of it that are still to come
    terms: Rule = ()  # how the total is made, where it is a sum


@dataclass(frozen=True, eq=False)
class Shown:
    """What flows on one line, with its name and its keys."""

    flow: Flow
    about: str
    name: str
    prefix: str  # what stands before the value
    forked: bool
    red: bool
    uses: tuple[Use, ...]  # along which a part comes back
    hidden: bool  # whether more comes back than is shown
    abouts: tuple[str, ...]  # of the stem, its arrows, and the one to the result

    @property
    def is_single(self) -> bool:
        """Whether it is one value, not a bundle."""
        return self.flow.named is None

    @property
    def value_keys(self) -> list[str]:
        """Where its value stands."""
        return [f"f:{about}" for about in self.abouts]

    @property
    def gradient_key(self) -> str:
        """Where the gradient of all of it stands."""
        return f"b:{self.abouts[0]}"


class Walk:
    """The steps through a graph, and what is shown on the way."""

    def __init__(self, graph: Graph, wording: Wording) -> None:
        self.graph = graph
        self.wording = wording
        self.about_of: dict[int, str] = {
            id(vertex): f"n{index}" for index, vertex in enumerate(graph.vertices)
        }
        self.shown: dict[int, Shown] = {}
        for vertex in graph.vertices:
            for index, flow in enumerate(vertex.flows):
                self.shown[id(flow)] = self._shown(flow, f"{self.about_of[id(vertex)]}.{index}")
        self.singles: list[Shown] = [shown for shown in self.shown.values() if shown.is_single]
        roots = (shown for shown in self.singles if self._is_root(shown.flow))
        self.result: Shown | None = next(roots, None)
        named = self.result.name if self.result is not None else ""
        self.result_name: str = named or "the result"
        self.steps: list[Step] = [*self._forward(), *self._backward()]

    def texts(self) -> dict[str, Rule]:
        """Return what stands at every key in the end; names and shapes of bundles never change."""
        texts: dict[str, Rule] = {}
        for shown in self.singles:
            value = data(shown.flow.value)
            texts |= dict.fromkeys(shown.value_keys, (value,))
            if shown.prefix:
                texts[shown.value_keys[0]] = shown.prefix, value
            if shown.red:
                for use in shown.uses:
                    texts[f"b:{self._about(use)}"] = (parts([use]),)
                if shown.forked or shown is self.result:
                    texts[shown.gradient_key] = (gradient(self.graph, shown.flow.value),)
        return texts

    # -- what flows --------------------------------------------------------------------

    def _is_root(self, flow: Flow) -> bool:
        return flow.named is None and flow.value is self.graph.root

    def _shown(self, flow: Flow, about: str) -> Shown:
        labels = self.wording.flow(flow)
        forked = len(flow.uses) + self._is_root(flow) > 1
        red = labels.backward is not None
        abouts = [about] * forked + [f"{about}.{number}" for number in range(len(flow.uses))]
        abouts += [f"{about}.r"] * self._is_root(flow)
        if flow.named is not None:
            uses = tuple(flow.uses) * red
            return Shown(flow, about, "", "", forked, red, uses, False, tuple(abouts))
        node = flow.value
        name = self.wording.name(flow)
        prefix = f"{name} = " if labels.forward.startswith(f"{name} = ") and name else ""
        uses = tuple(use for use in flow.uses if use.backward is not None)
        hidden = red and bool(uses) and is_partial(self.graph, node, uses)
        return Shown(flow, about, name, prefix, forked, red, uses, hidden, tuple(abouts))

    def _about(self, use: Use) -> str:
        shown = self.shown[id(use.flow)]
        return f"{shown.about}.{shown.flow.uses.index(use)}"

    # -- forward -----------------------------------------------------------------------

    def _forward(self) -> Iterator[Step]:
        given = [v for v in self.graph.vertices if v.is_leaf or v.cut]
        count = sum(len(vertex.nodes) for vertex in given if not vertex.cut)
        values = "1 value is given" if count == 1 else f"{count:,} values are given"
        cut = ("What dashed circles give is taken as it is.",) * any(v.cut for v in given)
        yield Step("forward", ((f"inputs: {values}",),), self._appearing(given), note=cut)
        for vertex in self.graph.vertices:
            if not (vertex.is_leaf or vertex.cut):
                yield self._forward_step(vertex)

    def _appearing(self, vertices: Sequence[Vertex]) -> tuple[str, ...]:
        flows = (self.shown[id(flow)] for vertex in vertices for flow in vertex.flows)
        return tuple(key for shown in flows for key in shown.value_keys)

    def _forward_step(self, vertex: Vertex) -> Step:
        single = [flow for flow in vertex.flows if flow.named is None]
        rules = [spelled_rule(vertex, flow.value) for flow in single[:_LINES]]
        for flow in vertex.flows:
            if flow.named is not None:
                shape = text.harmless(flow.named.shape)
                rules.append((f"{text.harmless(vertex.title)}: what comes out has shape {shape}",))
        asks = data(single[0].value) if len(vertex.flows) == len(single) == 1 else None
        name = _title(vertex)
        return Step(
            "forward",
            tuple(rules[:_LINES]),
            self._appearing([vertex]),
            tuple(f"f:{self._about(way)}" for way in vertex.inputs if isinstance(way, Use)),
            self._called(self.shown[id(single[0])]) if len(single) == 1 else "",
            self.about_of[id(vertex)],
            note=(vertex.row.doc,) if vertex.row is not None else (),
            asks=asks,
            question=f"What comes out of {name}?" if asks is not None else "",
        )

    # -- backward ----------------------------------------------------------------------

    def _backward(self) -> Iterator[Step]:
        arrived: dict[int, list[Use]] = {}
        if self.result is not None and self.result.red:
            yield self._upstream(self.result)
        for vertex in reversed(self.graph.vertices):  # as the pass goes: consumers first
            for way in vertex.inputs:
                if isinstance(way, Use) and way in self.shown[id(way.flow)].uses:
                    before = arrived.setdefault(id(way.flow), [])
                    before.append(way)
                    yield from self._part(vertex, before)

    def _upstream(self, shown: Shown) -> Step:
        whole = gradient(self.graph, shown.flow.value)
        name = self.result_name
        return Step(
            "backward",
            (("upstream: the backward pass begins with ", whole),),
            (shown.gradient_key,),
            what=self._gradient_of(shown),
            note=(f"∂{name}/∂{name} = 1",) if whole.value == 1.0 else (),
            flow=shown.about,
            total=whole,
        )

    def _part(self, vertex: Vertex, arrived: Sequence[Use]) -> Iterator[Step]:
        """Yield what one arrow brings back and, where it is not the first, the sum so far."""
        use, first = arrived[-1], len(arrived) == 1
        shown = self.shown[id(use.flow)]
        about, lit = self._about(use), self.about_of[id(vertex)]
        shows = [f"b:{about}"] + [shown.gradient_key] * (first and shown.forked)
        if not shown.is_single:
            title = _title(vertex)
            rule = f"{title}: a gradient comes back for each of {len(use.flow.values):,} values"
            yield Step("backward", ((rule,),), tuple(shows), lit=lit)
            return
        left = len(shown.uses) - len(arrived)
        alone = len(shown.uses) == 1
        why = explained(self.graph, use)
        rules = [backward_rule(use, why)]
        if alone and shown.hidden:
            rules.append(self._whole(shown, arrived))
        note: Rule = self._meaning(shown) if alone else ()
        if not alone:
            name, count = shown.name or "This value", len(shown.uses)
            note = (f"{name} is used {count} times: this is part {len(arrived)} of {count}.",)
        yield Step(
            "backward",
            tuple(rules),
            tuple(shows),
            self._sources(vertex, why),
            f"part of {self._gradient_of(shown)}" if not alone else self._gradient_of(shown),
            lit,
            note,
            parts([use]),
            f"What comes back to {shown.name}?" if shown.name else "What comes back here?",
            shown.about if first else "",
            self._total(shown, arrived) if first else None,
            left,
        )
        if not first and (not left or len(shown.uses) <= _TERMS):
            whole = self._whole(shown, arrived)
            where = f" at {shown.name}" if shown.name else ""
            yield Step(
                "backward",
                (whole,),
                (shown.gradient_key,),
                tuple(f"b:{self._about(other)}" for other in arrived),
                self._gradient_of(shown),
                note=() if left else self._meaning(shown),
                asks=self._total(shown, arrived),
                question=f"What is the sum{' so far' * bool(left)}{where}?",
                flow=shown.about,
                total=self._total(shown, arrived),
                left=left,
                terms=whole[1:],
            )

    def input_name(self, shown: Shown) -> str:
        """Return what an input without a name is called: its number among all inputs."""
        inputs = [other for other in self.singles if is_leaf(other.flow.value)]
        return f"input\u00a0{inputs.index(shown) + 1}"

    def _called(self, shown: Shown) -> str:
        """Return the name of a value, or which operation it comes out of."""
        if shown is self.result:
            return self.result_name
        vertex = shown.flow.source
        if shown.name or vertex.is_leaf:
            return shown.name or self.input_name(shown)
        alike = [v for v in self.graph.vertices if not v.is_leaf and _title(v) == _title(vertex)]
        number = f" {alike.index(vertex) + 1}" if len(alike) > 1 else ""
        return f"what {_title(vertex)}{number} gives"

    def _gradient_of(self, shown: Shown) -> str:
        """Return what comes back to a value: ∂L/∂x, where both have a name."""
        if shown.name and self.result is not None and self.result.name:
            return f"∂{text.whole(self.result.name)}/∂{text.whole(shown.name)}"
        return f"the gradient of {self._called(shown)}"

    def _total(self, shown: Shown, arrived: Sequence[Use]) -> Quantity:
        if len(arrived) == len(shown.uses):
            return gradient(self.graph, shown.flow.value)
        return parts(arrived)

    def _whole(self, shown: Shown, arrived: Sequence[Use]) -> Rule:
        complete = len(arrived) == len(shown.uses)
        more = [HIDDEN] * (complete and shown.hidden)
        words = "branch: the sum of what comes back = " if complete else "branch: the sum so far = "
        return words, *sum_rule(arrived, self._total(shown, arrived), *more, most=MANY)

    def _meaning(self, shown: Shown) -> Rule:
        """Say what the gradient of an input means."""
        upstream = self.graph.gradients.get(self.graph.root)
        if not (shown.flow.source.is_leaf and shown.name and upstream == 1.0):
            return ()
        words = f"Per unit of {shown.name}, {self.result_name} changes by "
        return words, gradient(self.graph, shown.flow.value), " here."

    def _sources(self, vertex: Vertex, why: Explanation | None) -> tuple[str, ...]:
        """Return what a part is the product of: the upstream, and maybe the other operand."""
        keys = [self.shown[id(flow)].gradient_key for flow in vertex.flows if flow.named is None]
        if why is not None and why.kind == "other operand":
            for way in vertex.inputs:
                if isinstance(way, Use) and way.position == why.mirrored:
                    keys.append(f"f:{self._about(way)}")
        return tuple(keys)


def _title(vertex: Vertex) -> str:
    """Return what is written in a circle or a box."""
    return text.harmless(vertex.title) if vertex.is_box else sign(vertex.node, vertex.row)
