"""Formulas as C: the functions that the native engine includes, as text.

The names are those of the row with a word before them: `value_tanh(x)` is the forward formula,
`step_tanh(x, want, partials)` the same with the partials whose bits are set in `want`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .formula import Body, Formula, names_in, names_read, needed, parse, partial_formula

_LIBM = {"abs": "fabs"}  # where C has another name


class _C(Body):
    """The body of a C function."""

    def __init__(
        self,
        scalars: Collection[str],
        vectors: Collection[str],
        functions: Mapping[str, Callable[..., Any]],
        rows: Collection[str],
    ) -> None:
        super().__init__(scalars, vectors, functions)
        self.rows = rows  # the functions that are rows, not libm's
        self.lists = 0  # bound on the way, each in its stretch of the work space

    def let(self, name: str, text: str) -> None:
        self.line(f"{name} = {text};" if name in self.scalars else f"const double {name} = {text};")

    def fill(self, name: str, node: ast.expr) -> None:
        self.line(f"double *{name} = work + {self.lists} * count;")
        self.lists += 1
        self.each(name, self.expression(node), node)

    def each(self, array: str, text: str, node: ast.expr) -> None:
        """Write an expression into every element of an array."""
        self.running(node, [f"{array}[i] = {text};"])

    def running(self, node: ast.expr, lines: list[str]) -> None:
        self.line("for (Py_ssize_t i = 0; i < count; i++) {")
        for line in [f"const double {x} = {x}s[i];" for x in self.elements(node)] + lines:
            self.line(f"    {line}")
        self.line("}")

    def loop(self, node: ast.expr, name: str, neutral: str, lines: list[str]) -> None:
        self.line(f"double {name} = {neutral};")
        self.running(node, [line if line.endswith("}") else f"{line};" for line in lines])

    def take_if(self, name: str, test: str, text: str) -> list[str]:
        return [f"if {test} {{ {name} = {text}; }}"]

    def choice(self, test: str, yes: str, no: str) -> str:
        return f"({test} ? {yes} : {no})"

    def logic(self, operation: ast.boolop, tests: list[str]) -> str:
        return f"({(' || ' if isinstance(operation, ast.Or) else ' && ').join(tests)})"

    def quotient(self, left: ast.expr, right: ast.expr) -> str:
        return f"({self.expression(left)} / {self.expression(right)})"

    def call(self, name: str, arguments: list[str]) -> str:
        spelled = f"value_{name}" if name in self.rows else _LIBM.get(name, name)
        return f"{spelled}({', '.join(arguments)})"

    def own(self) -> str:
        return "own"


def _ignored(parameters: Sequence[str]) -> list[str]:
    """Return the lines that tell a compiler that parameters are unused on purpose."""
    return [f"    (void){parameter};\n" for parameter in parameters]


def _function(head: str, lines: Sequence[str], result: str) -> str:
    last = f"    return {result};\n" if result else ""
    return f"{head}\n{{\n{''.join(lines)}{last}}}\n"


def value_head(name: str, letters: Sequence[str]) -> str:
    """Return the head of the function that computes a row of one or two operands."""
    return f"static ALWAYS_INLINE double value_{name}({', '.join(f'double {x}' for x in letters)})"


def scalar_functions(
    name: str,
    letters: Sequence[str],
    forward: str,
    partials: Sequence[str],
    functions: Mapping[str, Callable[..., Any]],
    rows: Collection[str],
) -> str:
    """Return `value_name(x, y)` and `step_name(x, y, want, partials)`.

    >>> print(scalar_functions("mul", ("x", "y"), "x * y", ("y", "x"), {}, ()))
    static ALWAYS_INLINE double value_mul(double x, double y)
    {
        return (x * y);
    }
    static inline double step_mul(double x, double y, int want, double *dx, double *dy)
    {
        const double z = (x * y);
        if (want & 1) *dx = y;
        if (want & 2) *dy = x;
        return z;
    }
    <BLANKLINE>
    """
    parsed = parse(forward)
    body = _C(letters, (), functions, rows)
    body.bind(parsed)
    body.let("z", body.expression(parsed.result))
    body.scalars.add("z")
    for bit, (letter, text) in enumerate(zip(letters, partials, strict=True)):
        body.line(f"if (want & {1 << bit}) *d{letter} = {body.scalar(text)};")
    numbers, results = ([f"double {start}{x}" for x in letters] for start in ("", "*d"))
    parameters = [*numbers, "int want", *results]
    head = f"static inline double step_{name}({', '.join(parameters)})"
    read = names_in(ast.parse("; ".join([forward, *partials])))
    step = _function(head, [*_ignored([x for x in letters if x not in read]), *body.lines], "z")
    return _value_function(name, letters, parsed, functions, rows) + step


def _value_function(
    name: str,
    letters: Sequence[str],
    forward: Formula,
    functions: Mapping[str, Callable[..., Any]],
    rows: Collection[str],
) -> str:
    """Return `value_name(x, y)`."""
    body = _C(letters, (), functions, rows)
    body.bind(needed(forward))
    result = body.expression(forward.result)
    unused = [x for x in letters if x not in names_read(forward)]
    return _function(value_head(name, letters), [*_ignored(unused), *body.lines], result)


def lane_functions(
    name: str,
    letters: Sequence[str],
    forward: str,
    partials: Sequence[str],
    functions: Mapping[str, Callable[..., Any]],
    rows: Collection[str],
) -> str:
    """Return `value_name(x, y)` and each `partial_name_x(x, y, z)`, z being the value.

    >>> print(lane_functions("mul", ("x", "y"), "x * y", ("y", "x"), {}, ()))
    static ALWAYS_INLINE double value_mul(double x, double y)
    {
        return (x * y);
    }
    static ALWAYS_INLINE double partial_mul_x(double x, double y, double z)
    {
        (void)x;
        (void)z;
        return y;
    }
    static ALWAYS_INLINE double partial_mul_y(double x, double y, double z)
    {
        (void)y;
        (void)z;
        return x;
    }
    <BLANKLINE>
    """
    texts = [_value_function(name, letters, parse(forward), functions, rows)]
    known = (*letters, "z")
    for letter, text in zip(letters, partials, strict=True):
        partial = partial_formula(forward, text)
        used = names_read(partial)
        body = _C(known, (), functions, rows)
        body.bind(partial)
        head = f"partial_{name}_{letter}({', '.join(f'double {x}' for x in known)})"
        lines = [*_ignored([x for x in known if x not in used]), *body.lines]
        result = body.expression(partial.result)
        texts.append(_function(f"static ALWAYS_INLINE double {head}", lines, result))
    return "".join(texts)


#: functions that a vector computes by itself
_OF_VECTORS = {"abs", "sqrt", "floor", "ceil", "trunc", "copysign"}
#: functions so quick that they may be called for lanes that do not need them
_QUICK = {"exp", "expm1", "log", "log1p"}


class _Staged(_C):
    """The body of a C function on lanes, in which every call is a loop of its own.

    A loop with a call in it is computed lane by lane; between the calls whole vectors are. What is
    bound is computed anew in each loop, which costs less than to keep it.
    """

    def __init__(
        self, letters: Collection[str], functions: Mapping[str, Callable[..., Any]],
        rows: Mapping[str, tuple[Sequence[str], str]],
    ) -> None:  # fmt: skip
        super().__init__(letters, (), functions, ())
        self.known = rows  # letters and forward formula of each row
        self.stages: list[str] = []
        self.expanded = 0

    def expression(self, node: ast.expr) -> str:
        match node:
            case ast.Call(func=ast.Name(id=name), args=args) if name in self.known:
                return self._expand(name, list(map(self.expression, args)))
        return super().expression(node)

    def _expand(self, name: str, arguments: Sequence[str]) -> str:
        """Write out a row instead of a call."""
        self.expanded += 1
        letters, forward = self.known[name]
        parsed = parse(forward)
        bound = [*letters, *(bound for bound, _ in parsed.bindings)]
        names = {old: f"{old}{self.expanded}" for old in bound}
        for letter, argument in zip(letters, arguments, strict=True):
            self.let(names[letter], argument)
            self.scalars.add(names[letter])
        inner = _Renamed(names)
        bindings = [(names[old], inner.visit(value)) for old, value in parsed.bindings]
        self.bind(Formula(tuple(bindings), parsed.result))
        return self.expression(inner.visit(parsed.result))

    def call(self, name: str, arguments: list[str]) -> str:
        if name in _OF_VECTORS:
            return super().call(name, arguments)
        (argument,) = arguments
        array = f"c{len(self.stages)}"
        self.stages.append(
            f"    ALIGNED double {array}[MOST_LANES];\n"
            f"    EACH_LANE {{\n{self.body(array, argument)}    }}\n"
            f"    EACH_LANE {array}[i] = {name}({array}[i]);\n"
        )
        return f"{array}[i]"

    def body(self, target: str, result: str) -> str:
        """Return the inside of a loop that computes a result."""
        lines = "".join(f"    {line}" for line in self.lines)
        return f"{lines}        {target}[i] = {result};\n"


class _Renamed(ast.NodeTransformer):
    """Gives names others; a formula is parsed anew each time, so its tree may be changed."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def staged_function(
    name: str,
    letters: Sequence[str],
    formula: Formula,
    functions: Mapping[str, Callable[..., Any]],
    rows: Mapping[str, tuple[Sequence[str], str]],
) -> str:
    """Return `name(lanes, xs, ..., out)`, or "" where a formula gains nothing by stages."""
    if not _gains(formula, letters, rows):
        return ""
    body = _Staged(letters, functions, rows)
    used = sorted(names_read(formula) & {*letters})
    for letter in used:
        body.line(f"const double {letter} = {letter}s[i];")
    body.bind(formula)
    result = body.expression(formula.result)
    arrays = "".join(f"const double *{letter}s, " for letter in letters)
    idle = "".join(f"    (void){letter}s;\n" for letter in letters if letter not in used)
    return (
        f"static void {name}(size_t lanes, {arrays}double *restrict out)\n{{\n{idle}"
        + "".join(body.stages)
        + f"    EACH_LANE {{\n{body.body('out', result)}    }}\n}}\n"
    )


