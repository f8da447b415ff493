"""The grids that a picture is coded on: how many values of each kind there are, and where segments
lie.

    pixels, padded to multiples of 64 ─► k, t, d at 1/16 ─► z_J and qualities at 1/32 ─► z at 1/64
    segments of 1024 x 1024 pixels, the last of a row or column smaller
"""

from __future__ import annotations

from typing import NamedTuple

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


class Area(NamedTuple):
    """A rectangle of latents: rows top to bottom - 1, columns left to right - 1."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, margin: int, limit: Area) -> Area:
        """The area and `margin` latents around it, as far as they lie within the limit."""
        return Area(
            max(self.top - margin, limit.top),
            min(self.bottom + margin, limit.bottom),
            max(self.left - margin, limit.left),
            min(self.right + margin, limit.right),
        )

    def shape(self, stride: int) -> tuple[int, int]:
        """Rows and columns of an array of the area that has a value every `stride` pixels."""
        return _values(self.bottom - self.top, stride), _values(self.right - self.left, stride)

    def aligned(self, unit: int, limit: Area) -> Area:
        """The smallest area around it whose borders are multiples of `unit` or the limit's."""
        return Area(
            self.top // unit * unit,
            min(-(-self.bottom // unit) * unit, limit.bottom),
            self.left // unit * unit,
            min(-(-self.right // unit) * unit, limit.right),
        )

    def within(self, outer: Area, stride: int = LATENT_STRIDE) -> tuple[slice, slice]:
        """Its place in an array that holds a larger area.

        Args:
            outer: area of the array.
            stride: pixels between the array's values.
        """
        return (
            slice(_values(self.top - outer.top, stride), _values(self.bottom - outer.top, stride)),
            slice(
                _values(self.left - outer.left, stride), _values(self.right - outer.left, stride)
            ),
        )


def picture_area(height: int, width: int) -> Area:
    """All latents of a picture with these sides in pixels."""
    rows, columns = plane_shape(height, width, LATENT_STRIDE)
    return Area(0, rows, 0, columns)


def segment_areas(picture: Area, part: Area | None = None) -> list[Area]:
    """The segments of a picture in raster order.

    Args:
        picture: area of the picture.
        part: only segments that have latents of this area; None: all.
    """
    part = part or picture
    side = SEGMENT_LATENTS
    return [
        Area(top, min(top + side, picture.bottom), left, min(left + side, picture.right))
        for top in range(part.top // side * side, part.bottom, side)
        for left in range(part.left // side * side, part.right, side)
    ]


def _values(latents: int, stride: int) -> int:
    return latents * LATENT_STRIDE // stride
