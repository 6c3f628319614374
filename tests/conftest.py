"""What every test may ask for: the engines, one after the other."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest

import scalargrad._python

#: every engine that must be there, by the name a test id shows; a native engine joins here
ENGINES = {"python": "scalargrad._python"}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES.keys())
def Value(request: pytest.FixtureRequest) -> type:  # noqa: N802 - it is the class
    """The Value class of one engine."""
    return importlib.import_module(request.param).Value


@pytest.fixture
def foreign() -> Iterator[type]:
    """The Value class of an engine that knows nothing of the others."""
    spec = importlib.util.spec_from_file_location(
        "scalargrad._foreign", scalargrad._python.__file__
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Value
