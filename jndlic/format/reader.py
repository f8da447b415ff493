"""Bytes of a file, one after the other, and the integers of variable length in them. Needs the
standard library only.
"""

from __future__ import annotations

from jndlic.errors import FormatError


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


def read_varint(data: bytes, position: int) -> tuple[int, int]:
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
    """Takes bytes from the front, and none that are not there: its methods raise FormatError where
    the data ends too early.

    Args:
        data: the whole file.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size > len(self._data) - self.position:
            raise FormatError("the file is truncated")
        self.position += size
        return self._data[self.position - size : self.position]

    def starts_with(self, mark: bytes) -> bool:
        """Whether the data begins with these bytes; goes on behind them."""
        self.position = len(mark)
        return self._data[: len(mark)] == mark

    def byte(self) -> int:
        """The next byte."""
        return self.take(1)[0]

    def varint(self) -> int:
        """The next integer, see `read_varint`."""
        value, self.position = read_varint(self._data, self.position)
        return value
