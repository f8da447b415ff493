"""Pixels of more than 8 bits a channel, bare, where the package `imagecodecs` is installed: Pillow
reads and writes such pixels for grey alone. Metadata is Pillow's in any case.

Its functions take bytes and give arrays, in the caller's thread. libvips by pyvips, 20 MB for 69,
would do as well, but for JPEG XL and JPEG 2000, which its wheels lack, and for forks: a process
whose parent has used it waits for its threads for ever.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from jndlic.errors import ImageError

NEEDED = "the package imagecodecs, which is not installed: pip install 'jndlic[deep]'"

_READERS = {
    "PNG": "png_decode",
    "TIFF": "tiff_decode",
    "AVIF": "avif_decode",
    "JPEG2000": "jpeg2k_decode",
    "JXL": "jpegxl_decode",
}
"""Formats in Pillow's words, and what reads them."""

_PAGED = ("TIFF",)
_OF_16_BITS = ("PNG", "TIFF")


@cache
def library() -> Any | None:
    """The package; None where it is not installed."""
    try:
        import imagecodecs
    except ImportError:
        return None
    return imagecodecs


def knows(form: str) -> bool:
    """Whether the package reads a format, in Pillow's words."""
    return form in _READERS


def read(content: bytes, form: str, frame: int) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """The pixels of a picture file.

    Args:
        content: of the file, which Pillow has read without an error.
        form: in Pillow's words.
        frame: which of the pages of a TIFF, from 0 on; of the others the first is read.

    Returns:
        uint16 (H, W) or (H, W, 2 to 4 channels), alpha last, and how many bits a channel may have:
        not every format tells. None where the file has no more than 8, or cannot be read here.
    """
    codecs = library()
    if codecs is None or not knows(form) or (frame and form not in _PAGED):
        return None
    try:
        pixels = getattr(codecs, _READERS[form])(
            content, **({"index": frame} if form in _PAGED else {})
        )
    except Exception:  # each reader has an error of its own, and what it lacks is an ImportError
        return None
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint16:
        return None
    return pixels, (16,) if form in _OF_16_BITS else tuple(range(16, 8, -1))


def write_png(pixels: np.ndarray) -> bytes:
    """A PNG file of 16 bits a channel, without metadata.

    Args:
        pixels: uint16 (H, W) or (H, W, 2 to 4 channels), alpha last.

    Raises:
        ImageError: the package is not installed.
    """
    codecs = library()
    if codecs is None:
        raise ImageError(f"PNG of 16 bits a channel needs {NEEDED}")
    return bytes(codecs.png_encode(np.ascontiguousarray(pixels)))
