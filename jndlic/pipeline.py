"""The whole way from a picture to a file and back.

windows of the picture and of its own JND map ─► Backend.code ─► symbols, a segment at a time
another map, relative to its own; a mask ─► quality plane ─┘
several qualities of one picture: Backend.analyse_rows once ─► Backend.quantise_rows for each
symbols ─► streams ─► container ─► bytes

bytes ─► container ─► quality, z_J, z ─► tables ─► k, a segment at a time
symbols ─► Backend.draw ─► windows of the picture; CRC of the symbols
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jndlic import shipped_weights
from jndlic.choices import OWN_JND_MODEL
from jndlic.errors import ParameterError
from jndlic.format import container as format_
from jndlic.format.coding import SymbolReader, pack_symbols
from jndlic.format.container import DEPTH_MIN, Container, Front, Header, pack, unpack
from jndlic.format.grid import (
    HYPER_STRIDE,
    JND_STRIDE,
    LATENT_STRIDE,
    Area,
    picture_area,
    segment_count,
)
from jndlic.format.patches import decode_patches
from jndlic.format.planes import decode_plane
from jndlic.format.quality import Quality, quality_chunks
from jndlic.images.chunks import side_chunks
from jndlic.images.depth import from_levels, pixel_type
from jndlic.images.picture import Picture, three_channels, turned, with_depth
from jndlic.images.region import Region, before_turning, checked_region
from jndlic.patches.bare import decode_bare
from jndlic.patches.paste import paste

if TYPE_CHECKING:
    from jndlic.format.symbols import PhaseSymbols, Symbols, SymbolStream
    from jndlic.jnd.regions import Roi
    from jndlic.runtime.backend import Backend


Chunks = tuple[tuple[bytes, bytes], ...]
"""Tags and payloads."""


class Watched:
    """A stream of symbols that tells how far it is.

    Args:
        symbols: the stream.
        count: of its segments.
        progress: gets the share that was given, 0 to 1.
    """

    def __init__(
        self, symbols: SymbolStream, count: int, progress: Callable[[float], None]
    ) -> None:
        self._symbols, self._count, self._progress = symbols, count, progress

    def segments(self) -> Iterator[Sequence[PhaseSymbols]]:
        """See SymbolStream."""
        for number, phases in enumerate(self._symbols.segments()):
            yield phases
            self._progress((number + 1) / self._count)

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """See SymbolStream."""
        return self._symbols.sides()


class Analysed(NamedTuple):
    """What a picture is encoded from at any quality."""

    features: Any
    """The backend's, of the picture and its own map."""
    octaves: np.ndarray | None
    """(2 rows, 2 columns) float64: how many times the caller's map and mask double the step of each
    block; None without them.
    """
    chunks: Chunks
    """Alpha and metadata, of `side_chunks`."""


def encode_picture(
    picture: Picture,
    quality: int,
    codec: Backend,
    jnd: np.ndarray | str | None = None,
    progress: Callable[[float], None] | None = None,
    roi: Roi | None = None,
    patches: bool = True,
) -> bytes:
    """Compresses a picture.

    Args:
        picture: to encode.
        quality: 1..100.
        codec: networks and tables.
        jnd: see `analyse_picture`.
        progress: gets the share that is done, 0 to 1: of a slow model's map, then of the rest.
        roi: see `analyse_picture`.
        patches: whether what the network draws badly is patched; see jndlic/patches/encoder.py.
    """
    from jndlic.jnd.own_map import own_map_of_window

    octaves = _octaves(picture, jnd, progress, roi)
    chosen = _steered(quality, octaves, codec)
    sides = side_chunks(picture)

    def coded(pixels: np.ndarray) -> Container:
        symbols = codec.code(
            lambda area: own_map_of_window(pixels, area, picture.depth, picture.grey),
            picture.height,
            picture.width,
            chosen.values,
        )
        return _assembled(picture, symbols, chosen, codec, sides, progress)

    def drawn(container: Container, part: Region) -> np.ndarray:
        symbols = SymbolReader(container, codec)
        return _drawn(container, symbols, codec, part, None, DEPTH_MIN).pixels

    if not patches or not codec.knows_photos:
        return pack(coded(picture.pixels))
    from jndlic.patches.encoder import patched

    return pack(patched(picture, coded, drawn))


