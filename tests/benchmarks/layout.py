"""Count what is wrong with pictures: arrows that cross, shapes too wide; and the time they take.

Each graph is laid out by this package and by `dot` of Graphviz, if it is there, which sees neither
texts nor branch dots. Crossings are counted on the lines that are drawn, in both alike. Times are
of the processor, from a Value to positions, after one untimed picture.

    python tests/benchmarks/layout.py [part of a name ...]

Where SCALARGRAD_ENGINE=python is set, it tells what the layout takes without C.
"""

from __future__ import annotations

import math
import random
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

import scalargrad as sg
from scalargrad import nn

Line = list[tuple[float, float]]

#: where type of 14 units has 6 points in a column of 160 mm, in units
PAGE = 160 / 25.4 * 72 * 14 / 6
PATIENCE = 100  # seconds for dot

FORMULAS = """
x + P/(P+q)*(q-x)
sqrt(a**2 + b**2 - 2*a*b*cos(c))
a*b/(a*b + c*(1-b))
exp(a/T)/(exp(a/T) + exp(b/T) + exp(c/T))
v*sin(a)*t - g*t**2/2 + v*cos(a)*t
(1.5 - x + x*y)**2 + (2.25 - x + x*y**2)**2 + (2.625 - x + x*y**3)**2
b**2 + 2*a*b
(x + y)*z
1/(1 + exp(-x))
(1 - x)**2 + 100*(y - x**2)**2
m*c**2
m*v**2/2
G*m*n/r**2
P*(1 + r/n)**(n*t)
(-b + sqrt(b**2 - 4*a*c))/(2*a)
exp(-(x - m)**2/(2*s**2))/(s*sqrt(2*3.141592653589793))
sqrt((a - c)**2 + (b - d)**2)
a*x**2 + b*x + c
(a + b)*(a - b)
a*b + a*c
(a + b)**2 - (a - b)**2
sin(x)**2 + cos(x)**2
sin(a)*cos(b) + cos(a)*sin(b)
x*y/(x + y)
1/(1/r + 1/s + 1/t)
log(a*b) - log(a)
-p*log(p) - (1 - p)*log(1 - p)
p*log(p/q) + (1 - p)*log((1 - p)/(1 - q))
tanh(w*x + b)
relu(w*x + b)
sigmoid(w*x + v*y + b)
(y - (w*x + b))**2
((y - a)**2 + (z - b)**2)/2
4*e*((s/r)**12 - (s/r)**6)
k*q*p/r**2
v/(1 - v**2/c**2)
m/sqrt(1 - v**2/c**2)
h*c/l/(k*T)
A*exp(-E/(R*T))
n*R*T/V
(p + a*n**2/V**2)*(V - n*b) - n*R*T
V*x/(K + x)
x**n/(K**n + x**n)
r*N*(1 - N/K)
a*x - b*x*y
I*R + L*d + q/C
sqrt(R**2 + (w*L - 1/(w*C))**2)
1/(2*3.141592653589793*sqrt(L*C))
2*3.141592653589793*sqrt(l/g)
3.141592653589793*r**2*h/3
4/3*3.141592653589793*r**3
sqrt(s*(s-a)*(s-b)*(s-c))
a*b*sin(c)/2
x1*w1 + x2*w2 + x3*w3 + b
a/b + c/d
(a/b)/(c/d)
a - (b - (c - d))
x - x**3/6 + x**5/120
1 + x + x**2/2 + x**3/6
x*exp(-x**2)
exp(-t)*cos(w*t)
A*exp(-d*t)*cos(w*t + f)
log(1 + exp(x))
x/(1 + abs(x))
x*sigmoid(b*x)
max(a*x, b*y)
a*d - b*c
a*(e*i - f*h) - b*(d*i - f*g) + c*(d*h - e*g)
(a*x + b)/(c*x + d)
x*cos(t) - y*sin(t)
sqrt(x**2 + y**2 + z**2)
a*x + b*y + c*z
(x*a + y*b)/sqrt(x**2 + y**2)
S*r*t*exp(-r*t) - K*exp(-q*t)
(a*x + b*y)/(a + b)
n*x*(1 - x)**(n - 1)
c + (a - c)*exp(-k*t)
1/(x**2 + 1) - 1/(x**2 + 2)
u*v + w/u - v/w
(x + 1)*(x + 2)*(x + 3)
""".strip().splitlines()

#: what a careful hand draws without a crossing
CLEAN = 7


def mlp(*sizes: int) -> sg.Value:
    """Return the sum of what a network gives, written in + and ×, the bias first."""
    chance = random.Random(1)

    def fresh(name: str) -> sg.Value:
        return sg.Value(round(chance.uniform(-1, 1), 2), name)

    values = [fresh(f"x{j}") for j in range(sizes[0])]
    for layer, size in enumerate(sizes[1:], 2):
        outputs = []
        for i in range(size):
            total = fresh(f"b{i}")
            for j, value in enumerate(values):
                total = total + fresh(f"w{i}{j}") * value
            outputs.append(sg.tanh(total) if layer < len(sizes) else total)
        values = outputs
    return summed(values)


