"""How large the squared error of a block may be at each quality."""

from __future__ import annotations

import numpy as np

QUALITIES = (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
FLOORS = (1598, 1318, 971, 601, 314, 157, 85, 56, 43, 37, 35)
"""The 99.9th percentile over the blocks of photos, as the network draws them at these qualities;
tools/study.py patch_floors measures it.
"""

_TARGET, _TARGET_SLOPE = 23.5, 0.22
"""PSNR in dB at quality 0, and what a point of quality adds: 34.5 at 50, 45.5 at 100, about what
the network reaches with photos.
"""


def floors(quality: np.ndarray) -> np.ndarray:
    """What hardly any block of a photo exceeds.

    Args:
        quality: 1..100, any shape.

    Returns:
        Mean squared errors in squared grey levels, same shape.
    """
    return np.exp(np.interp(quality, QUALITIES, np.log(FLOORS)))


def targets(quality: np.ndarray) -> np.ndarray:
    """What a patch must not exceed; see `floors`."""
    return 255.0**2 / 10 ** ((_TARGET + _TARGET_SLOPE * quality) / 10)
