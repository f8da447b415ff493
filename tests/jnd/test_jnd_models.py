"""The JND models of luma: values by hand, against plain numpy, any size, gradients, noise at the
threshold.
"""

from __future__ import annotations

import math
import sys

import jnd_reference as reference
import numpy as np
import pytest
import torch

from jndlic.errors import ImageError, JndlicError, ParameterError
from jndlic.jnd import free_energy, klt, luminance, pattern
from jndlic.jnd.edges import canny, edge_protection
from jndlic.jnd.models import MODELS, inject, tolerance, tolerance_map
from jndlic.jnd.namm import jnd_map

LUMA_MODELS = {name: model for name, model in MODELS.items() if name != "namm"}


def batch(grey: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(grey, dtype=np.float64))[None, None]


def plane(tensor: torch.Tensor) -> np.ndarray:
    return tensor[0, 0].numpy()


@pytest.fixture(scope="module")
def grey() -> np.ndarray:
    """A small part of a photo, (40, 48), grey levels."""
    data = pytest.importorskip("skimage.data", reason="the photo comes with scikit-image")
    return data.camera()[150:190, 200:248].astype(np.float64)


def test_flat_pictures_by_hand() -> None:
    """No contrast, no disorder: what is left is luminance adaptation, and nothing for KLT, which
    finds nothing to leave out.
    """
    flat = batch(np.full((24, 24), 31.75))
    # pattern: 0.7 T(32 + 31.75 * 95 / 127) = 0.7 (17 (1 - sqrt(55.75 / 127)) + 3); its own contrast
    # is 0.002 at most
    wanted = 0.7 * (17 * (1 - math.sqrt(55.75 / 127)) + 3)
    assert plane(pattern.pattern_map(flat)) == pytest.approx(wanted, abs=2e-3)
    assert plane(klt.klt_map(flat)) == pytest.approx(0.0, abs=1e-9)
    # free energy: T(31.75) = 11.5, masking 0.5 - 0.3175 = 0.1825, of which the overlap takes 30 %
    assert plane(free_energy.free_energy_map(flat)) == pytest.approx(11.5 + 0.7 * 0.1825, abs=1e-9)


def test_background_and_edge_height_by_hand() -> None:
    """A column of 32 beside zeros: the centre's own weight is 0, its column has 1 + 2 + 0 + 2 + 1
    of 32.
    """
    image = np.zeros((9, 9))
    image[:, 4] = 32.0
    assert plane(luminance.background(batch(image)))[4, 4] == pytest.approx(6.0)
    step = np.zeros((9, 9))
    step[:, 5:] = 16.0
    # to the right of the centre the upright kernel has weights 1 + 3 + 8 + 3 + 1 = 16 of 16
    assert plane(luminance.edge_height(batch(step)))[4, 4] == pytest.approx(16.0)


def test_orientations_by_hand() -> None:
    """A ramp has one orientation everywhere; an upright edge has the edge's and that of the flat
    around it.
    """
    ramp = np.tile(10.0 * np.arange(12), (12, 1))
    assert (plane(pattern.orientations(batch(ramp)))[2:-2, 2:-2] == 1).all()
    edge = np.zeros((12, 12))
    edge[:, 6:] = 100.0
    found = plane(pattern.orientations(batch(edge)))[6]
    assert found.tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1]
    noise = np.random.default_rng(0).uniform(0, 255, (20, 20))
    assert plane(pattern.orientations(batch(noise))).mean() > 5


def test_critical_count_by_hand() -> None:
    """One component with all the energy: P_1 = ... = P_64 = 1, equal weights, mean of 1..64 is
    32.5, so K = 33.
    """
    one = torch.zeros(1, 64)
    one[0, 0] = 5.0
    assert klt.critical_count(one).item() == 33
    # P_k far below the scale for k < 10, exactly at it from 10 on except the last: the weights
    # choose 10..63, and the last at P = 1
    assert klt.critical_count(torch.zeros(1, 64)).item() == 64
    rising = torch.full((1, 64), 1e-6)
    rising[0, :10] = 1.0
    # P jumps to 1 at the tenth: nearly the mean of 10..64
    assert 33 <= klt.critical_count(rising).item() <= 40


def test_against_plain_numpy(grey: np.ndarray) -> None:
    protection = plane(edge_protection(batch(grey)))
    np.testing.assert_allclose(
        plane(pattern.pattern_map(batch(grey))), reference.pattern_map(grey, protection), atol=1e-6
    )
    critical, count = reference.critical_luma(grey)
    found = klt.critical_luma(batch(grey))
    assert found.components.item() == count and 1 < count < 64
    np.testing.assert_allclose(plane(found.luma), critical, atol=1e-6)
    np.testing.assert_allclose(
        plane(klt.klt_map(batch(grey))), np.abs(grey - critical) * protection, atol=1e-6
    )
    np.testing.assert_allclose(
        plane(free_energy.prediction(batch(grey))), reference.prediction(grey), atol=1e-6
    )
    np.testing.assert_allclose(
        plane(free_energy.free_energy_map(batch(grey))),
        reference.free_energy_map(grey, protection),
        atol=1e-6,
    )


