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
PARTS = (".github", "scalargrad", "tests", "examples", "pyproject.toml", "README.md", "LICENSE")
NATIVE = Path("scalargrad/_native")
#: the modules of C and the folders of their sources; fast kernels are the same source
MODULES = {"_core": NATIVE, "_machine": NATIVE / "machine"}
FLAGS = (
    "-fPIC", "-O1", "-DNDEBUG", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math",
    "-fno-builtin-sin", "-fno-builtin-cos", "-fvisibility=hidden", "-w",
)  # fmt: skip
CC = os.environ.get("CC", "gcc")


class BuildError(Exception):
    """A planted bug does not compile, so it is none."""


class Tree:
    """A copy of the checkout in a folder, built with further flags."""

    def __init__(self, root: Path, flags: Sequence[str] = ()) -> None:
        self.root, self.flags = root, tuple(flags)

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

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    def sources(self, module: str | None = None) -> list[Path]:
        """Return the C files of one module, or of all."""
        folders = [MODULES[module]] if module else MODULES.values()
        return [path for folder in folders for path in sorted((self.root / folder).glob("*.c"))]

    def built_from(self, file: str) -> list[Path]:
        """Return the C files that a file is compiled into."""
        path = self.root / file
        if path.suffix == ".c":
            return [path]
        return [source for source in self.sources() if path in self._included(source)]

    def _included(self, source: Path) -> set[Path]:
        command = [CC, "-MM", "-I" + sysconfig.get_path("include"), str(source)]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {Path(name).resolve() for name in listed.replace("\\\n", " ").split()[1:]}

    def compile(self, source: Path) -> None:
        """Compile one file.

        Raises: `BuildError` where the compiler refuses it.
        """
        include = "-I" + sysconfig.get_path("include")
        command = [CC, "-c", *FLAGS, *self.flags, include, str(source), "-o", self._object(source)]
        if subprocess.run(command, capture_output=True).returncode != 0:
            raise BuildError(source.name)

    def link(self, module: str) -> None:
        """Link one module of C."""
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        target = self.root / NATIVE / f"{module}{suffix}"
        objects = [self._object(source) for source in self.sources(module)]
        target.unlink(missing_ok=True)  # a process may have the old one open
        command = [CC, "-shared", *self.flags, *objects, "-lm", "-o", str(target)]
        if subprocess.run(command, capture_output=True).returncode != 0:
            raise BuildError(module)

    def _object(self, source: Path) -> str:
        folder = "machine" if source.parent.name == "machine" else "core"
        return str(self.objects / f"{folder}_{source.stem}.o")

    def write(self, file: str, text: str) -> None:
        """Write a file of the copy, and make anew what is made of it."""
        (self.root / file).write_text(text, encoding="utf-8")
        if file.endswith((".c", ".h", ".inc")):
            sources = self.built_from(file)
            for source in sources:
                self.compile(source)
            for module, folder in MODULES.items():
                if any(source.parent == self.root / folder for source in sources):
                    self.link(module)
        elif is_table(file):
            command = [sys.executable, "scalargrad/table"]
            if subprocess.run(command, cwd=self.root, capture_output=True).returncode != 0:
                raise BuildError(file)


def is_table(file: str) -> bool:
    """Tell whether other files are written from this one."""
    return file in ("scalargrad/table/ops.py", "scalargrad/table/optimizers.py")