def decode_picture(data: bytes, codec: Backend, depth: int | None = None) -> Picture:
    """Restores a picture; errors as of `jndlic.decode`, `depth` as of `decode_container`."""
    return decode_container(unpack(data), codec, depth=depth)


def analyse_picture(
    picture: Picture,
    codec: Backend,
    jnd: np.ndarray | str | None = None,
    progress: Callable[[float], None] | None = None,
    roi: Roi | None = None,
) -> Analysed:
    """The part of encoding that no quality changes, in the memory of the features: 7 bytes a pixel
    with the shipped weights.

    Args:
        picture: to encode.
        codec: networks and tables.
        jnd: what steers the quality of each block: a tolerance map in grey levels, (H, W) or (H, W,
            3), that counts relative to the picture's own; or the name of a JND model, whose map
            counts after both were brought to one level: models differ in how much they tolerate
            altogether, and that is what the quality is there to say. None: the same quality
            everywhere.
        progress: gets the share that is done of a slow model's map, 0 to 1.
        roi: what matters more than the rest; its octaves are added to those of `jnd`.

    Raises:
        ParameterError: the map or the mask has another size than the picture, or the map values
            that are negative or not finite; there is no such model.
    """
    from jndlic.jnd.own_map import own_map_of_window

    octaves = _octaves(picture, jnd, progress, roi)
    features = codec.analyse_rows(
        lambda area: own_map_of_window(picture.pixels, area, picture.depth, picture.grey),
        picture.height,
        picture.width,
    )
    return Analysed(features, octaves, side_chunks(picture))


def _octaves(
    picture: Picture,
    jnd: np.ndarray | str | None,
    progress: Callable[[float], None] | None,
    roi: Roi | None,
) -> np.ndarray | None:
    """See Analysed."""
    if roi is None:
        return _map_octaves(picture, jnd, progress)
    from jndlic.jnd.regions import roi_octaves

    octaves = roi_octaves(roi, picture)  # first: a mask of a wrong size waits for no slow map
    of_map = _map_octaves(picture, jnd, progress)
    return octaves if of_map is None else octaves + of_map


def _map_octaves(
    picture: Picture, jnd: np.ndarray | str | None, progress: Callable[[float], None] | None
) -> np.ndarray | None:
    if jnd is None or (isinstance(jnd, str) and jnd == OWN_JND_MODEL):
        return None
    pixels = with_depth(picture, DEPTH_MIN).pixels  # what the models take; blocks are steered
    if not isinstance(jnd, str):
        return _octaves_of(pixels, _checked_map(jnd, pixels.shape))
    from jndlic.jnd.models import tolerance_map

    octaves = _octaves_of(pixels, tolerance_map(pixels, jnd, progress))
    return octaves - octaves.mean()


def _octaves_of(pixels: np.ndarray, jnd: np.ndarray) -> np.ndarray:
    """`step_octaves` of a map, in bands: the picture's own would be four times its pixels."""
    from jndlic.jnd.own_map import own_map_of_rows
    from jndlic.jnd.steering import step_octaves

    height, band = len(pixels), 4 * HYPER_STRIDE
    parts = []
    for top in range(0, height, band):
        bottom = min(top + band, height)
        own = own_map_of_rows(pixels, top, bottom)
        parts.append(step_octaves(own, _checked_levels(jnd[top:bottom])))
    return np.concatenate(parts)


def quantise(analysed: Analysed, base: int, codec: Backend) -> tuple[Symbols, Quality]:
    """Integers of a picture, and the quality of each of its parts.

    Args:
        analysed: of `analyse_picture`.
        base: quality, 1..100, where the caller's map (if there is one) is the picture's own and the
            mask is white.
        codec: that analysed it.
    """
    quality = _steered(base, analysed.octaves, codec)
    return codec.quantise(analysed.features, quality.values), quality


