"""Files, written whole or not at all, and read as far as they may reach."""

from __future__ import annotations

import contextlib
import os

from ..errors import InputError, MissingFileError, OperandError, unwanted
from .interrupts import call_and


def path_text(who: str, what: str, path: object, example: str) -> str:
    """Return a path as a text, or refuse what is none.

    >>> path_text("save", "path", "g.svg", "model.json")
    'g.svg'
    """
    if not isinstance(path, (str, os.PathLike)):
        must = f"{what} must be a text or path"
        raise OperandError(unwanted(who, must, path, f'pass e.g. "{example}"'))
    return os.fsdecode(path)


def write_whole(who: str, path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name beside it, then rename: readers see the old or the new one.

    So does who comes after a crash of the machine: the content is on the disk before the name is.
    A link stays a link; a file that was there keeps its permissions and its owner, and one that
    must not be written is not replaced.

    Raises: `ValueError` naming the reason where the file cannot be written, `TypeError` for what
    is no path.
    """
    name = path_text(who, "path", path, "model.json")
    try:
        target = os.path.realpath(name)
        if os.path.exists(target) and not os.path.isfile(target):
            raise ValueError("not a regular file")  # a device would be replaced too
        if os.path.exists(target) and not os.access(target, os.W_OK):
            raise ValueError("it is protected against writing")
        _replace(target, content)
    except (OSError, ValueError) as error:
        must = f"the file cannot be written ({_reason(error)})"
        raise InputError(unwanted(who, must, name, "choose another place")) from None


def _replace(target: str, content: bytes) -> None:
    folder = os.path.dirname(target)
    part = os.path.join(folder, f".{os.urandom(8).hex()}.part")
    before = os.stat(target) if os.path.exists(target) else None
    mode = 0o666 if before is None else before.st_mode & 0o777

    def write() -> None:
        # made anew, with the permissions that umask leaves
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            with contextlib.suppress(OSError, AttributeError):  # only an administrator can
                os.chown(part, before.st_uid, before.st_gid)
            os.chmod(part, mode)
        os.replace(part, target)

    call_and(lambda: _remove(part), write)
    with contextlib.suppress(OSError):  # not every system can bring a folder to its disk
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove(part: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(part)


def read_at_most(who: str, path: str, most: int) -> bytes:
    """Read a file of at most so many bytes; of a longer one, one byte more.

    Raises: `FileNotFoundError` for a file that is not there, `ValueError` naming the reason for
    one that cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        must = "wants a file that is there"
        raise MissingFileError(unwanted(who, must, path, "look for its name")) from None
    except (OSError, ValueError) as error:
        must = f"the file cannot be read ({_reason(error)})"
        raise InputError(unwanted(who, must, path, "pass another file")) from None


def _reason(error: Exception) -> str:
    """Return in some words why a file cannot be used."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
