"""PPM of the commands: `encode` leaves the pixels in the file, `decode` draws into it."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run
from PIL import Image
from toy_codec import ToyCodec

import jndlic
from jndlic.cli.main import main
from jndlic.format.container import read_front
from jndlic.images import mapped

WIDTH, HEIGHT = 90, 70


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.dstack([rows * 3, columns * 2, rows + columns]).astype(np.uint8)


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Sizes of the pictures that were drawn into their file."""
    sizes = []
    fill = mapped.ppm_to_fill

    def watched(file, width: int, height: int) -> np.ndarray:
        sizes.append((width, height))
        return fill(file, width, height)

    monkeypatch.setattr(mapped, "ppm_to_fill", watched)
    return sizes


def decoded(packed: Path, target: str, *options: str) -> np.ndarray:
    out = packed.with_name(target)
    assert main(["decode", str(packed), str(out), "-f", "--quiet", *options]) == 0
    with Image.open(out) as image:
        return np.asarray(image)


def test_the_same_pixels(
    pixels: np.ndarray, filled: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = tmp_path / "a.jlic"
    packed.write_bytes(jndlic.encode(pixels, 40))
    (tmp_path / "a.ppm").write_bytes(b"what was there before, and is longer" * 2000)
    found = decoded(packed, "a.ppm")
    assert filled == [(WIDTH, HEIGHT)]
    assert np.array_equal(found, np.asarray(jndlic.decode(packed)))
    assert np.array_equal(found, decoded(packed, "a.png"))
    assert (tmp_path / "a.ppm").stat().st_size == len(b"P6\n90 70\n255\n") + 3 * WIDTH * HEIGHT
    main(["decode", str(packed), str(tmp_path / "b.ppm")])
    assert f"{WIDTH} x {HEIGHT} pixels" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["grey", "alpha", "lossless", "turned", "part", "deep"])
def test_what_no_window_can_be_written_of(
    kind: str, pixels: np.ndarray, filled: list, tmp_path: Path
) -> None:
    picture: Any = pixels
    settings: dict[str, Any] = {}
    options: list[str] = []
    if kind == "grey":
        picture = pixels[..., 0]
    if kind == "alpha":
        picture = np.dstack([pixels, pixels[..., 0]])
    if kind == "lossless":
        settings = {"lossless": True}
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(pixels).save(tmp_path / "in.png", exif=exif)
        picture, settings = tmp_path / "in.png", {"strip": True}
    if kind == "part":
        options = ["--region", "10,20,30,40"]
    if kind == "deep":
        options = ["--bit-depth", "16"]
    packed = tmp_path / "a.jlic"
    packed.write_bytes(jndlic.encode(picture, **settings))
    found = decoded(packed, "a.ppm", *options)
    assert filled == []
    assert found.shape[:2] == {"turned": (WIDTH, HEIGHT), "part": (40, 30)}.get(
        kind, (HEIGHT, WIDTH)
    )


def test_a_damaged_file_leaves_what_was_there(
    pixels: np.ndarray, filled: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The CRC of the symbols is compared when all pixels are drawn."""
    from jndlic.format.container import pack, unpack

    container = unpack(jndlic.encode(pixels, 40))
    wrong = replace(container, symbol_crc=container.symbol_crc ^ 1)
    packed, out = tmp_path / "a.jlic", tmp_path / "a.ppm"
    packed.write_bytes(pack(wrong))
    out.write_bytes(b"before")
    assert main(["decode", str(packed), str(out), "-f"]) == 1
    assert "do not match their CRC" in capsys.readouterr().err
    assert filled == [(WIDTH, HEIGHT)] and out.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jlic", "a.ppm"]


def test_more_pixels_than_are_read_unasked(
    toy: ToyCodec, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of pictures of more than 2^28 pixels, which `encode` makes and `decode` refuses."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pixels).save("in.ppm")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(read_front, "__defaults__", (100,))
    assert run("encode", "in.ppm", "out.jlic") == 0
    Image.fromarray(pixels).save("in.png")
    assert run("encode", "in.png", "other.jlic") == 1


@pytest.mark.parametrize("name", ["in.ppm", "in.png"])
def test_what_is_said_of_the_input(
    name: str, toy: ToyCodec, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(pixels).save(name)
    size = Path(name).stat().st_size
    with (tmp_path / "said.txt").open("w") as file, redirect_stdout(file):
        assert run("encode", name, "out.jlic", "--json") == 0
    assert json.loads(Path("said.txt").read_text())["input_bytes"] == size
