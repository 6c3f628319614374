"""Pictures of graphs, step by step: select what, with which texts, where; then write it out."""

from .page.walkthrough import Walkthrough, walkthrough
from .pictures import Drawing, check_answers, draw, draw_dot

__all__ = ["Drawing", "Walkthrough", "check_answers", "draw", "draw_dot", "walkthrough"]
