"""Reach a point with an arm of three links: NumPy's own functions, on arrays of Values."""

import sys

import scalargrad as sg

try:
    import numpy as np
except ImportError:
    sys.exit('robot_arm: needs NumPy; run: python3 -m pip install ".[arrays]" in the checkout')

LENGTHS = np.array([1.0, 0.8, 0.5])
TARGET = np.array([0.9, 1.4])


def hand(angles):
    """Return where the hand is; each angle is measured from the link before."""
    directions = np.cumsum(angles)
    return np.array([LENGTHS @ np.cos(directions), LENGTHS @ np.sin(directions)])


def bearing(angles):
    """Return in which direction the hand is, from 0 to 360 degrees."""
    x, y = hand(angles)
    return np.degrees(np.arctan2(y, x)) % 360


def freedom(angles):
    """Return how far the arm is from a pose in which its hand cannot go in every direction."""
    jacobian = sg.jacobian(hand)(angles)
    return np.sqrt(sg.linalg.det(jacobian @ jacobian.T))


def reach(target, angles):
    """Follow the Jacobian to a point, by the smallest turns that lead there."""
    for _ in range(20):
        angles = angles + np.linalg.pinv(sg.jacobian(hand)(angles)) @ (target - hand(angles))
    return angles


angles = reach(TARGET, np.array([2.0, -1.0, -1.5]))
print("angles", *(f"{np.degrees(angle):.3f}" for angle in angles))
print(f"{np.hypot(*(hand(angles) - TARGET)):.0e} from the target")

direction, by_angles = sg.value_and_grad(bearing)(angles)
print(f"direction {direction:.3f} degrees, by each angle", *(f"{each:.4f}" for each in by_angles))

value, slope = sg.value_and_grad(freedom)(angles)
print(f"freedom {value:.4f}, by each angle", *(f"{each:.4f}" for each in slope))

# turn in place, along what the Jacobian does not see, until no such turn gives more freedom
for _ in range(40):
    still = np.linalg.svd(sg.jacobian(hand)(angles))[2][-1]
    gain = still @ sg.grad(freedom)(angles)
    angles = reach(TARGET, angles + gain * still)
print("turned in place", *(f"{np.degrees(angle):.3f}" for angle in angles))
print(f"freedom {freedom(angles):.4f}, a turn in place adds {abs(gain):.0e}")
