"""Patches in pictures of more than 8 bits a channel: with all of them, or rounded to 8."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from commands import run
from drawings import pasted_text, text
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.bench.studies.pixel_kinds import gradient, sky
from jndlic.errors import FormatError, ImageError
from jndlic.format.container import TAG_PATCHES, pack, unpack
from jndlic.format.patches import WEBP, Patch, decode_patches, encode_patches
from jndlic.images.depth import scaled
from jndlic.images.picture import Picture, from_array, to_array, with_depth
from jndlic.patches import bare, webp
from jndlic.runtime.backend import Backend

SMOOTH = np.ascontiguousarray(sky()[100:292, 200:456])


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


def odd_levels(height: int, width: int, channels: int, depth: int) -> Picture:
    """Slopes, noise, black and white, and alpha that 8 bits hold."""
    random = np.random.default_rng(depth + channels)
    rows, columns = np.mgrid[0:height, 0:width]
    slopes = np.dstack([rows * 900, columns * 500, (rows + columns) * 300, rows])[..., :channels]
    array = (slopes + random.integers(0, 200, slopes.shape)).astype(np.uint16) >> 16 - depth
    array[:3], array[3:6] = 0, (1 << depth) - 1
    if channels in (2, 4):
        array[..., -1] = scaled(random.integers(0, 256, (height, width)), 8, depth)
    return from_array(array, depth)


@pytest.mark.parametrize("depth", range(9, 17))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_exact(channels: int, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "CELL", 32)
    picture = odd_levels(35, 50, channels, depth)
    assert not picture.losses
    data = jndlic.encode(picture, lossless=True)
    facts = jndlic.info(data)
    assert facts["depth"] == depth and facts["bare"] and len(facts["patches"]) == 4
    assert all(patch["lossless"] for patch in facts["patches"])
    expected = to_array(picture)
    np.testing.assert_array_equal(jndlic.imread(data), expected, strict=True)
    part = jndlic.imread(data, region=(20, 10, 25, 20))
    np.testing.assert_array_equal(part, expected[10:30, 20:45], strict=True)
    for wanted in (8, 16):
        np.testing.assert_array_equal(
            jndlic.imread(data, bit_depth=wanted), to_array(with_depth(picture, wanted))
        )


def test_by_the_specification() -> None:
    """Written from docs/format.md."""
    picture = odd_levels(8, 9, 3, 11)
    container = unpack(jndlic.encode(picture, lossless=True))
    (patch,) = decode_patches(container.payload(TAG_PATCHES) or b"", container.header)
    assert patch.format == 5
    end = 8 + int.from_bytes(patch.data[4:8], "little")
    upper, lower = (
        np.asarray(Image.open(io.BytesIO(part))).astype(int)
        for part in (patch.data[:end], patch.data[end:])
    )
    shift = (upper * 2047 + 127) // 255
    np.testing.assert_array_equal(8 * upper + (lower + shift) % 8, picture.pixels)


def test_eight_bits_in_sixteen_cost_hardly_more() -> None:
    eight = scaled(SMOOTH, 16, 8)
    wide = eight.astype(np.uint16) * 257
    assert len(jndlic.encode(wide, lossless=True)) < len(jndlic.encode(eight, lossless=True)) + 100


def test_damaged_lower_bits() -> None:
    container = unpack(jndlic.encode(odd_levels(8, 9, 3, 16), lossless=True))
    (patch,) = decode_patches(container.payload(TAG_PATCHES) or b"", container.header)
    end = 8 + int.from_bytes(patch.data[4:8], "little")
    upper, small = patch.data[:end], webp.encode_lossless(np.zeros((8, 8, 3), dtype=np.uint8))
    lossy = webp.encode_lossy(np.zeros((8, 9, 3), dtype=np.uint8), 50)
    for wrong in (b"", b"RIFF", upper, upper + small, upper + lossy, lossy + patch.data[end:]):
        payload = encode_patches([patch._replace(data=wrong)], container.header)
        data = pack(replace(container, chunks=((TAG_PATCHES, payload),)))
        with pytest.raises(FormatError, match="damaged file: a patch"):
            jndlic.imread(data)


def test_alpha_of_more_bits_is_refused() -> None:
    array = np.dstack((SMOOTH[:9, :9], np.full((9, 9), 1000, dtype=np.uint16)))
    with pytest.raises(ImageError, match="alpha of more than 8 bits.*--bit-depth 8"):
        jndlic.encode(array, lossless=True)
    assert jndlic.info(jndlic.encode(array, lossless=True, bit_depth=8))["depth"] == 8


def test_without_loss() -> None:
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
    """With 8 bits, which is far better than what the network makes of it; and not called exact."""
    pixels = pasted_text(256, 320).astype(np.uint16) * 257
    pixels ^= np.random.default_rng(0).integers(0, 16, pixels.shape, dtype=np.uint16)
    data = jndlic.encode(pixels, 30, codec=codec)
    facts = jndlic.info(data)
    assert facts["patches"] and not facts["bare"]
    assert not any(patch["lossless"] for patch in facts["patches"])
    decoded = jndlic.imread(data, codec=codec)
    without = jndlic.encode(pixels, 30, codec=codec, patches=False)
    assert decoded.dtype == np.uint16
    assert rms(decoded, pixels) < 0.9 * rms(jndlic.imread(without, codec=codec), pixels)


def test_drawings_whose_bits_cost_nothing_are_exact(codec: Backend, capsys, tmp_path) -> None:
    drawn = text(128, 192).astype(np.uint16) * 257
    noisy = drawn ^ np.random.default_rng(0).integers(0, 256, drawn.shape, dtype=np.uint16)
    for pixels, exact in ((drawn, True), (noisy, False)):
        jndlic.imwrite(tmp_path / "a.jlic", pixels, 90, codec=codec)
        facts = jndlic.info(tmp_path / "a.jlic")
        assert facts["bare"] and facts["depth"] == 16
        found = jndlic.imread(tmp_path / "a.jlic")
        assert np.array_equal(found, pixels) == exact
        assert run("info", tmp_path / "a.jlic") == 0
        assert ("without loss" in capsys.readouterr().out) == exact


def test_patches_fade_in_all_bits(toy: ToyCodec) -> None:
    container = unpack(jndlic.encode(SMOOTH, 50))
    white = webp.encode_lossless(np.full((32, 32, 3), 255, dtype=np.uint8))
    payload = encode_patches([Patch(64, 64, 32, 32, WEBP, 4, white)], container.header)
    patched = pack(replace(container, chunks=(*container.chunks, (TAG_PATCHES, payload))))
    before, after = jndlic.imread(pack(container)).astype(int), jndlic.imread(patched).astype(int)
    np.testing.assert_array_equal(after[68:92, 68:92], 65535)
    np.testing.assert_array_equal(after[64, 64:96], (65535 + 4 * before[64, 64:96] + 2) // 5)