def _steered(base: int, octaves: np.ndarray | None, codec: Backend) -> Quality:
    if octaves is None:
        return Quality(base)
    from jndlic.jnd.steering import steered_quality

    return steered_quality(base, octaves, codec.step_levels())


def encode_analysed(
    picture: Picture,
    analysed: Analysed,
    quality: int,
    codec: Backend,
    progress: Callable[[float], None] | None = None,
) -> bytes:
    """Compresses a picture that has been analysed: the file of `encode_picture`, in half the time.

    Args:
        picture: that was analysed.
        analysed: of `analyse_picture`.
        quality: 1..100.
        codec: that analysed it.
        progress: gets the share that is done, 0 to 1.
    """
    chosen = _steered(quality, analysed.octaves, codec)
    symbols = codec.quantise_rows(analysed.features, chosen.values)
    return pack(_assembled(picture, symbols, chosen, codec, analysed.chunks, progress))


def _assembled(
    picture: Picture,
    symbols: SymbolStream,
    quality: Quality,
    codec: Backend,
    sides: Chunks,
    progress: Callable[[float], None] | None,
) -> Container:
    header = Header(
        picture.width,
        picture.height,
        quality.base,
        codec.fingerprint,
        picture.grey,
        picture.depth,
        picture.orientation,
    )
    if progress is not None:
        symbols = Watched(symbols, segment_count(picture.height, picture.width), progress)
    chunks = *quality_chunks(quality), *_name_chunks(codec), *sides
    return pack_symbols(header, symbols, codec, chunks)


def decode_container(
    container: Container,
    codec: Backend | None,
    progress: Callable[[float], None] | None = None,
    depth: int | None = None,
    into: np.ndarray | None = None,
) -> Picture:
    """Restores the picture of a container; errors as of `jndlic.decode`.

    Args:
        container: of the file.
        codec: networks and tables; a bare file does without.
        progress: gets the share that is done, 0 to 1.
        depth: bits a channel of the picture, 8..16; those of the file by default. What the network
            draws is rounded once, to these, so that more of them than the file has are of use.
        into: where the pixels are written, see `can_draw_into`; by default an array of their own.
    """
    header = container.header
    depth = header.depth if depth is None else depth
    whole = Region(0, 0, header.width, header.height)
    if codec is None or header.bare:
        return turned(decode_bare(container, whole, depth), header.orientation)
    symbols = SymbolReader(container, codec)
    picture = _drawn(container, symbols, codec, whole, progress, depth, into)
    symbols.check()
    return turned(picture, header.orientation)


def decode_region(
    front: Front,
    segment_stream: Callable[[int], bytes],
    codec: Backend | None,
    region: Sequence[int],
    progress: Callable[[float], None] | None = None,
    depth: int | None = None,
) -> Picture:
    """Restores a part of a picture from the segments that it depends on. The CRC of all symbols
    cannot be compared then; those of the segments are.

    Args:
        front: of the file.
        segment_stream: gives the stream of a segment by its number in raster order.
        codec: networks and tables; a bare file does without.
        region: left, top, width and height in pixels of the picture as it is handed out.
        progress: gets the share that is done, 0 to 1.
        depth: see `decode_container`.

    Raises:
        ParameterError: the region is not within the picture.
        FormatError, UnsupportedError: as of `jndlic.decode`.
    """
    header = front.header
    depth = header.depth if depth is None else depth
    shown = header.shown_size
    part = before_turning(checked_region(region, *shown), *shown, header.orientation)
    if codec is None or header.bare:
        return turned(decode_bare(front, part, depth), header.orientation)
    symbols = SymbolReader(front, codec, segment_stream)
    picture = _drawn(front, symbols, codec, part, progress, depth)
    return turned(picture, header.orientation)


def can_draw_into(header: Header) -> bool:
    """Whether the network draws a picture as it is handed out, so that an array (rows, columns, 3)
    of `pixel_type` can take its pixels window by window.
    """
    return not header.bare and header.orientation == 1


