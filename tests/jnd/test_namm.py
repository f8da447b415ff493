"""The JND map against values worked out by hand, and its two implementations against each other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from namm_reference import reference_map

from jndlic.errors import ImageError
from jndlic.jnd.namm import jnd_map
from jndlic.jnd.own_map import own_map, own_map_of_rows


def both(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, C) through numpy and torch."""
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None]
    return reference_map(image), jnd_map(tensor)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize(
    ("grey", "tolerance"),
    [
        (0.0, 20.0),  # 17 (1 - 0) + 3
        (31.75, 11.5),  # 17 (1 - 1/2) + 3
        (127.0, 3.0),
        (255.0, 6.0),  # 3 / 128 * 128 + 3
    ],
)
def test_flat_areas_have_luminance_adaptation_only(grey: float, tolerance: float) -> None:
    for result in both(np.full((6, 9, 3), grey)):
        np.testing.assert_allclose(result, tolerance, atol=2e-4)


def test_vertical_edge_by_hand() -> None:
    # Columns 0 0 | 100 100 100. In the middle: 5x5 mean 60; horizontal gradient (300 - 0) / 3 =
    # 100, so P = 5000; L = 17 (1 - sqrt(60 / 127)) + 3 = 8.3152; V = 1.84 * 1.14793 * 5000^1.2 /
    # 5676 = 10.2201; JND = 8.3152 + 10.2201 - 0.3 * 8.3152.
    image = np.zeros((5, 5, 1))
    image[:, 2:] = 100.0
    for result in both(image):
        assert result[2, 2, 0] == pytest.approx(8.315165 + 10.220106 - 0.3 * 8.315165, abs=1e-4)


def test_gradients_keep_their_sign() -> None:
    # A falling edge masks as much as a rising one; unsigned arithmetic loses one of the two.
    rising = np.zeros((9, 9, 1))
    rising[:, 5:] = 80.0
    np.testing.assert_allclose(reference_map(rising[:, ::-1]), reference_map(rising)[:, ::-1])


def test_branches_meet_at_127() -> None:
    below, above = (
        reference_map(np.full((5, 5, 1), grey))[2, 2, 0] for grey in (127.0 - 1e-6, 127.0 + 1e-6)
    )
    assert abs(below - above) < 1e-6


@pytest.mark.parametrize("shape", [(210, 700, 3), (1, 1, 3), (1, 40, 3), (33, 2, 1), (64, 48, 3)])
def test_numpy_and_torch_agree(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(3).uniform(0.0, 255.0, shape)
    # Black and white as well
    image[: shape[0] // 2] = np.round(image[: shape[0] // 2] / 255.0) * 255.0
    exact, double = both(image)
    single = both(image.astype(np.float32))[1]
    np.testing.assert_allclose(double, exact, atol=1e-9)
    np.testing.assert_allclose(single, exact, atol=1e-4)


def test_gradient_is_finite_on_flat_black() -> None:
    image = torch.zeros(1, 3, 8, 8, requires_grad=True)
    jnd_map(image).sum().backward()
    assert torch.isfinite(image.grad).all()


@pytest.mark.parametrize(
    "wrong",
    [torch.zeros(3, 8, 8), torch.zeros(1, 3, 0, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)],
)
def test_wrong_input_is_refused(wrong: torch.Tensor) -> None:
    with pytest.raises(ImageError):
        jnd_map(wrong)


@pytest.mark.parametrize("shape", [(210, 700, 3), (1, 1, 3), (1, 40, 3), (33, 2, 3), (64, 48, 3)])
def test_the_encoders_map_agrees(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(4).integers(0, 256, shape, dtype=np.uint8)
    pixels[: shape[0] // 3], pixels[shape[0] // 2 :, : shape[1] // 2] = 0, 255
    result = own_map(pixels)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, reference_map(pixels), atol=2e-4)


def test_rows_of_the_encoders_map() -> None:
    pixels = np.random.default_rng(4).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    whole = own_map(pixels)
    for top, bottom in ((0, 50), (0, 7), (1, 9), (20, 21), (40, 50), (49, 50)):
        np.testing.assert_array_equal(own_map_of_rows(pixels, top, bottom), whole[top:bottom])


def test_the_encoders_map_needs_a_picture() -> None:
    for wrong in (np.zeros((4, 4)), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(ImageError, match="RGB"):
            own_map(wrong)
