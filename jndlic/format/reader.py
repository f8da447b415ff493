"""Bytes of a file, one after the other, and the integers of variable length in them. Needs the
standard library only.
"""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

from jndlic.errors import FormatError

CRC_BYTES = 4
_VARINT_MAX = 5  # bytes
_BLOCK = 1 << 16  # bytes read at once from a stream of unknown size


def write_varint(value: int) -> bytes:
    """An unsigned integer in base 128: 7 bits a byte, low bits first, the top bit says that more
    follow.
    """
    groups = bytearray()
    while value >= 128:
        groups.append(value & 127 | 128)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def read_varint(data: bytes | bytearray, position: int) -> tuple[int, int]:
    """The integer at `position` and the position behind it.

    Raises:
        FormatError: the data ends within it, it exceeds 2^32 - 1, or it has a superfluous zero
            byte.
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


class Reader:
    """Takes bytes from the front of a stream, and none that are not there: its methods raise
    FormatError where the stream ends too early.

    What a length claims is held against the size of the stream before anything is read. A stream
    that cannot be sought has no known size: it is read in blocks, so that no more memory is taken
    than it has bytes. Never more is read than is handed out.

    Args:
        stream: open for reading bytes; it is read from where it stands.

    Attributes:
        position: of the next byte, as the stream counts; from 0 where it cannot be sought.
        left: bytes from there to the end; None where the stream cannot be sought.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.position, self.left = _place(stream)
        self._crc = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if self.left is not None and size > self.left:
            raise FormatError("the file is truncated")
        data = self._read(size)
        if len(data) < size:
            raise FormatError("the file is truncated")
        return data

    def starts_with(self, mark: bytes) -> bool:
        """Whether the next bytes are these; goes on behind them."""
        return self._read(len(mark)) == mark

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def varint(self) -> int:
        """The next integer, see `read_varint`."""
        group = bytearray()
        while len(group) < _VARINT_MAX:
            group.append(self.byte())
            if group[-1] < 128:
                break
        return read_varint(group, 0)[0]

    def begin_part(self) -> None:
        """What is taken from here on belongs to a part that ends with a CRC."""
        self._crc = 0

    def matches_crc(self) -> bool:
        """Takes the CRC-32 that ends a part; whether it is that of the part."""
        found = self._crc
        return int.from_bytes(self.take(CRC_BYTES), "little") == found

    def check_end(self, after: int = 0) -> None:
        """Holds the size of the stream, as far as it has one, against what is still to be read.

        Args:
            after: bytes.
        """
        if self.left is not None:
            more = self.left - after
            if more < 0:
                raise FormatError("the file is truncated")
            if more > 0:
                raise FormatError(f"damaged file: {more} bytes follow its end")
        elif not after and self._stream.read(1):
            raise FormatError("damaged file: bytes follow its end")

    def _read(self, size: int) -> bytes:
        """The next bytes; fewer where the stream ends."""
        blocks: list[bytes] = []
        wanted = size
        while wanted > 0:
            block = self._stream.read(wanted if self.left is not None else min(wanted, _BLOCK))
            if not block:
                break
            blocks.append(block)
            wanted -= len(block)
        data = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        self.position += len(data)
        if self.left is not None:
            self.left -= len(data)
        self._crc = zlib.crc32(data, self._crc)
        return data


def _place(stream: BinaryIO) -> tuple[int, int | None]:
    """Where a stream stands, and how many bytes follow; (0, None) where it cannot be sought."""
    try:
        if not stream.seekable():
            return 0, None
        start = stream.tell()
        stream.seek(0, os.SEEK_END)
        end = stream.tell()
        stream.seek(start)
    except (AttributeError, OSError):  # a file in name only, which can do no more than read
        return 0, None
    return start, max(0, end - start)
