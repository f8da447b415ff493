"""The container, segments and alpha: exact round trips, every check in its order, our exceptions only."""

from __future__ import annotations

import dataclasses
import struct
import time
import zlib

import numpy as np
import pytest

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.stream import container as format_
from jndlic.stream.alpha import decode_alpha, encode_alpha
from jndlic.stream.container import Container, Header, pack, read_varint, unpack, write_varint
from jndlic.stream.entropy import TOTAL, SymbolTables
from jndlic.stream.phases import PHASES, to_phases
from jndlic.stream.segments import (
    decode_latent,
    decode_planes,
    encode_latent,
    encode_planes,
    join_segments,
    segment_count,
    segment_slices,
    split_segments,
    symbol_crc,
)

HEADER = Header(width=768, height=512, quality=50, fingerprint=b"\x01\x02\x03\x04\x05\x06\x07\x08", model="base")
STREAMS = ((b"JNDS", b"jnd stream"), (b"HYPR", b"hyper" * 40), (b"LATN", b"latent" * 500))
BODY = 4 + 20 + len("base") + 4
"""Position of the first chunk."""


def whole(*extra: tuple[bytes, bytes], header: Header = HEADER) -> bytes:
    return pack(Container(header, (*extra, *STREAMS), 0xDEADBEEF))


def chunk(tag: bytes, payload: bytes) -> bytes:
    """A chunk written from docs/format.md."""
    return write_varint(len(payload)) + tag + payload + struct.pack("<I", zlib.crc32(tag + payload))


def with_header(version: int = 1, quality: int = 50, flags: int = 0, name: bytes = b"base") -> bytes:
    """A file whose header has any values, with a right CRC."""
    fields = version, 767, 511, quality, flags, HEADER.fingerprint, 0xDEADBEEF, len(name)
    head = b"\x89JLI" + struct.pack("<BHHBB8sIB", *fields)
    return head + name + struct.pack("<I", zlib.crc32(head + name)) + whole()[BODY:]


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        Header(1, 1, 1, bytes(8)),
        Header(65536, 4096, 100, bytes(range(8)), "Größe", grey=True, alpha=True),
        Header(3, 65536, 7, b"\xff" * 8, "x" * 255, grey=True),
    ],
)
def test_round_trip(header: Header) -> None:
    chunks = ((b"zzZz", b"unknown, ancillary"), (b"icCp", b""), *STREAMS[:2], (b"LIDX", b"\x01"), STREAMS[2])
    if header.alpha:
        chunks = ((b"ALPH", bytes(2)), *chunks)
    original = Container(header, chunks, 0x01020304)
    assert unpack(pack(original)) == original


def test_the_bytes_are_those_of_the_specification() -> None:
    head = bytes.fromhex("894a4c49 01 ff02 ff01 32 00 0102030405060708 efbeadde 04") + b"base"
    expected = head + struct.pack("<I", zlib.crc32(head))
    expected += b"".join(chunk(tag, payload) for tag, payload in STREAMS)
    assert whole() == expected


def test_overhead_is_small() -> None:
    """Small files are the point of the codec: 0.05 bpp of a Kodak image is 2.4 kB."""
    payloads = sum(len(payload) for _, payload in STREAMS)
    assert len(whole()) - payloads <= 64


def test_payloads_by_tag() -> None:
    container = unpack(whole((b"exIf", b"II*")))
    assert container.payload(b"exIf") == b"II*"
    assert container.payload(b"LATN") == STREAMS[2][1]
    assert container.payload(b"ALPH") is None
    assert container.symbol_crc == 0xDEADBEEF


@pytest.mark.parametrize("data", [b"", b"\x89JL", b"\x89PNG\r\n\x1a\n" * 5, bytes(100), b"\xff\xd8\xff\xe0" * 20])
def test_foreign_files(data: bytes) -> None:
    with pytest.raises(FormatError, match="not a .jlic"):
        unpack(data)


def test_every_truncation_is_noticed() -> None:
    data = whole()
    for size in range(len(data)):
        with pytest.raises(FormatError):
            unpack(data[:size])


def test_every_flipped_bit_is_noticed() -> None:
    data = whole()
    for position in [*range(80), *range(80, len(data), 37), *range(len(data) - 20, len(data))]:
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises((FormatError, UnsupportedError)):
                unpack(bytes(damaged))


def test_random_mutations_give_our_exceptions_only() -> None:
    random = np.random.default_rng(0)
    data = whole((b"icCp", b"profile" * 9), (b"exIf", b"MM"))
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


