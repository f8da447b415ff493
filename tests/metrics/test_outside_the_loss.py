"""Metrics outside the loss: best values, order, sizes, and the outside program."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")
pytest.importorskip("piq", reason="needs the [bench] extra")

from jndlic.errors import MetricError, ParameterError
from jndlic.metrics import cvvdp as vdp
from jndlic.metrics.butteraugli import BUTTERAUGLI, PROGRAM, butteraugli
from jndlic.metrics.grid_visibility import GRID, grid_visibility
from jndlic.metrics.piq_metrics import FSIM, HAARPSI, VIF, fsim, haarpsi, vif
from jndlic.metrics.registry import LOWER_IS_BETTER, select

BY_PIQ = (FSIM, VIF, HAARPSI)


def noisy(photo: np.ndarray, strength: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0.0, strength, photo.shape)
    return np.clip(photo + noise, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("name", BY_PIQ)
def test_best_for_equal_pictures_and_worse_with_more_noise(name: str, photo: np.ndarray) -> None:
    metric, part = select([name])[name], np.ascontiguousarray(photo[100:260, 100:300])
    values = [metric(part, noisy(part, strength)) for strength in (0.0, 4.0, 16.0)]
    assert values[0] == pytest.approx(1.0, abs=1e-4)
    assert values[0] > values[1] > values[2] > 0.0
    assert name not in LOWER_IS_BETTER


def test_half_the_contrast_has_a_known_vif() -> None:
    """Of a picture scaled by one half, without noise, VIF follows from the gain alone (Sheikh and
    Bovik, eq. 8 and 9).

    Information of a block: log2(1 + g^2 s / n) against log2(1 + s / n), n = 2; for s far above n
    both logarithms differ by 2 bits, so that VIF is 1 - 2 / log2(1 + s / 2).
    """
    random = np.random.default_rng(0)
    original = np.repeat(random.integers(0, 2, (128, 128, 1), np.uint8) * 254, 3, 2)
    value = vif(original, original // 2)
    finest = 1.0 - 2.0 / math.log2(1.0 + 127.0**2 / 2.0)
    # Coarser scales have less variance, hence less than the finest
    assert finest - 0.08 < value < finest + 0.02


def plain_haarpsi(reference: np.ndarray, distorted: np.ndarray) -> float:
    """The paper's equations in plain numpy, for pictures with a black margin, whose borders do not
    matter.

    S(a, b) = (2 a b + C) / (a^2 + b^2 + C), C = 30; local similarity of Haar coefficients of scales
    1 and 2, weighted by those of scale 3; logistic with alpha = 4.2 before the mean and undone
    after it; squared.
    """
    alpha, constant = 4.2, 30.0
    yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])

    def halved(picture: np.ndarray) -> np.ndarray:
        rows, columns = picture.shape[:2]
        return (picture @ yiq.T).reshape(rows // 2, 2, columns // 2, 2, 3).mean((1, 3))

    def filtered(plane: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        start = 8 - kernel.shape[0] // 2  # so that all scales are centred alike
        found = np.lib.stride_tricks.sliding_window_view(np.pad(plane, 8), kernel.shape)
        return np.abs((found * kernel).sum((2, 3)))[
            start : start + plane.shape[0], start : start + plane.shape[1]
        ]

    def haar(plane: np.ndarray, scale: int) -> list[np.ndarray]:
        side = 2**scale
        kernel = np.full((side, side), 2.0**-scale)
        kernel[side // 2 :] *= -1
        return [filtered(plane, one) for one in (kernel, kernel.T)]

    def similar(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (2 * a * b + constant) / (a**2 + b**2 + constant)

    first, second = (halved(picture.astype(np.float64)) for picture in (reference, distorted))
    coefficients = [
        [haar(picture[..., 0], scale) for scale in (1, 2, 3)] for picture in (first, second)
    ]
    local, weight = [], []
    for direction in (0, 1):
        fine = [
            similar(coefficients[0][scale][direction], coefficients[1][scale][direction])
            for scale in (0, 1)
        ]
        local.append(sum(fine) / 2)
        weight.append(np.maximum(coefficients[0][2][direction], coefficients[1][2][direction]))
    mean = np.full((2, 2), 0.25)
    colours = [
        similar(filtered(first[..., k], mean), filtered(second[..., k], mean)) for k in (1, 2)
    ]
    local.append(sum(colours) / 2)
    weight.append(sum(weight) / 2)
    local, weight = np.stack(local), np.stack(weight)
    share = ((1 / (1 + np.exp(-alpha * local))) * weight).sum() / weight.sum()
    return float((np.log(share / (1 - share)) / alpha) ** 2)


def test_haarpsi_is_that_of_the_paper(photo: np.ndarray) -> None:
    original = np.zeros((160, 160, 3), np.uint8)
    original[40:120, 40:120] = photo[60:140, 180:260]
    for strength in (8.0, 30.0):
        other = original.copy()
        other[40:120, 40:120] = noisy(original[40:120, 40:120], strength)
        assert haarpsi(original, other) == pytest.approx(plain_haarpsi(original, other), abs=4e-3)


def test_small_pictures_have_no_value() -> None:
    small = np.zeros((15, 40, 3), np.uint8)
    assert math.isnan(vif(small, small)) and math.isnan(haarpsi(small, small))
    with pytest.raises(ParameterError, match="shape"):
        fsim(small, small[:, 1:])


def test_butteraugli_is_read_from_its_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MetricError, match="on PATH"):
        butteraugli(picture, picture)
    program = tmp_path / PROGRAM
    program.write_text("#!/bin/sh\necho 3.01\necho 3-norm: 1.25\n")
    program.chmod(0o755)
    assert butteraugli(picture, picture) == 1.25
    assert BUTTERAUGLI in LOWER_IS_BETTER
    program.write_text("#!/bin/sh\necho no picture >&2\nexit 1\n")
    with pytest.raises(MetricError, match="no picture"):
        butteraugli(picture, picture)


def with_error(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A grey picture, and one that differs from it by this error (H, W)."""
    original = np.full((*error.shape, 3), 128, np.uint8)
    return original, (original + error[..., None]).astype(np.uint8)


