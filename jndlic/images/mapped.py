"""Pixels that stay in a file: binary PPM and PGM of 8 bits, which hold them row by row as they are.

    file ─► MappedPixels ─► windows, as the encoder asks for them
    windows, as the decoder draws them ─► MappedPixels ─► file

Pillow reads and writes whole pictures, by 4 bytes a pixel; so do the libraries of all formats that
compress. Of a TIFF without compression the strips could be mapped as well, but not each of them
lies in one piece, and nothing here writes one of which that is known.
"""

from __future__ import annotations

import errno
import mmap
import os
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from jndlic.images.picture import Picture

_CHANNELS = {"L": 1, "RGB": 3}
_UNKNOWN_HERE = (errno.EINVAL, errno.EOPNOTSUPP)


class MappedPixels(np.memmap):
    """Pixels in a file, which the system reads and writes where they are touched.

    With each part that is taken, the process lets go of the parts before; what it wrote into them
    is in the file. So it holds the pages of one part, whatever the size of the picture.
    """

    def __getitem__(self, key: Any) -> Any:
        whole: mmap.mmap | None = self._mmap
        if whole is not None and hasattr(mmap, "MADV_DONTNEED"):
            whole.madvise(mmap.MADV_DONTNEED)
        found = super().__getitem__(key)
        return np.asarray(found) if isinstance(found, np.ndarray) else found


def mapped_picture(image: Image.Image, file: BinaryIO) -> Picture | None:
    """The picture of a file whose pixels stay there, to be read only; None where they cannot.

    Whoever shortens the file while the picture is in use ends this process.

    Args:
        image: opened by Pillow, not loaded.
        file: that it was opened from.
    """
    tiles = getattr(image, "tile", ())
    if image.format != "PPM" or len(tiles) != 1:
        return None
    name, _, offset, mode = tiles[0]
    channels = _CHANNELS.get(mode) if name == "raw" and isinstance(mode, str) else None
    if channels is None or mode != image.mode:
        return None
    width, height = image.size
    try:
        size = os.fstat(file.fileno()).st_size
    except (AttributeError, OSError):  # no file of the system's
        return None
    if size < offset + width * height * channels:  # or Pillow tells what is wrong
        return None
    pixels = MappedPixels(file, np.uint8, "r", offset, (height, width, channels))
    if channels == 1:
        pixels = np.broadcast_to(pixels, (height, width, 3), subok=True)
    return Picture(pixels, grey=channels == 1)


def ppm_to_fill(file: BinaryIO, width: int, height: int) -> MappedPixels:
    """Makes a PPM file of 8 bits, and gives its pixels to be filled: uint8 (height, width, 3).

    Args:
        file: empty, open for reading and writing.
        width, height: in pixels.

    Raises:
        OSError: there is no room for it.
    """
    head = b"P6\n%d %d\n255\n" % (width, height)
    file.write(head)
    file.flush()
    size = len(head) + 3 * width * height
    if hasattr(os, "posix_fallocate"):  # else a full disk would end this process later on
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _UNKNOWN_HERE:
                raise
    return MappedPixels(file, np.uint8, "r+", len(head), (height, width, 3))
