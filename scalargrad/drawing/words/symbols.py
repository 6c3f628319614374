"""The texts of a picture in symbols: expressions forward, the chain rule so far backward."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ...core.arithmetic import is_value
from ...core.explanation import Explanation, explanations
from ...core.modes import Scope
from ...core.node_rows import agree, result_index
from ...errors import InputError, unwanted
from ...table.row import ManyRow, Row, is_plural
from ...table.written import parsed, plain, stated
from ..select.graph import Constant, Flow, Graph, Use, Vertex
from ..select.opening import Opened
from ..select.survey import Survey, is_leaf
from . import text
from .algebra import (
    ONE,
    Atom,
    Names,
    Product,
    add,
    arranged,
    atoms_of,
    call,
    constant,
    name,
    settled,
    spread,
    total,
)
from .formulas import Formless, evaluated
from .inventing import INVENTED, Inventor
from .numbers import Numbers
from .pieces import HERE, Typeset, beside, equation, lowered, stacked, summed, typeset
from .wording import Labels
from .writing import TIMES_ONE, write

#: a longer expression gets a name, a longer chain begins anew with ∂L/∂name
LONGEST = 34
#: the rule of one operation and a sum at a branch may be so long
LONGEST_RULE = 60
#: a longer sum gets a line a term, at most so many
MOST_TERMS = 4
#: a sum of more operands is written as a call, one of more arguments with an ellipsis
MOST_OPERANDS, MOST_ARGUMENTS = 12, 6
#: a box of more arrows is not looked into
MOST_IN_A_BOX = 100

#: operations without a sign that are written out all the same
_SPELLED = ("mean", "hypot", "exp2")

#: operations that are the operand which was chosen; the condition is not kept
CHOICES = ("where", "otherwise")

#: what is so here where an operand of many was chosen
_LARGEST = {"max": "the largest", "min": "the smallest"}
#: a plain number of an unnamed leaf that is longer gets a name
LONGEST_NUMBER = 8


def read_symbols(who: str, symbols: Any) -> str:
    """Return what `symbols=` asks for: nothing, "symbols", "both" or "chain"."""
    known = {True: "symbols", False: "", "both": "both", "chain": "chain"}
    if not isinstance(symbols, (bool, str)) or symbols not in known:
        must = 'symbols must be True, "both" or "chain"'
        raise InputError(unwanted(who, must, symbols, "pass True"))
    return known[symbols]


class Symbols:
    """Expressions above the arrows, below them the gradient as the chain rule finds it.

    Partials are those of the rows of the table, run on expressions. In a chain they stay ∂z/∂x.
    """

    def __init__(
        self,
        numbers: Numbers,
        *,
        chain: bool = False,
        opened: Sequence[Opened] = (),
    ) -> None:
        self.numbers = numbers
        self.graph: Graph = numbers.graph
        self.survey: Survey = numbers.graph.survey
        self.loss: str = numbers.loss
        self.chain = chain
        self.constants: Collection[int] = numbers.constants
        self.opened = opened
        self.shown: set[int] = {id(node) for flow in numbers.graph.flows for node in flow.values}
        self.labels: list[str] = [numbers.label(node) for node in self.survey.nodes]
        self._derive({})
        if named := self._in_order():
            self._derive(named)  # now what has a name is written by it everywhere

    def _derive(self, called: dict[int, str]) -> None:
        """Find all expressions; names are invented beside those that are called so already."""
        self.given: frozenset[int] = frozenset(called)
        self.names: Names = Names()
        self.values: dict[int, Product] = {}  # id of a node -> its expression
        self.parts: dict[tuple[int, int], Product] = {}  # id of a node, position -> what goes back
        self.gradients: dict[int, Product] = {}  # id of a node -> the sum of what comes back
        self.whole: dict[tuple[int, int], Product] = {}  # of opened operations, simplified
        self.fixed: dict[int, Product] = {}  # id of a node -> ∂L/∂z, where not all is shown
        self.open: dict[Vertex, bool] = {}
        self.called = called  # id of a node -> a name that was invented
        self.meanings: dict[int, Product] = {}  # what such a name stands for
        self.results: dict[tuple[str, tuple[int, ...], int], int] = {}  # of operations of many
        self.users: dict[int, list[Any]] = {}
        self.recorded: dict[Product, float] = {}  # what a node without a row gives for its operands
        self.bare: set[tuple[int, int]] = set()  # where the upstream alone goes through
        self.conditions: dict[tuple[int, int], str] = {}  # where a choice was made by the numbers
        self.inventor: Inventor = Inventor([*self.labels, *called.values()])
        self._forward()
        if self.numbers.red:
            self._backward()
            self._write_all()  # so that every name is known before the first one is read

    def _in_order(self) -> dict[int, str]:
        """Return the invented names of values, counted as the picture is read."""
        ids = [id(node) for vertex in self.graph.vertices for node in vertex.nodes]
        counted = (node for node in ids if node != id(self.graph.root))
        plain = [node for node in counted if self.called.get(node, "").startswith(INVENTED)]
        names = sorted((self.called[node] for node in plain), key=lambda name: (len(name), name))
        return dict(zip(plain, names, strict=True))

    # -- what is written ---------------------------------------------------------------

    def flow(self, flow: Flow) -> Labels:
        """Return expression and gradient of what comes out."""
        if flow.named is not None:
            return self.numbers.bundle(flow)
        red = self.numbers.is_red(flow)
        node = flow.value
        back = self._written(flow, self.gradients[id(node)], node) if red else None
        return Labels(self._black(node), back)

    def use(self, use: Use) -> Labels:
        """Return the expression, and the part of the gradient that comes back here."""
        if use.flow.named is not None:
            return self.numbers.bundle(use.flow, part=True)
        node = use.flow.value
        forward = self._short_black(node)
        if use.backward is None or not self.numbers.red:
            return Labels(forward, None)
        return Labels(forward, self._part(use, node))

    def constant(self, given: Constant) -> str:
        """Return a plain number, as what it is meant to be, or the shape of several."""
        if given.named is not None:
            return self.numbers.constant(given)
        return self._write(constant(given.value))

    def name(self, flow: Flow) -> str:
        """Return the name of a leaf or of a bundle of them, also one that was invented."""
        known = self.numbers.name(flow)
        if known or flow.named is not None:
            return known
        return self.called.get(id(flow.value), "")

    def is_fixed(self, flow: Flow) -> bool:
        """Tell whether all that flows are constants of this picture."""
        return self.numbers.is_fixed(flow)

    def _black(self, node: Any) -> str:
        """Return what stands above the arrow of a node: with its name, where that was invented."""
        written = self._write(self.values[id(node)])
        named = self.called.get(id(node))
        if is_leaf(node):
            return self._write(constant(node.data)) if named else written
        if named is None or self.numbers.label(node) or node is self.graph.root:
            return written
        meaning = self.meanings.get(id(node), self.values[id(node)])
        said = self._write(meaning)
        if said == named or _length(said) > LONGEST_RULE or not meaning.is_finite:
            return typeset(named)
        return equation(named, said)

    def _short_black(self, node: Any) -> str:
        """Return what stands above an arrow behind a branch: the name, where there is one."""
        named = self.called.get(id(node))
        return typeset(named) if named and not is_leaf(node) else self._black(node)

    def _written(self, flow: Flow, gradient: Product, node: Any) -> str:
        written = self._write(gradient)
        if _length(written) <= LONGEST and self._is_known(gradient):
            return written
        if id(node) not in self.fixed and (rule := self._lines(self._terms(flow))):
            return rule  # the terms of the arrows, as they are
        return self._lines(spread(gradient)) or self._write(self._of(node))

    def _terms(self, flow: Flow) -> list[Product]:
        """Return what comes back along each arrow, if that is known of all."""
        edges = [(id(user), position) for use in flow.uses for user, position in use.edges]
        known = [self.parts[edge] for edge in edges if edge in self.parts]
        return known if len(known) == len(edges) else []

    def _lines(self, terms: Sequence[Product]) -> str:
        """Return a sum with a line a term, or nothing where that is too long."""
        written = [self._write(term) for term in terms]
        if not 1 < len(terms) <= MOST_TERMS or max(map(_length, written)) > LONGEST_RULE:
            return ""
        return summed(written) if all(map(self._is_known, terms)) else ""

    def _part(self, use: Use, node: Any) -> str:
        known = [self.parts.get((id(user), position)) for user, position in use.edges]
        ends = self.survey.several and self.graph.is_result(node)
        if ends and use.edges[0][0] is self.graph.root:  # what a pass began with
            return self._write(constant(use.backward or 0.0))
        if None in known or (id(node) in self.fixed and not ends):  # not all that uses it is shown
            return self._write(self._of(node))
        part = total(part for part in known if part is not None)
        written: str = self._write(part)
        long = _length(written) > (LONGEST if len(known) > 1 else LONGEST_RULE)
        if long or not self._is_known(part):
            written = self._write(self._of(node))
            return written if len(use.flow.uses) == 1 else f"part of {written}"
        if len(known) == 1:
            user, position = use.edges[0]
            key = id(user), position
            if key in self.bare:
                written = beside(written, TIMES_ONE)
            shown = self._write(self.whole.get(key, known[0]))  # type: ignore[arg-type]
            if key in self.whole and shown != written and _length(shown) <= LONGEST_RULE:
                written = stacked(written, beside("= ", shown))
            elif key in self.conditions:
                written = stacked(written, beside(HERE, self.conditions[key]))
        return written

    def _is_known(self, product: Product) -> bool:
        """Tell whether every name in an expression stands somewhere in black."""
        return all(node in self.shown for atom in atoms_of(product) for node in named_by(atom))

    def _write_all(self) -> None:
        for flow in self.graph.flows:
            if flow.named is None:
                for piece in (flow, *flow.uses):
                    (self.flow if piece is flow else self.use)(piece)  # type: ignore[arg-type]

    # -- forward -----------------------------------------------------------------------

    def _forward(self) -> None:
        for node in [node for vertex in self.graph.vertices for node in vertex.nodes]:
            row = self.survey.rows[node]
            if row is not None and is_plural(row):
                index = result_index(node, len(node.operands))
                self.results[row.name, tuple(map(id, node.operands)), index] = id(node)
        for vertex in self.graph.vertices:
            inner = self._is_open(vertex)
            for node in vertex.nodes if inner else [flow.value for flow in vertex.flows]:
                self.values[id(node)] = self._value(node, vertex)
                for parent in dict.fromkeys(self.survey.parents[node]) if inner else ():
                    self.users.setdefault(id(parent), []).append(node)

    def _is_open(self, vertex: Vertex) -> bool:
        if vertex not in self.open:
            arrows = sum(len(node.operands) for node in vertex.nodes)
            self.open[vertex] = vertex.named is None and (
                len(vertex.nodes) == 1 or arrows <= MOST_IN_A_BOX
            )
        return self.open[vertex]

    def _value(self, node: Any, vertex: Vertex) -> Product:
        label = text.harmless(self.numbers.label(node))
        fixed = node.data if id(node) in self.constants else None
        if is_leaf(node) and not label:
            number = constant(node.data)
            if len(self._write(number)) <= LONGEST_NUMBER:
                return number
        known = not vertex.cut and self._is_open(vertex) and not is_leaf(node)
        meaning = self._expression(node) if known else None
        if meaning is not None and not meaning.order:  # x/x is 1, but not at 0
            meaning = meaning if agree([float(meaning.coefficient)], [node.data]) else None
        row = self.survey.rows[node]
        result = row is not None and is_plural(row)  # which is worth a name
        if label or meaning is None or result or id(node) in self.given or not self._fits(meaning):
            named = name(label or self._invented(node), id(node), number=fixed)
            if meaning is not None:
                self.names.enter(named, meaning)
                self.meanings[id(node)] = meaning
            return named
        return meaning

    def _operand(self, operand: Any) -> Product:
        if not is_value(operand):
            return constant(operand)
        if id(operand) not in self.values:  # beyond what is shown
            self.values[id(operand)] = name(self._name(operand), id(operand))
        return self.values[id(operand)]

    def _expression(self, node: Any) -> Product | None:
        """Return a node in terms of its operands; None where that would be said of two numbers."""
        row = self.survey.rows[node]
        if row is not None and len(node.operands) <= MOST_OPERANDS and _is_formula(row):
            return evaluated(parsed(_formula(row)), *self._letters(row, node))
        xs = _shortened([self._operand(operand) for operand in node.operands])
        if row is None:
            own = name(text.harmless(node.op), ("own", node.op, *xs), arguments=tuple(xs))
            return own if self.recorded.setdefault(own, node.data) == node.data else None
        symbol = row.symbol if row.symbol.isalpha() else row.name
        if is_plural(row):
            symbol += lowered(result_index(node, len(node.operands)) + 1)
        return call(symbol, xs)

    def _result(self, row: Row | ManyRow, node: Any, element: int) -> Product:
        """Return another result of an operation that has many: its name, if it has one here."""
        return self._named(row.name, node.operands, element)

    def _named(self, function: str, operands: Sequence[Any], element: int) -> Product:
        known = self.results.get((function, tuple(map(id, operands)), element))
        if known is not None and known in self.values:
            return self.values[known]
        xs = _shortened([self._operand(operand) for operand in operands])
        return call(function + lowered(element + 1), xs)

    def _letters(
        self, row: Row | ManyRow, node: Any, element: int = 0
    ) -> tuple[dict[str, Product], dict[str, float], dict[str, list[Product]]]:
        """Return what the letters of a row stand for: expressions, numbers, and lists of them.

        In a row of lists the letters themselves are those of one element.
        """
        lists = {}
        operands = list(node.operands)
        numbers = {"z": node.data}
        if isinstance(row, ManyRow):
            runs = row.split(operands)
            for letter, run in zip(row.letters, runs, strict=True):
                lists[letter] = [self._operand(operand) for operand in run]
            operands = [run[element] for run in runs]
            numbers["n"] = float(len(runs[0]))
        letters = {letter: constant(number) for letter, number in numbers.items() if letter == "n"}
        letters |= zip(row.letters, map(self._operand, operands), strict=True)
        if row.name == "pow" and getattr(letters["y"].coefficient, "denominator", 1) in (2, 3, 4):
            letters["y"] = replace(letters["y"], decimal=False)  # a root, of which comes 1/2
        numbers |= zip(row.letters, map(_number, operands), strict=True)
        if id(node) in self.values:
            letters["z"] = self.values[id(node)]
        return letters, numbers, lists

    # -- backward ----------------------------------------------------------------------

    def _backward(self) -> None:
        for root in self.graph.results:
            self.gradients[id(root)] = self._of(root)
            if self.survey.several:  # what began there has no name of its own
                self.fixed[id(root)] = self._of(root)
        for flow in self.graph.flows:
            if flow.named is None and self._is_hidden(flow):
                self.fixed[id(flow.value)] = self._of(flow.value)
        self.gradients |= self.fixed
        unknown = set(map(id, self._hidden_members()))  # of these not all has an expression
        for vertex in reversed(self.graph.vertices):
            inner = not (vertex.cut or vertex.is_leaf) and self._is_open(vertex)
            shown = {id(flow.value) for flow in vertex.flows if flow.named is None}
            for node in reversed(vertex.nodes):
                if id(node) in unknown and id(node) in shown:
                    self.gradients[id(node)] = self.fixed[id(node)] = self._of(node)
                    unknown.discard(id(node))
                if id(node) in self.gradients and id(node) not in unknown:  # all of it is here now
                    self.gradients[id(node)] = self._short(self.gradients[id(node)])
                    if inner:
                        self._hand_back(node)
                elif inner:
                    unknown.update(map(id, self.survey.parents[node]))

    def _short(self, product: Product) -> Product:
        return product if self.chain else arranged(self.names.short(settled(product)))

    def _is_hidden(self, flow: Flow) -> bool:
        """Tell whether some of what comes back to a value comes from what is not shown."""
        if self.graph.is_result(flow.value):
            return False
        received, largest, complete = 0.0, 0.0, True
        for use in flow.uses:
            back = use.backward or 0.0
            received, largest = received + back, max(largest, abs(back))
            complete &= use.target is not None and self._is_open(use.target)
        grad = self.graph.gradients[flow.value]
        agrees = abs(received - grad) <= 1e-9 * largest
        same = received == grad or agrees or received != received
        return not (complete and same) and not self.numbers.is_fixed(flow)

    def _hidden_members(self) -> Iterator[Any]:
        """Yield what flows in bundles, where it may also go to what is not shown."""
        for flow in self.graph.flows:
            targets = [use.target for use in flow.uses]
            known = all(target is not None and self._is_open(target) for target in targets)
            if flow.named is not None and not (known and self.graph.left_out == 0):
                yield from flow.values

    def _hand_back(self, node: Any) -> None:
        """Give each operand its part: the gradient of the node times a partial."""
        gradient = self.gradients[id(node)]
        if not self._fits(gradient):
            gradient = self._of(node)
        bare = ("∂", id(node)) in [getattr(f, "key", None) for f, _ in gradient.order]
        bare = bare and gradient.is_bare and not self.chain
        for why in explanations(node, self.survey.rows[node], self.graph.gradients[node]):
            operand, partial = why.operand, self._partial(why)
            part = self._short(gradient * partial)
            if not self._fits(part):  # the chain begins anew
                part = self._of(node) * partial
                if not self._fits(part, LONGEST_RULE):
                    part = self._of(node) * self._quotient(why)
            key = id(node), why.position
            self.parts[key] = part
            if bare and partial == ONE:
                self.bare.add(key)
            if (whole := self._simplified(node, operand)) is not None:
                self.whole[key] = part = whole
            if id(operand) not in self.fixed:
                known = self.gradients.get(id(operand))
                self.gradients[id(operand)] = part if known is None else add(part, known)

    def _simplified(self, node: Any, operand: Any) -> Product | None:
        """Return what goes back through an operation as a whole, where it was opened here."""
        for one in self.opened:
            if self.chain or not (one.operands and one.operands[0] is operand):
                continue
            if id(one.result) not in self.values:  # not shown
                continue
            gradient = self.gradients.get(id(one.result))
            users = self.users.get(id(operand), [])
            inside = [user for user in users if _stands_in(user, one.result.scope)]
            if one.row.arity == 1 and len(inside) == 1 and inside[0] is node and gradient:
                shown = stated(one.row, 0)
                letters = {"x": self._operand(operand), "z": self.values[id(one.result)]}
                if isinstance(one.row, Row) and shown and " if " not in shown:
                    partial = evaluated(parsed(shown), letters, {}, {})
                    return self._short(gradient * partial)
        return None

    def _partial(self, why: Explanation) -> Product:
        """Return a partial as its row states it; the number itself where it has no short form."""
        node, row = why.node, why.row
        if self.chain or row is None:
            return self._quotient(why)
        shown = stated(row, why.letter)
        count = len(node.operands) // row.arity
        letters, numbers, lists = self._letters(row, node, why.position % count)
        listed: dict[str, Product] = {}
        if is_plural(row):
            own = result_index(node, count) == why.position
            letters["own"] = constant(float(own))
            letters["s"] = letters["z"] if own else self._result(row, node, why.position)
            shown = row.partials[why.letter]
        elif isinstance(row, ManyRow):
            operands = row.split(list(node.operands))[0]
            listed["softmax"] = self._named("softmax", operands, why.position % count)
        if row.name in _LARGEST and isinstance(row, ManyRow):
            no = "" if why.partial else "not "
            self.conditions[id(node), why.position] = no + _LARGEST[row.name]
        if row.name in CHOICES:
            self.conditions[id(node), why.position] = "chosen" if why.partial else "not chosen"
        if not shown:
            return constant(why.partial)
        chosen: list[str] = []
        try:
            partial = evaluated(parsed(shown), letters, numbers, lists, listed, chosen)
        except Formless:
            return constant(why.partial)
        if chosen and _length(chosen[-1]) <= LONGEST:
            self.conditions[id(node), why.position] = chosen[-1]
        return partial

    # -- names -------------------------------------------------------------------------

    def _write(self, product: Product) -> Typeset:
        return write(product, self.numbers.digits)

    def _fits(self, product: Product, longest: int = LONGEST) -> bool:
        """Tell whether a product is short enough to be written, and its number is one."""
        return product.is_finite and _length(self._write(product)) <= longest

    def _of(self, node: Any) -> Product:
        """Return the gradient of a node as a name: ∂L/∂z; that of the loss itself is a number."""
        if self.graph.is_result(node) and not self.chain:
            label = text.harmless(self.numbers.label(node))
            if not label or label == self.loss:
                return constant(self.graph.gradients[node])
        return name(f"∂{self._loss()}/∂{self._name(node)}", ("∂", id(node)), is_upstream=True)

    def _loss(self) -> str:
        """Return the name of what is differentiated: of the result, where it has no other."""
        if not text.harmless(self.numbers.label(self.graph.root)):
            self.called[id(self.graph.root)] = self.loss
        return self.loss

    def _invented(self, node: Any) -> str:
        """Return a name that no label is, of the result that of the loss."""
        if id(node) not in self.called:
            row = self.survey.rows.get(node)
            plural = row is not None and is_plural(row)
            if node is self.graph.root:
                self._loss()
            elif plural:
                index = result_index(node, len(node.operands))
                self.called[id(node)] = self.inventor.result(tuple(map(id, node.operands)), index)
            else:
                self.called[id(node)] = self.inventor.name()
        return self.called[id(node)]

    def _quotient(self, why: Explanation) -> Product:
        """Return a partial as a name: ∂z/∂x; ∂₂z/∂x where x is operand in other places too."""
        node, operand = why.node, why.operand
        places = [i for i, other in enumerate(node.operands) if other is operand]
        key = "∂", id(node), id(operand), why.position
        number = lowered(why.position + 1) if len(places) > 1 else ""
        return name(f"∂{number}{self._name(node)}/∂{self._name(operand)}", key)

    def _name(self, node: Any) -> str:
        """Return a short name for a node."""
        label = text.harmless(self.numbers.label(node))
        return text.whole(label) if label else self._invented(node)


def _number(operand: Any) -> float:
    return float(getattr(operand, "data", operand))


def named_by(atom: Atom) -> list[int]:
    """Return the ids of the nodes that a name is of: a value, a gradient, a partial."""
    match atom.key:
        case int(node):
            return [node]
        case ("∂", int(node)):
            return [node]
        case ("∂", int(node), int(operand), _):
            return [node, operand]
    return []


def _length(written: str) -> int:
    """Return how long a formula is to read: a name with the number of its layer is as two names."""
    return len(written) + 5 * written.count("⁽")


def _shortened(xs: Sequence[Product]) -> list[Product]:
    """Return operands with an ellipsis; two calls are the same only where all operands are."""
    if len(xs) <= MOST_ARGUMENTS:
        return list(xs)
    return [xs[0], name("…", ("…", tuple(xs[1:-1]))), xs[-1]]


def _is_formula(row: Row | ManyRow) -> bool:
    """Tell whether a row is written as its formula, not as a call: it has a sign, or is short."""
    text = _formula(row)
    return (
        (row.symbol != row.name or row.name in (*_SPELLED, *CHOICES))
        and ";" not in text
        and "where(" not in text
    )


def _formula(row: Row | ManyRow) -> str:
    """Return the forward formula, or what stands for it where it tells cases apart."""
    return plain(row.written) if row.name in ("pow", *_SPELLED) and row.written else row.forward


def _stands_in(node: Any, group: Scope | None) -> bool:
    scope = node.scope
    while scope is not None and scope is not group:
        scope = scope.outer
    return scope is not None
