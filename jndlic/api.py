"""The whole way from a picture to a file and back.

    picture ─► its own jnd map ─► Codec.analyse ─► Codec.quantise ─► symbols ─► streams ─► container ─► bytes
    another map, relative to its own ─► quality plane ─┘
    bytes ─► container ─► quality, z_J, z ─► Codec.table_index ─► k ─► CRC of the symbols ─► Codec.synthesise ─► picture

torch is imported only where a codec is at work: `info` does without.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format import container as format_
from jndlic.format.container import Container, Header, pack, unpack

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from jndlic.format.quality import Quality
    from jndlic.images.pillow import Picture
    from jndlic.network.analysis import AnalysisOutput
    from jndlic.network.codec import Codec, Symbols


class Analysed(NamedTuple):
    """What a picture is encoded from at any quality."""

    analysis: AnalysisOutput
    """Of the picture and its own map."""
    octaves: np.ndarray | None
    """(2 rows, 2 columns) float64: how many times the caller's map doubles the step of each block; None without such a map."""


class DecodedSymbols(NamedTuple):
    """All that the coded part of a file holds."""

    symbols: Symbols
    """z_jnd, z, k and t."""
    step_index: np.ndarray
    """d: int32, shape of k."""
    quality: Quality
    """That they were made at."""


def encode(
    image: Image | np.ndarray | str | os.PathLike[str],
    quality: int = 50,
    *,
    codec: Codec | None = None,
    threads: int | None = None,
    jnd: np.ndarray | None = None,
) -> bytes:
    """Compresses a picture.

    Args:
        image: a Pillow image, a uint8 array (H, W), (H, W, 3) or (H, W, 4), or the path of a picture file.
        quality: 1 (smallest file) to 100 (visually lossless).
        codec: network and tables; the shipped ones by default.
        threads: limit on the CPU threads of this call; torch's own choice by default.
        jnd: tolerance of each pixel in grey levels, (H, W) or (H, W, 3). Where it is twice the map that the encoder makes of
            the picture, the quantisation step is twice as large (blocks of 32 x 32 pixels), as far as qualities 1 to 100 reach.

    Returns:
        The content of a .jlic file.

    Raises:
        ParameterError: the quality or the number of threads is out of range, `image` is something else, or the map has
            another size than the picture, or values that are negative or not finite.
        ImageError: the picture cannot be read, or its shape is not supported.
        OSError: the file cannot be read.
    """
    from PIL.Image import Image as PillowImage

    from jndlic.images import pillow as image_module

    quality = checked_quality(quality)
    if isinstance(image, (str, os.PathLike)):
        picture = image_module.load(Path(image))
    elif isinstance(image, np.ndarray):
        picture = image_module.from_array(image)
    elif isinstance(image, PillowImage):
        picture = image_module.from_pillow(image)
    else:
        raise ParameterError(f"need a Pillow image, an array or a path, got {type(image).__name__}")
    with _thread_limit(threads):
        return encode_picture(picture, quality, codec or _shipped_codec(), jnd)


def decode(
    data: bytes,
    *,
    codec: Codec | None = None,
    threads: int | None = None,
    area_max: int = format_.AREA_MAX,
) -> Image:
    """Restores a picture.

    Args:
        data: the content of a .jlic file.
        codec: network and tables; the shipped ones by default. They must be those that the file was made with.
        threads: limit on the CPU threads of this call; torch's own choice by default.
        area_max: refuse files that claim more pixels than this.

    Returns:
        A Pillow image of mode L, LA, RGB or RGBA; `info` holds icc_profile, exif and xmp where the file has them.

    Raises:
        FormatError: the data is damaged, truncated or foreign.
        UnsupportedError: it needs another version or other weights.
    """
    from jndlic.images.pillow import to_pillow

    container = unpack(_as_bytes(data), area_max)  # before the weights are loaded: most bad files fail here
    with _thread_limit(threads):
        return to_pillow(_decode_container(container, codec or _shipped_codec()))


def info(data: bytes) -> dict[str, object]:
    """What a file says about itself, and where its bytes go; needs no weights and no torch.

    Args:
        data: the content of a .jlic file.

    Returns:
        version, width and height (as coded), quality, quality_plane ({min, mean, max}; None where the quality is the same
        everywhere), grey, depth (bits), orientation (1..8, as EXIF numbers them), alpha, model (empty if it is not known),
        fingerprint (hex), bytes, bpp, segments, streams (name to {bytes, bpp}), chunks (list of {tag, bytes}, payloads only)
        and overhead_bytes (header and framing).

    Raises:
        FormatError, UnsupportedError: as for `decode`, as far as the container goes.
    """
    from jndlic.format.quality import read_quality
    from jndlic.shipped_weights import shipped_name

    data = _as_bytes(data)
    container = unpack(data)
    header, plane = container.header, read_quality(container).plane
    pixels = header.width * header.height
    sizes = {"jnd": len(container.jnd), "hyper": len(container.hyper), "latent": sum(map(len, container.segments))}
    chunks = [{"tag": tag.decode(), "bytes": len(payload)} for tag, payload in container.chunks]
    return {
        "version": format_.VERSION,
        "width": header.width,
        "height": header.height,
        "quality": header.quality,
        "quality_plane": None if plane is None else {"min": int(plane.min()), "mean": float(plane.mean()), "max": int(plane.max())},
        "grey": header.grey,
        "depth": header.depth,
        "orientation": header.orientation,
        "alpha": container.payload(format_.TAG_ALPHA) is not None,
        "model": container.model or shipped_name(header.fingerprint),
        "fingerprint": header.fingerprint.hex(),
        "bytes": len(data),
        "bpp": 8 * len(data) / pixels,
        "segments": header.segments,
        "streams": {name: {"bytes": size, "bpp": 8 * size / pixels} for name, size in sizes.items()},
        "chunks": chunks,
        "overhead_bytes": len(data) - sum(sizes.values()) - sum(chunk["bytes"] for chunk in chunks),
    }


