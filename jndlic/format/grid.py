"""The grids that a picture is coded on: how many values of each kind there are, and where segments
lie.

    pixels, padded to multiples of 64 ─► k, t, d at 1/16 ─► z_J and qualities at 1/32 ─► z at 1/64
    segments of 1024 x 1024 pixels, the last of a row or column smaller
"""

from __future__ import annotations

from collections.abc import Iterator

LATENT_STRIDE = 16
"""Pixels between latents."""

JND_STRIDE = 32
"""Pixels between values of z_J, and of the plane of qualities."""

HYPER_STRIDE = 64
"""Pixels between values of z; both sides of a picture are padded to its multiples."""

SEGMENT_PIXELS = 1024
"""Side of a segment in pixels."""

SEGMENT_LATENTS = SEGMENT_PIXELS // LATENT_STRIDE
"""Side of a segment in latents."""


def padded_size(size: int) -> int:
    """A side in pixels, rounded up to what is coded."""
    return -(-size // HYPER_STRIDE) * HYPER_STRIDE


def plane_shape(height: int, width: int, stride: int) -> tuple[int, int]:
    """Rows and columns of the values of a picture.

    Args:
        height, width: of the picture in pixels.
        stride: LATENT_STRIDE, JND_STRIDE or HYPER_STRIDE.
    """
    return padded_size(height) // stride, padded_size(width) // stride


def segment_count(height: int, width: int) -> int:
    """Segments of a picture with these sides in pixels."""
    return -(-height // SEGMENT_PIXELS) * -(-width // SEGMENT_PIXELS)


def segments(rows: int, columns: int, side: int = SEGMENT_LATENTS) -> Iterator[tuple[slice, slice]]:
    """The segments of a grid in raster order.

    Args:
        rows, columns: of the grid.
        side: of a segment in values of the grid.
    """
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            yield slice(top, top + side), slice(left, left + side)
