"""A pole on a cart swings up in two seconds with the least effort: optimal control by shooting.

The force is a constant in each of 40 intervals. One compiled function runs the whole motion; SciPy
gets its exact gradient, and the exact Jacobian of where the motion ends, which must be one metre
to the right, upright, at rest. An integrator with error control then runs the same forces.
"""

import sys

import scalargrad as sg
from scalargrad import math

try:
    import numpy as np
    from scipy.integrate import solve_ivp
    from scipy.optimize import minimize
except ImportError:
    sys.exit('swing_up: run: python3 -m pip install ".[solvers]" in the checkout')

CART, POLE, LENGTH, GRAVITY = 1.0, 0.3, 0.5, 9.81  # kilograms, metres
SECONDS, INTERVALS = 2.0, 40
STEP = SECONDS / INTERVALS
START, END = [0.0, 0.0, 0.0, 0.0], [1.0, math.pi, 0.0, 0.0]  # place, angle, and their speeds


def motion(time, state, force):
    """Return how fast place, angle and both speeds change; at angle 0 the pole hangs."""
    _, angle, speed, turning = state
    s, c = math.sin(angle), math.cos(angle)
    pull = force + POLE * s * (LENGTH * turning**2 + GRAVITY * c)
    faster = pull / (CART + POLE * s**2)
    return [speed, turning, faster, -(faster * c + GRAVITY * s) / LENGTH]


def moved(state, rates, h):
    """Return the state after a short time."""
    return [s + h * r for s, r in zip(state, rates, strict=True)]


@sg.compile
def miss(forces):
    """Return how far from its goal the motion ends, by the method of Runge and Kutta."""
    state = START
    for force in forces:
        a = motion(0, state, force)
        b = motion(0, moved(state, a, STEP / 2), force)
        c = motion(0, moved(state, b, STEP / 2), force)
        d = motion(0, moved(state, c, STEP), force)
        rates = [(p + 2 * q + 2 * r + s) / 6 for p, q, r, s in zip(a, b, c, d, strict=True)]
        state = moved(state, rates, STEP)
    return [s - end for s, end in zip(state, END, strict=True)]


@sg.compile
def effort(forces):
    """Return the square of the force, over time."""
    return sum(f**2 for f in forces) * STEP


arrive = {"type": "eq", "fun": lambda u: miss(u.tolist()), "jac": sg.jacobian(miss)}
best = minimize(
    sg.value_and_grad(effort), np.zeros(INTERVALS), jac=True,
    method="SLSQP", constraints=arrive, options={"maxiter": 300},
)  # fmt: skip

state, by_state = START, sg.jacobian(motion, argnums=1)
for force in best.x:
    interval = {"t_span": (0.0, STEP), "y0": state, "args": (force,)}
    run = solve_ivp(motion, **interval, method="Radau", jac=by_state, rtol=1e-9, atol=1e-10)
    state = run.y[:, -1]

print(f"{best.message}: {best.nit} steps, {best.nfev} calls")
print(f"effort {best.fun:.3f}, missed by {max(map(abs, miss(best.x.tolist()))):.1e}")
print(f"by Radau: place {state[0]:.4f}, angle {state[1]:.4f}, speeds {state[2]:.4f} {state[3]:.4f}")
print("forces", *(f"{force:.3f}" for force in best.x))
