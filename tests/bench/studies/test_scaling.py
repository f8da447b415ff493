"""The study of sizes, on its smallest pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jndlic.bench.studies.scaling import JOBS, main, size_of, write_picture


def test_sizes() -> None:
    for megapixels in (0.02, 1, 24, 100):
        width, height = size_of(megapixels)
        assert width % 64 == height % 64 == 0
        assert width * height == pytest.approx(
            megapixels * 1e6, rel=0.35 if megapixels < 1 else 0.05
        )


def test_picture(tmp_path: Path) -> None:
    pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    write_picture(tmp_path / "a.ppm", 1300, 900)
    with Image.open(tmp_path / "a.ppm") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (900, 1300, 3)
    assert not np.array_equal(pixels[:400, :600], pixels[400:800, :600])


def test_whole_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    output, picture = tmp_path / "scaling.json", tmp_path / "scaling.png"
    words = ["--megapixels", "0.02", "0.05", "--json", str(output), "--plot", str(picture)]
    assert main([*words, "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    jobs = json.loads(output.read_text())["results"]
    assert [job["name"] for job in jobs] == [*JOBS, *JOBS]
    assert all(name in printed for name in JOBS)
    assert all(job["seconds"] > 0 and job["peak_bytes"] > 20 << 20 for job in jobs)
    with Image.open(picture) as drawn:
        assert drawn.size == (1000, 400)
