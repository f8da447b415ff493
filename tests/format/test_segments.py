"""Symbols in streams: planes, segments that decode alone, and the CRC of them all."""

from __future__ import annotations

import struct
import time
import zlib

import numpy as np
import pytest

from jndlic.errors import FormatError
from jndlic.format.container import Header
from jndlic.format.entropy import TOTAL, SymbolTables
from jndlic.format.grid import segments
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.segments import decode_latent, decode_planes, encode_latent, encode_planes
from jndlic.format.symbols import symbol_crc


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


def test_tables_may_depend_on_earlier_phases() -> None:
    tables, random = some_tables(64), np.random.default_rng(3)
    k = np.rint(random.normal(size=(4, 68, 6)) * 3).astype(np.int32)
    t = random.integers(0, 64, k.shape).astype(np.uint8)
    used = t.copy()
    for rows, columns in segments(68, 6):
        part = (..., rows, columns)
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
    assert len(streams) == len(list(segments(*shape[1:])))
    assert len(streams) == Header(16 * shape[2], 16 * shape[1], 50, bytes(8)).segments
    decoded, used = decode_latent(streams, t, as_chosen, tables)
    np.testing.assert_array_equal(decoded, k)
    np.testing.assert_array_equal(used, t)
    # A segment decodes alone.
    part = (..., *list(segments(*shape[1:]))[-1])
    np.testing.assert_array_equal(
        decode_latent(streams[-1:], t[part], as_chosen, tables)[0], k[part]
    )
    with pytest.raises(FormatError):
        decode_latent([*streams, streams[0]], t, as_chosen, tables)
    if len(streams) > 1:
        with pytest.raises(FormatError):
            decode_latent(streams[::-1], t, as_chosen, tables)


def test_segments_cover_the_picture_once() -> None:
    covered = np.zeros((1, 130, 70), dtype=int)
    for rows, columns in segments(130, 70):
        part = (..., rows, columns)
        covered[part] += 1
    assert (covered == 1).all()


def test_symbol_crc_is_that_of_the_specification() -> None:
    z_jnd, z, k = (
        np.arange(-4, 8, dtype=np.int32).reshape(3, 2, 2) * n for n in (1, 1000, 100_000)
    )
    text = b"".join(struct.pack("<12i", *array.ravel().tolist()) for array in (z_jnd, z, k))
    assert symbol_crc(z_jnd, z, k) == zlib.crc32(text)
    assert symbol_crc(z_jnd.transpose(0, 2, 1), z, k) != zlib.crc32(text)