def _drawn(
    file: Container | Front,
    symbols: SymbolReader,
    codec: Backend,
    part: Region,
    progress: Callable[[float], None] | None,
    depth: int,
    into: np.ndarray | None = None,
) -> Picture:
    """A part of a picture as it was coded, with so many bits a channel."""
    header = file.header
    inside = slice(part.top, part.top + part.height), slice(part.left, part.left + part.width)
    alpha = file.payload(format_.TAG_ALPHA)
    if alpha is not None:  # before the synthesis: a damaged plane should fail early
        alpha = decode_plane(alpha, header.height, header.width, "alpha")[inside].copy()
    patches = file.payload(format_.TAG_PATCHES)
    pasted = () if patches is None else decode_patches(patches, header)
    whole = picture_area(header.height, header.width)
    top, left = part.top // LATENT_STRIDE, part.left // LATENT_STRIDE
    bottom, right = (-(-side.stop // LATENT_STRIDE) for side in inside)
    area = Area(top, bottom, left, right).aligned(JND_STRIDE // LATENT_STRIDE, whole)
    pixels, done = into, 0
    if pixels is None:
        pixels = np.empty((part.height, part.width, 3), dtype=pixel_type(depth))
    for window, levels in codec.draw(symbols, header.height, header.width, area):
        rows, columns = window.within(whole, 1)
        # How far the window begins before the part, and the part before the window
        above, before = (
            max(edge, 0) for edge in (part.top - rows.start, part.left - columns.start)
        )
        down, along = (max(edge, 0) for edge in (rows.start - part.top, columns.start - part.left))
        target = pixels[down : rows.stop - part.top, along : columns.stop - part.left]
        levels = levels[above : above + target.shape[0], before : before + target.shape[1]]
        target[:] = grey_levels(levels, header.grey, depth)
        done += target.size
        if progress is not None:
            progress(done / pixels.size)
    paste(pixels, part, pasted, header, depth)
    return Picture(
        pixels,
        alpha,
        header.grey,
        icc=file.payload(format_.TAG_ICC),
        exif=file.payload(format_.TAG_EXIF),
        xmp=file.payload(format_.TAG_XMP),
        depth=depth,
    )


def grey_levels(levels: np.ndarray, grey: bool, depth: int = DEPTH_MIN) -> np.ndarray:
    """Pixels as they are handed out.

    Args:
        levels: float32 (H, W, 3), grey levels.
        grey: whether the picture has one channel: three equal ones then.
        depth: bits of a channel.

    Returns:
        (H, W, 3) of `pixel_type`.
    """
    if grey:  # numpy's own mean takes thirty times as long, and gives the same
        mean = levels[..., 0] + levels[..., 1]
        mean += levels[..., 2]
        mean /= np.float32(levels.shape[2])
        return three_channels(from_levels(mean, depth))
    return from_levels(levels, depth)


def _name_chunks(codec: Backend) -> Chunks:
    """The name of the weights, unless they are shipped: then it follows from the fingerprint."""
    return (
        ((format_.TAG_NAME, codec.name.encode()),)
        if codec.name and not shipped_weights.shipped_name(codec.fingerprint)
        else ()
    )


def _checked_map(jnd: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The caller's tolerance map as an array of the picture's size."""
    values = np.asarray(jnd)
    if values.shape not in (shape, shape[:2]):
        raise ParameterError(
            f"the JND map has shape {values.shape}, the picture {shape[0]} x {shape[1]} pixels"
        )
    return values


def _checked_levels(values: np.ndarray) -> np.ndarray:
    """Rows of a tolerance map as float32 (rows, columns, 3)."""
    if values.dtype.kind not in "uif" or not np.isfinite(values).all() or values.min() < 0:
        raise ParameterError(
            "a JND map holds grey levels: numbers that are finite and not negative"
        )
    values = np.minimum(values, np.finfo(np.float32).max).astype(np.float32)
    return values if values.ndim == 3 else values[:, :, None].repeat(3, 2)
