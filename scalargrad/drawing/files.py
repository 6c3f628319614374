"""Writing pictures: the format by suffix, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from ..errors import InputError, OperandError, missing_extra, unwanted

SUFFIXES = (".svg", ".dot", ".png", ".pdf", ".html")

# a page that can load and run nothing
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<title>scalargrad</title>
SVG</html>
"""


def suffix_of(path: str | os.PathLike[str]) -> str:
    """Return the suffix of a picture file, or refuse one that is unknown."""
    if not isinstance(path, (str, os.PathLike)):
        raise OperandError(unwanted("save", "path must be a text or path", path, 'pass "g.svg"'))
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        wanted = f"the file must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise InputError(unwanted("save", wanted, os.fspath(path), "change the suffix"))
    return suffix


def encode(svg: str, suffix: str) -> bytes:
    """Return an SVG as the bytes of a picture file: .svg, .html, .png or .pdf."""
    if suffix == ".svg":
        return svg.encode()
    if suffix == ".html":
        return _PAGE.replace("SVG", svg).encode()
    try:
        import vl_convert
    except ImportError:
        raise missing_extra(f"save {suffix}", "vl-convert-python", "pictures") from None
    if suffix == ".png":
        return bytes(vl_convert.svg_to_png(svg, scale=2.0))
    return bytes(vl_convert.svg_to_pdf(svg))


def write(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file under another name first, then rename it: never a half-written picture.

    Raises: `InputError` naming the reason where the file cannot be written.
    """
    target = Path(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.chmod(name, _mode_for(target))
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            unwanted("save", f"the file cannot be written ({reason})", os.fspath(path),
                     "choose another place")
        ) from None  # fmt: skip
    return target


def _mode_for(target: Path) -> int:
    """Return the permissions that a plain `open` would have given."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
