"""Pictures of more than 8 bits a channel through the codec, in Python."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from commands import run
from PIL import Image
from toy_codec import ToyCodec

import jndlic
import jndlic.pillow_plugin  # registers the format with Pillow
from jndlic.bench.studies.pixel_kinds import gradient, sky
from jndlic.errors import ParameterError
from jndlic.format.container import pack, unpack
from jndlic.images.depth import scaled
from jndlic.images.picture import from_array, turned_plane
from jndlic.metrics.psnr import psnr
from jndlic.pipeline import decode_container, encode_picture
from jndlic.runtime.backend import Backend
from jndlic.targets.encoding import encode_to_target
from jndlic.targets.target import MetricTarget, SizeTarget

SMOOTH = np.ascontiguousarray(sky()[100:292, 200:456])


def rms(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(np.mean((first.astype(float) - second) ** 2)))


# Precision


@pytest.mark.parametrize("quality", [90, 100])
def test_16_bits_are_finer_than_8(quality: int, codec: Backend) -> None:
    data = jndlic.encode(SMOOTH, quality, codec=codec)
    fine = jndlic.imread(data, codec=codec)
    assert fine.dtype == np.uint16 and fine.shape == SMOOTH.shape
    rounded = jndlic.imread(data, codec=codec, bit_depth=8)
    assert rounded.dtype == np.uint8
    assert rms(fine, SMOOTH) < 0.9 * rms(rounded * 257.0, SMOOTH) < 257
    # No bands: nearly each pixel of a row has its own value
    row, bands = (len(np.unique(decoded[90, :, 1])) for decoded in (fine, rounded))
    assert row > 8 * bands
    # Both are what the network draws, rounded once
    assert np.abs(fine / 257 - rounded).max() <= 0.5 + 1 / 257


def test_16_bits_cost_no_more_than_8(codec: Backend) -> None:
    deep = jndlic.encode(SMOOTH, 90, codec=codec)
    flat = jndlic.encode(SMOOTH, 90, codec=codec, bit_depth=8)
    assert len(deep) <= len(flat)
    assert rms(jndlic.imread(deep, codec=codec), SMOOTH) < rms(
        jndlic.imread(flat, codec=codec) * 257.0, SMOOTH
    )


def test_8_bits_as_16(photo: np.ndarray, codec: Backend) -> None:
    """The symbols are the same, and so is all but the byte of the form."""
    part = np.ascontiguousarray(photo[:128, :192])
    flat, deep = (
        unpack(jndlic.encode(pixels, 60, codec=codec, bit_depth=depth))
        for pixels, depth in ((part, None), (part, 16))
    )
    assert (flat.header.depth, deep.header.depth) == (8, 16)
    assert replace(deep, header=flat.header) == flat
    again = unpack(jndlic.encode(part.astype(np.uint16) * 257, 60, codec=codec))
    assert again == deep
    # And an 8-bit file can hand out 16
    np.testing.assert_array_equal(
        jndlic.imread(pack(flat), codec=codec, bit_depth=16), jndlic.imread(pack(deep), codec=codec)
    )


@pytest.mark.parametrize("depth", [9, 10, 12, 15])
def test_other_depths(depth: int, codec: Backend) -> None:
    picture = from_array(SMOOTH >> (16 - depth), depth)
    data = encode_picture(picture, 90, codec)
    assert jndlic.info(data)["depth"] == depth
    decoded = jndlic.imread(data, codec=codec)
    assert decoded.dtype == np.uint16 and decoded.max() < 1 << depth
    assert rms(scaled(decoded, depth, 16), SMOOTH) < 257


# With everything else


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_kind(channels: int, toy: ToyCodec) -> None:
    array = np.random.default_rng(1).integers(0, 65536, (70, 90, channels), dtype=np.uint16)
    if channels in (2, 4):
        array[..., -1] = array[..., -1] // 257 * 257
    data = jndlic.encode(array, 90)
    with jndlic.open(data) as file:
        assert (file.depth, file.info()["depth"]) == (16, 16)
        mode = {1: "I;16", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
        assert file.mode == file.image().mode == mode
        assert np.asarray(file).dtype == np.uint16
        assert "16 bits" in repr(file)
        np.testing.assert_array_equal(
            file.array(bit_depth=8), jndlic.imread(data, bit_depth=8), strict=True
        )
    decoded = jndlic.imread(data)
    assert decoded.shape == (array.shape if channels > 1 else array.shape[:2])
    if channels in (2, 4):
        np.testing.assert_array_equal(decoded[..., -1], array[..., -1])
    part = jndlic.imread(data, region=(20, 10, 50, 45))
    np.testing.assert_array_equal(part, decoded[10:55, 20:70])
    part = jndlic.imread(data, region=(20, 10, 50, 45), bit_depth=8)
    np.testing.assert_array_equal(part, jndlic.imread(data, bit_depth=8)[10:55, 20:70])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations(orientation: int, toy: ToyCodec) -> None:
    picture = replace(from_array(SMOOTH), orientation=orientation)
    container = unpack(encode_picture(picture, 70, toy))
    header = replace(container.header, orientation=1)
    upright = decode_container(replace(container, header=header), toy).pixels
    found = decode_container(container, toy)
    assert found.depth == 16
    np.testing.assert_array_equal(found.pixels, turned_plane(upright, orientation))


def test_in_windows(codec: Backend) -> None:
    """The same symbols and pixels, however the picture is cut."""
    tall = np.ascontiguousarray(gradient()[:, :128].repeat(3, 0)[:1200])
    data = jndlic.encode(tall, 60, codec=codec)
    whole = jndlic.imread(data, codec=codec)
    part = jndlic.imread(data, region=(10, 990, 100, 80), codec=codec)
    assert np.abs(part.astype(int) - whole[990:1070, 10:110]).max() <= 2


def test_maps_masks_and_targets(toy: ToyCodec) -> None:
    mask = np.zeros(SMOOTH.shape[:2], dtype=bool)
    mask[:64] = True
    for options in ({"roi": mask}, {"roi": SMOOTH}, {"jnd": np.full(mask.shape, 5.0)}):
        assert jndlic.info(jndlic.encode(SMOOTH, 50, **options))["depth"] == 16
    found = encode_to_target(from_array(SMOOTH), SizeTarget(900), toy)
    assert len(found.data) <= 900 and jndlic.info(found.data)["depth"] == 16
    found = encode_to_target(from_array(SMOOTH), MetricTarget("psnr-rgb", 20.0), toy)
    assert found.value >= 20 and jndlic.info(found.data)["depth"] == 16
    # Judged in 8 bits, to which the picture was rounded once
    judged = jndlic.imread(found.data, bit_depth=8)
    assert found.value == psnr(scaled(SMOOTH, 16, 8), judged)


def test_a_depth_that_is_none() -> None:
    for depth in (0, 10, True, 8.5, "8"):
        with pytest.raises(ParameterError, match="bit_depth"):
            jndlic.encode(SMOOTH, bit_depth=depth)
        with pytest.raises(ParameterError, match="bit_depth"):
            jndlic.imread(b"", bit_depth=depth)


# Pillow


def test_pillow(toy: ToyCodec) -> None:
    grey = SMOOTH[..., 1]
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JLIC", quality=90)
    assert jndlic.info(file.getvalue())["depth"] == 16
    with Image.open(file) as image:
        assert image.mode == "I;16" and image.size == grey.shape[::-1]
        np.testing.assert_array_equal(np.asarray(image), jndlic.imread(file.getvalue()))
        eight = io.BytesIO()
        image.save(eight, "JLIC", bit_depth=8)
    assert jndlic.info(eight.getvalue())["depth"] == 8
    colours = jndlic.encode(SMOOTH, 90)
    with Image.open(io.BytesIO(colours)) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), jndlic.imread(colours, bit_depth=8))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("depth", [9, 16])
def test_pillow_gets_what_is_rounded_once(channels: int, depth: int, toy: ToyCodec) -> None:
    """From the network's levels to what Pillow has a mode for, not by way of the file's bits."""
    array = SMOOTH[..., :channels] >> (16 - depth)
    if channels == 2:
        array[..., 1] = (1 << depth) - 1
    data = encode_picture(from_array(array, depth), 60, toy)
    expected = jndlic.imread(data, bit_depth=16 if channels == 1 else 8)
    whole = np.asarray(jndlic.decode(data))
    np.testing.assert_array_equal(whole, expected, strict=True)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), expected, strict=True)
    part = np.asarray(jndlic.decode(data, region=(20, 10, 50, 45)))
    np.testing.assert_array_equal(part, expected[10:55, 20:70])
    with jndlic.open(data) as file:
        np.testing.assert_array_equal(np.asarray(file.image()), expected)
        np.testing.assert_array_equal(np.asarray(file.image(region=(20, 10, 50, 45))), part)


def test_optimize(toy: ToyCodec, tmp_path) -> None:
    Image.fromarray(SMOOTH[..., 0]).save(tmp_path / "grey.png")
    target = tmp_path / "grey.jpg"
    arguments = "--codec", "jpeg", "--predictor", "ssimulacra2"
    assert run("optimize", tmp_path / "grey.png", target, *arguments) == 0
    ours = tmp_path / "grey.jlic"
    arguments = "--codec", "jndlic", "--predictor", "ssimulacra2"
    assert run("optimize", tmp_path / "grey.png", ours, *arguments) == 0
    assert jndlic.info(ours)["depth"] == 16
    with Image.open(target) as image:
        assert np.abs(np.asarray(image) * 257.0 - SMOOTH[..., 0]).mean() < 600
