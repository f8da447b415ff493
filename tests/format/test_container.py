"""The container: exact round trips, the bytes of the specification, every check in its order, our
exceptions only.
"""

from __future__ import annotations

import dataclasses
import struct
import time
import zlib

import numpy as np
import pytest

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format import container as format_
from jndlic.format.container import Container, Header, pack, unpack
from jndlic.format.reader import read_varint, write_varint

HEADER = Header(width=768, height=512, quality=50, fingerprint=b"\x01\x02\x03\x04\x05\x06\x07\x08")
FILE = Container(HEADER, 0xDEADBEEF, b"jnd stream", b"hyper" * 40, (b"latent" * 500,))
CHUNKS = ((b"icCp", b"profile" * 9), (b"exIf", b"MM"))


def with_chunks(*chunks: tuple[bytes, bytes]) -> Container:
    return dataclasses.replace(FILE, chunks=chunks)


def checked(part: bytes) -> bytes:
    return part + struct.pack("<I", zlib.crc32(part))


def written(
    version: int = 2,
    flags: int = 0,
    form: bytes = b"",
    width: int = 768,
    height: int = 512,
    count: bytes = b"",
    quality: int = 50,
    chunks: bytes = b"",
    segments: tuple[bytes, ...] = FILE.segments,
) -> bytes:
    """A file with any values, written from docs/format.md; all CRCs are right."""
    head = (
        b"\x89JLI"
        + bytes([version, flags])
        + form
        + write_varint(width - 1)
        + write_varint(height - 1)
        + count
    )
    if not flags & 32:
        head += struct.pack("<B8sI", quality, HEADER.fingerprint, 0xDEADBEEF)
        head += b"".join(write_varint(len(stream)) for stream in (FILE.jnd, FILE.hyper, *segments))
        head += FILE.jnd + FILE.hyper
    return checked(head) + chunks + b"".join(map(checked, () if flags & 32 else segments))


def chunk(tag: bytes, payload: bytes) -> bytes:
    """A chunk written from docs/format.md."""
    return write_varint(len(payload)) + checked(tag + payload)


HEAD_BYTES = len(written()) - len(FILE.segments[0]) - 4
"""Position of what follows the head of a file without chunks."""


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        Header(1, 1, 1, bytes(8)),
        Header(2**20, 4096, 100, bytes(range(8)), grey=True, orientation=8),
        Header(3, 2**20, 7, b"\xff" * 8, grey=True),
        Header(1024, 1025, 7, b"\xff" * 8, orientation=2),
    ],
)
def test_round_trip(header: Header) -> None:
    segments = tuple(bytes([1 + number % 255]) * (number % 7) for number in range(header.segments))
    chunks = (
        (b"zzZz", b"unknown, ancillary"),
        (b"icCp", b""),
        (b"ALPH", bytes(2)),
        (b"naMe", "Größe".encode()),
    )
    for some in ((), chunks):
        original = Container(header, 0x01020304, b"z_J", b"", segments, some)
        assert unpack(pack(original), area_max=2**32) == original


def test_the_bytes_are_those_of_the_specification() -> None:
    head = (
        bytes.fromhex("894a4c49 02 00 ff05 ff03 32 0102030405060708 efbeadde 0a c801 b817")
        + FILE.jnd
        + FILE.hyper
    )
    assert pack(FILE) == checked(head) + checked(FILE.segments[0]) == written()
    assert pack(with_chunks(*CHUNKS)) == written(
        flags=8, count=b"\2", chunks=b"".join(chunk(*one) for one in CHUNKS)
    )
    turned = dataclasses.replace(FILE, header=dataclasses.replace(HEADER, orientation=6, grey=True))
    assert pack(turned) == written(flags=17, form=b"\x50")
    large = dataclasses.replace(HEADER, width=1025)
    assert pack(dataclasses.replace(FILE, header=large, segments=(b"a", b"bc"))) == written(
        width=1025, segments=(b"a", b"bc")
    )


def test_the_frame_is_small() -> None:
    """Small files are the point of the codec: 0.05 bpp of a Kodak image is 2.4 kB."""
    assert len(pack(FILE)) - len(FILE.jnd) - len(FILE.hyper) - len(FILE.segments[0]) <= 36


def test_payloads_by_tag() -> None:
    container = unpack(pack(with_chunks((b"exIf", b"II*"), (b"naMe", b"base"))))
    assert container.payload(b"exIf") == b"II*" and container.model == "base"
    assert container.payload(b"ALPH") is None and unpack(pack(FILE)).model == ""


@pytest.mark.parametrize(
    "data", [b"", b"\x89JL", b"\x89PNG\r\n\x1a\n" * 5, bytes(100), b"\xff\xd8\xff\xe0" * 20]
)
def test_foreign_files(data: bytes) -> None:
    with pytest.raises(FormatError, match="not a .jlic"):
        unpack(data)


