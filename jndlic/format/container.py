"""The .jlic container: one head with all that every file needs, then optional chunks, then the
latent segments.

    magic │ header │ z_J │ z │ crc ║
    size │ tag │ payload │ crc ║ ... ║
    segment │ crc ║ segment │ crc ║ ...

docs/format.md specifies every byte. This file turns bytes into a checked `Container` and back; what
the streams and payloads mean is the business of entropy.py, segments.py, planes.py and quality.py.
Only the standard library is needed here, so that `jndlic info` starts at once.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.grid import segment_count
from jndlic.format.reader import Reader, write_varint

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
KNOWN = (TAG_QUALITY, TAG_ALPHA, TAG_ICC, TAG_EXIF, TAG_XMP, TAG_NAME)

_FIXED = struct.Struct("<B8sI")  # quality, fingerprint, CRC of the symbols
_CRC = struct.Struct("<I")
_COLOUR_BITS = 0b111
_RGB, _GREY = 0, 1
_FLAG_CHUNKS, _FLAG_FORM, _FLAG_BARE = 8, 16, 32
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
    """1..100; a QPLN chunk holds the differences to it where the quality varies."""
    fingerprint: bytes
    """8 bytes: names everything that entropy decoding depends on (integer networks and tables)."""
    grey: bool = False
    """The picture has one channel; it is coded as three equal ones."""
    depth: int = 8
    """Bits of a channel, 8..16."""
    orientation: int = 1
    """How the coded picture is turned to be shown: 1..8, as EXIF numbers them; 1 is as it
    stands.
    """

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
    def segments(self) -> int:
        """Number of segments that the latents are cut into."""
        return segment_count(self.height, self.width)


@dataclass(frozen=True)
class Container:
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

    def payload(self, tag: bytes) -> bytes | None:
        """The payload of the chunk with this tag; None where the file has none."""
        return next((payload for name, payload in self.chunks if name == tag), None)

    @property
    def model(self) -> str:
        """Name of the weights, for messages only; empty where the file has none."""
        return (self.payload(TAG_NAME) or b"").decode()


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
        _check_chunks(chunks)
    except (FormatError, UnsupportedError) as error:
        raise ParameterError(f"these chunks make no valid file: {error}") from None
    if len(container.segments) != header.segments:
        raise ParameterError(
            f"{len(container.segments)} segments where the picture's size asks for "
            f"{header.segments}"
        )
    form = (header.depth - DEPTH_MIN) | (header.orientation - 1) << 4
    flags = (_GREY if header.grey else _RGB) | _FLAG_CHUNKS * bool(chunks) | _FLAG_FORM * bool(form)
    streams = (container.jnd, container.hyper, *container.segments)
    head = b"".join(
        (
            MAGIC,
            bytes([VERSION, flags, *([form] if form else [])]),
            write_varint(header.width - 1),
            write_varint(header.height - 1),
            write_varint(len(chunks)) if chunks else b"",
            _FIXED.pack(header.quality, header.fingerprint, container.symbol_crc),
            *(write_varint(len(stream)) for stream in streams),
            container.jnd,
            container.hyper,
        )
    )
    framed = (write_varint(len(payload)) + _checked(tag + payload) for tag, payload in chunks)
    return b"".join((_checked(head), *framed, *map(_checked, container.segments)))


def unpack(data: bytes, area_max: int = AREA_MAX) -> Container:
    """Reads a container and checks all that can be checked without weights.

    The order of the checks is that of docs/format.md: magic, version, size limits, lengths, CRCs,
    the header's other fields, and the set of chunks.

    Args:
        data: the whole file.
        area_max: limit on width x height in pixels.

    Raises:
        FormatError: the file is foreign, truncated, damaged or larger than the limit.
        UnsupportedError: a version, flag or critical chunk that this reader does not know.
    """
    reader = Reader(data)
    head = _read_head(reader, area_max)
    jnd, hyper = reader.take(head.lengths[0]), reader.take(head.lengths[1])
    parts = [("head", 0, reader.position)]
    reader.take(_CRC.size)
    chunks = []
    for tag, start, stop in _chunk_spans(reader, head.chunks):
        parts.append((f"chunk {_shown(tag)}", start - len(tag), stop))
        chunks.append((tag, data[start:stop]))
    segments = []
    for number, length in enumerate(head.lengths[2:], 1):
        start = reader.position
        segments.append(reader.take(length))
        parts.append((f"latent segment {number}", start, reader.position))
        reader.take(_CRC.size)
    if reader.position != len(data):
        raise FormatError(f"damaged file: {len(data) - reader.position} bytes follow its end")
    for name, start, stop in parts:
        if zlib.crc32(data[start:stop]) != _CRC.unpack_from(data, stop)[0]:
            raise FormatError(f"damaged file: the {name} does not match its CRC")
    header, symbol_crc = _header(head)
    _check_chunks(chunks)
    return Container(header, symbol_crc, jnd, hyper, tuple(segments), tuple(chunks))


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
    if flags & _FLAG_BARE:
        raise UnsupportedError(
            "the picture is stored in patches alone, which this program does not read"
        )
    if flags & ~_FLAGS or flags & _COLOUR_BITS not in (_RGB, _GREY) or form >> 7:
        raise UnsupportedError(
            f"the file uses features that this program does not know (flags {flags:#04x}, "
            f"{form:#04x})"
        )
    if flags & _FLAG_FORM and not form:
        raise FormatError("damaged header: what is not given is what is usual")
    quality, fingerprint, symbol_crc = _FIXED.unpack(head.fixed)
    depth, orientation = DEPTH_MIN + (form & 15), 1 + (form >> 4)
    try:
        header = Header(
            head.width,
            head.height,
            quality,
            fingerprint,
            flags & _COLOUR_BITS == _GREY,
            depth,
            orientation,
        )
    except ParameterError as error:
        raise FormatError(f"damaged header: {error}") from None
    if depth != DEPTH_MIN:
        raise UnsupportedError(
            f"the picture has {depth} bits a channel; this program reads {DEPTH_MIN}"
        )
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


def _chunk_spans(reader: Reader, count: int) -> Iterator[tuple[bytes, int, int]]:
    """(tag, start, stop) of each payload."""
    for _ in range(count):
        size = reader.varint()
        tag = reader.take(4)
        if not _is_tag(tag):
            raise FormatError("damaged file: a chunk's tag is not four letters")
        start = reader.position
        reader.take(size)
        yield tag, start, reader.position
        reader.take(_CRC.size)


def _check_chunks(chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Every critical chunk is known, none is there twice, and the name can be shown."""
    seen: set[bytes] = set()
    for tag, payload in chunks:
        if tag == TAG_PATCHES:
            raise UnsupportedError(
                "parts of the picture are patches in another format, which this program does not "
                "read"
            )
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
