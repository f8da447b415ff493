"""Planes of bytes (opacity, quality), without loss: one prediction for the whole plane, then
deflate.

The payload is one byte for the method, then the data:

    0  one byte: the value of the whole plane
    1  the plane, deflated (RFC 1951, no frame of its own), row by row
    2  the same of its differences to the left neighbour
    3  the same of its differences to the upper neighbour
    4  the same of its differences to left + upper - upper left

Differences are modulo 256, and beyond the edges of the plane there are zeros.
"""

from __future__ import annotations

import zlib

import numpy as np

from jndlic.errors import FormatError

_CONSTANT = 0
_AXES = {1: (), 2: (1,), 3: (0,), 4: (0, 1)}
"""Axes along which each method takes differences."""

_BARE = -zlib.MAX_WBITS
"""Deflate without zlib's head and checksum: the chunk has a CRC, and a plane of qualities is hardly
longer than those six bytes.
"""

_DEFLATE_RATIO_MAX = 1032
"""Deflate cannot shrink data further, so a short chunk cannot stand for a large plane."""


def encode_plane(plane: np.ndarray) -> bytes:
    """Payload for a plane uint8 (H, W): the shortest of all methods."""
    if (plane == plane[0, 0]).all():
        return bytes([_CONSTANT, plane[0, 0]])
    candidates = (
        bytes([method]) + _deflated(_differences(plane, axes).tobytes())
        for method, axes in _AXES.items()
    )
    return min(candidates, key=len)


def decode_plane(payload: bytes, height: int, width: int, name: str) -> np.ndarray:
    """Inverse of `encode_plane`.

    Args:
        payload: of a chunk.
        height, width: of the plane.
        name: of the plane, for messages.

    Returns:
        uint8 (H, W).

    Raises:
        FormatError: the payload is damaged, or of another size.
    """
    if len(payload) < 2 or payload[0] not in (_CONSTANT, *_AXES):
        raise FormatError(f"damaged file: the {name} plane has no known method")
    if payload[0] == _CONSTANT:
        if len(payload) != 2:
            raise FormatError(f"damaged file: the {name} plane has the wrong size")
        return np.full((height, width), payload[1], dtype=np.uint8)
    size = height * width
    if size > _DEFLATE_RATIO_MAX * len(payload):
        raise FormatError(
            f"damaged file: the {name} plane is too short for the size of the picture"
        )
    inflater = zlib.decompressobj(_BARE)
    try:
        # Room for one byte more than needed: a longer plane shows, and is never built up.
        values = inflater.decompress(payload[1:], size + 1)
    except zlib.error as error:
        raise FormatError(f"damaged file: the {name} plane cannot be inflated ({error})") from None
    if len(values) != size or not inflater.eof or inflater.unused_data:
        raise FormatError(f"damaged file: the {name} plane has the wrong size")
    plane = np.frombuffer(bytearray(values), dtype=np.uint8).reshape(height, width)
    for axis in _AXES[payload[0]]:
        plane = np.cumsum(plane, axis=axis, dtype=np.uint8)
    return plane


def _deflated(data: bytes) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, _BARE, 9)
    return deflater.compress(data) + deflater.flush()


def _differences(plane: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    for axis in axes:
        plane = np.diff(plane, axis=axis, prepend=np.zeros_like(plane.take([0], axis=axis)))
    return plane
