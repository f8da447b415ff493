"""The default JND model in numpy and float64, written plainly from its formula."""

from __future__ import annotations

import numpy as np

from jndlic.jnd.own_map import CONTRAST_GAIN, CONTRAST_KNEE, DARKEST_MEAN, OVERLAP


def reference_map(image: np.ndarray) -> np.ndarray:
    """The map of one picture.

    Args:
        image: (H, W, C) grey levels 0..255, any numeric type.

    Returns:
        (H, W, C) float64 grey levels.
    """
    rows, columns, _ = image.shape
    padded = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="edge")

    def window(down: int, right: int) -> np.ndarray:
        """The image moved by (down, right), -2..2."""
        return padded[2 + down : 2 + down + rows, 2 + right : 2 + right + columns]

    offsets = range(-2, 3)
    mean = sum(window(down, right) for down in offsets for right in offsets) / 25.0
    horizontal = sum(window(i, 1) - window(i, -1) for i in (-1, 0, 1)) / 3.0
    vertical = sum(window(1, i) - window(-1, i) for i in (-1, 0, 1)) / 3.0
    power = (horizontal**2 + vertical**2) / 2.0
    contrast = CONTRAST_GAIN * power**1.2 / (power + CONTRAST_KNEE)
    dark = 17.0 * (1.0 - np.sqrt(np.maximum(mean, DARKEST_MEAN) / 127.0)) + 3.0
    bright = 3.0 * (mean - 127.0) / 128.0 + 3.0
    luminance = np.where(mean <= 127.0, dark, bright)
    return luminance + contrast - OVERLAP * np.minimum(luminance, contrast)
