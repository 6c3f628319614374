"""Programs as people write them for micrograd, each a function of its two modules.

Those of BOTH run on micrograd 0.1.0 too and must give the same there; those of OURS ask for what
it lacks, or gets wrong, and state what is right. Run as a script, this file prints what all of
them give, on the engine of its process.
"""

from __future__ import annotations

import copy
import json
import math
import pickle
import random
import sys
from collections.abc import Callable
from typing import Any

import graphviz

Program = Callable[[Any, Any], Any]
BOTH: dict[str, Program] = {}
OURS: dict[str, tuple[Program, Any]] = {}


def both(program: Program) -> Program:
    BOTH[program.__name__] = program
    return program


def ours(result: Any) -> Callable[[Program], Program]:
    def enter(program: Program) -> Program:
        OURS[program.__name__] = program, result
        return program

    return enter


def order_of(root: Any) -> list[Any]:
    """Sort a graph by recursion, as the first lecture does."""
    order, seen = [], set()

    def visit(node: Any) -> None:
        if node not in seen:
            seen.add(node)
            for child in node._prev:
                visit(child)
            order.append(node)

    visit(root)
    return order


# -- expressions -------------------------------------------------------------------------------


@both
def one_of_everything(engine, nn):
    x = engine.Value(-3.0)
    y = 3 * x - 2 + x
    z = y.relu() + y * x
    w = (z + x).relu() / 2.0 - z**2
    w.backward()
    return w.data, x.grad, y.grad, z.grad


@both
def both_sides_of_every_operator(engine, nn):
    a, b = engine.Value(1.5), engine.Value(-2.5)
    terms = [a + 2, 2 + a, a - 2, 2 - a, a * 2, 2 * a, a / 2, 2 / a, -a, a**2, a**-1, a**0.5]
    terms += [a + b, a - b, a * b, a / b, (a * b).relu(), (a - b).relu()]
    total = sum(t * k for k, t in enumerate(terms, 1))
    total.backward()
    return [t.data for t in terms], total.data, a.grad, b.grad


@both
def names_used_again(engine, nn):
    a, b = engine.Value(-2.0), engine.Value(3.0)
    c = a + b
    c += c + 1
    d = a * b + b**3
    d *= 2
    d -= c
    d /= 4
    d.backward()
    return d.data, a.grad, b.grad


@both
def a_value_used_several_times(engine, nn):
    a, b = engine.Value(3.0), engine.Value(-4.0)
    d, e = a * b, a + b
    f = d * e + a + a
    f.backward()
    return a.grad, b.grad, d.grad, e.grad


@both
def sums_of_lists(engine, nn):
    xs = [engine.Value(float(k)) for k in range(1, 6)]
    total = sum(xs) + sum((x * x for x in xs), engine.Value(0.5)) + sum([x * 2 for x in xs], 0)
    total.backward()
    return total.data, [x.grad for x in xs]


@both
def a_derivative_against_differences(engine, nn):
    def f(t):
        return (t**3 - 2 * t + 1 / (t * t + 1)).relu()

    x, h = engine.Value(1.7), 1e-6
    f(x).backward()
    slope = (f(engine.Value(1.7 + h)).data - f(engine.Value(1.7 - h)).data) / (2 * h)
    return abs(slope - x.grad) < 1e-6, x.grad


# -- what is printed ---------------------------------------------------------------------------


@both
def ints_stay_ints_in_print(engine, nn):
    a, b = engine.Value(3), engine.Value(-2)
    c = a * b + 4
    d = (c - 1) * c**2 + a.relu() + b.relu()
    e = d / 2 + 1.0
    printed = [repr(v) for v in (a, b, c, d, e)]
    d.backward()
    printed += [repr(v) for v in (a, b, c, d)]
    for v in order_of(e):
        v.grad = 0
    e.backward()
    return printed + [repr(v) for v in (a, b, e)]


@both
def floats_stay_floats_in_print(engine, nn):
    x, w = engine.Value(2), engine.Value(0.5)
    y = x * w + 1
    z = y * 2
    z.backward()
    loss = (engine.Value(-1.5).relu() + engine.Value(0.0).relu()) * 3
    return [repr(v) for v in (x, w, y, z, loss)], str(x), f"{w}", [x, w].__repr__()


