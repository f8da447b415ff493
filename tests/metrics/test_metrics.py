"""Metrics against known values, codecs under test, and the evaluation of a folder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from places import SHARED

pytest.importorskip("torch")

from jndlic.bench.run import evaluate
from jndlic.codecs.registry import open_codec
from jndlic.errors import ImageError, ParameterError
from jndlic.images.folders import find_images
from jndlic.metrics import registry as metrics
from jndlic.metrics.ms_ssim import ms_ssim
from jndlic.metrics.psnr import psnr
from jndlic.metrics.ssimulacra2_package import ssimulacra2

DATA = SHARED / "data"
KODIM23 = DATA / "kodak" / "kodim23.png"
TRUNK = DATA / "lpips" / "squeeze.backbone.pth"


def _noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_psnr_by_hand() -> None:
    black = np.zeros((4, 4, 3), np.uint8)
    assert psnr(black, black) == math.inf
    assert psnr(black, black + np.uint8(255)) == 0.0
    assert psnr(black, black + np.uint8(1)) == pytest.approx(48.1308, abs=1e-4)


def test_best_values_and_small_pictures() -> None:
    pytest.importorskip("pytorch_msssim")
    pytest.importorskip("ssimulacra2")
    a, b = _noise(161, 170), _noise(161, 170, seed=1)
    assert ms_ssim(a, a) == pytest.approx(1.0) and ms_ssim(a, b) < 0.5
    assert ssimulacra2(a, a) == pytest.approx(100.0) and ssimulacra2(a, b) < 0
    assert math.isnan(ms_ssim(a[:160], b[:160]))


def test_wrong_arguments_are_refused() -> None:
    a = _noise(8, 8)
    for b in (a[:, :7], a.astype(np.float32), a[..., 0]):
        with pytest.raises(ParameterError):
            psnr(a, b)
    with pytest.raises(ParameterError, match="no metric vmaf"):
        metrics.select(["psnr-rgb", "vmaf"])


@pytest.mark.skipif(not (KODIM23.exists() and TRUNK.exists()), reason="no ../shared/data")
def test_known_values_of_a_photo() -> None:
    pixels = np.asarray(Image.open(KODIM23).convert("RGB"))
    jpeg = open_codec("jpeg")
    decoded = jpeg.decode(jpeg.encode(pixels, 50))
    chosen = metrics.select(metrics.USUAL, TRUNK)
    values = {name: metric(pixels, decoded) for name, metric in chosen.items()}
    assert values["lpips-squeeze"] == pytest.approx(0.128, abs=1.5e-3)
    assert 30 < values["psnr-rgb"] < 36 and 0.95 < values["ms-ssim-rgb"] < 0.99


def test_evaluation_of_a_folder(tmp_path: Path) -> None:
    ramp = np.add.outer(np.arange(48), np.arange(64))[..., None] * np.array([1, 2, 1])
    pictures = (_noise(40, 33), ramp.astype(np.uint8))
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    jpeg = open_codec("jpeg")
    results = evaluate.evaluate(jpeg, find_images(tmp_path), [20, 50, 80], {"psnr-rgb": psnr})
    assert results["quality"] == [20, 50, 80] and results["bpp"] == sorted(results["bpp"])
    sizes = [
        8 * len(jpeg.encode(pixels, 50)) / (pixels.shape[0] * pixels.shape[1])
        for pixels in pictures
    ]
    assert results["bpp"][1] == pytest.approx(np.mean(sizes))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError):
        find_images(tmp_path / "empty")


def test_ms_ssim_of_flat_pictures_by_hand() -> None:
    """Without contrast only luminance counts, at the coarsest of five scales: ((2ab + C1) / (a^2 +
    b^2 + C1))^0.1333, C1 = 2.55^2.
    """
    pytest.importorskip("pytorch_msssim")
    a, b = (np.full((176, 176, 3), level, np.uint8) for level in (100, 50))
    wanted = ((2 * 100 * 50 + 2.55**2) / (100**2 + 50**2 + 2.55**2)) ** 0.1333
    assert ms_ssim(a, b) == pytest.approx(wanted, abs=1e-4)


def test_every_metric_says_what_it_is() -> None:
    pytest.importorskip("pycvvdp", reason="needs the [bench] extra")
    pytest.importorskip("piq")
    assert set(metrics.TITLES) == set(metrics.NAMES)
    for name in metrics.NAMES:
        assert metrics.made_by(name)
