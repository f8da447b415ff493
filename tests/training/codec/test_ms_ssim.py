"""MS-SSIM as a term of the loss, and the fields of qualities that weigh it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

ms_ssim = pytest.importorskip("jndlic.training.codec.ms_ssim")

from jndlic.training.codec.distortion import Distortion
from jndlic.training.photos.quality_fields import DRAWS, quality_fields


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    torch.manual_seed(0)
    coarse = 255.0 * torch.rand(2, 3, 24, 24)
    return torch.nn.functional.interpolate(coarse, (192, 192), mode="bicubic").clamp(0.0, 255.0)


def test_equal_pictures_have_no_distance(picture: torch.Tensor) -> None:
    weight = torch.ones(2, 1, 192, 192)
    assert ms_ssim.distance(picture, picture, weight).abs().max() < 1e-5


def test_near_one_it_is_what_ms_ssim_lacks(picture: torch.Tensor) -> None:
    pytorch_msssim = pytest.importorskip("pytorch_msssim", reason="needs the [bench] extra")
    noisy = (picture + 4.0 * torch.randn_like(picture)).clamp(0.0, 255.0)
    lacking = 1.0 - pytorch_msssim.ms_ssim(noisy, picture, data_range=255.0, size_average=False)
    ours = ms_ssim.distance(noisy, picture, torch.ones(2, 1, 192, 192))
    # Windows at the border, a sum for a product
    torch.testing.assert_close(ours, lacking, rtol=0.1, atol=0)


def test_autocast_costs_no_digits(picture: torch.Tensor) -> None:
    noisy, weight = picture + 0.5, torch.ones(2, 1, 192, 192)
    expected = ms_ssim.distance(noisy, picture, weight)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ms_ssim.distance(noisy, picture, weight), expected)


def test_each_place_has_its_weight(picture: torch.Tensor) -> None:
    noisy = picture.clone()
    noisy[..., :96] += 8.0 * torch.randn(2, 3, 192, 96)
    left, right = torch.full((2, 1, 192, 192), 0.1), torch.full((2, 1, 192, 192), 0.1)
    left[..., :96] = 1.0
    right[..., 96:] = 1.0
    assert (
        ms_ssim.distance(noisy, picture, left) > 4.0 * ms_ssim.distance(noisy, picture, right)
    ).all()


def test_gradient_leads_to_the_original(picture: torch.Tensor) -> None:
    noisy = (picture + 6.0 * torch.randn_like(picture)).requires_grad_()
    ms_ssim.distance(noisy, picture, torch.ones(2, 1, 192, 192)).sum().backward()
    with torch.no_grad():
        assert (noisy.grad * (picture - noisy)).sum() < 0


def test_squared_error_follows_the_weight_of_the_place() -> None:
    distortion = Distortion(0.0, 0.0, None, 0.0, 0.0)
    image, weight = torch.zeros(1, 3, 64, 64), torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    decoded = image.clone()
    decoded[..., :32, 32:] = 10.0
    total, parts = distortion(decoded, image, torch.ones_like(image), weight)
    assert total.item() == pytest.approx(2.0 * 100.0 / 4) and parts[
        "error"
    ].item() == pytest.approx(25.0)


def test_fields_are_of_three_kinds() -> None:
    draws = np.random.default_rng(0).random((400, DRAWS))
    fields = quality_fields(draws, 192)
    assert fields.shape == (400, 6, 6) and fields.min() >= 1 and fields.max() <= 100
    spread = np.ptp(fields.reshape(400, -1), axis=1)
    kinds = np.digitize(draws[:, 1], (0.5, 0.75))
    assert not spread[kinds == 0].any() and spread.max() <= 46
    assert (
        all(len(np.unique(field)) <= 2 for field in fields[kinds == 1]) and spread[kinds == 1].any()
    )
    assert max(len(np.unique(field)) for field in fields[kinds == 2]) > 4
