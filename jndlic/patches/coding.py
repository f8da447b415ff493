"""A rectangle of a picture as a patch: without loss, or with as much of it as the quality has."""

from __future__ import annotations

import numpy as np

from jndlic.format.container import DEPTH_MIN
from jndlic.format.patches import DEEP_WEBP, WEBP, Patch
from jndlic.images.depth import scaled
from jndlic.images.region import Region
from jndlic.patches import deep_webp, webp

LARGER = 1.1
"""What has no loss may be so many times as large as what has."""

_LOSSY = (10, 25, 40, 55, 70, 80, 88, 94, 98, 100)
"""Qualities of WebP that are tried, from coarse to fine."""


def exact_patch(
    pixels: np.ndarray,
    region: Region,
    depth: int = DEPTH_MIN,
    alpha: np.ndarray | None = None,
    quick: bool = False,
) -> Patch:
    """A patch without loss.

    Args:
        pixels: (H, W, 3) of the picture; uint8, or uint16 where it has more than 8 bits.
        region: of the patch.
        depth: bits of a channel of the picture.
        alpha: uint8 (H, W), where the patch shall hold it.
        quick: see `webp.encode_lossless`.
    """
    inside, clear = _inside(pixels, region), None if alpha is None else _inside(alpha, region)
    if depth > DEPTH_MIN:
        data = deep_webp.encode_lossless(inside, clear, depth, quick)
        return Patch(*region, DEEP_WEBP, 0, data)
    inside = inside if clear is None else np.dstack((inside, clear))
    return Patch(*region, WEBP, 0, webp.encode_lossless(inside, quick))


def coded_patch(
    pixels: np.ndarray, region: Region, error_max: float, grey: bool, depth: int = DEPTH_MIN
) -> Patch:
    """The smallest patch that is good enough: without loss, lossy, or of a picture of more than 8
    bits rounded to 8. Where one without loss is hardly larger, it is taken.

    Args:
        pixels: (H, W, 3) of the picture; uint8, or uint16 where it has more than 8 bits.
        region: of the patch.
        error_max: mean squared error that a lossy one must not exceed, in squared grey levels.
        grey: whether the picture is grey.
        depth: bits of a channel of the picture.
    """
    inside = scaled(_inside(pixels, region), depth, DEPTH_MIN)
    data = webp.encode_lossless(inside, quick=True)
    data = _coarsest(inside, error_max, len(data), grey) or data
    found = Patch(*region, WEBP, 0, data)
    if depth == DEPTH_MIN:
        return found
    exact = exact_patch(pixels, region, depth, quick=True)
    return exact if len(exact.data) <= LARGER * len(data) else found


def _inside(plane: np.ndarray, region: Region) -> np.ndarray:
    left, top, width, height = region
    return plane[top : top + height, left : left + width]


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
