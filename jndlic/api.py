"""What `import jndlic` offers: encode, decode, info, open, imread, imwrite. Here arguments are
checked; sources.py tells apart what is handed over, pipeline.py does the work.

The runtime is imported only where a codec is at work: `info` and `open` do without.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlic.arguments import whole_number
from jndlic.errors import ParameterError
from jndlic.files import check_target, is_special, write_atomically
from jndlic.format import container as format_
from jndlic.format.container import SUFFIX, read_container
from jndlic.jlic_file import JlicFile, check_codec, restored, shipped_codec
from jndlic.sources import opened, picture_of

if TYPE_CHECKING:
    from PIL.Image import Image

    from jndlic.images.picture import Picture
    from jndlic.runtime.backend import Backend
    from jndlic.sources import PictureSource, Source

DEFAULT_QUALITY = 50


def encode(
    image: PictureSource,
    quality: int = DEFAULT_QUALITY,
    *,
    codec: Backend | None = None,
    threads: int | None = None,
    jnd: np.ndarray | str | None = None,
    patches: bool = True,
    lossless: bool = False,
) -> bytes:
    """Compresses a picture.

    Args:
        image: a Pillow image; a uint8 array (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or (H, W, 4),
            where 2 and 4 channels end with alpha; the path of a picture file, an open one, or its
            content as bytes.
        quality: 1 (smallest file) to 100 (visually lossless).
        codec: network and tables; the shipped ones by default.
        threads: limit on the CPU threads of this call; by default as many as processors are free.
        jnd: tolerance of each pixel in grey levels, (H, W) or (H, W, 3). Where it is twice the map
            that the encoder makes of the picture, the quantisation step is twice as large (blocks
            of 32 x 32 pixels), as far as qualities 1 to 100 reach. Or the name of a JND model
            (`jndlic encode --help` lists them), whose map says where quality goes.
        patches: what the network cannot draw (text, screenshots, stripes) is stored in another way;
            photos stay as they are.
        lossless: the file holds the picture exactly, as lossless WebP; it needs no network, so that
            quality, codec and jnd must be left alone.

    Returns:
        The content of a .jlic file.

    Raises:
        ParameterError: the quality or the number of threads is out of range, `image` or `codec` is
            something else, or the map has another size than the picture, or values that are
            negative or not finite; there is no such model; something else goes not with `lossless`.
        UnsupportedError: with `lossless`, Pillow was built without WebP.
        ImageError: the picture cannot be read, or its shape is not supported.
        OSError: the file cannot be read.
    """
    quality = checked_quality(quality)
    check_codec(codec)
    picture = picture_of(image)
    if lossless:
        if quality != DEFAULT_QUALITY or codec is not None or jnd is not None:
            raise ParameterError("with lossless, there is no quality, codec or JND map to choose")
        from jndlic.patches.bare import encode_lossless

        return encode_lossless(picture)
    from jndlic.runtime.threads import thread_limit

    with thread_limit(threads):
        from jndlic.pipeline import encode_picture

        codec = codec or shipped_codec()
        return encode_picture(picture, quality, codec, jnd, patches=patches)


def decode(
    data: Source,
    *,
    region: Sequence[int] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
) -> Image:
    """Restores a picture.

    Args:
        data: the content of a .jlic file, its path, or an open one.
        region: left, top, width and height of the part that is wanted, in pixels of the picture;
            all of it by default. Of a file that can be sought only the segments (1024 x 1024
            pixels) are read that the part depends on.
        codec: network and tables; the shipped ones by default. They must be those that the file was
            made with.
        threads: limit on the CPU threads of this call; by default as many as processors are free.
        area_max: refuse files that claim more pixels than this.

    Returns:
        A Pillow image of mode L, LA, RGB or RGBA; `info` holds icc_profile, exif and xmp where the
        file has them.

    Raises:
        FormatError: the data is damaged, truncated or foreign.
        UnsupportedError: it needs another version or other weights.
        ParameterError: `data` is something else, `codec` none of `load_codec`; the number of
            threads or the limit is out of range; the region is not within the picture.
        OSError: the file cannot be read.
    """
    from jndlic.images.pillow import to_pillow

    return to_pillow(_decoded(data, region, codec, threads, area_max))


def imread(
    source: Source,
    *,
    region: Sequence[int] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
) -> np.ndarray:
    """Restores a picture as an array; `decode` without Pillow.

    Args:
        source: the path of a .jlic file, an open one, or its content.
        region, codec, threads, area_max: as of `decode`.

    Returns:
        uint8 (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and alpha.

    Raises:
        FormatError, UnsupportedError, ParameterError, OSError: as of `decode`.
    """
    from jndlic.images.picture import to_array

    return to_array(_decoded(source, region, codec, threads, area_max))


def imwrite(
    path: str | os.PathLike[str],
    image: PictureSource,
    quality: int = DEFAULT_QUALITY,
    *,
    codec: Backend | None = None,
    threads: int | None = None,
    jnd: np.ndarray | str | None = None,
    patches: bool = True,
    lossless: bool = False,
) -> None:
    """Compresses a picture into a file, which appears whole or not at all. What was there before
    is replaced.

    Args:
        path: where the file shall be; its name ends in .jlic, unless it is a pipe or a device.
        image: an array, or whatever else `encode` takes.
        quality, codec, threads, jnd, patches, lossless: as of `encode`.

    Raises:
        ParameterError: as of `encode`; or the name has another suffix.
        ImageError: as of `encode`; or the folder does not exist.
        OSError: a file cannot be read or written.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ParameterError(
            f"need a path to write to, got {type(path).__name__}; encode gives the content of a "
            "file as bytes"
        )
    target = os.fspath(path)
    if not is_special(target) and os.path.splitext(target)[1].lower() != SUFFIX:
        raise ParameterError(f"{target}: the name must end in {SUFFIX}")
    check_target(target)  # before the work
    data = encode(
        image, quality, codec=codec, threads=threads, jnd=jnd, patches=patches, lossless=lossless
    )
    write_atomically(target, data)


def open(source: Source, *, area_max: int = format_.AREA_MAX) -> JlicFile:
    """Reads the front of a file: size, mode, quality, metadata. Pixels are decoded on demand.

    Args:
        source: the path of a .jlic file, an open one, or its content.
        area_max: refuse files that claim more pixels than this.

    Returns:
        A `JlicFile`, to be closed or used as a context manager.

    Raises:
        FormatError, UnsupportedError, ParameterError, OSError: as of `decode`, as far as the front
            tells.
    """
    return JlicFile(source, area_max=area_max)


def info(data: Source) -> dict[str, Any]:
    """What a file says about itself, and where its bytes go; needs no weights and no runtime. The
    whole file is checked; `open(...).info()` tells the same of the front alone.

    Args:
        data: the content of a .jlic file, its path, or an open one.

    Returns:
        version, width and height (as coded), quality (None in a bare file), quality_plane ({min,
        mean, max}; None where the quality is the same everywhere), grey, depth (bits), orientation
        (1..8, as EXIF numbers them), alpha, bare (whether patches alone make up the picture),
        patches (list of {left, top, width, height, format, lossless, blend, bytes}), model (empty
        if it is not known), fingerprint (hex), bytes, bpp, segments, streams (name to {bytes,
        bpp}), chunks (list of {tag, bytes}, payloads only) and overhead_bytes (header and
        framing).

    Raises:
        FormatError, UnsupportedError: as for `decode`, as far as the container goes.
        ParameterError, OSError: as for `decode`.
    """
    with JlicFile(data) as file:
        file.container()
        return file.info()


def checked_quality(quality: int) -> int:
    """The quality as an int.

    Raises:
        ParameterError: it is no integer from 1 to 100.
    """
    value = whole_number(quality, "quality")
    if not format_.QUALITY_MIN <= value <= format_.QUALITY_MAX:
        raise ParameterError(
            f"quality must be {format_.QUALITY_MIN} to {format_.QUALITY_MAX}, got {value}"
        )
    return value


def _decoded(
    source: Source,
    region: Sequence[int] | None,
    codec: Backend | None,
    threads: int | None,
    area_max: int,
) -> Picture:
    check_codec(codec)
    area_max = whole_number(area_max, "area_max")
    if region is not None:
        with JlicFile(source, area_max=area_max) as file:
            return file.picture(region, codec, threads)
    # Before the weights are loaded: most bad files fail here
    with opened(source) as stream:
        container = read_container(stream, area_max)
    return restored(container, codec, threads)
