"""The measures of a picture, in its own units: radii, distances, sizes of type; and its inks."""

from __future__ import annotations

from .columns import Cell
from .scene import Item
from .text import width

BLACK, RED, GREY = "#111", "#e00000", "#555"

RADIUS = 17.0  # of an operator's circle
OFFSET = 3.4  # of either arrow from the centre line
DOT = 3.2  # radius of a branch dot
LEG = 30.0  # width of a slanted leg
STEEPEST = 1.7  # height of a leg over its width
CORNER = 6.0
FORWARD_HEAD = (9.0, 7.0)
BACKWARD_HEAD = (10.0, 10.0)
FORWARD_STROKE = 1.1
BACKWARD_STROKE = 2.6

SIZE = 14.0  # of a value
NAME_SIZE = 16.0
SIGN_SIZE = 19.0  # of a symbol that is one sign
WORD_SIZE = 13.0

BLANK_WIDTH, BLANK_HEIGHT = 46.0, 20.0  # of an empty box
BLANK_GAP = 6.5  # between an arrow and an empty box
BLANK_NUMBER_SIZE = 9.0

FORWARD_BASELINE = -OFFSET - 4.0
BACKWARD_BASELINE = OFFSET + 13.0
ASCENT, DESCENT = 0.72, 0.24  # of type, over its size

LANE_PITCH = 46.0  # between two arrows that carry both values
PORT_PITCH = 17.0  # between the ports of a tall operator
MOST_PORTS_OF_A_CIRCLE = 3
MARGIN = 18.0


def symbol_size(symbol: str) -> float:
    """Return the size of type for a symbol: a sign such as + is larger than a word."""
    if symbol == "·":
        return 2 * SIGN_SIZE
    return SIGN_SIZE if len(symbol) == 1 else WORD_SIZE


def size_of(item: Item) -> tuple[float, float]:
    """Return width and height of an operator: a circle, longer for a word or many inputs."""
    wide = 2 * RADIUS
    if len(item.text) > 1:
        wide = max(wide, width(item.text, WORD_SIZE) + 9.0)
    tall = 2 * RADIUS
    if item.inputs > MOST_PORTS_OF_A_CIRCLE:
        tall = 2 * RADIUS + (item.inputs - 1) * PORT_PITCH
    return wide, tall


def forward_baseline(text: str) -> float:
    """Return where a text stands above a line: higher where letters reach below the baseline."""
    return FORWARD_BASELINE - (2.5 if any(character.isalpha() for character in text) else 0.0)


def clearance(cell: Cell) -> tuple[float, float]:
    """Return how much room a cell needs above and below its level."""
    up = down = 9.0
    if cell.labels is not None:
        up = -forward_baseline(cell.labels.forward) + ASCENT * SIZE + 3.0
        if cell.labels.backward is not None:
            down = BACKWARD_BASELINE + DESCENT * SIZE + 3.0
        room = OFFSET + BLANK_GAP + BLANK_HEIGHT + 3.0
        up = room if cell.labels.forward_box is not None else up
        down = room if cell.labels.backward_box is not None else down
    if cell.item is not None and cell.item.is_circled:
        half = size_of(cell.item)[1] / 2 + 9.0
        up, down = max(up, half), max(down, half)
    elif cell.item is not None and cell.item.text:
        up, down = max(up, 12.0), max(down, 12.0)
    return up, down
