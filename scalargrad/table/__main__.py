"""Writes from the table what is written from it: `python -m scalargrad.table`.

`python scalargrad/table` does the same without the rest of the package, which cannot be imported
while what was written names a row that is no longer there.
"""

import sys

if not __package__:  # a folder was run: make a package of it, under a name of its own
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    folder = Path(__file__).parent
    spec = spec_from_file_location("table", folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["table"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)
    __package__ = "table"

from .generate import main

sys.exit(main())
