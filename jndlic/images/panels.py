"""Maps side by side as a picture, each with its legend; drawn by Pillow alone.

values of blocks ─► colours ─► squares, below a title and above a bar from the lowest value to the
highest
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

MARGIN = 16
"""Pixels around and between panels."""

BAR = 14
"""Height of a legend's bar in pixels."""

LINE = 20
"""Height of a line of text in pixels."""

PANEL_WIDTH = 360
"""Pixels: of the text, and about what a map takes."""

PANEL_HEIGHT = 1080
"""Pixels: what a tall map takes at most, unless its squares cannot be smaller."""

SQUARE_MAX = 32
"""Pixels: side of the largest square of a map."""

_FONT_SIZE = 13

_ANCHORS = np.array(
    [
        (0x44, 0x01, 0x54),
        (0x47, 0x2D, 0x7B),
        (0x3B, 0x52, 0x8B),
        (0x2C, 0x72, 0x8E),
        (0x21, 0x91, 0x8C),
        (0x28, 0xAE, 0x80),
        (0x5E, 0xC9, 0x62),
        (0xAD, 0xDC, 0x30),
        (0xFD, 0xE7, 0x25),
    ],
    dtype=np.float64,
)
"""Every eighth of viridis (S. van der Walt, N. Smith, 2015), whose lightness rises evenly."""


class Panel(NamedTuple):
    """One map."""

    title: str
    values: np.ndarray
    """(rows, columns), of any panel a multiple of the smallest one's."""
    low: float
    """Value of the darkest colour."""
    high: float
    """Value of the brightest colour."""


class Place(NamedTuple):
    """Where the parts of a panel lie in the drawing, in pixels."""

    left: int
    map_top: int
    map_width: int
    map_height: int
    bar_top: int


def shades(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Colours of values.

    Args:
        values: of any shape.
        low, high: what the darkest and the brightest colour stand for; beyond them they stay.

    Returns:
        uint8 (*shape, 3).
    """
    share = np.clip((np.asarray(values, np.float64) - low) / ((high - low) or 1.0), 0.0, 1.0)
    place = np.linspace(0.0, 1.0, len(_ANCHORS))
    channels = [np.interp(share, place, anchors) for anchors in _ANCHORS.T]
    return np.rint(np.stack(channels, -1)).astype(np.uint8)


def places(panels: Sequence[Panel]) -> list[Place]:
    """Where panels lie in the drawing of `drawn`, from left to right."""
    rows, columns = (min(one.values.shape[axis] for one in panels) for axis in (0, 1))
    finest = max(one.values.shape[1] // columns for one in panels)
    square = min(SQUARE_MAX, PANEL_WIDTH // columns, PANEL_HEIGHT // rows)
    square = max(1, square // finest) * finest  # which finer squares divide evenly
    width, height = columns * square, rows * square
    pitch = max(width, PANEL_WIDTH) + MARGIN
    top = MARGIN + LINE
    return [
        Place(MARGIN + number * pitch, top, width, height, top + height + MARGIN // 2)
        for number in range(len(panels))
    ]


def drawn(panels: Sequence[Panel]) -> np.ndarray:
    """Panels side by side.

    Args:
        panels: one or more, of one picture.

    Returns:
        uint8 (H, W, 3).
    """
    every = places(panels)
    last = every[-1]
    width = last.left + max(last.map_width, PANEL_WIDTH) + MARGIN
    image = Image.new("RGB", (width, last.bar_top + BAR + LINE + MARGIN // 2), "white")
    draw, font = ImageDraw.Draw(image), _font()
    for panel, place in zip(panels, every):
        squares = Image.fromarray(shades(panel.values, panel.low, panel.high))
        whole = place.map_width, place.map_height
        image.paste(squares.resize(whole, Image.Resampling.NEAREST), (place.left, place.map_top))
        bar = shades(np.linspace(0.0, 1.0, PANEL_WIDTH)[None].repeat(BAR, 0), 0.0, 1.0)
        image.paste(Image.fromarray(bar), (place.left, place.bar_top))
        draw.text((place.left, MARGIN // 2), panel.title, "black", font)
        for share in (0.0, 0.5, 1.0):
            text = f"{panel.low + share * (panel.high - panel.low):.3g}"
            shift = share * (PANEL_WIDTH - draw.textlength(text, font))
            draw.text((place.left + shift, place.bar_top + BAR + 2), text, "black", font)
    return np.asarray(image)


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow without FreeType has one font of one size
    return ImageFont.load_default(_FONT_SIZE if features.check("freetype2") else None)
