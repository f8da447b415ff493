"""The trainer: loss parts, one optimiser with two groups, schedule, checkpoint, resume and
export.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from places import ROOT, SHARED
from small_network import SMALL

from jndlic.errors import ParameterError, WeightsError

lightning = pytest.importorskip("lightning", reason="needs the [train] extra")

from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.cli import LightningCLI

from jndlic import api
from jndlic.network.config import CodecConfig
from jndlic.runtime.load import load_codec, load_torch_codec
from jndlic.tensor_files import read_tensors
from jndlic.training.codec.distortion import Distortion
from jndlic.training.codec.export import (
    export_checkpoint,
    freeze,
    read_checkpoint,
    save_weights,
    trained_on,
)
from jndlic.training.codec.graphs import renew_graphs
from jndlic.training.codec.loss import balance, rate_distortion_weight, squared_error
from jndlic.training.codec.module import CodecTraining
from jndlic.training.photos.data import PhotoData

# Begins the names of configurations of other networks, in tests/jnd/test_jnd_patch.py and
# tests/training/predictors/test_judged.py.
OTHERS = "jnd-"
CONFIGS = sorted(
    path for path in (ROOT / "configs").glob("*.yaml") if not path.name.startswith(OTHERS)
)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(4):
        coarse = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(
            folder / f"{number}.png"
        )
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def trainer(folder: Path, **options: object) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        max_epochs=-1,
        limit_val_batches=1,
        num_sanity_val_steps=0,
        enable_checkpointing=False,
        **options,
    )


def data(photos: Path) -> PhotoData:
    return PhotoData(
        [str(photos)],
        crop_size=64,
        batch_size=2,
        steps_per_epoch=50,
        validation_percent=0,
        validation_photos=1,
    )


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CodecTraining]:
    """A checkpoint after a few steps, and the module that made it."""
    folder = tmp_path_factory.mktemp("run")
    lightning.seed_everything(1)
    module = CodecTraining(
        SMALL, lpips_weight=0.0, ssimulacra2_weight=1.0, jnd_weighting=0.5, warmup_steps=2
    )
    fit = trainer(folder, max_steps=6, callbacks=[EMAWeightAveraging(decay=0.5)])
    fit.fit(module, data(photos))
    path = folder / "last.ckpt"
    fit.save_checkpoint(path)
    return path, module


def test_lambda_spans_the_qualities() -> None:
    weights = rate_distortion_weight(torch.tensor([1, 100]))
    torch.testing.assert_close(weights, torch.tensor([0.00012, 0.22]), rtol=1e-4, atol=0)
    assert balance(weights[:, None, None], 0.35).prod().item() == pytest.approx(1.0)
    # The geometric mean over the places counts
    assert balance(weights[None, None], 0.35).item() == pytest.approx(1.0)


def test_weighted_error_prefers_errors_where_the_map_tolerates_them() -> None:
    reference = torch.zeros(1, 3, 2, 2)
    jnd = torch.full((1, 3, 2, 2), 2.0)
    jnd[..., 0] = 6.0  # weights 1/64 and 1/16, that is 0.4 and 1.6 when their mean is one
    image = torch.zeros_like(reference)
    image[..., 0] = 10.0
    assert squared_error(image, reference, jnd, 0.0).mean().item() == pytest.approx(50.0)
    assert squared_error(image, reference, jnd, 1.0).mean().item() == pytest.approx(20.0)
    assert squared_error(image, reference, jnd, 0.5).mean().item() == pytest.approx(35.0)


def test_errors_of_chroma_count_less_than_those_of_luma() -> None:
    reference = torch.full((1, 3, 2, 2), 100.0)
    jnd = torch.ones_like(reference)
    brighter = reference + 4.0
    other_hue = reference + torch.tensor([0.587, -0.299, 0.0]).view(3, 1, 1) * 10.0  # of equal luma
    for image, share in ((brighter, 1.0), (other_hue, 0.25)):
        plain = squared_error(image, reference, jnd, 0.5)
        weighted = squared_error(image, reference, jnd, 0.5, chroma_weight=0.25)
        torch.testing.assert_close(weighted, share * plain)
    with pytest.raises(ParameterError, match="chroma_weight"):
        Distortion(0.0, 0.0, None, 0.0, 0.0, chroma_weight=0.0)


def test_quantiles_have_their_own_group_and_are_not_clipped(
    trained: tuple[Path, CodecTraining],
) -> None:
    module = trained[1]
    main, quantiles = module.configure_optimizers().param_groups
    assert len(quantiles["params"]) == 2
    assert len(main["params"]) + 2 == len(list(module.parameters()))


def test_rate_reaches_its_floor(trained: tuple[Path, CodecTraining]) -> None:
    state = torch.load(trained[0], map_location="cpu", weights_only=True)
    rate = state["optimizer_states"][0]["param_groups"][0]["lr"]
    # five of six steps are done when the last rate is set: the cosine is at 0.067 of its range
    assert rate == pytest.approx(1e-5 + (6e-4 - 1e-5) * 0.5 * (1 + np.cos(np.pi * 5 / 6)), rel=1e-3)


def test_resume_goes_on(trained: tuple[Path, CodecTraining], photos: Path, tmp_path: Path) -> None:
    module = CodecTraining(SMALL, lpips_weight=0.0)
    fit = trainer(tmp_path, max_steps=8, callbacks=[EMAWeightAveraging(decay=0.5)])
    fit.fit(module, data(photos), ckpt_path=str(trained[0]))
    assert fit.global_step == 8


def test_export_writes_the_averaged_network(
    trained: tuple[Path, CodecTraining], tmp_path: Path
) -> None:
    path = export_checkpoint(trained[0], tmp_path / "small.safetensors", "small")
    codec, light = load_torch_codec(path), load_codec(path, backend="onnx")
    assert codec.name == "small"
    assert (
        codec.trained_on == trained_on(trained[0])
        and "psnr-rgb" in codec.trained_on
        and "lpips-squeeze" not in codec.trained_on
    )
    state, config = read_checkpoint(trained[0])
    assert config == SMALL
    torch.testing.assert_close(
        codec.network.analysis.stem.weight,
        state["codec.analysis.stem.weight"],
        rtol=1e-3,
        atol=1e-4,
    )
    picture = np.random.default_rng(1).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    restored = api.decode(api.encode(picture, quality=70, codec=codec), codec=codec)
    assert restored.size == (70, 40)
    # The graphs are of the same network
    other = api.decode(api.encode(picture, quality=70, codec=light), codec=light)
    assert np.abs(np.asarray(restored).astype(int) - np.asarray(other)).mean() < 0.1


def test_graphs_are_traced_anew(trained: tuple[Path, CodecTraining], tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    export_checkpoint(trained[0], path, "small", with_graphs=False)
    before = read_tensors(path)
    renew_graphs(path)
    tensors, metadata = read_tensors(path)
    assert metadata == before[1]
    graphs = {name for name in tensors if name.startswith("graphs.")}
    assert "graphs.analysis-fine" in graphs and tensors.keys() - graphs == before[0].keys()
    for name, value in before[0].items():
        np.testing.assert_array_equal(tensors[name], value, strict=True)
    picture = np.random.default_rng(1).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    light, full = load_codec(path, backend="onnx"), load_torch_codec(path)
    drawn = (api.imread(api.encode(picture, 70, codec=each), codec=each) for each in (light, full))
    assert np.abs(np.subtract(*drawn, dtype=int)).mean() < 0.1


def test_weights_tell_the_metrics_of_their_loss(
    trained: tuple[Path, CodecTraining], tmp_path: Path
) -> None:
    content = torch.load(trained[0], map_location="cpu", weights_only=True)
    content["hyper_parameters"] |= {
        "ms_ssim_weight": 2.0,
        "lpips_weight": 0.5,
        "ssimulacra2_weight": 0.0,
    }
    torch.save(content, tmp_path / "other.ckpt")
    marked = load_codec(
        export_checkpoint(tmp_path / "other.ckpt", tmp_path / "small.safetensors", "small", False)
    )
    assert marked.trained_on == ("psnr-rgb", "ms-ssim-rgb", "lpips-squeeze")
    content["hyper_parameters"] |= {
        "lpips_weight": 0.0,
        "start_from": str(tmp_path / "small.safetensors"),
    }
    torch.save(content, tmp_path / "next.ckpt")
    # What it started from has left its mark
    assert trained_on(tmp_path / "next.ckpt") == marked.trained_on
    silent = load_codec(
        save_weights(
            trained[1].codec,
            trained[1].entropy,
            tmp_path / "silent.safetensors",
            "silent",
            with_graphs=False,
        )
    )
    assert silent.trained_on == ()


def test_training_goes_on_from_exported_weights(
    trained: tuple[Path, CodecTraining], tmp_path: Path
) -> None:
    path = export_checkpoint(trained[0], tmp_path / "small.safetensors", "small", False)
    module = CodecTraining(SMALL, start_from=str(path), lpips_weight=0.0)
    state, _ = read_checkpoint(trained[0])
    for name, value in module.state_dict().items():
        if (
            not name.endswith(("._offset", "._quantized_cdf", "._cdf_length"))
            and "median" not in name
        ):
            torch.testing.assert_close(value, state[name], rtol=1e-3, atol=1e-4)
    with pytest.raises(WeightsError):
        CodecTraining(CodecConfig(), start_from=str(path), lpips_weight=0.0)


def test_frozen_networks_choose_the_same_tables(trained: tuple[Path, CodecTraining]) -> None:
    module = trained[1]
    frozen = freeze(module.codec, module.entropy)
    z = torch.randint(-9, 10, (1, SMALL.hyper_channels, 2, 2)).float()
    quality = torch.randint(1, 101, (1, 4, 4))
    assert torch.equal(frozen.scale_net(z, quality), module.codec.scale_net(z, quality).detach())


def test_foreign_checkpoints_are_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(WeightsError):
        export_checkpoint(tmp_path / "other.ckpt", tmp_path / "x.safetensors", "x")
    with pytest.raises(WeightsError, match="name"):
        export_checkpoint(
            tmp_path / "other.ckpt",
            tmp_path / "x.safetensors",
            "much too long a name for a model here",
        )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_shipped_configurations_are_valid(
    path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trunk = SHARED / "data" / "lpips" / "squeeze.backbone.pth"
    if not trunk.is_file():
        pytest.skip("the configuration's LPIPS term needs the SqueezeNet trunk")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py"])
    main = str(path.with_name("jndlic.yaml"))  # the others are laid over it
    parsed = LightningCLI(
        CodecTraining, PhotoData, run=False, args=["--config", main, "--config", str(path)]
    )
    assert parsed.model.hparams.learning_rate > 0


def test_the_end_of_a_training_is_kept(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ModelCheckpoint saves every second step; the third and last step is in the checkpoint too,
    averaged.
    """
    from jndlic.training.codec.commands import train

    sizes = [
        f"--model.config.{name}={value}"
        for name, value in SMALL.to_dict().items()
        if isinstance(value, int)
    ]
    checkpoint = "lightning.pytorch.callbacks.ModelCheckpoint"
    options = [
        *(
            f"--data.{option}"
            for option in (
                f'folders=["{photos}"]',
                "crop_size=64",
                "batch_size=2",
                "validation_percent=0",
            )
        ),
        *(
            f"--trainer.{option}"
            for option in ("max_steps=3", "logger=false", "accelerator=cpu", "limit_val_batches=0")
        ),
        "--model.lpips_weight=0",
        *sizes,
        "--trainer.callbacks+=lightning.pytorch.callbacks.EMAWeightAveraging",
        f"--trainer.callbacks+={checkpoint}",
        f"--trainer.callbacks.dirpath={tmp_path}",
        "--trainer.callbacks.save_last=true",
        "--trainer.callbacks.save_top_k=0",
        "--trainer.callbacks.every_n_train_steps=2",
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", "fit", *options])
    train()
    content = torch.load(tmp_path / "last.ckpt", map_location="cpu", weights_only=True)
    assert content["global_step"] == 3 and "averaging_state" in content
