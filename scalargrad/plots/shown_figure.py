"""A matplotlib figure that a notebook shows by itself, in a fresh kernel too."""

from __future__ import annotations

import io

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

#: pixels of the picture for each that it takes on a page: sharp on a dense screen
DENSITY = 2


class ShownFigure(Figure):
    """A figure that says how it is shown.

    Of others IPython knows that only once `matplotlib.pyplot` is there, which keeps every figure
    alive and asks for a display.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=DENSITY * self.dpi)
        width, height = map(int, self.bbox.size)
        return content.getvalue(), {"width": width, "height": height}


def figure(size: tuple[float, float]) -> ShownFigure:
    """Return an empty figure of a size in inches."""
    edges = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    return ShownFigure(figsize=size, layout=edges, facecolor="white")
