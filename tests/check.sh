#!/usr/bin/env bash
# Check everything that a change must pass, in the Python environment that is active.
#
# Builds the native engine in place, then runs the checkers and the tests. Arguments go to pytest.
#
#     tests/check.sh [pytest arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
python3 -m pip install -q -e ".[test,dev]"
tests/checkers.sh
python3 -m pytest "$@"
