"""Pictures in and out: every kind that Pillow reads, every format that is written, metadata,
damage.
"""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from jndlic.errors import ImageError
from jndlic.images import formats
from jndlic.images import pillow as pictures
from jndlic.images.files import decoded, load, output_format, picture_file, save
from jndlic.images.losses import BITS_LOST
from jndlic.images.metadata import seen_orientation, stripped
from jndlic.images.picture import Picture, from_array, to_array, with_depth
from jndlic.images.pillow import from_pillow, shown, to_pillow

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (33, 47, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (33, 47), dtype=np.uint8)
ALPHA = RANDOM.integers(0, 256, (33, 47), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa4</x:xmpmeta>'


def exif_block(orientation: int = 6) -> bytes:
    """EXIF with an orientation, an artist and a nested directory."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "somebody"
    exif.get_ifd(0x8769)[0x9003] = "2024:01:02 03:04:05"
    return exif.tobytes().removeprefix(b"Exif\0\0")


def tags_of(exif: bytes | None) -> dict[int, object]:
    """The tags in an EXIF block."""
    parsed = Image.Exif()
    parsed.load(b"Exif\0\0" + (exif or b""))
    return {**parsed, **parsed.get_ifd(0x8769)}


# Modes


def test_rgb_and_grey_keep_their_pixels() -> None:
    picture = from_pillow(Image.fromarray(COLOUR))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert (picture.width, picture.height, picture.grey, picture.alpha) == (47, 33, False, None)
    picture = from_pillow(Image.fromarray(GREY))
    np.testing.assert_array_equal(picture.pixels, np.dstack([GREY] * 3))
    assert picture.grey and picture.alpha is None


def test_alpha_is_kept_apart() -> None:
    picture = from_pillow(Image.fromarray(np.dstack([COLOUR, ALPHA])))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    np.testing.assert_array_equal(picture.alpha, ALPHA)
    picture = from_pillow(Image.fromarray(np.dstack([GREY, ALPHA])))
    np.testing.assert_array_equal(picture.pixels[..., 1], GREY)
    np.testing.assert_array_equal(picture.alpha, ALPHA)
    assert picture.grey


def test_palette() -> None:
    image = Image.fromarray(COLOUR).quantize(20)
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.pixels, np.array(image.convert("RGB")))
    assert not picture.grey and picture.alpha is None
    image.info["transparency"] = 3
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.alpha == 0, np.array(image) == 3)


def test_one_bit() -> None:
    picture = from_pillow(Image.fromarray(GREY > 127))
    np.testing.assert_array_equal(picture.pixels[..., 0], np.where(GREY > 127, 255, 0))
    assert picture.grey


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBX", "RGBa", "La", "PA"])
def test_other_modes_are_converted(mode: str) -> None:
    via = {"RGBa": "RGBA", "La": "LA", "PA": "RGBA"}.get(mode, "RGB")
    image = Image.fromarray(COLOUR // 2 + 60).convert(via).convert(mode)
    picture = from_pillow(image)
    assert picture.pixels.shape == (33, 47, 3)
    assert picture.grey == (mode == "La")
    assert (picture.alpha is not None) == (mode in ("RGBa", "La", "PA"))
    if mode in ("RGBa", "RGBX", "CMYK"):
        np.testing.assert_array_equal(picture.pixels, COLOUR // 2 + 60)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I"])
def test_16_bits_of_grey(mode: str, tmp_path: Path) -> None:
    wide = np.array([[0, 128, 129, 257, 32896, 65406, 65407, 65535]], dtype=np.uint16)
    array = wide.astype({"I;16": "<u2", "I;16B": ">u2", "I": np.int32}[mode])
    image = Image.frombytes(mode, (8, 1), array.tobytes())
    picture = from_pillow(image)
    np.testing.assert_array_equal(picture.pixels[..., 0], wide)
    assert picture.grey and picture.depth == 16
    Image.fromarray(wide).save(tmp_path / "wide.png")
    kept = load(tmp_path / "wide.png", deep=True)
    np.testing.assert_array_equal(kept.pixels, picture.pixels)
    assert kept.losses == ()
    rounded = load(tmp_path / "wide.png")
    np.testing.assert_array_equal(rounded.pixels[0, :, 0], [0, 0, 1, 1, 128, 254, 255, 255])
    assert rounded.depth == 8 and rounded.losses == (BITS_LOST,)


def test_a_mode_without_an_8_bit_form_is_refused() -> None:
    with pytest.raises(ImageError, match="mode F"):
        from_pillow(Image.new("F", (3, 3)))


def test_more_than_16_bits_are_refused() -> None:
    with pytest.raises(ImageError, match="16 bits"):
        from_pillow(Image.fromarray(np.array([[70_000]], dtype=np.int32)))


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3,), (4,)])
def test_arrays_of_any_number_of_channels(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).integers(0, 256, (5, 7, *shape), dtype=np.uint8)
    picture = from_array(array)
    channels = shape[0] if shape else 1
    assert picture.grey == (channels < 3)
    np.testing.assert_array_equal(to_array(picture), array[..., 0] if shape == (1,) else array)
    np.testing.assert_array_equal(np.asarray(to_pillow(picture)), to_array(picture))


def test_arrays() -> None:
    np.testing.assert_array_equal(from_array(COLOUR).pixels, COLOUR)
    assert from_array(GREY).grey
    np.testing.assert_array_equal(from_array(np.dstack([COLOUR, ALPHA])).alpha, ALPHA)
    assert from_array(COLOUR[::-1, ::2]).pixels.flags.c_contiguous
    five = np.dstack([COLOUR, COLOUR[..., :2]])
    for wrong in (
        COLOUR.astype(float),
        COLOUR[None],
        five,
        COLOUR[..., :0],
        COLOUR[:0],
        GREY[:, :0],
    ):
        with pytest.raises(ImageError):
            from_array(wrong)
    with pytest.raises(ImageError, match="1048577"):
        from_array(np.zeros((1, (1 << 20) + 1), dtype=np.uint8))


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("transparent", [False, True])
def test_pillow_round_trip(grey: bool, transparent: bool) -> None:
    pixels = np.dstack([GREY] * 3) if grey else COLOUR
    picture = Picture(pixels, ALPHA if transparent else None, grey, SRGB, exif_block(), XMP)
    image = to_pillow(picture)
    assert image.mode == ("L" if grey else "RGB") + ("A" if transparent else "")
    again = from_pillow(image)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert (again.alpha is not None) == transparent
    assert (again.grey, again.icc, again.exif, again.xmp) == (grey, SRGB, exif_block(), XMP)


def test_what_is_handed_out_is_turned() -> None:
    picture = Picture(COLOUR, ALPHA, orientation=6)
    assert to_pillow(picture).size == (33, 47)
    np.testing.assert_array_equal(np.asarray(to_pillow(picture))[..., :3], np.rot90(COLOUR, -1))
    opaque = shown(Picture(COLOUR, orientation=6))
    np.testing.assert_array_equal(opaque, np.rot90(COLOUR, -1))
    assert shown(picture).shape == opaque.shape


@pytest.mark.parametrize("orientation", [1, 3, 8])
def test_stripped(orientation: int) -> None:
    full = Picture(COLOUR, ALPHA, False, SRGB, exif_block(orientation), XMP)
    bare = stripped(full)
    assert (bare.exif, bare.xmp, bare.icc, bare.orientation) == (None, None, SRGB, orientation)
    assert bare.pixels is COLOUR and bare.alpha is ALPHA
    assert seen_orientation(bare) == seen_orientation(full) == orientation
    assert stripped(bare).orientation == orientation
    assert stripped(Picture(COLOUR, exif=b"broken")).orientation == 1


# Files


@pytest.mark.parametrize(
    "suffix", [".png", ".tif", ".tiff", ".webp", ".bmp", ".ppm", ".pnm", ".PNG"]
)
@pytest.mark.parametrize("grey", [False, True])
def test_lossless_formats(suffix: str, grey: bool, tmp_path: Path) -> None:
    path = tmp_path / ("picture" + suffix)
    picture = from_array(GREY if grey else COLOUR)
    save(path, picture)
    np.testing.assert_array_equal(load(path).pixels, picture.pixels)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("grey", [False, True])
def test_alpha_and_metadata_survive(suffix: str, grey: bool, tmp_path: Path) -> None:
    path = tmp_path / ("picture" + suffix)
    orientation = 1 if suffix == ".tif" else 6  # Pillow turns TIFF upright when it loads it
    pixels = np.dstack([GREY] * 3) if grey else COLOUR
    save(path, Picture(pixels, ALPHA, grey, SRGB, exif_block(orientation), XMP))
    again = load(path)
    np.testing.assert_array_equal(again.pixels, pixels)
    np.testing.assert_array_equal(again.alpha, ALPHA)
    assert again.icc == SRGB
    assert again.xmp == XMP
    tags = tags_of(again.exif)
    assert tags[0x013B] == "somebody"
    assert tags[0x9003] == "2024:01:02 03:04:05"
    if suffix != ".tif":
        assert tags[0x0112] == 6


def test_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    smooth = np.mgrid[0:64, 0:64, 0:3].sum(0).astype(np.uint8) * 2
    save(path, Picture(smooth, None, False, SRGB, exif_block(), XMP))
    with Image.open(path) as image:
        assert image.layer[0][1:3] == (1, 1)  # no chroma subsampling
    again = load(path)
    assert np.abs(again.pixels.astype(int) - smooth).mean() < 2
    assert (again.icc, again.xmp) == (SRGB, XMP)
    assert tags_of(again.exif)[0x0112] == 6  # kept, not applied
    assert (again.width, again.height) == (64, 64)


def test_jpeg_of_noise(tmp_path: Path) -> None:
    noise = RANDOM.integers(0, 256, (600, 600, 3), dtype=np.uint8)
    save(tmp_path / "noise.jpg", from_array(noise))
    assert load(tmp_path / "noise.jpg").pixels.shape == noise.shape


def test_jpeg_leaves_out_metadata_that_it_has_no_room_for(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    big = Picture(COLOUR, exif=exif.tobytes().removeprefix(b"Exif\0\0"), xmp=b"y" * 70_000)
    save(tmp_path / "picture.jpg", big)
    again = load(tmp_path / "picture.jpg")
    assert again.exif is None and again.xmp is None


@pytest.mark.parametrize("suffix", [".jpg", ".ppm", ".bmp"])
def test_without_alpha_the_picture_is_laid_on_white(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / ("picture" + suffix)
    save(path, Picture(np.zeros((16, 16, 3), np.uint8), np.full((16, 16), 51, np.uint8)))
    assert np.abs(load(path).pixels.astype(int) - 204).max() <= 1
    save(path, Picture(np.zeros((16, 16, 3), np.uint8), np.full((16, 16), 51, np.uint8), grey=True))
    assert load(path).grey


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".ppm"])
def test_broken_metadata_does_not_cost_the_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / ("picture" + suffix)
    for junk in (b"\xff", b"MM\0*\0\0\0\x08\xff\xff" + bytes(30), RANDOM.bytes(300)):
        save(path, Picture(COLOUR, icc=junk, exif=junk, xmp=junk))
        assert load(path).pixels.shape == COLOUR.shape


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("foreign", [{266: 2}, {338: 1}, {339: 3}], ids=str)
def test_exif_of_another_tiff(foreign: dict[int, int], depth: int) -> None:
    """How the pixels of that one were stored says nothing of these."""
    tags = Image.Exif()
    tags[0x013B] = "somebody"
    tags.update(foreign)
    exif = tags.tobytes().removeprefix(b"Exif\0\0")
    picture = with_depth(Picture(GREY[..., None].repeat(3, 2), exif=exif, grey=True), depth)
    content, losses = picture_file(picture, "TIFF")
    found = decoded(io.BytesIO(content), deep=True)
    assert losses == found.losses == () and found.depth == depth
    np.testing.assert_array_equal(found.pixels, picture.pixels)
    assert tags_of(found.exif) == {0x013B: "somebody"}


def test_metadata_behind_the_pixels_of_a_png(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOUR).save(buffer, "PNG")
    chunk = b"eXIf" + exif_block()
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "picture.png").write_bytes(
        buffer.getvalue()[:-12] + framed + buffer.getvalue()[-12:]
    )
    assert tags_of(load(tmp_path / "picture.png").exif)[0x013B] == "somebody"


def test_an_oriented_tiff_is_upright_once(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "picture.tif", tiffinfo={274: 6, 315: "somebody"})
    picture = load(tmp_path / "picture.tif")
    np.testing.assert_array_equal(picture.pixels, np.rot90(COLOUR, -1))
    tags = tags_of(picture.exif)
    assert tags.get(0x0112, 1) == 1
    assert tags[0x013B] == "somebody"
    assert 0x0100 not in tags  # the file's layout is no metadata of the picture


def test_a_profile_of_another_colour_space_is_dropped() -> None:
    image = Image.fromarray(COLOUR).convert("CMYK")
    image.info["icc_profile"] = SRGB[:16] + b"CMYK" + SRGB[20:]
    assert from_pillow(image).icc is None


def test_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(load(tmp_path / "a.gif").pixels[0, 0], [255, 0, 0])


# Errors


@pytest.mark.parametrize("name", ["picture.xyz", "picture", "picture.jlic", ".png"])
def test_unknown_suffix(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="suffix"):
        save(tmp_path / name, from_array(COLOUR))
    assert not os.listdir(tmp_path)


def test_pgm_is_for_grey(tmp_path: Path) -> None:
    save(tmp_path / "grey.pgm", from_array(GREY))
    with pytest.raises(ImageError, match="grey"):
        save(tmp_path / "colour.pgm", from_array(COLOUR))
    assert output_format("colour.pgm", grey=True) == "PPM"


def test_a_side_too_long_for_the_format(tmp_path: Path) -> None:
    long = from_array(np.zeros((1, 20_000, 3), dtype=np.uint8))
    with pytest.raises(ImageError, match="WEBP"):
        save(tmp_path / "long.webp", long)
    assert not os.listdir(tmp_path)
    save(tmp_path / "long.png", long)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".ppm", ".bmp"])
def test_damaged_pictures(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / ("picture" + suffix)
    save(path, from_array(COLOUR))
    data = path.read_bytes()
    random = np.random.default_rng(0)
    errors = 0
    for i in range(25):
        damaged = bytearray(data[: int(random.integers(1, len(data)))] if i % 2 else data)
        for _ in range(4):
            damaged[random.integers(min(len(damaged), 100))] = random.integers(256)
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's remarks on odd files
                load(path)
        except ImageError:
            errors += 1
    assert errors > 5


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello, this is a longer text\n" * 9)
    (tmp_path / "short.png").write_text("hello")
    with pytest.raises(ImageError, match="empty.png: empty file"):
        load(tmp_path / "empty.png")
    for name in ("text.png", "short.png"):
        with pytest.raises(
            ImageError, match=f"{name}: not a picture .* AVIF .* BMP .* PNG .* WEBP"
        ):
            load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.png")
    with pytest.raises(OSError, match="irectory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x89JLI\2", "compressed already"),
        (b"\xff\x0a", "pillow-jxl-plugin"),
        (b"\0\0\0\x18ftypheic", "pillow-heif"),
    ],
)
def test_files_that_need_something_else_say_what(
    head: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "_PLUGINS", {})
    for table in (Image.OPEN, Image.ID):
        monkeypatch.setattr(Image, "OPEN" if table is Image.OPEN else "ID", type(table)(table))
    Image.OPEN.pop("JXL", None)
    (tmp_path / "file").write_bytes(head + bytes(40))
    with pytest.raises(ImageError, match=words):
        load(tmp_path / "file")


@pytest.mark.parametrize("form", ["AVIF", "JPEG2000", "TGA", "PCX", "SGI", "QOI", "JXL"])
def test_what_pillow_and_its_plugins_read(form: str, tmp_path: Path) -> None:
    if form == "JXL":
        pytest.importorskip("pillow_jxl")
    Image.init()
    if form not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {form}")
    path = tmp_path / "picture"
    options = {"AVIF": {"quality": 100}, "JXL": {"lossless": True}}.get(form, {})
    Image.fromarray(COLOUR).save(path, form, **options)
    picture = load(path)
    assert picture.pixels.shape == COLOUR.shape
    assert not picture.losses


# Losses


def deep_png() -> bytes:
    """RGB of 16 bits, which Pillow reads as 8 without a word."""

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    rows = b"".join(b"\0" + bytes(6 * 4) for _ in range(3))
    head = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_more_than_8_bits_are_told() -> None:
    files = [deep_png(), b"P6 1 1 65535\n" + bytes(6), b"P5 1 1 1023\n" + bytes(2)]
    for form in ("PNG", "TIFF", "JPEG2000"):
        content = io.BytesIO()
        Image.fromarray(np.zeros((8, 8), np.uint16)).save(content, form)
        files.append(content.getvalue())
    imagecodecs = pytest.importorskip("imagecodecs")
    deep = np.zeros((8, 8, 3), np.uint16)
    files += [imagecodecs.avif_encode(deep, bitspersample=10), imagecodecs.jpeg2k_encode(deep)]
    for data in files:
        assert decoded(io.BytesIO(data)).losses == ("more than 8 bits a channel become 8",)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "TIFF", "AVIF"])
def test_lost_frames_are_told(form: str) -> None:
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "blue", "lime")]
    content = io.BytesIO()
    frames[0].save(content, form, save_all=True, append_images=frames[1:])
    content.seek(0)
    assert decoded(content).losses == ("only the first of 3 frames is read",)
    content.seek(0)
    np.testing.assert_allclose(decoded(content).pixels[0, 0], [255, 0, 0], atol=4)


def test_a_lost_profile_and_cmyk_are_told() -> None:
    content = io.BytesIO()
    profile = SRGB[:16] + b"CMYK" + SRGB[20:]
    Image.fromarray(COLOUR).convert("CMYK").save(content, "TIFF", icc_profile=profile)
    content.seek(0)
    cmyk, dropped = decoded(content).losses
    assert "CMYK" in cmyk and "profile" in dropped


def test_a_turned_tiff_is_told() -> None:
    content = io.BytesIO()
    Image.fromarray(COLOUR).save(content, "TIFF", tiffinfo={274: 6})
    content.seek(0)
    assert "turned upright" in decoded(content).losses[0]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "PPM", "BMP"])
def test_what_a_format_cannot_hold_is_told(form: str) -> None:
    full = Picture(COLOUR, ALPHA, False, SRGB, exif_block(), XMP)
    losses = picture_file(full, form)[1]
    assert any("laid on white" in loss for loss in losses) == (form in ("JPEG", "PPM", "BMP"))
    assert any("orientation 6" in loss for loss in losses) == (form in ("PPM", "BMP"))
    assert picture_file(from_array(COLOUR), form)[1] == ()


def test_metadata_that_is_too_long_for_jpeg_or_broken_is_told() -> None:
    long = picture_file(Picture(COLOUR, xmp=b"y" * 70_000), "JPEG")[1]
    assert long == ("too long for JPEG: XMP left out",)
    broken = picture_file(Picture(COLOUR, exif=b"\xff" * 9), "TIFF")[1]
    assert "cannot be written as TIFF" in broken[0]


def test_postscript_is_not_run(tmp_path: Path) -> None:
    """Pillow would hand it to Ghostscript."""
    (tmp_path / "picture.eps").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    with pytest.raises(ImageError):
        load(tmp_path / "picture.eps")


def test_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(GREY).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="bomb"):
        load(tmp_path / "bomb.png")


def test_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "AREA_MAX", 100)
    with pytest.raises(ImageError, match="11 x 10"):
        from_pillow(Image.new("L", (11, 10)))
    # What is in memory already may be larger
    assert from_array(np.zeros((10, 11), np.uint8)).width == 11
    with pytest.raises(ImageError, match="0 x 10"):
        from_array(np.zeros((10, 0), np.uint8))
