"""What callers may hand over: paths, open files, bytes, images and arrays, told apart in one place.

a picture:    path │ file │ bytes of a picture file │ Pillow image │ array  ─► Picture
a .jlic file: path │ file │ bytes  ─► stream at its beginning

Bytes are always content, never the name of a file. An open file that can be sought is read from its
beginning, as Pillow does; a pipe from where it stands. It stays open.
"""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from jndlic.arguments import whole_number
from jndlic.errors import ImageError, ParameterError
from jndlic.format.container import DEPTH_MIN

if TYPE_CHECKING:
    from PIL.Image import Image

    from jndlic.images.picture import Picture

    Source = str | os.PathLike[str] | BinaryIO | bytes | bytearray | memoryview
    """A file: its path, itself when it is open, or its content."""

    PictureSource = Source | Image | np.ndarray | Picture
    """A picture, or a file of one."""

_BYTES = (bytes, bytearray, memoryview)


def picture_of(source: PictureSource, frame: int | None = None, deep: bool = False) -> Picture:
    """Reads a picture.

    Args:
        source: a Pillow image; a uint8 or uint16 array (H, W) or (H, W, 1 to 4); a path; an open
            file or the content of a file of any format that is read; or a `Picture`. Of a path the
            pixels may stay in the file, to be read only.
        frame: of a file, which of its frames or pages, from 0 on; the first by default.
        deep: whether a file of more than 8 bits a channel keeps them.

    Raises:
        ParameterError: it is something else, or a file that is closed or was opened as text; there
            is no such frame, or `source` is no file.
        ImageError: the picture cannot be read, or its shape is not supported.
        OSError: the file cannot be read.
    """
    from PIL.Image import Image

    from jndlic.images.files import decoded, load
    from jndlic.images.picture import Picture, from_array
    from jndlic.images.pillow import from_pillow

    frame = None if frame is None else whole_number(frame, "frame")
    if isinstance(source, (Picture, np.ndarray, Image)):
        if frame is not None:
            raise ParameterError("frame goes with a file: this is a picture already")
        if isinstance(source, Picture):
            return source
        return from_array(source) if isinstance(source, np.ndarray) else from_pillow(source)
    if isinstance(source, (str, os.PathLike)):
        return load(Path(source), frame, deep, mapped=True)
    if isinstance(source, _BYTES):
        return decoded(io.BytesIO(source), frame=frame, deep=deep)
    if not _is_file(source):
        raise ParameterError(
            "need a Pillow image, an array, a path, an open file or the bytes of a picture file, "
            f"got {type(source).__name__}"
        )
    file = _checked(source)
    if not can_be_sought(file):
        return decoded(io.BytesIO(file.read()), frame=frame, deep=deep)
    file.seek(0)
    try:
        return decoded(file, frame=frame, deep=deep)
    except (ImageError, ParameterError) as error:
        name = getattr(file, "name", None)
        told = f"{name}: {error}" if isinstance(name, str) else str(error)
        raise type(error)(told) from error


def picture_to_keep(
    picture: Picture, strip: bool, keep_profile: bool, bit_depth: int | None = None
) -> Picture:
    """What is coded of a picture.

    Args:
        picture: as it was read.
        strip: whether EXIF and XMP are left out.
        keep_profile: whether its pixels and their profile stay, or become sRGB.
        bit_depth: bits of a channel; those that it has by default. Of 8 bits, which were asked for,
            `losses` tells nothing.

    Raises:
        UnsupportedError: the profile is to be applied, and Pillow was built without LittleCMS.
    """
    if not keep_profile:
        from jndlic.images.colours import to_srgb

        picture = to_srgb(picture)
    if strip:
        from jndlic.images.metadata import stripped

        picture = stripped(picture)
    if bit_depth is not None:
        from jndlic.images.losses import lost_bits
        from jndlic.images.picture import with_depth

        picture = with_depth(picture, bit_depth)
        if bit_depth == DEPTH_MIN:
            told = tuple(loss for loss in picture.losses if not lost_bits(loss))
            picture = replace(picture, losses=told)
    return picture


def open_source(source: Source) -> tuple[BinaryIO, bool]:
    """A .jlic file as a stream that stands at its beginning.

    Args:
        source: a path, an open file, or the content.

    Returns:
        The stream; whether it was opened here, and is to be closed.

    Raises:
        ParameterError: it is something else, or a file that is closed or was opened as text.
        OSError: the file cannot be opened.
    """
    if isinstance(source, (str, os.PathLike)):
        return open(source, "rb"), True  # the caller closes it
    if isinstance(source, _BYTES):
        return io.BytesIO(source), True
    if not _is_file(source):
        raise ParameterError(
            f"need a path, an open file or the bytes of a .jlic file, got {type(source).__name__}"
        )
    file = _checked(source)
    if can_be_sought(file):
        file.seek(0)
    return file, False


def _is_file(source: object) -> bool:
    return callable(getattr(source, "read", None))


def _checked(file: BinaryIO) -> BinaryIO:
    # Those that wrap a text file, as temporary files are, have its attributes and not its class
    if hasattr(file, "encoding") and not isinstance(file, (io.RawIOBase, io.BufferedIOBase)):
        raise ParameterError("the file was opened as text; open it in binary mode, as with 'rb'")
    if getattr(file, "closed", False):
        raise ParameterError("the file is closed")
    return file


def can_be_sought(file: BinaryIO) -> bool:
    """Whether it is a file, and not a pipe."""
    seekable = getattr(file, "seekable", None)
    return bool(seekable()) if callable(seekable) else False
