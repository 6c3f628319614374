"""The mutants of a Python file: each operator, constant, condition, argument, statement in turn."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from .mutant import Mutant

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="),
    ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",),
    ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "*",
    ast.Pow: "*", ast.LShift: ">>", ast.RShift: "<<", ast.BitAnd: "|", ast.BitOr: "&",
    ast.BitXor: "&",
}  # fmt: skip
#: the order of what they are given changes nothing, but for ties
SYMMETRIC = {"min", "max", "gcd", "hypot", "isclose", "_plus", "_times"}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "reversed": "list"}


def mutants(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a Python file."""
    tree = ast.parse(source)
    maker = _Maker(file, source)
    for node in _running(tree):
        yield from maker.of(node)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk over what runs: no annotation, no message of an error, nothing for type checkers.

    Assertions are left out: they only speak of other bugs.
    """
    open_nodes = [tree]
    while open_nodes:
        node = open_nodes.pop()
        yield node
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases", "exc", "msg"):
                continue
            children = child if isinstance(child, list) else [child]
            open_nodes += [c for c in children if isinstance(c, ast.AST) and not _is_idle(c)]


def _is_idle(node: ast.AST) -> bool:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.Assign):  # of names and types only
        value = ast.unparse(node.value)
        return ast.unparse(node.targets[0]) == "__all__" or value.startswith(
            ("TypeVar", "Callable")
        )
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Assert) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


class _Maker:
    """Makes the mutants of one file."""

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source = file, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.lines = source.splitlines()

    def offset(self, line: int, column: int) -> int:
        """Return an offset in characters; columns of `ast` count bytes."""
        text = self.lines[line - 1].encode()[:column].decode()
        return self.starts[line - 1] + len(text)

    def span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.offset(node.lineno, node.col_offset),  # type: ignore[attr-defined]
            self.offset(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]
        )

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def mutant(self, kind: str, node: ast.AST, text: str) -> Mutant:
        return Mutant(self.file, kind, *self.span(node), text)

    def between(self, kind: str, left: ast.AST, right: ast.AST, old: str, new: str) -> Mutant:
        """Return a mutant of the sign between two operands."""
        begin, end = self.span(left)[1], self.span(right)[0]
        at = self.source.index(old, begin, end)
        return Mutant(self.file, kind, at, at + len(old), new)

    def of(self, node: ast.AST) -> Iterator[Mutant]:
        """Yield the mutants that begin at a node."""
        method = getattr(self, "of_" + type(node).__name__, None)
        if method is not None:
            yield from method(node)

    def of_Compare(self, node: ast.Compare) -> Iterator[Mutant]:  # noqa: N802
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            for new in COMPARISONS[type(op)]:
                yield self.between("comparison", left, right, _sign(op), new)
            left = right

    def of_BoolOp(self, node: ast.BoolOp) -> Iterator[Mutant]:  # noqa: N802
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in itertools.pairwise(node.values):
            yield self.between("and/or", left, right, old, new)

    def of_BinOp(self, node: ast.BinOp) -> Iterator[Mutant]:  # noqa: N802
        for side in (node.left, node.right):  # of texts and paths
            if isinstance(side, ast.JoinedStr | ast.Constant) and not _is_number(side):
                return
        yield self.between(
            "operator", node.left, node.right, _sign(node.op), OPERATORS[type(node.op)]
        )

    def of_AugAssign(self, node: ast.AugAssign) -> Iterator[Mutant]:  # noqa: N802
        old = _sign(node.op) + "="
        new = OPERATORS[type(node.op)] + "="
        yield self.between("operator", node.target, node.value, old, new)
        yield self.mutant("statement", node, "pass")

    def of_UnaryOp(self, node: ast.UnaryOp) -> Iterator[Mutant]:  # noqa: N802
        if isinstance(node.op, ast.Not | ast.USub):
            kind = "not" if isinstance(node.op, ast.Not) else "operator"
            yield self.mutant(kind, node, f"({self.text(node.operand)})")

    def of_Constant(self, node: ast.Constant) -> Iterator[Mutant]:  # noqa: N802
        value = node.value
        if isinstance(value, bool):
            yield self.mutant("constant", node, str(not value))
        elif isinstance(value, int):
            yield self.mutant("constant", node, str(value + 1))
            yield self.mutant("constant", node, f"({value - 1})" if value < 1 else str(value - 1))
        elif isinstance(value, float):
            yield self.mutant("constant", node, repr(value + 1))
            yield self.mutant("constant", node, repr(value * 2 if value else -1.0))

    def of_If(self, node: ast.If) -> Iterator[Mutant]:  # noqa: N802
        yield from self._condition(node.test)

    def of_IfExp(self, node: ast.IfExp) -> Iterator[Mutant]:  # noqa: N802
        yield from self._condition(node.test)

    def of_While(self, node: ast.While) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("condition", node.test, "False")

    def of_comprehension(self, node: ast.comprehension) -> Iterator[Mutant]:
        for test in node.ifs:
            yield self.mutant("condition", test, "True")

    def _condition(self, test: ast.expr) -> Iterator[Mutant]:
        text = self.text(test)
        yield self.mutant("condition", test, f"not ({text})")
        yield self.mutant("condition", test, "False")
        yield self.mutant("condition", test, "True")

    def of_Slice(self, node: ast.Slice) -> Iterator[Mutant]:  # noqa: N802
        for bound in (node.lower, node.upper):
            if bound is not None:
                yield self.mutant("slice", bound, f"({self.text(bound)}) + 1")
                yield self.mutant("slice", bound, "None")
        if node.step is not None:
            yield self.mutant("slice", node.step, "None")

    def of_Call(self, node: ast.Call) -> Iterator[Mutant]:  # noqa: N802
        called = ast.unparse(node.func).split(".")[-1]
        plain = [a for a in node.args if not isinstance(a, ast.Starred)]
        plain = [] if called in SYMMETRIC else plain
        for left, right in itertools.pairwise(plain):
            start, end = self.span(left)[0], self.span(right)[1]
            middle = self.source[self.span(left)[1] : self.span(right)[0]]
            swapped = self.text(right) + middle + self.text(left)
            if self.text(left) != self.text(right):
                yield Mutant(self.file, "arguments", start, end, swapped)
        if isinstance(node.func, ast.Name) and node.func.id in NAMES:
            yield self.mutant("name", node.func, NAMES[node.func.id])

    def of_Return(self, node: ast.Return) -> Iterator[Mutant]:  # noqa: N802
        if node.value is not None and ast.unparse(node.value) != "None":
            yield self.mutant("return", node, "return None")

    def of_Expr(self, node: ast.Expr) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("statement", node, "pass")

    def of_Assign(self, node: ast.Assign) -> Iterator[Mutant]:  # noqa: N802
        if all(isinstance(t, ast.Attribute | ast.Subscript) for t in node.targets):
            yield self.mutant("statement", node, "pass")

    def of_Raise(self, node: ast.Raise) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("statement", node, "pass")

    def of_Delete(self, node: ast.Delete) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("statement", node, "pass")

    def of_Continue(self, node: ast.Continue) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("statement", node, "break")

    def of_Break(self, node: ast.Break) -> Iterator[Mutant]:  # noqa: N802
        yield self.mutant("statement", node, "continue")


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _sign(op: ast.cmpop | ast.operator) -> str:
    names = {
        "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=", "Eq": "==", "NotEq": "!=", "Is": "is",
        "IsNot": "is not", "In": "in", "NotIn": "not in", "Add": "+", "Sub": "-", "Mult": "*",
        "Div": "/", "FloorDiv": "//", "Mod": "%", "Pow": "**", "LShift": "<<", "RShift": ">>",
        "BitAnd": "&", "BitOr": "|", "BitXor": "^", "MatMult": "@",
    }  # fmt: skip
    return names[type(op).__name__]
