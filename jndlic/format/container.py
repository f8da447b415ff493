"""The .jlic container: one head with all that every file needs, then optional chunks, then the
latent segments.

    magic │ header │ z_J │ z │ crc ║
    size │ tag │ payload │ crc ║ ... ║
    segment │ crc ║ segment │ crc ║ ...

A bare file has no z_J, no z and no segments: patches make up its picture.

docs/format.md specifies every byte. This file turns bytes into a checked `Container` and back, or
reads the front of a file alone, all but the segments; what the streams and payloads mean is the
business of entropy.py, segments.py, planes.py, quality.py and patches.py. Only the standard
library is needed here, so that `jndlic info` starts at once.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.grid import segment_count
from jndlic.format.reader import CRC_BYTES, Reader, write_varint

SUFFIX = ".jlic"
MAGIC = b"\x89JLI"
VERSION = 2
SIDE_MAX = 1 << 20
"""Largest width and height in pixels."""

PIXELS_MAX = 1 << 32
"""Largest width x height of any file."""

AREA_MAX = 1 << 28
"""Default limit on width x height, in pixels. Bounds what a tiny file can make a reader
allocate.
"""

QUALITY_MIN, QUALITY_MAX = 1, 100
DEPTH_MIN, DEPTH_MAX = 8, 16
ORIENTATIONS = 8
FINGERPRINT_BYTES = 8
NAME_MAX = 255
CHUNKS_MAX = 256
"""More chunks than any file has a use for; bounds the work on a file made of empty ones."""

TAG_QUALITY, TAG_PATCHES, TAG_ALPHA = b"QPLN", b"PTCH", b"ALPH"
TAG_ICC, TAG_EXIF, TAG_XMP, TAG_NAME = b"icCp", b"exIf", b"xmPd", b"naMe"
KNOWN = (TAG_QUALITY, TAG_PATCHES, TAG_ALPHA, TAG_ICC, TAG_EXIF, TAG_XMP, TAG_NAME)

_FIXED = struct.Struct("<B8sI")  # quality, fingerprint, CRC of the symbols
_CRC = struct.Struct("<I")
_COLOUR_BITS = 0b111
_RGB, _GREY = 0, 1
_FLAG_CHUNKS, _FLAG_FORM, _FLAG_BARE = 8, 16, 32
_NETWORK_ONLY = TAG_QUALITY, TAG_NAME
_FLAGS = _COLOUR_BITS | _FLAG_CHUNKS | _FLAG_FORM | _FLAG_BARE


@dataclass(frozen=True)
class Header:
    """What a file says about its picture.

    Raises:
        ParameterError: a field is out of its range.
    """

    width: int
    """Pixels as coded, 1..2^20."""
    height: int
    """Pixels as coded, 1..2^20; width x height is at most 2^32."""
    quality: int
    """1..100; a QPLN chunk holds the differences to it where the quality varies. Not in a bare
    file.
    """
    fingerprint: bytes
    """8 bytes: names everything that entropy decoding depends on (integer networks and tables). Not
    in a bare file.
    """
    grey: bool = False
    """The picture has one channel; it is coded as three equal ones."""
    depth: int = 8
    """Bits of a channel, 8..16."""
    orientation: int = 1
    """How the coded picture is turned to be shown: 1..8, as EXIF numbers them; 1 is as it
    stands.
    """
    bare: bool = False
    """The network codes nothing, and patches make up the picture; see `bare_header`."""

    def __post_init__(self) -> None:
        _check_size(self.width, self.height, ParameterError)
        if not QUALITY_MIN <= self.quality <= QUALITY_MAX:
            raise ParameterError(
                f"quality must be {QUALITY_MIN} to {QUALITY_MAX}, got {self.quality}"
            )
        if len(self.fingerprint) != FINGERPRINT_BYTES:
            raise ParameterError(f"the fingerprint must have {FINGERPRINT_BYTES} bytes")
        if not DEPTH_MIN <= self.depth <= DEPTH_MAX:
            raise ParameterError(
                f"a channel must have {DEPTH_MIN} to {DEPTH_MAX} bits, got {self.depth}"
            )
        if not 1 <= self.orientation <= ORIENTATIONS:
            raise ParameterError(
                f"the orientation must be 1 to {ORIENTATIONS}, got {self.orientation}"
            )

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height of the picture as it is handed out, in pixels: turned by the
        orientation.
        """
        turned = self.orientation >= 5  # rows and columns change places
        return (self.height, self.width) if turned else (self.width, self.height)

    @property
    def segments(self) -> int:
        """Number of segments that the latents are cut into."""
        return 0 if self.bare else segment_count(self.height, self.width)


