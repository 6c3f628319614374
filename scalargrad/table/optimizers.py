"""The rules of the optimisers, one row each: how a number `w` moves by its gradient `g`.

They are formulas like those of the operation table; what is kept is bound anew, and the last
expression is the new number.
"""

from __future__ import annotations

from .row import rule

_DECAYED = "g = where(decay == 0, g, g + decay * w);"
_ADAM = (
    "means = means + (1 - first) * (g - means);"
    "squares = second * squares + (1 - second) * g * g;"
    "w - rate * (means / (sqrt(squares) / unbias + eps))"
)

SGD = rule(
    "sgd",
    kept=("velocity",),
    settings=("lr", "decay", "momentum", "nesterov"),
    text=_DECAYED + "velocity = where(momentum == 0, velocity, momentum * velocity + g);"
    "d = where(momentum == 0, g, where(nesterov == 0, velocity, g + momentum * velocity));"
    "w - lr * d",
)
ADAGRAD = rule(
    "adagrad",
    kept=("squares",),
    settings=("lr", "decay", "eps"),
    text=_DECAYED + "squares = squares + g * g; w - lr * (g / (sqrt(squares) + eps))",
)
RMSPROP = rule(
    "rmsprop",
    kept=("squares", "means", "velocity"),
    settings=("lr", "decay", "alpha", "eps", "momentum", "centered"),
    # a variance that rounding made negative has no root: nan, as in PyTorch
    text=_DECAYED + "squares = alpha * squares + (1 - alpha) * g * g;"
    "means = where(centered == 0, means, means + (1 - alpha) * (g - means));"
    "spread = where(centered == 0, squares, squares - means * means);"
    "d = g / (sqrt(spread) + eps);"
    "velocity = where(momentum == 0, velocity, momentum * velocity + d);"
    "w - lr * where(momentum == 0, d, velocity)",
)
ADAM = rule(
    "adam",
    kept=("means", "squares"),
    settings=("decay", "first", "second", "rate", "unbias", "eps"),
    text=_DECAYED + _ADAM,
)
ADAMW = rule(
    "adamw",
    kept=("means", "squares"),
    settings=("shrunk", "first", "second", "rate", "unbias", "eps"),
    text="w = w * shrunk;" + _ADAM,
)
