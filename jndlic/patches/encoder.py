"""The encoder's choice: what the network draws badly is patched, or it does not draw at all.

pixels ─► suspicious blocks ─► (none: a photo, nothing more is done)
network's file ─► drawn, where something is suspicious ─► blocks that fall short ─► rectangles
rectangles ─► patches, and the network's file of what is left ─┐
picture ─► one patch of it all, with or without loss ──────────┴─► the smallest that is good enough

What is good enough may have 8 bits a channel where the picture has more: that is far less error
than what made the network fail. What is stored only because that is smaller has all bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from jndlic.format.container import DEPTH_MIN, TAG_PATCHES, Container, pack
from jndlic.format.grid import JND_STRIDE
from jndlic.format.patches import encode_patches
from jndlic.format.quality import read_quality
from jndlic.images.depth import scaled
from jndlic.images.picture import Picture
from jndlic.images.region import Region
from jndlic.patches import bare, webp
from jndlic.patches.blocks import BLOCK, Looks, block_errors, block_shape, looks, mark_rims
from jndlic.patches.coding import LARGER, coded_patch
from jndlic.patches.filling import filled
from jndlic.patches.floors import floors, targets
from jndlic.patches.rectangles import rectangles

Code = Callable[[np.ndarray], Container]
"""Pixels, (H, W, 3) of the picture's type, to the network's file."""

Draw = Callable[[Container, Region], np.ndarray]
"""The network's file and a part of the picture to its pixels, uint8 (rows, columns, 3)."""

_SURE = 0.8
"""Quickly coded, a picture without loss is at most that much too large."""

_MOSTLY = 0.5
"""Share of a picture that is better patched as a whole."""

_COMPARED = 0.25
"""Share of suspicious blocks from which on the picture without loss may be smaller."""

_SIZES = 64 * 64
"""Pixels up to which it may be smaller whatever the picture shows: what is fixed counts there."""


class _Findings(NamedTuple):
    """What became of the blocks."""

    failing: np.ndarray
    """Blocks to be patched, bool."""
    error: float
    """Mean squared error of the suspicious ones that are not."""
    target: float
    """What it should not exceed."""


def patched(picture: Picture, code: Code, draw: Draw) -> Container:
    """The file of a picture, with patches where it needs them and Pillow has WebP.

    Args:
        picture: to encode.
        code: encodes by the network.
        draw: decodes by the network.
    """
    network = code(picture.pixels)
    if not webp.available():
        return network
    look = looks(picture.pixels, picture.depth)
    suspicious = look.suspicious
    small = picture.width * picture.height <= _SIZES
    if not suspicious.any() and not small:
        return network
    findings = _findings(picture, look, network, draw)
    share, failing = suspicious.mean(), findings.failing.mean()
    whole = failing >= _MOSTLY or (share >= _MOSTLY and findings.error > findings.target)
    if whole:
        return _bare(picture, findings.target)
    if not failing and not small and share < _COMPARED:
        return network
    if failing:
        network = _with_patches(picture, findings, suspicious, code)
    if _size(network) <= LARGER * _SURE * _size(bare.lossless_container(picture, quick=True)):
        return network
    exact = bare.lossless_container(picture)
    return exact if _size(network) > LARGER * _size(exact) else network


def _findings(picture: Picture, look: Looks, network: Container, draw: Draw) -> _Findings:
    """Draws the part of the picture that has all suspicious blocks and those around them, and
    compares.
    """
    suspicious, around = look.suspicious, _spread(look.suspicious)
    rows, columns = np.flatnonzero(around.any(1)), np.flatnonzero(around.any(0))
    height, width = picture.height, picture.width
    quality = _block_qualities(network, height, width)
    target = float(targets(quality).min())
    failing = np.zeros_like(suspicious)
    if not rows.size:
        return _Findings(failing, 0.0, target)
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    top, left = int(rows[0]) * BLOCK, int(columns[0]) * BLOCK
    bottom = min((int(rows[-1]) + 1) * BLOCK, height)
    right = min((int(columns[-1]) + 1) * BLOCK, width)
    drawn = draw(network, Region(left, top, right - left, bottom - top))
    shown = scaled(picture.pixels[top:bottom, left:right], picture.depth, DEPTH_MIN)
    errors = block_errors(shown, drawn)
    odd, floor = suspicious[part], floors(quality[part])
    if (odd & (errors > floor)).any():
        # One makes it a drawing: then the suspicious ones have to be as good as a patch
        poor = errors > targets(quality[part])
        failing[part] = (errors > floor) | (odd & poor)
        failing[part] |= _spread(failing[part]) & look.mixed[part] & poor
        mark_rims(failing, height, width)
    kept = errors[odd & ~failing[part]]
    return _Findings(failing, float(kept.mean()) if kept.size else 0.0, target)


def _spread(marked: np.ndarray) -> np.ndarray:
    """Marks the eight neighbours too."""
    rows, columns = marked.shape
    padded = np.pad(marked, 1)
    return np.logical_or.reduce(
        [padded[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    )


def _block_qualities(network: Container, height: int, width: int) -> np.ndarray:
    """The lowest quality within each block."""
    rows, columns = block_shape(height, width)
    values = read_quality(network).values
    if isinstance(values, int):
        return np.full((rows, columns), values)
    unit = BLOCK // JND_STRIDE
    return values.reshape(rows, unit, columns, unit).min((1, 3))


def _with_patches(
    picture: Picture, findings: _Findings, suspicious: np.ndarray, code: Code
) -> Container:
    """The network's file of what is left, and patches."""
    # Those that are partly photo are apart: loss makes them smaller, and hardly any drawing
    kinds = np.where(findings.failing, np.where(suspicious, 1, 2), 0)
    regions = rectangles(kinds, picture.height, picture.width, bare.CELL)
    patches = [
        coded_patch(picture.pixels, region, findings.target, picture.grey, picture.depth)
        for region in regions
    ]
    network = code(filled(picture.pixels, regions))
    chunk = TAG_PATCHES, encode_patches(patches, network.header)
    return replace(network, chunks=(*network.chunks, chunk))


def _bare(picture: Picture, target: float) -> Container:
    """The whole picture in patches: without loss, or good enough."""
    patches = [
        coded_patch(picture.pixels, cell, target, picture.grey, picture.depth)
        for cell in bare.cells(picture.width, picture.height)
    ]
    exact, lossy = bare.lossless_container(picture), bare.bare_container(picture, patches)
    allowed = LARGER if picture.depth > DEPTH_MIN else 1.0
    return exact if _size(exact) <= allowed * _size(lossy) else lossy


def _size(container: Container) -> int:
    return len(pack(container))
