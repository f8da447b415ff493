"""The quality of a picture: one value, or a plane of them with one for each 32 x 32 pixels.

    Quality ──► base in the header, plane - base in chunk QPLN (planes.py) ──► Quality

The plane has the grid of z_J: it covers the picture padded to multiples of 64 pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jndlic.errors import FormatError, ParameterError
from jndlic.format.container import QUALITY_MAX, QUALITY_MIN, TAG_QUALITY, Container, Front
from jndlic.format.grid import JND_STRIDE, plane_shape
from jndlic.format.planes import decode_plane, encode_plane


class Quality(NamedTuple):
    """How fine each part of a picture is coded."""

    base: int
    """1..100; stands in the header. The value of the whole picture where there is no plane."""
    plane: np.ndarray | None = None
    """int16 (2 rows, 2 columns), values 1..100 that are not all the same, or None."""

    @property
    def values(self) -> int | np.ndarray:
        """What the codec's networks take."""
        return self.base if self.plane is None else self.plane


def quality_of(base: int, plane: np.ndarray) -> Quality:
    """A plane as a quality: a constant one is no plane, but the value of the whole picture.

    Args:
        base: 1..100, the value that the plane was made from.
        plane: integers (2 rows, 2 columns), 1..100.

    Raises:
        ParameterError: a value is out of its range.
    """
    if plane.min() < QUALITY_MIN or plane.max() > QUALITY_MAX:
        raise ParameterError(
            f"a quality plane holds {QUALITY_MIN} to {QUALITY_MAX}, got {plane.min()} to "
            f"{plane.max()}"
        )
    if plane.min() == plane.max():
        return Quality(int(plane.min()))
    return Quality(base, plane.astype(np.int16))


def checked_plane(quality: int | np.ndarray, rows: int, columns: int) -> np.ndarray:
    """A quality as a plane, whichever way it was given.

    Args:
        quality: 1..100, or a plane of such integers.
        rows, columns: of the plane, one value for each 32 x 32 pixels.

    Returns:
        int64 (rows, columns).

    Raises:
        ParameterError: a value is out of range, or the plane has another size.
    """
    plane = np.asarray(quality)
    if plane.dtype.kind not in "iu" or not QUALITY_MIN <= plane.min() <= plane.max() <= QUALITY_MAX:
        shown = quality if plane.ndim == 0 else "a plane with other values"
        raise ParameterError(f"quality must be {QUALITY_MIN} to {QUALITY_MAX}, got {shown}")
    if plane.ndim and plane.shape != (rows, columns):
        raise ParameterError(
            f"the plane of qualities has shape {plane.shape}, not {(rows, columns)}: one for each "
            f"{JND_STRIDE} pixels"
        )
    return np.broadcast_to(plane, (rows, columns)).astype(np.int64)


def quality_chunks(quality: Quality) -> tuple[tuple[bytes, bytes], ...]:
    """The chunk QPLN, or nothing where the quality is the same everywhere."""
    if quality.plane is None:
        return ()
    # Modulo 256
    return ((TAG_QUALITY, encode_plane((quality.plane - quality.base).astype(np.uint8))),)


def read_quality(container: Container | Front) -> Quality:
    """The quality of a file, of which the front is enough.

    Raises:
        FormatError: its plane is damaged, constant or has values out of range.
    """
    header, payload = container.header, container.payload(TAG_QUALITY)
    if payload is None:
        return Quality(header.quality)
    offsets = decode_plane(
        payload, *plane_shape(header.height, header.width, JND_STRIDE), "quality"
    )
    plane = (offsets + np.uint8(header.quality)).astype(np.int16)  # modulo 256
    if plane.min() < QUALITY_MIN or plane.max() > QUALITY_MAX:
        raise FormatError(
            f"damaged file: the quality plane has values outside {QUALITY_MIN} to {QUALITY_MAX}"
        )
    if plane.min() == plane.max():
        raise FormatError("damaged file: the quality plane is constant")
    return Quality(header.quality, plane)