def test_version_comes_before_everything_else() -> None:
    with pytest.raises(UnsupportedError, match="version 2"):
        unpack(with_header(version=2))
    with pytest.raises(UnsupportedError, match="version 9"):
        unpack(format_.MAGIC + b"\x09")  # a later version may have any layout


def test_size_limit_comes_before_lengths_and_checksums() -> None:
    large = whole(header=dataclasses.replace(HEADER, width=65536, height=65536))
    cut = large[: BODY + 3]
    with pytest.raises(FormatError, match="65536 x 65536"):
        unpack(cut)
    with pytest.raises(FormatError, match="truncated"):
        unpack(cut, area_max=2**32)
    assert unpack(large, area_max=2**32).header.width == 65536
    with pytest.raises(FormatError, match="limit is 1000"):
        unpack(whole(), area_max=1000)


def test_lengths_come_before_checksums() -> None:
    data = bytearray(whole())
    data[9] ^= 64  # quality: only the CRC can tell
    with pytest.raises(FormatError, match="header does not match"):
        unpack(bytes(data))
    with pytest.raises(FormatError, match="truncated"):
        unpack(bytes(data[:-1]))
    data = bytearray(whole())
    data[-1] ^= 1
    with pytest.raises(FormatError, match="LATN does not match"):
        unpack(bytes(data))


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"quality": 0}, FormatError, "quality"),
        ({"quality": 101}, FormatError, "quality"),
        ({"flags": 4}, UnsupportedError, "flags 0x04"),
        ({"flags": 0x82}, UnsupportedError, "flags 0x82"),
        ({"flags": 2}, FormatError, "alpha"),
        ({"name": b"\xff\xfe"}, FormatError, "header"),
        ({"name": b"\x1b[2J"}, FormatError, "shown"),
    ],
)
def test_odd_headers_with_a_right_checksum(fields: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        unpack(with_header(**fields))


def test_sets_of_chunks() -> None:
    head = whole()[:BODY]
    parts = [chunk(tag, payload) for tag, payload in STREAMS]

    def assembled(*chunks: bytes) -> bytes:
        return head + b"".join(chunks)

    unpack(assembled(parts[1], parts[0], parts[2]))  # the order is free, but for LATN
    unpack(assembled(chunk(b"teXt", b"skipped"), *parts[:2], chunk(b"teXt", b"twice"), parts[2]))
    with pytest.raises(UnsupportedError, match="ABCD"):
        unpack(assembled(chunk(b"ABCD", b""), *parts))
    for missing in range(2):
        with pytest.raises(FormatError, match="missing"):
            unpack(assembled(*parts[:missing], *parts[missing + 1 :]))
    with pytest.raises(FormatError, match="truncated"):
        unpack(assembled(*parts[:2]))
    with pytest.raises(FormatError, match="twice"):
        unpack(assembled(parts[0], *parts))
    with pytest.raises(FormatError, match="alpha"):
        unpack(assembled(chunk(b"ALPH", b"ab"), *parts))
    with pytest.raises(FormatError, match="3 bytes follow"):
        unpack(assembled(*parts) + b"abc")
    with pytest.raises(FormatError, match=f"{len(parts[0])} bytes follow"):
        unpack(assembled(*parts, parts[0]))
    with pytest.raises(FormatError, match="four letters"):
        unpack(assembled(chunk(b"ab1d", b""), *parts))
    with pytest.raises(FormatError, match="more than"):
        unpack(assembled(*[chunk(b"teXt", b"")] * 256, *parts))


def test_a_huge_length_costs_nothing() -> None:
    start = time.perf_counter()
    with pytest.raises(FormatError, match="truncated"):
        unpack(whole()[:BODY] + write_varint(2**32 - 1) + b"LATN" + bytes(100))
    assert time.perf_counter() - start < 1.0


def test_writing_checks_too() -> None:
    for fields in (
        {"width": 0},
        {"height": 65537},
        {"quality": 0},
        {"fingerprint": b"short"},
        {"model": "x" * 256},
        {"model": "line\nfeed"},
    ):
        with pytest.raises(ParameterError):
            dataclasses.replace(HEADER, **fields)
    for chunks in (
        STREAMS[:2],
        (*STREAMS, STREAMS[0]),
        (*STREAMS, (b"icCp", b"")),
        ((b"NEWS", b""), *STREAMS),
        ((b"no te", b""), *STREAMS),
    ):
        with pytest.raises(ParameterError):
            pack(Container(HEADER, chunks, 0))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 16383, 16384, 2**21, 2**28 - 1, 2**28, 2**32 - 1])
