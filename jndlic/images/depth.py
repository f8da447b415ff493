"""Bits of a channel: 8 to 16. With n bits a pixel is 0..2^n - 1, and that range is the networks'
grey levels 0..255.

    8-bit pixels ─► levels as they stand        n-bit pixels ─► 255 / (2^n - 1) as large
    levels ─► (2^n - 1) / 255 as large, rounded ─► n-bit pixels
"""

from __future__ import annotations

import numpy as np

from jndlic.format.container import DEPTH_MIN

_WHITE = 255
_BAND = 256  # rows


def pixel_type(depth: int) -> np.dtype:
    """What holds a pixel: uint8, or uint16 where it has more than 8 bits."""
    return np.dtype(np.uint8 if depth == DEPTH_MIN else np.uint16)


def to_levels(pixels: np.ndarray, depth: int) -> np.ndarray:
    """The networks' grey levels, float32 0..255.

    Args:
        pixels: of `pixel_type`, any shape.
        depth: bits of a channel. Multiples of (2^depth - 1) / 255 become whole levels exactly.
    """
    levels = pixels.astype(np.float32)
    if depth != DEPTH_MIN:
        levels *= np.float32(_WHITE)  # exact: below 2^24
        levels /= np.float32((1 << depth) - 1)
    return levels


def from_levels(levels: np.ndarray, depth: int) -> np.ndarray:
    """Pixels of the networks' grey levels, halves up.

    Args:
        levels: float32, any values and shape.
        depth: bits of a channel.

    Returns:
        Of `pixel_type`.
    """
    # Symbols within their limits can still drive a float network to infinity, and NaN has no grey
    # level.
    white = float(_WHITE)
    levels = np.nan_to_num(levels, nan=0.0, posinf=white, neginf=0.0).clip(0.0, white)
    if depth != DEPTH_MIN:
        levels *= np.float32(((1 << depth) - 1) / _WHITE)
    levels += np.float32(0.5)
    return levels.astype(pixel_type(depth))  # the floor, since nothing is below 0


def scaled(pixels: np.ndarray, depth: int, wanted: int) -> np.ndarray:
    """Pixels of so many bits as ones of other bits, rounded; fewer bits come back exactly from more
    bits.
    """
    if depth == wanted:
        return pixels
    before, after = (1 << depth) - 1, (1 << wanted) - 1
    result = np.empty(pixels.shape, dtype=pixel_type(wanted))
    for top in range(0, len(pixels), _BAND):  # in bands, for less memory
        band = pixels[top : top + _BAND].astype(np.uint32)
        band *= np.uint32(after)
        band += np.uint32(before // 2)
        band //= np.uint32(before)
        result[top : top + _BAND] = band
    return result
