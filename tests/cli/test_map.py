"""`jndlic info --map`: a picture of what a file spends where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import run
from PIL import Image

import jndlic
from jndlic.cli.map import panels
from jndlic.format.container import pack, unpack
from jndlic.images.panels import BAR, PANEL_WIDTH, places
from jndlic.images.picture import turned_plane

pytestmark = pytest.mark.usefixtures("toy")

PIXELS = np.random.default_rng(9).integers(0, 256, (100, 150, 3), dtype=np.uint8)
MASK = np.zeros((100, 150), np.uint8)
MASK[32:64, 64:128] = 255
MASK[64:96, :32] = 128
QUALITY = np.full((4, 5), 48)
"""Of the blocks that lie on the picture; 90 less 2 octaves of the toy's steps is 48."""
QUALITY[1, 2:4] = 90
QUALITY[2, 0] = 76  # an octave less


@pytest.fixture
def data() -> bytes:
    return jndlic.encode(PIXELS, 90, roi=MASK)


def test_the_map_shows_the_quality_plane(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = tmp_path / "photo.jlic", tmp_path / "map.png"
    path.write_bytes(data)
    assert run("info", path, "--map", target) == 0
    assert "quality 90 (a plane of 48 to 90" in capsys.readouterr().out
    with Image.open(target) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        drawing = np.asarray(image).astype(int)
    place = places(panels(data))[0]
    bar = drawing[place.bar_top + BAR // 2, place.left : place.left + PANEL_WIDTH]
    square = place.map_height // 4
    for row in range(4):
        for column in range(5):
            top, left = (place.map_top + row * square, place.left + column * square)
            colour = drawing[top + square // 2, left + square // 2]
            read = 1 + 99 * np.abs(bar - colour).sum(1).argmin() / (PANEL_WIDTH - 1)
            assert read == pytest.approx(QUALITY[row, column], abs=0.5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_maps_are_turned_as_the_picture(orientation: int, data: bytes) -> None:
    container = unpack(data)
    turned = pack(replace(container, header=replace(container.header, orientation=orientation)))
    for before, after in zip(panels(data), panels(turned)):
        np.testing.assert_array_equal(after.values, turned_plane(before.values, orientation))
    np.testing.assert_array_equal(panels(data)[0].values, QUALITY)
    steps, bits = (one.values for one in panels(data)[1:])
    assert steps.shape == bits.shape == (8, 10) and bits.min() > 0


def test_json_stays_json(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photo.jlic"
    path.write_bytes(data)
    assert run("info", path, "--json", "--map", tmp_path / "map.png") == 0
    assert json.loads(capsys.readouterr().out) == jndlic.info(data)
    assert (tmp_path / "map.png").is_file()


def test_what_is_refused(data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, target = tmp_path / "photo.jlic", tmp_path / "map.png"
    path.write_bytes(data)
    assert run("info", path, "--map", tmp_path / "map.mp4") == 1
    assert "unknown suffix" in capsys.readouterr().err
    target.write_text("mine")
    assert run("info", path, "--map", target) != 0
    assert "exists" in capsys.readouterr().err and target.read_text() == "mine"
    assert run("info", path, "--map", target, "-f") == 0 and target.read_bytes()[1:4] == b"PNG"
    capsys.readouterr()
    path.write_bytes(data[:-40] + bytes(40))
    assert run("info", path, "--map", tmp_path / "new.png") == 1
    assert "photo.jlic" in capsys.readouterr().err and not (tmp_path / "new.png").exists()
