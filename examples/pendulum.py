"""Where a pendulum is after ten seconds, and what that depends on: gradients through an integrator.

400 steps of Runge and Kutta, written as in any textbook; the gradient of the end state runs back
through all of them. There is no friction, so areas of states are kept: up to the error of the
method, the Jacobian of the end state has the determinant 1.
"""

import scalargrad as sg
from scalargrad import math

SECONDS, STEPS, GRAVITY = 10.0, 400, 9.81


def motion(state, length):
    """Return how fast angle and speed change."""
    angle, speed = state
    return speed, -GRAVITY / length * math.sin(angle)


def end_state(angle, speed, length):
    """Integrate by the classical method of fourth order."""
    state, h = (angle, speed), SECONDS / STEPS
    for _ in range(STEPS):
        k1 = motion(state, length)
        k2 = motion([s + h / 2 * k for s, k in zip(state, k1, strict=True)], length)
        k3 = motion([s + h / 2 * k for s, k in zip(state, k2, strict=True)], length)
        k4 = motion([s + h * k for s, k in zip(state, k3, strict=True)], length)
        state = tuple(
            s + h / 6 * (a + 2 * b + 2 * c + d)
            for s, a, b, c, d in zip(state, k1, k2, k3, k4, strict=True)
        )
    return state


def end_angle(angle, speed, length):
    """Return the first of both."""
    return end_state(angle, speed, length)[0]


start = 2.0, 0.0, 1.0  # radians, radians a second, metres
angle, speed = end_state(*start)
by_angle, by_speed, by_length = sg.grad(end_angle, (0, 1, 2))(*start)
print(f"after {SECONDS:g} s: angle {angle:.6f}, speed {speed:.6f}")
print(f"d angle / d first angle  {by_angle: .6f}")
print(f"d angle / d first speed  {by_speed: .6f}")
print(f"d angle / d length       {by_length: .6f}")

(aa, as_), (sa, ss) = sg.jacobian(end_state, (0, 1))(*start)
print(f"determinant {aa * ss - as_ * sa:.5f}")
print(sg.check_gradients(end_angle, *start))
