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
from jndlic.choices import QUALITY_DEFAULT, ROI_STRENGTH
from jndlic.errors import ParameterError
from jndlic.files import check_target, is_special, write_atomically
from jndlic.format import container as format_
from jndlic.format.container import SUFFIX
from jndlic.jlic_file import JlicFile, check_codec, checked_depth, shipped_codec
from jndlic.sources import picture_of, picture_to_keep
from jndlic.targets.target import chosen_target

if TYPE_CHECKING:
    from PIL.Image import Image

    from jndlic.runtime.backend import Backend
    from jndlic.sources import PictureSource, Source


def encode(
    image: PictureSource,
    quality: int | None = None,
    *,
    target_size: int | None = None,
    target_bpp: float | None = None,
    target_metric: tuple[str, float] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    jnd: np.ndarray | str | None = None,
    roi: PictureSource | None = None,
    roi_strength: float = ROI_STRENGTH,
    patches: bool | None = None,
    lossless: bool = False,
    frame: int | None = None,
    strip: bool = False,
    keep_profile: bool = True,
    bit_depth: int | None = None,
) -> bytes:
    """Compresses a picture.

    Args:
        image: a Pillow image; a uint8 or uint16 array (H, W), (H, W, 1), (H, W, 2), (H, W, 3) or
            (H, W, 4), where 2 and 4 channels end with alpha; the path of a picture file, an open
            one, or its content as bytes.
        quality: 1 (smallest file) to 100 (visually lossless); 50 by default. It and the targets
            exclude one another.
        target_size: the largest quality whose file has at most so many bytes, alpha and metadata
            included.
        target_bpp: the same in bits per pixel.
        target_metric: the name of a metric, for example "ssimulacra2" (jndlic/choices.py has them
            all), and a value: the smallest quality at which the decoded picture is not worse.
        codec: network and tables; the shipped ones by default.
        threads: limit on the CPU threads of this call; by default as many as processors are free.
        jnd: tolerance of each pixel in grey levels, (H, W) or (H, W, 3). Where it is twice the map
            that the encoder makes of the picture, the quantisation step is twice as large (blocks
            of 32 x 32 pixels), as far as qualities 1 to 100 reach. Or the name of a JND model
            (`jndlic encode --help` lists them), whose map says where quality goes.
        roi: what matters: a picture as large as `image`, in any form that `image` may have, or an
            array (H, W) of truth values or of floats from 0 to 1. White has the quality, black a
            coarser one, grey lies between (means over blocks of 32 x 32 pixels). It lies on the
            picture as it is seen: turned by the orientation of its EXIF, if it has any. Its effect
            is added to that of `jnd`.
        roi_strength: how many times the quantisation step is doubled where `roi` is black, as far
            as quality 1.
        patches: whether what the network cannot draw (text, screenshots, stripes) is stored in
            another way; photos stay as they are. True by default; a search for a target knows none.
        lossless: the file holds the picture exactly, with all its bits, as lossless WebP; it needs
            no network, so that quality, targets, codec, jnd, roi and patches must be left alone.
        frame: of a file with several frames or pages, which is read, from 0 on; by default the
            first.
        strip: EXIF and XMP are left out; the decoded picture is turned as EXIF had it.
        keep_profile: False: the pixels are converted to sRGB by their colour profile, and it is
            left out.
        bit_depth: 8 or 16 bits a channel in the file; by default 8, or of a deeper picture as many
            as it has (a uint16 array: 16).

    Returns:
        The content of a .jlic file.

    Raises:
        ParameterError: the quality, a target, the number of threads or the strength is out of
            range, or there are several of the first two; `image`, `roi` or `codec` is something
            else; `roi` has another size than the picture, or the map has, or values that are
            negative or not finite; there is no such model; something else goes not with `lossless`,
            patches with a target, or a frame with what is no file; there is no such frame.
        TargetError: no quality meets the target; says what was possible.
        MetricError, WeightsError: what the metric needs is not here.
        UnsupportedError: Pillow was built without WebP (`lossless`) or LittleCMS
            (`keep_profile=False`).
        ImageError: the picture or the mask cannot be read, or its shape is not supported; or, with
            `lossless`, its alpha has more than 8 bits, or bits could not be read.
        OSError: the file cannot be read.
    """
    target = chosen_target(quality, target_size, target_bpp, target_metric)
    checked = checked_quality(QUALITY_DEFAULT if quality is None else quality)
    check_codec(codec)
    switches = {"lossless": lossless, "strip": strip, "keep_profile": keep_profile}
    for name, value in (switches if patches is None else {**switches, "patches": patches}).items():
        if not isinstance(value, bool):
            raise ParameterError(f"{name} must be True or False, got {value!r}")
    bit_depth = checked_depth(bit_depth)
    picture = picture_of(image, frame, deep=bit_depth != format_.DEPTH_MIN)
    picture, region = picture_to_keep(picture, strip, keep_profile, bit_depth), None
    if lossless:
        chosen = quality, target, codec, jnd, roi, patches
        if any(option is not None for option in chosen):
            raise ParameterError(
                "with lossless, there is no quality, target, codec, map, mask or patch to choose"
            )
        from jndlic.patches.bare import encode_lossless

        return encode_lossless(picture)
    if target is not None and patches is not None:
        raise ParameterError("a search for a target knows no patches")
    if roi is not None:
        from jndlic.jnd.regions import region_of_interest

        region = region_of_interest(roi, roi_strength)
    from jndlic.runtime.threads import thread_limit

    with thread_limit(threads):
        codec = codec or shipped_codec()
        if target is not None:
            from jndlic.targets.encoding import encode_to_target

            return encode_to_target(picture, target, codec, jnd, roi=region).data
        from jndlic.pipeline import encode_picture

        return encode_picture(
            picture, checked, codec, jnd, roi=region, patches=patches is not False
        )