def test_every_truncation_is_noticed() -> None:
    data = pack(with_chunks(*CHUNKS))
    for size in range(len(data)):
        with pytest.raises(FormatError, match="truncated|not a .jlic"):
            unpack(data[:size])


def test_every_flipped_bit_is_noticed() -> None:
    data = pack(with_chunks(*CHUNKS))
    for position in [*range(80), *range(80, len(data), 37), *range(len(data) - 20, len(data))]:
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises((FormatError, UnsupportedError)):
                unpack(bytes(damaged))


def test_random_mutations_give_our_exceptions_only() -> None:
    random = np.random.default_rng(0)
    data = pack(with_chunks(*CHUNKS))
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(random.integers(1, 5)):
            start, size = (int(n) for n in random.integers(0, len(damaged), 2))
            action = random.integers(4)
            if action == 0:
                damaged[start] = random.integers(256)
            elif action == 1:
                del damaged[start : start + size % 50 + 1]
            elif action == 2:
                damaged[start:start] = random.bytes(size % 50 + 1)
            else:
                damaged[start : start + 50] = damaged[size : size + 50]
            if not damaged:
                break
        if bytes(damaged) != data:
            with pytest.raises((FormatError, UnsupportedError)):
                unpack(bytes(damaged))


def test_random_heads_give_our_exceptions_only() -> None:
    """Any fields behind a right CRC."""
    random = np.random.default_rng(1)
    for _ in range(300):
        head = b"\x89JLI\x02" + random.bytes(int(random.integers(1, 60)))
        with pytest.raises((FormatError, UnsupportedError)):
            unpack(checked(head))


def test_version_comes_before_everything_else() -> None:
    for version in (0, 1, 3):
        with pytest.raises(UnsupportedError, match=f"version {version}"):
            unpack(written(version=version))
    with pytest.raises(UnsupportedError, match="version 9"):
        unpack(format_.MAGIC + b"\x09")  # a later version may have any layout


@pytest.mark.parametrize("size", [(2**20 + 1, 1), (1, 2**20 + 1), (2**17, 2**16), (2**32, 2**32)])
def test_sizes_that_no_file_has(size: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="sides must be 1 to 1048576"):
        unpack(written(width=size[0], height=size[1]), area_max=2**40)


def test_size_limit_comes_before_lengths_and_checksums() -> None:
    cut = written(width=65536, height=65536)[:20]
    with pytest.raises(FormatError, match="65536 x 65536"):
        unpack(cut)
    with pytest.raises(FormatError, match="truncated"):
        unpack(cut, area_max=2**32)
    with pytest.raises(FormatError, match="limit is 1000"):
        unpack(pack(FILE), area_max=1000)


