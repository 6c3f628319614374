"""The formula language of the operation table: a few lines of text, checked, then compiled.

A formula is arithmetic on the letters of its row, as in ``y * x`` or, with names bound on
the way, ``e = exp(-abs(x)); e / (1 + e)``. There are `+ - * /`, comparisons with `and`, `or`,
`where(condition, a, b)` which computes only the branch it takes, and calls of known
functions. `still(a)` is a, which a derivative takes for a constant, as what it does cancels. Of
formulas on Values, `plain(x)` tells whether an operand is a plain number. In a row of many operands
a letter stands for one element, and `sum(...)`, `max(...)` and `min(...)` of one argument run over
all of them; `n` is their number.

One text serves every engine, so no derivative is ever typed twice: this file reads the language
and writes Python, `to_c.py` writes C.
"""

from __future__ import annotations

import ast
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .constants import CONSTANTS as CONSTANTS

REDUCTIONS = ("sum", "max", "min")
NEUTRAL = {"sum": "0.0", "max": "-INF", "min": "INF"}

_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


class Formula(NamedTuple):
    """A parsed formula: names bound in order, then the result."""

    bindings: tuple[tuple[str, ast.expr], ...]
    result: ast.expr


def parse(text: str) -> Formula:
    """Read a formula.

    >>> [name for name, _ in parse("e = exp(-abs(x)); e / (1 + e)").bindings]
    ['e']
    """
    try:
        *bound, last = ast.parse(text).body
    except (SyntaxError, ValueError):
        raise ValueError(f"not a formula: {text!r}") from None
    if not isinstance(last, ast.Expr):
        raise ValueError(f"formula {text!r} must end in an expression")
    bindings = []
    for line in bound:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                bindings.append((name, value))
            case _:
                raise ValueError(f"formula {text!r}: only 'name = expression' may come first")
    return Formula(tuple(bindings), last.value)


def needed(formula: Formula) -> Formula:
    """Return a formula without the names that its result does not need."""
    names, kept = names_in(formula.result), []
    for name, value in reversed(formula.bindings):
        if name in names:
            kept.append((name, value))
            names |= names_in(value)
    return Formula(tuple(reversed(kept)), formula.result)


def value_formula(forward: str) -> Formula:
    """Return a forward formula without the names that only its partials use."""
    return needed(parse(forward))


def partial_formula(forward: str, partial: str) -> Formula:
    """Return a partial with those names of its forward formula that it needs.

    >>> [name for name, _ in partial_formula("a = exp(x); b = 2 * a; b", "a").bindings]
    ['a']
    """
    return needed(Formula(parse(forward).bindings, parse(partial).result))


def with_bindings(forward: str, partial: str) -> str:
    """Return a partial after those names of its forward formula that it needs, as one text.

    >>> with_bindings("a = exp(x); b = 2 * a; b", "a + z")
    'a = exp(x); a + z'
    """
    bindings = partial_formula(forward, partial).bindings
    return "; ".join([*(f"{name} = {ast.unparse(value)}" for name, value in bindings), partial])


def names_read(formula: Formula) -> set[str]:
    """Return the names that a formula reads, its own among them.

    >>> sorted(names_read(partial_formula("a = 2 * x; b = a + x; b", "a + z")))
    ['a', 'x', 'z']
    """
    return names_in(formula.result).union(*(names_in(value) for _, value in formula.bindings))


