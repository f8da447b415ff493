"""The integers that a file holds."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from jndlic.format.grid import LATENT_STRIDE, Area, segment_areas
from jndlic.format.phases import PHASES, to_phases

SYMBOL_LIMIT = 1 << 20
"""Largest magnitude of a symbol: far more than 8-bit pixels can give rise to. Keeps float32 exact,
and bounds what a hostile file can ask of a network.
"""


class Symbols(NamedTuple):
    """The integers of one picture, channel first; ph and pw are its padded sides."""

    z_jnd: np.ndarray
    """int32 (jnd_channels, ph / 32, pw / 32)."""
    z: np.ndarray
    """int32 (hyper_channels, ph / 64, pw / 64)."""
    k: np.ndarray
    """int32 (M, ph / 16, pw / 16)."""
    t: np.ndarray
    """uint8, shape of k: table of each latent; follows from z, z_jnd, quality and the k coded
    before, never stored.
    """


class PhaseSymbols(NamedTuple):
    """One phase of a segment."""

    k: np.ndarray
    """int32 (M, h, w)."""
    t: np.ndarray
    """uint8 (M, h, w): the tables that code them."""


class SymbolStream(Protocol):
    """The symbols of one picture, in the order in which they are coded."""

    def segments(self) -> Iterator[Sequence[PhaseSymbols]]:
        """The four phases of each segment, in raster order; to be called once."""
        ...

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """z_J and z as in Symbols, once all segments were given."""
        ...


class WholeSymbols:
    """Symbols that are there as a stream.

    Args:
        symbols: of one picture.
    """

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols

    def segments(self) -> Iterator[list[PhaseSymbols]]:
        """See SymbolStream."""
        area = latent_area(self._symbols)
        for segment in segment_areas(area):
            part = slice(None), *segment.within(area)
            phases = zip(to_phases(self._symbols.k[part]), to_phases(self._symbols.t[part]))
            yield [PhaseSymbols(k, t) for k, t in phases]

    def sides(self) -> tuple[np.ndarray, np.ndarray]:
        """See SymbolStream."""
        return self._symbols.z_jnd, self._symbols.z


def collected(stream: SymbolStream, area: Area) -> Symbols:
    """All symbols of a stream.

    Args:
        stream: not read yet.
        area: of its picture.
    """
    pieces = ([joined(arrays) for arrays in zip(*phases)] for phases in stream.segments())
    k, t = assembled(pieces, area)
    return Symbols(*stream.sides(), k, t)


def assembled(pieces: Iterable[Sequence[np.ndarray]], area: Area) -> list[np.ndarray]:
    """Whole arrays of a picture from those of its segments.

    Args:
        pieces: of each segment, in raster order, the same number of arrays (M, h, w).
        area: of the picture.
    """
    whole: list[np.ndarray] = []
    for segment, arrays in zip(segment_areas(area), pieces):
        if not whole:
            shape = area.shape(LATENT_STRIDE)
            whole = [np.empty((len(values), *shape), values.dtype) for values in arrays]
        for values, part in zip(whole, arrays):
            values[(slice(None), *segment.within(area))] = part
    return whole


def narrow(k: np.ndarray) -> np.ndarray:
    """Symbols in 16 bits where that is enough, for whoever holds many of them; else as they are."""
    small = k.astype(np.int16)
    return small if np.array_equal(small, k) else k


def join_phases(whole: np.ndarray, phases: Iterable[np.ndarray]) -> None:
    """Fills (M, 2 h, 2 w) by its four phases, (M, h, w) each."""
    for values, (row, column) in zip(phases, PHASES):
        whole[:, row::2, column::2] = values


def joined(phases: Sequence[np.ndarray]) -> np.ndarray:
    """(M, 2 h, 2 w) from its four phases, (M, h, w) each."""
    channels, rows, columns = phases[0].shape
    whole = np.empty((channels, 2 * rows, 2 * columns), phases[0].dtype)
    join_phases(whole, phases)
    return whole


def latent_area(symbols: Symbols) -> Area:
    """The latents of a picture."""
    return Area(0, symbols.k.shape[1], 0, symbols.k.shape[2])


class SymbolCrc:
    """CRC-32 of all symbols of a picture: k in the order in which it is coded, then z_J, then z,
    each as little-endian int32 in C order.

    Attributes:
        value: of what came so far.
    """

    def __init__(self) -> None:
        self.value = 0

    def add(self, *arrays: np.ndarray) -> None:
        """Symbols that are next."""
        for symbols in arrays:
            self.value = zlib.crc32(np.ascontiguousarray(symbols, dtype="<i4").data, self.value)