def test_lengths_come_before_checksums_and_checksums_tell_what_is_damaged() -> None:
    data = bytearray(pack(with_chunks(*CHUNKS)))
    data[11] ^= 64  # quality: only the CRC can tell
    with pytest.raises(FormatError, match="the head does not match"):
        unpack(bytes(data))
    with pytest.raises(FormatError, match="truncated"):
        unpack(bytes(data[:-1]))
    data = bytearray(pack(with_chunks(*CHUNKS)))
    data[data.index(b"icCp") + 10] ^= 1
    with pytest.raises(FormatError, match="icCp does not match"):
        unpack(bytes(data))
    data = bytearray(pack(FILE))
    data[-1] ^= 1
    with pytest.raises(FormatError, match="segment 1 does not match"):
        unpack(bytes(data))


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"quality": 0}, FormatError, "quality"),
        ({"quality": 101}, FormatError, "quality"),
        ({"flags": 2}, UnsupportedError, "flags 0x02"),
        ({"flags": 7}, UnsupportedError, "flags 0x07"),
        ({"flags": 0x40}, UnsupportedError, "flags 0x40"),
        ({"flags": 0x81}, UnsupportedError, "flags 0x81"),
        ({"flags": 32}, FormatError, "nothing makes up"),
        ({"flags": 16, "form": b"\0"}, FormatError, "usual"),
        ({"flags": 16, "form": b"\x80"}, UnsupportedError, "0x80"),
        ({"flags": 16, "form": b"\x09"}, FormatError, "17"),
        ({"flags": 16, "form": b"\x0f"}, FormatError, "23"),
        ({"flags": 8, "count": b"\0"}, FormatError, "0 chunks"),
        ({"flags": 8, "count": b"\x81\2"}, FormatError, "257 chunks"),
        ({"segments": (b"a", b"b")}, FormatError, "segment 1|follow|truncated"),
    ],
)
def test_odd_headers_with_a_right_checksum(
    fields: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        unpack(written(**fields))


@pytest.mark.parametrize("depth", range(9, 17))
def test_depths(depth: int) -> None:
    header = unpack(written(flags=16, form=bytes([depth - 8 | 7 << 4]))).header
    assert (header.depth, header.orientation) == (depth, 8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(orientation: int) -> None:
    form = bytes([(orientation - 1) << 4])
    data = written(flags=16, form=form) if orientation > 1 else written()
    assert unpack(data).header.orientation == orientation


def test_sets_of_chunks() -> None:
    def assembled(*chunks: bytes) -> bytes:
        return written(flags=8, count=write_varint(len(chunks)), chunks=b"".join(chunks))

    text = chunk(b"teXt", b"skipped")
    assert unpack(assembled(text, text)).payload(b"teXt") == b"skipped"
    unpack(assembled(*[chunk(b"teXt", b"")] * 256))
    with pytest.raises(UnsupportedError, match="ABCD"):
        unpack(assembled(chunk(b"ABCD", b"")))
    assert unpack(assembled(chunk(b"PTCH", b"a"))).payload(b"PTCH") == b"a"
    with pytest.raises(FormatError, match="twice"):
        unpack(assembled(chunk(b"icCp", b"a"), text, chunk(b"icCp", b"a")))
    with pytest.raises(FormatError, match="3 bytes follow"):
        unpack(assembled(text) + b"abc")
    with pytest.raises(FormatError, match="four letters"):
        unpack(assembled(chunk(b"ab1d", b"")))
    for name in (b"", b"\xff\xfe", b"\x1b[2J", b"x" * 256):
        with pytest.raises(FormatError, match="shown"):
            unpack(assembled(chunk(b"naMe", name)))


def test_bare_files() -> None:
    def bare(*chunks: bytes) -> bytes:
        return written(flags=40, count=write_varint(len(chunks)), chunks=b"".join(chunks))

    data = bare(chunk(b"PTCH", b"patches"), chunk(b"exIf", b"MM"))
    container = unpack(data)
    assert container.header == format_.bare_header(768, 512)
    assert container.segments == () and container.header.segments == 0
    assert pack(container) == data
    with pytest.raises(FormatError, match="1 bytes follow"):
        unpack(data + b"a")
    with pytest.raises(FormatError, match="truncated"):
        unpack(data[:-1])
    for tag, payload in ((b"QPLN", b"\0\0"), (b"naMe", b"base")):
        with pytest.raises(FormatError, match="without a network"):
            unpack(bare(chunk(b"PTCH", b"patches"), chunk(tag, payload)))
    with pytest.raises(FormatError, match="nothing makes up"):
        unpack(bare(chunk(b"exIf", b"MM")))
    for wrong in ({"jnd": b"a"}, {"hyper": b"a"}, {"segments": (b"",)}, {"symbol_crc": 1}):
        with pytest.raises(ParameterError):
            pack(dataclasses.replace(container, **wrong))


def test_a_huge_length_costs_nothing() -> None:
    start = time.perf_counter()
    head = written(flags=8, count=b"\1")[: HEAD_BYTES + 1]
    for data in (
        head + write_varint(2**32 - 1) + b"icCp" + bytes(100),
        written(width=2**16, height=2**16)[:HEAD_BYTES],  # thousands of lengths that are not there
        format_.MAGIC + bytes.fromhex("0200000032") + bytes(12) + b"\xff\xff\xff\xff\x0f" * 3,
    ):
        with pytest.raises(FormatError, match="truncated"):
            unpack(data, area_max=2**32)
    assert time.perf_counter() - start < 1.0


def test_writing_checks_too() -> None:
    for fields in (
        {"width": 0},
        {"height": 2**20 + 1},
        {"width": 2**17, "height": 2**16},
        {"quality": 0},
        {"fingerprint": b"short"},
        {"depth": 7},
        {"depth": 17},
        {"orientation": 0},
        {"orientation": 9},
    ):
        with pytest.raises(ParameterError):
            dataclasses.replace(HEADER, **fields)
    for chunks in (
        (CHUNKS[0], CHUNKS[0]),
        ((b"NEWS", b""),),
        ((b"no te", b""),),
        ((b"naMe", b"line\nfeed"),),
        ((b"teXt", b""),) * 257,
    ):
        with pytest.raises(ParameterError):
            pack(with_chunks(*chunks))
    for segments in ((), (b"a", b"b")):
        with pytest.raises(ParameterError):
            pack(dataclasses.replace(FILE, segments=segments))


@pytest.mark.parametrize(
    "value", [0, 1, 127, 128, 300, 16383, 16384, 2**21, 2**28 - 1, 2**28, 2**32 - 1]
)
def test_varint(value: int) -> None:
    data = write_varint(value)
    assert read_varint(b"xy" + data + b"z", 2) == (value, 2 + len(data))
    with pytest.raises(FormatError):
        read_varint(data[:-1], 0)


@pytest.mark.parametrize("text", ["8000", "ff808000", "ffffffff10", "ffffffffff01", "80" * 20])
def test_wrong_varints(text: str) -> None:
    with pytest.raises(FormatError):
        read_varint(bytes.fromhex(text), 0)
