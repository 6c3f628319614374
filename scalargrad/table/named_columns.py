"""What holds named columns and never changes."""

from __future__ import annotations

from typing import Any, Never, dataclass_transform


@dataclass_transform(frozen_default=True, eq_default=False)
class NamedColumns:
    """Holds a column for each annotated name of a subclass, whose value there is the default.

    A frozen dataclass is the same to whoever reads and to a type checker; but Python writes and
    compiles it anew at every import, which took a quarter of the time that `import scalargrad` did.
    """

    def __init__(self, *values: Any, **named: Any) -> None:
        kind = type(self)
        names = list(kind.__annotations__)
        given = dict(zip(names, values, strict=False)) | named
        missing = [name for name in names if name not in given and not hasattr(kind, name)]
        if missing or given.keys() - set(names) or len(given) != len(values) + len(named):
            raise TypeError(f"{kind.__name__}: the columns are {names}; got {list(given)}")
        vars(self).update({name: getattr(kind, name, None) for name in names} | given)

    def __setattr__(self, name: str, value: Any) -> Never:
        raise AttributeError(f"{type(self).__name__}: a column cannot be changed; got {name}")

    def __repr__(self) -> str:
        columns = (f"{name}={vars(self)[name]!r}" for name in type(self).__annotations__)
        return f"{type(self).__name__}({', '.join(columns)})"