def summed(values: Iterable[sg.Value]) -> sg.Value:
    total, *others = values
    for value in others:
        total = total + value
    return total


def program(steps: int, reach: int, seed: int = 1) -> sg.Value:
    """Return the sum of what nothing used of random operations on the latest results."""
    chance = random.Random(seed)
    pool = [sg.Value(round(chance.uniform(-1, 1), 2), f"x{i}") for i in range(20)]
    for _ in range(steps):
        a, b = chance.choice(pool[-reach:]), chance.choice(pool[-reach:])
        pool.append(chance.choice([a * b, a + b, a - b, sg.tanh(a)]))
    used = {id(parent) for value in pool for parent in value.parents}
    return sg.sum([value for value in pool if value.parents and id(value) not in used])


def dotted(inputs: int, *sizes: int) -> sg.Value:
    """Return what a network gives whose neurons are products of two lists."""
    model = nn.MLP(inputs, [*sizes, 1], seed=1)
    return model([sg.Value(0.1 * i, f"x{i}") for i in range(inputs)])  # type: ignore[return-value]


def trapezoid() -> sg.Value:
    a, b = sg.values(a=0.0, b=1.0)
    h = (b - a) / 4
    points = [a, a + h, a + 2 * h, a + 3 * h, b]
    f = [sg.exp(-(x * x)) for x in points]
    return h * (f[0] / 2 + f[1] + f[2] + f[3] + f[4] / 2)


def runge_kutta() -> sg.Value:
    y, h, k = sg.values(y=1.0, h=0.1, k=0.5)

    def slope(y: Any) -> Any:
        return -(k * y)

    a = slope(y)
    b = slope(y + h / 2 * a)
    c = slope(y + h / 2 * b)
    d = slope(y + h * c)
    return y + h / 6 * (a + 2 * b + 2 * c + d)


def black_scholes() -> sg.Value:
    S, K, r, s, T = sg.values(S=105.0, K=100.0, r=0.03, s=0.2, T=0.5)
    deviation = s * sg.sqrt(T)
    first = (sg.log(S / K) + (r + s**2 / 2) * T) / deviation

    def below(x: sg.Value) -> sg.Value:
        return (1 + sg.erf(x / math.sqrt(2))) / 2

    return S * below(first) - K * sg.exp(-r * T) * below(first - deviation)


def ridge() -> sg.Value:
    w, v, a = sg.values(w=0.5, v=-0.3, a=0.1)
    errors = []
    for i in range(3):
        x, z, y = (sg.Value(0.1 * i + 0.3, f"{name}{i}") for name in "xzy")
        errors.append((y - (w * x + v * z)) ** 2)
    return summed(errors) + a * (w**2 + v**2)


def layer_norm() -> sg.Value:
    xs = [sg.Value(0.2 * i - 0.3, f"x{i}") for i in range(3)]
    gain, bias = sg.values(g=1.2, b=0.1)
    mean = summed(xs) / 3
    off = [x - mean for x in xs]
    deviation = sg.sqrt(summed(one * one for one in off) / 3 + 1e-5)
    results = [gain * one / deviation + bias for one in off]
    return summed([results[0], *(y * (i + 2.0) for i, y in enumerate(results[1:]))])


def newton() -> sg.Value:
    x, a = sg.values(x=1.5, a=2.0)
    for _ in range(2):
        x = x - (x * x - a) / (2 * x)
    return x


def formula(text: str) -> sg.Value:
    """Return the value of a formula at points between 0.3 and 0.8."""
    f = sg.expression(text)
    names = f.names
    return f(**{name: sg.Value(round(0.3 + 0.5 * i / len(names), 3), name)
                for i, name in enumerate(names)})  # fmt: skip


GRAPHS: dict[str, Callable[[], sg.Value]] = {
    "MLP 2-4-4-1": lambda: mlp(2, 4, 4, 1),
    "MLP 3-6-6-1": lambda: mlp(3, 6, 6, 1),
    "MLP 4-8-8-2": lambda: mlp(4, 8, 8, 2),
    "MLP 8-16-16-4": lambda: mlp(8, 16, 16, 4),
    "program of 131": lambda: program(115, 30),
    "program of 368": lambda: program(350, 80),
    "program of 1,239": lambda: program(1220, 140),
    "trapezoid rule": trapezoid,
    "RK4 step": runge_kutta,
    "Black–Scholes": black_scholes,
    "ridge": ridge,
    "layer norm": layer_norm,
    "Newton": newton,
    **{text: (lambda text=text: formula(text)) for text in FORMULAS[:CLEAN]},  # type: ignore[misc]
    "network of 1,000": lambda: dotted(10, 20, 20, 8),
    "network of 10,000": lambda: dotted(40, 90, 60, 10),
    "network of 10,000, + and ×": lambda: mlp(12, 40, 40, 40, 4),
    "program of 1,000": lambda: program(950, 60),
    "program of 10,000": lambda: program(9800, 60),
}


