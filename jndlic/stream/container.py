"""The .jlic container: a header and typed, length-prefixed chunks, each with its CRC-32.

    magic │ header │ crc ║ size │ tag │ payload │ crc ║ ... ║ size │ "LATN" │ payload │ crc

docs/format.md specifies every byte. This file turns bytes into a checked `Container` and back; what
the payloads of the streams mean is the business of entropy.py and segments.py. Only the standard library is
needed here, so that `jndlic info` starts at once.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jndlic.errors import FormatError, ParameterError, UnsupportedError

MAGIC = b"\x89JLI"
VERSION = 1
SIDE_MAX = 1 << 16
"""Largest width and height: all that the header's 16 bits can say."""

AREA_MAX = 1 << 28
"""Default limit on width x height, in pixels. Bounds what a tiny file can make a reader allocate."""

QUALITY_MIN, QUALITY_MAX = 1, 100
FINGERPRINT_BYTES = 8
NAME_MAX = 255
CHUNKS_MAX = 256
"""More chunks than any file has a use for; bounds the work on a file made of empty ones."""

TAG_JND, TAG_HYPER, TAG_INDEX, TAG_LATENT = b"JNDS", b"HYPR", b"LIDX", b"LATN"
TAG_ALPHA = b"ALPH"
TAG_ICC, TAG_EXIF, TAG_XMP = b"icCp", b"exIf", b"xmPd"
REQUIRED = (TAG_JND, TAG_HYPER, TAG_LATENT)
KNOWN = (*REQUIRED, TAG_INDEX, TAG_ALPHA, TAG_ICC, TAG_EXIF, TAG_XMP)

# version, width - 1, height - 1, quality, flags, fingerprint, CRC of the symbols, length of the name
_FIXED = struct.Struct("<BHHBB8sIB")
_CRC = struct.Struct("<I")
_FLAG_GREY, _FLAG_ALPHA = 1, 2


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say.

    Raises:
        ParameterError: a field is out of its range.
    """

    width: int
    """Pixels, 1..65536."""
    height: int
    """Pixels, 1..65536."""
    quality: int
    """1..100."""
    fingerprint: bytes
    """8 bytes: names everything that entropy decoding depends on (integer networks and tables)."""
    model: str = ""
    """Name of the weights, for messages only; at most 255 bytes of UTF-8, all printable."""
    grey: bool = False
    """The picture has one channel; it is coded as three equal ones."""
    alpha: bool = False
    """An ALPH chunk holds the opacity."""

    def __post_init__(self) -> None:
        if not (1 <= self.width <= SIDE_MAX and 1 <= self.height <= SIDE_MAX):
            raise ParameterError(f"picture of {self.width} x {self.height}: sides must be 1 to {SIDE_MAX} pixels")
        if not QUALITY_MIN <= self.quality <= QUALITY_MAX:
            raise ParameterError(f"quality must be {QUALITY_MIN} to {QUALITY_MAX}, got {self.quality}")
        if len(self.fingerprint) != FINGERPRINT_BYTES:
            raise ParameterError(f"the fingerprint must have {FINGERPRINT_BYTES} bytes")
        if len(self.model.encode()) > NAME_MAX:
            raise ParameterError(f"the model's name is longer than {NAME_MAX} bytes")
        if not self.model.isprintable():  # it ends up on terminals, which obey control characters
            raise ParameterError("the model's name holds characters that cannot be shown")


@dataclass(frozen=True)
class Container:
    """A whole file, taken apart.

    Attributes:
        header: the header.
        chunks: (tag, payload) in the file's order; LATN is the last.
        symbol_crc: CRC-32 of all decoded symbols. It stands in the header.
    """

    header: Header
    chunks: tuple[tuple[bytes, bytes], ...]
    symbol_crc: int

    def payload(self, tag: bytes) -> bytes | None:
        """The payload of the chunk with this tag; None where the file has none."""
        return next((payload for name, payload in self.chunks if name == tag), None)


def pack(container: Container) -> bytes:
    """Writes a container.

    Raises:
        ParameterError: the chunks are not those of a valid file.
    """
    header, name = container.header, container.header.model.encode()
    flags = _FLAG_GREY * header.grey + _FLAG_ALPHA * header.alpha
    fixed = _FIXED.pack(
        VERSION,
        header.width - 1,
        header.height - 1,
        header.quality,
        flags,
        header.fingerprint,
        container.symbol_crc,
        len(name),
    )
    head = MAGIC + fixed + name
    for tag, _ in container.chunks:
        if not _is_tag(tag):
            raise ParameterError(f"{tag!r} is no tag of a chunk: need four ASCII letters")
    try:
        _check_chunks(header, container.chunks)
    except (FormatError, UnsupportedError) as error:
        raise ParameterError(f"these chunks make no valid file: {error}") from None
    if container.chunks[-1][0] != TAG_LATENT:
        raise ParameterError("LATN must be the last chunk: it ends the file")
    return b"".join((head, _CRC.pack(zlib.crc32(head)), *(_framed(*chunk) for chunk in container.chunks)))


def unpack(data: bytes, area_max: int = AREA_MAX) -> Container:
    """Reads a container and checks all that can be checked without weights.

    The order of the checks is that of docs/format.md: magic, version, size limits, lengths of the chunks, CRCs,
    the header's other fields, and the set of chunks.

    Args:
        data: the whole file.
        area_max: limit on width x height in pixels.

    Raises:
        FormatError: the file is foreign, truncated, damaged or larger than the limit.
        UnsupportedError: a version, flag or critical chunk that this reader does not know.
    """
    width, height, body = _size_of(data)
    if width * height > area_max:
        raise FormatError(f"the file claims {width} x {height} pixels; the limit is {area_max} pixels in all")
    spans = list(_chunk_spans(data, body))
    if zlib.crc32(data[: body - 4]) != _CRC.unpack_from(data, body - 4)[0]:
        raise FormatError("damaged file: the header does not match its CRC")
    for tag, start, stop in spans:
        if zlib.crc32(data[start - 4 : stop]) != _CRC.unpack_from(data, stop)[0]:
            raise FormatError(f"damaged file: chunk {_shown(tag)} does not match its CRC")
    header, symbol_crc = _header(data, width, height)
    chunks = tuple((tag, data[start:stop]) for tag, start, stop in spans)
    _check_chunks(header, chunks)
    return Container(header, chunks, symbol_crc)


def write_varint(value: int) -> bytes:
    """An unsigned integer in base 128: 7 bits a byte, low bits first, the top bit says that more follow."""
    groups = bytearray()
    while value >= 128:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The integer at `position` and the position behind it.

    Raises:
        FormatError: the data ends within it, it exceeds 2^32 - 1, or it has a superfluous zero byte.
    """
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(data):
            raise FormatError("the file is truncated")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >= 1 << 32 or (byte == 0 and shift):
                break
            return value, position
    raise FormatError("damaged file: a length is not written as it should be")