def test_varint(value: int) -> None:
    data = write_varint(value)
    assert read_varint(b"xy" + data + b"z", 2) == (value, 2 + len(data))
    with pytest.raises(FormatError):
        read_varint(data[:-1], 0)


@pytest.mark.parametrize("text", ["8000", "ff808000", "ffffffff10", "ffffffffff01", "80" * 20])
def test_wrong_varints(text: str) -> None:
    with pytest.raises(FormatError):
        read_varint(bytes.fromhex(text), 0)


def some_tables(count: int, seed: int = 0) -> SymbolTables:
    """Tables of two-sided geometric shape, ever wider."""
    random = np.random.default_rng(seed)
    counts, offsets = [], []
    for number in range(count):
        reach = 2 + number % 9
        shares = np.append(0.6 ** np.abs(np.arange(-reach, reach + 1)), 1e-4) * random.uniform(0.8, 1, 2 * reach + 2)
        table = np.floor(shares / shares.sum() * (TOTAL - 100)).astype(np.int64) + 1
        table[reach] += TOTAL - table.sum()
        counts.append(table)
        offsets.append(-reach)
    return SymbolTables(tuple(counts), np.array(offsets))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 5), (16, 24, 16), (300, 2, 3)])
def test_planes(shape: tuple[int, int, int]) -> None:
    tables = some_tables(shape[0])
    symbols = np.rint(np.random.default_rng(1).normal(size=shape) * 4).astype(np.int32)
    symbols[0, 0, 0] = -1000
    data = encode_planes(symbols, tables)
    decoded = decode_planes(data, *shape[1:], tables)
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, symbols)
    with pytest.raises(FormatError):
        decode_planes(data, shape[1] + 1, shape[2], tables)
    start = time.perf_counter()
    with pytest.raises(FormatError, match="too short"):
        decode_planes(data, 2**20, 2**20, tables)  # would be terabytes
    assert time.perf_counter() - start < 1.0


def test_symbols_beyond_the_limit() -> None:
    tables = some_tables(2)
    for value, fits in ((2**20, True), (-(2**20), True), (2**20 + 1, False), (-(2**20) - 1, False)):
        symbols = np.full((2, 1, 1), value, dtype=np.int32)
        data = encode_planes(symbols, tables)
        if fits:
            np.testing.assert_array_equal(decode_planes(data, 1, 1, tables), symbols)
        else:
            with pytest.raises(FormatError, match="outside"):
                decode_planes(data, 1, 1, tables)


def as_chosen(phase: int, chosen: list[np.ndarray], known: list[np.ndarray]) -> np.ndarray:
    """No refinement."""
    return chosen[phase]


def by_first(phase: int, chosen: list[np.ndarray], known: list[np.ndarray]) -> np.ndarray:
    """A table that depends on what the phases before brought."""
    return chosen[phase] if not known else ((chosen[phase] + known[phase - 1]) % 64).astype(np.uint8)


def test_tables_may_depend_on_earlier_phases() -> None:
    tables, random = some_tables(64), np.random.default_rng(3)
    k = np.rint(random.normal(size=(4, 68, 6)) * 3).astype(np.int32)
    t = random.integers(0, 64, k.shape).astype(np.uint8)
    used = t.copy()
    for part in segment_slices(68, 6):
        for phase, (row, column) in enumerate(PHASES):
            index = by_first(phase, to_phases(t[part]), to_phases(k[part])[:phase])
            used[part][:, row::2, column::2] = index
    decoded, found = decode_latent(encode_latent(k, used, tables), t, by_first, tables)
    np.testing.assert_array_equal(decoded, k)
    np.testing.assert_array_equal(found, used)


@pytest.mark.parametrize("shape", [(5, 4, 4), (3, 64, 64), (3, 68, 64), (2, 132, 200)])
def test_segments(shape: tuple[int, int, int]) -> None:
    tables = some_tables(64)
    random = np.random.default_rng(2)
    k = np.rint(random.normal(size=shape) * 3).astype(np.int32)
    t = random.integers(0, 64, shape).astype(np.uint8)
    streams = encode_latent(k, t, tables)
    assert len(streams) == segment_count(*shape[1:]) == len(list(segment_slices(*shape[1:])))
    index, latent = join_segments(streams)
    assert (index is None) == (len(streams) == 1)
    assert split_segments(index, latent, len(streams)) == streams
    decoded, used = decode_latent(streams, t, as_chosen, tables)
    np.testing.assert_array_equal(decoded, k)
    np.testing.assert_array_equal(used, t)
    # A segment decodes alone.
    part = list(segment_slices(*shape[1:]))[-1]
    np.testing.assert_array_equal(decode_latent(streams[-1:], t[part], as_chosen, tables)[0], k[part])
    with pytest.raises(FormatError):
        decode_latent([*streams, streams[0]], t, as_chosen, tables)
    if len(streams) > 1:
        with pytest.raises(FormatError):
            decode_latent(streams[::-1], t, as_chosen, tables)


