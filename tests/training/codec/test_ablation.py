"""Networks without one of the ways in which the JND map acts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from small_network import SMALL

pytest.importorskip("compressai", reason="needs the [train] extra")

from jndlic.bench.studies.foreign_map import OtherMap, no_map
from jndlic.errors import ParameterError
from jndlic.jnd.own_map import own_map
from jndlic.training.codec.ablation import (
    CONSTANT_STEP,
    NO_FTM,
    SHUFFLED_MAP,
    WHOLE,
    ZERO_MAP,
    restrict,
    seen_map,
)
from jndlic.training.codec.module import CodecTraining
from jndlic.training.codec.trainable import trainable_codec


def test_constant_step_has_no_map_of_steps() -> None:
    codec = trainable_codec(SMALL)
    z_jnd, quality = torch.randint(-9, 9, (1, 4, 2, 2)).float(), torch.full((1, 2, 2), 50)
    assert codec.step_net(z_jnd, quality).std((2, 3)).max() > 0
    restrict(codec, CONSTANT_STEP)
    assert codec.step_net(z_jnd, quality).std((2, 3)).max() == 0


def test_without_ftm_the_map_gates_nothing() -> None:
    torch.manual_seed(0)
    codec = trainable_codec(SMALL)
    image, maps = 255.0 * torch.rand(1, 3, 64, 64), 20.0 * torch.rand(2, 1, 3, 64, 64)
    with torch.no_grad():
        for gate in (codec.analysis.fine_gate, codec.analysis.coarse_gate):
            gate.gates.bias.zero_()
        assert not torch.equal(*(codec.analysis(image, jnd).features for jnd in maps))
        restrict(codec, NO_FTM)
        torch.testing.assert_close(
            *(codec.analysis(image, jnd).features for jnd in maps), rtol=1e-5, atol=1e-5
        )
    assert not any(
        parameter.requires_grad for parameter in codec.synthesis.gate.candidate.parameters()
    )


def test_maps_that_are_seen() -> None:
    maps = torch.rand(3, 3, 4, 4)
    assert torch.equal(seen_map(maps, WHOLE), maps)
    assert not seen_map(maps, ZERO_MAP).any()
    assert torch.equal(seen_map(maps, SHUFFLED_MAP)[1], maps[0])


def test_training_leaves_frozen_parts_alone() -> None:
    module = CodecTraining(SMALL, lpips_weight=0.0, ablation=CONSTANT_STEP)
    batch = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8), torch.tensor([20, 80])
    loss, _ = module.loss(batch)
    loss.backward()
    assert module.codec.step_net.layers[-1].weight.grad is None
    assert module.codec.analysis.stem.weight.grad.abs().max() > 0
    with pytest.raises(ParameterError, match="ablation must be one of"):
        CodecTraining(SMALL, lpips_weight=0.0, ablation="nothing")


def test_foreign_maps(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pictures = [
        random.integers(0, 256, shape, dtype=np.uint8) for shape in ((20, 30, 3), (30, 20, 3))
    ]
    paths = [tmp_path / f"{number}.png" for number in range(2)]
    for path, pixels in zip(paths, pictures):
        Image.fromarray(pixels).save(path)
    other = OtherMap(paths)
    np.testing.assert_array_equal(other(pictures[0])[:, :20], own_map(pictures[1])[:20])
    assert other(pictures[1]).shape == pictures[1].shape
    assert not no_map(pictures[0]).any()
