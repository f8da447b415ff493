"""A rectangle of a picture as a patch: without loss, or with as much of it as the quality has."""

from __future__ import annotations

import numpy as np

from jndlic.format.patches import WEBP, Patch
from jndlic.images.region import Region
from jndlic.patches import webp

_LOSSY = (10, 25, 40, 55, 70, 80, 88, 94, 98, 100)
"""Qualities of WebP that are tried, from coarse to fine."""


def coded_patch(pixels: np.ndarray, region: Region, error_max: float, grey: bool) -> Patch:
    """The smaller one of a patch without loss and a lossy one that is good enough.

    Args:
        pixels: uint8 (H, W, 3), of the picture.
        region: of the patch.
        error_max: mean squared error that a lossy one must not exceed, in squared grey levels.
        grey: whether the picture is grey.
    """
    left, top, width, height = region
    inside = pixels[top : top + height, left : left + width]
    data = webp.encode_lossless(inside, quick=True)
    lossy = _coarsest(inside, error_max, len(data), grey)
    return Patch(left, top, width, height, WEBP, 0, lossy or data)


def _coarsest(inside: np.ndarray, error_max: float, size_max: int, grey: bool) -> bytes | None:
    """The lossy patch of the lowest quality that is good enough; None where none of less than
    `size_max` bytes is.
    """
    found, low, high = None, 0, len(_LOSSY)
    while low < high:
        middle = (low + high) // 2
        data = webp.encode_lossy(inside, _LOSSY[middle])
        if len(data) >= size_max:
            high = middle  # a finer one is larger still
        elif _error(inside, data, grey) <= error_max:
            found, high = data, middle
        else:
            low = middle + 1
    return found


def _error(inside: np.ndarray, data: bytes, grey: bool) -> float:
    drawn = webp.decode(data, inside.shape[1], inside.shape[0], 3)
    if grey:
        drawn = drawn[..., 1:2]
    return float(np.square(inside.astype(np.int32) - drawn).mean())