def encode_picture(picture: Picture, quality: int, codec: Codec, jnd: np.ndarray | None = None) -> bytes:
    """Compresses a `Picture`; see `encode`."""
    quality = checked_quality(quality)
    symbols, chosen = quantise(analyse_picture(picture, codec, jnd), quality, codec)
    return pack_picture(picture, symbols, chosen, codec)


def analyse_picture(picture: Picture, codec: Codec, jnd: np.ndarray | None = None) -> Analysed:
    """The part of encoding that no quality changes; see `encode`."""
    import torch

    from jndlic.jnd.namm import jnd_map
    from jndlic.jnd.steering import step_octaves

    if jnd is not None:
        jnd = _checked_map(jnd, picture.pixels.shape)
    pixels = _to_batch(picture.pixels, codec)
    with torch.inference_mode():
        own = jnd_map(pixels)
    octaves = None if jnd is None else step_octaves(own[0].permute(1, 2, 0).cpu().numpy(), jnd)
    return Analysed(codec.analyse(pixels, own), octaves)


def quantise(analysed: Analysed, base: int, codec: Codec) -> tuple[Symbols, Quality]:
    """Integers of a picture, and the quality of each of its parts.

    Args:
        analysed: of `analyse_picture`.
        base: quality, 1..100, where the caller's map (if there is one) is the picture's own.
        codec: that analysed it.
    """
    from jndlic.format.quality import Quality
    from jndlic.jnd.steering import steered_quality

    steered = analysed.octaves is not None
    quality = steered_quality(base, analysed.octaves, codec.step_levels()) if steered else Quality(base)
    return codec.quantise(analysed.analysis, quality.values), quality


def pack_picture(picture: Picture, symbols: Symbols, quality: Quality, codec: Codec) -> bytes:
    """The content of a .jlic file.

    Args:
        picture: gives size, alpha and metadata.
        symbols, quality: of `quantise`.
        codec: that made them.
    """
    from jndlic.format.quality import quality_chunks

    header = Header(picture.width, picture.height, quality.base, codec.fingerprint, picture.grey)
    chunks = *quality_chunks(quality), *_name_chunks(codec), *_side_chunks(picture)
    return pack(pack_symbols(header, symbols, codec, chunks))


def decode_picture(data: bytes, codec: Codec, area_max: int = format_.AREA_MAX) -> Picture:
    """Restores a `Picture`; see `decode`."""
    return _decode_container(unpack(_as_bytes(data), area_max), codec)


def pack_symbols(
    header: Header, symbols: Symbols, codec: Codec, chunks: tuple[tuple[bytes, bytes], ...] = ()
) -> Container:
    """Entropy-codes the symbols of one picture.

    Args:
        header: of the file to be.
        symbols: of `Codec.quantise`.
        codec: gives the tables.
        chunks: quality plane, metadata, alpha.
    """
    from jndlic.format.segments import encode_latent, encode_planes, symbol_crc

    return Container(
        header,
        symbol_crc(symbols.z_jnd, symbols.z, symbols.k),
        encode_planes(symbols.z_jnd, codec.tables_z_jnd),
        encode_planes(symbols.z, codec.tables_z),
        tuple(encode_latent(symbols.k, symbols.t, codec.tables_latent)),
        chunks,
    )


