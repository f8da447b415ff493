"""The quality as the networks read it, and the parts of the network that begin without effect."""

from __future__ import annotations

import pytest
import torch

from jndlic.errors import WeightsError
from jndlic.network.codec import Codec
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import StepNet
from jndlic.network.quality import (
    QualityGain,
    coarser_planes,
    quality_hats,
    quality_plane,
    quality_planes,
    quality_weights,
)
from jndlic.training.codec.trainable import trainable_codec

SIZES = {
    "latent_channels": 32,
    "detail_channels": 8,
    "hyper_channels": 16,
    "jnd_channels": 4,
    "fine_channels": 16,
    "coarse_channels": 24,
    "context_channels": 24,
}
SMALL = CodecConfig(**SIZES)
PLAIN = CodecConfig(**SIZES, context_blocks=0, lapped_kernel=1, pixel_blocks=0)


def test_hats_share_each_place_out() -> None:
    every = torch.arange(1, 101).view(1, 10, 10)
    assert quality_hats(every).sum(1).unique().tolist() == [99]
    assert quality_hats(every)[0, :, 0, 0].tolist() == [99] + 7 * [0] and quality_hats(every)[
        0, :, 9, 9
    ].tolist() == 7 * [0] + [99]
    torch.testing.assert_close(quality_weights(every).sum(1), torch.ones(1, 10, 10))
    planes = quality_planes(every)
    assert torch.equal(planes, planes.round()) and planes.min() == 0 and planes.max() == 16


def test_coarser_planes_round_halves_up_and_keep_what_is_constant() -> None:
    planes = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(1, 8, 1, 1)
    assert coarser_planes(planes).unique().tolist() == [1.0]
    constant = quality_planes(quality_plane(torch.tensor([37]), 4, 6))
    assert torch.equal(coarser_planes(constant), constant[..., :2, :3])


def test_gain_of_a_step_is_that_of_its_place() -> None:
    torch.manual_seed(0)
    net = StepNet(SMALL)
    net.gain.copy_(torch.arange(100, 0, -1, dtype=torch.int16)[:, None].expand(-1, 32))
    plane = torch.full((1, 4, 4), 60)
    plane[0, 1, 2] = 90
    step = net(torch.zeros(1, 4, 4, 4), plane)
    assert step[0, :, 2:4, 4:6].unique().tolist() == [11.0]
    step[0, :, 2:4, 4:6] = 41.0
    assert step.unique().tolist() == [41.0]


def test_gain_by_quality_begins_without_effect_and_acts_where_it_should() -> None:
    gain, features = QualityGain(3), torch.randn(1, 3, 8, 8)
    weights = quality_weights(torch.tensor([[[1, 1], [1, 100]]]))
    assert torch.equal(gain(features, weights), features)
    torch.nn.init.zeros_(gain.modulation.weight)
    with torch.no_grad():
        gain.modulation.weight[:3, 7] = 1.0
        changed = gain(features, weights) - features
    assert torch.equal(changed[..., 4:, 4:], features[..., 4:, 4:])
    assert not changed[..., :4, :].any() and not changed[..., 4:, :4].any()


def test_weights_of_a_smaller_network_mean_the_same_in_a_larger_one() -> None:
    export = pytest.importorskip("jndlic.training.codec.export", reason="needs the [train] extra")
    torch.manual_seed(0)
    small, large = trainable_codec(PLAIN), trainable_codec(SMALL)
    large.load_state_dict(export.grown(small.state_dict(), large.state_dict()))
    image, quality = 255.0 * torch.rand(1, 3, 64, 64), torch.tensor([[[20, 30], [40, 90]]])
    results = []
    for codec in (small, large):
        with torch.no_grad():
            latent = codec.analysis.latent(*codec.analysis(image, image / 20.0)[:2], quality)
            z, z_jnd = codec.hyper_analysis(latent, quality).round(), torch.zeros(1, 4, 2, 2)
            mean, decoded = codec.context(z, z_jnd, quality, lambda phase, mean: mean + 1.0)
            results.append(
                (latent, mean, codec.synthesis(decoded, torch.zeros_like(decoded), quality))
            )
    for before, after in zip(*results):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-3)


def test_grown_weights_of_other_sizes_are_refused() -> None:
    export = pytest.importorskip("jndlic.training.codec.export", reason="needs the [train] extra")
    other = trainable_codec(CodecConfig(**SIZES | {"fine_channels": 20}))
    codec = trainable_codec(SMALL)
    with pytest.raises(RuntimeError, match="size mismatch"):
        codec.load_state_dict(export.grown(other.state_dict(), codec.state_dict()))


def test_sizes_of_the_new_parts() -> None:
    with pytest.raises(WeightsError, match="neither 1 nor 3"):
        CodecConfig(lapped_kernel=5)
    assert Codec(PLAIN).synthesis.pixels is None
