"""The training benchmark measures what it says; how fast is no matter of a test."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("lightning", reason="needs the [train] extra")

from small_network import SMALL

from jndlic.training.codec import speed
from jndlic.training.codec.module import CodecTraining


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    pixels = np.random.default_rng(0).integers(0, 256, (100, 90, 3), dtype=np.uint8)
    for number in range(3):
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_loop_trains_and_is_timed_by_stages() -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, lpips_weight=0.0)
    before = module.codec.analysis.stem.weight.detach().clone()
    batch = (torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8), torch.tensor([20, 80]))
    rate = speed.Loop(module, repeat(batch), torch.device("cpu"), torch.float32).measure(
        "ours", 2, 2
    )
    assert rate.images_per_second > 0
    assert tuple(rate.shares) == speed.STAGES and sum(rate.shares.values()) == pytest.approx(1.0)
    assert min(rate.shares.values()) >= 0 and rate.shares["backward"] > rate.shares["data"]
    assert not torch.equal(before, module.codec.analysis.stem.weight)
    table = speed.format_table(
        [rate, rate._replace(name="plain", images_per_second=rate.images_per_second / 2)]
    )
    assert "ours / plain: 2.00" in table


def test_plain_crops(folder: Path) -> None:
    crop, quality = speed.FileCrops(sorted(folder.glob("*.png")), 64, 5)[3]
    assert crop.shape == (3, 64, 64) and crop.dtype == torch.uint8 and 1 <= quality <= 100


def test_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "speed.json"
    arguments = [
        "--crop-size",
        "64",
        "--batch-size",
        "1",
        "--steps",
        "1",
        "--plain-steps",
        "1",
        "--lpips-weight",
        "0",
        "--ssimulacra2-weight",
        "0",
        "--device",
        "cpu",
        "--json",
        str(report),
    ]
    assert speed.main([str(folder), *arguments]) == 0
    assert "ours / plain" in capsys.readouterr().out and '"plain"' in report.read_text()
    assert speed.main([str(tmp_path / "absent"), *arguments]) == 2
    assert "not a folder" in capsys.readouterr().err
