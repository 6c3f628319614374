"""Tries NumPy's functions on arrays of Values and on one Value, for the tables of the guide.

`python tests/helpers/numpy_functions.py` in the checkout prints them anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import scalargrad as sg

#: the version of NumPy of the tables; a later one may have functions that are not in them
VERSION = (2, 4)

X, Y = [0.3, 0.7, -0.45, 0.6], [1.9, 0.4, 1.1, -2.3]
#: where a function of one operand has another domain
POINTS = {
    "arccosh": [1.3, 2.7, 1.9, 4.2], "reciprocal": Y, "rint": Y, "fix": Y,
    **{
        name: [0.3, 0.7, 2.9, 1.2]
        for name in ("log", "log2", "log10", "sqrt", "power", "float_power")
    },
}  # fmt: skip

#: functions of arrays that are no ufuncs, as one calls them
FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: lambda x, y, name=name: getattr(np, name)(x)
        for name in (
            "sum", "prod", "mean", "std", "var", "cumsum", "cumprod", "nansum", "diff", "gradient",
            "ptp", "max", "min", "argmax", "argmin", "sort", "argsort", "median", "round", "fix",
            "sinc", "trapezoid", "average", "cov", "flip", "diag", "real", "nan_to_num", "any",
            "all", "count_nonzero", "unique", "nanmean", "nanmax", "unwrap", "vander",
        )
    },
    **{
        name: lambda x, y, name=name: getattr(np, name)(x, y)
        for name in (
            "dot", "inner", "outer", "vdot", "convolve", "correlate", "polyval", "isclose",
            "allclose", "array_equal", "corrcoef", "searchsorted",
        )
    },
    "clip": lambda x, y: np.clip(x, 0.0, 0.5),
    "where": lambda x, y: np.where(x > 0.4, x, y),
    "einsum": lambda x, y: np.einsum("i,i", x, y),
    "tensordot": lambda x, y: np.tensordot(x, y, 1),
    "kron": lambda x, y: np.kron(x, y),
    "cross": lambda x, y: np.cross(x[:3], y[:3]),
    "trace": lambda x, y: np.trace(np.outer(x, y)),
    "quantile": lambda x, y: np.quantile(x, 0.3),
    "percentile": lambda x, y: np.percentile(x, 30),
    "interp": lambda x, y: np.interp(x, [-1.0, 0.5, 2.0], [1.0, 3.0, -1.0]),
    "linspace": lambda x, y: np.linspace(x, y, 3),
    "linalg.norm": lambda x, y: np.linalg.norm(x),
    "linalg.det": lambda x, y: np.linalg.det(x.reshape(2, 2)),
    "linalg.inv": lambda x, y: np.linalg.inv(x.reshape(2, 2)),
    "linalg.solve": lambda x, y: np.linalg.solve(x.reshape(2, 2), y[:2]),
    "piecewise": lambda x, y: np.piecewise(x, [x < 0.4, x >= 0.4], [1.0, 2.0]),
}  # fmt: skip

#: what to write instead where NumPy finds no way: v and w are Values, vs and ws arrays of them
INSTEAD = {
    "all": "(vs != 0).all()",
    "allclose": "all(map(sg.math.isclose, vs, ws))",
    "any": "(vs != 0).any()",
    "copysign": "sg.copysign(v, w)",
    "corrcoef": "np.vdot(a := vs - vs.mean(), b := ws - ws.mean()) / (len(a) * a.std() * b.std())",
    "count_nonzero": "(vs != 0).sum()",
    "cov": "vs.var(ddof=1)",
    "divmod": "divmod(v, w)",
    "float_power": "v ** w",
    "frexp": "sg.math.frexp(v)",
    "gradient": "np.convolve(vs, [0.5, 0, -0.5], 'valid')",
    "heaviside": "sg.where(v < 0, 0.0, 1.0)",
    "interp": "sg.interp(v, xs, ys)",
    "isclose": "sg.math.isclose(v, w)",
    "isfinite": "sg.math.isfinite(v)",
    "isinf": "sg.math.isinf(v)",
    "isnan": "sg.math.isnan(v)",
    "ldexp": "sg.math.ldexp(v, 3)",
    "linalg.det": "sg.linalg.det(matrix)",
    "linalg.inv": "sg.linalg.inv(matrix)",
    "linalg.solve": "sg.linalg.solve(matrix, ws[:2])",
    "logaddexp": "sg.logsumexp([v, w])",
    "logaddexp2": "sg.log2(sg.exp2(v) + sg.exp2(w))",
    "logical_and": "v != 0 and w != 0",
    "logical_not": "v == 0",
    "logical_or": "v != 0 or w != 0",
    "logical_xor": "(v != 0) != (w != 0)",
    "modf": "sg.math.modf(v)",
    "nextafter": "sg.math.nextafter(v.data, w.data)",
    "signbit": "sg.copysign(1.0, v) < 0",
    "sinc": "sg.where(v == 0, 1.0, np.sin(np.pi * v) / (np.pi * v))",
    "spacing": "sg.math.ulp(v.data)",
}


def ufuncs() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the functions of one or two real numbers, element by element, of this NumPy."""
    for name in sorted(set(dir(np))):
        thing = getattr(np, name)
        if not isinstance(thing, np.ufunc) or thing.signature is not None:
            continue
        if {kind.split("->")[0] for kind in thing.types} & {"d", "dd", "dl"}:
            yield name, thing


