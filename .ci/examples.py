"""Run every example as a user would, in an empty folder; the last lines are printed."""

import pathlib
import subprocess
import sys
import time

folder = pathlib.Path(sys.argv[1])
failed = []
for script in sorted(pathlib.Path("examples").resolve().glob("*.py")):
    empty = folder / script.stem
    empty.mkdir(parents=True)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(script)], cwd=empty, capture_output=True, text=True, encoding="utf-8"
    )
    last = "\n    ".join(done.stdout.strip().splitlines()[-3:])
    print(f"{script.name}: {time.perf_counter() - start:.1f} s, exit {done.returncode}\n    {last}")
    if done.returncode:
        failed.append(script.name)
        print(done.stderr, file=sys.stderr)
sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
