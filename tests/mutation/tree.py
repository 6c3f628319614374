"""A scratch copy of the checkout, in which bugs are planted, with its native engine."""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PARTS = (
    ".github", "scalargrad", "tests", "examples",
    "pyproject.toml", "README.md", "LICENSE",
)  # fmt: skip
NATIVE = Path("scalargrad/_native")
#: the modules of C and the folders of their sources; fast kernels are the same source
MODULES = {"_core": NATIVE, "_machine": NATIVE / "machine"}
#: as CI builds: what the compiler warns of does not come to the tests. Only it would warn of every
#: `and` that became an `or`
FLAGS = (
    "-fPIC", "-O1", "-UNDEBUG", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fno-builtin-sin", "-fno-builtin-cos", "-fvisibility=hidden",
    "-Wall", "-Wextra", "-Werror", "-Wno-parentheses",
)  # fmt: skip
#: plans are verified behind each pass of the planner, as in the debug build that CI tests
FURTHER = {"machine": ("-DSCALARGRAD_DEBUG",)}
CC = os.environ.get("CC", "gcc")


class BuildError(Exception):
    """A planted bug does not compile, so it is none."""


class GeneratorError(Exception):
    """What is written from the table is refused, or is not what stands in the checkout."""


class Tree:
    """A copy of the checkout in a folder, built with further flags."""

    def __init__(self, root: Path, flags: Sequence[str] = ()) -> None:
        self.root, self.flags = root.resolve(), tuple(flags)
        self.objects, self.clean = self.root / "objects", self.root / "clean"
        self.included: dict[Path, set[Path]] = {}  # the files that a C file is made of

    def make(self) -> None:
        """Copy the checkout and build it, instead of what was there before."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        leave = shutil.ignore_patterns("*.so", "__pycache__", ".hypothesis")
        for part in PARTS:
            source = CHECKOUT / part
            if source.is_dir():
                shutil.copytree(source, self.root / part, ignore=leave)
            else:
                shutil.copy2(source, self.root)
        # by what a file says, not by when it was written: a bug comes and goes within a second
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self.root / "scalargrad", quiet=1, invalidation_mode=mode)
        self.objects.mkdir()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.compile, self.sources()))
        for module in MODULES:
            self.link(module)
            shutil.copy2(self.library(module), self.objects)
        self.included = {source: self._included(source) for source in self.sources()}
        shutil.copytree(self.objects, self.clean)

    def sources(self, module: str | None = None) -> list[Path]:
        """Return the C files of one module, or of all."""
        folders = [MODULES[module]] if module else MODULES.values()
        return [path for folder in folders for path in sorted((self.root / folder).glob("*.c"))]

    def _included(self, source: Path) -> set[Path]:
        listed = self.object(source).with_suffix(".d").read_text(encoding="utf-8")
        return {Path(name).resolve() for name in listed.replace("\\\n", " ").split()[1:]}

    def compile(self, source: Path) -> None:
        """Compile one file.

        Raises: `BuildError` where the compiler refuses it.
        """
        flags = [*FLAGS, *FURTHER.get(source.parent.name, ()), *self.flags, "-MMD"]
        include = "-I" + sysconfig.get_path("include")
        command = [CC, "-c", *flags, include, str(source), "-o", str(self.object(source))]
        if subprocess.run(command, capture_output=True).returncode != 0:
            raise BuildError(source.name)

    def link(self, module: str) -> None:
        """Link one module of C."""
        target = self.library(module)
        objects = [str(self.object(source)) for source in self.sources(module)]
        target.unlink(missing_ok=True)  # a process may have the old one open
        command = [CC, "-shared", *self.flags, *objects, "-lm", "-o", str(target)]
        if subprocess.run(command, capture_output=True).returncode != 0:
            raise BuildError(module)

    def library(self, module: str) -> Path:
        return self.root / NATIVE / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"

    def object(self, source: Path) -> Path:
        folder = "machine" if source.parent.name == "machine" else "core"
        return self.objects / f"{folder}_{source.stem}.o"

    def plant(self, file: str, text: str) -> None:
        """Write a file of the copy, and make anew what is made of it.

        Raises: `BuildError`, `GeneratorError`.
        """
        (self.root / file).write_text(text, encoding="utf-8")
        written = [self.root / file]
        if file.startswith("scalargrad/table/"):
            command = [sys.executable, "scalargrad/table"]
            if subprocess.run(command, cwd=self.root, capture_output=True).returncode != 0:
                raise GeneratorError("the table is refused")
            written = self._changed()
            if not is_table(file) and len(written) > 1:  # a test holds what is written
                raise GeneratorError(f"other than written: {written[0].relative_to(self.root)}")
        sources = [s for s, parts in self.included.items() if not parts.isdisjoint(written)]
        for source in sources:
            self.compile(source)
        for module, folder in MODULES.items():
            if any(source.parent == self.root / folder for source in sources):
                self.link(module)

    def restore(self) -> None:
        """Take a bug out again, and what was made of it."""
        for path in self._changed():
            shutil.copy2(CHECKOUT / path.relative_to(self.root), path)
        for path in self.clean.iterdir():
            _put_back(path, self.objects / path.name)
        for module in MODULES:
            target = self.library(module)
            _put_back(self.clean / target.name, target)

    def _changed(self) -> list[Path]:
        """Return the files of the package that are not as in the checkout."""
        files = [
            path
            for kind in ("*.py", "*.c", "*.h", "*.inc")
            for path in (self.root / "scalargrad").rglob(kind)
        ]
        return [
            path
            for path in sorted(files)
            if path.read_bytes() != (CHECKOUT / path.relative_to(self.root)).read_bytes()
        ]


def _put_back(clean: Path, place: Path) -> None:
    if not place.exists() or place.stat().st_mtime_ns != clean.stat().st_mtime_ns:
        place.unlink(missing_ok=True)
        shutil.copy2(clean, place)


def is_table(file: str) -> bool:
    """Tell whether a file holds the rows from which others are written."""
    return file in ("scalargrad/table/ops.py", "scalargrad/table/optimizers.py")