def test_single_precision_predicts_as_double(grey: np.ndarray) -> None:
    """The passes of OpenCV work in the picture's own precision; several pictures at a time."""
    pair = torch.cat((batch(grey), batch(grey[::-1].copy())))
    told: list[float] = []
    found = free_energy.prediction(pair.float(), told.append)
    np.testing.assert_allclose(found.double(), free_energy.prediction(pair), atol=1e-3)
    torch.testing.assert_close(found[1].flip(1), found[0], atol=1e-3, rtol=0)
    assert found.dtype == torch.float32 and told == sorted(told) and told[-1] == 1


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    pixels = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(JndlicError, match=r"jndlic\[jnd\]"):
        tolerance_map(pixels, "free-energy")
    for name in set(MODELS) - {"free-energy"}:
        assert tolerance_map(pixels, name).shape == pixels.shape


def test_canny_agrees_with_scikit_image() -> None:
    feature = pytest.importorskip("skimage.feature")
    data = pytest.importorskip("skimage.data")
    image = data.camera()[100:300, 100:300].astype(np.float64)
    share = torch.full((1, 1, 1, 1), 0.3, dtype=torch.float64)
    ours = plane(canny(batch(image), share, 2**0.5))
    smooth = luminance.blur(batch(image), 9, 2**0.5)
    sobel = [
        luminance.correlate(smooth, kernel)
        for kernel in (((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)), ((-1, -2, -1), (0, 0, 0), (1, 2, 1)))
    ]
    top = torch.hypot(*sobel).max().item()
    theirs = feature.canny(
        image, 2**0.5, low_threshold=0.12 * top, high_threshold=0.3 * top, mode="nearest"
    )
    inner = (slice(6, -6),) * 2
    assert theirs[inner].sum() > 500
    assert (ours[inner] != theirs[inner]).sum() < 0.05 * theirs[inner].sum()


def test_protection_lies_around_edges() -> None:
    image = np.zeros((40, 40))
    image[:, 20:] = 200.0
    found = plane(edge_protection(batch(image)))
    assert (
        found[20, 19:21].max() < 0.01
        and found[20, :14].min() > 0.99
        and found[20, 26:].min() > 0.99
    )


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (65, 33)])
def test_any_size(name: str, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = tolerance_map(pixels, name)
    assert found.shape == pixels.shape and found.dtype == np.float32
    assert np.isfinite(found).all() and (found >= 0).all()


@pytest.mark.parametrize("name", LUMA_MODELS)
def test_one_plane_for_all_channels(name: str) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    found = tolerance_map(pixels, name)
    assert (found == found[..., :1]).all()
    weights = np.tensordot(pixels.astype(np.float64), luminance.LUMA, 1)
    np.testing.assert_allclose(found[..., 0], plane(MODELS[name](batch(weights))), atol=1e-3)


def test_default_is_the_map_of_the_encoder() -> None:
    image = torch.rand(1, 3, 20, 20) * 255
    assert torch.equal(tolerance(image), jnd_map(image))


def test_pattern_has_a_gradient(grey: np.ndarray) -> None:
    image = batch(grey[:20, :20]).requires_grad_()
    pattern.pattern_map(image).sum().backward()
    assert torch.isfinite(image.grad).all() and image.grad.abs().mean() > 1e-3


def test_noise_at_the_threshold(photo: np.ndarray) -> None:
    pixels = np.clip(photo[:64, :64], 40, 215)  # so that nothing is cut
    jnd = tolerance_map(pixels)
    noisy = inject(pixels, jnd)
    moved = noisy.astype(int) - pixels
    assert (np.abs(moved) == np.rint(jnd)).mean() > 0.99
    assert abs((moved[..., 0] > 0).mean() - 0.5) < 0.05
    assert (np.sign(moved[..., 0]) == np.sign(moved[..., 1])).all()
    assert np.array_equal(inject(pixels, jnd, 0.0), pixels)
    assert not np.array_equal(inject(pixels, jnd, seed=1), noisy)


def test_wrong_input() -> None:
    with pytest.raises(ParameterError, match="no JND model"):
        tolerance(torch.zeros(1, 3, 4, 4), "unknown")
    for model in LUMA_MODELS.values():
        for wrong in (
            torch.zeros(3, 4, 4),
            torch.zeros(1, 2, 4, 4),
            torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
        ):
            with pytest.raises(ImageError):
                model(wrong)
    with pytest.raises(ImageError):
        tolerance_map(np.zeros((4, 4), np.uint8))
    pixels = np.zeros((4, 4, 3), np.uint8)
    for level in (-1.0, math.nan):
        with pytest.raises(ParameterError, match="level"):
            inject(pixels, np.zeros((4, 4, 3)), level)
    with pytest.raises(ParameterError, match="shape"):
        inject(pixels, np.zeros((4, 5, 3)))
