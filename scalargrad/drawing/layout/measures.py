"""The measures of a picture, in its own units: radii, distances, sizes of type; and its inks."""

from __future__ import annotations

from ..words.pieces import HERE, Typeset
from ..words.text import width
from ..words.wording import Labels
from . import setting
from .grid import Cell
from .items import Item

BLACK, RED, GREY, PALE = "#111", "#e00000", "#555", "#f7f7f7"
WHITE, IDLE = "#fff", "#ccc"  # of paper, and of a unit that lets nothing back

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
SIGN_MIDDLE = 0.33  # of such a sign above its baseline, over its size
WORD_SIZE = 13.0
UNDER_SIZE = 12.0  # of the two words in a circle
LINE = 16.0  # between two lines of type
REMARK_ROOM = 3.0  # more, before one that says what is so here

SMALLEST_BOX = 64.0  # height
BOX_CORNER = 9.0
PORT_MARGIN = 12.0  # between a corner and the nearest arrow
LONGEST_TITLE_LINE = 11  # characters

FRAME_EDGE = 15.0  # between a circle and the frame around it: an arrow head fits
FRAME_PAD = 8.0  # between one frame and the next
FRAME_GAP = 7.0
FRAME_TITLE = 20.0  # room for its title
FRAME_TITLE_SIZE = 12.0

BLANK_WIDTH, BLANK_HEIGHT = 46.0, 20.0  # of an empty box
BLANK_GAP = 6.5  # between an arrow and an empty box
BLANK_NUMBER_SIZE = 9.0

FORWARD_BASELINE = -OFFSET - 4.0
BACKWARD_BASELINE = OFFSET + 13.0
ASCENT, DESCENT = setting.ASCENT, setting.DESCENT  # of type, over its size

LANE_PITCH = 46.0  # between two arrows that carry both values
PORT_PITCH = 17.0  # between the ports of a tall operator
MOST_PORTS_OF_A_CIRCLE = 3
MARGIN = 18.0
LINE_GAP = 14.0  # between two lines of a wrapped picture, besides their margins
TAG_SIZE, TAG_RADIUS, TAG_GAP = 11.0, 8.0, 3.0  # of a letter in a ring; between it and its arrow


def symbol_size(symbol: str) -> float:
    """Return the size of type for a symbol: a sign such as + is larger than a word."""
    if symbol == "·":
        return 2 * SIGN_SIZE
    return SIGN_SIZE if len(symbol) == 1 else WORD_SIZE


def size_of(item: Item) -> tuple[float, float]:
    """Return width and height of an item with an outline, or of a branch dot."""
    if item.kind == "branch" and item.under is None:
        return 2 * DOT, 2 * DOT
    if item.kind == "box":
        lines = title_lines(item.text)
        wide = max(width(line, WORD_SIZE) for line in lines) + 24.0
        tall = max(SMALLEST_BOX, LINE * len(lines) + 24.0)
        return wide, max(tall, LANE_PITCH * max(item.inputs, item.outlets))
    wide = 2 * RADIUS
    if item.under is not None:
        wide = max(wide, *(width(word, UNDER_SIZE) + 18.0 for word in item.under))
    elif len(item.text) > 1:
        wide = max(wide, width(item.text, WORD_SIZE) + 9.0)
    tall = 2 * RADIUS
    if forks_at_ports(item):
        tall = 2 * RADIUS + (len(item.links) - 1) * PORT_PITCH
    if item.inputs > MOST_PORTS_OF_A_CIRCLE:
        tall = 2 * RADIUS + (item.inputs - 1) * PORT_PITCH
    return wide, tall


def title_lines(title: str) -> list[str]:
    """Return the title of a box in short lines.

    >>> title_lines("Cross Entropy Error"), title_lines("time 1")
    (['Cross', 'Entropy', 'Error'], ['time 1'])
    >>> title_lines("Affine 784\u00a0→\u00a050")
    ['Affine', '784\xa0→\xa050']
    """
    lines = [""]
    for word in title.split(" "):  # other blanks are no break
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > LONGEST_TITLE_LINE and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = joined
    return lines


def tag_width(tag: Item) -> float:
    """Return the width of a tag: of its name, or of the ring around its letter."""
    if tag.ringed:
        return max(2 * TAG_RADIUS, width(tag.text, TAG_SIZE) + TAG_RADIUS)
    return width(tag.text, NAME_SIZE)


def forks_at_ports(item: Item) -> bool:
    """Tell whether a branch in a circle gives each of its arrows a port of its own."""
    return item.kind == "branch" and item.under is not None and len(item.links) > 1