def is_critical(tag: bytes) -> bool:
    """Whether a reader that does not know this chunk must give up: its first letter is a capital."""
    return tag[:1].isupper()


def _size_of(data: bytes) -> tuple[int, int, int]:
    """Width, height, and the position of the first chunk; checks magic, version and presence of the header."""
    if data[: len(MAGIC)] != MAGIC:
        raise FormatError("this is not a .jlic file")
    fixed = data[len(MAGIC) : len(MAGIC) + _FIXED.size]
    if fixed and fixed[0] != VERSION:
        raise UnsupportedError(f"this is a .jlic file of version {fixed[0]}; this program reads version {VERSION}")
    if len(fixed) < _FIXED.size:
        raise FormatError("the file is truncated")
    _, width, height, _, _, _, _, name_length = _FIXED.unpack(fixed)
    body = len(MAGIC) + _FIXED.size + name_length + _CRC.size
    if len(data) < body:
        raise FormatError("the file is truncated")
    return width + 1, height + 1, body


def _header(data: bytes, width: int, height: int) -> tuple[Header, int]:
    """Header and CRC of the symbols; the header's own CRC is right, so what is odd here was written so."""
    start = len(MAGIC)
    _, _, _, quality, flags, fingerprint, symbol_crc, name_length = _FIXED.unpack_from(data, start)
    if flags & ~(_FLAG_GREY | _FLAG_ALPHA):
        raise UnsupportedError(f"the file uses features that this program does not know (flags {flags:#04x})")
    start += _FIXED.size
    try:
        name = data[start : start + name_length].decode()
        grey, alpha = bool(flags & _FLAG_GREY), bool(flags & _FLAG_ALPHA)
        return Header(width, height, quality, fingerprint, name, grey, alpha), symbol_crc
    except (UnicodeDecodeError, ParameterError) as error:
        raise FormatError(f"damaged header: {error}") from None


def _framed(tag: bytes, payload: bytes) -> bytes:
    return b"".join((write_varint(len(payload)), tag, payload, _CRC.pack(zlib.crc32(payload, zlib.crc32(tag)))))


def _chunk_spans(data: bytes, position: int) -> Iterator[tuple[bytes, int, int]]:
    """(tag, start, stop) of each payload up to LATN, which must end the file."""
    for _ in range(CHUNKS_MAX):
        size, position = read_varint(data, position)
        start = position + 4
        stop = start + size
        if stop + _CRC.size > len(data):
            raise FormatError("the file is truncated")
        tag = data[position:start]
        if not _is_tag(tag):
            raise FormatError("damaged file: a chunk's tag is not four letters")
        yield tag, start, stop
        position = stop + _CRC.size
        if tag == TAG_LATENT:
            if position != len(data):
                raise FormatError(f"damaged file: {len(data) - position} bytes follow its end")
            return
    raise FormatError(f"damaged file: more than {CHUNKS_MAX} chunks")


def _check_chunks(header: Header, chunks: Iterable[tuple[bytes, bytes]]) -> None:
    """Every critical chunk is known, the required ones are there, none is there twice."""
    seen: set[bytes] = set()
    for tag, _ in chunks:
        if tag not in KNOWN:
            if is_critical(tag):
                raise UnsupportedError(f"the file needs chunk {_shown(tag)}, which this program does not know")
            continue
        if tag in seen:
            raise FormatError(f"damaged file: chunk {_shown(tag)} stands in it twice")
        seen.add(tag)
    for tag in REQUIRED:
        if tag not in seen:
            raise FormatError(f"damaged file: chunk {_shown(tag)} is missing")
    if (TAG_ALPHA in seen) != header.alpha:
        raise FormatError("damaged file: header and chunks disagree about an alpha plane")


def _is_tag(tag: bytes) -> bool:
    return len(tag) == 4 and tag.isalpha()  # of bytes, ASCII letters only


def _shown(tag: bytes) -> str:
    return tag.decode("ascii", "replace")
