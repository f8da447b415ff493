"""A .jlic file whose front is read at once, and whose pixels are decoded when they are asked for.

source ─► front: size, quality, metadata ─► JlicFile
JlicFile ─► segments ─► Picture ─► Pillow image or array

Reading the front needs neither Pillow nor what runs the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlic.arguments import whole_number
from jndlic.choices import BIT_DEPTHS
from jndlic.errors import ParameterError
from jndlic.format import container as format_
from jndlic.format.container import Container, Front, read_front, read_rest, read_segment
from jndlic.sources import can_be_sought, open_source

if TYPE_CHECKING:
    from PIL.Image import Image

    from jndlic.images.picture import Picture
    from jndlic.runtime.backend import Backend
    from jndlic.sources import Source


class JlicFile:
    """A .jlic file that is open. To be used as a context manager, or closed by `close`.

    What it says of the picture was checked; a damaged segment shows when the pixels are asked for.
    Pixels are not kept: each call decodes anew.

    Args:
        source: a path, an open file, or the content. Of a file that can be sought only the front is
            read, and so it is of a pipe, whose rest must be left to this object.
        area_max: refuse files that claim more pixels than this.

    Attributes:
        front: the file without its segments (`jndlic.format.container.Front`).
        width, height: of the picture as it is handed out, pixels.
        mode: of the picture, in Pillow's words: L, LA, RGB or RGBA; I;16 where it is grey without
            alpha and has more than 8 bits.
        depth: bits of a channel, 8..16.
        quality: 1..100; None where patches alone make up the picture.

    Raises:
        FormatError: the front is damaged or foreign, or the file truncated.
        UnsupportedError: it needs another version of this program.
        ParameterError: `source` is something else, the limit no integer.
        OSError: the file cannot be read.
    """

    def __init__(self, source: Source, *, area_max: int = format_.AREA_MAX) -> None:
        area_max = whole_number(area_max, "area_max")
        stream, self._own = open_source(source)
        self._stream, self._container = stream, None
        try:
            self.front: Front = read_front(stream, area_max)
        except BaseException:
            self.close()
            raise
        header = self.front.header
        self.quality: int | None = None if header.bare else header.quality
        self.width, self.height = header.shown_size
        self.mode: str = shown_mode(self.front)
        self.depth: int = header.depth

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as the picture is handed out, pixels."""
        return self.width, self.height

    @property
    def metadata(self) -> dict[str, bytes]:
        """What the file has of icc_profile, exif (from its TIFF header on) and xmp."""
        names = {
            "icc_profile": format_.TAG_ICC,
            "exif": format_.TAG_EXIF,
            "xmp": format_.TAG_XMP,
        }
        found = {name: self.front.payload(tag) for name, tag in names.items()}
        return {name: payload for name, payload in found.items() if payload is not None}

    def info(self) -> dict[str, Any]:
        """As `jndlic.info`, from the front alone.

        Raises:
            FormatError: the plane of qualities is damaged.
        """
        return facts(self.front)

    def container(self) -> Container:
        """The whole file, compressed as it is; read once, then kept.

        Raises:
            FormatError: a segment is damaged, or no longer there.
            ParameterError: this file is closed.
            OSError: it cannot be read.
        """
        if self._container is None:
            if self._stream is None:
                raise ParameterError("the .jlic file is closed")
            self._container = read_rest(self._stream, self.front)
        return self._container

    def image(
        self,
        *,
        region: Sequence[int] | None = None,
        codec: Backend | None = None,
        threads: int | None = None,
        bit_depth: int | None = None,
    ) -> Image:
        """The picture; arguments, result and errors are those of `jndlic.decode`."""
        from jndlic.images.pillow import to_pillow

        depth = pillow_depth(self.front, checked_depth(bit_depth))
        return to_pillow(self.picture(region, codec, threads, bit_depth=depth))

    def array(
        self,
        *,
        region: Sequence[int] | None = None,
        codec: Backend | None = None,
        threads: int | None = None,
        bit_depth: int | None = None,
    ) -> np.ndarray:
        """The picture; arguments, result and errors are those of `jndlic.imread`."""
        from jndlic.images.picture import to_array

        return to_array(self.picture(region, codec, threads, bit_depth=bit_depth))

    def picture(
        self,
        region: Sequence[int] | None = None,
        codec: Backend | None = None,
        threads: int | None = None,
        progress: Callable[[float], None] | None = None,
        bit_depth: int | None = None,
        into: np.ndarray | None = None,
    ) -> Picture:
        """The picture as the program itself has it; arguments and errors are those of
        `jndlic.decode`, `progress` gets the share that is done, 0 to 1, and `into` the pixels of
        the whole picture; see `jndlic.pipeline.can_draw_into`.
        """
        check_codec(codec)
        bit_depth = checked_depth(bit_depth)
        if region is None:
            return restored(self.container(), codec, threads, progress, bit_depth, into)
        from jndlic.runtime.threads import thread_limit

        with thread_limit(threads):
            from jndlic.pipeline import decode_region

            codec = _needed_codec(self.front, codec)
            return decode_region(self.front, self._segment, codec, region, progress, bit_depth)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("the pixels of a .jlic file are decoded: they cannot be had uncopied")
        array = self.array()
        return array.astype(dtype or array.dtype, copy=False)

    def close(self) -> None:
        """Closes the file if it was opened here. What has been read stays."""
        if self._own and self._stream is not None:
            self._stream.close()
        self._stream = None

    def __enter__(self) -> JlicFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        quality = "patches alone" if self.quality is None else f"quality {self.quality}"
        bits = f", {self.depth} bits" if self.depth > format_.DEPTH_MIN else ""
        return f"<JlicFile {self.width} x {self.height}, {self.mode}{bits}, {quality}>"

    def _segment(self, number: int) -> bytes:
        if self._container is None and self._stream is not None and can_be_sought(self._stream):
            return read_segment(self._stream, self.front, number)
        return self.container().segments[number]


