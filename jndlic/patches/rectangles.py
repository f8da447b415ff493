"""Marked blocks to rectangles of pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from jndlic.format.patches import PATCHES_MAX
from jndlic.images.region import Region
from jndlic.patches.blocks import BLOCK

COUNT_MAX = 256
"""Rectangles of a picture: beyond, larger blocks are marked. Each costs some 50 bytes."""


def rectangles(marked: np.ndarray, height: int, width: int, side_max: int) -> list[Region]:
    """Rectangles that cover the marked blocks, and others only where there would be too many.

    Args:
        marked: one integer for each block: 0, or a kind, 1 or 2; as long as there are not too
            many, a rectangle is of one kind.
        height, width: of the picture, in pixels.
        side_max: of a rectangle, in pixels, a multiple of BLOCK.

    Returns:
        Rectangles that do not overlap, none of them empty.
    """
    unit, found = 1, [*_runs(marked == 1), *_runs(marked == 2)]
    regions = _cut(found, unit, height, width, side_max)
    while len(found) > COUNT_MAX or len(regions) > PATCHES_MAX:
        unit *= 2
        found = _runs(_coarser(marked > 0, unit))
        regions = _cut(found, unit, height, width, max(side_max, unit * BLOCK))
    return regions


def _cut(
    found: Iterable[tuple[int, int, int, int]], unit: int, height: int, width: int, side_max: int
) -> list[Region]:
    """Runs of blocks of `unit` times the side, in pixels, cut to sides of at most `side_max`."""
    step = side_max // BLOCK
    regions: list[Region] = []
    for first, last, left, right in found:
        for row in range(first * unit, last * unit, step):
            for column in range(left * unit, right * unit, step):
                top, start = row * BLOCK, column * BLOCK
                bottom = min(min(row + step, last * unit) * BLOCK, height)
                end = min(min(column + step, right * unit) * BLOCK, width)
                if top < bottom and start < end:
                    regions.append(Region(start, top, end - start, bottom - top))
    return regions


def _runs(marked: np.ndarray) -> list[tuple[int, int, int, int]]:
    """Runs of marked blocks in a row, joined with equal ones below: (first row, row behind the
    last, first column, column behind the last).
    """
    found: list[tuple[int, int, int, int]] = []
    open_runs: dict[tuple[int, int], int] = {}
    for row, line in enumerate(marked):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], line.astype(np.int8), [0]))))
        runs = {(int(left), int(right)) for left, right in zip(edges[::2], edges[1::2])}
        for run in [run for run in open_runs if run not in runs]:
            found.append((open_runs.pop(run), row, *run))
        for run in sorted(runs):
            open_runs.setdefault(run, row)
    found += [(first, len(marked), *run) for run, first in open_runs.items()]
    return sorted(found)


def _coarser(marked: np.ndarray, unit: int) -> np.ndarray:
    rows, columns = marked.shape
    padded = np.pad(marked, ((0, -rows % unit), (0, -columns % unit)))
    return padded.reshape(len(padded) // unit, unit, -1, unit).any((1, 3))
