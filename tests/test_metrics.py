"""Metrics against known values, codecs under test, and the evaluation of a folder."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from jndlic.bench import evaluate, metrics  # noqa: E402
from jndlic.bench.codecs import Jpeg, open_codec  # noqa: E402
from jndlic.errors import ParameterError  # noqa: E402

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
KODIM23 = DATA / "kodak" / "kodim23.png"
TRUNK = DATA / "lpips" / "squeeze.backbone.pth"


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_psnr_by_hand() -> None:
    black = np.zeros((4, 4, 3), np.uint8)
    assert metrics.psnr(black, black) == math.inf
    assert metrics.psnr(black, black + np.uint8(255)) == 0.0
    assert metrics.psnr(black, black + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)


def test_best_values_and_small_pictures() -> None:
    pytest.importorskip("pytorch_msssim")
    pytest.importorskip("ssimulacra2")
    a, b = _noise(161, 170), _noise(161, 170, seed=1)
    assert metrics.ms_ssim(a, a) == pytest.approx(1.0) and metrics.ms_ssim(a, b) < 0.5
    assert metrics.ssimulacra2(a, a) == pytest.approx(100.0) and metrics.ssimulacra2(a, b) < 0
    assert math.isnan(metrics.ms_ssim(a[:160], b[:160]))


def test_wrong_arguments_are_refused() -> None:
    a = _noise(8, 8)
    for b in (a[:, :7], a.astype(np.float32), a[..., 0]):
        with pytest.raises(ParameterError):
            metrics.psnr(a, b)
    with pytest.raises(ParameterError, match="no metric vmaf"):
        metrics.select(["psnr-rgb", "vmaf"])
    with pytest.raises(ParameterError):
        open_codec("bpg")
    with pytest.raises(ParameterError):
        open_codec("jpeg", "file.safetensors")


@pytest.mark.skipif(not (KODIM23.exists() and TRUNK.exists()), reason="no ../shared/data")
def test_known_values_of_a_photo() -> None:
    pixels = np.asarray(Image.open(KODIM23).convert("RGB"))
    jpeg = Jpeg()
    decoded = jpeg.decode(jpeg.encode(pixels, 50))
    chosen = metrics.select(metrics.USUAL, TRUNK)
    values = {name: metric(pixels, decoded) for name, metric in chosen.items()}
    assert values["lpips-squeeze"] == pytest.approx(0.128, abs=1.5e-3)
    assert 30 < values["psnr-rgb"] < 36 and 0.95 < values["ms-ssim-rgb"] < 0.99


def test_evaluation_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("bjontegaard")
    ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.array([1, 2, 1])
    for number, pixels in enumerate((_noise(40, 33), ramp.astype(np.uint8))):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    out, anchor = tmp_path / "out.json", tmp_path / "anchor.json"
    options = ["--images", str(tmp_path), "--qualities", "20,50,80", "--metrics", "psnr-rgb"]
    assert evaluate.main([*options, "--codec", "jpeg444", "--out", str(anchor)]) == 0
    arguments = [*options, "--codec", "jpeg", "--out", str(out), "--anchor", str(anchor)]
    assert evaluate.main(arguments) == 0
    content = json.loads(out.read_text())
    results = content["results"]
    assert content["name"].startswith("JPEG") and results["quality"] == [20, 50, 80]
    jpeg, sizes = Jpeg(), []
    for pixels in (_noise(40, 33), ramp.astype(np.uint8)):
        sizes.append(8 * len(jpeg.encode(pixels, 50)) / (pixels.shape[0] * pixels.shape[1]))
    assert results["bpp"][1] == pytest.approx(np.mean(sizes), abs=1e-5)
    assert results["bpp"] == sorted(results["bpp"])
    assert "BD-rate" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    empty = ["--images", str(tmp_path / "empty"), "--codec", "jpeg", "--out", str(out)]
    assert evaluate.main(empty) == 1
    assert evaluate.main([*options, "--out", str(out), "--anchor", str(tmp_path / "0.png")]) == 2
