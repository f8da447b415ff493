"""Calibration of metrics on people's qualities, and predictors side by side, on made-up pictures
with known answers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jndlic.bench.studies.predictors import CONSTANT, FIXED_PSNR, Versions, compare
from jndlic.bench.studies.scales import (
    QUALITIES,
    calibrate,
    human_qualities,
    jnd_error,
    qualities_at,
    threshold_for,
)
from jndlic.errors import ParameterError
from jndlic.optimize.predictors.scales import SHARES


def test_a_threshold_brings_the_mean_quality_that_is_wanted() -> None:
    values = np.array([np.asarray(QUALITIES) + shift for shift in (-4.0, 0.0, 4.0)])
    threshold = threshold_for(values, 40.0)
    assert threshold == pytest.approx(40.0)
    assert qualities_at(values, threshold) == pytest.approx([44.0, 40.0, 36.0])


def test_a_wave_in_a_metric_does_not_make_two_thresholds() -> None:
    values = np.array([[float(number) for number in range(len(QUALITIES))]])
    values[0, 5] = 2.5
    assert qualities_at(values, 2.75) == pytest.approx([QUALITIES[2] + 0.75 * 5])


def test_metrics_that_fall_are_calibrated_too() -> None:
    people = dict.fromkeys(SHARES, np.array([30.0, 50.0]))
    values = np.array([[100.0 - quality for quality in QUALITIES]] * 2)
    rows = calibrate({"butteraugli": values}, people)
    assert len(rows) == len(SHARES)
    assert rows[0]["threshold"] == pytest.approx(60.0) and rows[0]["deviation"] == pytest.approx(
        0.0, abs=1e-6
    )
    assert rows[0]["deviation of people"] == pytest.approx(10.0)


def test_curves_of_people(tmp_path: Path) -> None:
    lines = [
        f"{name},{quality},{min(1.0, quality / end)}"
        for name, end in (("SRC01", 40), ("SRC02", 80))
        for quality in range(1, 101)
    ]
    (tmp_path / "curves.csv").write_text("ref_img,qf,first_SUR\n" + "\n".join(lines))
    assert human_qualities(tmp_path / "curves.csv")[0.5] == pytest.approx([20.0, 40.0])
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ParameterError, match="first_SUR"):
        human_qualities(tmp_path / "other.csv")


def test_error_in_units_of_the_tolerance_is_the_noise_level() -> None:
    """Noise at the tolerance has error 1 wherever rounding and the range leave it alone."""
    from jndlic.jnd.models import inject, tolerance_map

    flat = np.full((64, 64, 3), 127, np.uint8)
    jnd = np.rint(tolerance_map(flat))
    assert jnd_error(flat, inject(flat, jnd)) == pytest.approx(
        float(jnd.mean() / tolerance_map(flat).mean()), rel=1e-5
    )
    assert jnd_error(flat, flat) == 0.0


class Known:
    """A predictor that reads the level off the first pixel."""

    def __init__(self, name: str, thresholds: dict[int, int]) -> None:
        self.name, self.smooth, self.highest, self._thresholds = name, True, 1e9, thresholds

    def judge(self, reference: np.ndarray) -> Known:
        """Remembers which picture it is."""
        self._threshold = self._thresholds[int(reference[0, 0, 1])]
        return self

    def score(self, distorted: np.ndarray) -> float:
        """Distance from the threshold."""
        return float(distorted[0, 0, 0]) - self._threshold + 0.5


def pictures(truths: list[int]) -> list[Versions]:
    """Each with levels 1..100, level as first value, number as second; errors fall with the
    level.
    """
    found = []
    for number, truth in enumerate(truths):

        def make(level: int, number: int = number) -> np.ndarray:
            pixels = np.full((8, 8, 3), 100 + (100 - level), np.uint8)
            pixels[0, 0, :2] = level, number
            return pixels

        reference = np.full((8, 8, 3), 100, np.uint8)
        reference[0, 0, 1] = number
        found.append(Versions(f"p{number}", reference, tuple(range(1, 101)), make, truth))
    return found


def test_a_predictor_that_knows_is_perfect_and_one_that_is_off_is_counted() -> None:
    truths = [20, 40, 60]  # indices: levels 21, 41, 61
    right = Known("right", {0: 21, 1: 41, 2: 61})
    coarse = Known("coarse", {0: 18, 1: 38, 2: 58})
    rows = compare(pictures(truths), [right, coarse], 0.0)
    assert rows["right"]["difference"] == rows["right"]["violations"] == rows["right"]["dB"] == 0.0
    assert rows["right"]["accuracy"] == 1.0 and rows["right"]["evaluations"] <= 7
    assert rows["coarse"]["difference"] == pytest.approx(3.0) and rows["coarse"][
        "bias"
    ] == pytest.approx(-3.0)
    assert rows["coarse"]["violations"] == 1.0 and rows["coarse"]["within 5"] == 1.0
    assert rows["coarse"]["accuracy"] == pytest.approx(57 / 60), (
        "levels 20, 40 and 60 are on the wrong side"
    )
    assert rows["coarse"]["dB"] > 0


def test_what_needs_no_predictor_knows_the_other_pictures_only() -> None:
    rows = compare(pictures([20, 40, 60]), [], 0.0)
    # For the first picture the others' mean is 50, then 40, then 30.
    assert rows[CONSTANT]["difference"] == pytest.approx((30 + 0 + 30) / 3)
    assert rows[CONSTANT]["violations"] == pytest.approx(1 / 3)
    assert rows[FIXED_PSNR]["evaluations"] > 0
    with pytest.raises(ParameterError, match="two"):
        compare(pictures([20]), [], 0.0)