def shown_mode(front: Front) -> str:
    """The mode of the picture that a file decodes to, in Pillow's words."""
    header = front.header
    colours = "L" if header.grey else "RGB"
    if front.payload(format_.TAG_ALPHA) is not None:
        return colours + "A"
    return "I;16" if header.grey and header.depth > format_.DEPTH_MIN else colours


def pillow_depth(file: Container | Front, bit_depth: int | None) -> int:
    """How many bits a channel of a picture Pillow has a mode for. What the network draws is rounded
    once, if it is drawn with these.

    Args:
        file: that is decoded.
        bit_depth: that is wanted; None for those of the file.
    """
    wanted = file.header.depth if bit_depth is None else bit_depth
    deep = wanted > format_.DEPTH_MIN and file.header.grey
    return (
        format_.DEPTH_MAX if deep and file.payload(format_.TAG_ALPHA) is None else format_.DEPTH_MIN
    )


def facts(front: Front) -> dict[str, Any]:
    """See `jndlic.info`."""
    from jndlic.format.patches import FORMATS, decode_patches
    from jndlic.format.quality import read_quality
    from jndlic.shipped_weights import shipped_name

    header, plane = front.header, read_quality(front).plane
    payload = front.payload(format_.TAG_PATCHES)
    patches = () if payload is None else decode_patches(payload, header, FORMATS)
    pixels = header.width * header.height
    sizes = {
        "jnd": len(front.jnd),
        "hyper": len(front.hyper),
        "latent": sum(span.length for span in front.segments),
    }
    chunks = [{"tag": tag.decode(), "bytes": len(payload)} for tag, payload in front.chunks]
    return {
        "version": format_.VERSION,
        "width": header.width,
        "height": header.height,
        "quality": None if header.bare else header.quality,
        "quality_plane": None
        if plane is None
        else {"min": int(plane.min()), "mean": float(plane.mean()), "max": int(plane.max())},
        "grey": header.grey,
        "depth": header.depth,
        "orientation": header.orientation,
        "alpha": front.payload(format_.TAG_ALPHA) is not None,
        "bare": header.bare,
        "patches": [
            {
                "left": patch.left,
                "top": patch.top,
                "width": patch.width,
                "height": patch.height,
                "format": FORMATS[patch.format],
                "lossless": patch.lossless(header.depth),
                "blend": patch.blend,
                "bytes": len(patch.data),
            }
            for patch in patches
        ],
        "model": "" if header.bare else front.model or shipped_name(header.fingerprint),
        "fingerprint": "" if header.bare else header.fingerprint.hex(),
        "bytes": front.size,
        "bpp": 8 * front.size / pixels,
        "segments": header.segments,
        "streams": {
            name: {"bytes": size, "bpp": 8 * size / pixels} for name, size in sizes.items()
        },
        "chunks": chunks,
        "overhead_bytes": front.size
        - sum(sizes.values())
        - sum(len(payload) for _, payload in front.chunks),
    }


def restored(
    container: Container,
    codec: Backend | None,
    threads: int | None,
    progress: Callable[[float], None] | None = None,
    bit_depth: int | None = None,
    into: np.ndarray | None = None,
) -> Picture:
    """Decodes; arguments and errors as of `jndlic.decode`, `progress` and `into` as of
    `JlicFile.picture`.
    """
    from jndlic.runtime.threads import thread_limit

    with thread_limit(threads):
        from jndlic.pipeline import decode_container

        codec = _needed_codec(container, codec)
        return decode_container(container, codec, progress, bit_depth, into)


def checked_depth(bit_depth: int | None) -> int | None:
    """Bits of a channel as a user may choose them.

    Raises:
        ParameterError: it is neither None nor one of BIT_DEPTHS.
    """
    if bit_depth is None:
        return None
    depth = whole_number(bit_depth, "bit_depth")
    if depth not in BIT_DEPTHS:
        raise ParameterError(f"bit_depth must be 8 or 16, got {depth}")
    return depth


def check_codec(codec: Backend | None) -> None:
    """Refuses what is no codec.

    Raises:
        ParameterError: it has not the methods of one.
    """
    if codec is not None and not (hasattr(codec, "analyse") and hasattr(codec, "fingerprint")):
        raise ParameterError(
            f"codec must come from jndlic.runtime.load.load_codec, got {codec!r}; to run on a GPU: "
            'codec=load_codec(device="cuda")'
        )


def _needed_codec(file: Container | Front, codec: Backend | None) -> Backend | None:
    """The codec that a file is decoded with; None where none is needed."""
    return None if file.header.bare else codec or shipped_codec()


def shipped_codec() -> Backend:
    """The shipped weights, ready for use."""
    from jndlic.runtime.load import load_codec

    return load_codec()