def bare_header(
    width: int, height: int, grey: bool = False, depth: int = DEPTH_MIN, orientation: int = 1
) -> Header:
    """The header of a file without anything for the network. Its quality and its fingerprint mean
    nothing: they are always the same, so that equal files have equal headers.

    Args:
        width, height, grey, depth, orientation: see Header.

    Raises:
        ParameterError: a field is out of its range.
    """
    none = bytes(FINGERPRINT_BYTES)
    return Header(width, height, QUALITY_MAX, none, grey, depth, orientation, bare=True)


class _Chunks:
    """What is asked of chunks."""

    chunks: tuple[tuple[bytes, bytes], ...]
    """(tag, payload) in the file's order."""

    def payload(self, tag: bytes) -> bytes | None:
        """The payload of the chunk with this tag; None where the file has none."""
        return next((payload for name, payload in self.chunks if name == tag), None)

    @property
    def model(self) -> str:
        """Name of the weights, for messages only; empty where the file has none."""
        return (self.payload(TAG_NAME) or b"").decode()


@dataclass(frozen=True)
class Container(_Chunks):
    """A whole file, taken apart."""

    header: Header
    symbol_crc: int
    """CRC-32 of all decoded symbols; it stands in the head."""
    jnd: bytes
    """The stream of z_J."""
    hyper: bytes
    """The stream of z."""
    segments: tuple[bytes, ...]
    """The streams of k, in raster order."""
    chunks: tuple[tuple[bytes, bytes], ...] = ()
    """(tag, payload) in the file's order."""


class Span(NamedTuple):
    """Where a segment's stream lies."""

    offset: int
    """Position in the stream that the front was read from; of one that cannot be sought, counted
    from where it stood.
    """
    length: int
    """Bytes, without the CRC that follows them."""


@dataclass(frozen=True)
class Front(_Chunks):
    """All of a file but its segments, and where those lie."""

    header: Header
    symbol_crc: int
    """As in `Container`."""
    jnd: bytes
    """The stream of z_J."""
    hyper: bytes
    """The stream of z."""
    segments: tuple[Span, ...]
    """The streams of k, in raster order."""
    chunks: tuple[tuple[bytes, bytes], ...]
    """(tag, payload) in the file's order."""
    size: int
    """Bytes of the whole file."""

    def with_segments(self, segments: Sequence[bytes]) -> Container:
        """The whole file.

        Args:
            segments: the streams of k, in raster order.
        """
        return Container(
            self.header, self.symbol_crc, self.jnd, self.hyper, tuple(segments), self.chunks
        )