def beside(frames: int) -> float:
    """Return the room beside a column in which so many frames begin or end."""
    return FRAME_EDGE + FRAME_PAD * frames if frames else 0.0


def is_straight(item: Item) -> bool:
    """Tell whether arrows enter an item at a straight edge, each at a level of its own."""
    return item.kind == "box" or item.inputs > MOST_PORTS_OF_A_CIRCLE


def labels_width(labels: Labels) -> float:
    """Return the width of the texts of an arrow pair, or of the boxes instead of them."""
    widest = 0.0
    if labels.forward_box is None:
        widest = max(_wide(line, bold=False) for line in texts_of(labels.forward))
    if labels.backward_box is None:
        widest = max([widest, *(_wide(t, bold=True) for t in texts_of(labels.backward or ""))])
    if labels.forward_box is not None or labels.backward_box is not None:
        widest = max(widest, BLANK_WIDTH)
    return widest


def texts_of(text: str) -> list[str]:
    """Return the lines of a text, each as a text that can be set."""
    if isinstance(text, Typeset):
        return [Typeset([line]) for line in text.lines]
    return text.split("\n")


def _wide(line: str, *, bold: bool) -> float:
    if isinstance(line, Typeset):
        return setting.block(line.lines[0], SIZE, bold=bold).width
    return width(line, SIZE)


def reach_of(line: str, *, bold: bool) -> tuple[float, float]:
    """Return how far a line of type reaches above and below its baseline."""
    if not isinstance(line, Typeset):
        return ASCENT * SIZE, DESCENT * SIZE
    made = setting.block(line.lines[0], SIZE, bold=bold)
    return max(ASCENT * SIZE, made.ascent), max(DESCENT * SIZE, made.descent)


def forward_lines(text: str) -> list[tuple[str, float]]:
    """Return the lines above an arrow, the lowest first, with their baselines."""
    placed: list[tuple[str, float]] = []
    top = 0.0
    for line in reversed(texts_of(text)):
        up, down = reach_of(line, bold=False)
        if not placed:
            level = -OFFSET - 3.0 - down if setting.is_set(line) else _forward_baseline(line)
        else:
            level = min(placed[-1][1] - LINE, top - down - _between(placed[-1][0], line))
        top = level - up
        placed.append((line, level))
    return placed


def backward_lines(text: str) -> list[tuple[str, float]]:
    """Return the lines below an arrow, the highest first, with their baselines."""
    placed: list[tuple[str, float]] = []
    bottom = 0.0
    for line in texts_of(text):
        up, down = reach_of(line, bold=True)
        if not placed:
            level = OFFSET + 3.5 + up if setting.is_set(line) else _backward_baseline(line)
        else:
            step = LINE + (REMARK_ROOM if line.startswith(HERE) else 0.0)
            level = max(placed[-1][1] + step, bottom + up + _between(placed[-1][0], line))
        bottom = level + down
        placed.append((line, level))
    return placed


def _between(one: str, other: str) -> float:
    """Return the room between two lines: more beside a fraction, which has no room of its own."""
    return 4.0 if setting.is_set(one) or setting.is_set(other) else 1.5


def _forward_baseline(text: str) -> float:
    """Return where a text stands above a line: higher where letters reach below the baseline."""
    reaches = any(character.isalpha() or character in "(),[]|" for character in text)
    return FORWARD_BASELINE - (2.5 if reaches else 0.0)


def _backward_baseline(text: str) -> float:
    """Return where a text stands below a line: lower where letters are taller than digits."""
    return BACKWARD_BASELINE + (2.0 if any(c.isalpha() or c == "∂" for c in text) else 0.0)


def clearance(cell: Cell) -> tuple[float, float]:
    """Return how much room a cell needs above and below its level."""
    if cell.kind == "top":
        return FRAME_GAP, FRAME_TITLE
    if cell.kind == "bottom":
        return FRAME_GAP, FRAME_GAP
    up = down = 9.0
    if cell.labels is not None:
        forward, backward = cell.labels.forward, cell.labels.backward
        line, level = forward_lines(forward)[-1]
        up = reach_of(line, bold=False)[0] - level + 3.0
        if backward is not None:
            line, level = backward_lines(backward)[-1]
            down = reach_of(line, bold=True)[1] + level + 3.0
        room = OFFSET + BLANK_GAP + BLANK_HEIGHT + 3.0
        up = room if cell.labels.forward_box is not None else up
        down = room if cell.labels.backward_box is not None else down
    if cell.item is not None and cell.item.is_shaped:
        half = size_of(cell.item)[1] / 2 + 9.0
        up, down = max(up, half), max(down, half)
    elif cell.item is not None and cell.item.text:
        up, down = max(up, 12.0), max(down, 12.0)
    return up, down
