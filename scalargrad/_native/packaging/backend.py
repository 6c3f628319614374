"""Build with setuptools; where it is asked for, a wheel without the native engine.

`pip wheel . -C pure=1`, or SCALARGRAD_PURE=1 in the environment, makes one wheel for every Python
on every machine: what Pyodide and the notebooks on it install. The readable engine runs there.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any
from unittest import mock

from setuptools import Distribution, build_meta
from setuptools.build_meta import *  # noqa: F403 - the other hooks are those of setuptools


def build_wheel(
    wheel_directory: str,
    config_settings: dict[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build a wheel, and return the name of its file."""
    asked = (config_settings or {}).get("pure", os.environ.get("SCALARGRAD_PURE", ""))
    without = mock.patch.object(Distribution, "has_ext_modules", return_value=False)
    with nullcontext() if asked in ("", "0") else without:
        return str(build_meta.build_wheel(wheel_directory, config_settings, metadata_directory))
