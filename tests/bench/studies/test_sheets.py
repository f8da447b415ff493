"""Sheets of details at equal sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sheets = pytest.importorskip("jndlic.bench.studies.sheets", reason="needs the [bench] extra")

from jndlic.codecs.registry import open_codec


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    coarse = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((360, 300), Image.Resampling.BICUBIC).save(
        tmp_path / "hills.png"
    )
    return tmp_path


def test_level_is_the_nearest(folder: Path) -> None:
    pixels = np.array(Image.open(folder / "hills.png"))
    codec = open_codec("jpeg")
    sizes = {level: len(codec.encode(pixels, level)) for level in range(1, 101)}
    wanted = 0.5 * (sizes[40] + sizes[41]) + 1
    level, data = sheets.nearest_level(codec, pixels, 8 * wanted / (300 * 360))
    assert abs(len(data) - wanted) == min(abs(size - wanted) for size in sizes.values()) and sizes[
        level
    ] == len(data)


def run(folder: Path, details: Path) -> int:
    """The command, with JPEG alone."""
    words = ["--details", str(details), "--out", str(folder / "out"), "--codecs", "jpeg"]
    return sheets.main([str(folder), *words])


def test_command_writes_a_sheet_of_real_pixels(folder: Path) -> None:
    details = folder / "details.json"
    details.write_text(json.dumps({"hills.png": [64, 16]}), encoding="utf-8")
    assert run(folder, details) == 0
    image = Image.open(folder / "out" / "hills.webp")
    assert image.size == (2 * 260, 3 * 276)
    original = np.array(Image.open(folder / "hills.png"))[16:272, 64:320].astype(float)
    shown = np.array(image.convert("RGB"))[16:272, :256].astype(float)
    assert np.abs(original - shown).mean() < 6.0


def test_details_beyond_the_picture_are_refused(folder: Path) -> None:
    details = folder / "details.json"
    for text in ('{"hills.png": [200, 16]}', '{"hills.png": 5}', "[]"):
        details.write_text(text, encoding="utf-8")
        assert run(folder, details) == 2
