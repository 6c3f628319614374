"""scalargrad: a scalar reverse-mode autograd engine, and the pictures that explain it."""

from __future__ import annotations

from . import datasets, nn, optim, plots
from ._engine import Value, engine
from .drawing import draw, draw_dot
from .errors import GradientError, ScalargradError
from .functions import (
    acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, cos, cosh, dot, erf, exp, expm1, gelu,
    hypot, leaky_relu, log, log1p, log2, log10, log_softmax, logsumexp, max, maximum, mean, min,
    minimum, pow, relu, sigmoid, silu, sin, sinh, softmax, softplus, sqrt, sum, tan, tanh, where,
    zero_grad,
)  # fmt: skip
from .grammar import expression
from .leaves import values
from .losses import binary_cross_entropy_with_logits, cross_entropy, hinge, mae, mse
from .modes import detect_anomaly, no_grad, scope
from .own_nodes import custom, record
from .training import History, evaluate, fit

__version__ = "0.1.0"

__all__ = [
    "__version__", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh",
    "binary_cross_entropy_with_logits", "cbrt", "cos", "cosh", "cross_entropy", "custom",
    "datasets", "detect_anomaly", "dot", "draw", "draw_dot", "engine", "erf", "evaluate", "exp",
    "expm1", "expression", "fit", "gelu", "GradientError", "hinge", "History", "hypot",
    "leaky_relu", "log", "log10", "log1p", "log2", "log_softmax", "logsumexp", "mae", "max",
    "maximum", "mean", "min", "minimum", "mse", "nn", "no_grad", "optim", "plots", "pow",
    "record", "relu", "ScalargradError", "scope", "sigmoid", "silu", "sin", "sinh", "softmax",
    "softplus", "sqrt", "sum", "tan", "tanh", "Value", "values", "where", "zero_grad",
]  # fmt: skip
