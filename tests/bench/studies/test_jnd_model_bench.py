"""The comparison of JND models: noise of equal energy, and what is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

for needed in ("torch", "matplotlib", "tqdm", "ssimulacra2", "skimage"):
    pytest.importorskip(needed, reason="needs the [bench] extra")

from jndlic.bench.studies import jnd_models
from jndlic.errors import ParameterError
from jndlic.jnd.models import tolerance_map
from jndlic.metrics.psnr import psnr
from jndlic.metrics.ssimulacra2_package import ssimulacra2


def test_noise_reaches_its_energy(photo: np.ndarray) -> None:
    pixels = photo[:96, :96]
    for jnd in (tolerance_map(pixels), 0.2 * np.ones(pixels.shape, np.float32)):
        for target in (25.0, 35.0):
            # levels are whole after rounding, so that a flat map moves in steps of one
            assert psnr(pixels, jnd_models.noise_of_energy(pixels, jnd, target)) == pytest.approx(
                target, abs=1.6
            )
    assert psnr(
        pixels, jnd_models.noise_of_energy(pixels, tolerance_map(pixels), 30.0)
    ) == pytest.approx(30.0, abs=0.02)
    with pytest.raises(ParameterError, match="no level"):
        jnd_models.noise_of_energy(pixels, np.zeros(pixels.shape, np.float32))


def test_report(
    photo: np.ndarray,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jnd_models, "LARGE", (80, 90))
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.fromarray(photo[50:146, 150:278]).save(folder / "a.png")
    out, picture = tmp_path / "out.json", tmp_path / "maps.png"
    arguments = [
        "--images",
        str(folder),
        "--models",
        "namm",
        "klt",
        "--metrics",
        "ssimulacra2",
        "--out",
        str(out),
        "--picture",
        str(picture),
    ]
    assert jnd_models.main(arguments) == 0
    models = json.loads(out.read_text())["models"]
    assert list(models) == ["even", "namm", "klt"]
    pixels = np.asarray(Image.open(folder / "a.png"))
    noisy = jnd_models.noise_of_energy(pixels, tolerance_map(pixels, "klt"))
    assert models["klt"]["ssimulacra2"] == pytest.approx(ssimulacra2(pixels, noisy), abs=1e-3)
    assert (
        models["namm"]["seconds for 12 megapixels"] > 0
        and "psnr at threshold" not in models["even"]
    )
    with Image.open(picture) as drawn:
        assert drawn.width > 600
    assert "klt" in capsys.readouterr().out
