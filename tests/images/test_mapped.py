"""Pictures whose pixels stay in their file."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jndlic.errors import ImageError, ParameterError
from jndlic.images.files import load
from jndlic.images.mapped import MappedPixels, ppm_to_fill
from jndlic.images.picture import Picture
from jndlic.pipeline import encode_picture
from jndlic.runtime import rows
from jndlic.runtime.onnx_backend import OnnxBackend

COLOURS = np.random.default_rng(1).integers(0, 256, (9, 7, 3), dtype=np.uint8)


def saved(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path


def test_colours_stay_in_the_file(tmp_path: Path) -> None:
    picture = load(saved(tmp_path / "a.ppm", COLOURS), mapped=True)
    assert isinstance(picture.pixels, MappedPixels) and not picture.grey
    assert np.array_equal(picture.pixels, COLOURS)
    assert np.array_equal(picture.pixels[2:5, 1:], COLOURS[2:5, 1:])
    assert type(picture.pixels[2:5]) is np.ndarray and picture.pixels[2, 3, 1] == COLOURS[2, 3, 1]
    with pytest.raises(ValueError, match="read-only"):
        picture.pixels[0, 0, 0] = 1


def test_grey_stays_in_the_file(tmp_path: Path) -> None:
    grey = np.ascontiguousarray(COLOURS[..., 0])
    picture = load(saved(tmp_path / "a.pgm", grey), mapped=True)
    assert isinstance(picture.pixels, MappedPixels) and picture.grey
    assert picture.pixels.shape == (9, 7, 3)
    assert np.array_equal(picture.pixels[1:4, :, 2], grey[1:4])
    assert np.array_equal(picture.pixels, np.dstack([grey] * 3))


def test_what_lies_before_the_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P6 # with words\n7\n# and more\n9\n255\n" + COLOURS.tobytes() + b"rest")
    assert np.array_equal(load(path, mapped=True).pixels, COLOURS)


@pytest.mark.parametrize(
    "content",
    [
        b"P6 1 1 100\nabc",
        b"P6 1 1 65535\nabcdef",
        b"P3 1 1 255\n1 2 3\n",
        b"P4 8 1\na",
        b"P5 1 1 65535\nab",
    ],
)
def test_other_kinds_are_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.ppm"
    path.write_bytes(content)
    found, expected = load(path, mapped=True), load(path)
    assert not isinstance(found.pixels, MappedPixels)
    assert np.array_equal(found.pixels, expected.pixels)


def test_more_pixels_than_pillow_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.ppm", COLOURS)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert np.array_equal(load(path, mapped=True).pixels, COLOURS)
    with pytest.raises(ImageError, match="decompression bomb"):
        load(path)
    with (tmp_path / "large.ppm").open("wb") as file:
        file.write(b"P6 1200000 1 255\n")
        file.truncate(4_000_000)
    with pytest.raises(ImageError, match="1200000 x 1 pixels"):
        load(tmp_path / "large.ppm", mapped=True)


def test_a_ppm_has_one_frame(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ppm", COLOURS)
    assert isinstance(load(path, 0, mapped=True).pixels, MappedPixels)
    with pytest.raises(ParameterError):
        load(path, 1, mapped=True)


def test_other_formats_are_read(tmp_path: Path) -> None:
    picture = load(saved(tmp_path / "a.png", COLOURS), mapped=True)
    assert np.array_equal(picture.pixels, COLOURS)
    assert not isinstance(picture.pixels, MappedPixels)


def test_pixels_that_are_not_there(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.ppm", COLOURS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ImageError, match=r"a\.ppm: the picture cannot be decoded"):
        load(path, mapped=True)


class Watched(MappedPixels):
    """Notes how many pixels are taken at once."""

    taken: list[int]

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.taken.append(found.shape[0] * found.shape[1])
        return found


@pytest.mark.parametrize("patches", [False, True])
def test_windows_are_read_one_at_a_time(
    patches: bool, codec: OnnxBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, column = np.mgrid[0:700, 0:300]
    photo = 128 + 50 * np.sin(row / 9)[..., None] * np.cos(column[..., None] / [7, 8, 9])
    noise = np.random.default_rng(0).normal(0, 3, photo.shape)
    picture = Picture(np.clip(photo + noise, 0, 255).astype(np.uint8))
    monkeypatch.setattr(rows, "WINDOW_LATENTS", 400)
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 8)
    expected = encode_picture(picture, 30, codec, patches=patches)
    mapped = load(saved(tmp_path / "a.ppm", picture.pixels), mapped=True)
    mapped.pixels = mapped.pixels.view(Watched)
    Watched.taken = []
    assert encode_picture(mapped, 30, codec, patches=patches) == expected
    # A window with the pixels that its map depends on, or a row of blocks
    assert max(Watched.taken) <= max(400 * 16**2 + 4 * 700 + 16, 64 * 300)
    assert len(Watched.taken) > 3


def resident(path: Path) -> int:
    """Bytes of a mapped file that lie in this process's memory."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.endswith(str(path)))
    found = next(line for line in lines[start:] if line.startswith("Rss:"))
    return int(found.split()[1]) << 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_pages_are_given_back(tmp_path: Path) -> None:
    large = np.zeros((2000, 1000, 3), np.uint8)
    path = saved(tmp_path / "a.ppm", large)
    pixels = load(path, mapped=True).pixels
    assert int(pixels[:].sum()) == 0
    assert resident(path) > 5e6
    assert int(pixels[5:6].sum()) == 0
    assert resident(path) < 1e6
    out = tmp_path / "b.ppm"
    with out.open("w+b") as file:
        filled = ppm_to_fill(file, 1000, 2000)
        for top in range(0, 2000, 50):
            filled[top : top + 50][:] = top % 255
            assert resident(out) < 3e6
        del filled
    with Image.open(out) as image:
        found = np.asarray(image)
    assert np.array_equal(found, np.repeat(np.arange(0, 2000, 50) % 255, 50)[:, None, None] + large)


def test_a_file_to_fill(tmp_path: Path) -> None:
    path, expected = tmp_path / "a.ppm", io.BytesIO()
    with path.open("w+b") as file:
        pixels = ppm_to_fill(file, 7, 9)
        assert pixels.shape == (9, 7, 3)
        for row in range(9):
            pixels[row : row + 1, :3][:] = COLOURS[row : row + 1, :3]
            pixels[row : row + 1, 3:] = COLOURS[row : row + 1, 3:]
    Image.fromarray(COLOURS).save(expected, "PPM")
    assert path.read_bytes() == expected.getvalue()


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no way to ask for room")
def test_a_full_disk_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with (tmp_path / "a.ppm").open("w+b") as file, pytest.raises(OSError, match="No space left"):
        ppm_to_fill(file, 7, 9)
