"""From a metric's value to the score of jndlic/optimize/predictors/profiles.py.

A metric knows nothing of people. Its thresholds are set so that JPEG, coded just at the threshold,
gets the same mean quality over photos as the people of MCL-JCI gave it (26.3, 33.0, 41.4, 48.2 for
50, 75, 90, 95 % of them, tools/study.py scales). So a score of a metric is a *proxy*, right on
average over photos and unproven for any one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from jndlic.choices import METRIC_PREDICTORS
from jndlic.optimize.predictors.profiles import STRICT_SCORE

SHARES = (0.50, 0.75, 0.90, 0.95)


class Scale(NamedTuple):
    """A line through points, carried on straight at both ends."""

    values: tuple[float, ...]
    """Of the metric at SHARES, then at STRICT_SCORE."""

    def score(self, value: float) -> float:
        """The score of a metric's value."""
        scores = _scores(self.values)
        values = np.asarray(self.values)
        if values[0] > values[-1]:  # lower is better
            values, value = -values, -value
        place = int(np.clip(np.searchsorted(values, value), 1, len(values) - 1))
        slope = (scores[place] - scores[place - 1]) / (values[place] - values[place - 1])
        return float(scores[place] + slope * (value - values[place]))


def _scores(values: Sequence[float]) -> np.ndarray:
    return np.array([*map(NormalDist().inv_cdf, SHARES), STRICT_SCORE])[: len(values)]


SCALES: dict[str, Scale] = dict(
    zip(
        METRIC_PREDICTORS,
        (Scale((41.9, 51.6, 57.8, 62.1, 90.0)), Scale((2.23, 1.89, 1.69, 1.57, 1.0))),
        strict=True,
    )
)
"""Butteraugli: the 3-norm over its map. Strict: what the authors of both call visually lossless."""
