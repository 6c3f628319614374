"""What every test may ask for: the engines, one after the other."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import ENGINES, WITHOUT, engine_class

import scalargrad._python


def pytest_configure(config: pytest.Config) -> None:
    if WITHOUT:  # its doctests cannot run either
        folder = Path(scalargrad._python.__file__).parent / "_native"
        config.option.ignore = [*(config.option.ignore or []), str(folder)]


def pytest_report_header() -> str:
    return WITHOUT or f"engines: {', '.join(ENGINES)}"


@pytest.fixture(params=ENGINES.keys())
def Value(request: pytest.FixtureRequest) -> type:  # noqa: N802 - it is the class
    """The Value class of one engine."""
    return engine_class(request.param)


@pytest.fixture
def foreign() -> Iterator[type]:
    """The Value class of an engine that knows nothing of the others."""
    spec = importlib.util.spec_from_file_location(
        "scalargrad._foreign", scalargrad._python.__file__
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Value
