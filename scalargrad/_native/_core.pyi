from collections.abc import Callable
from typing import Any

digest: int

def create(
    bases: tuple[type, ...],
    docs: tuple[Any, ...],
    rows: list[Any],
    rules: list[Any],
    given: dict[str, Any],
    /,
) -> type: ...
def short_cut(kind: str, function: Callable[..., Any], place: int, /) -> Callable[..., Any]: ...
