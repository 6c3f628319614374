from typing import Any

digest: int
costs: dict[str, int]
instructions: dict[str, Any]

class Plan:
    def point(
        self, numbers: list[Any], captured: Any, upstream: float, /
    ) -> tuple[list[float], list[float] | None, bytes | None, int | None]: ...
    def run(
        self,
        first: int,
        last: int,
        lanes: int,
        shared: list[Any],
        arrays: list[tuple[int, Any]],
        captured: Any,
        upstream: float,
        values: Any,
        inputs: Any,
        sums: Any,
        status: Any,
        index: Any,
        /,
    ) -> int: ...
    def describe(self) -> dict[str, Any]: ...
    def verify(self) -> str: ...

class Calls:
    def __call__(self, *arguments: Any) -> Any: ...
    def goes(self, path: int, /) -> bool: ...
    def put(
        self,
        path: int,
        left: int,
        plan: Plan,
        captured: tuple[Any, ...],
        result: bytes,
        things: tuple[Any, ...],
        /,
    ) -> None: ...

def calls(
    arguments: int, inputs: int, shape: bytes, array_type: Any, watched: tuple[Any, ...], /
) -> Calls: ...
def is_unchanged(watched: tuple[Any, ...], /) -> bool: ...
def use_access(capsule: Any, /) -> None: ...
def plan(**tape: Any) -> Plan | None: ...
def kinds() -> list[str]: ...
def use(kind: str, /) -> None: ...
def total(numbers: Any, /) -> float: ...
def add_fast(kernels: Any, /) -> None: ...
