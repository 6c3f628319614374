"""Run the command line: ``python -m scalargrad "(x + y) * z" x=1 y=3 z=-3``."""

from __future__ import annotations

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
