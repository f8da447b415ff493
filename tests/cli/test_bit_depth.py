"""`encode --bit-depth`, `decode --bit-depth`, and what the commands do with deep pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image

import jndlic
from jndlic.bench.studies.pixel_kinds import sky
from jndlic.errors import ImageError
from jndlic.images import deep_codecs
from jndlic.images.files import load, picture_file
from jndlic.images.picture import from_array

pytestmark = pytest.mark.usefixtures("toy")

PIXELS = np.ascontiguousarray(sky()[:96, :128])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep pictures, in the folder where the commands run."""
    monkeypatch.chdir(tmp_path)
    for name, array in (("colours.ppm", PIXELS), ("grey.pgm", PIXELS[..., 0])):
        Path(name).write_bytes(picture_file(from_array(array), "PPM")[0])
    Image.fromarray(PIXELS[..., 0]).save("grey.png")


def encoded(*arguments: object, source: str = "colours.ppm") -> bytes:
    assert run("encode", source, "out.jlic", "-f", "--strict", *arguments) == 0
    return Path("out.jlic").read_bytes()


def decoded(name: str, *arguments: object) -> np.ndarray:
    assert run("decode", "out.jlic", name, "-f", "--strict", *arguments) == 0
    picture = load(name, deep=True)
    return picture.pixels[..., 0] if picture.grey else picture.pixels


@pytest.mark.parametrize("source", ["colours.ppm", "grey.pgm", "grey.png"])
@pytest.mark.parametrize("depth", [None, 8, 16])
def test_what_comes_in_goes_out(source: str, depth: int | None) -> None:
    data = encoded(*([] if depth is None else ["--bit-depth", depth]), source=source)
    assert jndlic.info(data)["depth"] == (depth or 16)
    found = decoded("out.pgm" if "grey" in source else "out.ppm")
    np.testing.assert_array_equal(found, jndlic.imread(data), strict=True)


@pytest.mark.parametrize("depth", [8, 16])
def test_decoding_to_other_bits(depth: int) -> None:
    for stored in (8, 16):
        data = encoded("--bit-depth", stored)
        found = decoded("out.ppm", "--bit-depth", depth)
        np.testing.assert_array_equal(found, jndlic.imread(data, bit_depth=depth), strict=True)
        part = decoded("out.ppm", "--bit-depth", depth, "--region", "5,6,70,80")
        np.testing.assert_array_equal(part, found[6:86, 5:75])


def test_decoding_rounds_once() -> None:
    """To the bits of the format, not by way of those of the file."""
    Path("out.jlic").write_bytes(jndlic.encode(from_array(PIXELS >> 7, 9), patches=False))
    assert run("decode", "out.jlic", "out.bmp", "--quiet") == 0
    eight = jndlic.imread("out.jlic", bit_depth=8)
    np.testing.assert_array_equal(load("out.bmp").pixels, eight)
    full = jndlic.imread("out.jlic", bit_depth=16)
    np.testing.assert_array_equal(decoded("out.tif"), full, strict=True)


def test_png_of_colours() -> None:
    pytest.importorskip("imagecodecs", reason="colours of 16 bits need [deep]")
    data = encoded()
    found = decoded("out.png")
    np.testing.assert_array_equal(found, jndlic.imread(data), strict=True)
    assert run("encode", "out.png", "again.jlic", "--strict") == 0
    assert jndlic.info("again.jlic")["depth"] == 16


def test_losses_are_told(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded()
    assert run("decode", "out.jlic", "out.jpg") == 0
    assert "JPEG is written with 8 bits a channel: 16 become 8" in capfd.readouterr().err
    assert run("decode", "out.jlic", "out.jpg", "-f", "--strict") != 0
    assert run("decode", "out.jlic", "out.jpg", "-f", "--bit-depth", 8, "--strict") == 0
    capfd.readouterr()
    monkeypatch.setattr(deep_codecs, "library", lambda: None)
    assert run("decode", "out.jlic", "out.png") == 0
    assert "pip install 'jndlic[deep]'" in capfd.readouterr().err
    assert load("out.png").losses == ()
    Path("deep.tif").write_bytes(picture_file(from_array(PIXELS), "TIFF")[0])
    assert run("encode", "deep.tif", "deep.jlic") == 0
    told = capfd.readouterr().err
    assert "more than 8 bits a channel become 8" in told and "jndlic[deep]" in told
    assert jndlic.info("deep.jlic")["depth"] == 8
    assert run("encode", "deep.tif", "deep.jlic", "-f", "--bit-depth", 8, "--strict") == 0


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    encoded()
    capsys.readouterr()
    assert run("info", "out.jlic") == 0
    assert "RGB, 16 bits a channel" in capsys.readouterr().out
    assert run("info", "out.jlic", "--json") == 0
    assert json.loads(capsys.readouterr().out)["depth"] == 16


def test_without_loss(capsys: pytest.CaptureFixture[str]) -> None:
    encoded("--lossless")
    np.testing.assert_array_equal(decoded("out.ppm"), PIXELS, strict=True)
    assert run("info", "out.jlic") == 0
    told = capsys.readouterr().out
    assert "16 bits a channel" in told and "all of them without loss" in told
    assert "1 as deep WebP, 100.0%" in told
    data = encoded("--lossless", "--bit-depth", 8)
    np.testing.assert_array_equal(jndlic.imread(data), load("colours.ppm").pixels, strict=True)


def test_without_loss_nothing_is_lost_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a reader that gives 8 bits, nor of alpha alone."""
    Path("deep.tif").write_bytes(picture_file(from_array(PIXELS), "TIFF")[0])
    monkeypatch.setattr(deep_codecs, "library", lambda: None)
    alpha = np.full((*PIXELS.shape[:2], 1), 1000, np.uint16)
    fine = np.dstack((PIXELS // 257 * 257, alpha))
    for picture in ("deep.tif", fine):
        with pytest.raises(ImageError, match="8 bits"):
            jndlic.encode(picture, lossless=True)
        assert jndlic.info(jndlic.encode(picture, lossless=True, bit_depth=8))["depth"] == 8
    assert run("encode", "deep.tif", "out.jlic", "--lossless") == 1
    assert not Path("out.jlic").exists()
    fine[..., 3] = 257 * 9
    decoded = jndlic.imread(jndlic.encode(fine, lossless=True))
    np.testing.assert_array_equal(decoded, fine, strict=True)


def test_profiles_are_applied_in_8_bits(capsys: pytest.CaptureFixture[str]) -> None:
    from profiles import swapped_profile

    Image.fromarray(PIXELS[..., 0]).save("plain.png")
    assert run("encode", "plain.png", "out.jlic", "--no-keep-profile", "--strict") == 0
    assert jndlic.info("out.jlic")["depth"] == 16
    picture = from_array(PIXELS)
    picture.icc = swapped_profile()
    Path("swapped.tif").write_bytes(picture_file(picture, "TIFF")[0])
    pytest.importorskip("imagecodecs", reason="colours of 16 bits need [deep]")
    capsys.readouterr()
    assert run("encode", "swapped.tif", "out.jlic", "-f", "--no-keep-profile") == 0
    assert "colours are converted with 8 bits" in capsys.readouterr().err
    assert jndlic.info("out.jlic")["depth"] == 8


def test_a_depth_that_is_none() -> None:
    for command in (("encode", "colours.ppm", "x.jlic"), ("decode", "x.jlic", "x.png")):
        assert run(*command, "--bit-depth", 10) == 2
