"""scalargrad: a scalar reverse-mode autograd engine, and the pictures that explain it."""

from __future__ import annotations

from . import datasets, errors, math, nn, optim, plots
from ._engine import Value, engine
from .calculus import (
    check_gradients,
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
from .core.modes import detect_anomaly, no_grad, scope
from .core.version import __version__
from .drawing import check_answers, draw, draw_dot, walkthrough
from .errors import GradientError, ScalargradError
from .expressions.expression import expression
from .functions import elementary
from .functions.custom import custom, record
from .functions.elementary import *  # noqa: F403 - its `__all__` is written from the table
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
    "engine",
    "errors",
    "evaluate",
    "expression",
    "fit",
    "grad",
    "gradients",
    "hessian",
    "hinge",
    "hvp",
    "jacobian",
    "jvp",
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
    "value_and_grad",
    "vjp",
    "walkthrough",
]
__all__ += elementary.__all__  # a function for every row of the table, and a few more
__dir__ = __all__.copy  # what dir(scalargrad) and a press of Tab list
