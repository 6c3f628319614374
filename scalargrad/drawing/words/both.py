"""The texts of a picture in symbols over numbers."""

from __future__ import annotations

from dataclasses import replace

from ..select.graph import Constant, Flow, Use
from .numbers import Numbers
from .pieces import parted, stacked
from .symbols import Symbols
from .wording import Labels


class Both:
    """Symbols over numbers."""

    def __init__(self, symbols: Symbols, numbers: Numbers) -> None:
        self.symbols = symbols
        self.numbers = numbers

    def flow(self, flow: Flow) -> Labels:
        """Return both texts of what comes out, one above the other; a remark stands last."""
        return self._joined(self.symbols.flow(flow), self.numbers.flow(flow), flow)

    def use(self, use: Use) -> Labels:
        """Return both texts of an arrow, one above the other."""
        return self._joined(self.symbols.use(use), self.numbers.use(use), use.flow)

    def _joined(self, above: Labels, below: Labels, flow: Flow) -> Labels:
        if flow.named is not None:
            return above
        forward = self.numbers.value(flow)
        if above.forward == self.name(flow):  # it stands before the arrow
            above = replace(above, forward=forward)
        forward = above.forward if above.forward == forward else stacked(above.forward, forward)
        backward = below.backward
        if backward is not None and above.backward not in (None, backward):
            formula, remarks = parted(above.backward or "")
            backward = stacked(*dict.fromkeys([formula, backward]), *remarks)
        return Labels(forward, backward)

    def constant(self, constant: Constant) -> str:
        """Return a plain number, or the shape of several."""
        return self.symbols.constant(constant)

    def name(self, flow: Flow) -> str:
        """Return the name of a leaf or of a bundle of them."""
        return self.symbols.name(flow)

    def is_fixed(self, flow: Flow) -> bool:
        """Tell whether all that flows are constants of this picture."""
        return self.numbers.is_fixed(flow)
