"""Regions that matter: a mask of the user's becomes octaves of the quantisation step.

    mask, as the picture is seen ──► turned as the picture is coded ──► mean of each 32 x 32 block
                                 ──► (1 - mean) x strength: octaves

White keeps the quality, black has a step that is 2^strength times as large, grey lies between. The
octaves are added to those of a tolerance map (steering.py). That is how other encoders take regions
too: JPEG 2000 moves coefficients by bit planes, a factor of 2 each (ISO/IEC 15444-1, annex H), and
video encoders take offsets of the quantisation parameter, 6 of them an octave of the step.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jndlic.choices import ROI_STRENGTH
from jndlic.errors import ParameterError
from jndlic.format.container import DEPTH_MIN
from jndlic.images.metadata import seen_orientation
from jndlic.images.picture import TURNED_BACK, Picture, turned_plane, with_depth
from jndlic.jnd.steering import block_means
from jndlic.sources import picture_of

if TYPE_CHECKING:
    from jndlic.sources import PictureSource

WHITE = 255


class Roi(NamedTuple):
    """What matters in a picture, and how much less the rest does."""

    mask: np.ndarray
    """uint8 (H, W), on the picture as it is seen: 255 matters, 0 does not."""
    strength: float
    """Octaves of the step where the mask is 0."""


def region_of_interest(mask: PictureSource, strength: float = ROI_STRENGTH) -> Roi:
    """A mask and its strength, checked as far as they can be without the picture.

    Args:
        mask: a picture in any form that `picture_of` takes, colours by their luma, or an array (H,
            W) of truth values or of floats from 0 to 1. What is transparent counts as black. Its
            own orientation of EXIF is followed.
        strength: how many times the quantisation step is doubled where the mask is black.

    Raises:
        ParameterError: the strength is negative or not finite; the mask is something else.
        ImageError, OSError: the mask cannot be read.
    """
    if (
        isinstance(strength, (bool, np.bool_))
        or not isinstance(strength, (int, float, np.integer, np.floating))
        or not (math.isfinite(strength) and strength >= 0)
    ):
        raise ParameterError(
            f"the strength of a region of interest must be 0 or a positive number, got {strength!r}"
        )
    if isinstance(mask, np.ndarray) and mask.dtype.kind in "bf":
        return Roi(_levels(mask), float(strength))
    picture = with_depth(picture_of(mask), DEPTH_MIN)
    return Roi(turned_plane(_importance(picture), seen_orientation(picture)), float(strength))


def roi_octaves(roi: Roi, picture: Picture) -> np.ndarray:
    """How many times the mask doubles the step of each block.

    Args:
        roi: of `region_of_interest`.
        picture: that it lies on.

    Returns:
        (2 rows, 2 columns) float64, 0 to the strength. The last row and column of the picture are
        repeated beyond its border.

    Raises:
        ParameterError: the mask has another size than the picture as it is seen.
    """
    orientation = seen_orientation(picture)
    mask = turned_plane(roi.mask, TURNED_BACK.get(orientation, orientation))
    if mask.shape != picture.pixels.shape[:2]:
        sides = (picture.width, picture.height)[:: -1 if orientation > 4 else 1]
        seen = f", as its EXIF orientation {orientation} shows it" if orientation > 1 else ""
        raise ParameterError(
            f"the mask has {roi.mask.shape[1]} x {roi.mask.shape[0]} pixels, the picture "
            f"{sides[0]} x {sides[1]}{seen}"
        )
    importance = block_means(
        lambda low, high: mask[low:high].astype(np.float64) / WHITE, *mask.shape
    )
    return (1.0 - importance) * roi.strength


def _levels(mask: np.ndarray) -> np.ndarray:
    """Truth values, or floats from 0 to 1, as grey levels."""
    if mask.ndim != 2 or not mask.size:
        raise ParameterError(f"a mask of this type has the shape (H, W), got {mask.shape}")
    if not (mask.min() >= 0 and mask.max() <= 1):  # nor is NaN
        raise ParameterError("a mask of floats holds 0 (does not matter) to 1 (matters)")
    return np.rint(mask.astype(np.float32) * WHITE).astype(np.uint8)


def _importance(picture: Picture) -> np.ndarray:
    """Grey levels of a picture, black where it is transparent: uint8 (H, W)."""
    if picture.grey:
        grey = picture.pixels[..., 0]
    else:
        from PIL import Image

        grey = np.asarray(Image.fromarray(picture.pixels).convert("L"))
    if picture.alpha is None:
        return grey
    return ((grey.astype(np.uint16) * picture.alpha + WHITE // 2) // WHITE).astype(np.uint8)
