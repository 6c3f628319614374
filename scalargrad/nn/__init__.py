"""Layers and networks; `nn.book` has those of the book under the book's names."""

from __future__ import annotations

from collections.abc import Callable

from . import book
from .layers import (
    MLP,
    Affine,
    Embedding,
    Layer,
    Neuron,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
    TwoLayerNet,
)
from .module import Module

__all__ = [
    "MLP",
    "Affine",
    "Embedding",
    "Layer",
    "Module",
    "Neuron",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "TwoLayerNet",
    "book",
]
__dir__: Callable[[], list[str]] = __all__.copy