def test_segments_cover_the_picture_once() -> None:
    covered = np.zeros((1, 130, 70), dtype=int)
    for part in segment_slices(130, 70):
        covered[part] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize(
    ("index", "count"),
    [(None, 2), (b"\x05", 1), (b"\x05", 2), (b"\x05\x05\x00", 2), (b"\x05\x06", 2), (b"\x04\x05", 2), (b"\x05\x85", 2)],
)
def test_wrong_indices(index: bytes | None, count: int) -> None:
    assert split_segments(b"\x05\x05", b"0123456789", 2) == [b"01234", b"56789"]
    with pytest.raises(FormatError):
        split_segments(index, b"0123456789", count)


def test_symbol_crc_is_that_of_the_specification() -> None:
    z_jnd, z, k = (np.arange(-4, 8, dtype=np.int32).reshape(3, 2, 2) * n for n in (1, 1000, 100_000))
    text = b"".join(struct.pack("<12i", *array.ravel().tolist()) for array in (z_jnd, z, k))
    assert symbol_crc(z_jnd, z, k) == zlib.crc32(text)
    assert symbol_crc(z_jnd.transpose(0, 2, 1), z, k) != zlib.crc32(text)


def some_planes() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    ramp = np.add.outer(np.arange(50), np.arange(70)).astype(np.uint8)
    disc = np.hypot(*np.mgrid[-30:30, -40:40]) < 25
    return [
        np.array([[7]], dtype=np.uint8),
        np.full((9, 5), 255, dtype=np.uint8),
        ramp,
        np.where(disc, 255, 0).astype(np.uint8),
        random.integers(0, 256, (33, 1), dtype=np.uint8),
        random.integers(0, 256, (1, 41), dtype=np.uint8),
        random.integers(0, 256, (40, 30), dtype=np.uint8),
    ]


@pytest.mark.parametrize("plane", some_planes(), ids=lambda plane: f"{plane.shape[0]}x{plane.shape[1]}")
def test_alpha(plane: np.ndarray) -> None:
    data = encode_alpha(plane)
    assert len(data) <= plane.size + 20
    np.testing.assert_array_equal(decode_alpha(data, *plane.shape), plane)
    if data[0]:
        for damaged in (data[:-1], data + b"\0", data[:1], b"\x09" + data[1:]):
            with pytest.raises(FormatError):
                decode_alpha(damaged, *plane.shape)
        with pytest.raises(FormatError):
            decode_alpha(data, plane.shape[0] + 1, plane.shape[1])
        if plane.shape[0] > 1:
            with pytest.raises(FormatError):
                decode_alpha(data, plane.shape[0] - 1, plane.shape[1])


@pytest.mark.parametrize("method", [1, 2, 3, 4])
def test_alpha_methods_are_those_of_the_specification(method: int) -> None:
    random = np.random.default_rng(method)
    residual = random.integers(0, 256, (6, 7), dtype=np.uint8)
    expected = np.zeros((7, 8), dtype=int)  # a border of zeros above and to the left
    for r in range(1, 7):
        for c in range(1, 8):
            left, up, corner = expected[r, c - 1], expected[r - 1, c], expected[r - 1, c - 1]
            prediction = {1: 0, 2: left, 3: up, 4: left + up - corner}[method]
            expected[r, c] = (residual[r - 1, c - 1] + prediction) % 256
    payload = bytes([method]) + zlib.compress(residual.tobytes())
    np.testing.assert_array_equal(decode_alpha(payload, 6, 7), expected[1:, 1:])


def test_hostile_alpha() -> None:
    bomb = b"\x01" + zlib.compress(bytes(10**7), 9)
    with pytest.raises(FormatError):
        decode_alpha(bomb, 100, 100)  # inflates to more than the plane
    with pytest.raises(FormatError, match="too short"):
        decode_alpha(bomb[:50], 2**14, 2**14)  # claims more than deflate can hold
    with pytest.raises(FormatError):
        decode_alpha(b"", 1, 1)
