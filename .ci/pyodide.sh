#!/usr/bin/env bash
# Make the wheel without the native engine, and try it in Pyodide, Python in WebAssembly: under node,
# and in Chromium.
#
# The first argument is a folder to work in. Pyodide comes from the npm registry; python3 must have
# Playwright.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$1
mkdir -p "$work"
cp -r "$here"/../{scalargrad,pyproject.toml,README.md,LICENSE} "$work"
cp "$here"/pyodide* "$work"
cd "$work"
rm -rf build
python3 -m pip wheel -q . -C pure=1 -w wheels # and Graphviz's, which it needs
ls wheels/scalargrad-*-py3-none-any.whl
npm install --silent --no-save pyodide@314.0.7
node pyodide.mjs
python3 pyodide_page.py
