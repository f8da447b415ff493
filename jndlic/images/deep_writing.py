"""Pictures of more than 8 bits a channel as files of 16: PNG, TIFF and PPM.

Pillow writes such pixels for grey without alpha alone. PNG's are those of deep_codecs.py, among
chunks that Pillow has made of the metadata; TIFF's stand in the file as they are, behind a
directory of tags by Pillow; PPM is a line of numbers before them.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from jndlic.errors import ImageError
from jndlic.format.container import DEPTH_MAX, DEPTH_MIN
from jndlic.images import deep_codecs
from jndlic.images.depth import scaled
from jndlic.images.metadata import metadata_options, tiff_tags
from jndlic.images.picture import Picture, to_array, turned, with_depth

FORMATS = ("PNG", "TIFF", "PPM")
"""In Pillow's words."""

_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_PNG_HEAD = len(_PNG_MARK) + 8 + 13 + 4  # with the first chunk
_PNG_OWN = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
_TIFF_BYTES_MAX = (1 << 32) - (1 << 24)
"""Of the pixels: places in a file have 32 bits, and there is metadata."""


def can_write(form: str, grey: bool, alpha: bool) -> bool:
    """Whether pictures of more than 8 bits can be written so here.

    Args:
        form: in Pillow's words.
        grey: whether the picture has one channel.
        alpha: whether it has alpha.
    """
    if form == "PNG":
        return (grey and not alpha) or deep_codecs.library() is not None
    return form in FORMATS


def depth_losses(form: str, depth: int, grey: bool, alpha: bool) -> tuple[str, ...]:
    """What a format cannot hold here of a picture's bits, in words for the user.

    Args:
        form, grey, alpha: see `can_write`.
        depth: bits of a channel of the picture.
    """
    if depth == DEPTH_MIN or can_write(form, grey, alpha):
        return ()
    if form in FORMATS:
        return (f"{depth} bits a channel become 8; to write them needs {deep_codecs.NEEDED}",)
    return (f"{form} is written with 8 bits a channel: {depth} become 8",)


def written(picture: Picture, form: str, with_metadata: bool) -> bytes:
    """The content of a file of 16 bits a channel.

    Args:
        picture: of more than 8 bits; turned as its own orientation says.
        form: one of FORMATS.
        with_metadata: whether the file gets the picture's.

    Raises:
        ImageError: the format cannot hold the picture.
        Exception: nearly anything, on damaged metadata.
    """
    picture = turned(with_depth(picture, DEPTH_MAX), picture.orientation)
    if form == "PPM":
        return _ppm(picture)
    if form == "TIFF":
        return _tiff(picture, with_metadata)
    return _png(picture, metadata_options(form, picture) if with_metadata else {})


def _png(picture: Picture, options: Mapping[str, object]) -> bytes:
    content = io.BytesIO()
    if picture.grey and picture.alpha is None:
        image = Image.fromarray(np.ascontiguousarray(picture.pixels[..., 0]))
        image.save(content, "PNG", **options)
        return content.getvalue()
    array = to_array(picture)
    pixels = deep_codecs.write_png(array)
    Image.new("L" if picture.grey else "RGB", (1, 1)).save(content, "PNG", **options)
    return pixels[:_PNG_HEAD] + _metadata_chunks(content.getvalue()) + pixels[_PNG_HEAD:]


def _metadata_chunks(png: bytes) -> bytes:
    """Of a PNG file, all chunks but those of the pixels."""
    found, place = b"", len(_PNG_MARK)
    while place < len(png):
        length, tag = struct.unpack_from(">I4s", png, place)
        end = place + length + 12
        if tag not in _PNG_OWN:
            found += png[place:end]
        place = end
    return found


def _tiff(picture: Picture, with_metadata: bool) -> bytes:
    """Not compressed, as of 8 bits: one strip, least significant byte first."""
    if picture.alpha is not None:  # grey with alpha is read by few, and not by Pillow
        picture = replace(picture, grey=False)
    array = to_array(picture)
    array = array[..., None] if array.ndim == 2 else array
    rows, columns, channels = array.shape
    data = array.astype("<u2", copy=False).tobytes()
    if len(data) > _TIFF_BYTES_MAX:
        raise ImageError("cannot be written as TIFF: too large")
    tags = tiff_tags(picture if with_metadata else Picture(picture.pixels[:1, :1], depth=DEPTH_MAX))
    tags[256], tags[257], tags[258] = columns, rows, (DEPTH_MAX,) * channels  # sides, bits
    tags[259], tags[262] = 1, 1 if picture.grey else 2  # not compressed; grey from black on, RGB
    tags[273], tags[277], tags[278], tags[279] = 0, channels, rows, len(data)  # the strip
    tags[284] = 1  # the channels of a pixel stand side by side
    if picture.alpha is not None:
        tags[338] = 2  # alpha, by which the colours are not multiplied
    content = io.BytesIO()
    tags.save(content)
    content.write(data)
    return content.getvalue()


def _ppm(picture: Picture) -> bytes:
    """What is transparent lies on white."""
    pixels = picture.pixels[..., :1] if picture.grey else picture.pixels
    if picture.alpha is not None:
        alpha = scaled(picture.alpha, DEPTH_MIN, DEPTH_MAX)[..., None].astype(np.float64) / 65535
        pixels = np.rint(pixels * alpha + 65535 * (1 - alpha))
    kind = "P5" if picture.grey else "P6"
    head = f"{kind}\n{picture.width} {picture.height}\n65535\n".encode()
    return head + pixels.astype(">u2").tobytes()