def crossings(lines: list[Line]) -> int:
    """Count the crossings of broken lines, each with all others."""
    legs = [(number, *a, *b) for number, line in enumerate(lines) for a, b in pairwise(line)]
    owner, ax, ay, bx, by = np.array(sorted(legs, key=lambda leg: min(leg[1], leg[3]))).T
    left, right = np.minimum(ax, bx), np.maximum(ax, bx)
    ends = np.searchsorted(left, right, side="right")

    def side(px: Any, py: Any, qx: Any, qy: Any, rx: Any, ry: Any) -> Any:
        return (qx - px) * (ry - py) - (qy - py) * (rx - px)

    total = 0
    for i, end in enumerate(ends):
        s = slice(i + 1, end)
        one = side(ax[i], ay[i], bx[i], by[i], ax[s], ay[s])
        other = side(ax[i], ay[i], bx[i], by[i], bx[s], by[s])
        first = side(ax[s], ay[s], bx[s], by[s], ax[i], ay[i])
        second = side(ax[s], ay[s], bx[s], by[s], bx[i], by[i])
        met = (one * other < -1e-9) & (first * second < -1e-9) & (owner[s] != owner[i])
        total += int(met.sum())
    return total


def by_dot(scene: Any) -> tuple[int, float]:
    """Return the crossings of a scene as `dot` draws it, and the seconds it takes."""
    names = {id(item): f"n{index}" for index, item in enumerate(scene.items)}
    lines = ['digraph {rankdir=LR; node [shape=circle, label="", width=0.47]']
    for item in scene.items:
        if not item.is_shaped:
            lines.append(f"{names[id(item)]} [shape=plaintext, width=0.3, height=0.2]")
        lines += [f"{names[id(item)]} -> {names[id(link.target)]}" for link in item.links]
    begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        ["dot", "-Tplain"], input="\n".join([*lines, "}"]), capture_output=True, text=True,
        timeout=PATIENCE, check=True,
    )  # fmt: skip
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun
    curves = []
    for line in done.stdout.splitlines():
        kind, *fields = line.split()
        if kind == "edge":
            numbers = list(map(float, fields[3 : 3 + 2 * int(fields[2])]))
            curves.append(flattened(list(zip(numbers[::2], numbers[1::2], strict=True))))
    return crossings(curves), seconds


def flattened(points: Line) -> Line:
    """Return cubic Bézier curves as a broken line."""
    line = points[:1]
    for start in range(0, len(points) - 1, 3):
        for step in range(1, 7):
            t, u = step / 6, 1 - step / 6
            weights = u**3, 3 * t * u**2, 3 * t**2 * u, t**3
            four = list(zip(weights, points[start : start + 4], strict=True))
            line.append((sum(w * x for w, (x, _) in four), sum(w * y for w, (_, y) in four)))
    return line


def main(names: list[str]) -> None:
    sg.draw(mlp(2, 2, 1)).picture  # noqa: B018 - what is imported late is there then
    print(f"{'':32}{'items':>8}{'crossings':>11}{'dot':>8}{'seconds':>10}{'dot':>8}")
    for name, make in GRAPHS.items():
        if not names or any(part in name for part in names):
            report(name, make())
    if not names:
        shapes()


def report(name: str, root: sg.Value) -> None:
    root.backward()
    begun = time.process_time()
    drawing = sg.draw(root, fold=False, max_nodes=10**6)
    picture = drawing.picture
    seconds = time.process_time() - begun
    ours = crossings([[*a.points, a.head[1]] for a in picture.arrows if not a.backward])
    dot, dot_seconds = "-", "-"
    if shutil.which("dot"):
        try:
            count, took = by_dot(drawing._scene)
            dot, dot_seconds = f"{count:,}", f"{took:.2f}"
        except subprocess.TimeoutExpired:
            dot_seconds = f"> {PATIENCE}"
    items = len(drawing._scene.items)
    print(f"{name[:31]:32}{items:>8,}{ours:>11,}{dot:>8}{seconds:>10.2f}{dot_seconds:>8}",
          flush=True)  # fmt: skip


def shapes() -> None:
    """Print how wide the pictures of formulas are, and how many have type of 6 points."""
    aspects, small = [], []
    for text in FORMULAS:
        root = formula(text)
        root.backward()
        left, top, right, bottom = sg.draw(root).picture.box
        aspects.append((right - left) / (bottom - top))
        if right - left > PAGE:
            small.append(text)
    print(f"{len(FORMULAS)} formulas: median of width over height {statistics.median(aspects):.2f};"
          f" {len(FORMULAS) - len(small)} have type of 6 points at 160 mm")  # fmt: skip
    assert all(map(math.isfinite, aspects))


if __name__ == "__main__":
    main(sys.argv[1:])
