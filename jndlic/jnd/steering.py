"""A tolerance map that steers the encoder: relative to the picture's own map it becomes a plane of
qualities.

    own map, the user's map ──► log2 of their ratio, mean of each 32 x 32 block
                            ──► octaves of the quantisation step
    octaves (regions.py has more of them), base quality
                            ──► the quality of each block whose step is nearest

The network itself always sees the picture's own map: it was trained with no other, so its behaviour
on one is unknown. A larger quality gives smaller steps, so a larger tolerance never gives a finer
block.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jndlic.format.grid import JND_STRIDE, plane_shape
from jndlic.format.quality import Quality, quality_of

FLOOR = 0.5
"""Grey levels: less than that is no error at all once pixels are rounded. Zeros count as this
much.
"""

_TIE = 1e-4
"""Octaves by which each quality counts as finer than the one before it where their steps are the
same; far more than the rounding errors of the logarithms, so that a picture's own map leaves the
base alone."""


def step_octaves(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How many times a map asks for twice the step that the picture's own map stands for.

    Args:
        own: the picture's map, (H, W, 3) grey levels.
        other: the map that steers, same shape; finite and not negative.

    Returns:
        (2 rows, 2 columns) float64: log2 of the ratio of both maps, each at least FLOOR, mean over
        the block's pixels and channels. The last row and column of the picture are repeated beyond
        its border.
    """

    def ratio(low: int, high: int) -> np.ndarray:
        octaves = np.log2(np.maximum(other[low:high], FLOOR)) - np.log2(
            np.maximum(own[low:high], FLOOR)
        )
        return octaves.mean(2, dtype=np.float64)

    return block_means(ratio, *own.shape[:2])


def block_means(values: Callable[[int, int], np.ndarray], height: int, width: int) -> np.ndarray:
    """Means of the blocks of 32 x 32 pixels of a picture whose last row and column are repeated
    beyond its border.

    Args:
        values: float64 (rows, width) of the picture's rows from one number to before another: in
            bands, since what is averaged would be as large as the picture.
        height, width: of the picture.

    Returns:
        (2 rows, 2 columns) float64, the grid of a plane of qualities.
    """
    rows, columns = plane_shape(height, width, JND_STRIDE)
    means = np.empty((rows, columns))
    for row in range(rows):
        inside = np.clip(np.arange(row * JND_STRIDE, (row + 1) * JND_STRIDE), 0, height - 1)
        low, high = inside[0], inside[-1] + 1
        profile = values(low, high)[inside - low].mean(0)
        means[row] = (
            np.pad(profile, (0, columns * JND_STRIDE - width), "edge")
            .reshape(columns, JND_STRIDE)
            .mean(1)
        )
    return means


def steered_quality(base: int, octaves: np.ndarray, levels: np.ndarray) -> Quality:
    """The quality of each block.

    Args:
        base: 1..100, that of blocks with 0 octaves.
        octaves: of `step_octaves`.
        levels: (100,) log2 of the quantisation step of qualities 1 to 100, mean over the channels.
            Where it rises with the quality, the step of the quality below counts.

    Returns:
        For each block the quality whose step is nearest to the base's times 2^octaves; 1 or 100
        beyond their reach.
    """
    falling = np.minimum.accumulate(levels) - _TIE * np.arange(len(levels))
    borders = 0.5 * (falling[1:] + falling[:-1])  # between quality i + 1 and i + 2
    wanted = falling[base - 1] + octaves
    return quality_of(base, 1 + np.searchsorted(-borders, -wanted))
