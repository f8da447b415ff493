"""Pictures without loss: exact, hardly larger than WebP, and no network anywhere."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run
from PIL import Image, features
from places import ROOT

import jndlic
import jndlic.pillow_plugin
from jndlic.errors import FormatError, ParameterError, UnsupportedError
from jndlic.format.container import pack, unpack
from jndlic.format.patches import decode_patches, encode_patches
from jndlic.images.region import Region
from jndlic.patches import bare, webp

SIZES = [(1, 1), (65, 257), (64, 64), (1, 300), (130, 1)]


def scene(height: int, width: int, channels: int) -> np.ndarray:
    """Slopes, noise, and an area that is transparent without being black."""
    random = np.random.default_rng(height + width + channels)
    rows, columns = np.mgrid[0:height, 0:width]
    slopes = np.dstack([rows * 3, columns * 2, rows + columns, 300 - rows])[..., :channels]
    pixels = (slopes + random.integers(0, 4, slopes.shape)).astype(np.uint8)
    if channels in (2, 4):
        pixels[: height // 2, :, -1] = 0
    return pixels


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_exact(size: tuple[int, int], channels: int) -> None:
    pixels = scene(*size, channels)
    found = jndlic.imread(jndlic.encode(pixels, lossless=True))
    np.testing.assert_array_equal(found, pixels[..., 0] if channels == 1 else pixels)


def test_opaque_alpha_stays() -> None:
    pixels = scene(20, 30, 4)
    pixels[..., 3] = 255
    np.testing.assert_array_equal(jndlic.imread(jndlic.encode(pixels, lossless=True)), pixels)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_hardly_larger_than_webp(channels: int) -> None:
    pixels = scene(200, 300, channels)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, exact=True, quality=100, method=6)
    assert len(jndlic.encode(pixels, lossless=True)) <= len(file.getvalue()) + 50


def test_a_grid_of_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bare.cells(2048, 1) == [Region(0, 0, 2048, 1)]
    assert [cell.width for cell in bare.cells(4097, 9)] == [1365, 1366, 1366]
    for width, height in ((65537, 65535), (2**20, 4096), (1, 2**20)):
        cells = bare.cells(width, height)
        assert len(cells) <= 1024 and max(max(cell[2:]) for cell in cells) <= webp.SIDE_MAX
    monkeypatch.setattr(bare, "CELL", 64)
    pixels = scene(150, 200, 4)
    data = jndlic.encode(pixels, lossless=True)
    assert len(jndlic.info(data)["patches"]) == 12
    np.testing.assert_array_equal(jndlic.imread(data), pixels)


def test_a_region_decodes_its_cells_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bare, "CELL", 64)
    pixels, decode = scene(150, 200, 3), webp.decode
    data = jndlic.encode(pixels, lossless=True)
    decoded: list[bytes] = []

    def counted(data: bytes, *rest: int) -> np.ndarray:
        decoded.append(data)
        return decode(data, *rest)

    monkeypatch.setattr(webp, "decode", counted)
    found = jndlic.imread(data, region=(40, 60, 30, 70))
    np.testing.assert_array_equal(found, pixels[60:130, 40:70])
    assert len(decoded) == 4
    with jndlic.open(data) as file:
        np.testing.assert_array_equal(file.array(region=(1, 2, 3, 4)), pixels[2:6, 1:4])


def test_metadata_and_orientation() -> None:
    pixels = scene(30, 50, 3)
    image = Image.fromarray(pixels)
    image.info["xmp"] = b"<x/>"
    container = unpack(jndlic.encode(image, lossless=True))
    turned = pack(replace(container, header=replace(container.header, orientation=6)))
    decoded = jndlic.decode(turned)
    assert decoded.info["xmp"] == b"<x/>" and decoded.size == (30, 50)
    np.testing.assert_array_equal(np.asarray(decoded), np.rot90(pixels, -1))
    np.testing.assert_array_equal(
        jndlic.imread(turned, region=(3, 4, 10, 20)), np.rot90(pixels, -1)[4:24, 3:13]
    )


def test_what_a_file_tells() -> None:
    data = jndlic.encode(scene(20, 30, 4), lossless=True)
    facts = jndlic.info(data)
    assert facts["bare"] and facts["alpha"] and facts["quality"] is None
    assert (facts["model"], facts["fingerprint"], facts["segments"]) == ("", "", 0)
    (patch,) = facts["patches"]
    assert patch["lossless"] and (patch["width"], patch["height"], patch["format"]) == (
        30,
        20,
        "WebP",
    )
    with jndlic.open(data) as file:
        assert file.quality is None and file.mode == "RGBA" and "patches alone" in repr(file)


def test_wrong_arguments() -> None:
    pixels = scene(5, 5, 3)
    for wrong in ({"quality": 70}, {"jnd": "klt"}, {"jnd": np.ones((5, 5))}):
        with pytest.raises(ParameterError, match="lossless"):
            jndlic.encode(pixels, lossless=True, **wrong)


@pytest.mark.parametrize("wrong", [{"lossless": "no"}, {"patches": "auto"}, {"patches": 1}])
def test_neither_true_nor_false(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="True or False"):
        jndlic.encode(scene(5, 5, 3), **wrong)


def test_no_patches_on_the_way_to_a_target() -> None:
    with pytest.raises(ParameterError, match="patches"):
        jndlic.encode(scene(5, 5, 3), target_size=500, patches=True)


def test_a_limit_of_the_program_is_no_damage_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    data = jndlic.encode(scene(30, 40, 3), lossless=True)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UnsupportedError, match="MAX_IMAGE_PIXELS"):
        jndlic.imread(data)


def test_there_is_no_map_of_a_bare_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jndlic.imwrite(tmp_path / "a.jlic", scene(30, 40, 3), lossless=True)
    assert run("info", tmp_path / "a.jlic", "--map", tmp_path / "map.png") == 1
    assert "patches alone" in capsys.readouterr().err


def test_pillow_without_webp(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = scene(5, 5, 3)
    data = jndlic.encode(pixels, lossless=True)
    monkeypatch.setattr(features, "check", lambda name: name != "webp")
    with pytest.raises(UnsupportedError, match="Pillow was built without"):
        jndlic.encode(pixels, lossless=True)
    with pytest.raises(UnsupportedError, match="Pillow was built without"):
        jndlic.decode(data)


def test_imwrite_and_pillow(tmp_path: Path) -> None:
    pixels = scene(33, 44, 4)
    jndlic.imwrite(tmp_path / "a.jlic", pixels, lossless=True)
    np.testing.assert_array_equal(jndlic.imread(tmp_path / "a.jlic"), pixels)
    Image.fromarray(pixels).save(tmp_path / "b.jlic", lossless=True)
    with Image.open(tmp_path / "b.jlic") as image:
        assert "quality" not in image.info
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = scene(40, 60, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert run("encode", tmp_path / "a.png", tmp_path / "a.jlic", "--lossless") == 0
    assert run("decode", tmp_path / "a.jlic", tmp_path / "b.png", "--region", "5,6,7,8") == 0
    with Image.open(tmp_path / "b.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels[6:14, 5:12])
    capsys.readouterr()
    assert run("info", tmp_path / "a.jlic") == 0
    said = capsys.readouterr().out
    assert "no network: patches alone, all of them without loss" in said and "WebP, 100.0%" in said


@pytest.mark.parametrize(
    "options",
    [
        ["-q", "50"],
        ["--visually-lossless"],
        ["--jnd", "klt"],
        ["--weights", "some.safetensors"],
        ["--device", "cuda"],
        ["--backend", "torch"],
    ],
    ids=" ".join,
)
def test_options_that_contradict(options: list[str], tmp_path: Path) -> None:
    Image.fromarray(scene(4, 4, 3)).save(tmp_path / "a.png")
    command = ["encode", str(tmp_path / "a.png"), str(tmp_path / "a.jlic"), "--lossless"]
    assert run(*command, *options) == 2
    assert not (tmp_path / "a.jlic").exists()


def test_no_weights_and_no_runtime(tmp_path: Path) -> None:
    Image.fromarray(scene(40, 60, 3)).save(tmp_path / "a.png")
    program = (
        "import json, sys\n"
        "from jndlic.cli.main import main\n"
        "a, b, c = sys.argv[1:]\n"
        "code = main(['encode', a, b, '--lossless', '--quiet'])\n"
        "code = code or main(['decode', b, c, '--quiet'])\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    names = [str(tmp_path / name) for name in ("a.png", "a.jlic", "b.png")]
    done = subprocess.run(
        [sys.executable, "-c", program, *names],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    code, loaded = json.loads(done.stdout)
    assert code == 0
    assert not {"onnxruntime", "torch", "jndlic.runtime.weights_file"} & set(loaded)


def with_data(data: bytes) -> bytes:
    """A file of 30 x 20 pixels whose only patch holds these bytes."""
    container = unpack(jndlic.encode(scene(20, 30, 3), lossless=True))
    (patch,) = decode_patches(container.payload(b"PTCH") or b"", container.header)
    payload = encode_patches([patch._replace(data=data)], container.header)
    return pack(replace(container, chunks=((b"PTCH", payload),)))


def saved(pixels: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", **options)
    return file.getvalue()


def animated() -> bytes:
    frames = [Image.fromarray(scene(20, 30, 3) ^ np.uint8(level)) for level in (0, 255)]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    return file.getvalue()


def test_patches_that_are_none() -> None:
    good = saved(scene(20, 30, 3), lossless=True)
    np.testing.assert_array_equal(jndlic.imread(with_data(good)), scene(20, 30, 3))
    png = io.BytesIO()
    Image.fromarray(scene(20, 30, 3)).save(png, "PNG")
    for wrong in (
        b"",
        png.getvalue(),
        good + b"ab",
        good[:-20],
        saved(scene(20, 31, 3), lossless=True),
        saved(scene(16000, 16, 3), lossless=True),
        saved(scene(20, 30, 4), lossless=True),
        saved(scene(20, 30, 3), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"),
        animated(),
        good[:30] + bytes(len(good) - 30),
    ):
        data = with_data(wrong)
        with pytest.raises(FormatError, match="damaged file: a patch"):
            jndlic.decode(data)
