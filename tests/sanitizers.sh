#!/usr/bin/env bash
# Run the whole suite on the debug build of the native engine: with assertions, AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
# In that build every node is an allocation of its own (see EACH_NODE_ALONE in node.h), so that no
# use of a freed node goes unseen. The machine verifies every plan behind each pass of the planner
# (SCALARGRAD_DEBUG, see verify.h), and assertions hold. Arguments go to pytest.
#
#     tests/sanitizers.sh [pytest arguments]
#     tests/sanitizers.sh --run tests/fuzz.py --minutes 10     # another program of Python instead
#
# With SCALARGRAD_COVERAGE=1 it says behind the tests how many lines of C they ran.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
cc=${CC:-gcc}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$checkout"/{.github,scalargrad,tests,examples,pyproject.toml,README.md,LICENSE} "$work"
cd "$work"
rm -f scalargrad/_native/*.so # the fast kernels are the same source, and take minutes

config() { "$python" -c "import sysconfig; print(sysconfig.$1)"; }
covered=()
if [ -n "${SCALARGRAD_COVERAGE:-}" ]; then
    covered=(--coverage -fprofile-update=single)
fi
build() { # name, further flags and sources
    "$cc" -shared -fPIC -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror \
        -UNDEBUG -DSCALARGRAD_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=all \
        -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-builtin-sin -fno-builtin-cos \
        "${covered[@]}" -I"$(config 'get_path("include")')" "${@:2}" -lm \
        -o "scalargrad/_native/$1$(config 'get_config_var("EXT_SUFFIX")')"
}
build _core scalargrad/_native/*.c &
build _machine scalargrad/_native/machine/*.c
wait $!

export PYTHONPATH=$work${PYTHONPATH:+:$PYTHONPATH} PYTHONMALLOC=malloc PYTHONDONTWRITEBYTECODE=1
export LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libstdc++.so)"
# leaks of the interpreter itself hide others; a damaged pickle may make Python ask for gigabytes
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:max_allocation_size_mb=3072
export SCALARGRAD_SANITIZED=1
if [ "${1:-}" = --run ]; then
    "$python" "${@:2}"
    exit
fi
"$python" -m pytest -q -p no:cacheprovider -o timeout=900 -o faulthandler_timeout=930 "$@"
if [ ${#covered[@]} -gt 0 ]; then
    unset LD_PRELOAD
    ofC=$("$python" -m gcovr --root . --filter scalargrad/_native/ \
        --exclude '.*/(ops|kernel_rows)\.inc' --gcov-ignore-errors all \
        --gcov-ignore-parse-errors all \
        --merge-mode-functions separate --print-summary 2>/dev/null |
        sed -n 's/^lines: \([0-9.]*\)%.*/\1/p') # what the table writes is tried row by row
    echo "lines of C run: $ofC %"
fi
