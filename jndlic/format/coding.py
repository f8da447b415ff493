"""Symbols of a picture to a container and back, by whatever gives the tables.

symbols ─► streams of z_J and z, segments of k ─► Container
Container ─► z_J, z ─► tables and steps ─► k ─► CRC of the symbols
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from jndlic.errors import FormatError, UnsupportedError
from jndlic.format.container import Container, Header
from jndlic.format.entropy import SymbolTables
from jndlic.format.grid import HYPER_STRIDE, JND_STRIDE, plane_shape
from jndlic.format.quality import Quality, read_quality
from jndlic.format.segments import decode_latent, decode_planes, encode_latent, encode_planes
from jndlic.format.symbols import Symbols, symbol_crc


class TableSource(Protocol):
    """What entropy coding asks of a codec: integers only, the same on every machine."""

    name: str
    """Of the weights."""
    fingerprint: bytes
    """8 bytes: names everything below."""
    tables_latent: SymbolTables
    tables_z: SymbolTables
    tables_z_jnd: SymbolTables

    def table_index(
        self, z_jnd: np.ndarray, z: np.ndarray, quality: int | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """t and d of every latent before its neighbours are known.

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
    symbols: Symbols,
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
    return Container(
        header,
        symbol_crc(symbols.z_jnd, symbols.z, symbols.k),
        encode_planes(symbols.z_jnd, source.tables_z_jnd),
        encode_planes(symbols.z, source.tables_z),
        tuple(encode_latent(symbols.k, symbols.t, source.tables_latent)),
        chunks,
    )


def unpack_symbols(container: Container, source: TableSource) -> DecodedSymbols:
    """Reads the symbols of one picture and checks their CRC; no float has a part in it.

    Raises:
        UnsupportedError: the file was made with other weights.
        FormatError: a stream is damaged.
    """
    header = container.header
    if header.fingerprint != source.fingerprint:
        named = f"the weights {container.model!r}" if container.model else "other weights"
        raise UnsupportedError(
            f"the file was made with {named} (fingerprint {header.fingerprint.hex()}), "
            f"but these are {source.name!r} ({source.fingerprint.hex()})"
        )
    sides = header.height, header.width
    z_jnd = decode_planes(container.jnd, *plane_shape(*sides, JND_STRIDE), source.tables_z_jnd)
    z = decode_planes(container.hyper, *plane_shape(*sides, HYPER_STRIDE), source.tables_z)
    quality = read_quality(container)
    t, step_index = source.table_index(z_jnd, z, quality.values)
    k, t = decode_latent(container.segments, t, source.refine, source.tables_latent)
    if symbol_crc(z_jnd, z, k) != container.symbol_crc:
        raise FormatError("damaged file: the decoded symbols do not match their CRC")
    return DecodedSymbols(Symbols(z_jnd, z, k, t), step_index, quality)
