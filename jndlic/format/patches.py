"""Patches: rectangles of the picture that another format codes. Here are the bytes of the chunk
PTCH and the rules for rectangles; jndlic/patches/ has the pixels.

    number ║ left │ top │ width - 1 │ height - 1 │ format │ blend │ length ║ ... ║ data ║ data ║ ...
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.container import DEPTH_MIN, Header
from jndlic.format.reader import read_varint, write_varint

PNG, WEBP, DEEP_WEBP = 1, 2, 5
FORMATS = {PNG: "PNG", WEBP: "WebP", 3: "JPEG XL", 4: "AVIF", DEEP_WEBP: "deep WebP"}
"""Numbers of formats that the specification knows."""

READ = (WEBP, DEEP_WEBP)
"""Those that this program reads."""

PATCHES_MAX = 1024
PATCH_AREA_MAX = 1 << 24
"""Pixels of a patch: each is decoded whole, whatever part of the picture is wanted."""

BLEND_MAX = 32
_FIELD_BYTES_MIN = 7


class Patch(NamedTuple):
    """A rectangle and what codes it."""

    left: int
    top: int
    width: int
    height: int
    """Pixels of the picture as it is coded."""
    format: int
    """A key of FORMATS."""
    blend: int
    """Pixels from its border over which it fades into what lies below: 0..32, 0 for none."""
    data: bytes
    """A still picture of these sides."""

    @property
    def right(self) -> int:
        """First column behind it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """First row behind it."""
        return self.top + self.height

    def lossless(self, depth: int) -> bool:
        """Whether it gives the very pixels of the picture. One of WebP, which has 8 bits a channel,
        does not tell whether those of a deeper picture were rounded: it counts as lossy there.

        Args:
            depth: bits of a channel of the picture.
        """
        if self.format == WEBP:
            return depth == DEPTH_MIN and self.data[12:16] == b"VP8L"
        return self.format in (PNG, DEEP_WEBP)


def encode_patches(patches: Sequence[Patch], header: Header) -> bytes:
    """The payload of PTCH.

    Args:
        patches: of one picture, at least one.
        header: of the file to be.

    Raises:
        ParameterError: the patches are no valid ones.
    """
    fields = b"".join(
        b"".join(
            (
                *map(write_varint, (left, top, width - 1, height - 1)),
                bytes([format_, blend]),
                write_varint(len(data)),
            )
        )
        for left, top, width, height, format_, blend, data in patches
    )
    payload = write_varint(len(patches)) + fields + b"".join(patch.data for patch in patches)
    try:
        decode_patches(payload, header)
    except (FormatError, UnsupportedError) as error:
        raise ParameterError(f"these patches make no valid file: {error}") from None
    return payload


def decode_patches(
    payload: bytes, header: Header, formats: Collection[int] = READ
) -> tuple[Patch, ...]:
    """Inverse of `encode_patches`. What is said of the data was held against their number of bytes;
    they were not looked into.

    No two patches overlap, so that all of them together are no larger than the picture.

    Args:
        payload: of the chunk.
        header: of the file.
        formats: that the caller can do something with, keys of FORMATS.

    Raises:
        FormatError: the payload is damaged; a patch reaches beyond the picture, or over another; in
            a bare file, something is not covered; a patch has more bits than the picture.
        UnsupportedError: a format that is not among them, or that the specification did not know
            when this program was made.
    """
    count, position = read_varint(payload, 0)
    if not 1 <= count <= min(PATCHES_MAX, len(payload) // _FIELD_BYTES_MIN):
        raise FormatError(f"damaged file: {count} patches")
    fields: list[tuple[int, int, int, int, int, int, int]] = []
    for _ in range(count):
        place: list[int] = []
        for _ in range(4):
            value, position = read_varint(payload, position)
            place.append(value)
        both = payload[position : position + 2]
        if len(both) < 2:
            raise FormatError("the file is truncated")
        length, position = read_varint(payload, position + 2)
        left, top, width, height = place[0], place[1], place[2] + 1, place[3] + 1
        fields.append((left, top, width, height, both[0], both[1], length))
    if position + sum(field[-1] for field in fields) != len(payload):
        raise FormatError("damaged file: the data of the patches have the wrong size")
    patches: list[Patch] = []
    for left, top, width, height, format_, blend, length in fields:
        data = payload[position : position + length]
        patches.append(Patch(left, top, width, height, format_, blend, data))
        position += length
    _check(patches, header, formats)
    return tuple(patches)


def _check(patches: Sequence[Patch], header: Header, formats: Collection[int]) -> None:
    for patch in patches:
        if patch.right > header.width or patch.bottom > header.height:
            raise FormatError("damaged file: a patch reaches beyond the picture")
        if patch.width * patch.height > PATCH_AREA_MAX:
            raise FormatError("damaged file: a patch is too large")
        blend_max = 0 if header.bare else BLEND_MAX
        if not 0 <= patch.blend <= blend_max:
            raise FormatError("damaged file: a patch fades in where none does, or too far")
        if patch.format not in FORMATS:
            raise UnsupportedError(
                f"a part of the picture is stored in format {patch.format}, which this program "
                "does not know"
            )
        if patch.format == DEEP_WEBP and header.depth == DEPTH_MIN:
            raise FormatError("damaged file: a patch has more bits than the picture")
        if patch.format not in formats:
            raise UnsupportedError(
                f"a part of the picture is stored as {FORMATS[patch.format]}, which this program "
                "does not read"
            )
    if _overlap(patches):
        raise FormatError("damaged file: a patch lies over another")
    area = sum(patch.width * patch.height for patch in patches)
    if header.bare and area != header.width * header.height:
        raise FormatError("damaged file: the patches do not cover the picture")


def _overlap(patches: Sequence[Patch]) -> bool:
    """Whether any two patches have a pixel in common."""
    left, top, right, bottom = np.array(
        [(patch.left, patch.top, patch.right, patch.bottom) for patch in patches]
    ).T[:, :, None]
    common = (left < right.T) & (right > left.T) & (top < bottom.T) & (bottom > top.T)
    return int(common.sum()) > len(patches)
