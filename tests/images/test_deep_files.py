"""Files of more than 8 bits a channel, with and without the package that colours need."""

from __future__ import annotations

import io
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from jndlic.errors import ImageError
from jndlic.images import deep_codecs
from jndlic.images.files import decoded, picture_file
from jndlic.images.losses import BITS_LOST
from jndlic.images.metadata import exif_orientation
from jndlic.images.picture import Picture, from_array, turned, with_depth

ROWS, COLUMNS = np.mgrid[0:40, 0:60]
COLOUR = np.stack(
    (20_000 + 60 * COLUMNS, 30_000 + 50 * ROWS, 50_000 - 40 * COLUMNS - 7 * ROWS), 2
).astype(np.uint16)
ALPHA = (COLUMNS * 4 * 257).astype(np.uint16)
KINDS = {
    "grey": COLOUR[..., 0],
    "grey and alpha": np.dstack((COLOUR[..., 0], ALPHA)),
    "RGB": COLOUR,
    "RGBA": np.dstack((COLOUR, ALPHA)),
}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta/>"


def full(kind: str) -> Picture:
    """A picture with everything."""
    tags = Image.Exif()
    tags[0x0112], tags[0x013B] = 6, "somebody"
    tags.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    exif = tags.tobytes().removeprefix(b"Exif\0\0")
    return replace(from_array(KINDS[kind]), exif=exif, xmp=XMP, icc=SRGB)


