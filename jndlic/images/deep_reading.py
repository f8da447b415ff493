"""Pictures of more than 8 bits a channel out of files: what Pillow gives of them, and the pixels it
rounded away.

file ─► Pillow ─► metadata, alpha, 8-bit pixels ─┐
     └► PPM as it stands, or deep_codecs.py ─────┴─► the picture with all its bits
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, TiffImagePlugin

from jndlic.errors import ImageError
from jndlic.format.container import DEPTH_MAX, DEPTH_MIN
from jndlic.images import deep_codecs
from jndlic.images.depth import to_levels
from jndlic.images.losses import BITS_LOST, boxed_depth, is_deep
from jndlic.images.metadata import orientation_of
from jndlic.images.picture import Picture, from_array, turned_plane, with_depth

_NEAR = 2.0
"""Grey levels by which two readers may differ on the mean: one cuts where the other rounds, and of
AVIF they may enlarge the colours in other ways."""

_SKIPPED = 3
"""Each third row and column is enough to see that."""

_TIFF_BITS, _TIFF_MEANING = 258, 262
_MULTIPLIED, _OF_12_BITS = "RGBa", "I;12"
"""What Pillow calls colours that are multiplied by alpha, and grey levels of 12 bits."""

_WHATEVER_0_IS = ("I;16", "I;16N")
"""What it calls grey levels of 16 bits, from white on as well as from black on."""


class DeepFile(NamedTuple):
    """What is known of a file of more than 8 bits before Pillow has loaded it, and forgets."""

    sure: bool
    """False: it may have 8 only."""
    form: str
    """In Pillow's words."""
    frame: int
    turn: int
    """By which Pillow turns a TIFF upright, as EXIF numbers it."""
    raw: str
    """What Pillow calls the values in the file."""
    from_white: bool
    """Whether 0 is white in a TIFF; Pillow minds that of 8 bits alone."""
    told: int
    """Bits of a channel as the head of an AVIF or JPEG 2000 file has it, else 8."""
    offset: int
    """Of the pixels of a plain PPM in the file, else 0."""
    channels: int
    """Of a plain PPM."""
    maximum: int
    """Of a plain PPM."""


def deep_file(image: Image.Image, file: BinaryIO) -> DeepFile | None:
    """Notes what is needed to read all bits of a frame; None where it has 8.

    Args:
        image: opened, not loaded.
        file: that it was opened from; stays where it stands.

    Raises:
        ImageError: Pillow would take each byte of it for a pixel.
    """
    form, raw = image.format or "", _raw_mode(image)
    tags = image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}
    if len(raw) == 1 and max(tags.get(_TIFF_BITS, (1,))) > DEPTH_MIN:
        raise ImageError("TIFF of more than 8 bits whose channels lie apart is not supported")
    sure = is_deep(image, file)
    # Pillow's plugin for JPEG XL does not tell how many bits of colours there were
    if not sure and not (form == "JXL" and deep_codecs.library() is not None):
        return None
    offset, channels, maximum = _plain_ppm(image)
    return DeepFile(
        sure,
        form,
        image.tell(),
        orientation_of(image.getexif) if form == "TIFF" else 1,
        raw,
        tags.get(_TIFF_MEANING) == 0 and raw in _WHATEVER_0_IS,
        boxed_depth(image, file),
        offset,
        channels,
        maximum,
    )


def with_all_bits(picture: Picture, deep: DeepFile, file: BinaryIO) -> Picture:
    """The picture with all the bits that the file has and can be read here; `losses` tells where it
    stays with 8.

    Args:
        picture: by Pillow.
        deep: of the same file.
        file: one that can be sought.
    """
    if deep.offset:
        return _of_ppm(picture, deep, file)
    if picture.depth > DEPTH_MIN:
        return _as_stored(picture, deep)
    full = None
    # Of multiplied colours the readers differ where there is alpha, too little for the mean to show
    if not deep.raw.startswith(_MULTIPLIED):
        file.seek(0)
        full = _full(picture, deep, file.read())
    if full is not None:
        return replace(
            picture,
            pixels=full.pixels,
            alpha=full.alpha,
            grey=full.grey,
            depth=full.depth,
            losses=(*picture.losses, *full.losses),
        )
    if not deep.sure:
        return picture
    here = deep_codecs.library() is not None or not deep_codecs.knows(deep.form)
    told = BITS_LOST if here else f"{BITS_LOST}; to keep them needs {deep_codecs.NEEDED}"
    return replace(picture, losses=(*picture.losses, told))


def with_eight_bits(picture: Picture, deep: DeepFile | None) -> Picture:
    """The picture with 8 bits, and in `losses` that there were more."""
    if deep is not None:
        picture = _as_stored(picture, deep)
    picture = with_depth(picture, DEPTH_MIN)
    if deep is None or not deep.sure:
        return picture
    return replace(picture, losses=(*picture.losses, BITS_LOST))


