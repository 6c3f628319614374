"""Runs what goes wrong and what its message says to do; knows every place that raises one.

`tests/messages/*.txt` hold the cases: code that is refused, the remedy as the message words it,
after `#>`, and code that does it. An empty line parts two cases; one that begins with `# native`
needs that engine.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import scalargrad as sg
from scalargrad import datasets, nn, optim
from scalargrad.cli.main import _run as run_command_line
from scalargrad.explorer.messages import read_message, read_state

PACKAGE = Path(sg.__file__).parent
TABLES = Path(__file__).parent.parent / "messages"
MARK = "#>"


class Case(NamedTuple):
    """One refusal: the code, the remedy in words, the remedy in code."""

    where: str
    wrong: str
    says: str
    remedy: str


def read_cases() -> Iterator[Case]:
    """Yield the cases of all tables."""
    for path in sorted(TABLES.glob("*.txt")):
        line = 1
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            rows = block.strip("\n").split("\n")
            marks = [i for i, row in enumerate(rows) if row.startswith(MARK)]
            if marks:
                wrong, says = rows[: marks[0]], [rows[i][len(MARK) :].strip() for i in marks]
                remedy = rows[marks[-1] + 1 :]
                where = f"{path.stem}:{line}"
                yield Case(where, "\n".join(wrong), " ".join(says), "\n".join(remedy))
            line += block.count("\n") + 2


# -- running a case --------------------------------------------------------------------------


def _names(folder: Path) -> dict[str, Any]:
    """Return what the code of a case may name, fresh."""
    import copy
    import dataclasses
    import pickle

    x, y = sg.Value(2.0, label="x"), sg.Value(3.0, label="y")
    names = {
        "sg": sg, "nn": nn, "optim": optim, "datasets": datasets, "math": sg.math, "x": x, "y": y,
        "a": sg.Value(1.0), "b": sg.Value(2.0), "c": sg.Value(3.0), "d": sg.Value(4.0),
        "model": nn.MLP(2, [4, 1], seed=0), "folder": folder, "copy": copy, "pickle": pickle,
        "dataclasses": dataclasses, "read_message": read_message, "read_state": read_state,
        "command_line": lambda text: run_command_line(shlex.split(text)), "os": os,
    }  # fmt: skip
    with contextlib.suppress(ImportError):  # without it the cases that name it are left out
        import numpy

        names["np"] = numpy
    return names


@contextlib.contextmanager
def _stage() -> Iterator[dict[str, Any]]:
    """Give names, in a folder of one's own, with nothing printed and no folder of MNIST known."""
    kept, mnist = Path.cwd(), os.environ.pop("SCALARGRAD_MNIST", None)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        try:
            yield {**_names(Path(folder)), "mnist": mnist}
        finally:
            os.chdir(kept)
            if mnist is not None:
                os.environ["SCALARGRAD_MNIST"] = mnist


def refuse(case: Case) -> tuple[Exception, list[tuple[str, int]]]:
    """Run what goes wrong; return the error, and the lines of the package that it passed."""
    with _stage() as names:
        try:
            exec(compile(case.wrong, case.where, "exec"), names)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            inside = [(f.filename, f.lineno or 0) for f in frames]
            return error, [at for at in inside if Path(at[0]).is_relative_to(PACKAGE)]
    raise AssertionError(f"{case.where}: nothing was refused: {case.wrong}")


def follow(case: Case) -> None:
    """Do what the message says."""
    with _stage() as names:
        exec(compile(case.remedy, case.where, "exec"), names)


# -- where messages come from ----------------------------------------------------------------

#: functions whose calls are refusals, each call with words of its own
_REFUSERS = {"listed", "refused", "_refuse", "_lost", "_wrong", "_changed"}


class Site(NamedTuple):
    """A place in the source that raises a message."""

    path: str
    first: int
    last: int
    function: str
    text: str

    def __str__(self) -> str:
        return f"{Path(self.path).relative_to(PACKAGE)}:{self.first} {self.function}: {self.text}"


def sites() -> Iterator[Site]:
    """Yield every raise of an error of ours, and every call that refuses in its own words.

    The table refuses its authors only.
    """
    for path in sorted(set(PACKAGE.rglob("*.py")) - set(PACKAGE.glob("table/*"))):
        for function, node in _nodes(ast.parse(path.read_text(encoding="utf-8")), ""):
            if _is_site(node):
                first, last = node.lineno, node.end_lineno or node.lineno
                text = " ".join(ast.unparse(node).split())
                yield Site(str(path), first, last, function, text)


def _nodes(tree: ast.AST, function: str) -> Iterator[tuple[str, Any]]:
    """Yield every node with the name of the function around it."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        inside = f"{function}.{node.name}".lstrip(".") if named else function
        yield inside, node
        yield from _nodes(node, inside)


def _is_site(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise) and node.exc is not None:
        words = set(re.findall(r"\w+", ast.unparse(node.exc)))
        ours = set(sg.errors.__all__) | {"errors", "refusals"}
        return bool(words & ours)
    return isinstance(node, ast.Call) and _name(node.func) in _REFUSERS


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def native_texts() -> Iterator[str]:
    """Yield the text of every error that is raised in C, with its formats."""
    literals = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
    for path in sorted((PACKAGE / "_native").rglob("*.c")):
        text = path.read_text(encoding="utf-8")
        for call in re.finditer(rf"PyErr_(?:Format|SetString)\(\s*\w+,\s*{literals}", text):
            yield "".join(ast.literal_eval(word) for word in re.findall(r'"[^"]*"', call[1]))


def missed(hits: Iterable[tuple[str, int]]) -> list[Site]:
    """Return the sites that no line of some tracebacks is in."""
    lines: dict[str, set[int]] = {}
    for path, line in hits:
        lines.setdefault(path, set()).add(line)
    return [s for s in sites() if not lines.get(s.path, set()) & set(range(s.first, s.last + 1))]


def main() -> None:
    """Run all cases on the engine that is chosen; print what was hit and what failed, as JSON."""
    hits, failures, messages = [], [], []
    for case in read_cases():
        if case.wrong.startswith("# native") and sg.engine != "native":
            continue
        try:
            error, lines = refuse(case)
            hits += lines
            messages.append(str(error))
            if not is_said(case, error):
                failures.append(f"{case.where}: {type(error).__name__}: {error}")
            follow(case)
        except Exception as error:
            failures.append(f"{case.where}: {type(error).__name__}: {error}")
    json.dump({"hits": sorted(set(hits)), "failures": failures, "messages": messages}, sys.stdout)


def is_said(case: Case, error: Exception) -> bool:
    """Tell whether an error of ours ends in the words of the case."""
    # a semicolon ends it where the place of the cause comes last, dots stand for a long list
    says = f"; {case.says};".replace(" ...;", " ")
    return isinstance(error, sg.ScalargradError) and says in f"{error};"


if __name__ == "__main__":
    main()
