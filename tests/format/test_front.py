"""A file read without its segments: the same checks as for a whole one, and no byte too many."""

from __future__ import annotations

import dataclasses
import io
import zlib

import numpy as np
import pytest
from odd_files import Counting, OnlyRead, Pipe

from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.container import (
    Container,
    Header,
    pack,
    read_container,
    read_front,
    read_rest,
    read_segment,
    unpack,
)
from jndlic.format.reader import write_varint

HEADER = Header(width=2500, height=1500, quality=50, fingerprint=b"fromtest", grey=True)
SEGMENTS = tuple(bytes([65 + number]) * 3000 * number for number in range(HEADER.segments))
FILE = Container(
    HEADER, 7, b"jnd stream", b"hyper" * 40, SEGMENTS, ((b"icCp", b"profile"), (b"naMe", b"me"))
)
DATA = pack(FILE)
FRONT_BYTES = len(DATA) - sum(len(segment) + 4 for segment in SEGMENTS)
FILE_STREAMS = FILE.jnd, FILE.hyper
KINDS = (Counting, Pipe, OnlyRead)


def crc(part: bytes) -> bytes:
    return zlib.crc32(part).to_bytes(4, "little")


@pytest.mark.parametrize("kind", KINDS)
def test_the_front_says_all_but_the_segments(kind: type) -> None:
    front = read_front(kind(DATA))
    assert (front.header, front.symbol_crc, front.jnd, front.hyper) == (HEADER, 7, *FILE_STREAMS)
    assert front.chunks == FILE.chunks and front.payload(b"icCp") == b"profile"
    assert (front.model, front.size) == ("me", len(DATA))
    assert [DATA[at : at + size] for at, size in front.segments] == list(SEGMENTS)
    assert front.with_segments(SEGMENTS) == FILE


@pytest.mark.parametrize("kind", [Counting, Pipe])
def test_no_byte_too_many_is_read(kind: type[Counting]) -> None:
    stream = kind(DATA)
    front = read_front(stream)
    assert stream.bytes_read == FRONT_BYTES == front.segments[0].offset
    assert read_rest(stream, front) == FILE
    assert stream.bytes_read == len(DATA)


def test_single_segments() -> None:
    stream = Counting(DATA)
    front = read_front(stream)
    for number in (5, 0, 3, 3):
        before = stream.bytes_read
        assert read_segment(stream, front, number) == SEGMENTS[number]
        assert stream.bytes_read - before == len(SEGMENTS[number]) + 4
    for number in (-1, 6):
        with pytest.raises(ParameterError, match="segment"):
            read_segment(stream, front, number)
    pipe = Pipe(DATA)
    with pytest.raises(io.UnsupportedOperation):
        read_segment(pipe, read_front(pipe), 0)


def test_a_file_within_another() -> None:
    stream = io.BytesIO(b"before" + DATA)
    stream.seek(6)
    front = read_front(stream)
    assert front.size == len(DATA) and front.segments[0].offset == FRONT_BYTES + 6
    assert read_segment(stream, front, 2) == SEGMENTS[2]
    assert read_rest(stream, front) == FILE


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files(kind: type) -> None:
    assert read_container(kind(DATA)) == FILE == unpack(DATA)


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_noticed(kind: type) -> None:
    data = pack(dataclasses.replace(FILE, segments=(b"", b"ab", b"c", b"d", b"e", b"f")))
    for size in range(len(data)):
        with pytest.raises(FormatError, match="truncated|not a .jlic"):
            read_container(kind(data[:size]))
        if kind is Counting or size < len(data) - 30:  # a pipe does not know what will come
            with pytest.raises(FormatError, match="truncated|not a .jlic"):
                read_front(kind(data[:size]))


@pytest.mark.parametrize(("kind", "shown"), [(Counting, "3 bytes"), (Pipe, "bytes")])
def test_what_follows_the_end(kind: type, shown: str) -> None:
    with pytest.raises(FormatError, match=f": {shown} follow"):
        read_container(kind(DATA + b"abc"))
    if kind is Counting:
        with pytest.raises(FormatError, match="3 bytes follow"):
            read_front(kind(DATA + b"abc"))


def test_a_damaged_segment_shows_when_it_is_read() -> None:
    damaged = bytearray(DATA)
    damaged[-10] ^= 1
    stream = io.BytesIO(damaged)
    front = read_front(stream)
    assert read_segment(stream, front, 4) == SEGMENTS[4]
    with pytest.raises(FormatError, match="segment 6 does not match"):
        read_segment(stream, front, 5)
    with pytest.raises(FormatError, match="segment 6 does not match"):
        read_rest(stream, front)


def test_a_file_that_is_cut_after_its_front_was_read() -> None:
    stream = io.BytesIO(DATA)
    front = read_front(stream)
    stream.truncate(len(DATA) - 100)
    assert read_segment(stream, front, 1) == SEGMENTS[1]
    with pytest.raises(FormatError, match="truncated"):
        read_segment(stream, front, 5)


def test_the_front_has_the_checks_of_a_whole_file() -> None:
    with pytest.raises(FormatError, match="limit is 1000"):
        read_front(io.BytesIO(DATA), area_max=1000)
    damaged = bytearray(DATA)
    damaged[11] ^= 64
    with pytest.raises(FormatError, match="the head does not match"):
        read_front(io.BytesIO(damaged))
    damaged = bytearray(DATA)
    damaged[DATA.index(b"icCp") + 5] ^= 1
    with pytest.raises(FormatError, match="icCp does not match"):
        read_front(io.BytesIO(damaged))
    with pytest.raises(UnsupportedError, match="version 9"):
        read_front(io.BytesIO(DATA[:4] + b"\x09"))
    critical = pack(dataclasses.replace(FILE, chunks=((b"teXt", b""),)))
    changed = critical.replace(*(tag + crc(tag) for tag in (b"teXt", b"TEXT")))
    with pytest.raises(UnsupportedError, match="TEXT"):
        read_front(io.BytesIO(changed))


def test_lengths_cost_nothing_before_they_are_checked() -> None:
    """A file of a few bytes that claims gigabytes: of one that can be sought nothing is asked that
    is not there; a pipe is read in blocks.
    """
    bare = pack(dataclasses.replace(FILE, chunks=()))
    head = bare[: bare.index(b"fromtest") + 12]
    in_streams = head + write_varint(2**32 - 1) * 8 + bytes(100)
    head += write_varint(0) * 2 + write_varint(2**32 - 1) * 6
    in_segments = head + crc(head) + bytes(100)
    one = pack(dataclasses.replace(FILE, chunks=((b"teXt", b""),)))
    start = one.index(b"teXt")
    in_chunk = one[: start - 1] + write_varint(2**32 - 1) + one[start:]
    for claims in (in_streams, in_segments, in_chunk):
        for kind, limit in ((Counting, len(claims)), (Pipe, 1 << 16)):
            stream = kind(claims)
            with pytest.raises(FormatError, match="truncated"):
                read_container(stream)
            assert stream.largest_request <= limit
    with pytest.raises(FormatError, match="truncated"):
        read_front(Counting(in_segments))
    assert read_front(Pipe(in_segments)).size > 2**34  # nothing was asked of its segments


def test_pipes_and_files_get_the_same_verdict() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(DATA)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(FRONT_BYTES + 20)] ^= int(random.integers(1, 256))
        for kind in KINDS:
            with pytest.raises((FormatError, UnsupportedError)):
                read_container(kind(bytes(damaged)))
