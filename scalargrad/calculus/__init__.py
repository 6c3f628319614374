"""Derivatives of functions and graphs: grad to hessian, equations, checks."""

from .checks import check_gradients
from .equations import fixed_point, newton, root
from .over_elements import elementwise
from .transforms import grad, gradients, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__all__ = [
    "check_gradients", "elementwise", "fixed_point", "grad", "gradients", "hessian", "hvp",
    "jacobian", "jvp", "newton", "root", "value_and_grad", "vjp",
]  # fmt: skip
