"""What a picture shows of a graph: vertices, what flows between them, and what was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.modes import Scope
from ...table.row import ManyRow, Row
from .survey import Survey, is_leaf

#: up to so many values between two groups have an arrow each; more are one bundle
BUNDLE = 4


def titled(group: Scope, size: str) -> str:
    """Return the title of a group; of a layer with the numbers of its inputs and outputs."""
    return f"{group.name} {size}" if size else group.name


@dataclass(frozen=True)
class Named:
    """What a bundle is: a vector or a matrix, with its name where it has one."""

    name: str
    shape: str  # such as (2,) or (2, 3)

    @property
    def is_single(self) -> bool:
        """Whether it is one value, which is shown by its number."""
        return self.shape == "()"


@dataclass(eq=False)
class Vertex:
    """A circle, box or name: one node, the nodes of a folded group, or a bundle of leaves."""

    nodes: list[Any]
    group: Scope | None = None  # of a box
    size: str = ""  # of a layer: 2 → 8
    count: int = 1  # how many groups of one kind it stands for
    named: Named | None = None  # of a bundle of leaves
    row: Row | ManyRow | None = None  # of a circle, where the table has one
    cut: bool = False  # its operands are not shown
    inputs: list[Use | Constant] = field(default_factory=list)  # in order of the operands
    flows: list[Flow] = field(default_factory=list)  # what comes out

    @property
    def node(self) -> Any:
        """The node of a circle or a name."""
        return self.nodes[0]

    @property
    def is_box(self) -> bool:
        """Whether it is a folded group."""
        return self.group is not None

    @property
    def title(self) -> str:
        """The name of a box."""
        times = f" ×{self.count}" if self.count > 1 else ""
        return titled(self.group, self.size) + times if self.group is not None else ""

    @property
    def is_leaf(self) -> bool:
        """Whether it is a leaf, or a bundle of them."""
        return not self.is_box and is_leaf(self.node)


@dataclass(eq=False)
class Flow:
    """What leaves a vertex on one line: a value, or a bundle of them."""

    source: Vertex
    values: list[Any]
    named: Named | None = None  # of a bundle
    uses: list[Use] = field(default_factory=list)

    @property
    def value(self) -> Any:
        """The only value."""
        return self.values[0]


@dataclass(eq=False)
class Use:
    """One arrow: where a flow goes in."""

    flow: Flow
    target: Vertex | None  # None for nodes that are not shown
    position: int  # among the operands of the target
    edges: list[tuple[Any, int]]  # the nodes that use the value, and its position there
    backward: float | None  # what flows back, the sum of gradient × partial; None for a bundle


@dataclass(eq=False)
class Constant:
    """A plain number, or a bundle of them, that goes in."""

    position: int
    value: float
    named: Named | None = None


@dataclass(eq=False)
class Graph:
    """The vertices that are shown, parents first."""

    survey: Survey
    vertices: list[Vertex]
    left_out: int
    more: bool  # whether counting stopped before the end
    boxed: int  # how many nodes stand in boxes
    sizes: Mapping[Scope, str] = field(default_factory=dict)  # of layers

    @property
    def root(self) -> Any:
        """The node that all of it leads to."""
        return self.survey.root

    @property
    def results(self) -> Sequence[Any]:
        """What is shown at the right end: the root, or what it holds together."""
        return self.survey.results

    def is_result(self, node: Any) -> bool:
        """Tell whether a node is a result."""
        return any(node is result for result in self.results)

    @property
    def gradients(self) -> Mapping[Any, float]:
        """The gradient of every node, in the pass of this root; or nothing."""
        return self.survey.gradients

    @property
    def flows(self) -> Iterator[Flow]:
        """Everything that flows, producers first."""
        return (flow for vertex in self.vertices for flow in vertex.flows)


@dataclass(frozen=True)
class Plan:
    """What a picture is asked for beside the root."""

    max_nodes: int
    homes: Mapping[int, Vertex] = field(default_factory=dict)  # id of a node -> its box or bundle
    names: Mapping[int, Named] = field(default_factory=dict)  # id of a value -> its matrix
    numbers: Mapping[tuple[float, ...], Named] = field(default_factory=dict)  # names of plain runs
    constants: Collection[int] = frozenset()  # ids of Values to which nothing flows back
    idle: Collection[int] = frozenset()  # ids of nodes through which no pass has been
    around: Any = None  # show what is near this node
    depth: int = 2  # so many arrows
    sizes: Mapping[Scope, str] = field(default_factory=dict)  # of layers: 2 → 8