@both
def powers_in_print(engine, nn):
    x, y = engine.Value(3), engine.Value(3.0)
    powers = [x**2, x**2.0, x**0, x**1, x**-1, y**2, y**0, x**0.5]
    for p in powers:
        p.backward()
    return [repr(p) for p in powers], [p._op for p in powers], repr(x), repr(y)


@both
def zeros_before_and_after(engine, nn):
    a = engine.Value(2.5)
    b = a * 4
    before = repr(a), repr(b), a.grad, b.grad
    b.backward()
    a.grad = 0.0
    b.grad = 0
    return before, repr(a), repr(b)


# -- the graph ---------------------------------------------------------------------------------


@both
def texts_of_operations(engine, nn):
    a, b = engine.Value(2.0), engine.Value(3.0)
    nodes = [a, a + b, a * b, a**3, a**-0.5, a.relu(), a - b, a / b, -a, 1 - a, 1 / a]
    return [n._op for n in nodes], [sorted(c._op for c in n._prev) for n in nodes]


@both
def a_leaf_for_every_plain_number(engine, nn):
    a = engine.Value(2.0)
    nodes = [a + 5, 5 + a, a * 5, a - 5, 5 - a, a / 4, 4 / a, -a, a**2, a.relu(), a + a, a]
    kinds = {type(n._prev).__name__ for n in nodes}
    return [sorted((c.data, c.grad, c._op) for c in n._prev) for n in nodes], sorted(kinds)


@both
def gradients_of_plain_numbers(engine, nn):
    a = engine.Value(2.5)
    b = a * 3.0 + 1.5
    b.backward()
    return sorted((n.data, n.grad) for n in order_of(b))


@both
def how_many_nodes(engine, nn):
    a, b = engine.Value(2.0), engine.Value(-3.0)
    roots = [a - b, a / b, (a - 1) ** 2, 1 - a * 2, -(a + b), sum([a, b, a])]
    return [len(order_of(root)) for root in roots]


@both
def nodes_made_by_hand(engine, nn):
    x = engine.Value(2.0)
    leaf, node = engine.Value(3.0, (), "in"), engine.Value(5.0, (x,), "f")
    named = engine.Value(data=1.0, _children=(x, leaf), _op="g")
    node.backward()
    return leaf._op, leaf._prev, node._op, node._prev == {x}, x.grad, len(named._prev), node.grad


@both
def operands_assigned(engine, nn):
    x, y = engine.Value(2.0), engine.Value(3.0)
    out = engine.Value(6.0)
    out._prev, out._op = {x, y}, "mine"

    def back():
        x.grad += y.data * out.grad
        y.grad += x.data * out.grad

    out._backward = back
    (out * 2).backward()
    return x.grad, y.grad, out._op, out._prev == {x, y}


@both
def a_picture_by_ones_own_function(engine, nn):
    w, x, b = engine.Value(2.0), engine.Value(-0.5), engine.Value(6.0)
    o = (w * x + b).relu() ** 2
    o.backward()
    nodes, edges = set(), set()

    def build(v):
        if v not in nodes:
            nodes.add(v)
            for child in v._prev:
                edges.add((child, v))
                build(child)

    build(o)
    dot = graphviz.Digraph(format="svg", graph_attr={"rankdir": "LR"})
    for n in nodes:
        dot.node(name=str(id(n)), label=f"{n.data:.4f} | {n.grad:.4f}", shape="record")
        if n._op:
            dot.node(name=str(id(n)) + n._op, label=n._op)
            dot.edge(str(id(n)) + n._op, str(id(n)))
    for n1, n2 in edges:
        dot.edge(str(id(n1)), str(id(n2)) + n2._op)
    labels = sorted(line.split("label=")[1] for line in dot.body if "label=" in line)
    return labels, len(nodes), len(edges), sum("->" in line for line in dot.body)


# -- backward by hand --------------------------------------------------------------------------


