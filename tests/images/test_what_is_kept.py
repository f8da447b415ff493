"""The table in docs/usage.md of what is kept of each format, against files that Pillow writes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from places import ROOT
from profiles import cmyk_profile, rgb_profile

from jndlic.images.files import decoded, encoded, picture_file
from jndlic.images.metadata import exif_orientation
from jndlic.images.picture import Picture, from_array

COLOUR = np.random.default_rng(4).integers(0, 256, (32, 48, 3), dtype=np.uint8)
ALPHA = np.where(np.arange(48) < 20, 0, 255).astype(np.uint8)[None].repeat(32, 0)
XMP = b"<x:xmpmeta/>"
COLUMNS = (
    "bits of grey",
    "bits of colours",
    "alpha",
    "profile",
    "EXIF",
    "XMP",
    "orientation",
    "frames",
)
ROWS = {
    "PNG, APNG": "PNG",
    "JPEG, MPO": "JPEG",
    "WebP": "WEBP",
    "AVIF": "AVIF",
    "TIFF": "TIFF",
    "GIF": "GIF",
    "PPM": "PPM",
    "BMP": "BMP",
    "TGA": "TGA",
    "QOI": "QOI",
    "JPEG 2000": "JPEG2000",
    "JPEG XL": "JXL",
}
"""Of the table, and what Pillow calls them."""

ANIMATED = {"JPEG": "MPO", **dict.fromkeys(("PNG", "WEBP", "AVIF", "TIFF", "GIF"))}


def table() -> dict[str, dict[str, str]]:
    """What the page says of each row."""
    lines = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| format | bits of grey"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        rows[name] = dict(zip(COLUMNS, cells))
    return rows


def written(form: str, image: Image.Image, **options: object) -> Picture | None:
    """An image by way of a file; None where the format cannot hold it."""
    content = io.BytesIO()
    try:
        image.save(content, form, **options)
    except (KeyError, OSError, ValueError):
        return None
    content.seek(0)
    return decoded(content, deep=True)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x013B] = orientation, "somebody"
    return tags.tobytes().removeprefix(b"Exif\0\0")


def bmp_with_alpha() -> bytes:
    """One transparent pixel, in the fourth version of BMP's head, which Pillow does not write."""
    head = struct.pack("<IiiHHIIiiII", 108, 1, 1, 1, 32, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<4I4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs")
    return struct.pack("<2sIII", b"BM", 126, 0, 122) + (head + masks).ljust(108, b"\0") + bytes(4)


DEEP = np.full((32, 48), 40_000, np.uint16)


def deep_grey(form: str) -> Picture | None:
    if form != "AVIF":
        return written(form, Image.fromarray(DEEP))
    imagecodecs = pytest.importorskip("imagecodecs")
    content = imagecodecs.avif_encode(DEEP >> 6, bitspersample=10)
    return decoded(io.BytesIO(content), deep=True)


def deep_colours(form: str) -> Picture | None:
    """None where the format has no more than 8 bits, or no file of them can be made here."""
    levels = np.dstack((DEEP, DEEP + 1000, DEEP - 1000))
    if form in ("PNG", "TIFF", "PPM"):
        content, losses = picture_file(from_array(levels), form)
        return None if losses else decoded(io.BytesIO(content), deep=True)
    if form not in ("AVIF", "JPEG2000", "JXL"):
        return None
    imagecodecs = pytest.importorskip("imagecodecs")
    if form == "AVIF":
        content = imagecodecs.avif_encode(levels >> 6, bitspersample=10)
    else:
        encode = imagecodecs.jpeg2k_encode if form == "JPEG2000" else imagecodecs.jpegxl_encode
        content = encode(levels)
    return decoded(io.BytesIO(content), deep=True)


def bits(found: Picture | None) -> str:
    return "8" if found is None or found.depth == 8 else "kept"


def has_alpha(form: str) -> bool:
    if form == "BMP":
        found = decoded(io.BytesIO(bmp_with_alpha()))
        return found.alpha is not None and found.alpha.max() == 0
    found = written(form, Image.fromarray(np.dstack((COLOUR, ALPHA))))
    return (
        found is not None and found.alpha is not None and np.array_equal(found.alpha > 9, ALPHA > 9)
    )


def kept(form: str) -> dict[str, str]:
    """What a row of the table should say."""

    def word(truth: bool) -> str:
        return "kept" if truth else "no"

    full = Picture(COLOUR, icc=rgb_profile(), exif=exif(6), xmp=XMP)
    found = decoded(io.BytesIO(encoded(full, form, {})))
    turned = found.pixels.shape[:2] == COLOUR.shape[1::-1]
    orientation = "turned" if turned else word(exif_orientation(found.exif) == 6)
    frames = None
    if form in ANIMATED:
        others = {"save_all": True, "append_images": [Image.fromarray(COLOUR[::-1])]}
        frames = written(ANIMATED[form] or form, Image.fromarray(COLOUR), **others)
    return {
        "bits of grey": bits(deep_grey(form)),
        "bits of colours": bits(deep_colours(form)),
        "alpha": word(has_alpha(form)),
        "profile": word(found.icc is not None),
        "EXIF": word(found.exif is not None and b"somebody" in found.exif),
        "XMP": word(found.xmp == XMP),
        "orientation": orientation,
        "frames": "one" if frames is not None and "first of 2" in frames.losses[0] else "no",
    }


def test_the_table_has_these_rows() -> None:
    assert list(table()) == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_what_is_kept(row: str) -> None:
    if row == "JPEG XL":
        pytest.importorskip("pillow_jxl")
    if table()[row]["bits of colours"] == "kept":
        pytest.importorskip("imagecodecs", reason="the bits of colours are kept with [deep]")
    assert table()[row] == kept(ROWS[row])


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_deep_grey(form: str) -> None:
    picture = deep_grey(form)
    assert picture is not None and picture.grey and picture.losses == ()
    np.testing.assert_array_equal(picture.pixels[..., 1], DEEP)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form: str) -> None:
    picture = written(form, Image.fromarray(COLOUR).convert("CMYK"), icc_profile=cmyk_profile())
    assert picture is not None and picture.losses == ("CMYK becomes sRGB by its profile",)
