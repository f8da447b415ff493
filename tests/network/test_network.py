"""The networks: gates, sharing, gradients, sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_network import SMALL

from jndlic.errors import WeightsError
from jndlic.format.phases import PHASES, to_phases
from jndlic.network.blocks import GatedBlock, JndFtm
from jndlic.network.codec import Codec
from jndlic.network.config import CodecConfig
from jndlic.network.hyperprior import ScaleNet
from jndlic.network.mean_context import Context, from_phases
from jndlic.training.codec.dct_init import start_detail, start_from_cosines
from jndlic.training.codec.trainable import trainable_codec


def convolve(
    inputs: np.ndarray, weight: np.ndarray, bias: np.ndarray, depthwise: bool
) -> np.ndarray:
    """Plain 2-D convolution of (C, H, W), zero padding."""
    size = weight.shape[-1]
    margin = size // 2
    padded = np.pad(inputs, ((0, 0), (margin, margin), (margin, margin)))
    rows, columns = inputs.shape[1:]
    out = np.zeros((weight.shape[0], rows, columns)) + bias[:, None, None]
    for i in range(size):
        for j in range(size):
            window = padded[:, i : i + rows, j : j + columns]
            tap = weight[:, :, i, j]
            out += window * tap[:, :1, None] if depthwise else np.einsum("oc,chw->ohw", tap, window)
    return out


def test_ftm_equation() -> None:
    torch.manual_seed(1)
    channels = 6
    gate = JndFtm(channels).double()
    for parameter in gate.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    image, jnd = torch.randn(2, 1, channels, 5, 4, dtype=torch.float64)
    values = {name: value.detach().numpy() for name, value in gate.named_parameters()}

    def shared(inputs: torch.Tensor) -> np.ndarray:
        weight = values["shared.weight"][:, :1]
        return convolve(inputs[0].numpy(), weight, values["shared.bias"], True)

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1.0 / (1.0 + np.exp(-x))

    a, b = shared(image), shared(jnd)
    gates = convolve(np.concatenate((a, b)), values["gates.weight"], values["gates.bias"], False)
    keep, replace = sigmoid(gates[:channels]), sigmoid(gates[channels:])
    candidate = convolve(
        np.concatenate((keep * a, b)), values["candidate.weight"], values["candidate.bias"], False
    )
    expected = (1.0 - replace) * a + replace * candidate
    new_image, new_jnd = gate(image, jnd)
    np.testing.assert_allclose(new_image[0].detach().numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(new_jnd[0].detach().numpy(), b, atol=1e-12)


def test_analysis_shares_its_weights_between_image_and_map() -> None:
    # With the gates bypassed the branches are one function: swapping the inputs swaps the outputs.
    class Bypass(torch.nn.Module):
        def forward(
            self, image: torch.Tensor, jnd: torch.Tensor
        ) -> tuple[torch.Tensor, torch.Tensor]:
            return image, jnd

    torch.manual_seed(0)
    analysis = Codec(SMALL).analysis
    analysis.fine_gate = analysis.coarse_gate = Bypass()
    first, second = torch.rand(2, 1, 3, 64, 64)
    straight = analysis((first + 0.5) * 255.0, second * 16.0)
    swapped = analysis((second + 0.5) * 255.0, first * 16.0)
    torch.testing.assert_close(swapped.features, straight.jnd_features, atol=1e-4, rtol=1e-4)


def test_map_changes_the_latents() -> None:
    torch.manual_seed(0)
    codec = Codec(SMALL)
    image = torch.rand(1, 3, 64, 64) * 255.0
    outputs = [codec.analysis(image, torch.full_like(image, grey)).features for grey in (3.0, 12.0)]
    assert not torch.allclose(*outputs)


def test_every_parameter_gets_a_gradient() -> None:
    forward = pytest.importorskip("jndlic.training.codec.forward", reason="needs the [train] extra")
    torch.manual_seed(0)
    codec = trainable_codec(SMALL)
    # Zero at the start: nothing would pass to the layer before.
    silent = [network[-1] for network in codec.scale_context.passes]
    stage = codec.synthesis.adaptive_filter
    silent += [codec.synthesis.pixels.head, stage.mixture, stage.robust_mixture, stage.reach]
    silent += [block.narrow for block in codec.modules() if isinstance(block, GatedBlock)]
    for layer in silent:
        torch.nn.init.normal_(layer.weight, std=0.02)
    entropy = forward.EntropyModels(SMALL.hyper_channels, SMALL.jnd_channels)
    image = torch.rand(2, 3, 128, 128) * 255.0
    output = forward.training_pass(
        codec, entropy, image, image / 20.0, torch.randint(1, 101, (2, 4, 4))
    )
    bits = output.bits_latent + output.bits_hyper + output.bits_jnd
    (bits.sum() + (output.image - image).square().mean() + entropy.quantile_loss()).backward()
    silent = [
        name
        for module in (codec, entropy)
        for name, parameter in module.named_parameters()
        if parameter.grad is None
        or not torch.isfinite(parameter.grad).all()
        or not parameter.grad.any()
    ]
    assert silent == []
    step_head = codec.step_net.layers[-1].weight.grad
    assert (step_head != 0).float().mean() > 0.5


def test_phases_cover_the_grid_once() -> None:
    whole = torch.arange(2 * 3 * 4 * 6).view(2, 3, 4, 6)
    parts = to_phases(whole)
    assert torch.equal(from_phases(parts), whole)
    assert sorted(PHASES) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert (
        torch.equal(to_phases(from_phases(parts[:2]))[1], parts[1])
        and not to_phases(from_phases(parts[:2]))[2].any()
    )


@pytest.mark.parametrize("changed", range(4))
def test_means_depend_on_earlier_phases_alone(changed: int) -> None:
    torch.manual_seed(0)
    context = Context(SMALL)
    z, z_jnd = torch.randn(1, 16, 2, 2), torch.randn(1, 4, 4, 4)
    latent = torch.randn(1, 32, 8, 8) * 10.0
    other = to_phases(latent.clone())
    other[changed] += 5.0

    def means(parts: list[torch.Tensor]) -> list[torch.Tensor]:
        mean, decoded = context(z, z_jnd, torch.full((1, 4, 4), 50), lambda phase, _: parts[phase])
        assert torch.equal(decoded, from_phases(parts))
        return to_phases(mean)

    with torch.no_grad():
        same = [torch.equal(a, b) for a, b in zip(means(to_phases(latent)), means(other))]
    assert same == [phase <= changed for phase in range(4)]


def test_scale_net_adds_the_offset_of_each_phase() -> None:
    net = ScaleNet(SMALL)
    net.phase_offset.copy_(torch.tensor([[10], [20], [30], [40]], dtype=torch.int16).expand(4, 32))
    index = net(torch.zeros(1, 16, 1, 1), torch.full((1, 2, 2), 50))
    assert [part.unique().item() for part in to_phases(index)] == [10.0, 20.0, 30.0, 40.0]
    assert index[0, 0, :2, :2].tolist() == [[10.0, 30.0], [40.0, 20.0]]


def test_default_size_is_within_the_plan() -> None:
    parameters = sum(parameter.numel() for parameter in trainable_codec(CodecConfig()).parameters())
    assert 8e6 < parameters < 20e6


def test_config_round_trip_and_limits() -> None:
    assert CodecConfig.from_dict(SMALL.to_dict()) == SMALL
    for wrong in (
        {"latent_channels": 0},
        {"latent_channels": 10**9},
        {"unknown": 1},
        {"fine_channels": "8"},
    ):
        with pytest.raises(WeightsError):
            CodecConfig.from_dict(wrong)


def test_start_is_an_orthonormal_transform() -> None:
    config = CodecConfig()
    codec = trainable_codec(config)
    analysis, synthesis = codec.analysis, codec.synthesis
    coarse = start_from_cosines(analysis.stem, analysis.down, synthesis.up, synthesis.head)
    detail = start_detail(coarse, analysis.detail, synthesis.detail)
    assert len(coarse) == 320 and len(detail) == 96 and not set(coarse) & set(detail)
    # All of brightness
    assert sum(pattern.frequency.colour == 0 for pattern in coarse + detail) == 256
    unit = torch.eye(768).view(768, 3, 16, 16)
    with torch.no_grad():
        blocks = torch.nn.functional.pixel_unshuffle
        plain = analysis.down(blocks(analysis.stem(blocks(unit, 8)), 2)).flatten(1)
        both = torch.cat((plain, analysis.detail(blocks(unit, 16)).flatten(1)), 1)
    torch.testing.assert_close(both.T @ both, torch.eye(416), atol=1e-5, rtol=0)


def test_untrained_codec_restores_grey_noise_from_its_latents() -> None:
    torch.manual_seed(0)
    codec = trainable_codec(CodecConfig())
    image = 255.0 * torch.rand(1, 1, 64, 64).expand(1, 3, 64, 64)
    with torch.no_grad():
        output = codec.analysis(image, torch.full_like(image, 5.0))
        quality = torch.full((1, 2, 2), 50)
        latent = codec.analysis.latent(output.features, output.detail, quality)
        decoded = codec.synthesis(latent, torch.zeros_like(latent), quality)
    assert (decoded - image).square().mean() < 0.02 * image.var()


def test_detail_is_a_part_of_the_latents() -> None:
    with pytest.raises(WeightsError, match="a part of latent_channels"):
        CodecConfig(latent_channels=96)
