from typing import Any

digest: int
kernels: Any
