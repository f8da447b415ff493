"""Filters that mind small differences alone, against a plain reading of their formula."""

from __future__ import annotations

import torch
import torch.nn.functional as functional

from jndlic.network.adaptive_filter import AdaptiveFilter
from jndlic.network.config import CodecConfig
from jndlic.network.margins import FILTER_REACH
from jndlic.network.robust_filter import OFFSETS, RobustBank, SmallDifferences

FINE = 16


def small(difference: torch.Tensor, reach: torch.Tensor) -> torch.Tensor:
    share = difference / reach
    return torch.where(share.abs() < 1.0, difference * (1.0 - share**2) ** 2, 0.0)


def pixels(planes: torch.Tensor) -> torch.Tensor:
    """What stands by places of 2 x 2 pixels, by pixels."""
    return functional.pixel_shuffle(planes, 2)


def test_the_filters_are_those_of_the_formula() -> None:
    torch.manual_seed(0)
    bank = RobustBank(3)
    torch.nn.init.normal_(bank.weight)
    luma, reach = torch.rand(2, 1, 12, 20), torch.rand(2, 1, 6, 10) * 0.3 + 0.2
    around = functional.pad(luma, (4, 4, 4, 4), mode="replicate")
    middle = around[:, :, 2:18, 2:26]
    beside = torch.cat(
        [around[:, :, 2 + down : 18 + down, 2 + right : 26 + right] for down, right in OFFSETS], 1
    )
    wide = functional.pad(reach, (1, 1, 1, 1), mode="replicate").repeat_interleave(2, 2)
    differences = small(beside - middle, wide.repeat_interleave(2, 3))
    torch.testing.assert_close(pixels(bank.differences(luma, reach)), differences)
    expected = functional.conv2d(differences, bank.weight)
    torch.testing.assert_close(pixels(bank(luma, reach).flatten(1, 3)), expected)


def test_each_pair_of_pixels_is_read_once() -> None:
    assert len(OFFSETS) == 12
    assert {*OFFSETS, *((-down, -right) for down, right in OFFSETS), (0, 0)} == {
        (down, right) for down in range(-2, 3) for right in range(-2, 3)
    }


def test_a_line_does_not_leak() -> None:
    luma = torch.full((1, 1, 16, 16), 0.4)
    luma[..., 8] = 0.9
    planes = pixels(SmallDifferences()(luma, torch.full((1, 1, 8, 8), 0.1)))
    assert not planes.any()
    luma[..., 4, 4] += 0.01
    planes = pixels(SmallDifferences()(luma, torch.full((1, 1, 8, 8), 0.1)))
    assert planes.abs().max().item() < 0.011 and planes.count_nonzero() == 24


def test_beside_the_others() -> None:
    torch.manual_seed(1)
    stage = AdaptiveFilter(FINE, 3, 2)
    features, image = torch.randn(1, FINE, 8, 8, requires_grad=True), torch.rand(1, 3, 64, 64) - 0.5
    assert not stage(features, image).any()
    torch.nn.init.normal_(stage.robust_mixture.weight)
    torch.nn.init.normal_(stage.robust.weight)
    torch.nn.init.normal_(stage.reach.weight, std=0.1)
    change = stage(features, image)
    assert change.abs().max() > 1e-3
    torch.testing.assert_close(change, change[:, :1].expand_as(change))  # of luma
    change.square().sum().backward()
    for value in (features, stage.robust.weight, stage.reach.weight, stage.robust_mixture.weight):
        assert value.grad is not None and value.grad.abs().max() > 0

    other = image.clone()
    other[..., 32, 32] += 1.0
    moved = (stage(features, other) - change).abs().amax((0, 1)) > 1e-6
    assert (moved.nonzero() - 32).abs().max().item() <= 8 * FILTER_REACH


def test_sizes_from_before_there_were_any_have_none() -> None:
    sizes = CodecConfig().to_dict()
    del sizes["robust_filters"]
    assert CodecConfig.from_dict(sizes).robust_filters == 0