@both
def cell_by_cell(engine, nn):
    a, b, c = engine.Value(2.0), engine.Value(-3.0), engine.Value(10.0)
    e = a * b
    d = e + c
    f = d.relu()
    loss = f**2
    loss.grad = 1.0
    seen = []
    for node in (loss, f, d, e, a):
        node._backward()
        seen.append([v.grad for v in (f, d, e, c, a, b)])
    return seen


@both
def a_sorted_graph_by_hand(engine, nn):
    a, b = engine.Value(1.5), engine.Value(-2.0)
    out = (a * b + b**2) * (a + 1)
    out.grad = 1.0
    for node in reversed(order_of(out)):
        node._backward()
    by_hand = a.grad, b.grad
    for node in order_of(out):
        node.grad = 0.0
    out.backward()
    return by_hand, (a.grad, b.grad)


@both
def one_gradient_set_by_hand(engine, nn):
    x, w = engine.Value(2.0), engine.Value(4.0)
    y = x * w
    y.grad = 10.0
    y._backward()
    y._backward()
    return x.grad, w.grad


def tanh_of(self):
    t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
    out = type(self)(t, (self,), "tanh")

    def _backward():
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def exp_of(self):
    out = type(self)(math.exp(self.data), (self,), "exp")

    def _backward():
        self.grad += out.data * out.grad

    out._backward = _backward
    return out


def patched(kind, methods, use):
    """Put methods into a class, use them, and take them out."""
    for name, method in methods.items():
        setattr(kind, name, method)
    try:
        return use()
    finally:
        for name in methods:
            delattr(kind, name)


@both
def ones_own_tanh_patched_on(engine, nn):
    def use():
        x1, x2 = engine.Value(2.0), engine.Value(0.0)
        w1, w2 = engine.Value(-3.0), engine.Value(1.0)
        n = x1 * w1 + x2 * w2 + 6.88
        o = n.tanh()
        o.backward()
        return o.data, o._op, [v.grad for v in (x1, x2, w1, w2, n, o)]

    return patched(engine.Value, {"tanh": tanh_of}, use)


@both
def tanh_broken_up(engine, nn):
    def use():
        n = engine.Value(0.88)
        e = (2 * n).exp()
        o = (e - 1) / (e + 1)
        p = n.tanh()
        (o + p * 2).backward()
        return o.data, p.data, n.grad, e.grad

    return patched(engine.Value, {"tanh": tanh_of, "exp": exp_of}, use)


@both
def an_operator_patched_on(engine, nn):
    original, calls = engine.Value.__mul__, []

    def counted(self, other):
        calls.append(1)
        return original(self, other)

    engine.Value.__mul__ = counted
    try:
        x = engine.Value(3.0)
        y = x * 2 + x * x - x.relu() * x
    finally:
        engine.Value.__mul__ = original
    (y * 2).backward()
    return len(calls), y.data, x.grad


@both
def operators_as_functions(engine, nn):
    import functools
    import operator

    xs = [engine.Value(float(k)) for k in (2, 3, 4)]
    product = functools.reduce(operator.mul, xs)
    total = functools.reduce(operator.add, xs, engine.Value(0))
    out = operator.truediv(product, total) ** 2
    out.backward()
    largest = max(xs, key=lambda v: v.data)
    return out.data, [x.grad for x in xs], largest.data, [repr(largest)]


@both
def ones_own_function_of_two(engine, nn):
    def larger(a, b):
        out = engine.Value(max(a.data, b.data), (a, b), "max")

        def back():
            (a if a.data >= b.data else b).grad += out.grad

        out._backward = back
        return out

    a, b = engine.Value(2.0), engine.Value(5.0)
    c = larger(larger(a * 3, b), a + b) * 2
    c.backward()
    return c.data, a.grad, b.grad


@both
def ones_own_function_of_one_twice(engine, nn):
    def product(a, b):
        out = engine.Value(a.data * b.data, (a, b), "mul")

        def back():
            a.grad += b.data * out.grad
            b.grad += a.data * out.grad

        out._backward = back
        return out

    a = engine.Value(3.0)
    square = product(a, a)
    (square + a).backward()
    return a.grad, len(square._prev)