def functions() -> dict[str, Callable[[Any, Any], Any]]:
    """Return every function that is tried, of two arrays or two numbers."""
    calls: dict[str, Callable[[Any, Any], Any]] = {}
    for name, ufunc in ufuncs():
        if ufunc.__name__ == "ldexp":
            calls[name] = lambda x, y, ufunc=ufunc: ufunc(x, 3)
        elif ufunc.nin == 1:
            calls[name] = lambda x, y, ufunc=ufunc: ufunc(x)
        else:
            calls[name] = lambda x, y, ufunc=ufunc: ufunc(x, y)
    here = {
        name: call
        for name, call in FUNCTIONS.items()
        if hasattr(np.linalg if "linalg" in name else np, name.split(".")[-1])
    }
    return calls | here


def flat(result: Any) -> list[Any]:
    """Return the numbers and Values of a result, one after the other."""
    if isinstance(result, (tuple, list)):
        return [item for part in result for item in flat(part)]
    return result.ravel().tolist() if isinstance(result, np.ndarray) else [result]


def numbers_of(found: list[Any]) -> list[float]:
    """Return the numbers of Values and numbers."""
    return [item.data if isinstance(item, sg.Value) else item for item in found]


def points(name: str) -> tuple[list[float], list[float]]:
    """Return the numbers at which a function is tried: in its domain, where it has a slope."""
    return POINTS.get(getattr(getattr(np, name, None), "__name__", name), X), Y


def outcome(name: str, call: Callable[[Any, Any], Any], bare: bool) -> str:
    """Say how a function does on Values: "yes", "plain" (numbers), "no" or "wrong".

    It is "" where NumPy takes no single number either, or where it has no derivative there.
    """
    x, y = points(name)
    make: Callable[[Any], Any] = np.array
    if bare:
        x, y, make = x[:1], y[:1], lambda numbers: numbers[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = flat(call(make(x), make(y)))
        except Exception:
            return ""
        if not plain or (bare and name == "std"):
            return ""
        operands = [[sg.Value(number) for number in numbers] for numbers in (x, y)]
        try:
            found = flat(call(*map(make, operands)))
        except (TypeError, ValueError, AttributeError):
            return "no"
        return _judged(call, make, (x, y), operands, plain, found)


def loses_a_nan(name: str, call: Callable[[Any, Any], Any]) -> bool:
    """Tell whether a function gives other numbers for Values than for floats where one is nan."""
    x, y = points(name)
    x = [x[0], np.nan, *x[2:]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = flat(call(np.array(x), np.array(y)))
        try:
            found = flat(call(*(np.array(list(map(sg.Value, numbers))) for numbers in (x, y))))
        except TypeError:  # a refusal is no wrong number
            return False
    return len(found) != len(plain) or not np.allclose(numbers_of(found), plain, equal_nan=True)


def _judged(
    call: Callable[[Any, Any], Any], make: Any, numbers: Any, operands: Any, plain: Any, found: Any
) -> str:
    data = numbers_of(found)
    if len(data) != len(plain) or not np.allclose(data, plain, rtol=1e-12, atol=1e-14):
        return "wrong"
    weights = [1.0 + 0.37 * i for i in range(len(found))]
    pairs = [(v, w) for v, w in zip(found, weights, strict=True) if isinstance(v, sg.Value)]
    if not pairs:
        return "plain"
    sg.sum([v * w for v, w in pairs]).backward()
    gradients = [leaf.grad for leaves in operands for leaf in leaves]
    return "yes" if np.allclose(gradients, _slopes(call, make, numbers, weights)) else "wrong"


def _slopes(call: Callable[[Any, Any], Any], make: Any, numbers: Any, weights: Any) -> list[float]:
    """Return the derivatives of the weighted results of NumPy on floats, by differences."""
    slopes = []
    for which in range(2):
        for i in range(len(numbers[which])):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [list(part) for part in numbers]
                moved[which][i] += step
                ends.append(np.dot(weights, np.array(flat(call(*map(make, moved))), dtype=float)))
            slopes.append((ends[0] - ends[1]) / 2e-6)
    return slopes


def outcomes() -> dict[str, tuple[str, str]]:
    """Return of every function how it does on arrays of Values, and on one Value."""
    return {
        name: (outcome(name, call, False), outcome(name, call, True))
        for name, call in sorted(functions().items())
    }


def table(found: dict[str, tuple[str, str]]) -> str:
    """Return the table of the guide: the functions that do alike in one line."""
    words = {"yes": "yes", "plain": "plain numbers", "no": "no", "": "–"}
    rows: dict[tuple[str, str], list[str]] = {}
    for name, pair in found.items():
        rows.setdefault(pair, []).append(f"`{name}`")
    lines = ["| functions of NumPy | arrays of Values | one Value |", "|---|---|---|"]
    for pair in sorted(rows, key=lambda p: [list(words).index(word) for word in p]):
        lines.append(f"| {', '.join(rows[pair])} | {words[pair[0]]} | {words[pair[1]]} |")
    return "\n".join(lines) + "\n"


def nans(found: dict[str, tuple[str, str]]) -> str:
    """Return the functions that do, but go wrong where a number is nan."""
    calls = functions()
    names = [name for name, (many, _) in found.items() if many in ("yes", "plain")]
    return ", ".join(f"`{name}`" for name in names if loses_a_nan(name, calls[name])) + "\n"


def instead() -> str:
    """Return the table of what to write instead."""
    lines = ["| where NumPy has | write |", "|---|---|"]
    lines += [f"| `{name}` | `{code}` |" for name, code in INSTEAD.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    tried = outcomes()
    print(table(tried), nans(tried), instead(), sep="\n")
