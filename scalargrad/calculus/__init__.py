"""Derivatives of functions and graphs: grad to hessian, equations, checks."""
