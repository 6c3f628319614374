"""The manners of micrograd 0.1.0, to the letter, for programs that were written for it.

Replace `from micrograd` by `from scalargrad.micrograd`, and nothing else: `.engine` has `Value`,
`.nn` has `Module`, `Neuron`, `Layer` and `MLP`. `trace` and `draw_dot` are those of its notebooks.
What differs is told in [`engine`](engine.py). New programs are better off with `scalargrad.Value`.
"""

from __future__ import annotations

from .graphs import draw_dot, trace

__all__ = ["draw_dot", "trace"]
