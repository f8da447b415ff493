"""Patches of more than 8 bits a channel, without loss: two WebP pictures, of the upper 8 bits and
of the lower ones.

    upper = pixel >> (n - 8)        lower = (pixel - upper scaled to n bits) mod 2^(n - 8)

So pixels that had 8 bits once have a lower picture of zeros, which takes hardly a byte. Alpha is
with the upper one.
"""

from __future__ import annotations

import numpy as np

from jndlic.errors import FormatError
from jndlic.format.container import DEPTH_MIN
from jndlic.images.depth import scaled
from jndlic.patches import webp

_RIFF_LENGTH, _RIFF_HEAD = slice(4, 8), 8
_COLOURS = 3


def encode_lossless(
    pixels: np.ndarray, alpha: np.ndarray | None, depth: int, quick: bool = False
) -> bytes:
    """Codes pixels exactly; colours under transparent ones too.

    Args:
        pixels: uint16 (H, W, 3); sides up to `webp.SIDE_MAX`.
        alpha: uint8 (H, W), or None.
        depth: bits of a channel, 9..16.
        quick: see `webp.encode_lossless`.
    """
    bits = depth - DEPTH_MIN
    upper = (pixels >> bits).astype(np.uint8)
    # Modulo 2^16 at first, of which 2^bits is a divisor
    lower = ((pixels - scaled(upper, DEPTH_MIN, depth)) & ((1 << bits) - 1)).astype(np.uint8)
    if alpha is not None:
        upper = np.dstack((upper, alpha))
    # What is left in the lower bits is noise mostly, on which the greatest effort would be lost
    return webp.encode_lossless(upper, quick) + webp.encode_lossless(lower, quick, most=False)


def decode(data: bytes, width: int, height: int, channels: int, depth: int) -> np.ndarray:
    """Pixels of a patch; what is checked, and the errors, are those of `webp.decode`.

    Args:
        data: two WebP files without loss, the second from the end of the first on.
        width, height: that they must have, in pixels.
        channels: 3, or 4 with alpha last.
        depth: bits of a channel, 9..16.

    Returns:
        uint16 (height, width, channels); alpha has as many bits as the colours.
    """
    end = int.from_bytes(data[_RIFF_LENGTH], "little") + _RIFF_HEAD
    parts = data[:end], data[end:]
    if not all(map(webp.is_lossless, parts)):
        raise FormatError("damaged file: a patch is no WebP of upper and lower bits")
    bits = depth - DEPTH_MIN
    pixels = scaled(webp.decode(parts[0], width, height, channels), DEPTH_MIN, depth)
    colours = pixels[..., :_COLOURS]  # upper bits are right in what has been scaled
    lower = colours + webp.decode(parts[1], width, height, _COLOURS)
    mask = np.uint16((1 << bits) - 1)
    colours &= ~mask
    colours |= lower & mask
    return pixels
