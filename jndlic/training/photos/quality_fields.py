"""Qualities of training crops: half of them constant, a quarter with a rectangle of another
quality, a quarter that fall or rise.

What users ask for has such shapes: a region that matters, a tolerance that follows the content. The
other quality lies within 45 of the first; about nine octaves of lambda lie between 1 and 100.
"""

from __future__ import annotations

import math

import numpy as np

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.format.grid import JND_STRIDE

DRAWS = 8
"""Random numbers that a field takes."""

CONSTANT, RECTANGLE = 0.5, 0.75
"""Upper ends of the shares of the first two kinds."""

REACH = 45.0
"""Largest difference of quality within a crop."""


def quality_fields(draws: np.ndarray, side: int) -> np.ndarray:
    """Planes of qualities.

    Args:
        draws: (B, 8) uniform random numbers below 1.
        side: of the crops in pixels, a multiple of 32.

    Returns:
        (B, side / 32, side / 32) int64, 1..100.
    """
    count = side // JND_STRIDE
    fields = np.stack([_field(draw, count) for draw in draws])
    return np.clip(np.floor(fields), QUALITY_MIN, QUALITY_MAX).astype(np.int64)


def _field(draw: np.ndarray, count: int) -> np.ndarray:
    span = QUALITY_MAX - QUALITY_MIN + 1
    first = QUALITY_MIN + draw[0] * span
    second = first + REACH * (2.0 * draw[2] - 1.0)
    if draw[1] < CONSTANT:
        return np.full((count, count), first)
    if draw[1] < RECTANGLE:
        field = np.full((count, count), first)
        top, left = (int(value * count) for value in draw[3:5])
        bottom, right = (
            start + 1 + int(value * (count - start)) for start, value in zip((top, left), draw[5:7])
        )
        field[top:bottom, left:right] = second
        return field
    angle = 2.0 * math.pi * draw[3]
    places = np.arange(count) - 0.5 * (count - 1)
    along = math.cos(angle) * places[:, None] + math.sin(angle) * places[None, :]
    share = (along - along.min()) / max(float(np.ptp(along)), 1e-9)
    return first + (second - first) * share
