"""Pictures that the network cannot draw come back well, and photos pay nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import run
from drawings import DRAWINGS, flat_colours, pasted_text, text, texture, zone_plate
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.errors import FormatError
from jndlic.format.container import Container, pack, unpack
from jndlic.format.patches import WEBP, Patch, encode_patches
from jndlic.images.region import Region
from jndlic.patches import encoder, webp
from jndlic.patches.floors import targets
from jndlic.runtime.backend import Backend

SIZE = 192, 256


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = np.mean((first.astype(float) - second) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def lossless_bytes(pixels: np.ndarray) -> int:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", lossless=True, quality=100, method=6)
    return len(file.getvalue())


@pytest.mark.parametrize("draw", [draw for draw in DRAWINGS if draw is not pasted_text])
def test_drawings(draw: Callable[[int, int], np.ndarray], codec: Backend) -> None:
    pixels, before = draw(*SIZE), 0.0
    limit = 1.1 * lossless_bytes(pixels) + 40  # the head of a file
    for quality, least in ((10, 0.0), (50, 32.0), (100, 45.0)):
        data = jndlic.encode(pixels, quality, codec=codec)
        found = psnr(pixels, jndlic.imread(data, codec=codec))
        assert found >= max(least, before) and len(data) <= limit
        before = found


def test_off(codec: Backend) -> None:
    data = jndlic.encode(text(*SIZE), 50, codec=codec, patches=False)
    assert jndlic.info(data)["patches"] == []


def test_a_part_is_patched(codec: Backend) -> None:
    pixels = pasted_text(384, 512)
    data = jndlic.encode(pixels, 100, codec=codec)
    facts = jndlic.info(data)
    assert not facts["bare"] and 1 <= len(facts["patches"]) <= 8
    whole = jndlic.imread(data, codec=codec)
    for patch in facts["patches"]:
        part = (
            slice(patch["top"], patch["top"] + patch["height"]),
            slice(patch["left"], patch["left"] + patch["width"]),
        )
        assert psnr(pixels[part], whole[part]) > 45
    inside = pixels[100:190, 140:380], whole[100:190, 140:380]
    without = jndlic.encode(pixels, 100, codec=codec, patches=False)
    assert psnr(*inside) > psnr(inside[0], jndlic.imread(without, codec=codec)[100:190, 140:380])
    for region in ((100, 100, 100, 60), (0, 0, 10, 10), (130, 90, 1, 200)):
        left, top, width, height = region
        some = jndlic.imread(data, codec=codec, region=region)
        expected = whole[top : top + height, left : left + width]
        assert np.abs(some.astype(int) - expected).max() <= 1


def test_photos_stay_as_they_are(photo: np.ndarray, codec: Backend) -> None:
    on_white = np.full((*SIZE, 3), 255, np.uint8)
    on_white[40:130, 60:200] = texture(90, 140)
    for pixels in (photo[:192, :256].copy(), texture(*SIZE), on_white):
        data = jndlic.encode(pixels, 50, codec=codec)
        assert data == jndlic.encode(pixels, 50, codec=codec, patches=False)


def test_grey_alpha_and_metadata(codec: Backend) -> None:
    pixels = text(*SIZE)
    grey = jndlic.encode(pixels[..., 0], 50, codec=codec)
    assert jndlic.info(grey)["grey"] and psnr(pixels[..., 0], jndlic.imread(grey)) > 32
    alpha = np.arange(SIZE[1], dtype=np.uint8)[None].repeat(SIZE[0], 0)
    image = Image.fromarray(np.dstack((pixels, alpha)))
    image.info["xmp"] = b"<x/>"
    decoded = jndlic.decode(jndlic.encode(image, 50, codec=codec), codec=codec)
    assert decoded.mode == "RGBA" and decoded.info["xmp"] == b"<x/>"
    np.testing.assert_array_equal(np.asarray(decoded)[..., 3], alpha)


def test_a_plane_of_qualities(codec: Backend) -> None:
    pixels = pasted_text(384, 512)
    jnd = np.ones((384, 512))
    jnd[:, :256] = 30.0
    data = jndlic.encode(pixels, 60, codec=codec, jnd=jnd)
    facts = jndlic.info(data)
    assert facts["quality_plane"] is not None and facts["patches"]
    assert psnr(pixels[128:192, 128:256], jndlic.imread(data)[128:192, 128:256]) > 30


def test_tiny_pictures_are_no_larger_than_without_loss(codec: Backend) -> None:
    for size in ((1, 1), (5, 7), (20, 30)):
        pixels = np.random.default_rng(4).integers(0, 256, (*size, 3), dtype=np.uint8)
        data = jndlic.encode(pixels, 90, codec=codec)
        assert len(data) <= 1.1 * len(jndlic.encode(pixels, lossless=True))


def test_without_webp_the_network_draws(codec: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = flat_colours(*SIZE)
    expected = jndlic.encode(pixels, 50, codec=codec, patches=False)
    monkeypatch.setattr(webp, "available", lambda: False)
    assert jndlic.encode(pixels, 50, codec=codec) == expected


def test_lossy_where_that_is_smaller(toy: ToyCodec) -> None:
    pixels = zone_plate(64, 64)
    noise = np.random.default_rng(1).integers(-9, 10, (64, 64, 1))
    pixels = np.clip(pixels // 2 + 60 + noise, 0, 255).astype(np.uint8)
    from jndlic.patches.coding import coded_patch

    sizes = []
    for quality in (10, 50, 90):
        target = float(targets(np.array(quality)))
        patch = coded_patch(pixels, Region(0, 0, 64, 64), target, True)
        drawn = webp.decode(patch.data, 64, 64, 3)[..., 1:2]
        assert np.mean((pixels.astype(float) - drawn) ** 2) <= target
        sizes.append(len(patch.data))
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    assert coded_patch(pixels, Region(0, 0, 64, 64), 0.0, True).lossless


def toy_file(pixels: np.ndarray, *patches: Patch) -> bytes:
    """A file of the codec of a few lines with these patches."""
    container = unpack(jndlic.encode(pixels, 50, codec=ToyCodec()))
    payload = encode_patches(patches, container.header)
    return pack(replace(container, chunks=(*container.chunks, (b"PTCH", payload))))


@pytest.mark.parametrize("blend", [0, 1, 4, 32])
@pytest.mark.parametrize("place", [(40, 30, 50, 20), (0, 0, 60, 90), (0, 50, 130, 60)])
def test_pasted_as_specified(blend: int, place: tuple[int, int, int, int], toy: ToyCodec) -> None:
    random = np.random.default_rng(5)
    pixels = random.integers(0, 256, (110, 130, 3), dtype=np.uint8)
    left, top, width, height = place
    over = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = toy_file(pixels, Patch(*place, WEBP, blend, webp.encode_lossless(over)))
    expected = jndlic.imread(jndlic.encode(pixels, 50, codec=toy), codec=toy).astype(int)
    for y in range(height):
        for x in range(width):
            edges = []
            if left:
                edges.append(x)
            if top:
                edges.append(y)
            if left + width < 130:
                edges.append(width - 1 - x)
            if top + height < 110:
                edges.append(height - 1 - y)
            m = min(min(edges, default=1000) + 1, blend + 1)
            below = expected[top + y, left + x]
            mixed = m * over[y, x].astype(int) + (blend + 1 - m) * below + ((blend + 1) >> 1)
            expected[top + y, left + x] = mixed // (blend + 1)
    np.testing.assert_array_equal(jndlic.imread(data, codec=toy), expected)
    part = jndlic.imread(data, codec=toy, region=(20, 40, 60, 50))
    np.testing.assert_array_equal(part, expected[40:90, 20:80])


def test_damaged_patches_in_a_file_of_the_network(toy: ToyCodec) -> None:
    pixels = texture(100, 130)
    data = toy_file(pixels, Patch(0, 0, 20, 20, WEBP, 0, b"no WebP"))
    with pytest.raises(FormatError, match="a patch is no WebP"):
        jndlic.decode(data, codec=toy)
    assert jndlic.imread(data, codec=toy, region=(20, 20, 9, 9)).shape == (9, 9, 3)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(text(64, 128)).save(tmp_path / "a.png")
    assert run("encode", tmp_path / "a.png", tmp_path / "a.jlic", "--quiet") == 0
    off = "encode", tmp_path / "a.png", tmp_path / "b.jlic", "--patches", "off", "--quiet"
    assert run(*off) == 0
    for name, bare in (("a", True), ("b", False)):
        assert run("info", "--json", tmp_path / f"{name}.jlic") == 0
        assert json.loads(capsys.readouterr().out)["bare"] is bare
    assert run(*off[:3], "--lossless", "--patches", "auto", "--overwrite") == 2
    assert run(*off[:3], "--visually-lossless", "--patches", "off", "--overwrite") == 2


def test_a_photo_is_not_drawn(photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    from jndlic.images.picture import Picture

    network = unpack(jndlic.encode(photo, 50, codec=ToyCodec()))

    def draw(container: Container, part: Region) -> np.ndarray:
        raise AssertionError("drawn")

    assert encoder.patched(Picture(photo), lambda _: network, draw) is network
