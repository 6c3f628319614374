"""scalargrad: a scalar reverse-mode autograd engine, and the pictures that explain it.

>>> import scalargrad as sg
>>> x, y, z = sg.values(x=1, y=3, z=-3)
>>> g = (x + y) * z
>>> g.backward()
>>> x.grad, y.grad, z.grad
(-3.0, -3.0, 4.0)

What most programs use, each with more in its own help:

- Numbers: `values(x=1.0)` and `Value(1.0)` make leaves; operators, `tanh`, `exp`, `sum`, `where`
  and the others compute; `v.backward()` fills every `grad`, `zero_grad` empties them.
- Derivatives: `grad(f)`, `value_and_grad`, `jacobian`, `hessian` of functions; `gradients` on a
  graph; `check_gradients` against differences.
- Pictures: `draw(v)`, `draw(v).save("g.svg")`, `walkthrough(v)`, a page that steps through both
  passes.
- Learning: layers in `nn`, steps in `optim`, data in `datasets`, curves in `plots`, and `fit`.
- Speed: `compile(f)` replays what `f` does, over whole arrays.
- Modes: `no_grad()`, `scope("name")`, `detect_anomaly()`. Nodes of your own: `record`, `custom`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors
from ._engine import Value, engine
from .core.modes import detect_anomaly, no_grad, scope
from .core.version import __version__
from .errors import GradientError, ScalargradError
from .functions import elementary
from .functions.elementary import *  # noqa: F403 - its `__all__` is written from the table

if TYPE_CHECKING:  # what a type checker reads; `_LATER` says the same to Python
    from . import datasets, linalg, math, nn, optim, plots
    from .calculus import (
        check_gradients,
        elementwise,
        fixed_point,
        grad,
        gradients,
        hessian,
        hvp,
        jacobian,
        jvp,
        newton,
        root,
        value_and_grad,
        vjp,
    )  # fmt: skip
    from .drawing import check_answers, draw, draw_dot, walkthrough
    from .expressions.expression import expression
    from .functions.custom import custom, record
    from .functions.gathering import take
    from .functions.graph_json import from_json, to_json
    from .functions.interpolation import interp
    from .functions.losses import binary_cross_entropy_with_logits, cross_entropy, hinge, mae, mse
    from .learning import History, evaluate, fit
    from .tape import compile

__all__ = [
    "GradientError",
    "History",
    "ScalargradError",
    "Value",
    "__version__",
    "binary_cross_entropy_with_logits",
    "check_answers",
    "check_gradients",
    "compile",
    "cross_entropy",
    "custom",
    "datasets",
    "detect_anomaly",
    "draw",
    "draw_dot",
    "elementwise",
    "engine",
    "errors",
    "evaluate",
    "expression",
    "fit",
    "fixed_point",
    "from_json",
    "grad",
    "gradients",
    "hessian",
    "hinge",
    "hvp",
    "interp",
    "jacobian",
    "jvp",
    "linalg",
    "mae",
    "math",
    "mse",
    "newton",
    "nn",
    "no_grad",
    "optim",
    "plots",
    "record",
    "root",
    "scope",
    "take",
    "to_json",
    "value_and_grad",
    "vjp",
    "walkthrough",
]
__all__ += elementary.__all__  # a function for every row of the table, and a few more
__dir__: Callable[[], list[str]] = __all__.copy  # what dir(scalargrad) and a press of Tab list

#: what is loaded when it is first asked for: where it stands, and its names; `import scalargrad`
#: brings only what every program needs
_LATER = {
    "calculus": "check_gradients elementwise fixed_point grad gradients hessian hvp jacobian jvp"
    " newton root value_and_grad vjp",
    "datasets": "",
    "drawing": "check_answers draw draw_dot walkthrough",
    "expressions": "",
    "expressions.expression": "expression",
    "functions.custom": "custom record",
    "functions.gathering": "take",
    "functions.interpolation": "interp",
    "functions.graph_json": "from_json to_json",
    "functions.losses": "binary_cross_entropy_with_logits cross_entropy hinge mae mse",
    "learning": "History evaluate fit",
    "linalg": "",
    "math": "",
    "nn": "",
    "optim": "",
    "plots": "",
    "tape": "compile",
}
_HOMES = {name: module for module, names in _LATER.items() for name in names.split()}

if not TYPE_CHECKING:  # a checker would take any name for one that is there

    def __getattr__(name: str) -> Any:
        """Load what is asked for the first time; from then on it is an attribute like others."""
        if name in _LATER:
            return import_module(f"{__name__}.{name}")
        if name in _HOMES:
            thing = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
            return globals().setdefault(name, thing)
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message, name=name, obj=sys.modules[__name__])
