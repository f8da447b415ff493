"""Symbols of a picture to a container and back, by whatever gives the tables.

symbols ─► streams of z_J and z, segments of k ─► Container
Container ─► z_J, z ─► tables and steps ─► k ─► CRC of the symbols
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, cast

import numpy as np

from jndlic.errors import FormatError, UnsupportedError
from jndlic.format.container import Container, Front, Header
from jndlic.format.entropy import SymbolTables
from jndlic.format.grid import (
    HYPER_STRIDE,
    JND_STRIDE,
    LATENT_STRIDE,
    Area,
    picture_area,
    plane_shape,
    segment_areas,
)
from jndlic.format.quality import Quality, read_quality
from jndlic.format.segments import (
    decode_planes,
    decode_segment,
    encode_planes,
    encode_segment,
)
from jndlic.format.symbols import (
    PhaseSymbols,
    SymbolCrc,
    Symbols,
    SymbolStream,
    assembled,
    joined,
)


class TableSource(Protocol):
    """What entropy coding asks of a codec: integers only, the same on every machine."""

    name: str
    """Of the weights."""
    fingerprint: bytes
    """8 bytes: names everything below."""
    side_margin: int
    """Latents around those whose tables are wanted that `table_index` must be given z_J, z and
    quality of, so that it says what it would say of the whole picture.
    """
    tables_latent: SymbolTables
    tables_z: SymbolTables
    tables_z_jnd: SymbolTables

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """t and d of every latent of a picture, or of a part of one, before its neighbours are
        known.

        Args:
            z_jnd: int32 (jnd_channels, ph / 32, pw / 32).
            z: int32 (hyper_channels, ph / 64, pw / 64).
            quality: 1..100, or a plane of such integers, (ph / 32, pw / 32).

        Returns:
            t: uint8 (M, ph / 16, pw / 16), table;
            d: int32, same shape, index of the quantization step.
        """
        ...

    def refine(
        self, phase: int, tables: Sequence[np.ndarray], symbols: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Tables of one phase of a segment, now that the phases before it are decoded.

        Args:
            phase: 0..3.
            tables: t of all phases, uint8 (M, h, w) each.
            symbols: k of the phases before this one, int32, same shapes.

        Returns:
            uint8 (M, h, w).
        """
        ...


class SegmentSource(Protocol):
    """The symbols of one picture, segment by segment."""

    z_jnd: np.ndarray
    """As in Symbols."""
    z: np.ndarray
    """As in Symbols."""
    quality: Quality
    """That they were made at."""

    def segment(self, number: int) -> tuple[list[np.ndarray], np.ndarray]:
        """One segment.

        Args:
            number: in raster order, from 0.

        Returns:
            k of the four phases, int32 (M, h, w) each; d, int32 (M, 2 h, 2 w).
        """
        ...


class DecodedSymbols(NamedTuple):
    """All that the coded part of a file holds."""

    symbols: Symbols
    """z_jnd, z, k and t."""
    step_index: np.ndarray
    """d: int32, shape of k."""
    quality: Quality
    """That they were made at."""


def pack_symbols(
    header: Header,
    symbols: SymbolStream,
    source: TableSource,
    chunks: tuple[tuple[bytes, bytes], ...] = (),
) -> Container:
    """Entropy-codes the symbols of one picture.

    Args:
        header: of the file to be.
        symbols: of the picture.
        source: gives the tables.
        chunks: quality plane, metadata, alpha.
    """
    crc, streams = SymbolCrc(), []
    for phases in symbols.segments():
        crc.add(*(phase.k for phase in phases))
        streams.append(encode_segment(phases, source.tables_latent))
    z_jnd, z = symbols.sides()
    crc.add(z_jnd, z)
    return Container(
        header,
        crc.value,
        encode_planes(z_jnd, source.tables_z_jnd),
        encode_planes(z, source.tables_z),
        tuple(streams),
        chunks,
    )


