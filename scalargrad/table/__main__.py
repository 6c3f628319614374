"""Writes from the table what is written from it: `python -m scalargrad.table`.

`python scalargrad/table` does the same without the rest of the package, which cannot be imported
while what was written names a row that is no longer there.
"""

import sys

if not __package__:  # a folder was run: make a package of it, under a name of its own
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    _folder = Path(__file__).parent
    _spec = spec_from_file_location("table", _folder / "__init__.py")
    assert _spec is not None
    assert _spec.loader is not None
    sys.modules["table"] = _package = module_from_spec(_spec)
    _spec.loader.exec_module(_package)
    __package__ = "table"

from .generate import main

sys.exit(main())
