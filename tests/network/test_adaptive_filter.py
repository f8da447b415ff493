"""The adaptive filter: its filters against a plain convolution, what it sees, how far it looks."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as functional

from jndlic.network.adaptive_filter import AdaptiveFilter, FilterBank, mixed
from jndlic.network.config import CodecConfig
from jndlic.network.margins import FILTER_REACH

FINE = 16


@pytest.fixture
def stage() -> AdaptiveFilter:
    """One that has an effect."""
    torch.manual_seed(0)
    stage = AdaptiveFilter(FINE, 3, 0)
    torch.nn.init.normal_(stage.mixture.weight, std=0.1)
    return stage


def test_filters_see_differences_from_their_middle() -> None:
    torch.manual_seed(1)
    bank = FilterBank(3)
    image, mixture = torch.rand(2, 3, 12, 20) - 0.5, torch.randn(2, 12, 6, 10)
    kernels = bank.weight.detach().clone()
    kernels[:, :, 2, 2] -= kernels.sum((1, 2, 3))[:, None]
    padded = functional.pad(image, (2, 2, 2, 2), mode="replicate").reshape(-1, 1, 16, 24)
    responses = functional.conv2d(padded, kernels).reshape(2, 3, 3, 12, 20)
    expected = (responses * functional.pixel_shuffle(mixture, 2)[:, None]).sum(2)
    torch.testing.assert_close(mixed(bank(image), mixture), expected)
    torch.testing.assert_close(bank(image + 0.3), bank(image), atol=1e-5, rtol=0)


def test_it_begins_without_effect() -> None:
    stage = AdaptiveFilter(FINE, 8, 8)
    image = torch.rand(1, 3, 32, 32) - 0.5
    assert not stage(torch.randn(1, FINE, 4, 4), image).any()


@pytest.mark.parametrize(("angle", "cosine", "sine"), [(0, 1, 0), (45, 0, 1), (90, -1, 0)])
def testdescriptors_tell_the_direction(
    stage: AdaptiveFilter, angle: int, cosine: float, sine: float
) -> None:
    turn = torch.deg2rad(torch.tensor(float(angle)))
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    ramp = 0.03 * (torch.cos(turn) * columns + torch.sin(turn) * rows)
    strength, *direction, agreement = stage.descriptors(ramp.expand(1, 3, 32, 32))[0, :, 8, 8]
    expected = (cosine, sine, cosine**2 - sine**2, 2 * cosine * sine)
    for value, right in zip(direction, expected, strict=True):
        assert value.item() == pytest.approx(right, abs=0.05)
    assert agreement.item() == pytest.approx(1.0, abs=0.05)
    assert strength.item() == pytest.approx(0.3 * math.log((0.03 * 255.0) ** 2 + 1.0), abs=0.02)


def test_flat_pictures_have_no_direction(stage: AdaptiveFilter) -> None:
    assert not stage.descriptors(torch.full((1, 3, 16, 16), 0.2)).any()


def test_it_looks_no_further_than_its_margin(stage: AdaptiveFilter) -> None:
    features = torch.randn(1, FINE, 8, 8)
    image = torch.rand(1, 3, 64, 64) - 0.5
    other = image.clone()
    other[..., 32, 32] += 1.0
    moved = (stage(features, other) - stage(features, image)).abs().amax((0, 1)) > 1e-6
    rows, columns = moved.nonzero().unbind(1)
    distance = max((rows - 32).abs().max().item(), (columns - 32).abs().max().item())
    assert 2 < distance <= 8 * FILTER_REACH


def test_gradients_reach_every_part(stage: AdaptiveFilter) -> None:
    features = torch.randn(1, FINE, 4, 4, requires_grad=True)
    image = (torch.rand(1, 3, 32, 32) - 0.5).requires_grad_()
    stage(features, image).square().sum().backward()
    for value in (features, image, *stage.parameters()):
        assert value.grad is not None and value.grad.abs().max() > 0


def test_sizes_from_before_there_was_one_have_none() -> None:
    sizes = CodecConfig().to_dict()
    assert CodecConfig.from_dict(sizes) == CodecConfig()
    del sizes["adaptive_filters"]
    assert CodecConfig.from_dict(sizes).adaptive_filters == 0
