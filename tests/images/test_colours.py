"""Colours by their profile: to sRGB, of every kind of picture, and where that cannot be done."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features
from profiles import cmyk_profile, grey_profile, rgb_profile, swapped_profile

from jndlic.errors import ImageError, UnsupportedError
from jndlic.images.colours import to_srgb
from jndlic.images.files import decoded
from jndlic.images.picture import Picture
from jndlic.images.pillow import from_pillow

RANDOM = np.random.default_rng(3)
COLOUR = RANDOM.integers(0, 256, (9, 12, 3), dtype=np.uint8)
GREY = np.repeat(COLOUR[..., :1], 3, axis=2)
ALPHA = COLOUR[..., 1].copy()
NEAR = 12
"""Grey levels: the profiles' gamma of 2.2 is sRGB's tone curve but for the darkest tones."""


@pytest.fixture
def without_littlecms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)


def difference(pixels: np.ndarray, expected: np.ndarray) -> int:
    """The largest one, in grey levels."""
    return int(np.abs(pixels.astype(int) - expected).max())


def test_rgb_by_its_profile() -> None:
    found = to_srgb(Picture(COLOUR, ALPHA, icc=swapped_profile(), exif=b"e", xmp=b"x"))
    assert difference(found.pixels, COLOUR[..., ::-1]) < NEAR
    np.testing.assert_array_equal(found.alpha, ALPHA)
    assert (found.icc, found.exif, found.xmp, found.losses) == (None, b"e", b"x", ())


def test_grey_stays_grey() -> None:
    found = to_srgb(Picture(GREY, grey=True, icc=grey_profile(1.0)))
    linear = GREY / 255
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert difference(found.pixels, 255 * curve) <= 2
    assert found.grey and found.icc is None
    assert np.ptp(found.pixels, axis=2).max() == 0
    found = to_srgb(Picture(GREY, grey=True, icc=swapped_profile()))
    assert difference(found.pixels, GREY) < NEAR and np.ptp(found.pixels, axis=2).max() == 0


@pytest.mark.parametrize("profile", [b"broken", grey_profile(1.0), rgb_profile()[:200]])
def test_a_profile_that_cannot_be_applied_is_told(profile: bytes) -> None:
    found = to_srgb(Picture(COLOUR, icc=profile, losses=("another",)))
    np.testing.assert_array_equal(found.pixels, COLOUR)
    assert found.icc is None
    assert found.losses[0] == "another" and "cannot be applied" in found.losses[1]


def test_nothing_to_convert() -> None:
    picture = Picture(COLOUR)
    assert to_srgb(picture) is picture
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = to_srgb(Picture(COLOUR, icc=srgb))
    assert found.pixels is COLOUR and found.icc is None and found.losses == ()


def test_without_littlecms_a_profile_is_not_silently_dropped(without_littlecms: None) -> None:
    assert to_srgb(Picture(COLOUR)).pixels is COLOUR
    with pytest.raises(UnsupportedError, match="LittleCMS"):
        to_srgb(Picture(COLOUR, icc=swapped_profile()))


INKS = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], dtype=np.uint8)
"""Paper, cyan, black."""


def inks(form: str, profile: bytes | None) -> Picture:
    """As it comes from a file."""
    content = io.BytesIO()
    image = Image.frombytes("CMYK", (3, 1), INKS.tobytes()).resize((48, 16), Image.Resampling.BOX)
    options = {"JPEG": {"quality": 100}}.get(form, {})
    image.save(content, form, icc_profile=profile, **options)
    content.seek(0)
    return decoded(content)


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_cmyk_by_its_profile(form: str) -> None:
    picture = inks(form, cmyk_profile())
    paper, cyan, black = picture.pixels[8, 8::16].astype(int)
    assert difference(paper, np.array([255, 255, 255])) <= 3
    # L*a*b* 60, -40, -40 in sRGB by ImageCms's own table of LAB
    assert difference(cyan, np.array([0, 165, 214])) <= 3
    assert difference(black, np.array([0, 0, 0])) <= 3
    assert picture.icc is None
    assert picture.losses == ("CMYK becomes sRGB by its profile",)


def test_another_ink_is_another_colour() -> None:
    pixels = inks("TIFF", cmyk_profile(cyan=(50.0, 0.0, 0.0))).pixels[8, 24].astype(int)
    assert difference(pixels, np.array([119, 119, 119])) <= 2


@pytest.mark.parametrize("profile", [b"broken", rgb_profile(), cmyk_profile()[:300]])
def test_cmyk_without_a_profile_that_fits(profile: bytes) -> None:
    picture = inks("TIFF", profile)
    np.testing.assert_array_equal(picture.pixels[8, 24], [0, 255, 255])
    assert picture.icc is None
    becomes, dropped = picture.losses
    assert becomes == "CMYK becomes RGB" and "cannot be applied" in dropped


def test_cmyk_that_says_nothing() -> None:
    assert inks("TIFF", None).losses == ("CMYK becomes RGB",)


def test_cmyk_without_littlecms(without_littlecms: None) -> None:
    picture = inks("TIFF", cmyk_profile())
    np.testing.assert_array_equal(picture.pixels[8, 24], [0, 255, 255])
    assert len(picture.losses) == 2


def test_lab() -> None:
    """White, a grey of L* 53.6, and the LAB of sRGB's red, from published conversions."""
    levels = [(255, 0, 0), (137, 0, 0), (138, 81, 70)]  # L* times 2.55
    image = Image.frombytes("LAB", (3, 1), bytes(value for colour in levels for value in colour))
    picture = from_pillow(image)
    white, grey, red = picture.pixels[0].astype(int)
    assert difference(white, np.array([255, 255, 255])) <= 2
    assert difference(grey, np.array([128, 128, 128])) <= 2
    assert difference(red, np.array([255, 0, 0])) <= 6
    assert picture.losses == ("LAB becomes sRGB",)


def test_lab_without_littlecms(without_littlecms: None) -> None:
    with pytest.raises(ImageError, match="LittleCMS"):
        from_pillow(Image.new("LAB", (3, 3)))


def test_littlecms_is_loaded_when_it_is_needed(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "a.png", icc_profile=rgb_profile())
    program = (
        "import sys; from jndlic.images.files import load; load(sys.argv[1]); "
        "sys.exit('PIL.ImageCms' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.png")]
    assert subprocess.run(command, timeout=60).returncode == 0