def pack(container: Container) -> bytes:
    """Writes a container.

    Raises:
        ParameterError: its parts make no valid file.
    """
    header, chunks = container.header, container.chunks
    if len(chunks) > CHUNKS_MAX:
        raise ParameterError(f"more than {CHUNKS_MAX} chunks")
    for tag, _ in chunks:
        if not _is_tag(tag):
            raise ParameterError(f"{tag!r} is no tag of a chunk: need four ASCII letters")
    try:
        _check_chunks(chunks, header.bare)
    except (FormatError, UnsupportedError) as error:
        raise ParameterError(f"these chunks make no valid file: {error}") from None
    if len(container.segments) != header.segments:
        raise ParameterError(
            f"{len(container.segments)} segments where the picture's size asks for "
            f"{header.segments}"
        )
    if header.bare and (container.jnd or container.hyper or container.symbol_crc):
        raise ParameterError("a bare file has nothing for the network")
    form = (header.depth - DEPTH_MIN) | (header.orientation - 1) << 4
    flags = _GREY if header.grey else _RGB
    flags |= _FLAG_CHUNKS * bool(chunks) | _FLAG_FORM * bool(form) | _FLAG_BARE * header.bare
    streams = (container.jnd, container.hyper, *container.segments)
    head = b"".join(
        (
            MAGIC,
            bytes([VERSION, flags, *([form] if form else [])]),
            write_varint(header.width - 1),
            write_varint(header.height - 1),
            write_varint(len(chunks)) if chunks else b"",
            *(
                ()
                if header.bare
                else (
                    _FIXED.pack(header.quality, header.fingerprint, container.symbol_crc),
                    *(write_varint(len(stream)) for stream in streams),
                    container.jnd,
                    container.hyper,
                )
            ),
        )
    )
    framed = (write_varint(len(payload)) + _checked(tag + payload) for tag, payload in chunks)
    return b"".join((_checked(head), *framed, *map(_checked, container.segments)))


def unpack(data: bytes, area_max: int = AREA_MAX) -> Container:
    """Reads a container and checks all that can be checked without weights; see `read_container`.

    Args:
        data: the whole file.
        area_max: limit on width x height in pixels.
    """
    return read_container(io.BytesIO(data), area_max)


def read_container(stream: BinaryIO, area_max: int = AREA_MAX) -> Container:
    """Reads a whole file and checks all that can be checked without weights.

    The order of the checks is that of docs/format.md: magic, version, size limits, lengths, CRCs,
    the header's other fields, and the set of chunks. Lengths come before the rest as far as the
    stream can be sought; a pipe shows only at its end that it was cut.

    Args:
        stream: open for reading bytes; read from where it stands to its end.
        area_max: limit on width x height in pixels.

    Raises:
        FormatError: the file is foreign, truncated, damaged or larger than the limit.
        UnsupportedError: a version, flag or critical chunk that this reader does not know.
        OSError: the stream cannot be read.
    """
    reader = Reader(stream)
    frame = _read_frame(reader, area_max)
    segments = _take_segments(reader, frame.segments)
    return _front(frame).with_segments(segments)


def read_front(stream: BinaryIO, area_max: int = AREA_MAX) -> Front:
    """Reads a file up to its segments, and not a byte more; the checks are those of
    `read_container`, but for the CRCs of the segments.

    Where the stream can be sought, its size must be the file's: whoever has a front knows that the
    segments are there.

    Args:
        stream: open for reading bytes; read from where it stands.
        area_max: limit on width x height in pixels.

    Raises:
        FormatError, UnsupportedError, OSError: as of `read_container`.
    """
    return _front(_read_frame(Reader(stream), area_max))


def read_segment(stream: BinaryIO, front: Front, number: int) -> bytes:
    """Reads the stream of one segment and checks its CRC.

    Args:
        stream: that the front was read from; it must be one that can be sought.
        front: of `read_front`.
        number: of the segment in raster order, from 0.

    Raises:
        ParameterError: there is no such segment.
        FormatError: it is damaged, or no longer there.
        OSError: the stream cannot be sought or read.
    """
    if not 0 <= number < len(front.segments):
        raise ParameterError(f"segment {number} of {len(front.segments)}, counted from 0")
    stream.seek(front.segments[number].offset)
    return _take_segment(Reader(stream), front.segments[number], number)