def _gains(
    formula: Formula, letters: Sequence[str], rows: Mapping[str, tuple[Sequence[str], str]]
) -> bool:
    """Tell whether a formula has calls that are quick, and arithmetic around them."""
    calls = _calls(formula)
    if any(_calls(parse(rows[name][1])) - _QUICK - _OF_VECTORS for name in calls & {*rows}):
        return False
    alone = isinstance(formula.result, ast.Call) and isinstance(formula.result.args[0], ast.Name)
    slow = calls - {*rows} - _QUICK - _OF_VECTORS
    return bool(calls - _OF_VECTORS) and not slow and not (alone and not calls & {*rows})


def _calls(formula: Formula) -> set[str]:
    """Return the names of all functions that a formula calls."""
    trees = [formula.result, *(value for _, value in formula.bindings)]
    calls = (node.func for t in trees for node in ast.walk(t) if isinstance(node, ast.Call))
    return {call.id for call in calls if isinstance(call, ast.Name)} - {"where", "still"}


def entry_function(
    name: str, partial: str, functions: Mapping[str, Callable[..., Any]], rows: Collection[str]
) -> str:
    """Return `entry_name(z, s, own)`, the partial of result z by the operand of result s."""
    entry = _C(("z", "s", "own"), (), functions, rows)
    text = entry.scalar(partial)
    idle = _ignored([x for x in ("z", "s", "own") if x not in names_in(ast.parse(partial))])
    head = f"static double entry_{name}(double z, double s, double own)"
    return _function(head, [*idle, *entry.lines], text)


