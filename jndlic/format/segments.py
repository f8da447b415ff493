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
from jndlic.format.phases import PHASES, to_phases
from jndlic.format.symbols import SYMBOL_LIMIT, PhaseSymbols


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


def encode_segment(phases: Sequence[PhaseSymbols], tables: SymbolTables) -> bytes:
    """Encodes one segment.

    Args:
        phases: all four.
        tables: the latent tables.

    Returns:
        The stream.
    """
    return encode_groups([(k.ravel(), t.ravel()) for k, t in phases], tables)


Refine = Callable[[int, Sequence[np.ndarray], Sequence[np.ndarray]], np.ndarray]
"""(phase, t of all phases, k of the phases before) to the tables of one phase: uint8, (M, h / 2, w
/ 2) like each of the others.
"""


def decode_segment(
    stream: bytes, t: np.ndarray, refine: Refine, tables: SymbolTables
) -> list[PhaseSymbols]:
    """Decodes one segment.

    Args:
        stream: of the segment.
        t: uint8 (M, h, w), h and w even: table of each symbol, as the side streams choose it.
        refine: corrects the tables of a phase by what was decoded before it.
        tables: the latent tables.

    Returns:
        The four phases, with the tables that were used.

    Raises:
        FormatError: the stream is damaged.
    """
    decoder, chosen = SymbolDecoder(stream), to_phases(t)
    known: list[np.ndarray] = []
    used: list[np.ndarray] = []
    for phase in range(len(PHASES)):
        used.append(refine(phase, chosen, known))
        symbols = _within_limit(decoder.decode(used[-1].ravel(), tables))
        known.append(symbols.reshape(used[-1].shape))
    decoder.finish()
    return [PhaseSymbols(*pair) for pair in zip(known, used)]


def _channel_index(channels: int, positions: int) -> np.ndarray:
    return np.repeat(
        np.arange(channels, dtype=np.uint8 if channels <= 256 else np.uint16), positions
    )


def _within_limit(symbols: np.ndarray) -> np.ndarray:
    if symbols.size and max(-int(symbols.min()), int(symbols.max())) > SYMBOL_LIMIT:
        raise FormatError(f"damaged entropy-coded data: a symbol lies outside +-{SYMBOL_LIMIT}")
    return symbols
