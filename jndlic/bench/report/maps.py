"""Pictures of what the codec does where: bits spent and step sizes, one value a latent position."""

from __future__ import annotations

import numpy as np

from jndlic.format.entropy import PRECISION, SymbolTables
from jndlic.format.grid import LATENT_STRIDE
from jndlic.network.rules import LOG_RATIO


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


def step_map(step_index: np.ndarray) -> np.ndarray:
    """Relative step size at each latent position.

    Args:
        step_index: d, integers (M, h, w).

    Returns:
        (h, w) float64: `mean_steps`, divided by its geometric mean over the picture. 1 is average;
        where it is larger the picture is quantised more coarsely.
    """
    return step_sizes(step_index.mean(0) - step_index.mean())


def to_pixels(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map of latent positions, (h, w), as (height, width) pixels: each value fills its square."""
    return values.repeat(LATENT_STRIDE, 0).repeat(LATENT_STRIDE, 1)[:height, :width]
