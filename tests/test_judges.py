"""Metrics that no loss contains: best values, order, sizes, and the outside program."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("piq", reason="needs the [bench] extra")

from jndlic.bench import judges  # noqa: E402
from jndlic.bench.metrics import LOWER_IS_BETTER, select  # noqa: E402
from jndlic.bench.pairs import MetricError  # noqa: E402
from jndlic.errors import ParameterError  # noqa: E402

BY_PIQ = (judges.FSIM, judges.VIF, judges.HAARPSI)


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
    """Of a picture scaled by one half, without noise, VIF follows from the gain alone (Sheikh and Bovik, eq. 8 and 9).

    Information of a block: log2(1 + g^2 s / n) against log2(1 + s / n), n = 2; for s far above n both logarithms differ by
    2 bits, so that VIF is 1 - 2 / log2(1 + s / 2).
    """
    random = np.random.default_rng(0)
    original = np.repeat(random.integers(0, 2, (128, 128, 1), np.uint8) * 254, 3, 2)
    value = judges.vif(original, original // 2)
    finest = 1.0 - 2.0 / math.log2(1.0 + 127.0**2 / 2.0)
    assert finest - 0.08 < value < finest + 0.02  # coarser scales have less variance, hence less than the finest


def test_small_pictures_have_no_value() -> None:
    small = np.zeros((15, 40, 3), np.uint8)
    assert math.isnan(judges.vif(small, small)) and math.isnan(judges.haarpsi(small, small))
    with pytest.raises(ParameterError, match="shape"):
        judges.fsim(small, small[:, 1:])


def test_butteraugli_is_read_from_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MetricError, match="on PATH"):
        judges.butteraugli(picture, picture)
    program = tmp_path / judges.BUTTERAUGLI_PROGRAM
    program.write_text("#!/bin/sh\necho 3.01\necho 3-norm: 1.25\n")
    program.chmod(0o755)
    assert judges.butteraugli(picture, picture) == 1.25
    assert judges.BUTTERAUGLI in LOWER_IS_BETTER
    program.write_text("#!/bin/sh\necho no picture >&2\nexit 1\n")
    with pytest.raises(MetricError, match="no picture"):
        judges.butteraugli(picture, picture)
