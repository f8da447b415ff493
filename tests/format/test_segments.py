"""Symbols in streams: planes, segments that decode alone, and the CRC of them all."""

from __future__ import annotations

import struct
import time
import zlib

import numpy as np
import pytest

from jndlic.errors import FormatError
from jndlic.format.entropy import TOTAL, SymbolTables
from jndlic.format.grid import Area, segment_areas, segment_count
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.segments import decode_planes, decode_segment, encode_planes, encode_segment
from jndlic.format.symbols import PhaseSymbols, SymbolCrc, Symbols, WholeSymbols, collected


def some_tables(count: int, seed: int = 0) -> SymbolTables:
    """Tables of two-sided geometric shape, ever wider."""
    random = np.random.default_rng(seed)
    counts, offsets = [], []
    for number in range(count):
        reach = 2 + number % 9
        shares = np.append(0.6 ** np.abs(np.arange(-reach, reach + 1)), 1e-4) * random.uniform(
            0.8, 1, 2 * reach + 2
        )
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
    return (
        chosen[phase] if not known else ((chosen[phase] + known[phase - 1]) % 64).astype(np.uint8)
    )


def phase_symbols(k: np.ndarray, t: np.ndarray) -> list[PhaseSymbols]:
    return [PhaseSymbols(*pair) for pair in zip(to_phases(k), to_phases(t))]


def equal(found: list[PhaseSymbols], expected: list[PhaseSymbols]) -> bool:
    return all(
        np.array_equal(mine, theirs)
        for pair in zip(found, expected, strict=True)
        for mine, theirs in zip(*pair)
    )


def test_tables_may_depend_on_earlier_phases() -> None:
    tables, random = some_tables(64), np.random.default_rng(3)
    k = np.rint(random.normal(size=(4, 64, 6)) * 3).astype(np.int32)
    t = random.integers(0, 64, k.shape).astype(np.uint8)
    used = t.copy()
    for phase, (row, column) in enumerate(PHASES):
        used[:, row::2, column::2] = by_first(phase, to_phases(t), to_phases(k)[:phase])
    written = phase_symbols(k, used)
    assert equal(decode_segment(encode_segment(written, tables), t, by_first, tables), written)


@pytest.mark.parametrize("shape", [(5, 4, 4), (3, 64, 64), (2, 4, 60)])
def test_a_segment(shape: tuple[int, int, int]) -> None:
    tables, random = some_tables(64), np.random.default_rng(2)
    k = np.rint(random.normal(size=shape) * 3).astype(np.int32)
    t = random.integers(0, 64, shape).astype(np.uint8)
    written = phase_symbols(k, t)
    stream = encode_segment(written, tables)
    assert equal(decode_segment(stream, t, as_chosen, tables), written)
    for damaged in (stream + stream, stream[: len(stream) // 2], b""):
        with pytest.raises(FormatError):
            decode_segment(damaged, t, as_chosen, tables)


@pytest.mark.parametrize("shape", [(4, 4), (64, 64), (68, 64), (132, 200)])
def test_segments_cover_the_picture_once(shape: tuple[int, int]) -> None:
    picture, covered = Area(0, shape[0], 0, shape[1]), np.zeros(shape, dtype=int)
    areas = segment_areas(picture)
    for area in areas:
        covered[area.within(picture)] += 1
    assert (covered == 1).all()
    assert len(areas) == segment_count(16 * shape[0], 16 * shape[1])
    assert areas == sorted(areas, key=lambda area: (area.top, area.left))


def test_segments_of_a_part() -> None:
    picture = Area(0, 132, 0, 200)
    every = segment_areas(picture)
    for part in (Area(0, 4, 0, 4), Area(60, 68, 124, 132), Area(128, 132, 64, 200), picture):
        expected = [
            area
            for area in every
            if area.top < part.bottom
            and area.bottom > part.top
            and area.left < part.right
            and area.right > part.left
        ]
        assert segment_areas(picture, part) == expected


def test_a_stream_of_symbols_holds_them_all() -> None:
    random = np.random.default_rng(4)
    k = random.integers(-9, 9, (2, 68, 132)).astype(np.int32)
    t = random.integers(0, 64, k.shape).astype(np.uint8)
    symbols = Symbols(k[:1, ::2, ::2], k[:1, ::4, ::4], k, t)
    found = collected(WholeSymbols(symbols), Area(0, 68, 0, 132))
    for mine, theirs in zip(found, symbols, strict=True):
        assert mine.dtype == theirs.dtype and np.array_equal(mine, theirs)


def test_symbol_crc_is_that_of_the_specification() -> None:
    """k in the order of coding: segment, phase, channel, row, column; then z_J, then z."""
    random = np.random.default_rng(6)
    k, z_jnd, z = (
        random.integers(-(10**6), 10**6, shape).astype(np.int32)
        for shape in ((3, 68, 4), (2, 34, 2), (5, 17, 1))
    )
    order = [
        k[channel, row, column]
        for rows in (range(64), range(64, 68))
        for first_row, first_column in PHASES
        for channel in range(3)
        for row in rows[first_row::2]
        for column in range(first_column, 4, 2)
    ]
    text = struct.pack(f"<{k.size}i", *order)
    text += b"".join(struct.pack(f"<{side.size}i", *side.ravel().tolist()) for side in (z_jnd, z))
    symbols = Symbols(z_jnd, z, k, np.zeros(k.shape, np.uint8))
    crc = SymbolCrc()
    for phases in WholeSymbols(symbols).segments():
        crc.add(*(phase.k for phase in phases))
    crc.add(z_jnd, z)
    assert crc.value == zlib.crc32(text)
