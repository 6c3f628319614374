"""The command line: an expression and values in, a report of the chain rule and a picture out."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from .. import drawing
from .._engine import Value, engine, why
from ..calculus import differences
from ..core.text_tables import ascii_only, values_table
from ..core.version import __version__
from ..errors import InputError, ScalargradError
from ..expressions.entries import read_expression, read_number, result_name
from ..expressions.expression import Expression
from ..expressions.tokens import quoted
from ..expressions.vocabulary import CONSTANTS, table
from ..table.written import signs
from .reading import LineParser, given_values, options_first, refuse_unknown_options
from .report import plain_report, write_report

OK, MISMATCH, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

_EXAMPLES = """\
examples:
  scalargrad "(x + y) * z" x=1 y=3 z=-3
  scalargrad "g = x * tanh(w)" x=2 w=pi/4 -o graph.svg
  scalargrad "-x**2 + 3*x" x=1.5 --check
  scalargrad "apple * count * tax" apple=100 count=2 tax=1.1 -o shop.png
  scalargrad "y = sigmoid(x)" x=0.5 --symbols --open sigmoid -o sigmoid.svg
  scalargrad explore "(x + y) * z" x=1 y=3 z=-3

explore opens a live picture in the browser: scalargrad explore --help

An expression has numbers, names, + - * / // % **, brackets, the constants pi
and e (unless a value is given for them), and these functions:
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 for a mismatch of `--check`.

    Errors are one line on standard error and status 2, also where standard output is closed, full
    or no longer read; an interrupt gives 130.

    >>> main(["(x + y) * z", "x=1", "y=3"])
    2
    """
    if sys.stdout is None or sys.stdout.closed:  # None where the shell closed it
        return _complain(
            "standard output must be open; got a closed one; send it to a file, or to /dev/null"
        )
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
        return status
    except ScalargradError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _abandon(sys.stdout)
        return _complain(f"standard output cannot be written ({error.strerror or error})")


def _complain(message: str) -> int:
    if sys.stderr is None:
        return WRONG_USE
    with contextlib.suppress(OSError):
        print(ascii_only(f"scalargrad: {' '.join(message.split())}"), file=sys.stderr, flush=True)
    return WRONG_USE


def _abandon(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, or Python would complain about it at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


# -- one run ---------------------------------------------------------------------------------


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["explore"]:
        from .exploring import explore  # with a server, which nothing else needs

        return explore(arguments[1:])
    options = _read_options(arguments)
    if options is None:
        return OK
    name, formula = read_expression(options.expression)
    given = _read_values(formula, options.values)
    upstream = read_number("--upstream", options.upstream) if options.upstream is not None else None
    values = {key: Value(number, label=key) for key, number in given.items()}
    root = formula(**values)
    if not isinstance(root, Value):
        return _finish_plain(options, formula, name, values, root)
    if name and root.parents:
        root.label = name
    root.backward(1.0 if upstream is None else upstream)
    picture = _draw(options, root)
    comparisons = _compare(formula, values, upstream) if options.check else []
    if picture is not None and options.output == "-":
        _write_picture(picture)
    else:
        result = _result_name(formula, name)
        title = f"{result} = {formula.text.strip()}"
        if options.exercise is not None:
            lines = [title, "", "box        answer   rule", signs(picture.answer_sheet).rstrip()]
        else:
            lines = [write_report(title, _listed(formula, values), root, result, upstream)]
        lines += _check_lines(values, comparisons)
        lines += ["", f"picture: {options.output}"] if options.output is not None else []
        print(ascii_only("\n".join(lines)))
    return _verdict(values, comparisons)


def _finish_plain(
    options: argparse.Namespace,
    formula: Expression,
    name: str,
    values: dict[str, Value],
    root: float,
) -> int:
    """Report a result that depends on no name: there is no graph."""
    given = {
        "-o": options.output, "--exercise": options.exercise, "--open": options.open,
        "--symbols": options.symbols or None, "--check": options.check or None,
    }  # fmt: skip
    if option := next((name for name, value in given.items() if value is not None), ""):
        raise InputError(
            f"{option}: {quoted(formula.text.strip())} depends on no name here, so it has no graph;"
            " write e.g. 'x * 2' x=3"
        )
    result = _result_name(formula, name)
    title = f"{result} = {formula.text.strip()}"
    print(ascii_only(plain_report(title, _listed(formula, values), result, root)))
    return OK


def _result_name(formula: Expression, name: str) -> str:
    return name or result_name(formula)


def _listed(formula: Expression, values: dict[str, Value]) -> dict[str, Any]:
    """Return what the table lists: the values, then the constants that the expression uses."""
    constants = {key: CONSTANTS[key] for key in formula.constants if key not in values}
    return {**values, **constants}


# -- reading ---------------------------------------------------------------------------------


def _read_options(arguments: list[str]) -> argparse.Namespace | None:
    """Return the options, or None after `--help` or `--version`."""
    parser, names = _make_parser()
    try:
        options = parser.parse_args(options_first(arguments, names))
    except SystemExit:
        return None
    if options.expression is None:
        raise InputError("an expression is wanted; got none; run scalargrad --help for examples")
    refuse_unknown_options([options.expression, *options.values], names)
    return options


def _make_parser() -> tuple[argparse.ArgumentParser, dict[str, bool]]:
    """Return the parser, and whether each of its options, by name, takes a value."""
    parser = LineParser(
        prog="scalargrad",
        usage='scalargrad "EXPRESSION" [NAME=NUMBER ...] [OPTION ...]',
        description="Compute an expression and its gradient; show every step of the chain rule.",
        epilog=_EXAMPLES + _function_list(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    add = parser.add_argument
    add("expression", metavar="EXPRESSION", nargs="?",
        help='e.g. "(x + y) * z"; with a name for the result: "g = (x + y) * z"')  # fmt: skip
    add("values", metavar="NAME=NUMBER", nargs="*",
        help="a value for every name; the number may be computed: x=-1/3, w=pi/4")  # fmt: skip
    options = [
        add("-h", "--help", action="help", help="show this help message and exit"),
        add("-o", "--output", metavar="FILE",
            help="write the picture: .svg .html .png .pdf .dot .tex .typ; - for SVG to stdout"),
        add("--upstream", metavar="NUMBER", help="the gradient that reaches the result (1)"),
        add("--exercise", metavar="KIND",
            help="backward, forward or both: leave these values as empty boxes; print the answers"),
        add("--symbols", action="store_true",
            help="write expressions and the chain rule into the picture, not numbers"),
        add("--open", metavar="NAMES",
            help="draw operations in simpler ones: sigmoid, or sigmoid,dot, or all"),
        add("--width", metavar="NUMBER",
            help="wrap a picture that is wider into lines (1050, where few arrows are cut)"),
        add("--check", action="store_true",
            help="compare with central differences; exit status 1 on a mismatch"),
        add("--version", action="version", version=_version(),
            help="show the version and the engine, and exit"),
    ]  # fmt: skip
    return parser, {
        name: option.nargs is None for option in options for name in option.option_strings
    }


def _function_list() -> str:
    lines = ["  "]
    for name in table():
        if len(lines[-1]) + len(name) > 76:
            lines.append("  ")
        lines[-1] += f"{name} "
    return "\n".join(line.rstrip() for line in lines)


def _version() -> str:
    """Return version and engine in one line, and the reason where it is not the native one."""
    return f"scalargrad {__version__} (engine: {engine}{'; ' * bool(why)}{why})"


def _read_values(formula: Expression, texts: list[str]) -> dict[str, float]:
    """Return the number of every name, in the order of the expression."""
    given = {name: read_number(name, text) for name, text in given_values(formula, texts).items()}
    for name in formula.names:
        if name not in given:
            raise InputError(f"{name}: the expression needs a value; got none; add {name}=1")
    return {name: given[name] for name in (*formula.names, *formula.constants) if name in given}


# -- the picture and the check ---------------------------------------------------------------


def _draw(options: argparse.Namespace, root: Value) -> Any:
    """Return the picture, written unless it goes to standard output; None where none is wanted."""
    if options.output is None and options.exercise is None:
        given = {"--symbols": options.symbols, "--open": options.open, "--width": options.width}
        for name, value in given.items():
            if value not in (None, False):
                raise InputError(
                    f"{name}: it changes the picture; got no file to write one to; add -o graph.svg"
                )
        return None
    names = options.open.split(",") if options.open is not None else None
    picture = drawing.draw(
        root,
        exercise=options.exercise,
        symbols=options.symbols,
        open=True if names == ["all"] else names,
        width=read_number("--width", options.width) if options.width is not None else None,
    )
    if options.output not in (None, "-"):
        picture.save(options.output)
    return picture


def _write_picture(picture: Any) -> None:
    """Write SVG as UTF-8, whatever the encoding of standard output is."""
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(picture.svg)
    else:
        sys.stdout.flush()
        binary.write(picture.svg.encode())


def _compare(
    formula: Expression, values: dict[str, Value], upstream: float | None
) -> list[differences.Comparison]:
    factor = 1.0 if upstream is None else upstream

    def function(*point: float) -> float:
        return factor * float(formula(**dict(zip(values, point, strict=True))))

    point = [value.data for value in values.values()]
    return differences.compare(function, point, [value.grad for value in values.values()])


def _check_lines(values: dict[str, Value], comparisons: list[differences.Comparison]) -> list[str]:
    if not comparisons:
        return []
    columns = {
        "gradient": [repr(each.claimed) for each in comparisons],
        "differences": [
            "" if math.isnan(each.measured) else repr(each.measured) for each in comparisons
        ],
    }
    verdicts = [each.verdict for each in comparisons]
    lines = ["", "check, against central differences"]
    lines += values_table(list(values), columns, verdicts)
    return lines + [note for verdict, note in differences.REASONS.items() if verdict in verdicts]


def _verdict(values: dict[str, Value], comparisons: list[differences.Comparison]) -> int:
    """Return the exit status of the check, and say what does not agree."""
    wrong = [
        name
        for name, comparison in zip(values, comparisons, strict=False)
        if comparison.verdict == differences.MISMATCH
    ]
    if not wrong:
        return OK
    sys.stdout.flush()
    _complain(f"--check: gradient and central differences disagree for {', '.join(wrong)}")
    return MISMATCH