def _as_stored(picture: Picture, deep: DeepFile) -> Picture:
    """The picture by Pillow, which takes 12 bits of TIFF for the lower ones of 16, the bits of JPEG
    2000 for the upper ones, and a negative for what it shows.
    """
    if picture.depth == DEPTH_MIN:
        return picture
    if deep.from_white:
        return replace(picture, pixels=~picture.pixels)
    if deep.raw == _OF_12_BITS:
        return replace(picture, depth=12)
    unused = DEPTH_MAX - deep.told if deep.form == "JPEG2000" and deep.told > DEPTH_MIN else 0
    if unused > 0 and not (picture.pixels & ((1 << unused) - 1)).any():
        return replace(picture, pixels=picture.pixels >> unused, depth=deep.told)
    return picture


def _full(picture: Picture, deep: DeepFile, content: bytes) -> Picture | None:
    """The picture by another reader; None where it reads none, or another one."""
    found = deep_codecs.read(content, deep.form, deep.frame)
    if found is None:
        return None
    pixels, depths = found
    told = (deep.told,) if deep.told > DEPTH_MIN else ()
    return _same_picture(picture, pixels, told, deep.turn) or _same_picture(
        picture, pixels, depths, deep.turn
    )


def _same_picture(
    picture: Picture, pixels: np.ndarray, depths: Sequence[int], turn: int
) -> Picture | None:
    """The picture by another reader; None where that means another one.

    Args:
        picture: by Pillow.
        pixels: as of `deep_codecs.read`.
        depths: bits that a channel may have: those that make both most alike are taken, where they
            are least so. On the mean, a dark picture with few lights would be like a darker one.
        turn: by which Pillow has turned it.
    """
    found, nearest = None, math.inf
    for depth in depths:
        try:
            full = from_array(turned_plane(pixels, turn), depth)
        except ImageError:  # too many bits for this, or no picture at all
            continue
        mean, largest = _differences(picture, full)
        if mean <= _NEAR and largest <= nearest:
            found, nearest = full, largest
    return found


def _differences(picture: Picture, full: Picture) -> tuple[float, float]:
    """Mean and largest difference of two pictures in grey levels of 8 bits, by some of their
    pixels; infinite where they have other sides or channels.
    """
    if picture.pixels.shape != full.pixels.shape or (picture.grey and not full.grey):
        return math.inf, math.inf  # Pillow makes RGBA of grey with alpha: the reverse is right
    if (picture.alpha is None) != (full.alpha is None):
        return math.inf, math.inf
    levels = to_levels(full.pixels[::_SKIPPED, ::_SKIPPED], full.depth)
    apart = np.abs(levels - picture.pixels[::_SKIPPED, ::_SKIPPED])
    return float(apart.mean()), float(apart.max())


def _raw_mode(image: Image.Image) -> str:
    """What Pillow calls the values of an image that it has not loaded; empty if it does not say."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3]
        name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
        return name if isinstance(name, str) else ""
    return ""


def _plain_ppm(image: Image.Image) -> tuple[int, int, int]:
    """Where the pixels of a PPM or PGM of two bytes a value begin, its channels and its maximum;
    zeros for all else.
    """
    tile = getattr(image, "tile", ())
    if image.format != "PPM" or len(tile) != 1:
        return 0, 0, 0
    name, _, offset, arguments = tile[0]
    if name != "ppm" or not isinstance(arguments, tuple) or arguments[1] <= 255:
        return 0, 0, 0
    if image.mode not in ("RGB", "I"):  # a kind of Pillow's own, with alpha or of inks
        return 0, 0, 0
    return offset, 3 if image.mode == "RGB" else 1, arguments[1]


def _of_ppm(picture: Picture, deep: DeepFile, file: BinaryIO) -> Picture:
    """Pixels as they stand in the file, most significant byte first."""
    file.seek(deep.offset)
    shape = picture.height, picture.width, deep.channels
    data = file.read(2 * picture.height * picture.width * deep.channels)
    values = np.frombuffer(data, dtype=">u2").reshape(shape).astype(np.uint16)
    np.minimum(values, deep.maximum, out=values)  # as Pillow has it
    depth = deep.maximum.bit_length()
    if deep.maximum != (1 << depth) - 1:  # no whole number of bits
        depth = DEPTH_MAX
        wide = values.astype(np.uint32) * ((1 << depth) - 1) + deep.maximum // 2
        values = (wide // deep.maximum).astype(np.uint16)
    full = from_array(values, depth)
    return replace(picture, pixels=full.pixels, depth=depth)
