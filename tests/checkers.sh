#!/usr/bin/env bash
# Check what needs no run: style, format, types, and that packages only look down.
set -euo pipefail
cd "$(dirname "$0")/.."
ruff check .
ruff format --check .
clang-format --dry-run --Werror $(git ls-files "scalargrad/**/*.[ch]" scalargrad/_native/machine/{kernels,products}.inc)
mypy
mypy tests/test_types.py
lint-imports
