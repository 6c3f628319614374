"""Ways to ask for a value and its gradient: of one function, at one point, in plain numbers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import scalargrad as sg

#: of a function of a list: what answers with value and gradient at a point
CALLS: list[Callable[[Callable[..., Any]], Callable[[list[float]], Any]]] = []


def chained(x):
    """Return Rosenbrock's function of any number of coordinates."""
    total = 0.0
    for a, b in itertools.pairwise(x):
        total = total + 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    return total


def six(x):
    """Return a function of six operations."""
    a, b = x
    return sg.sin(a * b) + a * sg.exp(-b)


def way(make):
    """Add a way to call."""
    CALLS.append(make)
    return make


@way
def method_of_the_compiled(function):
    return sg.compile(function).value_and_grad


@way
def ours_of_the_compiled(function):
    return sg.value_and_grad(sg.compile(function))


@way
def ours_without_compile(function):
    return sg.value_and_grad(function)


@way
def raw_values(function):
    def call(point):
        x = [sg.Value(number) for number in point]
        y = function(x)
        y.backward()
        return y.data, [v.grad for v in x]

    return call


@way
def value_and_grad_one_after_the_other(function):
    f = sg.compile(function)
    gradient = sg.grad(f)
    return lambda point: (f(point), gradient(point))


@way
def arrays_as_scipy_passes_them(function):
    both = sg.value_and_grad(sg.compile(function))
    return lambda point: both(np.array(point))


@way
def tuples(function):
    both = sg.value_and_grad(sg.compile(function))
    return lambda point: both(tuple(point))


@way
def an_argument_for_each_number(function):
    f = sg.compile(lambda *x: function(x))
    return lambda point: f.value_and_grad(*point)


@way
def all_argnums(function):
    def call(point):
        return sg.value_and_grad(f, argnums=tuple(range(len(point))))(*point)

    f = sg.compile(lambda *x: function(list(x)))
    return call


@way
def a_batch_of_one(function):
    f = sg.compile(function)
    return lambda point: f.value_and_grad(np.array([point]))


@way
def parameters_and_backward(function):
    parameters: list[sg.Value] = []
    f = sg.compile(lambda: function(parameters))

    def call(point):
        if not parameters:
            parameters.extend(sg.Value(number) for number in point)
        for p, number in zip(parameters, point, strict=True):
            p.data, p.grad = number, 0.0
        return f.backward(), [p.grad for p in parameters]

    return call


@way
def nested_in_a_dict(function):
    f = sg.compile(lambda given: function([given["first"], *given["rest"]]))
    return lambda point: f.value_and_grad({"first": point[0], "rest": point[1:]})


@way
def pairs_in_lists(function):
    f = sg.compile(lambda pairs: function([x for pair in pairs for x in pair]))
    return lambda point: f.value_and_grad([point[i : i + 2] for i in range(0, len(point), 2)])


@way
def compiled_gradient(function):
    return sg.compile(sg.value_and_grad(function))


@way
def vjp_with_one(function):
    f = sg.compile(function)

    def call(point):
        value, pull = sg.vjp(f, point)
        return value, pull(1.0)

    return call


@way
def jacobian_of_one_output(function):
    f = sg.compile(function)
    return lambda point: (f(point), sg.jacobian(f)(point))
