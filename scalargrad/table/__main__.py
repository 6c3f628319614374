"""Writes from the table what is written from it: `python -m scalargrad.table`."""

import sys

from .generate import main

sys.exit(main())
