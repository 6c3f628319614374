"""micrograd's networks: the same weights for the same seed of `random`, the same sums."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .engine import Value

__all__ = ["MLP", "Layer", "Module", "Neuron", "Value", "random"]


class Module:
    """Have parameters, whose gradients can be set to 0."""

    def zero_grad(self) -> None:
        """Set every gradient to 0."""
        for parameter in self.parameters():
            parameter.grad = 0

    def parameters(self) -> list[Any]:
        """Return the parameters: none, unless a subclass says which."""
        return []


class Neuron(Module):
    """Compute relu(b + w·x), or b + w·x where `nonlin` is false."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w: list[Value] = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b: Value = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Any]) -> Any:
        products = (weight * number for weight, number in zip(self.w, x, strict=False))
        total = sum(products, self.b)
        return total.relu() if self.nonlin else total

    def parameters(self) -> list[Any]:
        """Return the weights, and the bias last."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Hold neurons that see the same inputs; one neuron gives one Value, not a list."""

    def __init__(self, nin: int, nout: int, **kwargs: Any) -> None:
        self.neurons: list[Neuron] = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence[Any]) -> Any:
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs if len(outputs) != 1 else outputs[0]

    def parameters(self) -> list[Any]:
        """Return the parameters of the neurons, one neuron after the other."""
        return [parameter for neuron in self.neurons for parameter in neuron.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Chain layers: relu in all but the last."""

    def __init__(self, nin: int, nouts: list[int]) -> None:
        last = len(nouts) - 1
        self.layers: list[Layer] = [
            Layer(width, nout, nonlin=index != last)
            for index, (width, nout) in enumerate(pairwise([nin, *nouts]))
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Any]:
        """Return the parameters of the layers, from the first to the last."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"
