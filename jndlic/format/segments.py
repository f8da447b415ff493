"""Symbols to streams and back: planes and latent segments.

z_J, z ──► one stream each (table = channel)
k, t   ──► segments of 64 x 64 latents, all channels ──► four phases ──► one stream each
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from jndlic.errors import FormatError
from jndlic.format.entropy import (
    SymbolDecoder,
    SymbolTables,
    check_plausible,
    decode_symbols,
    encode_groups,
    encode_symbols,
)
from jndlic.format.grid import segments
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.symbols import SYMBOL_LIMIT


def encode_planes(symbols: np.ndarray, tables: SymbolTables) -> bytes:
    """Encodes z or z_J, each channel with the table of its number.

    Args:
        symbols: int32 (C, h, w); C is the number of tables.
        tables: one table per channel.

    Returns:
        The stream.
    """
    channels, height, width = symbols.shape
    return encode_symbols(symbols.ravel(), _channel_index(channels, height * width), tables)


def decode_planes(data: bytes, height: int, width: int, tables: SymbolTables) -> np.ndarray:
    """Decodes z or z_J.

    Args:
        data: the stream.
        height, width: of a plane.
        tables: one table per channel.

    Returns:
        int32 (C, height, width).

    Raises:
        FormatError: the stream is damaged.
    """
    channels = len(tables)
    # Checked before the index array is built: this is the first thing whose size the header alone
    # decides.
    check_plausible(len(data), np.full(channels, height * width), tables)
    symbols = decode_symbols(data, _channel_index(channels, height * width), tables)
    return _within_limit(symbols).reshape(channels, height, width)


def encode_latent(k: np.ndarray, t: np.ndarray, tables: SymbolTables) -> list[bytes]:
    """Encodes the latent symbols in independent segments.

    Args:
        k: int32 (M, h, w).
        t: uint8 (M, h, w), table of each symbol; h and w are even.
        tables: the latent tables.

    Returns:
        One stream per segment, in raster order.
    """
    streams = []
    for part in _parts(k):
        phases = zip(to_phases(k[part]), to_phases(t[part]))
        streams.append(
            encode_groups([(symbols.ravel(), table.ravel()) for symbols, table in phases], tables)
        )
    return streams


Refine = Callable[[int, Sequence[np.ndarray], Sequence[np.ndarray]], np.ndarray]
"""(phase, t of all phases, k of the phases before) to the tables of one phase: uint8, (M, h / 2, w
/ 2) like each of the others.
"""


def decode_latent(
    streams: Sequence[bytes], t: np.ndarray, refine: Refine, tables: SymbolTables
) -> tuple[np.ndarray, np.ndarray]:
    """Decodes the latent symbols.

    Args:
        streams: one per segment, in raster order.
        t: uint8 (M, h, w), h and w even: table of each symbol, as the side streams choose it.
        refine: corrects the tables of a phase by what was decoded before it.
        tables: the latent tables.

    Returns:
        k: int32 (M, h, w); t: uint8 (M, h, w), the tables that were used.

    Raises:
        FormatError: a stream is damaged, or their number is wrong.
    """
    parts = _parts(t)
    if len(parts) != len(streams):
        raise FormatError(
            f"damaged file: {len(streams)} latent segments where there should be {len(parts)}"
        )
    k, used = np.empty(t.shape, dtype=np.int32), np.empty(t.shape, dtype=np.uint8)
    for part, stream in zip(parts, streams):
        decoder = SymbolDecoder(stream)
        chosen, known = to_phases(t[part]), []
        for phase, (row, column) in enumerate(PHASES):
            index = refine(phase, chosen, known)
            symbols = _within_limit(decoder.decode(index.ravel(), tables)).reshape(index.shape)
            known.append(symbols)
            k[part][:, row::2, column::2] = symbols
            used[part][:, row::2, column::2] = index
        decoder.finish()
    return k, used


def _parts(latents: np.ndarray) -> list[tuple[slice, slice, slice]]:
    """The segments of (M, h, w) latents, in raster order."""
    return [(slice(None), *part) for part in segments(*latents.shape[1:])]


def _channel_index(channels: int, positions: int) -> np.ndarray:
    return np.repeat(
        np.arange(channels, dtype=np.uint8 if channels <= 256 else np.uint16), positions
    )


def _within_limit(symbols: np.ndarray) -> np.ndarray:
    if symbols.size and max(-int(symbols.min()), int(symbols.max())) > SYMBOL_LIMIT:
        raise FormatError(f"damaged entropy-coded data: a symbol lies outside +-{SYMBOL_LIMIT}")
    return symbols
