"""The table in docs/usage.md of what is kept of each format, against files that Pillow writes."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from places import ROOT
from profiles import cmyk_profile, rgb_profile

from jndlic.images.files import decoded, encoded
from jndlic.images.metadata import exif_orientation
from jndlic.images.picture import Picture

COLOUR = np.random.default_rng(4).integers(0, 256, (32, 48, 3), dtype=np.uint8)
ALPHA = np.where(np.arange(48) < 20, 0, 255).astype(np.uint8)[None].repeat(32, 0)
XMP = b"<x:xmpmeta/>"
COLUMNS = ("bits", "alpha", "profile", "EXIF", "XMP", "orientation", "frames")
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
    start = next(n for n, line in enumerate(lines) if line.startswith("| format | bits"))
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
    return decoded(content)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112], tags[0x013B] = orientation, "somebody"
    return tags.tobytes().removeprefix(b"Exif\0\0")


def bmp_with_alpha() -> bytes:
    """One transparent pixel, in the fourth version of BMP's head, which Pillow does not write."""
    head = struct.pack("<IiiHHIIiiII", 108, 1, 1, 1, 32, 3, 4, 0, 0, 0, 0)
    masks = struct.pack("<4I4s", 0xFF0000, 0xFF00, 0xFF, 0xFF000000, b"BGRs")
    return struct.pack("<2sIII", b"BM", 126, 0, 122) + (head + masks).ljust(108, b"\0") + bytes(4)


def deep(form: str) -> Picture | None:
    levels = np.full((32, 48), 40_000, np.uint16)
    if form != "AVIF":
        return written(form, Image.fromarray(levels))
    imagecodecs = pytest.importorskip("imagecodecs")
    return decoded(
        io.BytesIO(imagecodecs.avif_encode(np.dstack([levels >> 6] * 3), bitspersample=10))
    )


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

    depth = deep(form)
    full = Picture(COLOUR, icc=rgb_profile(), exif=exif(6), xmp=XMP)
    found = decoded(io.BytesIO(encoded(full, form, {})))
    turned = found.pixels.shape[:2] == COLOUR.shape[1::-1]
    orientation = "turned" if turned else word(exif_orientation(found.exif) == 6)
    frames = None
    if form in ANIMATED:
        others = {"save_all": True, "append_images": [Image.fromarray(COLOUR[::-1])]}
        frames = written(ANIMATED[form] or form, Image.fromarray(COLOUR), **others)
    return {
        "bits": "8" if depth is None or not depth.losses else "reduced to 8",
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
    assert table()[row] == kept(ROWS[row])


def test_deep_pictures_are_rounded() -> None:
    for form in ("PNG", "TIFF", "PPM", "JPEG2000"):
        picture = deep(form)
        assert picture is not None and picture.grey
        assert np.ptp(picture.pixels) == 0 and abs(int(picture.pixels[0, 0, 0]) - 155.6) < 1


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form: str) -> None:
    picture = written(form, Image.fromarray(COLOUR).convert("CMYK"), icc_profile=cmyk_profile())
    assert picture is not None and picture.losses == ("CMYK becomes sRGB by its profile",)