def read_rest(stream: BinaryIO, front: Front) -> Container:
    """Reads all segments to a front.

    Args:
        stream: that the front was read from; one that cannot be sought must stand where
            `read_front` has left it.
        front: of `read_front`.

    Raises:
        FormatError, OSError: as of `read_container`.
    """
    if front.segments and Reader(stream).left is not None:
        stream.seek(front.segments[0].offset)
    if not front.segments and Reader(stream).left is not None:
        return front.with_segments(())  # nothing is left to read, wherever the stream stands
    return front.with_segments(_take_segments(Reader(stream), front.segments))


def is_critical(tag: bytes) -> bool:
    """Whether a reader that does not know this chunk must give up: its first letter is a
    capital.
    """
    return tag[:1].isupper()


class _Head(NamedTuple):
    """The fields of a head as they stand, up to its streams."""

    flags: int
    form: int
    width: int
    height: int
    chunks: int
    """Their number."""
    fixed: bytes
    """Quality, fingerprint and CRC of the symbols; empty in a bare file."""
    lengths: list[int]
    """Of the streams of z_J, z and each segment, in bytes."""


class _Frame(NamedTuple):
    """All of a file but its segments, its lengths and CRCs checked."""

    head: _Head
    jnd: bytes
    hyper: bytes
    chunks: list[tuple[bytes, bytes]]
    segments: list[Span]
    size: int
    """Bytes of the whole file."""


def _read_frame(reader: Reader, area_max: int) -> _Frame:
    """Reads up to the segments. Lengths come first: CRCs are compared on the way, and what does not
    match is told at the end.
    """
    start = reader.position
    head = _read_head(reader, area_max)
    jnd, hyper = reader.take(head.lengths[0]), reader.take(head.lengths[1])
    damaged = [] if reader.matches_crc() else ["head"]
    chunks: list[tuple[bytes, bytes]] = []
    for _ in range(head.chunks):
        size = reader.varint()
        reader.begin_part()
        tag = reader.take(4)
        if not _is_tag(tag):
            raise FormatError("damaged file: a chunk's tag is not four letters")
        chunks.append((tag, reader.take(size)))
        if not reader.matches_crc():
            damaged.append(f"chunk {_shown(tag)}")
    segments, end = [], reader.position
    for length in head.lengths[2:]:
        segments.append(Span(end, length))
        end += length + CRC_BYTES
    reader.check_end(end - reader.position)
    if damaged:
        raise FormatError(f"damaged file: the {damaged[0]} does not match its CRC")
    return _Frame(head, jnd, hyper, chunks, segments, end - start)


def _front(frame: _Frame) -> Front:
    """Checks header and chunks."""
    header, symbol_crc = _header(frame.head)
    _check_chunks(frame.chunks, header.bare)
    return Front(
        header,
        symbol_crc,
        frame.jnd,
        frame.hyper,
        tuple(frame.segments),
        tuple(frame.chunks),
        frame.size,
    )


def _take_segments(reader: Reader, spans: Sequence[Span]) -> list[bytes]:
    """All segments, which end the file."""
    segments = [_take_segment(reader, span, number) for number, span in enumerate(spans)]
    reader.check_end()
    return segments


def _take_segment(reader: Reader, span: Span, number: int) -> bytes:
    reader.begin_part()
    segment = reader.take(span.length)
    if not reader.matches_crc():
        raise FormatError(f"damaged file: the latent segment {number + 1} does not match its CRC")
    return segment


