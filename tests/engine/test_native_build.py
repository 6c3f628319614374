"""What is compiled anew after a change; and the wheel for which nothing is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
MODULES = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]["ext-modules"]
BACKEND = Path("scalargrad/_native/packaging/backend.py")
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.M)


def read_by(source: Path) -> set[Path]:
    """Return the files of ours that a source includes, and those that these include."""
    found: set[Path] = set()
    waiting = [source]
    while waiting:
        file = waiting.pop()
        for name in INCLUDE.findall(file.read_text(encoding="utf-8")):
            included = (file.parent / name).resolve()
            if included not in found:
                found.add(included)
                waiting.append(included)
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module["name"].split(".")[-1])
def test_module_depends_on_its_flags_and_on_each_file_that_its_sources_include(
    module: dict[str, Any],
) -> None:
    sources = [CHECKOUT / source for source in module["sources"]]
    included = {
        str(file.relative_to(CHECKOUT)) for source in sources for file in read_by(source)
    } - set(module["sources"])

    others = {"pyproject.toml"}
    if module["name"] == "scalargrad._native._core":
        others.add(str(BACKEND))  # so that sdists hold it

    assert sorted(module["depends"]) == sorted(included | others)


@pytest.mark.parametrize("asked", ["option", "environment"])
def test_wheel_without_the_native_engine_is_made_where_it_is_asked_for(
    tmp_path: Path, asked: str
) -> None:
    ignored = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(CHECKOUT / "scalargrad", tmp_path / "scalargrad", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(CHECKOUT / name, tmp_path)
    options = {"pure": "1"} if asked == "option" else None
    pure = "1" if asked == "environment" else "0"
    done = subprocess.run(
        [sys.executable, "-c", f"import backend; print(backend.build_wheel('wheels', {options}))"],
        cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "SCALARGRAD_PURE": pure, "PYTHONPATH": str(tmp_path / BACKEND.parent)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    name = done.stdout.splitlines()[-1]
    assert name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(tmp_path / "wheels" / name) as wheel:
        files = set(wheel.namelist())
    assert {"scalargrad/_python.py", "scalargrad/py.typed"} <= files
    assert {Path(file).suffix for file in files} & {".c", ".h", ".so", ".pyd"} == set()
    assert not any("backend" in file for file in files)


COMPILER = """#!/bin/sh
echo "$@" >>"$LOG"
while [ "$1" != -o ]; do shift; done
: >"$2"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not chosen by CC")
def test_change_of_a_flag_or_of_a_header_compiles_anew(tmp_path: Path) -> None:
    shutil.copytree(CHECKOUT / "scalargrad", tmp_path / "scalargrad")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(CHECKOUT / name, tmp_path)
    compiler, log = tmp_path / "compiler", tmp_path / "log"
    compiler.write_text(COMPILER, encoding="utf-8")
    compiler.chmod(0o755)
    environment = {**os.environ, "CC": str(compiler), "LDSHARED": str(compiler), "LOG": str(log)}

    def compiled() -> str:
        log.write_text("", encoding="utf-8")
        subprocess.run(
            [sys.executable, "-c", "from setuptools import setup; setup()", "-q", "build_ext"],
            cwd=tmp_path, env=environment, check=True, capture_output=True,
        )  # fmt: skip
        return log.read_text(encoding="utf-8")

    newest = max(file.stat().st_mtime for file in tmp_path.rglob("*"))

    def change(name: str, text: str, by: str) -> None:
        nonlocal newest
        newest += 100  # seconds, so that no clock of a file system is too coarse for it
        file = tmp_path / name
        file.write_text(file.read_text(encoding="utf-8").replace(text, by), encoding="utf-8")
        os.utime(file, (newest, newest))

    assert "bulk.c" in compiled()
    assert compiled() == ""

    change("pyproject.toml", '"-fno-trapping-math"', '"-fno-trapping-math", "-DOTHER"')
    assert compiled().count("-DOTHER") > len(MODULES)
    for built in tmp_path.rglob("build/**/*"):
        os.utime(built, (newest, newest))
    assert compiled() == ""

    change("scalargrad/_native/codes.h", "INPUT", "INPUT")
    again = compiled()
    assert "bulk.c" in again
    assert "batch.c" in again
    assert "fast.c" not in again