def decode(
    data: Source,
    *,
    region: Sequence[int] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
    bit_depth: int | None = None,
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
        bit_depth: 8 or 16 bits a channel; by default those of the file. Of 16 bits Pillow has grey
            without alpha alone, and the others get 8, to which what the network draws is rounded
            once: for 16 ask `imread`.

    Returns:
        A Pillow image of mode L, LA, RGB or RGBA, or I;16 where 16 bits are wanted of a picture
        that is grey without alpha; `info` holds icc_profile, exif and xmp where the file has them.

    Raises:
        FormatError: the data is damaged, truncated or foreign.
        UnsupportedError: it needs another version or other weights.
        ParameterError: `data` is something else, `codec` none of `load_codec`; the number of
            threads or the limit is out of range; the region is not within the picture.
        OSError: the file cannot be read.
    """
    check_codec(codec)
    bit_depth = checked_depth(bit_depth)
    with JlicFile(data, area_max=area_max) as file:
        return file.image(region=region, codec=codec, threads=threads, bit_depth=bit_depth)


def imread(
    source: Source,
    *,
    region: Sequence[int] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
    bit_depth: int | None = None,
) -> np.ndarray:
    """Restores a picture as an array; `decode` without Pillow.

    Args:
        source: the path of a .jlic file, an open one, or its content.
        region, codec, threads, area_max: as of `decode`.
        bit_depth: 8 or 16 bits a channel; by default those of the file. What the network draws is
            rounded once, to these: 16 bits of an 8-bit file are finer than 8.

    Returns:
        (H, W) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and alpha: uint8, or
        uint16 where there are more than 8 bits. With n bits white is 2^n - 1.

    Raises:
        FormatError, UnsupportedError, ParameterError, OSError: as of `decode`.
    """
    check_codec(codec)
    bit_depth = checked_depth(bit_depth)
    with JlicFile(source, area_max=area_max) as file:
        return file.array(region=region, codec=codec, threads=threads, bit_depth=bit_depth)


def imwrite(
    path: str | os.PathLike[str],
    image: PictureSource,
    quality: int | None = None,
    *,
    target_size: int | None = None,
    target_bpp: float | None = None,
    target_metric: tuple[str, float] | None = None,
    codec: Backend | None = None,
    threads: int | None = None,
    jnd: np.ndarray | str | None = None,
    roi: PictureSource | None = None,
    roi_strength: float = ROI_STRENGTH,
    patches: bool | None = None,
    lossless: bool = False,
    frame: int | None = None,
    strip: bool = False,
    keep_profile: bool = True,
    bit_depth: int | None = None,
) -> None:
    """Compresses a picture into a file, which appears whole or not at all. What was there before
    is replaced.

    Args:
        path: where the file shall be; its name ends in .jlic, unless it is a pipe or a device.
        image: an array, or whatever else `encode` takes.
        quality, target_size, target_bpp, target_metric, codec, threads, jnd, roi, roi_strength,
            patches, lossless, frame, strip, keep_profile, bit_depth: as of `encode`.

    Raises:
        ParameterError: as of `encode`; or the name has another suffix.
        TargetError, MetricError, WeightsError: as of `encode`.
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
        image,
        quality,
        target_size=target_size,
        target_bpp=target_bpp,
        target_metric=target_metric,
        codec=codec,
        threads=threads,
        jnd=jnd,
        roi=roi,
        roi_strength=roi_strength,
        patches=patches,
        lossless=lossless,
        frame=frame,
        strip=strip,
        keep_profile=keep_profile,
        bit_depth=bit_depth,
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
        patches (list of {left, top, width, height, format, lossless, blend, bytes}; of 8 bits in a
        file of more they count as lossy), model (empty if it is not known), fingerprint (hex),
        bytes, bpp, segments, streams (name to {bytes, bpp}), chunks (list of {tag, bytes}, payloads
        only) and overhead_bytes (header and framing).

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