def _read_head(reader: Reader, area_max: int) -> _Head:
    """Checks magic, version and size, and that the fields are there."""
    if not reader.starts_with(MAGIC):
        raise FormatError("this is not a .jlic file")
    version = reader.byte()
    if version != VERSION:
        raise UnsupportedError(
            f"this is a .jlic file of version {version}; this program reads version {VERSION}"
        )
    flags = reader.byte()
    form = reader.byte() if flags & _FLAG_FORM else 0
    width, height = reader.varint() + 1, reader.varint() + 1
    _check_size(width, height, FormatError)
    if width * height > area_max:
        raise FormatError(
            f"the file claims {width} x {height} pixels; the limit is {area_max} pixels in all"
        )
    chunks = reader.varint() if flags & _FLAG_CHUNKS else 0
    if chunks > CHUNKS_MAX or bool(chunks) != bool(flags & _FLAG_CHUNKS):
        raise FormatError(f"damaged file: {chunks} chunks")
    if flags & _FLAG_BARE:
        return _Head(flags, form, width, height, chunks, b"", [0, 0])
    fixed = reader.take(_FIXED.size)
    lengths = [reader.varint() for _ in range(2 + segment_count(height, width))]
    return _Head(flags, form, width, height, chunks, fixed, lengths)


def _header(head: _Head) -> tuple[Header, int]:
    """Header and CRC of the symbols; the head's own CRC is right, so what is odd here was written
    so.
    """
    flags, form = head.flags, head.form
    if flags & ~_FLAGS or flags & _COLOUR_BITS not in (_RGB, _GREY) or form >> 7:
        raise UnsupportedError(
            f"the file uses features that this program does not know (flags {flags:#04x}, "
            f"{form:#04x})"
        )
    if flags & _FLAG_FORM and not form:
        raise FormatError("damaged header: what is not given is what is usual")
    depth, orientation = DEPTH_MIN + (form & 15), 1 + (form >> 4)
    grey, size = flags & _COLOUR_BITS == _GREY, (head.width, head.height)
    try:
        if flags & _FLAG_BARE:
            header, symbol_crc = bare_header(*size, grey, depth, orientation), 0
        else:
            quality, fingerprint, symbol_crc = _FIXED.unpack(head.fixed)
            header = Header(*size, quality, fingerprint, grey, depth, orientation)
    except ParameterError as error:
        raise FormatError(f"damaged header: {error}") from None
    return header, symbol_crc


def _check_size(width: int, height: int, error: type[FormatError | ParameterError]) -> None:
    if not (1 <= width <= SIDE_MAX and 1 <= height <= SIDE_MAX) or width * height > PIXELS_MAX:
        raise error(
            f"a picture of {width} x {height}: sides must be 1 to {SIDE_MAX} pixels, {PIXELS_MAX} "
            "in all"
        )


def _checked(part: bytes) -> bytes:
    """The bytes and their CRC-32."""
    return part + _CRC.pack(zlib.crc32(part))


def _check_chunks(chunks: Iterable[tuple[bytes, bytes]], bare: bool) -> None:
    """Every critical chunk is known, none is there twice, and the name can be shown; a bare file
    has patches, and nothing for the network.
    """
    seen: set[bytes] = set()
    for tag, payload in chunks:
        if tag not in KNOWN:
            if is_critical(tag):
                raise UnsupportedError(
                    f"the file needs chunk {_shown(tag)}, which this program does not know"
                )
            continue
        if tag in seen:
            raise FormatError(f"damaged file: chunk {_shown(tag)} stands in it twice")
        seen.add(tag)
        if tag == TAG_NAME and not _is_name(payload):
            raise FormatError("damaged file: the name of the weights cannot be shown")
        if bare and tag in _NETWORK_ONLY:
            raise FormatError(f"damaged file: chunk {_shown(tag)} in a file without a network")
    if bare and TAG_PATCHES not in seen:
        raise FormatError("damaged file: nothing makes up the picture")


def _is_tag(tag: bytes) -> bool:
    return len(tag) == 4 and tag.isalpha()  # of bytes, ASCII letters only


def _is_name(payload: bytes) -> bool:
    """UTF-8 that is safe on a terminal, which obeys control characters."""
    try:
        return 0 < len(payload) <= NAME_MAX and payload.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _shown(tag: bytes) -> str:
    return tag.decode("ascii", "replace")
