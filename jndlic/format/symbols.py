"""The integers that a file holds."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

SYMBOL_LIMIT = 1 << 20
"""Largest magnitude of a symbol: far more than 8-bit pixels can give rise to. Keeps float32 exact
and hostile values tame.
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


def symbol_crc(z_jnd: np.ndarray, z: np.ndarray, k: np.ndarray) -> int:
    """CRC-32 of all symbols: z_J, then z, then k, each as little-endian int32 in C order."""
    crc = 0
    for symbols in (z_jnd, z, k):
        crc = zlib.crc32(np.ascontiguousarray(symbols, dtype="<i4").data, crc)
    return crc
