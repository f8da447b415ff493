"""CompressAI's networks in our trainer, as codecs with files, and experiments of several runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT

lightning = pytest.importorskip("lightning", reason="needs the [train] extra")

from jndlic.bench.run.bdrate import Curve
from jndlic.bench.studies import experiment
from jndlic.codecs.compressai_model import NAMES, build
from jndlic.codecs.registry import open_codec
from jndlic.errors import FormatError, ParameterError, WeightsError
from jndlic.training.codec.baseline import BaselineTraining


@pytest.fixture(scope="module", params=NAMES)
def checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, BaselineTraining]:
    torch.manual_seed(0)
    module = BaselineTraining(
        request.param,
        quality=60,
        channels=8,
        latent_channels=12,
        lpips_weight=0.0,
        learning_rate=3e-3,
    )
    optimiser = module.configure_optimizers()
    batch = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8), torch.tensor([1, 1])
    losses = []
    for _ in range(12):
        loss, parts = module.loss(batch)
        (loss + module.quantile_loss()).backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] and parts["bpp"] > 0
    path = tmp_path_factory.mktemp(request.param) / "last.ckpt"
    torch.save({"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}, path)
    return path, module


def test_files_hold_what_the_network_makes(checkpoint: tuple[Path, BaselineTraining]) -> None:
    codec = open_codec(f"checkpoint:checkpoint={checkpoint[0]}")
    pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
    data = codec.encode(pixels, 0)
    assert sum(codec.parts(data).values()) == len(data) - 8
    decoded = codec.decode(data)
    assert decoded.shape == pixels.shape and decoded.dtype == np.uint8
    image = torch.tensor(pixels).permute(2, 0, 1)[None].float() / 255
    image = torch.nn.functional.pad(image, (0, 38, 0, 58), mode="replicate")
    with torch.inference_mode():
        wanted = (
            codec._network(image)["x_hat"][0, :, :70, :90].clamp(0, 1).permute(1, 2, 0).numpy()
            * 255
        )
    assert np.abs(wanted - decoded).max() < 0.6
    with pytest.raises(FormatError):
        codec.decode(data[:5])


def test_one_rate_starts_from_another(
    checkpoint: tuple[Path, BaselineTraining], tmp_path: Path
) -> None:
    path, module = checkpoint
    name = module.hparams.architecture
    network = build(name, 8, 12, path)
    torch.testing.assert_close(network.g_a[0].weight, module.network.g_a[0].weight)
    with pytest.raises(WeightsError, match="another network"):
        build(next(other for other in NAMES if other != name), 8, 12, path)
    (tmp_path / "broken.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(WeightsError):
        build(name, 8, 12, tmp_path / "broken.ckpt")
    with pytest.raises(ParameterError, match="architecture"):
        build("cheng2020", 8, 12)
    with pytest.raises(WeightsError):
        open_codec(f"checkpoint:checkpoint={tmp_path / 'broken.ckpt'}")


def test_merged_options() -> None:
    base = {"model": {"a": 1, "b": {"c": 2}}}
    assert experiment.merged(base, {"model.b.c": 3, "trainer.x": 4}) == {
        "model": {"a": 1, "b": {"c": 3}},
        "trainer": {"x": 4},
    }
    assert base["model"]["b"]["c"] == 2


def test_points_of_one_curve_are_joined() -> None:
    curves = [
        Curve("b", "", {"bpp": [2.0], "psnr-rgb": [30.0]}),
        Curve("a", "", {"bpp": [1.0], "psnr-rgb": [20.0]}),
        Curve("b", "", {"bpp": [1.0], "psnr-rgb": [25.0]}),
    ]
    first, second = experiment.joined(curves)
    assert first.results == {"bpp": [1.0, 2.0], "psnr-rgb": [25.0, 30.0]} and second.name == "a"


def test_an_experiment_trains_measures_and_goes_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        coarse = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(
            photos / f"{number}.png"
        )
    tiny = {
        "latent_channels": 16,
        "detail_channels": 4,
        "hyper_channels": 8,
        "jnd_channels": 4,
        "fine_channels": 16,
        "coarse_channels": 16,
        "context_channels": 16,
    }
    description = {
        "base": str(ROOT / "configs" / "jndlic.yaml"),
        "options": {
            "trainer.max_steps": 2,
            "trainer.val_check_interval": 2,
            "trainer.limit_val_batches": 1,
            "data.crop_size": 64,
            "data.batch_size": 2,
            "model.lpips_weight": 0.0,
        },
        "qualities": [30, 90],
        "metrics": ["psnr-rgb"],
        "runs": [
            {"name": "zero", "options": {"model.ablation": "zero-map", "model.config": tiny}},
            {
                "name": "rival-60",
                "curve": "rival",
                "trainer": "baseline",
                "options": {"model.channels": 8, "model.latent_channels": 8},
            },
        ],
    }
    path = tmp_path / "tiny.yaml"
    path.write_text(json.dumps(description))
    arguments = [
        str(path),
        "--photos",
        str(photos),
        "--images",
        str(photos),
        "--folder",
        str(tmp_path / "runs"),
        "--out",
        str(tmp_path / "out.json"),
        "--set",
        "data.steps_per_epoch=2",
    ]
    assert experiment.main(arguments) == 0
    curves = json.loads((tmp_path / "out.json").read_text())["curves"]
    assert [len(curve["results"]["bpp"]) for curve in curves] == [2, 1]
    assert all(value > 0 for curve in curves for value in curve["results"]["bpp"])
    assert "training zero" in capfd.readouterr().out
    assert experiment.main(arguments) == 0  # nothing is left to do
    assert "training" not in capfd.readouterr().out


def test_descriptions_that_do_not_hold_together() -> None:
    for run in (
        {"name": "a", "start_from": "b"},
        {"name": "a", "option": {}},
        {"name": "a", "trainer": "other"},
    ):
        with pytest.raises(ParameterError):
            experiment.Experiment({"runs": [run]}, [], Path("."))
