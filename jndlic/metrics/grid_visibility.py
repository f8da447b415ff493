"""How visible a codec's block grid is: steps of the error across the borders of blocks beside steps
elsewhere.

    error = luma(decoded) − luma(original)
    steps = |error[x + 1] − error[x]|, along rows and along columns
    grid  = mean of the steps across a border of the 16-pixel grid
            / mean of the steps across no border of the 8-pixel grid

A measure of our own for one kind of fault, no measure of quality: 1 means that borders are like any
other place, whatever the error; well above 1, blocks show in skies and dark walls. The grid is
counted from the picture's upper left corner, where every codec here begins its blocks.
"""

from __future__ import annotations

import math

import numpy as np

from jndlic.luma import LUMA
from jndlic.metrics.pairs import check_pair

GRID = "grid-visibility"
BLOCK = 16
"""Pixels: what the latents of jndlic, the macroblocks of WebP and the chroma blocks of 4:2:0 JPEG
have in common.
"""
INNER = 8
"""Steps across borders of this finer grid are left out: blocks of 8 pixels would raise what is
compared with.
"""


def grid_visibility(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Mean step of the luma error across a border of the 16-pixel grid over the mean step away from
    any 8-pixel border.

    1 where no grid shows, larger where it does; 1 for equal pictures and for an error without any
    step, infinite where the only steps are on borders. NaN for pictures with both sides of 16
    pixels or less, which have no border of the grid.

    Args:
        reference: (H, W, 3) uint8 of RGB.
        distorted: likewise.

    Raises:
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    error = (distorted.astype(np.float64) - reference) @ np.array(LUMA)
    border, elsewhere = [], []
    for plane in (error, error.T):
        steps = np.abs(np.diff(plane, axis=1))
        behind = np.arange(1, plane.shape[1])  # a step leads from the pixel before to this one
        border.append(steps[:, behind % BLOCK == 0].ravel())
        elsewhere.append(steps[:, behind % INNER != 0].ravel())
    across, away = np.concatenate(border), np.concatenate(elsewhere)
    if not len(across):
        return math.nan
    if not away.any():
        return math.inf if across.any() else 1.0
    return float(across.mean() / away.mean())
