"""Training: fit, on graphs and on tapes, and its objectives."""
