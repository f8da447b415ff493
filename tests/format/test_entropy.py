"""Entropy coding: exact tables, any symbols, every damage noticed."""

from __future__ import annotations

import bisect
import copy
import itertools
import math
import struct
import time

import numpy as np
import pytest

from jndlic.errors import FormatError, ParameterError, WeightsError
from jndlic.format.entropy import (
    MAX_ESCAPE_DISTANCE,
    TOTAL,
    SymbolTables,
    check_plausible,
    decode_symbols,
    encode_symbols,
    ideal_bits,
    tables_from_cdfs,
)


class SecondDecoder:
    """A decoder written from docs/format.md alone, one symbol at a time, without constriction."""

    def __init__(self, data: bytes) -> None:
        data += bytes(-len(data) % 4)
        self.words = list(struct.unpack(f"<{len(data) // 4}I", data))
        self.state = 0
        for _ in range(min(2, len(self.words))):
            self.state = self.state << 32 | self.words.pop()

    def symbol(self, starts: list[int]) -> int:
        """The next symbol; `starts` are the cumulative counts, from 0 to 2**24."""
        position = self.state % 2**24
        symbol = bisect.bisect_right(starts, position) - 1
        self.advance(starts[symbol], starts[symbol + 1] - starts[symbol])
        return symbol

    def advance(self, start: int, count: int) -> None:
        self.state = count * (self.state >> 24) + self.state % 2**24 - start
        if self.state < 2**32 and self.words:
            self.state = self.state << 32 | self.words.pop()

    def decode(self, index: list[int], counts: list[list[int]], offsets: list[int]) -> list[int]:
        tables = [list(itertools.accumulate(table, initial=0)) for table in counts]
        values = [0] * len(index)
        escaped = []
        for i in sorted(range(len(index)), key=lambda i: (index[i], i)):
            symbol = self.symbol(tables[index[i]])
            values[i] = offsets[index[i]] + symbol
            if symbol == len(counts[index[i]]) - 1:
                escaped.append(i)
        unary = [2**24 - 2 ** (24 - e) for e in range(24)] + [2**24]
        exponents = [self.symbol(unary) for _ in escaped]
        for i, exponent in zip(escaped, exponents, strict=True):
            u = 1
            if exponent:
                count = 2 ** (24 - exponent)
                mantissa = self.state % 2**24 // count
                self.advance(mantissa * count, count)
                u = 2**exponent + mantissa
            values[i] = values[i] + u // 2 if u % 2 else offsets[index[i]] - u // 2
        assert self.state == 2**24 and not self.words
        return values


def normal_table(scale: float) -> tuple[np.ndarray, int]:
    """A table for rounded normal values, and its offset."""
    reach = math.ceil(6 * scale)
    edges = np.arange(-reach, reach + 2) - 0.5
    cumulative = np.array([0.5 * (1 + math.erf(edge / scale / 2**0.5)) for edge in edges])
    counts = np.rint(np.append(np.diff(cumulative), 1e-7) * TOTAL).astype(np.int64).clip(1)
    counts[counts.argmax()] += TOTAL - counts.sum()
    return counts.astype(np.uint32), -reach


SCALES = 0.11 * (256 / 0.11) ** (np.arange(64) / 63)