@both
def a_mistake_that_one_is_to_see(engine, nn):
    def added(a, b):
        out = engine.Value(a.data + b.data, (a, b), "+")

        def back():
            a.grad = out.grad  # not +=
            b.grad = out.grad

        out._backward = back
        return out

    a = engine.Value(3.0)
    b = added(a, a)
    b.backward()
    return a.grad


@both
def a_branch_that_is_frozen(engine, nn):
    a, b = engine.Value(2.0), engine.Value(3.0)
    c = a * b
    c._backward = lambda: None
    d = c + a
    d.backward()
    return a.grad, b.grad, c.grad


@both
def a_gradient_that_is_clipped(engine, nn):
    x = engine.Value(3.0)
    y = x * 100.0
    inner = y._backward

    def back():
        y.grad = max(-1.0, min(1.0, y.grad))
        inner()

    y._backward = back
    (y * 5.0).backward()
    return x.grad, y.grad


@ours([100.0, 100.0, 20.0])
def other_passes_leave_a_clipped_gradient_alone(engine, nn):
    import scalargrad as sg

    x = engine.Value(3.0)
    y = x * 100.0
    inner = y._backward

    def back():
        y.grad = max(-0.2, min(0.2, y.grad))
        inner()

    y._backward = back
    seen = [(y * 1.0)._local_grads[0] * 100.0, *sg.gradients(y * 5.0, [x])]
    (y * 5.0).backward()
    return *seen, x.grad


@both
def a_leaf_that_listens(engine, nn):
    heard = []
    x = engine.Value(3.0)
    x._backward = lambda: heard.append(x.grad)
    (x * x).backward()
    return heard, x.grad


# -- subclasses --------------------------------------------------------------------------------


@both
def a_subclass_with_all_operators(engine, nn):
    class Named(engine.Value):
        def __init__(self, data, _children=(), _op="", label=""):
            super().__init__(data, _children, _op)
            self.label = label

        def __add__(self, other):
            other = other if isinstance(other, Named) else Named(other)
            out = Named(self.data + other.data, (self, other), "+")

            def back():
                self.grad += out.grad
                other.grad += out.grad

            out._backward = back
            return out

        def __mul__(self, other):
            other = other if isinstance(other, Named) else Named(other)
            out = Named(self.data * other.data, (self, other), "*")

            def back():
                self.grad += other.data * out.grad
                other.grad += self.data * out.grad

            out._backward = back
            return out

        tanh = tanh_of

        def __repr__(self):
            return f"{self.label or '?'}={self.data}"

    a, b, c = Named(2.0, label="a"), Named(-3.0, label="b"), Named(10, label="c")
    e = a * b
    e.label = "e"
    d = (e + c) * 0.125 + 1
    o = d.tanh()
    o.backward()
    names = sorted(repr(n) for n in order_of(o))
    return names, [v.grad for v in (a, b, c, d, e, o)], type(1 + a * 2 - b).__name__


@both
def a_subclass_that_starts_from_nothing(engine, nn):
    class Mine(engine.Value):
        def __init__(self, data, _children=(), _op=""):
            self.data = data
            self.grad = 0.0
            self._backward = lambda: None
            self._prev = set(_children)
            self._op = _op

        def squared(self):
            out = Mine(self.data**2, (self,), "sq")

            def back():
                self.grad += 2 * self.data * out.grad

            out._backward = back
            return out

    x = Mine(3.0)
    y = x.squared()
    z = y.squared()
    z.backward()
    return x.grad, y.grad, repr(z), z._op, len(order_of(z))


@both
def a_subclass_with_one_more_method(engine, nn):
    class Richer(engine.Value):
        def sigmoid(self):
            s = 1 / (1 + math.exp(-self.data))
            out = Richer(s, (self,), "σ")

            def back():
                self.grad += s * (1 - s) * out.grad

            out._backward = back
            return out

    x = Richer(0.5)
    y = x.sigmoid() * 2 + x
    y.backward()
    return y.data, x.grad, isinstance(y, engine.Value)


