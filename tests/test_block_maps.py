"""Maps of what a file spends where."""

from __future__ import annotations

import numpy as np
import pytest
from toy_codec import ToyCodec

import jndlic
from jndlic.block_maps import bits_map, block_maps, mean_steps, step_sizes
from jndlic.errors import UnsupportedError
from jndlic.format.coding import unpack_symbols
from jndlic.format.container import unpack
from jndlic.format.entropy import SymbolTables, ideal_bits
from jndlic.network.rules import LOG_RATIO


def test_bits_map_adds_up_to_the_ideal_size() -> None:
    narrow = np.array([1 << 22, 1 << 23, (1 << 22) - 4096, 4096], dtype=np.uint32)
    wide = np.array([1 << 21] * 6 + [(1 << 22) - 64, 64], dtype=np.uint32)
    tables = SymbolTables((narrow, wide), np.array([-1, -3], dtype=np.int32))
    random = np.random.default_rng(2)
    symbols = random.integers(-9, 10, (5, 3, 4), dtype=np.int32)  # many of them escape
    index = random.integers(0, 2, symbols.shape, dtype=np.uint8)
    bits = bits_map(symbols, index, tables)
    assert bits.shape == (3, 4)
    assert bits.sum() == pytest.approx(ideal_bits(symbols.ravel(), index.ravel(), tables), rel=1e-4)
    one = ideal_bits(symbols[:, 1, 2].copy(), index[:, 1, 2].copy(), tables)
    assert bits[1, 2] == pytest.approx(one, rel=1e-4)


def test_steps_are_powers_of_the_ratio() -> None:
    ratio = (256 / 0.11) ** (1 / 63)
    np.testing.assert_allclose(step_sizes(np.array([-3, 0, 7])), [ratio**-3, 1.0, ratio**7])
    steps = np.array([[[2, 5]], [[4, -1]]], dtype=np.int32)
    np.testing.assert_allclose(mean_steps(steps), [[ratio**3, ratio**2]])


def test_maps_of_a_file_of_several_segments() -> None:
    """Segment by segment the same as of all symbols at once."""
    toy = ToyCodec()
    pixels = np.random.default_rng(7).integers(0, 256, (70, 1100, 3), dtype=np.uint8)
    mask = np.zeros((70, 1100), bool)
    mask[:, 64:512] = True
    data = jndlic.encode(pixels, 80, codec=toy, roi=mask, roi_strength=1)
    container = unpack(data)
    assert len(container.segments) == 2
    found, decoded = block_maps(container, toy), unpack_symbols(container, toy)
    symbols = decoded.symbols
    np.testing.assert_array_equal(found.quality, decoded.quality.plane)
    assert (found.quality[:, 2:16] == 80).all() and (found.quality[:, 16:] < 80).all()
    np.testing.assert_allclose(found.bits, bits_map(symbols.k, symbols.t, toy.tables_latent))
    # The toy's d is its quality
    quality = found.quality.repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(found.steps, np.exp(LOG_RATIO * quality))


def test_a_quality_for_all_is_a_map_too() -> None:
    data = jndlic.encode(np.zeros((40, 70), np.uint8), 33, codec=ToyCodec())
    quality = block_maps(unpack(data), ToyCodec()).quality
    assert quality.shape == (2, 4) and (quality == 33).all()


def test_other_weights_are_refused() -> None:
    other = ToyCodec()
    other.fingerprint = b"\0" * 8
    data = jndlic.encode(np.zeros((9, 9), np.uint8), codec=ToyCodec())
    with pytest.raises(UnsupportedError):
        block_maps(unpack(data), other)


def test_the_bits_are_those_of_the_stream(codec, photo: np.ndarray) -> None:
    data = jndlic.encode(photo[:128, :192], 60, codec=codec)
    size = jndlic.info(data)["streams"]["latent"]["bytes"]
    assert block_maps(unpack(data), codec).bits.sum() / 8 == pytest.approx(size, rel=0.01)