@pytest.fixture(scope="module")
def tables() -> SymbolTables:
    counts, offsets = zip(*(normal_table(scale) for scale in SCALES), strict=True)
    return SymbolTables(counts, np.array(offsets))


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Symbols and their tables as a photo might have them: mostly narrow."""
    random = np.random.default_rng(seed)
    index = np.minimum(random.exponential(10, count), 63).astype(np.uint8)
    return np.rint(random.normal(size=count) * SCALES[index]).astype(np.int32), index


@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 5000])
def test_round_trip(tables: SymbolTables, count: int) -> None:
    symbols, index = drawn(count)
    data = encode_symbols(symbols, index, tables)
    decoded = decode_symbols(data, index, tables)
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, symbols)
    assert len(data) * 8 <= ideal_bits(symbols, index, tables) + 64


def test_size_is_the_information_content(tables: SymbolTables) -> None:
    symbols, index = drawn(200_000)
    symbols[::5000] += 3000  # escapes count too
    bits = 8 * len(encode_symbols(symbols, index, tables))
    assert bits == pytest.approx(ideal_bits(symbols, index, tables), rel=1e-4, abs=64)


def test_an_empty_stream_is_short(tables: SymbolTables) -> None:
    empty = np.empty(0, dtype=np.int32)
    data = encode_symbols(empty, empty, tables)
    assert data == b"\0\0\0\1"
    assert len(decode_symbols(data, empty, tables)) == 0
    with pytest.raises(FormatError):
        decode_symbols(b"", empty, tables)


def test_escapes(tables: SymbolTables) -> None:
    symbols, index = drawn(3000)
    lowest = tables.offsets[index]
    highest = lowest + tables.escapes[index] - 1
    for step, distance in enumerate([1, 2, 3, 4, 100, 2**16, 2**20, MAX_ESCAPE_DISTANCE]):
        symbols[2 * step :: 40] = (highest + distance)[2 * step :: 40]
        symbols[2 * step + 1 :: 40] = (lowest - distance)[2 * step + 1 :: 40]
    data = encode_symbols(symbols, index, tables)
    np.testing.assert_array_equal(decode_symbols(data, index, tables), symbols)
    symbols[5] = highest[5] + MAX_ESCAPE_DISTANCE + 1
    with pytest.raises(ParameterError):
        encode_symbols(symbols, index, tables)


def test_nothing_but_escapes(tables: SymbolTables) -> None:
    index = np.zeros(500, dtype=np.uint8)
    symbols = np.arange(1000, 1500, dtype=np.int32)
    data = encode_symbols(symbols, index, tables)
    np.testing.assert_array_equal(decode_symbols(data, index, tables), symbols)


def test_values_just_inside_the_table_do_not_escape(tables: SymbolTables) -> None:
    index = np.arange(64, dtype=np.uint8)
    for symbols in (tables.offsets, tables.offsets + tables.escapes - 1):
        data = encode_symbols(symbols, index, tables)
        np.testing.assert_array_equal(decode_symbols(data, index, tables), symbols)
        logs = [math.log2(tables.counts[t][s]) for t, s in enumerate(symbols - tables.offsets)]
        assert ideal_bits(symbols, index, tables) == pytest.approx(24 * 64 - sum(logs))


def test_likeliest_entries_at_the_front_of_a_table_are_not_free() -> None:
    """From a zero state of the coder they would be: any number of them in no bytes at all."""
    table = SymbolTables((np.array([TOTAL - 2**16, 2**16 - 1, 1]),), np.array([0]))
    for count in (1, 300, 100_000):
        symbols, index = np.zeros(count, dtype=np.int32), np.zeros(count, dtype=np.uint8)
        data = encode_symbols(symbols, index, table)
        assert 8 * len(data) == pytest.approx(ideal_bits(symbols, index, table) + 26, abs=10)
        np.testing.assert_array_equal(decode_symbols(data, index, table), symbols)


@pytest.mark.parametrize("entry", [0, 1, 2])
@pytest.mark.parametrize("share", [0.5, 0.99, 0.99999, 1 - 2**-23])
def test_plausibility_never_rejects_a_valid_stream(entry: int, share: float) -> None:
    counts = np.full(4, 1)
    counts[entry] = int(share * TOTAL) - 2
    counts[3] += TOTAL - counts.sum()
    table = SymbolTables((counts,), np.array([0]))
    for count in (1, 10, 1000, 300_000):
        symbols, index = np.full(count, entry, dtype=np.int32), np.zeros(count, dtype=np.uint8)
        data = encode_symbols(symbols, index, table)
        check_plausible(len(data), np.array([count]), table)


def test_a_stream_too_short_for_its_symbols(tables: SymbolTables) -> None:
    data = encode_symbols(*drawn(1000), tables)
    with pytest.raises(FormatError, match="too short"):
        check_plausible(len(data), np.full(64, 10**6), tables)
    with pytest.raises(FormatError, match="too short"):
        decode_symbols(data, np.full(100_000, 40, dtype=np.uint8), tables)


@pytest.mark.parametrize("seed", range(4))
def test_a_second_decoder_agrees(tables: SymbolTables, seed: int) -> None:
    """The tables in use are `counts` to the last bit, and the format is the one described."""
    symbols, index = drawn(2000, seed)
    random = np.random.default_rng(seed)
    few = random.integers(0, 2000, 60)
    symbols[few] += (2.0 ** random.uniform(0, 22.9, 60) * random.choice([-1, 1], 60)).astype(int)
    data = encode_symbols(symbols, index, tables)
    counts = [list(map(int, table)) for table in tables.counts]
    decoded = SecondDecoder(data).decode(index.tolist(), counts, tables.offsets.tolist())
    assert decoded == symbols.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_tables_are_exact(seed: int) -> None:
    """Uneven random tables, every entry used: any deviation would desynchronise the decoder."""
    random = np.random.default_rng(seed)
    size = int(random.choice([2, 3, 4, 50, 700, 4000]))
    shares = random.exponential(1.0, size) ** random.uniform(0.5, 12)
    counts = np.floor(shares / shares.sum() * (TOTAL - size)).astype(np.int64) + 1
    counts[random.integers(size)] += TOTAL - counts.sum()
    table = SymbolTables((counts,), np.array([-5]))
    symbols = random.permutation(np.arange(size - 1) - 5).astype(np.int32)
    index = np.zeros(len(symbols), dtype=np.uint8)
    data = encode_symbols(symbols, index, table)
    decoded = SecondDecoder(data).decode(index.tolist(), [counts.tolist()], [-5])
    assert decoded == symbols.tolist()


GOLDEN = "0000fc7a0000001d094c8020300188f91b4c"


def test_golden_bytes() -> None:
    """The bytes of the format: they must never change while its version is the same."""
    table = SymbolTables(
        (np.array([2**23, 2**22, 2**21, 2**21]), np.array([1, 2**24 - 2, 1])), np.array([-1, 0])
    )
    symbols = np.array([0, 1, -1, -1, 1, 0, 40, -9, 1, 1, 5, 0, 0, -1], dtype=np.int32)
    index = np.array([0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0], dtype=np.uint8)
    data = encode_symbols(symbols, index, table)
    assert data.hex() == GOLDEN
    np.testing.assert_array_equal(decode_symbols(data, index, table), symbols)
    counts = [counts.tolist() for counts in table.counts]
    assert SecondDecoder(data).decode(index.tolist(), counts, [-1, 0]) == symbols.tolist()


def test_more_than_256_tables() -> None:
    counts = np.array([TOTAL - 2, 1, 1])
    many = SymbolTables((counts,) * 300, np.arange(300))
    index = np.arange(300, dtype=np.uint16)[::-1].copy()
    symbols = index.astype(np.int32) + 1
    data = encode_symbols(symbols, index, many)
    np.testing.assert_array_equal(decode_symbols(data, index, many), symbols)


def test_damage_is_an_error_or_other_symbols(tables: SymbolTables) -> None:
    """Entropy coding alone cannot notice every damage; the rest is for the checksums."""
    symbols, index = drawn(4000)
    data = encode_symbols(symbols, index, tables)
    random = np.random.default_rng(1)
    noticed = 0
    for _ in range(200):
        damaged = bytearray(data)
        for _ in range(random.integers(1, 4)):
            damaged[random.integers(len(damaged))] ^= 1 << random.integers(8)
        cut = random.integers(len(damaged)) if random.random() < 0.3 else len(damaged)
        try:
            decode_symbols(bytes(damaged[:cut]), index, tables)
        except FormatError:
            noticed += 1
    assert noticed > 190


@pytest.mark.parametrize("tail", [b"\0", b"\0\0\0\0", b"\1", b"\xff" * 40])
def test_longer_data_is_an_error(tables: SymbolTables, tail: bytes) -> None:
    symbols, index = drawn(100)
    data = encode_symbols(symbols, index, tables)
    with pytest.raises(FormatError):
        decode_symbols(data + tail, index, tables)


def test_random_bytes_decode_fast_and_bounded(tables: SymbolTables) -> None:
    """A stream of nothing but escapes asks for no more work than its symbols allow."""
    index = np.zeros(10_000, dtype=np.uint8)
    hostile = SymbolTables((np.array([1, TOTAL - 1]),), np.array([0]))
    data = np.random.default_rng(0).bytes(2000)
    start = time.process_time()
    with pytest.raises(FormatError):
        decode_symbols(b"\xff" * 200_000, index, hostile)
    with pytest.raises(FormatError):
        decode_symbols(data, index, tables)
    assert time.process_time() - start < 2.0


def test_wrong_arguments(tables: SymbolTables) -> None:
    symbols, index = drawn(10)
    with pytest.raises(ParameterError):
        encode_symbols(symbols[:9], index, tables)
    with pytest.raises(ParameterError):
        encode_symbols(symbols.astype(float), index, tables)
    with pytest.raises(ParameterError):
        encode_symbols(symbols, index + 200, tables)
    with pytest.raises(ParameterError):
        decode_symbols(encode_symbols(symbols, index, tables), np.full(3, -1), tables)
    with pytest.raises(ParameterError):
        encode_symbols(np.full(10, 2**40), index, tables)


@pytest.mark.parametrize(
    ("counts", "offsets"),
    [
        ([[TOTAL]], [0]),  # no symbol but the escape
        ([[TOTAL, 0]], [0]),
        ([[TOTAL - 1, 2]], [0]),
        ([[TOTAL + 1, -1]], [0]),
        ([[TOTAL - 1, 1]], [0, 0]),
        ([[TOTAL - 1, 1]], [2**30]),
        ([[TOTAL - 1.5, 1.5]], [0]),
        ([], []),
    ],
)
def test_wrong_tables(counts: list[list[int]], offsets: list[int]) -> None:
    with pytest.raises(WeightsError):
        SymbolTables(tuple(np.array(table) for table in counts), np.array(offsets))


def test_tables_from_cdfs() -> None:
    cdfs = np.array([[0, 10, 65530, 65536, 0], [0, 1, 2, 3, 65536]], dtype=np.int32)
    tables = tables_from_cdfs(cdfs, np.array([4, 5]), np.array([-1, 7]))
    np.testing.assert_array_equal(tables.counts[0], [10 << 8, 65520 << 8, 6 << 8])
    np.testing.assert_array_equal(tables.counts[1], [256, 256, 256, 65533 << 8])
    np.testing.assert_array_equal(tables.offsets, [-1, 7])


@pytest.mark.parametrize(
    ("cdf", "length"),
    [
        ([0, 10, 10, 65536], 4),  # an entry of probability zero
        ([1, 10, 20, 65536], 4),
        ([0, 10, 20, 65535], 4),
        ([0, 10, 20, 65536], 5),
        ([0, 65536, 0, 0], 2),
        ([0.0, 10.0, 20.0, 65536.0], 4),
    ],
)
def test_wrong_cdfs(cdf: list[int], length: int) -> None:
    with pytest.raises(WeightsError):
        tables_from_cdfs(np.array([cdf]), np.array([length]), np.array([0]))


def test_tables_can_be_copied_after_use(tables: SymbolTables) -> None:
    symbols, index = drawn(50)
    data = encode_symbols(symbols, index, tables)
    np.testing.assert_array_equal(decode_symbols(data, index, copy.deepcopy(tables)), symbols)


def test_half_a_million_symbols_take_milliseconds(tables: SymbolTables) -> None:
    """About 10 ms to encode and 18 ms to decode on one core; processor time and a loose bound, for
    busy machines.
    """
    symbols, index = drawn(500_000)
    data = encode_symbols(symbols, index, tables)  # builds the coder's models, too
    seconds = []
    for _ in range(5):
        start = time.process_time()
        encode_symbols(symbols, index, tables)
        decode_symbols(data, index, tables)
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.3
