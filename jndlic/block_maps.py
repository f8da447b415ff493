"""What a file spends where, read from its symbols: quality, quantisation step and bits.

container ─► quality, symbols and their tables, segment by segment ─► BlockMaps
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jndlic.format.coding import SymbolReader
from jndlic.format.entropy import PRECISION, SymbolTables
from jndlic.format.grid import JND_STRIDE, LATENT_STRIDE, picture_area, plane_shape, segment_areas
from jndlic.format.phases import PHASES
from jndlic.network.rules import LOG_RATIO

if TYPE_CHECKING:
    from jndlic.format.coding import TableSource
    from jndlic.format.container import Container


class BlockMaps(NamedTuple):
    """Maps of a picture as it was coded, padded to multiples of 64 pixels."""

    quality: np.ndarray
    """int16 (2 rows, 2 columns), 1..100: of each 32 x 32 pixels."""
    steps: np.ndarray
    """float64 (h, w), see `mean_steps`: of each 16 x 16 pixels."""
    bits: np.ndarray
    """float64 (h, w), see `bits_map`: of each 16 x 16 pixels."""


def block_maps(container: Container, source: TableSource) -> BlockMaps:
    """The maps of a file, in memory for one segment at a time.

    Args:
        container: of the file.
        source: tables that it was made with.

    Raises:
        UnsupportedError, FormatError: see SymbolReader.
    """
    header, reader = container.header, SymbolReader(container, source)
    picture = picture_area(header.height, header.width)
    steps = np.empty(picture.shape(LATENT_STRIDE))
    bits = np.empty_like(steps)
    for number, area in enumerate(segment_areas(picture)):
        phases, step_index = reader.phases(number)
        place = area.within(picture)
        steps[place] = mean_steps(step_index)
        for phase, (row, column) in zip(phases, PHASES):
            bits[place][row::2, column::2] = bits_map(phase.k, phase.t, source.tables_latent)
    reader.check()
    plane = np.broadcast_to(
        np.int16(reader.quality.values), plane_shape(header.height, header.width, JND_STRIDE)
    )
    return BlockMaps(plane, steps, bits)


def bits_map(symbols: np.ndarray, table_index: np.ndarray, tables: SymbolTables) -> np.ndarray:
    """Bits spent at each latent position: the sum of -log2 p over the channels.

    Args:
        symbols: k, integers (M, h, w).
        table_index: t, integers, same shape.
        tables: of the latents.

    Returns:
        (h, w) float64 bits. An escaped symbol counts with its escape code.
    """
    bits = np.zeros(symbols.shape)
    for table in np.unique(table_index):
        chosen = table_index == table
        costs = PRECISION - np.log2(tables.counts[table])
        escape = len(costs) - 1
        entry = symbols[chosen].astype(np.int64) - int(tables.offsets[table])
        inside = (entry >= 0) & (entry < escape)
        distance = np.where(entry < 0, -entry, entry - escape + 1)
        # Exp-Golomb of the zigzagged distance u <= 2 distance: exponent in unary, then its bits
        exponent = np.floor(np.log2(np.maximum(2 * distance - (entry >= 0), 1)))
        bits[chosen] = costs[np.where(inside, entry, escape)] + np.where(
            inside, 0.0, 2 * exponent + 1
        )
    return bits.sum(0)


def step_sizes(step_index: np.ndarray) -> np.ndarray:
    """Quantisation steps r^d of step indices d, in units of the latents: float64, same shape."""
    return np.exp(step_index * LOG_RATIO)


def mean_steps(step_index: np.ndarray) -> np.ndarray:
    """Step size at each latent position.

    Args:
        step_index: d, integers (M, h, w).

    Returns:
        (h, w) float64: geometric mean of the steps over the channels, in units of the latents.
    """
    return step_sizes(step_index.mean(0))
