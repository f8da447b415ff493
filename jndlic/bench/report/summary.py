"""What a benchmark says: BD-rates of the mean curves, and how they differ from picture to picture.

rows ─► Measured (one a codec) ─┬─► mean curves ─────► BD-rate
                                └─► curve of each picture ─► BD-rates
                                                             ─► mean, spread, confidence interval
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jndlic.bench.run.bdrate import Curve, bd_rate
from jndlic.bench.run.rows import Measured
from jndlic.metrics.registry import LOWER_IS_BETTER

CONFIDENCE = 0.95
RESAMPLES = 5000


class Spread(NamedTuple):
    """BD-rates of single pictures, in percent."""

    mean: float
    deviation: float
    """Standard deviation over the pictures."""
    low: float
    high: float
    """CONFIDENCE interval of the mean by bootstrap over the pictures (BCa; Efron, JASA 1987); NaN
    for fewer than five pictures.
    """
    pictures: int
    """Those whose curves overlap; the others do not count."""


class Comparison(NamedTuple):
    """A codec against an anchor."""

    anchor: str
    tested: str
    metric: str
    rate: float
    """BD-rate in percent of the mean curves; NaN where they have no quality in common."""
    spread: Spread | None
    """None where either is a published curve, known by its means only."""


def compare_all(
    anchor: Measured | Curve, tested: Measured | Curve, metrics: Sequence[str]
) -> list[Comparison]:
    """The BD-rate by each metric.

    Args:
        anchor: measured pictures, or a published curve.
        tested: likewise.
        metrics: by name; those that a curve lacks give NaN.
    """
    means = [side if isinstance(side, Curve) else side.curve() for side in (anchor, tested)]
    result = []
    for metric in metrics:
        known = all(metric in side.results for side in means)
        rate = _rate(means[0].results, means[1].results, metric) if known else math.nan
        spread = None
        if known and isinstance(anchor, Measured) and isinstance(tested, Measured):
            spread = picture_spread(anchor, tested, metric)
        result.append(Comparison(means[0].name, means[1].name, metric, rate, spread))
    return result


def picture_spread(anchor: Measured, tested: Measured, metric: str) -> Spread:
    """BD-rates of the pictures that both codecs have."""
    common = [image for image in tested.images if image in anchor.images]
    rates = [
        _rate(anchor.picture_curve(image), tested.picture_curve(image), metric) for image in common
    ]
    return spread_of([rate for rate in rates if math.isfinite(rate)])


def spread_of(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and confidence interval of the mean."""
    count = len(values)
    if not count:
        return Spread(math.nan, math.nan, math.nan, math.nan, 0)
    mean = float(np.mean(values))
    deviation = float(np.std(values, ddof=1)) if count > 1 else math.nan
    low = high = math.nan
    if count >= 5 and deviation > 0:
        from scipy.stats import bootstrap

        interval = bootstrap(
            (values,),
            np.mean,
            confidence_level=CONFIDENCE,
            n_resamples=RESAMPLES,
            rng=np.random.default_rng(0),
            method="BCa",
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
    return Spread(mean, deviation, low, high, count)


def _rate(anchor: dict[str, list[float]], tested: dict[str, list[float]], metric: str) -> float:
    return bd_rate(
        anchor["bpp"], anchor[metric], tested["bpp"], tested[metric], metric in LOWER_IS_BETTER
    )
