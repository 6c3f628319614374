"""MNIST, read from a folder that holds its four original files."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path
from typing import Any

from .. import errors
from ..core.whole_files import path_text, read_at_most

# name: magic number, samples, bytes a sample, md5 of the uncompressed file
_MNIST = {
    "train-images-idx3-ubyte": (2051, 60_000, 784, "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": (2049, 60_000, 1, "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": (2051, 10_000, 784, "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": (2049, 10_000, 1, "27ae3e4e09519cfbb04c329615203637"),
}


def mnist(folder: str | os.PathLike[str] | None = None) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Read MNIST from its four original files, gzip-compressed or not.

    The folder is the argument or else `SCALARGRAD_MNIST`. Every file is checked: kind, count,
    length and md5.

    Shapes: ((60000 × 784, 60000), (10000 × 784, 10000)): float64 from 0.0 to 1.0, integer labels
    Raises: `ImportError` without NumPy; `FileNotFoundError`, `ValueError` naming a file that is
    missing, cut off or another one; `TypeError` for a folder that is no path.
    """
    try:
        import numpy
    except ImportError:
        raise errors.missing_extra("mnist", "numpy", "mnist") from None
    where = folder if folder is not None else os.environ.get("SCALARGRAD_MNIST", "")
    if where == "":
        raise errors.InputError(
            "mnist: needs the folder with the four files; got none; pass it or set SCALARGRAD_MNIST"
        )
    folder = Path(path_text("mnist", "folder", where, "mnist"))

    def images(name: str) -> Any:
        pixels = numpy.frombuffer(_body(folder, name), dtype=numpy.uint8)
        return pixels.reshape(-1, 784).astype(numpy.float64) / 255.0

    def labels(name: str) -> Any:
        return numpy.frombuffer(_body(folder, name), dtype=numpy.uint8).astype(numpy.int64)

    train_images, train_labels, test_images, test_labels = _MNIST
    return (images(train_images), labels(train_labels)), (images(test_images), labels(test_labels))


def _body(folder: Path, name: str) -> bytes:
    """Return the bytes behind the header of one file, all of it checked."""
    import hashlib

    magic, count, width, md5 = _MNIST[name]
    shape = (count,) if width == 1 else (count, 28, 28)
    header = struct.pack(f">{1 + len(shape)}i", magic, *shape)
    size = len(header) + count * width
    path, content = _content(folder, name, size)
    if len(content) > size:
        raise errors.InputError(f"mnist: {path} must have {size} bytes; got more; get it again")
    if content[:4] != header[:4]:
        problem = f"must start with the magic number {magic}", content[:4], "get the file again"
    elif content[: len(header)] != header:
        problem = f"must hold {count} samples", content[: len(header)], "get the whole file"
    elif len(content) != size:
        problem = f"must have {size} bytes", len(content), "get it again"  # type: ignore[assignment]
    elif (got := hashlib.md5(content, usedforsecurity=False).hexdigest()) != md5:
        problem = f"must have the md5 {md5}", got, "get the original file"  # type: ignore[assignment]
    else:
        return content[len(header) :]
    must, came, remedy = problem
    raise errors.InputError(errors.unwanted("mnist", f"{path} {must}", came, remedy))


def _content(folder: Path, name: str, size: int) -> tuple[Path, bytes]:
    """Return the content of one file, unpacked: all of it, or of a longer one more than `size`."""
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        return plain, read_at_most("mnist", str(plain), size)
    if not packed.is_file():
        raise errors.MissingFileError(
            f"mnist: wants the file {name}.gz, or {name}, in {folder}; got no such file;"
            " pass the folder that holds all four"
        )
    room = size + size // 100 + 1024  # what cannot be packed at all grows a little
    return packed, _unpacked(packed, read_at_most("mnist", str(packed), room), size + 1)


def _unpacked(path: Path, content: bytes, most: int) -> bytes:
    """Return the first bytes of what is packed: a small file can hold more than the memory."""
    import gzip
    import zlib

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            return file.read(most)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise errors.InputError(
            f"mnist: {path} must be a whole gzip file; got one that cannot be unpacked ({error});"
            " get it again"
        ) from None
