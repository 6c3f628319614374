"""The arguments of a command: options, an expression, and a value for each name."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from typing import Any, NoReturn

from ..errors import InputError
from ..expressions.entries import RESULT
from ..expressions.expression import Expression
from ..expressions.tokens import normal, quoted

_OPTION = re.compile(r"--?[^\W\d]")


class LineParser(argparse.ArgumentParser):
    """A parser that refuses in one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; run {self.prog} --help for the options")

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stdout).write(message)  # argparse would not hear that it cannot be written


def options_first(arguments: list[str], names: dict[str, bool]) -> list[str]:
    """Return options first, then the others behind `--`: an expression may begin with a minus.

    An option is an argument that is exactly one of `names`, or a long one joined with a value.
    """
    options: list[str] = []
    others: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            others += waiting
        elif names.get(argument):
            value = next(waiting, None)
            # joined with =, a value such as -1.3 or - is not taken for an option
            name = {"-o": "--output"}.get(argument, argument)
            options.append(argument if value is None else f"{name}={value}")
        elif argument in names or (argument.startswith("--") and _stem(argument) in names):
            options.append(argument)
        else:
            others.append(argument)
    return [*options, "--", *others]


def _stem(argument: str) -> str:
    return argument.partition("=")[0]


def refuse_unknown_options(
    others: list[str], names: dict[str, bool], command: str = "scalargrad"
) -> None:
    """Refuse what looks like an option but is none, unless it can be the expression."""
    for index, text in enumerate(others):
        if not _OPTION.match(text):
            continue
        close = difflib.get_close_matches(_stem(text), names, 1)
        # an option where the expression should be: that one stands among the values
        if index or (close and not all(map(RESULT.match, others[1:]))):
            remedy = f"did you mean {close[0]}?" if close else f"run {command} --help for them"
            raise InputError(f"an option or name=number is wanted; got {quoted(text)}; {remedy}")


def given_values(formula: Expression, texts: list[str]) -> dict[str, str]:
    """Return what was given for names of an expression, as it was typed."""
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = normal(name.strip())
        if not equals or not name.isidentifier():
            raise InputError(
                f"values are written name=number; got {quoted(text)};"
                " write e.g. x=1, after the expression, which stands in quotes"
            )
        if name in given:
            raise InputError(
                f"{name}: one value is wanted; got a second, {quoted(text)}; remove it"
            )
        if name not in (*formula.names, *formula.constants):
            names = ", ".join(formula.names[:8]) + ", ..." * (len(formula.names) > 8)
            raise InputError(
                f"{name}: the names of the expression are {names or 'none'};"
                f" got {quoted(text)}; rename or remove it"
            )
        given[name] = value
    return given
