"""Blocks of a picture: their errors, and which of them look like nothing that a camera takes.

The test reads pixels alone, a band of rows at a time, and costs a few percent of encoding. It finds
three kinds of blocks, with thresholds that hardly any block of a photo reaches:

- fine: brightness goes up and down from pixel to pixel, as in stripes of one pixel;
- sharp: strong edges between pixels that are exactly equal, as in text;
- flat: nearly all pixels equal their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jndlic.format.container import DEPTH_MIN
from jndlic.images.depth import to_levels

BLOCK = 64
"""Side of a block in pixels; those at the right and lower border may be smaller."""

_FINE = 14000.0
"""Mean square of second differences, in grey levels."""

_SHARP, _SHARP_EQUAL = 1500.0, 0.4
"""The same, and the share of pairs of neighbours that are equal, in both directions."""

_MIXED, _MIXED_EQUAL = 3000.0, 0.1
"""The same of a block that is sharp in a part; one of a photo may well be so."""

_FLAT_EQUAL = 0.95
_RIM = 24
"""Pixels of a narrow block, at most."""

_SKIPPED = 2
"""Each second row tells enough of pairs in a row, and each second column of pairs in a column."""


def block_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of blocks of a picture with these sides in pixels."""
    return -(-height // BLOCK), -(-width // BLOCK)


class Looks(NamedTuple):
    """What blocks look like: bool, one value for each block."""

    suspicious: np.ndarray
    """Fine, sharp or flat."""
    mixed: np.ndarray
    """Perhaps in a part: tells something beside a block that is suspicious only."""


def looks(pixels: np.ndarray, depth: int = DEPTH_MIN) -> Looks:
    """What the blocks of a picture look like.

    Args:
        pixels: (H, W, 3), uint8, or uint16 where there are more bits: a slow gradient is flat in 8
            bits and is not in more.
        depth: bits of a channel.
    """
    height, width = pixels.shape[:2]
    found, mixed = (np.zeros(block_shape(height, width), dtype=bool) for _ in range(2))
    for row, band in _bands(pixels):
        band = band if depth == DEPTH_MIN else to_levels(band, depth)
        across = _differences(band[::_SKIPPED], width)
        down = _differences(band[:, ::_SKIPPED].swapaxes(0, 1), width, across=False)
        second = np.maximum(across[0], down[0])
        equal = np.minimum(across[1], down[1])
        sharp = (second > _SHARP) & (equal > _SHARP_EQUAL)
        found[row] = (second > _FINE) | sharp | (equal > _FLAT_EQUAL)
        mixed[row] = (second > _MIXED) & (equal > _MIXED_EQUAL)
    mark_rims(found, height, width)
    return Looks(found, mixed)


def mark_rims(marked: np.ndarray, height: int, width: int) -> None:
    """Marks narrow blocks at the right and lower border as their neighbours are marked: too few
    pixels tell too little.

    Args:
        marked: bool, one value for each block, changed in place.
        height, width: of the picture, in pixels.
    """
    if 0 < width % BLOCK < _RIM and marked.shape[1] > 1:
        marked[:, -1] = marked[:, -2]
    if 0 < height % BLOCK < _RIM and marked.shape[0] > 1:
        marked[-1] = marked[-2]


def block_errors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Mean squared error of each block.

    Args:
        first, second: uint8 (H, W, 3).

    Returns:
        float64, one value for each block, in squared grey levels.
    """
    height, width = first.shape[:2]
    errors = np.empty(block_shape(height, width))
    starts = np.arange(0, width, BLOCK)
    for row, band in _bands(first):
        other = second[row * BLOCK : row * BLOCK + len(band)]
        square = np.square(band.astype(np.int32) - other).sum((0, 2))
        columns = np.diff(np.append(starts, width))
        errors[row] = np.add.reduceat(square, starts) / (columns * len(band) * 3)
    return errors


def _bands(pixels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for row in range(-(-len(pixels) // BLOCK)):
        yield row, pixels[row * BLOCK : (row + 1) * BLOCK]


def _differences(
    band: np.ndarray, width: int, across: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Of the blocks of a band: mean square of second differences, and share of equal neighbours.

    Args:
        band: (lines, pixels of a line, 3); neighbours stand side by side in a line.
        width: of the picture.
        across: whether the lines are rows; else they are columns.
    """
    whole = band.dtype == np.uint8  # else float32
    first = np.diff(band.astype(np.int16) if whole else band, axis=1)
    second = np.diff(first, axis=1)
    second = second.astype(np.int32) if whole else second
    square = np.square(second).mean(2) if second.size else np.zeros((len(band), 1))
    equal = ~first.any(2) if first.size else np.ones((len(band), 1), dtype=bool)
    if across:
        return _means(square.mean(0), width, BLOCK), _means(equal.mean(0), width, BLOCK)
    size = BLOCK // _SKIPPED
    return _means(square.mean(1), width, size), _means(equal.mean(1), width, size)


def _means(values: np.ndarray, width: int, size: int) -> np.ndarray:
    """Means of blocks along a line; a block of which nothing is left has what is before it."""
    starts = np.arange(-(-width // BLOCK)) * size
    starts = np.minimum(starts, len(values) - 1)
    ends = np.append(starts[1:], len(values))
    return np.add.reduceat(values, starts) / np.maximum(ends - starts, 1)
