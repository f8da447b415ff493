"""Bits of a channel: pixels to the networks' levels and back."""

from __future__ import annotations

import numpy as np
import pytest

from jndlic.errors import ImageError
from jndlic.images.depth import from_levels, pixel_type, scaled, to_levels
from jndlic.images.picture import (
    ALPHA_BITS_LOST,
    Picture,
    from_array,
    to_array,
    with_depth,
)

DEPTHS = range(8, 17)
EIGHT = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_pixel_comes_back_from_its_level(depth: int) -> None:
    pixels = np.arange(1 << depth).astype(pixel_type(depth))
    levels = to_levels(pixels, depth)
    assert levels.dtype == np.float32 and levels[0] == 0 and levels[-1] == 255
    np.testing.assert_array_equal(from_levels(levels, depth), pixels)


@pytest.mark.parametrize("depth", DEPTHS)
def test_8_bits_come_back_from_more(depth: int) -> None:
    np.testing.assert_array_equal(scaled(scaled(EIGHT, 8, depth), depth, 8), EIGHT)


def test_8_bits_in_16_are_whole_levels() -> None:
    np.testing.assert_array_equal(to_levels(scaled(EIGHT, 8, 16), 16), EIGHT)


def test_halves_go_up_and_what_is_beyond_is_cut() -> None:
    levels = np.array([-3, 0.49, 0.5, 254.5, 300, np.nan, np.inf, -np.inf], dtype=np.float32)
    np.testing.assert_array_equal(from_levels(levels, 8), [0, 0, 1, 255, 255, 0, 255, 0])
    finer = from_levels(np.array([1 / 257, 100.25], dtype=np.float32), 16)
    np.testing.assert_array_equal(finer, [1, 25764])


def test_levels_are_not_changed() -> None:
    levels = np.array([1.0, 2.0], dtype=np.float32)
    from_levels(levels, 16)
    np.testing.assert_array_equal(levels, [1.0, 2.0])


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_arrays_of_16_bits(channels: int) -> None:
    array = np.random.default_rng(0).integers(0, 65536, (5, 7, channels), dtype=np.uint16)
    if channels in (2, 4):
        array[..., -1] = array[..., -1] // 257 * 257
    picture = from_array(array)
    assert (picture.depth, picture.losses) == (16, ())
    np.testing.assert_array_equal(to_array(picture), array[..., 0] if channels == 1 else array)
    np.testing.assert_array_equal(from_array(array.astype(">u2")).pixels, picture.pixels)


def test_alpha_of_16_bits_is_rounded() -> None:
    picture = from_array(np.array([[[9, 9, 9, 129]]], dtype=np.uint16))
    assert picture.alpha == 1 and picture.losses == (ALPHA_BITS_LOST,)


def test_other_bits() -> None:
    array = np.array([[0, 1023]], dtype=np.uint16)
    assert from_array(array, 10).depth == 10
    for depth in (8, 9):
        with pytest.raises(ImageError, match=f"{depth} bits"):
            from_array(array, depth)
    np.testing.assert_array_equal(with_depth(from_array(array, 10), 8).pixels[0, :, 0], [0, 255])
    for pixels, depth in ((EIGHT, 16), (EIGHT.astype(np.uint16), 8), (EIGHT, 7)):
        with pytest.raises(ImageError, match="bits"):
            Picture(np.dstack([pixels[None]] * 3), depth=depth)
