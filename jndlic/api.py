"""What `import jndlic` offers: encode, decode, info. Here arguments are checked; pipeline.py does
the work.

The runtime is imported only where a codec is at work: `info` does without.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlic.arguments import whole_number
from jndlic.errors import ParameterError
from jndlic.format import container as format_
from jndlic.format.container import unpack

if TYPE_CHECKING:
    from PIL.Image import Image

    from jndlic.runtime.backend import Backend


def encode(
    image: Image | np.ndarray | str | os.PathLike[str],
    quality: int = 50,
    *,
    codec: Backend | None = None,
    threads: int | None = None,
    jnd: np.ndarray | str | None = None,
) -> bytes:
    """Compresses a picture.

    Args:
        image: a Pillow image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), or the path of a
            picture file.
        quality: 1 (smallest file) to 100 (visually lossless).
        codec: network and tables; the shipped ones by default.
        threads: limit on the CPU threads of this call; by default as many as processors are free.
        jnd: tolerance of each pixel in grey levels, (H, W) or (H, W, 3). Where it is twice the map
            that the encoder makes of the picture, the quantisation step is twice as large (blocks
            of 32 x 32 pixels), as far as qualities 1 to 100 reach. Or the name of a JND model
            (`jndlic encode --help` lists them), whose map says where quality goes.

    Returns:
        The content of a .jlic file.

    Raises:
        ParameterError: the quality or the number of threads is out of range, `image` or `codec` is
            something else, or the map has another size than the picture, or values that are
            negative or not finite; there is no such model.
        ImageError: the picture cannot be read, or its shape is not supported.
        OSError: the file cannot be read.
    """
    from PIL.Image import Image as PillowImage

    from jndlic.images.files import load
    from jndlic.images.picture import from_array
    from jndlic.images.pillow import from_pillow

    quality = checked_quality(quality)
    _check_codec(codec)
    if isinstance(image, (str, os.PathLike)):
        picture = load(Path(image))
    elif isinstance(image, np.ndarray):
        picture = from_array(image)
    elif isinstance(image, PillowImage):
        picture = from_pillow(image)
    else:
        raise ParameterError(f"need a Pillow image, an array or a path, got {type(image).__name__}")
    from jndlic.runtime.threads import thread_limit

    with thread_limit(threads):
        from jndlic.pipeline import encode_picture

        return encode_picture(picture, quality, codec or _shipped_codec(), jnd)


def decode(
    data: bytes,
    *,
    codec: Backend | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
) -> Image:
    """Restores a picture.

    Args:
        data: the content of a .jlic file.
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
        ParameterError: `data` is no bytes, `codec` none of `load_codec`; the number of threads or
            the limit is out of range.
    """
    from jndlic.images.pillow import to_pillow

    _check_codec(codec)
    area_max = whole_number(area_max, "area_max")

    # Before the weights are loaded: most bad files fail here
    container = unpack(_as_bytes(data), area_max)
    from jndlic.runtime.threads import thread_limit

    with thread_limit(threads):
        from jndlic.pipeline import decode_container

        return to_pillow(decode_container(container, codec or _shipped_codec()))


def info(data: bytes) -> dict[str, Any]:
    """What a file says about itself, and where its bytes go; needs no weights and no runtime.

    Args:
        data: the content of a .jlic file.

    Returns:
        version, width and height (as coded), quality, quality_plane ({min, mean, max}; None where
        the quality is the same everywhere), grey, depth (bits), orientation (1..8, as EXIF numbers
        them), alpha, model (empty if it is not known), fingerprint (hex), bytes, bpp, segments,
        streams (name to {bytes, bpp}), chunks (list of {tag, bytes}, payloads only) and
        overhead_bytes (header and framing).

    Raises:
        FormatError, UnsupportedError: as for `decode`, as far as the container goes.
    """
    from jndlic.format.quality import read_quality
    from jndlic.shipped_weights import shipped_name

    data = _as_bytes(data)
    container = unpack(data)
    header, plane = container.header, read_quality(container).plane
    pixels = header.width * header.height
    sizes = {
        "jnd": len(container.jnd),
        "hyper": len(container.hyper),
        "latent": sum(map(len, container.segments)),
    }
    chunks = [{"tag": tag.decode(), "bytes": len(payload)} for tag, payload in container.chunks]
    return {
        "version": format_.VERSION,
        "width": header.width,
        "height": header.height,
        "quality": header.quality,
        "quality_plane": None
        if plane is None
        else {"min": int(plane.min()), "mean": float(plane.mean()), "max": int(plane.max())},
        "grey": header.grey,
        "depth": header.depth,
        "orientation": header.orientation,
        "alpha": container.payload(format_.TAG_ALPHA) is not None,
        "model": container.model or shipped_name(header.fingerprint),
        "fingerprint": header.fingerprint.hex(),
        "bytes": len(data),
        "bpp": 8 * len(data) / pixels,
        "segments": header.segments,
        "streams": {
            name: {"bytes": size, "bpp": 8 * size / pixels} for name, size in sizes.items()
        },
        "chunks": chunks,
        "overhead_bytes": len(data)
        - sum(sizes.values())
        - sum(len(payload) for _, payload in container.chunks),
    }


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


def _check_codec(codec: Backend | None) -> None:
    if codec is not None and not (hasattr(codec, "analyse") and hasattr(codec, "fingerprint")):
        raise ParameterError(
            f"codec must come from jndlic.runtime.load.load_codec, got {codec!r}; to run on a GPU: "
            'codec=load_codec(device="cuda")'
        )


def _as_bytes(data: bytes) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ParameterError(f"need the bytes of a .jlic file, got {type(data).__name__}")
    return bytes(data)


def _shipped_codec() -> Backend:
    from jndlic.runtime.load import load_codec

    return load_codec()