@both
def a_subclass_with_slots(engine, nn):
    class Slotted(engine.Value):
        __slots__ = ("m", "v")

        def __init__(self, data):
            super().__init__(data)
            self.m = self.v = 0.0

    ws = [Slotted(float(k)) for k in range(3)]
    loss = sum((w - 1) ** 2 for w in ws)
    loss.backward()
    for w in ws:
        w.m = 0.9 * w.m + w.grad
    return [w.m for w in ws]


# -- identity, truth, attributes ---------------------------------------------------------------


@both
def equal_to_itself_alone(engine, nn):
    a, b = engine.Value(2.0), engine.Value(2.0)
    values = [engine.Value(2.0), a, b, a + 0]
    return (
        [a == a, a == b, a != b, a == 2.0, a in values, engine.Value(2.0) in values],
        [values.index(a), values.index(b), values.count(a)],
        [len({a, b, a}), len(set(values)), {a: "a", b: "b"}[b]],
    )


@both
def always_true(engine, nn):
    zero = engine.Value(0)
    values = [zero, engine.Value(1.0)]
    kept = list(filter(None, values))
    return bool(zero), (zero or "other") is zero, len(kept), all(values), "yes" if zero else "no"


@both
def attributes_of_ones_own(engine, nn):
    p = engine.Value(0.5)
    p.m, p.v, p.name = 0, 0.0, "weight"
    n = p * 2
    n._colour, n.seen, p.child = "red", {p}, n
    p.m += 1
    has = [hasattr(n, "_colour"), hasattr(p, "_colour"), hasattr(n, "m")]
    del p.v
    return p.m, p.name, n._colour, n.seen == {p}, p.child is n, has, hasattr(p, "v")


@both
def adam_with_attributes(engine, nn):
    ws = [engine.Value(1.0), engine.Value(-2.0)]
    for w in ws:
        w.m = w.v = 0.0
    for t in range(1, 21):
        loss = (ws[0] - 3) ** 2 + (ws[1] + 1) ** 2 * 0.5
        for w in ws:
            w.grad = 0.0
        loss.backward()
        for w in ws:
            w.m = 0.9 * w.m + 0.1 * w.grad
            w.v = 0.999 * w.v + 0.001 * w.grad**2
            w.data -= 0.1 * (w.m / (1 - 0.9**t)) / (math.sqrt(w.v / (1 - 0.999**t)) + 1e-8)
    return [w.data for w in ws], loss.data


@both
def momentum_in_a_dictionary(engine, nn):
    ws = [engine.Value(1.0), engine.Value(1.0), engine.Value(1.0)]
    velocity = dict.fromkeys(ws, 0.0)
    for _ in range(10):
        loss = sum((w - k) ** 2 for k, w in enumerate(ws))
        for w in ws:
            w.grad = 0
        loss.backward()
        for w in velocity:
            velocity[w] = 0.9 * velocity[w] - 0.05 * w.grad
            w.data += velocity[w]
    return [w.data for w in ws]


# -- networks ----------------------------------------------------------------------------------


@both
def texts_of_networks(engine, nn):
    model = nn.MLP(3, [4, 2, 1])
    parts = [model, model.layers[0], nn.Neuron(2), nn.Neuron(2, nonlin=False), nn.Layer(2, 1)]
    return list(map(repr, parts)), len(model.parameters()), nn.Module().parameters()


@both
def weights_of_a_seed(engine, nn):
    random.seed(42)
    model = nn.MLP(2, [3, 1])
    n = nn.Neuron(4)
    numbers = [p.data for p in model.parameters()], [p.data for p in n.parameters()], n.b.data
    return numbers, type(model([1.0, 2.0])) is engine.Value, random.random()


@both
def outputs_of_networks(engine, nn):
    random.seed(3)
    one, two, linear = nn.MLP(2, [4, 1]), nn.MLP(2, [4, 2]), nn.Layer(2, 3, nonlin=False)
    x = [0.5, -1.5]
    outs = [one(x), *two(x), *linear(x), *linear([engine.Value(v) for v in x])]
    sum(outs).backward()
    return [o.data for o in outs], [p.grad for p in one.parameters() + linear.parameters()]


