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
import re
from typing import Any, BinaryIO

import numpy as np

from jndlic.images.picture import Picture, check_size

_CHANNELS = {b"P5": 1, b"P6": 3}
_SPACE = rb"(?:\s|#[^\n\r]*[\n\r])+"
_HEAD = re.compile(_SPACE.join((rb"(P[56])", rb"(\d{1,9})", rb"(\d{1,9})", rb"255\s")))
_HEAD_BYTES = 4096
_UNKNOWN_HERE = (errno.EINVAL, errno.EOPNOTSUPP)


class MappedPixels(np.memmap):
    """Pixels in a file, which the system reads and writes where they are touched.

    With each part that is taken, the process lets go of the parts before; what it wrote into them
    is in the file. So it holds the pages of one part, whatever the size of the picture.
    """

    def __getitem__(self, key: Any) -> Any:
        whole: mmap.mmap | None = getattr(self, "_mmap", None)  # of numpy.memmap
        if whole is not None and hasattr(mmap, "MADV_DONTNEED"):
            whole.madvise(mmap.MADV_DONTNEED)
        found = super().__getitem__(key)
        return np.asarray(found) if isinstance(found, np.ndarray) else found


def mapped_picture(file: BinaryIO) -> Picture | None:
    """The picture of a file whose pixels stay there, to be read only; None where they cannot.

    Nothing is allocated that is not in the file, so that no limit of Pillow's counts. Whoever
    shortens the file while the picture is in use ends this process.

    Args:
        file: at its beginning, where it is when this returns.

    Raises:
        ImageError: no .jlic file can hold so large a picture.
    """
    try:
        size = os.fstat(file.fileno()).st_size
    except (AttributeError, OSError):  # no file of the system's
        return None
    head = _HEAD.match(file.read(_HEAD_BYTES))
    file.seek(0)
    if head is None:
        return None
    width, height, channels = int(head[2]), int(head[3]), _CHANNELS[head[1]]
    if not 0 < width * height * channels <= size - head.end():
        return None  # Pillow tells what is wrong
    check_size(width, height)
    pixels = MappedPixels(file, np.uint8, "r", head.end(), (height, width, channels))
    file.seek(0)
    if channels == 1:
        pixels = np.broadcast_to(pixels, (height, width, 3), subok=True)
    return Picture(pixels, grey=channels == 1)


def ppm_to_fill(file: BinaryIO, width: int, height: int) -> np.ndarray:
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
