#!/usr/bin/env bash
# Build with the newest GCC and test the numbers: newer ones read comparisons otherwise.
#
# The compiler, and the Python it is for, are Debian's next release, unpacked into a folder. That
# wants root and the scripts beside the project; where they are missing, it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

platforms=../shared/platforms
if [ "$(id -u)" != 0 ] || [ ! -f "$platforms/aptroot.sh" ]; then
    echo "NOT RUN: the newest compiler; it wants root, and $platforms"
    exit 0
fi

work=$1 root=$1/sid
mkdir -p "$work"
bash "$platforms/aptroot.sh" "$root" amd64 sid libc6 libc-bin bash dash coreutils \
    python3.14 python3.14-dev python3.14-venv gcc libc6-dev ca-certificates
mkdir -p "$root"/{etc/ssl/certs,dev/shm,checkout}
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/resolv.conf /etc/hosts /etc/passwd "$root/etc/"
if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/"; fi
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
[ -e "$root/dev/urandom" ] || mknod -m 444 "$root/dev/urandom" c 1 9
cp -r scalargrad tests examples pyproject.toml README.md LICENSE "$root/checkout/"
rm -f "$root"/checkout/scalargrad/_native/*.so
inside() { chroot "$root" /usr/bin/env -u PIP_FIND_LINKS -u PYTHONPATH -u VIRTUAL_ENV PATH=/usr/sbin:/usr/bin "$@"; }
inside ldconfig
inside gcc --version | head -n 1
inside python3.14 -m venv /venv
inside /venv/bin/pip install -q numpy pandas pytest pytest-timeout pytest-xdist hypothesis mpmath graphviz setuptools
inside env CFLAGS="-Wall -Wextra -Werror" /bin/bash -c \
    "cd /checkout && /venv/bin/python -c 'from setuptools import setup; setup()' -q build_ext --inplace"
inside env SCALARGRAD_ENGINE=native PYTHONDONTWRITEBYTECODE=1 /bin/bash -c \
    "cd /checkout && /venv/bin/python -m pytest -q -n 1 -p no:cacheprovider \
    -W ignore::hypothesis.errors.HypothesisWarning \
    tests/table/test_rows.py tests/table/test_special_points.py tests/table/test_formula.py \
    tests/engine/test_engines.py tests/engine/test_values.py tests/engine/test_graph.py \
    tests/functions tests/tape/test_compile_programs.py tests/tape/test_compile_captured.py \
    tests/tape/test_compile_vectorized.py tests/tape/test_compile_fast.py"
