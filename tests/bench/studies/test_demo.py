"""The demonstration and its maps."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jndlic
from jndlic.bench.report.maps import step_map, to_pixels
from jndlic.bench.studies.demo import demo_photo, jpeg_of_size, main, measured
from jndlic.network.rules import LOG_RATIO


def test_step_map_is_relative_to_its_mean() -> None:
    steps = np.zeros((4, 1, 2), dtype=np.int32)
    steps[:, 0, 1] = 2
    np.testing.assert_allclose(step_map(steps), np.exp([[-LOG_RATIO, LOG_RATIO]]))


def test_to_pixels_cuts_the_padding() -> None:
    pixels = to_pixels(np.arange(6.0).reshape(2, 3), 17, 40)
    assert pixels.shape == (17, 40)
    assert (pixels[0, 15], pixels[0, 16], pixels[16, 39]) == (0.0, 1.0, 5.0)


def test_jpeg_of_size_is_the_best_that_fits() -> None:
    photo = demo_photo()[:96, :160]
    quality, data = jpeg_of_size(photo, 4000)
    assert 3000 < len(data) <= 4000
    larger = io.BytesIO()
    Image.fromarray(photo).save(
        larger, "JPEG", quality=quality + 1, optimize=True, subsampling="4:2:0"
    )
    assert len(larger.getvalue()) > 4000
    assert jpeg_of_size(photo, 1)[0] == 1


def test_judge_knows_an_exact_copy() -> None:
    photo = demo_photo()[:64, :64]
    result = measured("copy", bytes(64), photo, photo)
    assert result.bpp == pytest.approx(8 * 64 / 64**2)
    assert result.psnr == float("inf")
    assert result.ssimulacra2 == pytest.approx(100.0)


def test_demo_writes_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["--quality", "30", "--picture-quality", "30", "--out", str(tmp_path / "demo")]) == 0
    )
    data = (tmp_path / "demo" / "coffee-q30.jlic").read_bytes()
    restored = np.asarray(Image.open(tmp_path / "demo" / "coffee-q30.png"))
    np.testing.assert_array_equal(restored, np.asarray(jndlic.decode(data)))
    assert restored.shape == demo_photo().shape
    with Image.open(tmp_path / "demo" / "demo.png") as picture:
        assert picture.width >= 1200
    text = capsys.readouterr().out
    assert f"{len(data):,d} bytes" in text
    assert "JPEG" in text


def test_missing_photo_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--image", str(tmp_path / "none.png"), "--out", str(tmp_path)]) == 1
    assert "none.png" in capsys.readouterr().err