def test_grid_visibility_of_errors_made_by_hand() -> None:
    place = np.arange(64)
    zigzag = place % 2  # a step of 1 at every pixel, borders of blocks included
    # Borders at 16, 32, 48, where the zigzag goes down: |−1 + 2| = 1
    stairs = zigzag + 2 * (place // 16)
    high = zigzag + 4 * (place // 16)  # |−1 + 4| = 3
    for line, wanted in ((zigzag, 1.0), (stairs, 1.0), (high, 3.0)):
        assert grid_visibility(*with_error(line[:, None] + line[None])) == pytest.approx(wanted)
    one_direction = np.repeat(high[None], 64, 0)  # steps of 0 along columns count in both means
    assert grid_visibility(*with_error(one_direction)) == pytest.approx(3.0)


def test_grid_visibility_where_there_is_nothing_to_compare() -> None:
    blocks = np.kron(np.arange(16).reshape(4, 4), np.ones((16, 16), np.int64))
    assert grid_visibility(*with_error(blocks)) == math.inf  # constant in each block
    assert grid_visibility(*with_error(np.full((64, 64), 7))) == 1.0
    assert grid_visibility(*with_error(np.zeros((40, 17), np.int64))) == 1.0
    assert math.isnan(grid_visibility(*with_error(np.eye(16, dtype=np.int64))))
    assert (
        grid_visibility(*with_error(np.kron(np.eye(8, dtype=np.int64), np.ones((8, 8), np.int64))))
        == math.inf
    )
    assert GRID in LOWER_IS_BETTER


def test_no_grid_in_noise_and_one_in_jpeg(photo: np.ndarray) -> None:
    assert grid_visibility(photo, noisy(photo, 8.0)) == pytest.approx(1.0, abs=0.05)
    assert grid_visibility(photo, as_jpeg(photo, 5)) > 1.5


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_colour_video_vdp_orders_qualities(photo: np.ndarray) -> None:
    pytest.importorskip("pycvvdp", reason="needs the `cvvdp` package", exc_type=ImportError)
    part = np.ascontiguousarray(photo[100:228, 100:260])
    metric = select([vdp.CVVDP])[vdp.CVVDP]
    assert metric(part, part) == pytest.approx(10.0, abs=1e-4)
    points = [metric(part, as_jpeg(part, quality)) for quality in (5, 20, 60, 95)]
    assert points == sorted(points) and 0.0 < points[0] < points[-1] < 10.0
    assert math.isnan(metric(part[:1], part[:1]))
    assert vdp.CVVDP not in LOWER_IS_BETTER


def test_colour_video_vdp_says_what_it_lacks(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    vdp._model.cache_clear()
    monkeypatch.setitem(sys.modules, "pycvvdp", None)  # as if it were not installed
    with pytest.raises(MetricError, match="needs the `cvvdp` package"):
        vdp.colour_video_vdp(photo, photo)
    with pytest.raises(MetricError, match="needs the `cvvdp` package"):
        vdp.check_installed()
