"""The picture's own JND map, which every encoding makes: luminance adaptation and contrast masking,
joined by the overlap term.

The formula is the one that JND-LIC (Pan et al. 2024) builds on: luminance adaptation after Chou and
Li (IEEE TCSVT 1995), the nonlinear additivity model (NAMM) after Yang et al. (Signal Processing:
Image Communication 2005) and the contrast term of Wu et al. (IEEE TIP 2017) with a constant pattern
complexity. Two of its published implementation's errors are absent here: gradients are kept in
floating point with their sign, and the dark branch carries Chou and Li's +3, so that both branches
meet at grey level 127.

Per channel, in 8-bit grey levels, with I the channel and borders replicated:

    Me = 5x5 box mean of I
    P  = (Gh^2 + Gv^2) / 2                   Gh, Gv = 3x3 Prewitt gradients / 3
    L  = 17 (1 - sqrt(Me / 127)) + 3         where Me <= 127
         3 (Me - 127) / 128 + 3              elsewhere
    V  = 1.84 P^1.2 / (P + 26^2) * 0.3 N^2.7 / (N^2 + 1)      N = 7
    JND = L + V - 0.3 min(L, V)

It is made in bands that stay in the processor's cache.
"""

from __future__ import annotations

import numpy as np

from jndlic.errors import ImageError
from jndlic.format.container import DEPTH_MIN
from jndlic.format.grid import LATENT_STRIDE, Area
from jndlic.images.depth import to_levels
from jndlic.images.picture import three_channels
from jndlic.images.windows import padded

PATTERN_COMPLEXITY = 7.0
CONTRAST_GAIN = 1.84 * 0.3 * PATTERN_COMPLEXITY**2.7 / (PATTERN_COMPLEXITY**2 + 1.0)
CONTRAST_KNEE = 26.0**2
OVERLAP = 0.3
DARKEST_MEAN = 1e-8  # keeps the slope of the square root finite at black
POWER_GUARD = 1e-12  # keeps the logarithm finite where there is no gradient
BAND_VALUES = 40_000
BAND_ROWS_MIN = 16
REACH = 2
"""Pixels around one that its tolerance depends on."""


def own_map(pixels: np.ndarray) -> np.ndarray:
    """Tolerance of every pixel and channel.

    Args:
        pixels: (H, W, 3) uint8, or float32 grey levels 0..255.

    Returns:
        (H, W, 3) float32 grey levels.

    Raises:
        ImageError: it is no such picture.
    """
    known = pixels.dtype in (np.uint8, np.float32)
    if pixels.ndim != 3 or pixels.shape[2] != 3 or not known or not pixels.size:
        raise ImageError(
            f"need an RGB picture, uint8 or float32 (H, W, 3), got {pixels.dtype} {pixels.shape}"
        )
    return map_of_levels(pixels)


def map_of_levels(pixels: np.ndarray) -> np.ndarray:
    """`own_map` of pixels that are known to be right.

    Args:
        pixels: (H, W, channels) uint8, or float32 grey levels 0..255; any number of channels.
    """
    rows, columns, channels = pixels.shape
    result = np.empty(pixels.shape, dtype=np.float32)
    band = max(BAND_ROWS_MIN, BAND_VALUES // (columns * channels))
    for top in range(0, rows, band):
        bottom = min(top + band, rows)
        around = np.clip(np.arange(top - 2, bottom + 2), 0, rows - 1)
        levels = pixels[around].astype(np.float32, copy=False)
        padded = np.pad(levels, ((0, 0), (2, 2), (0, 0)), mode="edge")
        result[top:bottom] = _band(padded)
    return result


def own_map_of_rows(pixels: np.ndarray, top: int, bottom: int) -> np.ndarray:
    """Some rows of `own_map`: those from top to bottom - 1."""
    up = min(top, REACH)
    return own_map(pixels[top - up : bottom + REACH])[up : up + bottom - top]


def own_map_of_window(
    pixels: np.ndarray, area: Area, depth: int = DEPTH_MIN, grey: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A window of a picture and of its own map; the last row and column of each are repeated beyond
    the picture.

    Args:
        pixels: (H, W, 3), of the whole picture: uint8, or uint16 where there are more bits.
        area: whose first row and column lie within.
        depth: bits of a channel.
        grey: whether the channels are equal, so that one is enough to look at.

    Returns:
        Grey levels 0..255 and map, float32 (16 rows, 16 columns, 3).
    """
    top, bottom, left, right = (LATENT_STRIDE * side for side in area)
    up, before = min(top, REACH), min(left, REACH)
    around = pixels[top - up : bottom + REACH, left - before : right + REACH]
    levels = to_levels(around[..., :1] if grey else around, depth)
    inside = slice(up, up + bottom - top), slice(before, before + right - left)
    both = padded(levels[inside], area), padded(map_of_levels(levels)[inside], area)
    return (three_channels(both[0][..., 0]), three_channels(both[1][..., 0])) if grey else both


def _band(padded: np.ndarray) -> np.ndarray:
    """The map of some rows, from those rows and two more on every side."""
    rows, columns = padded.shape[0] - 4, padded.shape[1] - 4
    box = _sum(_sum(padded, 0, 5), 1, 5)  # 25 Me
    inner = padded[1 : rows + 3, 1 : columns + 3]
    row_sums, column_sums = _sum(inner, 0, 3), _sum(inner, 1, 3)
    horizontal = row_sums[:, 2:] - row_sums[:, :-2]  # 3 Gh
    vertical = column_sums[2:] - column_sums[:-2]  # 3 Gv
    horizontal *= horizontal
    vertical *= vertical
    power = horizontal
    power += vertical
    power *= np.float32(1.0 / 18.0)
    contrast = np.log(power + np.float32(POWER_GUARD))
    contrast *= np.float32(1.2)
    np.exp(contrast, out=contrast)
    power += np.float32(CONTRAST_KNEE)
    contrast /= power
    contrast *= np.float32(CONTRAST_GAIN)
    # Each branch stays at its value at 127 on the other's side
    luminance = np.clip(box * np.float32(1.0 / (25.0 * 127.0)), DARKEST_MEAN / 127.0, 1.0)
    np.sqrt(luminance, out=luminance)
    luminance *= np.float32(-17.0)
    luminance += np.float32(20.0)
    box -= np.float32(25.0 * 127.0)
    np.maximum(box, 0.0, out=box)
    box *= np.float32(3.0 / (25.0 * 128.0))
    luminance += box
    smaller = np.minimum(luminance, contrast)
    smaller *= np.float32(OVERLAP)
    luminance += contrast
    luminance -= smaller
    return luminance


def _sum(values: np.ndarray, axis: int, count: int) -> np.ndarray:
    """Sums of `count` neighbours along rows (0) or columns (1)."""
    size = values.shape[axis] - count + 1
    part = [slice(None), slice(None)]
    part[axis] = slice(0, size)
    total = values[tuple(part)].copy()
    for shift in range(1, count):
        part[axis] = slice(shift, shift + size)
        total += values[tuple(part)]
    return total