def names_in(tree: ast.AST) -> set[str]:
    """Return the names in a syntax tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def compile_scalar(
    name: str,
    letters: Sequence[str],
    forward: str,
    partials: Sequence[str] | None,
    functions: Mapping[str, Callable[..., Any]],
) -> Callable[..., Any]:
    """Return a function of the letters: to z, or with partials to (z, (dz/dx, ...)).

    >>> compile_scalar("mul", ("x", "y"), "x * y", ("y", "x"), {})(3.0, 4.0)
    (12.0, (4.0, 3.0))
    """
    body = _Python(letters, (), functions)
    parsed = parse(forward)
    body.bind(parsed)
    result = body.expression(parsed.result)
    if partials is not None:
        body.line(f"z = {result}")
        body.scalars.add("z")
        result = f"z, ({''.join(body.scalar(text) + ', ' for text in partials)})"
    return body.function(name, letters, result)


def compile_many(
    name: str,
    letters: Sequence[str],
    forward: str,
    partials: Sequence[str | None] | None,
    functions: Mapping[str, Callable[..., Any]],
) -> Callable[..., Any]:
    """Return a function of one list a letter: to z, or to (z, [dz/dx_1, ..., dz/dy_1, ...]).

    A partial of None is left out of the list. A forward that names an element outside every
    reduction makes one result an element: then z is a list, and the partials a list a result,
    in which `s` is the result at the operand's index and `own` is 1 where that is z itself.

    >>> compile_many("dot", ("x", "y"), "sum(x * y)", ("y", "x"), {})([1.0, 2.0], [3.0, 4.0])
    (11.0, [3.0, 4.0, 1.0, 2.0])
    """
    body = _Python((), letters, functions)
    body.line("n = len(xs)")
    body.scalars.add("n")
    parsed = parse(forward)
    body.bind(parsed)
    plural = body.is_elementwise(parsed.result)
    result = body.each(parsed.result) if plural else body.expression(parsed.result)
    if partials is not None and plural:
        (partial,) = partials
        assert partial is not None
        body.line(f"zs = {result}")
        body.scalars.update(("z", "s", "own"))
        entry = body.scalar(partial)
        result = f"zs, [[{entry} for j, s in enumerate(zs)] for i, z in enumerate(zs)]"
    elif partials is not None:
        body.line(f"z = {result}")
        body.scalars.add("z")
        lists = [body.each(parse(text).result) for text in partials if text is not None]
        result = "z, " + (" + ".join(lists) or "[]")
    return body.function(name, [f"{letter}s" for letter in letters], result)


def compile_rule(
    name: str,
    kept: Sequence[str],
    settings: Sequence[str],
    text: str,
    functions: Mapping[str, Callable[..., Any]],
) -> Callable[..., tuple[float, ...]]:
    """Return a function of w, g, what is kept and the settings: to the new w and what is kept.

    >>> compile_rule("down", (), ("lr",), "w - lr * g", {})(3.0, 4.0, 0.5)
    (1.0,)
    """
    letters = ("w", "g", *kept, *settings)
    body = _Python(letters, (), functions)
    parsed = parse(text)
    body.bind(parsed)
    results = [body.expression(parsed.result), *kept]
    return body.function(name, letters, f"({', '.join(results)},)")


def compile_graph(
    name: str,
    letters: Sequence[str],
    lists: Sequence[str],
    text: str,
    functions: Mapping[str, Callable[..., Any]],
) -> Callable[..., Any]:
    """Return a function that runs a definition on Values: of its letters, or of its lists.

    `functions` has what it may call, reductions too; `divide`; and `label(name, value)`, called
    with every bound name that does not begin with an underscore.
    """
    body = _Graph(letters, lists, functions)
    if lists:
        body.line(f"n = len({lists[0]}s)")
        body.scalars.add("n")
    parsed = parse(text)
    body.bind(parsed)
    plural = body.is_elementwise(parsed.result)
    result = body.each(parsed.result) if plural else body.expression(parsed.result)
    return body.function(name, [*letters, *(f"{letter}s" for letter in lists)], result)


class Body(ABC):
    """The body of a generated function, grown line by line; a subclass spells one language."""

    def __init__(
        self,
        scalars: Collection[str],
        vectors: Collection[str],
        functions: Mapping[str, Callable[..., Any]],
    ) -> None:
        self.scalars: set[str] = set(scalars)  # names that hold one number
        self.vectors: set[str] = set(vectors)  # names of an element; the list is the name with an s
        self.functions = functions
        self.lines: list[str] = []
        self.used: set[str] = set()
        self.loops: int = 0

    def line(self, text: str) -> None:
        self.lines.append(f"    {text}\n")

    def bind(self, formula: Formula) -> None:
        for name, value in formula.bindings:
            if self.is_elementwise(value):
                self.fill(f"{name}s", value)
                self.vectors.add(name)
            else:
                self.let(name, self.expression(value))
                self.scalars.add(name)

    def scalar(self, text: str) -> str:
        parsed = parse(text)
        if parsed.bindings:
            raise ValueError(f"formula {text!r}: only a forward formula binds names")
        return self.expression(parsed.result)

    # -- what the languages spell differently ------------------------------------------

    @abstractmethod
    def let(self, name: str, text: str) -> None:
        """Bind a name to a number."""

    @abstractmethod
    def fill(self, name: str, node: ast.expr) -> None:
        """Bind a name to a list: the expression at every element."""

    @abstractmethod
    def loop(self, node: ast.expr, name: str, neutral: str, lines: list[str]) -> None:
        """Bind a name to a number, then run the lines for every element."""

    @abstractmethod
    def take_if(self, name: str, test: str, text: str) -> list[str]:
        """Return the lines that bind the name anew where the test holds."""

    @abstractmethod
    def choice(self, test: str, yes: str, no: str) -> str:
        """Return one of two expressions, of which only the chosen one is computed."""

    @abstractmethod
    def logic(self, operation: ast.boolop, tests: list[str]) -> str:
        """Return tests joined by `and` or `or`."""

    @abstractmethod
    def quotient(self, left: ast.expr, right: ast.expr) -> str:
        """Return a quotient by IEEE-754."""

    @abstractmethod
    def call(self, name: str, arguments: list[str]) -> str:
        """Return a call of a function."""

    @abstractmethod
    def own(self) -> str:
        """Return 1 where operand and result have the same index, else 0."""

    def still(self, node: ast.expr) -> str:
        """Return an expression that a derivative takes for a constant, as it cancels."""
        return self.expression(node)

    # -- many operands -----------------------------------------------------------------

    def is_elementwise(self, node: ast.expr) -> bool:
        return any(name in self.vectors for name in _free_names(node))

    def elements(self, node: ast.expr) -> list[str]:
        """Return the names of the elements that an expression reads."""
        return sorted(set(_free_names(node)) & self.vectors)

    def _reduce(self, kind: str, node: ast.expr) -> str:
        if not self.is_elementwise(node):
            raise ValueError(f"not a formula: {kind}({ast.unparse(node)}) runs over nothing")
        text = self.expression(node)  # hoists what is inside first
        self.loops += 1
        name = f"r{self.loops}"
        if kind == "sum":  # left to right in plain doubles, as every engine does
            lines = [f"{name} += {text}"]
        else:  # a nan is never lost
            better = f"{text} {'>' if kind == 'max' else '<'} {name}"
            lines = self.take_if(name, self.logic(ast.Or(), [better, f"{text} != {text}"]), text)
        self.loop(node, name, NEUTRAL[kind], lines)
        return name

    # -- expressions -------------------------------------------------------------------

    def expression(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return repr(float(value))
            case ast.Name(id="INF"):
                return "INF"
            case ast.Name(id="own") if "own" in self.scalars:
                return self.own()
            case ast.Name(id=name) if name in CONSTANTS:
                return repr(CONSTANTS[name])
            case ast.Name(id=name) if name in self.scalars or name in self.vectors:
                return name
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self.expression(operand)})"
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return self.quotient(left, right)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return f"({self.expression(left)} {_OPERATORS[type(op)]} {self.expression(right)})"
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return f"({self.expression(left)} {_OPERATORS[type(op)]} {self.expression(right)})"
            case ast.BoolOp(op=op, values=values):
                return self.logic(op, list(map(self.expression, values)))
            case ast.Call(keywords=[_, *_]):
                pass  # a formula names no arguments
            case ast.Call(func=ast.Name(id="where"), args=[condition, a, b]):
                yes, test, no = map(self.expression, (a, condition, b))
                return self.choice(test, yes, no)
            case ast.Call(func=ast.Name(id="still"), args=[argument]):
                return self.still(argument)
            case ast.Call(func=ast.Name(id=name), args=[argument]) if name in REDUCTIONS:
                return self._reduce(name, argument)
            case ast.Call(func=ast.Name(id=name), args=arguments) if self._takes(name, arguments):
                self.used.add(name)
                return self.call(name, list(map(self.expression, arguments)))
        raise ValueError(f"not a formula: {ast.unparse(node)}")

    def _takes(self, name: str, arguments: Sequence[ast.expr]) -> bool:
        if name not in self.functions or name == "where":
            return False
        return len(inspect.signature(self.functions[name]).parameters) == len(arguments)


class _Python(Body):
    """The body of a Python function."""

    def function(self, name: str, parameters: Sequence[str], result: str) -> Callable[..., Any]:
        text = f"def formula_({', '.join(parameters)}):\n{''.join(self.lines)}    return {result}\n"
        namespace: dict[str, Any] = {used: self.functions[used] for used in self.used}
        namespace["INF"] = float("inf")
        exec(compile(text, f"<formula of {name}>", "exec"), namespace)  # the table's own text
        compiled: Callable[..., Any] = namespace["formula_"]
        return compiled

    def let(self, name: str, text: str) -> None:
        self.line(f"{name} = {text}")

    def fill(self, name: str, node: ast.expr) -> None:
        self.let(name, self.each(node))

    def each(self, node: ast.expr) -> str:
        """Return the text of a list: the expression at every element."""
        if isinstance(node, ast.Name) and node.id in self.vectors:
            return f"{node.id}s"
        text = self.expression(node)
        return (
            f"[{text} for {self._running(node)}]" if self.is_elementwise(node) else f"[{text}] * n"
        )

    def _running(self, node: ast.expr) -> str:
        names = self.elements(node)
        lists = ", ".join(f"{name}s" for name in names)
        return f"{', '.join(names)} in " + (f"zip({lists})" if len(names) > 1 else lists)

    def loop(self, node: ast.expr, name: str, neutral: str, lines: list[str]) -> None:
        self.let(name, neutral)
        self.line(f"for {self._running(node)}:")
        for line in lines:
            self.line(f"    {line}")

    def take_if(self, name: str, test: str, text: str) -> list[str]:
        return [f"if {test}:", f"    {name} = {text}"]

    def choice(self, test: str, yes: str, no: str) -> str:
        return f"({yes} if {test} else {no})"

    def logic(self, operation: ast.boolop, tests: list[str]) -> str:
        return f"({(' or ' if isinstance(operation, ast.Or) else ' and ').join(tests)})"

    def quotient(self, left: ast.expr, right: ast.expr) -> str:
        if isinstance(right, ast.Constant) and right.value:
            return f"({self.expression(left)} / {self.expression(right)})"
        self.used.add("divide")
        return self.call("divide", [self.expression(left), self.expression(right)])

    def call(self, name: str, arguments: list[str]) -> str:
        return f"{name}({', '.join(arguments)})"

    def own(self) -> str:
        return "(i == j)"


class _Graph(_Python):
    """The body of a Python function on Values: a reduction is one call, a bound name a label."""

    def bind(self, formula: Formula) -> None:
        for name, value in formula.bindings:
            super().bind(Formula(((name, value),), value))
            if not name.startswith("_"):
                self.used.add("label")
                self.line(f"label({name!r}, {name}{'s' * (name in self.vectors)})")

    def still(self, node: ast.expr) -> str:
        self.used.add("still")
        return self.call("still", [self.expression(node)])

    def _reduce(self, kind: str, node: ast.expr) -> str:
        text = self.expression(node)
        self.loops += 1
        self.used.add(kind)
        self.let(f"r{self.loops}", f"{kind}([{text} for {self._running(node)}])")
        return f"r{self.loops}"


def _free_names(node: ast.AST) -> Iterator[str]:
    """Yield the names of an expression that stand outside every reduction."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Call):
        reduces = isinstance(node.func, ast.Name) and node.func.id in REDUCTIONS
        if not (reduces and len(node.args) == 1):
            for argument in node.args:
                yield from _free_names(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _free_names(child)
