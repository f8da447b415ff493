"""A picture as the codec sees it: pixels of 8 to 16 bits a channel (depth.py), and beside them all
that the codec does not code itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jndlic.errors import ImageError
from jndlic.format.container import DEPTH_MAX, DEPTH_MIN, PIXELS_MAX, SIDE_MAX
from jndlic.images.depth import pixel_type, scaled

TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
"""Orientation to how a coded picture is turned: rows and columns change places, then rows run
upwards, columns to the left.
"""

ALPHA_BITS_LOST = "alpha of more than 8 bits becomes 8"

TURNED_BACK = {6: 8, 8: 6}
"""The orientation that undoes another one; those that are not here undo themselves."""


@dataclass
class Picture:
    """A decoded picture.

    Attributes:
        pixels: (H, W, 3), RGB; three equal channels where `grey`. uint8, or where there are more
            than 8 bits a channel uint16.
        alpha: uint8 (H, W), or None for an opaque picture.
        grey: the picture has one channel.
        icc: ICC profile, or None.
        exif: EXIF data as a TIFF structure (without JPEG's "Exif" mark), or None. Its orientation
            is kept, not applied.
        xmp: XMP packet, or None.
        orientation: how the pixels are to be turned to be seen, 1..8 as EXIF numbers it, where no
            EXIF says it any more; 1 for all pictures that have been decoded.
        losses: what the file had that is not here, in words for the user.
        depth: bits of a channel, 8..16: pixels are 0..2^depth - 1.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    orientation: int = 1
    losses: tuple[str, ...] = ()
    depth: int = DEPTH_MIN

    def __post_init__(self) -> None:
        if not DEPTH_MIN <= self.depth <= DEPTH_MAX:
            raise ImageError(f"a channel must have {DEPTH_MIN} to {DEPTH_MAX} bits: {self.depth}")
        wanted = pixel_type(self.depth)
        if self.pixels.dtype != wanted or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ImageError(
                f"need {wanted} pixels of shape (H, W, 3) for {self.depth} bits a channel, got "
                f"{self.pixels.dtype} {self.pixels.shape}"
            )
        if self.alpha is not None and (
            self.alpha.dtype != np.uint8 or self.alpha.shape != self.pixels.shape[:2]
        ):
            raise ImageError(
                f"need uint8 alpha of shape {self.pixels.shape[:2]}, got {self.alpha.shape}"
            )
        check_size(self.width, self.height)

    @property
    def height(self) -> int:
        """Pixels."""
        return self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Pixels."""
        return self.pixels.shape[1]


def from_array(array: np.ndarray, depth: int | None = None) -> Picture:
    """A picture from bare pixels.

    Args:
        array: (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB
            and alpha; uint8, or uint16 for more than 8 bits a channel. Alpha has the bits of the
            colours, and is rounded to 8.
        depth: bits of a channel; by default those of the array's type.

    Raises:
        ImageError: another shape or type, or values of more bits than `depth`.
    """
    if (
        array.dtype.kind != "u"
        or array.dtype.itemsize > 2
        or array.ndim not in (2, 3)
        or (array.ndim == 3 and not 1 <= array.shape[2] <= 4)
    ):
        raise ImageError(
            "need a uint8 or uint16 array (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4), "
            f"got {array.dtype} {array.shape}"
        )
    held = 8 * array.dtype.itemsize
    depth = held if depth is None else depth
    if depth < held and array.size and int(array.max()) >= 1 << depth:
        raise ImageError(f"values of {array.max()} need more than {depth} bits")
    array = array.astype(pixel_type(depth), copy=False)  # in the machine's order of bytes
    if array.ndim == 2:
        array = array[..., None]
    channels, losses = array.shape[2], ()
    alpha = np.ascontiguousarray(array[..., -1]) if channels in (2, 4) else None
    if alpha is not None and depth > DEPTH_MIN:
        full, alpha = alpha, scaled(alpha, depth, DEPTH_MIN)
        if not np.array_equal(scaled(alpha, DEPTH_MIN, depth), full):
            losses = (ALPHA_BITS_LOST,)
    if channels <= 2:
        pixels = three_channels(array[..., 0])
        return Picture(pixels, alpha, grey=True, losses=losses, depth=depth)
    return Picture(np.ascontiguousarray(array[..., :3]), alpha, losses=losses, depth=depth)


def to_array(picture: Picture) -> np.ndarray:
    """Bare pixels: (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and alpha;
    uint8, or uint16 where there are more than 8 bits a channel: alpha has as many then.
    """
    if picture.alpha is None:
        return np.ascontiguousarray(picture.pixels[..., 0]) if picture.grey else picture.pixels
    alpha = scaled(picture.alpha, DEPTH_MIN, picture.depth)
    return np.dstack((picture.pixels[..., : 1 if picture.grey else 3], alpha))


def with_depth(picture: Picture, depth: int) -> Picture:
    """The picture with so many bits a channel, its pixels rounded."""
    if depth == picture.depth:
        return picture
    return replace(picture, pixels=scaled(picture.pixels, picture.depth, depth), depth=depth)


def turned(picture: Picture, orientation: int) -> Picture:
    """A picture turned as an orientation of EXIF asks; its own is 1 then.

    Args:
        picture: as it was coded.
        orientation: 1..8; 1 leaves it as it is.
    """
    if orientation == 1:
        return picture
    return replace(
        picture,
        pixels=turned_plane(picture.pixels, orientation),
        alpha=None if picture.alpha is None else turned_plane(picture.alpha, orientation),
        orientation=1,
    )


def turned_plane(plane: np.ndarray, orientation: int) -> np.ndarray:
    """An array turned as an orientation of EXIF asks.

    Args:
        plane: (H, W) or (H, W, channels), as it was coded.
        orientation: 1..8; 1 leaves it as it is.
    """
    if orientation == 1:
        return plane
    transposed, upside_down, mirrored = TURNS[orientation]
    plane = plane.swapaxes(0, 1) if transposed else plane
    return np.ascontiguousarray(plane[:: -1 if upside_down else 1, :: -1 if mirrored else 1])


def check_size(width: int, height: int, area_max: int = PIXELS_MAX) -> None:
    """Refuses what no file can hold.

    Args:
        width, height: in pixels.
        area_max: limit on their product.

    Raises:
        ImageError: a side is 0 or too long, or the area too large.
    """
    if not (1 <= width <= SIDE_MAX and 1 <= height <= SIDE_MAX) or width * height > area_max:
        raise ImageError(
            f"a picture of {width} x {height} pixels: sides must be 1 to {SIDE_MAX}, the area at "
            f"most {area_max} pixels"
        )


def three_channels(grey: np.ndarray) -> np.ndarray:
    """(H, W) to (H, W, 3)."""
    return np.repeat(grey[..., None], 3, axis=2)
