"""Patches in WebP, which Pillow brings along: pixels to bytes and back."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, features

from jndlic.errors import FormatError, UnsupportedError

SIDE_MAX = 16383
"""Largest side that WebP can hold, in pixels."""

_LOSSLESS, _LOSSY = b"VP8L", b"VP8 "
_HEAD = struct.Struct("<4sI4s4sI")
"""RIFF, length of what follows, WEBP, kind and length of the only chunk."""

_LOSSLESS_MARK, _LOSSY_MARK = 0x2F, b"\x9d\x01\x2a"
_KIND = slice(12, 16)
_MODES = {3: "RGB", 4: "RGBA"}

EFFORT = {"quality": 90, "method": 6}
"""For lossless pictures. Quality 100 takes ten times as long, for 0.1 to 0.8 % of a photo."""

EFFORT_MOST = {"quality": 100, "method": 6}
"""Some 20 s of a CPU core for a megapixel of a photo, 7 s of graphics, of which it saves up to
8 %.
"""

EFFORT_FAST = {"quality": 75, "method": 2}
"""Now and then smaller than EFFORT, since it tries other transforms, and never much slower."""

MOST_PIXELS, MOST_PIXELS_GRAPHICS = 1 << 18, 1 << 20
"""Up to these areas EFFORT_MOST is worth its time."""

GRAPHICS_BITS = 6.0
"""Bits a pixel that a photo always exceeds."""


def available() -> bool:
    """Whether Pillow has WebP."""
    return features.check("webp") is True


def check_available() -> None:
    """Finds out whether Pillow has WebP.

    Raises:
        UnsupportedError: it was built without.
    """
    if not available():
        raise UnsupportedError(
            "this needs WebP, which the installed Pillow was built without; those of PyPI have it"
        )


def encode_lossless(pixels: np.ndarray, quick: bool = False, most: bool = True) -> bytes:
    """Codes pixels exactly; colours under transparent ones too.

    Args:
        pixels: uint8 (H, W, 3), or (H, W, 4) with alpha last; sides up to SIDE_MAX. Three equal
            channels cost what one does.
        quick: some percent larger, in a tenth of the time and less.
        most: whether small pictures are worth the greatest effort.
    """
    fast = _lossless(pixels, EFFORT_FAST)
    if quick:
        return fast
    found = min(fast, _lossless(pixels, EFFORT), key=len)
    count = pixels.shape[0] * pixels.shape[1]
    graphics = 8 * len(found) < GRAPHICS_BITS * count
    if most and count <= (MOST_PIXELS_GRAPHICS if graphics else MOST_PIXELS):
        found = min(found, _lossless(pixels, EFFORT_MOST), key=len)
    return found


def encode_lossy(pixels: np.ndarray, quality: int) -> bytes:
    """Codes pixels roughly.

    Args:
        pixels: uint8 (H, W, 3), sides up to SIDE_MAX.
        quality: of WebP, 0..100.
    """
    return _saved(pixels, {"quality": quality, "method": 4})


def is_lossless(data: bytes) -> bool:
    """Whether a WebP file says that it is one without loss."""
    return data[_KIND] == _LOSSLESS


def decode(data: bytes, width: int, height: int, channels: int) -> np.ndarray:
    """Pixels of a patch. What the data say of their size is compared before anything is allocated.

    Args:
        data: a WebP file of one still picture, without metadata.
        width, height: that it must have, in pixels.
        channels: 3, or 4 with alpha last.

    Returns:
        uint8 (height, width, channels).

    Raises:
        FormatError: it is damaged, no such file, or of another size.
        UnsupportedError: Pillow was built without WebP, or a program has lowered the limit that it
            sets to sizes.
    """
    if _size(data) != (width, height):
        raise FormatError("damaged file: a patch is no WebP picture of the size that it has")
    check_available()
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            if image.size != (width, height) or (channels == 3 and image.mode != "RGB"):
                raise FormatError("damaged file: a patch is of another kind than the picture")
            return np.array(image.convert(_MODES[channels]))
    except (FormatError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # no fault of the file: patches are small
        raise UnsupportedError(f"Image.MAX_IMAGE_PIXELS of Pillow was lowered: {error}") from None
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise FormatError(f"damaged file: a patch cannot be decoded ({error})") from None


def _size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the head of a WebP file; None if it is none of those that patches are."""
    if len(data) < _HEAD.size + 10:
        return None
    riff, length, webp, kind, size = _HEAD.unpack_from(data)
    body = data[_HEAD.size : _HEAD.size + 10]
    if riff != b"RIFF" or webp != b"WEBP" or length + 8 != len(data):
        return None
    if _HEAD.size + size + size % 2 != len(data):
        return None
    if kind == _LOSSLESS and body[0] == _LOSSLESS_MARK:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == _LOSSY and body[3:6] == _LOSSY_MARK:
        across, down = struct.unpack_from("<HH", body, 6)
        return across & 0x3FFF, down & 0x3FFF
    return None


def _lossless(pixels: np.ndarray, effort: dict[str, int]) -> bytes:
    return _saved(pixels, {"lossless": True, "exact": True, **effort})


def _saved(pixels: np.ndarray, options: dict[str, int]) -> bytes:
    check_available()
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "WEBP", **options)
    return file.getvalue()
