"""What a picture loses on its way from a file or into one, in words for the user."""

from __future__ import annotations

import re
from typing import BinaryIO

from PIL import Image

from jndlic.images.metadata import (
    JPEG_EXIF_MAX,
    JPEG_XMP_MAX,
    Metadata,
    has_metadata,
    orientation_of,
    untold_orientation,
)
from jndlic.images.picture import ALPHA_BITS_LOST

OPAQUE_ONLY = ("JPEG", "PPM", "BMP")
"""Formats without alpha, in Pillow's words."""

BITS_LOST = "more than 8 bits a channel become 8"

_DEEP = re.compile(r";1[0-6]")
_DEPTHS = ((b"pixi", 9, 0), (b"ihdr", 14, 1), (b"\xff\x4f\xff\x51", 42, 1))
"""Of AVIF's box, JPEG 2000's box and its bare code stream: the mark, how far behind its beginning
the depth of the first channel is, and what is to be added to it."""
_HEAD = 4096  # bytes, in which AVIF and JPEG 2000 say how many bits they have


def lost_bits(loss: str) -> bool:
    """Whether one of a picture's `losses` is that of bits beyond 8 a channel."""
    return loss.startswith((BITS_LOST, ALPHA_BITS_LOST))


def reading_losses(image: Image.Image) -> tuple[str, ...]:
    """What the codec cannot hold of a frame of a file, its colours and its bits apart.

    Args:
        image: opened, not loaded: Pillow forgets some of it when it loads.
    """
    found: list[str] = []
    if image.format == "TIFF" and orientation_of(image.getexif) != 1:
        found.append("TIFF is turned upright, and its orientation forgotten")
    return tuple(found)


def profile_losses(image: Image.Image, kept: bytes | None) -> tuple[str, ...]:
    """What is lost of a loaded image's colour profile; `kept` is what the picture has of it."""
    if image.info.get("icc_profile") and kept is None:
        return ("the colour profile is dropped, which is not one of RGB or grey",)
    return ()


def writing_losses(form: str, alpha: bool, metadata: Metadata) -> tuple[str, ...]:
    """What a format cannot hold of a picture.

    Args:
        form: in Pillow's words.
        alpha: whether the picture has it.
        metadata: of the picture.
    """
    found: list[str] = []
    if alpha and form in OPAQUE_ONLY:
        found.append(f"{form} has no alpha: the picture is laid on white")
    icc, exif, xmp = metadata["icc"], metadata["exif"], metadata["xmp"]
    if form == "JPEG":
        exif = exif if exif and len(exif) > JPEG_EXIF_MAX else None
        xmp = xmp if xmp and len(xmp) > JPEG_XMP_MAX else None
        why = "too long for JPEG"
    elif has_metadata(form):
        return tuple(found)
    else:
        why = f"{form} has no metadata"
    lost = ["colour profile"] if icc and form != "JPEG" else []
    if exif:
        turn = untold_orientation(form, exif)
        lost.append("EXIF" if turn == 1 else f"EXIF (its orientation {turn} turns the pixels)")
    if xmp:
        lost.append("XMP")
    if lost:
        found.append(f"{why}: {', '.join(lost)} left out")
    return tuple(found)


def is_deep(image: Image.Image, file: BinaryIO) -> bool:
    """Whether a file has more than 8 bits a channel, which Pillow may have halved by itself.

    Args:
        image: opened, not loaded: Pillow forgets it when it loads.
        file: that it was opened from; stays where it stands.
    """
    if image.mode.startswith("I"):
        return True
    for tile in getattr(image, "tile", ()):
        if _DEEP.search(str(tile[3])):
            return True
        if image.format == "PPM" and isinstance(tile[3], tuple):
            return any(isinstance(part, int) and part > 255 for part in tile[3])
    return boxed_depth(image, file) > 8


def boxed_depth(image: Image.Image, file: BinaryIO) -> int:
    """Bits of the first channel by the boxes and markers of AVIF and JPEG 2000; 8 if none tells,
    and of other formats. Arguments as of `is_deep`.
    """
    if image.format not in ("AVIF", "JPEG2000"):
        return 8
    place = file.tell()
    file.seek(0)
    head = file.read(_HEAD)
    file.seek(place)
    for mark, offset, added in _DEPTHS:
        place = head.find(mark)
        if place >= 0 and place + offset < len(head) and head[place + offset] != 0xFF:
            return (head[place + offset] & 0x7F) + added
    return 8
