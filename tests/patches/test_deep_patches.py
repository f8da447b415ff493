"""Patches, which hold 8 bits a channel, in pictures of more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawings import pasted_text
from toy_codec import ToyCodec

import jndlic
from jndlic.bench.studies.pixel_kinds import gradient, sky
from jndlic.errors import ImageError
from jndlic.format.container import TAG_PATCHES, pack, unpack
from jndlic.format.patches import WEBP, Patch, encode_patches
from jndlic.images.depth import scaled
from jndlic.patches import webp
from jndlic.runtime.backend import Backend

SMOOTH = np.ascontiguousarray(sky()[100:292, 200:456])


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


def test_without_loss() -> None:
    with pytest.raises(ImageError, match="16 bits"):
        jndlic.encode(SMOOTH, lossless=True)
    eight = scaled(SMOOTH, 16, 8)
    data = jndlic.encode(SMOOTH, lossless=True, bit_depth=8)
    np.testing.assert_array_equal(jndlic.imread(data), eight, strict=True)
    # 8 bits in 16 lose nothing, alpha included
    for array in (eight, np.dstack((eight, eight[..., :1]))):
        wide = array.astype(np.uint16) * 257
        data = jndlic.encode(wide, lossless=True)
        assert jndlic.info(data)["depth"] == 16 and jndlic.info(data)["bare"]
        np.testing.assert_array_equal(jndlic.imread(data), wide, strict=True)
        np.testing.assert_array_equal(jndlic.imread(data, bit_depth=8), array, strict=True)


def test_a_slow_gradient_is_no_drawing(codec: Backend) -> None:
    """It is flat in 8 bits, and would come back in bands."""
    slow = np.ascontiguousarray(gradient()[:256, :256])
    slow = (slow // 8 + 20_000).astype(np.uint16)
    facts = jndlic.info(jndlic.encode(slow, 90, codec=codec))
    assert not facts["bare"] and not facts["patches"]


def test_text_is_patched(codec: Backend) -> None:
    """With 8 bits, which is far better than what the network makes of it."""
    pixels = pasted_text(256, 320).astype(np.uint16) * 257
    pixels += np.random.default_rng(0).integers(0, 2, pixels.shape, dtype=np.uint16)
    data = jndlic.encode(pixels, 90, codec=codec)
    assert jndlic.info(data)["patches"] and not jndlic.info(data)["bare"]
    decoded = jndlic.imread(data, codec=codec)
    without = jndlic.encode(pixels, 90, codec=codec, patches=False)
    assert decoded.dtype == np.uint16
    assert rms(decoded, pixels) < 0.8 * rms(jndlic.imread(without, codec=codec), pixels)


def test_patches_fade_in_all_bits(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(SMOOTH, 50))
    white = webp.encode_lossless(np.full((32, 32, 3), 255, dtype=np.uint8))
    payload = encode_patches([Patch(64, 64, 32, 32, WEBP, 4, white)], container.header)
    patched = pack(replace(container, chunks=(*container.chunks, (TAG_PATCHES, payload))))
    before, after = jndlic.imread(pack(container)).astype(int), jndlic.imread(patched).astype(int)
    np.testing.assert_array_equal(after[68:92, 68:92], 65535)
    np.testing.assert_array_equal(after[64, 64:96], (65535 + 4 * before[64, 64:96] + 2) // 5)
