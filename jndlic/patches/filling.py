"""What the network is given where a patch will lie: something smooth, which costs few bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jndlic.images.region import Region

_SMOOTHED = 33
"""Pixels along a border that are averaged: what crosses the border need not go on."""


def filled(pixels: np.ndarray, regions: Sequence[Region]) -> np.ndarray:
    """Pixels with regions filled from the colours around them. The largest come last: they see what
    was filled beside them.

    Args:
        pixels: uint8 or uint16 (H, W, 3), not changed.
        regions: that do not overlap.
    """
    result = pixels.copy()
    for region in sorted(regions, key=lambda region: region.width * region.height):
        _fill(result, region)
    return result


def _fill(pixels: np.ndarray, region: Region) -> None:
    """From side to side, and from top to bottom; the mean of both."""
    left, top, width, height = region
    rows, columns = slice(top, top + height), slice(left, left + width)
    inside = pixels[rows, columns]
    sides = (
        pixels[rows, left - 1] if left else None,
        pixels[rows, left + width] if left + width < pixels.shape[1] else None,
    )
    ends = (
        pixels[top - 1, columns] if top else None,
        pixels[top + height, columns] if top + height < pixels.shape[0] else None,
    )
    across, down = _between(*sides, width), _between(*ends, height)
    ways = [] if across is None else [across.swapaxes(0, 1)]
    ways += [] if down is None else [down]
    if not ways:  # the region is the picture
        ways = [inside.mean((0, 1))]
    inside[:] = np.round(np.mean(ways, 0))


def _between(first: np.ndarray | None, last: np.ndarray | None, size: int) -> np.ndarray | None:
    """(size, length of a border, 3) between two borders; None where neither is in the picture."""
    if first is None and last is None:
        return None
    begin = _smooth(first if first is not None else last)
    end = _smooth(last if last is not None else first)
    share = ((np.arange(size, dtype=np.float32) + 1) / (size + 1))[:, None, None]
    return begin * (1 - share) + end * share


def _smooth(border: np.ndarray | None) -> np.ndarray:
    if border is None:
        return np.zeros((1, 3), dtype=np.float32)
    reach = _SMOOTHED // 2
    total = np.cumsum(np.pad(border.astype(np.float32), ((reach + 1, reach), (0, 0)), "edge"), 0)
    return (total[_SMOOTHED:] - total[:-_SMOOTHED]) / _SMOOTHED
