"""Pillow, and imageio through it, on .jlic files."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from odd_files import Counting, Pipe
from PIL import Image, UnidentifiedImageError
from places import ROOT
from toy_codec import ToyCodec

import jndlic
import jndlic.pillow_plugin as plugin
from jndlic.errors import ParameterError
from jndlic.format.container import Header, pack, unpack
from jndlic.runtime import load as weights

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 90, 4), dtype=np.uint8)
RGB = Image.fromarray(PIXELS[..., :3])
ICC = bytes(16) + b"RGB " + bytes(50)


def exif(orientation: int = 6) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "maker"
    return tags


def saved(image: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, "JLIC", **options)
    return content.getvalue()


def reopened(image: Image.Image, **options: object) -> Image.Image:
    return Image.open(io.BytesIO(saved(image, **options)))


@pytest.fixture
def data(toy: ToyCodec) -> bytes:
    return jndlic.encode(PIXELS, 40)


def test_pillow_learns_the_format_by_the_import(toy: ToyCodec, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(jndlic.encode(PIXELS))
    program = (
        "import sys; from PIL import Image\n"
        "try: Image.open(sys.argv[1]); sys.exit('known before')\n"
        "except Image.UnidentifiedImageError: pass\n"
        "import jndlic.pillow_plugin\n"
        "image = Image.open(sys.argv[1]); assert image.size == (90, 60)\n"
        "sys.exit(bool({'torch', 'onnxruntime', 'constriction'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, cwd=ROOT, timeout=60)
    assert Image.registered_extensions()[".jlic"] == "JLIC"
    assert Image.MIME["JLIC"] == "image/x-jndlic"


def test_paths(toy: ToyCodec, tmp_path: Path) -> None:
    path = tmp_path / "photo.jlic"
    RGB.save(path, quality=70)
    assert path.read_bytes() == jndlic.encode(RGB, 70)
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("JLIC", "RGB", (90, 60))
        assert image.get_format_mimetype() == "image/x-jndlic"
        assert image.info == {"quality": 70, "orientation": 1}
        stream = image.fp
        image.load()
        assert stream.closed  # as of other formats of one frame
        np.testing.assert_array_equal(np.asarray(image), jndlic.imread(path))
    image = Image.open(path)
    image.save(path, quality=30)  # into the file that it comes from
    assert jndlic.info(path)["quality"] == 30


def test_opening_reads_the_front_alone(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Counting(data)
    image = Image.open(stream)
    segments = sum(span.length + 4 for span in image._front.segments)
    assert stream.bytes_read == 16 + len(data) - segments  # Pillow's look at the first 16 bytes
    calls = []
    real = weights.load_codec
    monkeypatch.setattr(weights, "load_codec", lambda: calls.append(1) or real())
    assert (image.mode, image.size) == ("RGBA", (90, 60)) and not calls
    assert image.getpixel((3, 4)) == jndlic.decode(data).getpixel((3, 4))
    image.load()
    image.convert("L")
    assert len(calls) == 2  # the image's own, and that of jndlic.decode
    assert not stream.closed  # the caller's


def test_pipes(data: bytes) -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(Pipe(data))), jndlic.imread(data))


def test_images_are_usual_ones(data: bytes) -> None:
    image = Image.open(io.BytesIO(data))
    assert pickle.loads(pickle.dumps(image)) == image
    small = Image.open(io.BytesIO(data))
    small.thumbnail((9, 9))
    assert small.size == (9, 6)
    image = Image.open(io.BytesIO(data))
    image.putpixel((0, 0), (1, 2, 3, 4))
    assert image.getpixel((0, 0)) == (1, 2, 3, 4)
    with Image.open(io.BytesIO(data)) as image:
        pass
    with pytest.raises(ValueError, match="closed"):
        image.load()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_picture(orientation: int, data: bytes) -> None:
    container = unpack(data)
    turned = pack(replace(container, header=replace(container.header, orientation=orientation)))
    image = Image.open(io.BytesIO(turned))
    assert image.info["orientation"] == orientation
    assert image.size == ((90, 60) if orientation < 5 else (60, 90))
    np.testing.assert_array_equal(np.asarray(image), jndlic.imread(turned))


@pytest.mark.parametrize(
    ("mode", "restored"),
    [
        *((mode, mode) for mode in ("L", "LA", "RGB", "RGBA")),
        *(("1", "L"), ("La", "LA"), *((mode, "I;16") for mode in ("I;16", "I;16B", "I"))),
        *((mode, "RGB") for mode in ("P", "RGBX", "CMYK", "YCbCr", "HSV")),
        *(("PA", "RGBA"), ("RGBa", "RGBA")),
    ],
)
def test_modes(mode: str, restored: str, toy: ToyCodec) -> None:
    image = Image.new(mode, (20, 10))
    opened = reopened(image, quality=100)
    assert opened.mode == restored
    opened.load()
    assert opened.mode == restored


def test_values_of_converted_modes(toy: ToyCodec) -> None:
    deep = Image.fromarray(np.full((16, 16), 200 * 257 + 99, np.uint16))
    assert abs(reopened(deep, quality=100).getpixel((0, 0)) - (200 * 257 + 99)) < 257
    assert reopened(deep, quality=100, bit_depth=8).getpixel((0, 0)) == 200
    palette = Image.new("RGB", (16, 16), (10, 200, 30)).convert("P", palette=Image.Palette.ADAPTIVE)
    assert reopened(palette, quality=100).getpixel((0, 0)) == (10, 200, 30)
    palette.info["transparency"] = 0
    assert reopened(palette).mode == "RGBA"
    assert reopened(Image.new("1", (16, 16), 1), quality=100).getpixel((0, 0)) == 255
    ink = Image.new("CMYK", (16, 16), (0, 0, 0, 255))
    ink.info["icc_profile"] = bytes(16) + b"CMYK" + bytes(50)
    assert "icc_profile" not in reopened(ink).info
    assert reopened(ink, quality=100).getpixel((0, 0)) == (0, 0, 0)


def test_a_mode_that_is_refused(toy: ToyCodec, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot write mode F as JLIC"):
        Image.new("F", (20, 10)).save(tmp_path / "photo.jlic")
    assert not list(tmp_path.iterdir())


def test_options(toy: ToyCodec) -> None:
    assert saved(RGB) == jndlic.encode(RGB) == saved(RGB, optimize=True, subsampling=0)
    assert saved(RGB, quality=81, threads=1) == jndlic.encode(RGB, 81)
    jnd = np.ones((60, 90))
    jnd[:32] = 30
    assert saved(RGB, jnd=jnd) == jndlic.encode(RGB, jnd=jnd) != saved(RGB)
    assert saved(RGB, jnd="klt") == jndlic.encode(RGB, jnd="klt")
    other = ToyCodec()
    other.fingerprint = b"anyother"
    assert jndlic.info(saved(RGB, codec=other))["fingerprint"] == b"anyother".hex()
    for option, value in (
        ("quality", 0),
        ("quality", "keep"),
        ("threads", 0),
        ("jnd", np.ones((3, 3))),
        ("jnd", "none such"),
        ("codec", 5),
    ):
        with pytest.raises(ParameterError):
            saved(RGB, **{option: value})


def test_metadata_survives(toy: ToyCodec) -> None:
    image = RGB.copy()
    image.info.update(icc_profile=ICC, exif=exif().tobytes(), xmp=b"<x/>")
    opened = reopened(image)
    assert opened.info == {**image.info, "quality": 50, "orientation": 1}
    assert opened.getexif()[0x0112] == 6 and opened.getexif()[0x010F] == "maker"
    again = reopened(opened)
    assert again.info == opened.info
    again.load()
    assert again.info == opened.info
    assert jndlic.decode(saved(again)).info == image.info


def test_metadata_as_options(toy: ToyCodec) -> None:
    image = RGB.copy()
    image.info.update(icc_profile=ICC, exif=exif().tobytes(), xmp=b"<x/>")
    none = reopened(image, icc_profile=None, exif=None, xmp=None)
    assert set(none.info) == {"quality", "orientation"}
    assert set(reopened(image, exif=b"").info) == {"icc_profile", "xmp", "quality", "orientation"}
    for given in (exif(3), exif(3).tobytes(), exif(3).tobytes()[6:]):
        opened = reopened(image, exif=given)
        assert opened.getexif()[0x0112] == 3 and opened.info["icc_profile"] == ICC
    other = bytes(16) + b"GRAY" + bytes(9)
    opened = reopened(RGB, icc_profile=other, xmp="<y/>")
    assert opened.info["icc_profile"] == other and opened.info["xmp"] == b"<y/>"
    assert "icc_profile" not in reopened(RGB, icc_profile=bytes(16) + b"CMYK" + bytes(9)).info
    assert "exif" not in RGB.info  # the caller's image is as it was


# Bad files


def test_bad_files_are_told_where_they_are_opened(data: bytes) -> None:
    for size in (4, 5, 20, len(data) // 2, len(data) - 1):
        with pytest.raises(UnidentifiedImageError, match="truncated"):
            Image.open(io.BytesIO(data[:size]))
    with pytest.raises(UnidentifiedImageError, match="version 9"):
        Image.open(io.BytesIO(data[:4] + b"\x09" + bytes(20)))
    with pytest.raises(UnidentifiedImageError, match="follow"):
        Image.open(io.BytesIO(data + b"abc"))
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(b"\x89JLX" + data[4:]))


def test_bad_segments_are_told_where_they_are_loaded(data: bytes) -> None:
    damaged = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    with pytest.raises(OSError, match="segment 1"):
        Image.open(io.BytesIO(damaged)).load()
    with pytest.raises(OSError, match="segment 1"):
        Image.open(io.BytesIO(damaged)).verify()
    Image.open(io.BytesIO(data)).verify()
    container = unpack(data)
    wrong = pack(replace(container, symbol_crc=container.symbol_crc ^ 1))
    with pytest.raises(OSError, match="CRC"):
        Image.open(io.BytesIO(wrong)).load()


def test_other_weights_are_an_error_of_loading(data: bytes, toy: ToyCodec) -> None:
    toy.fingerprint = b"anyother"
    image = Image.open(io.BytesIO(data))
    with pytest.raises(OSError, match="made with"):
        image.load()


def claiming(width: int, height: int, data: bytes) -> io.BytesIO:
    """A small file that says it is large."""
    container = unpack(data)
    header = Header(width, height, 50, container.header.fingerprint)
    return io.BytesIO(
        pack(replace(container, header=header, segments=(b"a",) * header.segments, chunks=()))
    )


def test_decompression_bombs(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Image.DecompressionBombError, match="decompression bomb"):
        Image.open(claiming(16000, 16000, data))  # Pillow's limit
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(claiming(10000, 10000, data))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert Image.open(claiming(16384, 16384, data)).size == (16384, 16384)
    with pytest.raises(Image.DecompressionBombError, match="16385 x 16384"):
        Image.open(claiming(16385, 16384, data))  # and ours


def test_what_cannot_be_saved_is_an_oserror(toy: ToyCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise jndlic.WeightsError("no weights")

    monkeypatch.setattr(plugin, "encode", fail)
    with pytest.raises(OSError, match="no weights"):
        saved(RGB)


# imageio


def test_imageio(toy: ToyCodec, tmp_path: Path) -> None:
    iio = pytest.importorskip("imageio.v3", reason="imageio comes with [dev]")
    path = tmp_path / "photo.jlic"
    pixels = PIXELS[..., :3]
    iio.imwrite(path, pixels, plugin="pillow", quality=70)
    assert path.read_bytes() == jndlic.encode(pixels, 70)
    for options in ({"plugin": "pillow"}, {}):
        np.testing.assert_array_equal(iio.imread(path, **options), jndlic.imread(path))
    assert iio.improps(path, plugin="pillow").shape == (60, 90, 3)
    assert iio.immeta(path, plugin="pillow")["quality"] == 70
    content = path.read_bytes()
    np.testing.assert_array_equal(iio.imread(content, plugin="pillow"), jndlic.imread(content))
