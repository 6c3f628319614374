"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import os

from ..errors import InputError, OperandError, unwanted


def path_text(who: str, what: str, path: object, example: str) -> str:
    """Return a path as a text, or refuse what is none.

    >>> path_text("save", "path", "g.svg", "model.json")
    'g.svg'
    """
    if not isinstance(path, (str, os.PathLike)):
        must = f"{what} must be a text or path"
        raise OperandError(unwanted(who, must, path, f'pass e.g. "{example}"'))
    return os.fspath(path)


def write_whole(who: str, path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name beside it, then rename: readers see the old or the new one.

    A link stays a link, and a file that was there keeps its permissions.

    Raises: `ValueError` naming the reason where the file cannot be written, `TypeError` for what
    is no path.
    """
    name = path_text(who, "path", path, "model.json")
    try:
        target = os.path.realpath(name)
        if os.path.exists(target) and not os.path.isfile(target):
            raise ValueError("not a regular file")  # a device would be replaced too
        part = os.path.join(os.path.dirname(target), f".{os.urandom(8).hex()}.part")
        try:
            with open(part, "xb") as file:  # made anew, with the permissions that umask leaves
                file.write(content)
            with contextlib.suppress(FileNotFoundError):
                os.chmod(part, os.stat(target).st_mode & 0o777)
            os.replace(part, target)
        finally:
            with contextlib.suppress(OSError):
                os.remove(part)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        must = f"the file cannot be written ({reason})"
        raise InputError(unwanted(who, must, name, "choose another place")) from None