class SymbolReader:
    """Reads the symbols of one picture, segment by segment; no float has a part in it.

    Args:
        file: that is read.
        source: gives the tables.
        segment_stream: gives the stream of a segment by its number in raster order; by default
            those of the file, a Container then.

    Attributes:
        picture: area of the picture.

    Raises:
        UnsupportedError: the file was made with other weights.
        FormatError: a stream is damaged.
    """

    def __init__(
        self,
        file: Container | Front,
        source: TableSource,
        segment_stream: Callable[[int], bytes] | None = None,
    ) -> None:
        header = file.header
        if header.fingerprint != source.fingerprint:
            named = f"the weights {file.model!r}" if file.model else "other weights"
            raise UnsupportedError(
                f"the file was made with {named} (fingerprint {header.fingerprint.hex()}), "
                f"but these are {source.name!r} ({source.fingerprint.hex()})"
            )
        if segment_stream is None:
            segment_stream = cast("Container", file).segments.__getitem__
        self._stream, self._source = segment_stream, source
        self._expected_crc = file.symbol_crc
        sides = header.height, header.width
        self.picture = picture_area(*sides)
        self._areas = segment_areas(self.picture)
        self._crc, self._next = SymbolCrc(), 0
        self.z_jnd = decode_planes(file.jnd, *plane_shape(*sides, JND_STRIDE), source.tables_z_jnd)
        self.z = decode_planes(file.hyper, *plane_shape(*sides, HYPER_STRIDE), source.tables_z)
        self.quality = read_quality(file)

    def segment(self, number: int) -> tuple[list[np.ndarray], np.ndarray]:
        """See SegmentSource.

        Raises:
            FormatError: its stream is damaged.
        """
        phases, step_index = self.phases(number)
        return [phase.k for phase in phases], step_index

    def phases(self, number: int) -> tuple[list[PhaseSymbols], np.ndarray]:
        """The same with the tables that were used."""
        area = self._areas[number]
        seen = area.grown(self._source.side_margin, self.picture)
        seen = seen.aligned(HYPER_STRIDE // LATENT_STRIDE, self.picture)
        t, step_index = self._source.table_index(
            self.z_jnd[(slice(None), *seen.within(self.picture, JND_STRIDE))],
            self.z[(slice(None), *seen.within(self.picture, HYPER_STRIDE))],
            self._quality_of(seen),
        )
        place = slice(None), *area.within(seen)
        phases = decode_segment(
            self._stream(number),
            t[place],
            self._source.refine,
            self._source.tables_latent,
        )
        if number == self._next:
            self._crc.add(*(phase.k for phase in phases))
            self._next += 1
        return phases, step_index[place]

    def check(self) -> None:
        """Compares all symbols with their CRC, once every segment was read in turn.

        Raises:
            FormatError: they differ.
        """
        self._crc.add(self.z_jnd, self.z)
        if self._crc.value != self._expected_crc:
            raise FormatError("damaged file: the decoded symbols do not match their CRC")

    def _quality_of(self, area: Area) -> int | np.ndarray:
        values = self.quality.values
        return values if isinstance(values, int) else values[area.within(self.picture, JND_STRIDE)]


def unpack_symbols(container: Container, source: TableSource) -> DecodedSymbols:
    """Reads all symbols of one picture and checks their CRC.

    Raises:
        UnsupportedError, FormatError: see SymbolReader.
    """
    reader = SymbolReader(container, source)
    k, t, d = assembled(_whole_segments(reader), reader.picture)
    reader.check()
    symbols = Symbols(reader.z_jnd, reader.z, k, t)
    return DecodedSymbols(symbols, d, reader.quality)


def _whole_segments(reader: SymbolReader) -> Iterator[list[np.ndarray]]:
    """k, t and d of each segment: (M, h, w)."""
    for number in range(len(segment_areas(reader.picture))):
        phases, step_index = reader.phases(number)
        yield [*(joined(arrays) for arrays in zip(*phases)), step_index]
