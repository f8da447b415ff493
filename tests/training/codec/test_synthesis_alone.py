"""Training that moves the synthesis alone, and perceptual terms that look at a part of a batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_network import SMALL

pytest.importorskip("lightning", reason="needs the [train] extra")

from jndlic import api
from jndlic.errors import ParameterError
from jndlic.runtime.load import load_codec
from jndlic.training.codec.distortion import Distortion
from jndlic.training.codec.export import save_weights
from jndlic.training.codec.module import CodecTraining

OPTIONS = {"lpips_weight": 0.0, "ssimulacra2_weight": 1.0}


def exported(module: CodecTraining, path: Path) -> Path:
    return save_weights(module.codec, module.entropy, path, "small", with_graphs=False)


def test_files_keep_every_byte_and_the_picture_changes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = CodecTraining(SMALL, parts="synthesis", warmup_steps=1, **OPTIONS)
    before = load_codec(exported(module, tmp_path / "before.safetensors"))
    optimiser = module.configure_optimizers()
    for _ in range(3):
        loss, _ = module.loss((torch.randint(0, 256, (2, 3, 64, 64)), torch.tensor([40, 80])))
        (loss + module.quantile_loss()).backward()
        optimiser.step()
        optimiser.zero_grad()
    after = load_codec(exported(module, tmp_path / "after.safetensors"))
    picture = np.random.default_rng(2).integers(0, 256, (70, 66, 3), dtype=np.uint8)
    files = [api.encode(picture, 60, codec=codec, patches=False) for codec in (before, after)]
    assert files[0] == files[1]
    old, new = (np.asarray(api.decode(files[0], codec=codec)) for codec in (before, after))
    assert (old != new).mean() > 0.1


def test_only_the_synthesis_has_gradients() -> None:
    module = CodecTraining(SMALL, parts="synthesis", optimizer="muon", **OPTIONS)
    assert {
        name.split(".")[1] for name, value in module.named_parameters() if value.requires_grad
    } == {"synthesis"}
    assert not module.entropy.training and not module.train().entropy.training
    assert CodecTraining(SMALL, **OPTIONS).entropy.training
    with pytest.raises(ParameterError, match="parts"):
        CodecTraining(SMALL, parts="analysis", **OPTIONS)


def test_a_share_of_the_batch_stands_for_all_of_it() -> None:
    torch.manual_seed(1)
    image = torch.rand(4, 3, 64, 64) * 255
    decoded = (image + 8 * torch.randn_like(image)).clamp(0, 255)
    jnd, weight = torch.ones_like(image), torch.full((4, 2, 2), 0.01)

    def total(share: float) -> torch.Tensor:
        distortion = Distortion(0.0, 0.0, None, 10.0, 0.0, perceptual_share=share)
        return distortion(decoded, image, jnd, weight)[0]

    with torch.no_grad():  # where the loss is only looked at, all are
        plain = Distortion(0.0, 0.0, None, 0.0, 0.0)(decoded, image, jnd, weight)[0]
        whole = total(0.25) - plain
    seen = [total(0.25) - plain for _ in range(40)]
    chosen = [int(part.argmax()) for part in seen]
    assert set(chosen) == {0, 1, 2, 3}
    for number, part in zip(chosen, seen, strict=True):
        expected = torch.zeros(4)
        expected[number] = 4.0 * whole[number]
        torch.testing.assert_close(part, expected, rtol=1e-3, atol=1e-5)
    for share in (0.0, 1.5):
        with pytest.raises(ParameterError, match="perceptual_share"):
            Distortion(0.0, 0.0, None, 10.0, 0.0, perceptual_share=share)
