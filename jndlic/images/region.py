"""Rectangles of a picture, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jndlic.arguments import whole_number
from jndlic.errors import ParameterError
from jndlic.images.picture import TURNS


class Region(NamedTuple):
    """A rectangle of a picture."""

    left: int
    top: int
    width: int
    height: int


def checked_region(region: Sequence[int], width: int, height: int) -> Region:
    """The region that a caller has asked for.

    Args:
        region: left, top, width, height.
        width, height: of the picture.

    Raises:
        ParameterError: it is no four integers, empty, or reaches beyond the picture.
    """
    try:
        values = [whole_number(value, "a region's side") for value in region]
    except TypeError:
        values = []
    if len(values) != len(Region._fields):
        raise ParameterError(f"a region is (left, top, width, height) in pixels, got {region!r}")
    found = Region(*values)
    inside = found.left >= 0 and found.top >= 0 and found.width >= 1 and found.height >= 1
    if not inside or found.left + found.width > width or found.top + found.height > height:
        raise ParameterError(
            f"the region {','.join(map(str, found))} (left, top, width, height) is not within the "
            f"picture of {width} x {height} pixels"
        )
    return found


def before_turning(region: Region, width: int, height: int, orientation: int) -> Region:
    """Where the pixels of a region lie in the picture as it was coded.

    Args:
        region: of the picture as it is handed out.
        width, height: of the picture as it is handed out.
        orientation: 1..8, as EXIF numbers them: how the coded picture is turned.
    """
    if orientation == 1:
        return region
    transposed, upside_down, mirrored = TURNS[orientation]
    left, top, columns, rows = region
    if mirrored:
        left = width - left - columns
    if upside_down:
        top = height - top - rows
    return Region(top, left, rows, columns) if transposed else Region(left, top, columns, rows)