def many_functions(
    name: str,
    letters: Sequence[str],
    forward: str,
    partials: Sequence[str],
    functions: Mapping[str, Callable[..., Any]],
    rows: Collection[str],
) -> tuple[str, int, bool]:
    """Return the functions of a row of lists, how many lists they bind, and whether it is plural.

    One result: `many_name(count, xs, ys, work, want, dxs, dys)`, which writes every other double
    of `dxs` and `dys`, as a partial lies beside its operand. A result an element:
    `spread_name(count, xs, work, zs)` and `entry_name(z, s, own)`, the partial of result z by
    the operand whose index result s has.
    """
    body = _C((), letters, functions, rows)
    parsed = parse(forward)
    if any("n" in names_in(ast.parse(text)) for text in (forward, *partials)):
        body.line("const double n = (double)count;")
    body.scalars.add("n")
    body.bind(parsed)
    if body.is_elementwise(parsed.result):
        return _spread(name, parsed.result, partials, body), body.lists, True
    body.let("z", body.expression(parsed.result))
    body.scalars.add("z")
    for bit, (letter, text) in enumerate(zip(letters, partials, strict=True)):
        body.line(f"if (want & {1 << bit}) {{")
        partial = parse(text).result
        text = body.expression(partial)
        body.running(partial, [f"d{letter}s[2 * i] = {text};"])
        body.line("}")
    arrays = [f"const double *{x}s" for x in ("x", "y")], [f"double *d{x}s" for x in ("x", "y")]
    parameters = ["Py_ssize_t count", *arrays[0], "double *work", "int want", *arrays[1]]
    head = f"static double many_{name}({', '.join(parameters)})"
    idle = ["ys", "dys"] * (len(letters) == 1) + ["work"] * (body.lists == 0)
    return _function(head, [*_ignored(idle), *body.lines], "z"), body.lists, False


def _spread(name: str, result: ast.expr, partials: Sequence[str], body: _C) -> str:
    body.each("zs", body.expression(result), result)
    idle = _ignored(["work"] * (body.lists == 0))
    parameters = "Py_ssize_t count, const double *xs, double *work, double *zs"
    spread = _function(f"static void spread_{name}({parameters})", [*idle, *body.lines], "")
    (partial,) = partials
    return spread + entry_function(name, partial, body.functions, body.rows)


def rule_function(
    name: str,
    kept: Sequence[str],
    settings: Sequence[str],
    text: str,
    functions: Mapping[str, Callable[..., Any]],
) -> str:
    """Return `rule_name(w, g, kept, i, settings)`: a number moved by its gradient."""
    body = _C(("w", "g", *kept, *settings), (), functions, ())
    for index, name_kept in enumerate(kept):
        body.line(f"double {name_kept} = kept[{index}][i];")
    for index, setting in enumerate(settings):
        body.line(f"const double {setting} = settings[{index}];")
    parsed = parse(text)
    body.bind(parsed)
    result = body.expression(parsed.result)
    for index, name_kept in enumerate(kept):
        body.line(f"kept[{index}][i] = {name_kept};")
    parameters = "double w, double g, double *const *kept, Py_ssize_t i, const double *settings"
    return _function(f"static double rule_{name}({parameters})", body.lines, result)
