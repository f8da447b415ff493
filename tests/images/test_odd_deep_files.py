"""Rare files of more than 8 bits a channel, of which a reader alone would make another picture."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from jndlic.errors import ImageError
from jndlic.images.files import decoded
from jndlic.images.losses import BITS_LOST
from jndlic.images.pillow import from_pillow

ROWS, COLUMNS = np.mgrid[0:40, 0:60]
COLOUR = np.stack((900 * COLUMNS, 1500 * ROWS, 600 * COLUMNS + 700 * ROWS), 2).astype(np.uint16)
GREY = np.ascontiguousarray(COLOUR[..., 0])


def tiff(array: np.ndarray, photometric: str = "rgb", **options: object) -> bytes:
    tifffile = pytest.importorskip("tifffile", reason="it writes any kind of TIFF")
    content = io.BytesIO()
    tifffile.imwrite(content, array, photometric=photometric, **options)
    return content.getvalue()


def tiff_of_12_bits(grey: np.ndarray) -> bytes:
    """Two pixels in three bytes; the width is even."""
    first, second = grey[:, ::2].astype(int), grey[:, 1::2].astype(int)
    packed = np.stack((first >> 4, (first & 15) << 4 | second >> 8, second & 255), 2)
    data = packed.astype(np.uint8).tobytes()
    rows, columns = grey.shape
    tags = {256: columns, 257: rows, 258: 12, 259: 1, 262: 1, 273: 0, 277: 1, 278: rows}
    tags |= {279: len(data)}
    tags[273] = 8 + 2 + 12 * len(tags) + 4
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    head += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    return head + bytes(4) + data


@pytest.mark.parametrize("kind", ["PyRGBA", "PyCMYK"])
def test_ppm_of_pillows_own_kinds(kind: str) -> None:
    """Their four values of a pixel are no three, and no grey."""
    pixels = np.dstack((COLOUR, 65535 - GREY))
    deep, flat = (
        decoded(io.BytesIO(f"{kind}\n60 40\n{maximum}\n".encode() + values.tobytes()), deep=True)
        for maximum, values in ((65535, pixels.astype(">u2")), (255, (pixels >> 8).astype("u1")))
    )
    assert deep.depth == flat.depth == 8 and BITS_LOST in deep.losses
    assert np.abs(deep.pixels.astype(int) - flat.pixels).max() <= 3


def test_colours_multiplied_by_alpha() -> None:
    """Where little of a picture is transparent, both readers agree on the mean."""
    alpha = np.full(GREY.shape, 65535, np.uint16)
    alpha[5:7, 5:20] = 20_000
    multiplied = np.dstack((np.rint(COLOUR * (alpha[..., None] / 65535)).astype(np.uint16), alpha))
    found = decoded(io.BytesIO(tiff(multiplied, extrasamples=["assocalpha"])), deep=True)
    assert BITS_LOST in found.losses or found.depth == 16
    levels = found.pixels / ((1 << found.depth) - 1)
    assert np.abs(levels - COLOUR / 65535).max() < 5 / 255  # 8 bits of a third


def test_channels_apart() -> None:
    """Pillow takes each byte of them for a pixel."""
    content = tiff(np.ascontiguousarray(COLOUR.transpose(2, 0, 1)), planarconfig="separate")
    for deep in (False, True):
        with pytest.raises(ImageError, match="channels lie apart"):
            decoded(io.BytesIO(content), deep=deep)
    flat = (COLOUR >> 8).astype(np.uint8)
    content = tiff(np.ascontiguousarray(flat.transpose(2, 0, 1)), planarconfig="separate")
    np.testing.assert_array_equal(decoded(io.BytesIO(content), deep=True).pixels, flat)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_grey_from_white_on(bits: int, compression: str | None) -> None:
    levels = GREY if bits == 16 else (GREY >> 8).astype(np.uint8)
    content = tiff(levels, photometric="miniswhite", compression=compression)
    found = decoded(io.BytesIO(content), deep=True)
    assert found.depth == bits
    np.testing.assert_array_equal(found.pixels[..., 0], ~levels)
    rounded = decoded(io.BytesIO(content)).pixels[..., 0]
    assert np.abs(rounded / 255 - found.pixels[..., 0] / ((1 << bits) - 1)).max() <= 0.5 / 255


def test_tiff_of_12_bits() -> None:
    levels = GREY >> 4
    found = decoded(io.BytesIO(tiff_of_12_bits(levels)), deep=True)
    assert found.grey and found.depth == 12 and found.losses == ()
    np.testing.assert_array_equal(found.pixels[..., 0], levels)
    found = decoded(io.BytesIO(tiff_of_12_bits(levels)))
    assert found.depth == 8 and found.losses == (BITS_LOST,)
    assert np.abs(found.pixels[..., 0] - levels * (255 / 4095)).max() <= 0.5


def test_a_transparent_grey_level() -> None:
    content = io.BytesIO()
    Image.fromarray(GREY).save(content, "PNG", transparency=900 * 7)
    content.seek(0)
    found = decoded(content, deep=True)
    assert found.grey and found.depth == 16 and found.losses == ()
    np.testing.assert_array_equal(found.pixels[..., 0], GREY)
    assert found.alpha is not None
    np.testing.assert_array_equal(found.alpha, np.where(COLUMNS == 7, 0, 255))
    # Of a palette it is an index, which no grey level is after a conversion
    palette = Image.fromarray((GREY >> 8).astype(np.uint8)).convert("P")
    palette.info["transparency"] = 0
    assert from_pillow(palette.convert("I")).alpha is None


@pytest.mark.parametrize("form", ["avif", "jpeg2k", "jpegxl"])
def test_few_lights_in_the_dark(form: str) -> None:
    """Nearly all of it is black in 8 bits, whatever number of bits it is read with."""
    imagecodecs = pytest.importorskip("imagecodecs", reason="bits of these need [deep]")
    if form == "jpegxl":
        pytest.importorskip("pillow_jxl", reason="JPEG XL needs [jxl]")
    levels = np.full((96, 96, 3), 7, np.uint16)
    levels[30:32, 48:51] = 4000
    options = {"avif": {"level": 100}, "jpeg2k": {"level": 0}, "jpegxl": {"lossless": True}}[form]
    content = getattr(imagecodecs, f"{form}_encode")(levels, bitspersample=12, **options)
    found = decoded(io.BytesIO(content), deep=True)
    assert found.depth == 12
    np.testing.assert_array_equal(found.pixels, levels)
