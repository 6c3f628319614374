#!/usr/bin/env bash
# Check what needs no run: style, format, types by two checkers, and that packages only look down.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
clang-format --dry-run --Werror $(git ls-files "scalargrad/**/*.[ch]" scalargrad/_native/machine/{kernels,products}.inc)
mypy
mypy tests/test_types.py
export PYTHONPATH=. # where pyright finds the package, whether it is installed or not
basedpyright --level error tests/test_types.py
# every public name has a type that all checkers see alike: 100 %, or it fails
known=$(basedpyright --verifytypes scalargrad --ignoreexternal) || { echo "$known"; exit 1; }
grep completeness <<<"$known"
lint-imports
