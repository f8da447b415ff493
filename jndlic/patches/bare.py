"""Whole pictures in patches: files without anything for the network.

Picture ─► lossless WebP, a grid of cells where it is large ─► bare file ─► Picture, the same

WebP has 8 bits a channel: deeper pictures are two of them, of upper and of lower bits.
"""

from __future__ import annotations

import numpy as np

from jndlic.errors import ImageError
from jndlic.format.container import (
    DEPTH_MIN,
    TAG_ALPHA,
    TAG_EXIF,
    TAG_ICC,
    TAG_PATCHES,
    TAG_XMP,
    Container,
    Front,
    bare_header,
    pack,
)
from jndlic.format.patches import PATCHES_MAX, Patch, decode_patches, encode_patches
from jndlic.format.planes import decode_plane
from jndlic.images.chunks import alpha_chunks, metadata_chunks
from jndlic.images.depth import pixel_type, scaled
from jndlic.images.losses import lost_bits
from jndlic.images.picture import Picture
from jndlic.images.region import Region
from jndlic.patches import webp
from jndlic.patches.coding import exact_patch
from jndlic.patches.paste import paste

CELL = 2048
"""Longest side of a cell, in pixels. A cell is decoded as a whole, by some 16 bytes a pixel, and a
region needs the cells that it touches. WebP looks 2^20 pixels back, so smaller cells make larger
files and larger ones none that are smaller.
"""


def encode_lossless(picture: Picture) -> bytes:
    """The content of a file that holds the picture exactly.

    Args:
        picture: to encode.

    Raises:
        ImageError: bits of it were lost when it was read.
        UnsupportedError: Pillow was built without WebP.
    """
    lost = [loss for loss in picture.losses if lost_bits(loss)]
    if lost:
        told = "; ".join(lost)
        raise ImageError(
            f"{told}, which is a loss: choose a quality, or 8 bits a channel (--bit-depth 8)"
        )
    return pack(lossless_container(picture))


def lossless_container(picture: Picture, quick: bool = False) -> Container:
    """A file that holds the picture exactly.

    Args:
        picture: to encode.
        quick: see `webp.encode_lossless`.

    Raises:
        UnsupportedError: Pillow was built without WebP.
    """
    webp.check_available()
    # An empty plane: opacity is in the patches, where it shares what it has in common with colours
    chunks = () if picture.alpha is None else ((TAG_ALPHA, b""),)
    patches = [
        exact_patch(picture.pixels, cell, picture.depth, picture.alpha, quick)
        for cell in cells(picture.width, picture.height)
    ]
    return bare_container(picture, patches, chunks)


def bare_container(
    picture: Picture,
    patches: list[Patch],
    alpha: tuple[tuple[bytes, bytes], ...] | None = None,
) -> Container:
    """A file of patches alone.

    Args:
        picture: gives sizes, metadata and alpha.
        patches: that cover it.
        alpha: chunks for its alpha; by default it is a plane of its own.
    """
    header = bare_header(
        picture.width, picture.height, picture.grey, picture.depth, picture.orientation
    )
    chunks = (
        *metadata_chunks(picture),
        *(alpha_chunks(picture) if alpha is None else alpha),
        (TAG_PATCHES, encode_patches(patches, header)),
    )
    return Container(header, 0, b"", b"", (), chunks)


def decode_bare(file: Container | Front, part: Region, depth: int) -> Picture:
    """A part of the picture of a bare file, as it was coded.

    Args:
        file: that is decoded; the front is enough.
        part: of the picture as it is coded.
        depth: bits a channel of the picture that is wanted.

    Raises:
        FormatError: it is damaged.
        UnsupportedError: what reads its patches is not installed.
    """
    header, alpha = file.header, file.payload(TAG_ALPHA)
    plane = None
    if alpha:
        inside = slice(part.top, part.top + part.height), slice(part.left, part.left + part.width)
        plane = decode_plane(alpha, header.height, header.width, "alpha")[inside].copy()
    patches = decode_patches(file.payload(TAG_PATCHES) or b"", header)
    levels = np.empty((part.height, part.width, 4 if alpha == b"" else 3), pixel_type(depth))
    paste(levels, part, patches, header, depth)
    if alpha == b"":
        plane = scaled(levels[..., 3], depth, DEPTH_MIN).copy()
        levels = levels[..., :3].copy()
    return Picture(
        levels,
        plane,
        header.grey,
        icc=file.payload(TAG_ICC),
        exif=file.payload(TAG_EXIF),
        xmp=file.payload(TAG_XMP),
        depth=depth,
    )


def cells(width: int, height: int) -> list[Region]:
    """A grid of nearly equal cells, in raster order.

    Args:
        width, height: of the picture, in pixels.
    """
    across, down = (-(-side // CELL) for side in (width, height))
    while across * down > PATCHES_MAX:  # only of pictures of gigapixels
        across, down = -(-across // 2), -(-down // 2)
    return [
        Region(left, top, right - left, bottom - top)
        for top, bottom in _cuts(height, down)
        for left, right in _cuts(width, across)
    ]


def _cuts(size: int, count: int) -> list[tuple[int, int]]:
    edges = [size * number // count for number in range(count + 1)]
    return list(zip(edges, edges[1:]))