def unpack_symbols(container: Container, codec: Codec) -> DecodedSymbols:
    """Reads the symbols of one picture and checks their CRC; no float has a part in it.

    Raises:
        UnsupportedError: the file was made with other weights.
        FormatError: a stream is damaged.
    """
    from jndlic.format.quality import read_quality
    from jndlic.format.segments import decode_latent, decode_planes, symbol_crc
    from jndlic.network.codec import Symbols

    header = container.header
    if header.fingerprint != codec.fingerprint:
        named = f"the weights {container.model!r}" if container.model else "other weights"
        raise UnsupportedError(
            f"the file was made with {named} (fingerprint {header.fingerprint.hex()}), "
            f"but these are {codec.name!r} ({codec.fingerprint.hex()})"
        )
    rows, columns = -(-header.height // 64), -(-header.width // 64)
    z_jnd = decode_planes(container.jnd, 2 * rows, 2 * columns, codec.tables_z_jnd)
    z = decode_planes(container.hyper, rows, columns, codec.tables_z)
    quality = read_quality(container)
    t, step_index = codec.table_index(z_jnd, z, quality.values)
    k, t = decode_latent(container.segments, t, codec.refine, codec.tables_latent)
    if symbol_crc(z_jnd, z, k) != container.symbol_crc:
        raise FormatError("damaged file: the decoded symbols do not match their CRC")
    return DecodedSymbols(Symbols(z_jnd, z, k, t), step_index, quality)


def checked_quality(quality: int) -> int:
    """The quality as an int.

    Raises:
        ParameterError: it is no integer from 1 to 100.
    """
    try:
        value = operator.index(quality)
    except TypeError:
        raise ParameterError(f"quality must be an integer, got {quality!r}") from None
    if not format_.QUALITY_MIN <= value <= format_.QUALITY_MAX:
        raise ParameterError(f"quality must be {format_.QUALITY_MIN} to {format_.QUALITY_MAX}, got {value}")
    return value


def _decode_container(container: Container, codec: Codec) -> Picture:
    from jndlic.format.planes import decode_plane
    from jndlic.images.pillow import Picture, turned

    header = container.header
    decoded = unpack_symbols(container, codec)
    alpha = container.payload(format_.TAG_ALPHA)
    if alpha is not None:  # before the synthesis: a damaged plane should fail early
        alpha = decode_plane(alpha, header.height, header.width, "alpha")
    pixels = synthesise_pixels(decoded, codec, (header.height, header.width), header.grey)
    picture = Picture(
        pixels,
        alpha,
        header.grey,
        icc=container.payload(format_.TAG_ICC),
        exif=container.payload(format_.TAG_EXIF),
        xmp=container.payload(format_.TAG_XMP),
    )
    return turned(picture, header.orientation)


def synthesise_pixels(decoded: DecodedSymbols, codec: Codec, size: tuple[int, int], grey: bool) -> np.ndarray:
    """Pixels of symbols.

    Args:
        decoded: integers of one picture.
        codec: that they were made by.
        size: height and width of the picture.
        grey: three equal channels.

    Returns:
        uint8 (H, W, 3).
    """
    symbols, step_index, quality = decoded
    image = codec.synthesise(symbols.z_jnd, symbols.z, symbols.k, step_index, quality.values, *size)[0]
    if grey:
        image = image.mean(0, keepdim=True).expand(3, -1, -1)
    # Symbols within their limits can still drive a float network to infinity, and NaN has no grey level.
    levels = image.nan_to_num(nan=0.0, posinf=255.0, neginf=0.0).clamp(0.0, 255.0).add(0.5).floor()
    return np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy().astype(np.uint8))


def _name_chunks(codec: Codec) -> tuple[tuple[bytes, bytes], ...]:
    """The name of the weights, unless they are shipped: then it follows from the fingerprint."""
    from jndlic.shipped_weights import shipped_name

    return ((format_.TAG_NAME, codec.name.encode()),) if codec.name and not shipped_name(codec.fingerprint) else ()


def _side_chunks(picture: Picture) -> tuple[tuple[bytes, bytes], ...]:
    from jndlic.format.planes import encode_plane

    chunks = [
        (format_.TAG_ICC, picture.icc),
        (format_.TAG_EXIF, picture.exif),
        (format_.TAG_XMP, picture.xmp),
    ]
    if picture.alpha is not None:
        chunks.append((format_.TAG_ALPHA, encode_plane(picture.alpha)))
    return tuple((tag, payload) for tag, payload in chunks if payload)


def _to_batch(planes: np.ndarray, codec: Codec) -> Tensor:
    """(H, W, 3) to (1, 3, H, W) float32 where the codec lives."""
    import torch

    return torch.tensor(planes, device=codec.device).permute(2, 0, 1)[None].to(torch.float32)


def _checked_map(jnd: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The caller's tolerance map as float32 (H, W, 3)."""
    values = np.asarray(jnd)
    if values.shape not in (shape, shape[:2]):
        raise ParameterError(f"the JND map has shape {values.shape}, the picture {shape[0]} x {shape[1]} pixels")
    if values.dtype.kind not in "uif" or not np.isfinite(values).all() or values.min() < 0:
        raise ParameterError("a JND map holds grey levels: numbers that are finite and not negative")
    values = np.minimum(values, np.finfo(np.float32).max).astype(np.float32)
    return values if values.ndim == 3 else values[:, :, None].repeat(3, 2)


def _as_bytes(data: bytes) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ParameterError(f"need the bytes of a .jlic file, got {type(data).__name__}")
    return bytes(data)


def _shipped_codec() -> Codec:
    from jndlic.runtime.weights_file import load_codec

    return load_codec()


@contextmanager
def _thread_limit(threads: int | None) -> Iterator[None]:
    if threads is None:
        yield
        return
    if not isinstance(threads, int) or threads < 1:
        raise ParameterError(f"the number of threads must be an integer from 1 on, got {threads!r}")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
