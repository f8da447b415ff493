"""Picture files: read, written, and what their suffixes stand for."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from jndlic.errors import ImageError, ParameterError
from jndlic.files import write_atomically
from jndlic.format.container import DEPTH_MIN
from jndlic.images import deep_writing
from jndlic.images.deep_reading import deep_file, with_all_bits, with_eight_bits
from jndlic.images.formats import opened
from jndlic.images.frames import choose_frame
from jndlic.images.losses import OPAQUE_ONLY, reading_losses, writing_losses
from jndlic.images.mapped import mapped_picture
from jndlic.images.metadata import metadata_of, metadata_options, untold_orientation
from jndlic.images.picture import Picture, turned, with_depth
from jndlic.images.pillow import from_pillow, on_white, to_pillow

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pnm": "PPM",
    ".bmp": "BMP",
}
"""Formats that can be written, by suffix."""

_WRITE_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {},
    "JPEG": {
        "quality": 95,
        "subsampling": 0,
    },  # "optimize" fails on noise: Pillow's buffer is too small
    "WEBP": {"lossless": True, "exact": True},
    "TIFF": {},  # not compressed: Pillow's compressing writer fails on EXIF directories
    "PPM": {},
    "BMP": {},
}


def load(
    path: str | Path, frame: int | None = None, deep: bool = False, mapped: bool = False
) -> Picture:
    """Reads a picture file.

    Args:
        path: of the file.
        frame, deep, mapped: see `decoded`.

    Raises:
        ParameterError: there is no such frame.
        ImageError: it is empty, no picture, damaged, too large, or a decompression bomb.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            seekable = file if file.seekable() else io.BytesIO(file.read())
            return decoded(seekable, frame=frame, deep=deep, mapped=mapped)
        except (ImageError, ParameterError) as error:
            raise type(error)(f"{path}: {error}") from error


def decoded(
    file: BinaryIO,
    formats: Sequence[str] | None = None,
    frame: int | None = None,
    deep: bool = False,
    mapped: bool = False,
) -> Picture:
    """Reads a picture from an open file.

    Args:
        file: at its beginning; one that can be sought.
        formats: in Pillow's words; what is in another one counts as no picture. None: all that are
            read.
        frame: of an animation or a file of several pages, which is read, from 0 on. None: the
            first, and `losses` tells that there are others.
        deep: whether a picture of more than 8 bits a channel keeps them, as far as they can be read
            here; else it is rounded to 8, which is what metrics and models take. `losses` tells
            where bits are lost.
        mapped: whether pixels may stay in the file, to be read only; see mapped.py.

    Raises:
        ParameterError: there is no such frame.
        ImageError: it is empty, no picture, damaged, too large, or a decompression bomb.
    """
    if mapped and not frame and formats is None:
        picture = mapped_picture(file)
        if picture is not None:
            return picture
    with warnings.catch_warnings():
        # Pillow warns from 89 million pixels on and refuses from 179 million on; large photos are
        # welcome here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            image = opened(file, formats)
            lost_frames = choose_frame(image, frame)
            losses = (*reading_losses(image), *lost_frames)
            found = deep_file(image, file)
        except (ImageError, ParameterError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise ImageError(str(error)) from error
        except Exception as error:  # Pillow's readers raise nearly anything on damaged data
            raise ImageError(f"the picture cannot be decoded: {error}") from error
        picture = from_pillow(image)
    if deep and found is not None:
        picture = with_all_bits(picture, found, file)
    elif not deep:
        picture = with_eight_bits(picture, found)
    return replace(picture, losses=losses + picture.losses)


def save(path: str | Path, picture: Picture) -> None:
    """Writes a picture file, whole or not at all; the suffix chooses the format.

    A picture of more than 8 bits a channel becomes PNG, TIFF or PPM of 16; other formats have 8.
    JPEG is written at quality 95 without chroma subsampling, WebP lossless. JPEG, PPM and BMP have
    no alpha: the picture is laid on white. PPM and BMP have no metadata; JPEG leaves out EXIF or
    XMP of more than 64 kB; metadata that Pillow cannot write is left out.

    Raises:
        ImageError: the suffix is unknown, or the format cannot hold the picture.
        OSError: the file cannot be written.
    """
    try:
        content = picture_file(picture, output_format(path, picture.grey))[0]
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
    write_atomically(path, content)


def picture_file(picture: Picture, form: str) -> tuple[bytes, tuple[str, ...]]:
    """A picture as the content of a file, as `save` writes it.

    Args:
        picture: what the file shall show; turned as its EXIF asks where the format has no EXIF.
        form: in Pillow's words, one of those in FORMATS.

    Returns:
        The content; what it could not hold of the picture.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    shown = turned(picture, untold_orientation(form, picture.exif))
    content, complete = _encoded(shown, form, _WRITE_OPTIONS[form])
    alpha = picture.alpha is not None
    losses = deep_writing.depth_losses(form, picture.depth, picture.grey, alpha)
    losses += writing_losses(form, alpha, metadata_of(picture))
    if not complete:
        losses += (f"the metadata cannot be written as {form} and is left out",)
    return content, losses


def encoded(picture: Picture, form: str, options: Mapping[str, object]) -> bytes:
    """A picture as the content of a file, with alpha and metadata as `save` has it.

    Args:
        picture: what the file shall show.
        form: one of Pillow's formats: of FORMATS, "AVIF", or "JXL" where the plugin for it is
            loaded.
        options: of Pillow's `Image.save`, but for the metadata.

    Raises:
        ImageError: the format cannot hold the picture.
    """
    return _encoded(picture, form, options)[0]


def output_format(path: str | Path, grey: bool = True, suffix: str | None = None) -> str:
    """The format that a suffix stands for, in Pillow's words.

    Args:
        path: of the file to be; it is not touched.
        grey: whether the picture has one channel.
        suffix: to go by instead of the path's own.

    Raises:
        ImageError: there is none, or it holds grey pictures only.
    """
    suffix = suffix or os.path.splitext(path)[1].lower()
    if suffix not in FORMATS:
        raise ImageError(
            f"{path}: unknown suffix; pictures can be written as {' '.join(sorted(FORMATS))}"
        )
    if suffix == ".pgm" and not grey:
        raise ImageError(f"{path}: .pgm holds grey pictures only; choose .ppm")
    return FORMATS[suffix]


def _encoded(picture: Picture, form: str, options: Mapping[str, object]) -> tuple[bytes, bool]:
    """The content of a file, and whether Pillow could write the metadata."""
    try:
        return _written(picture, form, options, with_metadata=True), True
    except Exception:
        # Pillow raises nearly anything; broken metadata must not cost the picture, so once more
        # without.
        try:
            return _written(picture, form, options, with_metadata=False), False
        except ImageError:
            raise
        except Exception as error:  # a side too long for WebP, for example
            raise ImageError(f"cannot be written as {form}: {error}") from error


def _written(
    picture: Picture, form: str, options: Mapping[str, object], with_metadata: bool
) -> bytes:
    if picture.depth > DEPTH_MIN:
        if deep_writing.can_write(form, picture.grey, picture.alpha is not None):
            return deep_writing.written(picture, form, with_metadata)
        picture = with_depth(picture, DEPTH_MIN)
    image = to_pillow(picture)
    if form in OPAQUE_ONLY and picture.alpha is not None:
        image = on_white(image)
    if with_metadata:
        options = {**options, **metadata_options(form, picture)}
    content = io.BytesIO()
    image.info = {}  # or Pillow falls back on what it finds there
    image.save(content, form, **options)
    return content.getvalue()
