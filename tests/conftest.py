"""What every test may ask for: the engines, one after the other; and how the suite runs."""

from __future__ import annotations

import gc
import importlib.util
import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import ENGINES, WITHOUT, engine_class
from hypothesis import HealthCheck, settings
from memory import IS_SANITIZED

import scalargrad._python

# every run tries the same examples; `--hypothesis-profile=explore` tries new ones
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fixed", PATIENT, derandomize=True)
settings.register_profile("explore", PATIENT, derandomize=False)
settings.load_profile("fixed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker a core; none for a single test, whose prints and debugger they would hide."""
    return 0 if any("::" in argument for argument in config.args) else os.cpu_count() or 1


def pytest_configure(config: pytest.Config) -> None:
    if WITHOUT:  # its doctests cannot run either
        folder = Path(scalargrad._python.__file__).parent / "_native"
        config.option.ignore = [*(config.option.ignore or []), str(folder)]


def _runs_no_c(item: pytest.Item) -> bool:
    """Tell whether a test is of the readable engine, or of the readable replay."""
    spec = getattr(item, "callspec", None)
    return spec is not None and bool({"python", "replay"} & {*spec.id.split("-")})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On the debug build of the C, run what runs C."""
    if IS_SANITIZED:
        config.hook.pytest_deselected(items=list(filter(_runs_no_c, items)))
        items[:] = itertools.filterfalse(_runs_no_c, items)


def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end: hundreds of tests ask it to look at everything."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own answer to Ctrl-C, even where it was ignored at start, as behind an `&`."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
