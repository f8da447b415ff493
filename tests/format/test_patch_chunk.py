"""The chunk of patches: its bytes are those of the specification, and every rule is checked."""

from __future__ import annotations

import pytest

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.container import Header, bare_header
from jndlic.format.patches import (
    FORMATS,
    PATCHES_MAX,
    READ,
    Patch,
    decode_patches,
    encode_patches,
)
from jndlic.format.reader import write_varint

HEADER = Header(300, 200, 50, bytes(8))


def field(
    left: int = 0,
    top: int = 0,
    width: int = 10,
    height: int = 10,
    kind: int = 2,
    blend: int = 0,
    length: int = 3,
) -> bytes:
    """One patch, written from docs/format.md."""
    place = b"".join(map(write_varint, (left, top, width - 1, height - 1)))
    return place + bytes([kind, blend]) + write_varint(length)


def payload(*fields: bytes, data: bytes | None = None) -> bytes:
    content = b"abc" * len(fields) if data is None else data
    return write_varint(len(fields)) + b"".join(fields) + content


def test_the_bytes_are_those_of_the_specification() -> None:
    patches = (
        Patch(5, 150, 295, 50, 2, 0, b"webp"),
        Patch(0, 0, 1, 1, 2, 32, b""),
    )
    data = bytes.fromhex("02 05 9601 a602 31 02 00 04  00 00 00 00 02 20 00") + b"webp"
    assert encode_patches(patches, HEADER) == data
    assert decode_patches(data, HEADER) == patches


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"left": 291}, "beyond"),
        ({"top": 191}, "beyond"),
        ({"width": 301}, "beyond"),
        ({"height": 2**20 + 1}, "beyond"),
        ({"left": 2**32 - 1}, "beyond"),
        ({"kind": 5}, "more bits"),
        ({"blend": 33}, "fades"),
        ({"length": 4}, "wrong size"),
        ({"length": 2}, "wrong size"),
        ({"length": 2**32 - 1}, "wrong size"),
    ],
)
def test_wrong_fields(fields: dict[str, int], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decode_patches(payload(field(**fields)), HEADER)


@pytest.mark.parametrize("kind", [1, 3, 4])
def test_formats_that_are_not_read(kind: int) -> None:
    with pytest.raises(UnsupportedError, match="stored as"):
        decode_patches(payload(field(kind=kind)), HEADER)
    # What only describes the file can do without
    assert decode_patches(payload(field(kind=kind)), HEADER, FORMATS)[0].format == kind


@pytest.mark.parametrize("kind", [0, 6, 255])
def test_formats_that_nobody_knows_yet(kind: int) -> None:
    for formats in (READ, FORMATS):
        with pytest.raises(UnsupportedError, match=f"format {kind}, which this program does not"):
            decode_patches(payload(field(kind=kind)), HEADER, formats)


def test_more_bits_than_8() -> None:
    deep = Header(300, 200, 50, bytes(8), depth=10)
    (patch,) = decode_patches(payload(field(kind=5)), deep)
    assert patch.lossless(10)
    rounded = Patch(0, 0, 10, 10, 2, 0, b"RIFF....WEBPVP8L")
    assert rounded.lossless(8) and not rounded.lossless(10)


def test_numbers_of_patches() -> None:
    column = [field(0, 0, 1, 1, length=0), *(field(0, y, 1, 1, length=0) for y in range(1, 1024))]
    tall = Header(1, 1100, 50, bytes(8))
    assert len(decode_patches(payload(*column, data=b""), tall)) == PATCHES_MAX
    with pytest.raises(FormatError, match="1025 patches"):
        decode_patches(payload(*column, field(0, 1024, 1, 1, length=0), data=b""), tall)
    for wrong in (b"\0", write_varint(500) + bytes(50)):
        with pytest.raises(FormatError, match="patches"):
            decode_patches(wrong, tall)


def test_a_patch_that_nobody_could_hold() -> None:
    wide = Header(1 << 13, 1 << 12, 50, bytes(8))
    assert decode_patches(payload(field(0, 0, 1 << 12, 1 << 12)), wide)
    with pytest.raises(FormatError, match="too large"):
        decode_patches(payload(field(0, 0, (1 << 12) + 1, 1 << 12)), wide)


@pytest.mark.parametrize("size", range(10))
def test_cut_anywhere(size: int) -> None:
    whole = payload(field(200))
    with pytest.raises(FormatError):
        decode_patches(whole[:size], HEADER)


def test_no_patch_lies_over_another() -> None:
    beside = payload(field(0, 0), field(10, 0), field(0, 10), field(10, 10))
    assert len(decode_patches(beside, HEADER)) == 4
    for over in (field(9, 9), field(0, 0), field(3, 3, 2, 2), field(0, 5, 300, 1)):
        with pytest.raises(FormatError, match="over another"):
            decode_patches(payload(field(0, 0), over), HEADER)


def test_a_bare_file_is_covered() -> None:
    header = bare_header(20, 10)
    assert len(decode_patches(payload(field(), field(10)), header)) == 2
    for some in ([field()], [field(), field(10, width=9)], [field(), field(10, height=9)]):
        with pytest.raises(FormatError, match="cover"):
            decode_patches(payload(*some), header)
    with pytest.raises(FormatError, match="fades"):
        decode_patches(payload(field(), field(10, blend=1)), header)


def test_writing_checks_too() -> None:
    good = Patch(0, 0, 10, 10, 2, 0, b"abc")
    for wrong in ([], [good, good], [good._replace(left=295)], [good._replace(blend=40)]):
        with pytest.raises(ParameterError):
            encode_patches(wrong, HEADER)