def written(picture: Picture, form: str) -> tuple[bytes, Picture]:
    content, losses = picture_file(picture, form)
    assert losses == ()
    return content, decoded(io.BytesIO(content), deep=True)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package for the colours."""
    monkeypatch.setattr(deep_codecs, "library", lambda: None)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("kind", KINDS)
def test_everything_is_kept(kind: str, form: str) -> None:
    if kind != "grey":
        pytest.importorskip("imagecodecs", reason="colours and alpha of 16 bits need [deep]")
    picture = full(kind)
    content, found = written(picture, form)
    if form == "TIFF":
        assert found.losses == ("TIFF is turned upright, and its orientation forgotten",)
        picture = replace(turned(picture, 6), grey=found.grey)
    else:
        assert found.losses == () and found.exif == picture.exif
    assert found.depth == 16 and found.grey == picture.grey
    np.testing.assert_array_equal(found.pixels, picture.pixels)
    np.testing.assert_array_equal(found.alpha, picture.alpha)
    assert (found.icc, found.xmp) == (SRGB, XMP)
    assert exif_orientation(found.exif) == (1 if form == "TIFF" else 6)
    tags = Image.Exif()
    tags.load(found.exif)
    assert tags[0x013B] == "somebody" and 0x9003 in tags.get_ifd(0x8769)
    # Pillow reads them too, as far as it can
    with Image.open(io.BytesIO(content)) as image:
        shown = np.asarray(image.convert("RGB" if kind.startswith("RGB") else "RGBA"))
    assert kind == "grey" or np.abs(shown[..., 0] - picture.pixels[..., 0] / 257).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_ppm(kind: str, nothing_installed: None) -> None:
    content, losses = picture_file(from_array(KINDS[kind]), "PPM")
    found = decoded(io.BytesIO(content), deep=True)
    assert found.depth == 16 and found.grey == kind.startswith("grey")
    picture = from_array(KINDS[kind])
    if picture.alpha is None:
        assert losses == ()
        np.testing.assert_array_equal(found.pixels, picture.pixels)
    else:
        assert losses == ("PPM has no alpha: the picture is laid on white",)
        share = picture.alpha[..., None] / 255
        expected = picture.pixels * share + 65535 * (1 - share)
        assert np.abs(found.pixels - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("maximum", "values", "depth"),
    [
        (1023, [0, 1, 1023], 10),
        (65535, [0, 1, 65535], 16),
        (256, [0, 1, 256], 16),
        (1000, [0, 500, 1000], 16),
    ],
)
@pytest.mark.parametrize("kind", ["P5", "P6"])
def test_other_maxima_of_ppm(kind: str, maximum: int, values: list[int], depth: int) -> None:
    array = np.repeat(np.array(values, dtype=">u2"), 1 if kind == "P5" else 3)
    content = f"{kind}\n# a remark\n3 1\n{maximum}\n".encode() + array.tobytes()
    found = decoded(io.BytesIO(content), deep=True)
    # 16 bits of grey are scaled by Pillow itself, which is the same
    assert found.depth == depth and found.grey == (kind == "P5")
    expected = np.array(values) * ((1 << depth) - 1) / maximum
    assert np.abs(found.pixels[0, :, 1] - expected).max() <= 0.5


def test_pages_of_tiff(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile", reason="it writes pages")
    pytest.importorskip("imagecodecs", reason="colours of 16 bits need [deep]")
    for page in (COLOUR, COLOUR[::-1]):
        tifffile.imwrite(tmp_path / "pages.tif", page, append=True, photometric="rgb")
    content = (tmp_path / "pages.tif").read_bytes()
    for frame, expected in enumerate((COLOUR, COLOUR[::-1])):
        found = decoded(io.BytesIO(content), frame=frame, deep=True)
        np.testing.assert_array_equal(found.pixels, expected)


@pytest.mark.parametrize(
    ("form", "bits"),
    [("avif", 10), ("avif", 12), *((form, n) for form in ("jpeg2k", "jpegxl") for n in (10, 16))],
)
@pytest.mark.parametrize("grey", [False, True])
def test_modern_formats(form: str, bits: int, grey: bool) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="bits of these need [deep]")
    if form == "jpegxl":
        pytest.importorskip("pillow_jxl", reason="JPEG XL needs [jxl]")
    levels = (COLOUR[..., 0] if grey else COLOUR) >> (16 - bits)
    options = {"avif": {"level": 95}, "jpeg2k": {"level": 0}, "jpegxl": {"lossless": True}}[form]
    encode = getattr(imagecodecs, f"{form}_encode")
    content = encode(levels, bitspersample=bits, **options)
    found = decoded(io.BytesIO(content), deep=True)
    # Grey JPEG XL is the plugin's, which scales to 16 bits
    assert (found.depth, found.grey) == (16 if grey and form == "jpegxl" else bits, grey)
    assert found.losses == ()
    expected = with_depth(from_array(levels, bits), found.depth).pixels.astype(float)
    error = np.abs(found.pixels - expected)
    assert error.mean() < 0.3 * (1 << (found.depth - 8))
    assert form == "avif" or error.max() == 0
    assert decoded(io.BytesIO(content)).depth == 8


def test_jpeg_xl_of_8_bits() -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="it writes JPEG XL")
    pytest.importorskip("pillow_jxl", reason="JPEG XL needs [jxl]")
    levels = (COLOUR >> 8).astype(np.uint8)
    content = imagecodecs.jpegxl_encode(levels, lossless=True)
    for deep in (False, True):
        found = decoded(io.BytesIO(content), deep=deep)
        assert (found.depth, found.losses) == (8, ())
        np.testing.assert_array_equal(found.pixels, levels)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_in_a_forked_process() -> None:
    """What was used before must not make a child wait for threads that it has not."""
    pytest.importorskip("imagecodecs", reason="colours of 16 bits need [deep]")
    content, _ = picture_file(from_array(COLOUR), "PNG")
    assert decoded(io.BytesIO(content), deep=True).depth == 16
    with multiprocessing.get_context("fork").Pool(1) as pool:
        depth = pool.apply_async(_depth_of, (content,)).get(timeout=60)
    assert depth == 16


def _depth_of(content: bytes) -> int:
    picture = decoded(io.BytesIO(content), deep=True)
    picture_file(picture, "PNG")
    return picture.depth


@pytest.mark.parametrize(("form", "bits"), [("JPEG", 8), ("WEBP", 8), ("BMP", 8)])
def test_formats_of_8_bits(form: str, bits: int) -> None:
    content, losses = picture_file(from_array(COLOUR), form)
    assert losses == (f"{form} is written with 8 bits a channel: 16 become 8",)
    found = decoded(io.BytesIO(content), deep=True)
    assert found.depth == bits and np.abs(found.pixels * 257.0 - COLOUR).max() < 2000


def test_without_the_package(nothing_installed: None) -> None:
    """Grey goes on as before; colours are read and written with 8 bits, and it is told."""
    content, found = written(from_array(KINDS["grey"]), "PNG")
    np.testing.assert_array_equal(found.pixels[..., 0], KINDS["grey"])
    content, losses = picture_file(from_array(COLOUR), "PNG")
    assert len(losses) == 1 and "16 bits a channel become 8" in losses[0]
    assert "jndlic[deep]" in losses[0]
    assert decoded(io.BytesIO(content), deep=True).losses == ()
    content, losses = picture_file(from_array(COLOUR), "TIFF")
    assert losses == ()
    found = decoded(io.BytesIO(content), deep=True)
    assert found.depth == 8 and np.abs(found.pixels * 257.0 - COLOUR).max() < 257
    assert len(found.losses) == 1 and found.losses[0].startswith(BITS_LOST)
    assert "jndlic[deep]" in found.losses[0]
    with pytest.raises(ImageError, match="imagecodecs"):
        deep_codecs.write_png(COLOUR)


def test_a_reader_that_disagrees_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    content, _ = picture_file(from_array(COLOUR), "TIFF")
    for wrong in (COLOUR[:, ::-1], COLOUR[:, :-1], COLOUR[..., :1], np.dstack((COLOUR, ALPHA))):
        monkeypatch.setattr(deep_codecs, "read", lambda *_, pixels=wrong: (pixels, (16,)))
        found = decoded(io.BytesIO(content), deep=True)
        assert found.depth == 8 and found.losses[-1].startswith(BITS_LOST)


def test_damage() -> None:
    pytest.importorskip("imagecodecs", reason="colours of 16 bits need [deep]")
    content, _ = picture_file(from_array(COLOUR), "PNG")
    for cut in (len(content) // 2, 60):
        with pytest.raises(ImageError):
            decoded(io.BytesIO(content[:cut]), deep=True)
    assert deep_codecs.read(content[: len(content) // 2], "PNG", 0) is None
    assert deep_codecs.read(b"nothing", "TIFF", 0) is None
    assert (
        deep_codecs.read(content, "GIF", 0) is None and deep_codecs.read(content, "PNG", 1) is None
    )
