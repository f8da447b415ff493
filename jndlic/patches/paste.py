"""Patches onto a part of a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jndlic.format.container import DEPTH_MIN, Header
from jndlic.format.patches import DEEP_WEBP, Patch
from jndlic.images.depth import scaled
from jndlic.images.region import Region
from jndlic.patches import deep_webp, webp


def paste(
    levels: np.ndarray,
    part: Region,
    patches: Sequence[Patch],
    header: Header,
    depth: int = DEPTH_MIN,
) -> None:
    """Pastes patches. Those that do not touch the part are not decoded.

    Args:
        levels: (rows, columns, C) of the part: RGB, or in a bare file with alpha as the last
            channel; uint8, or uint16 where there are more bits; changed in place.
        part: where it lies in the picture as it is coded.
        patches: of the picture.
        header: of the file.
        depth: bits of a channel of `levels`.

    Raises:
        FormatError: a patch is damaged.
        UnsupportedError: what reads its format is not installed.
    """
    for patch in patches:
        left, top = max(part.left, patch.left), max(part.top, patch.top)
        right = min(part.left + part.width, patch.right)
        bottom = min(part.top + part.height, patch.bottom)
        if left >= right or top >= bottom:
            continue
        drawn, bits = _decoded(patch, levels.shape[2], header.depth)
        if header.grey:
            drawn[..., :3] = drawn[..., 1:2]  # rounding may part the channels of a lossy one
        target = levels[top - part.top : bottom - part.top, left - part.left : right - part.left]
        rows = slice(top - patch.top, bottom - patch.top)
        columns = slice(left - patch.left, right - patch.left)
        drawn = scaled(drawn[rows, columns], bits, depth)
        if patch.blend:
            steps = np.minimum(
                _steps(patch.top, patch.height, header.height, patch.blend)[rows, None],
                _steps(patch.left, patch.width, header.width, patch.blend)[None, columns],
            )[..., None]
            drawn = _blended(drawn, target, steps, patch.blend + 1)
        target[:] = drawn


def _decoded(patch: Patch, channels: int, depth: int) -> tuple[np.ndarray, int]:
    """Pixels of a patch, and their bits a channel; `depth` are those of the file."""
    if patch.format == DEEP_WEBP:
        return deep_webp.decode(patch.data, patch.width, patch.height, channels, depth), depth
    return webp.decode(patch.data, patch.width, patch.height, channels), DEPTH_MIN


def _steps(start: int, size: int, side: int, blend: int) -> np.ndarray:
    """m of each row or column of a patch: 1..blend + 1, see docs/format.md."""
    place = np.arange(size)
    far = np.full(size, blend)
    begin = place if start else far
    end = place[::-1] if start + size < side else far
    return np.minimum(np.minimum(begin, end), blend) + 1


def _blended(patch: np.ndarray, below: np.ndarray, steps: np.ndarray, count: int) -> np.ndarray:
    steps = steps.astype(np.int32)
    mixed = steps * patch + (count - steps) * below + count // 2
    return (mixed // count).astype(below.dtype)