@both
def a_training_loop_of_the_first_lecture(engine, nn):
    random.seed(1)
    model = nn.MLP(3, [4, 4, 1])
    xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
    ys = [1.0, -1.0, -1.0, 1.0]
    losses = []
    for _ in range(8):
        predictions = [model(x) for x in xs]
        loss = sum((out - y) ** 2 for y, out in zip(ys, predictions, strict=True))
        for p in model.parameters():
            p.grad = 0.0
        loss.backward()
        for p in model.parameters():
            p.data += -0.05 * p.grad
        losses.append(loss.data)
    return losses


@both
def a_margin_loss_as_in_the_demo(engine, nn):
    random.seed(7)
    model = nn.MLP(2, [6, 6, 1])
    points = [(math.cos(k), math.sin(k) * (1 if k % 2 else -1)) for k in range(12)]
    labels = [1 if k % 2 else -1 for k in range(12)]
    history = []
    for k in range(4):
        inputs = [list(map(engine.Value, point)) for point in points]
        scores = list(map(model, inputs))
        losses = [(1 + -y * score).relu() for y, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        right = [(y > 0) == (score.data > 0) for y, score in zip(labels, scores, strict=True)]
        model.zero_grad()
        total.backward()
        rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= rate * p.grad
        history.append((total.data, sum(right) / len(right)))
    return history


@both
def a_module_of_ones_own(engine, nn):
    class Line(nn.Module):
        def __init__(self):
            self.a, self.b = engine.Value(0.0), engine.Value(0.0)

        def __call__(self, x):
            return self.a * x + self.b

        def parameters(self):
            return [self.a, self.b]

    line = Line()
    for _ in range(25):
        loss = sum((line(x) - (2 * x + 1)) ** 2 for x in (-1.0, 0.0, 1.0, 2.0)) / 4
        line.zero_grad()
        loss.backward()
        for p in line.parameters():
            p.data -= 0.1 * p.grad
    return line.a.data, line.b.data, loss.data


@both
def a_neuron_with_another_activation(engine, nn):
    class Smooth(nn.Neuron):
        def __call__(self, x):
            return tanh_of(sum((w * v for w, v in zip(self.w, x, strict=True)), self.b))

    random.seed(5)
    neurons = [Smooth(2) for _ in range(3)]
    out = sum(n([1.0, -2.0]) for n in neurons)
    out.backward()
    return out.data, [p.grad for n in neurons for p in n.parameters()]


@both
def numbers_of_numpy(engine, nn):
    import numpy as np

    row = np.array([0.5, -1.25])
    x = engine.Value(row[0])
    total = x * row[1] + engine.Value(2.0) * np.float64(3.0)
    for v in map(engine.Value, row):
        total = total + v * x
    total.backward()
    return float(total.data), float(x.grad)


# -- what micrograd lacks, or gets wrong -------------------------------------------------------


@ours([54, 1, 12])
def a_second_pass(engine, nn):
    x = engine.Value(3)
    y = x * x * x
    y.backward()
    y.backward()
    z = engine.Value(2)
    w = z**2
    for _ in range(3):
        w.backward()
    return x.grad, y.grad, z.grad


@ours([2.0, 2.0, 4.0])
def a_second_pass_through_a_function_of_ones_own(engine, nn):
    def twice(v):
        out = engine.Value(2 * v.data, (v,), "twice")

        def back():
            v.grad += 2 * out.grad

        out._backward = back
        return out

    x = engine.Value(3.0)
    y = twice(x * 1.0) * 1.0
    seen = []
    y.backward()
    seen.append(x.grad)
    x.grad = 0
    y.backward()
    seen.append(x.grad)
    y.backward()
    return *seen, x.grad


@ours([20000.0, 1.0])
def any_depth(engine, nn):
    x = engine.Value(1.0)
    y = x
    for _ in range(20000):
        y = y + 1.0 - 0.0 * x if len(str(y)) < 0 else y + x
    y.backward()
    z = x
    for _ in range(20000):
        z = exp_of(z * 0.0)
    x.grad = 0
    z.backward()
    return y.data - 1.0, z.data


@ours([[3.0, 2.0], [["x", 6.0]], [3.0, 2.0], ""])
def local_derivatives_given(engine, nn):
    a, b = engine.Value(2.0), engine.Value(3.0)
    out = engine.Value(a.data * b.data, (a, b), (b.data, a.data))
    out.backward()
    x = engine.Value(3.0)
    (square := engine.Value(9.0, (x, x), [3.0, 3.0])).backward()
    first, _ = square._children
    return [a.grad, b.grad], [["x", first.grad]], list(out._local_grads), out._op


@ours([None, "Value(data=2.0, grad=None)", 3.0, 0])
def a_gradient_of_none(engine, nn):
    p = engine.Value(2.0)
    loss = p * 3.0
    loss.backward()
    p.grad = None
    seen = p.grad, repr(p)
    (p * 3.0).backward()
    after = p.grad
    p.grad = 0
    return *seen, after, p.grad


@ours([0.25, 8.0, 2.0, 0, [], "a", 5])
def more_that_forks_have(engine, nn):
    x = engine.Value(2.0, label="a")
    with engine.Value.no_grad():
        y = x * 4
    z = engine.Value(1.0)
    z.label = 5
    return x.pow(-2).item(), x.pow(3).data, x.item(), y.grad, sorted(y._prev), x.label, z.label


@ours([True, True, ["tanh", "exp", "log", "/", "**"]])
def functions_that_it_lacks(engine, nn):
    import scalargrad as sg

    x, y = engine.Value(0.75), engine.Value(2.0)
    nodes = [x.tanh(), x.exp(), x.log(), sg.math.log(x, 2.0), x**y]
    total = sum(nodes)
    total.backward()
    slope = 1 - math.tanh(0.75) ** 2 + math.exp(0.75) + 1 / 0.75 + 1 / (0.75 * math.log(2.0)) + 1.5
    kinds = {type(n) is engine.Value for n in order_of(total)}
    return abs(x.grad - slope) < 1e-12, kinds == {True}, [n._op for n in nodes]


@ours([27.0, 13.5, 40.5, "kept", [True, True]])
def copies(engine, nn):
    x = engine.Value(3.0)
    y = x * 1.5 * x
    y.note = "kept"
    twin, (again, x_again) = copy.deepcopy(y), pickle.loads(pickle.dumps([y, x]))
    again.backward()
    x_twin = next(n for n in order_of(twin) if n.data == 3.0)
    (twin * 3).backward()
    y.backward()
    kinds = [type(n) is engine.Value for n in (again, x_again)]
    return x_twin.grad, twin.data, x_again.grad * 4.5, again.note, kinds


@ours([0.5])
def a_subclass_stays_itself(engine, nn):
    class Half(engine.Value):
        def half(self):
            return self * 0.5

    x = Half(3.0)
    y = (2 + -x / 3 - 1).relu().half() + x.half().half() * 2 - 1
    assert {type(n) for n in order_of(y)} == {Half}
    assert type(engine.Value(1.0) + x) is type(x + engine.Value(1.0)) is type(x.exp()) is Half
    return (y.data,)


@ours([[12.0], 1, [6.0, 2.0], 12.0, True, 1])
def derivatives_of_a_function_of_ones_own(engine, nn):
    import scalargrad as sg

    def squared(v):
        out = engine.Value(v.data**2, (v,), "squared")

        def back():
            v.grad += 2 * v.data * out.grad

        out._backward = back
        return out

    x = engine.Value(3.0)
    y = squared(x)
    z = y * 2
    gradients = sg.gradients(z, [x])
    assert x.grad == y.grad == z.grad == 0
    z.backward()
    picture = sg.draw(z).svg
    local = [y.partials[0], z.partials[0]]
    return gradients, z.grad, local, x.grad, "nan" not in picture, picture.count(">12<")


def results(engine: Any, nn: Any, names: list[str]) -> dict[str, Any]:
    """Return what some programs give, as it is read back from JSON."""
    programs = BOTH | {name: program for name, (program, _) in OURS.items()}
    found = {name: programs[name](engine, nn) for name in names}
    return json.loads(json.dumps(found, default=lambda thing: sorted(map(repr, thing))))


if __name__ == "__main__":
    from scalargrad.micrograd import engine, nn

    json.dump(results(engine, nn, [*BOTH, *OURS]), sys.stdout)
