"""Predictors that are a metric and a scale: SSIMULACRA2 and Butteraugli."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from jndlic.errors import ParameterError
from jndlic.metrics.pairs import large_enough
from jndlic.optimize.predictors.scales import SCALES


def ssimulacra2_from(reference: np.ndarray) -> Callable[[np.ndarray], float]:
    """SSIMULACRA2, in points, of versions of one uint8 picture (H, W, 3), which is made ready
    once.
    """
    import torch

    from jndlic.metrics.ssimulacra2 import prepare, score
    from jndlic.tensors import to_batch

    with torch.inference_mode():
        prepared = prepare(to_batch(reference), for_score=True)

    def points(distorted: np.ndarray) -> float:
        with torch.inference_mode():
            return float(score(prepared, to_batch(distorted)))

    return points


def butteraugli_from(reference: np.ndarray) -> Callable[[np.ndarray], float]:
    """Butteraugli's 3-norm, by libjxl's program, of versions of one uint8 picture (H, W, 3)."""
    from jndlic.metrics.butteraugli import butteraugli

    return partial(butteraugli, reference)


METRICS: dict[str, Callable[[np.ndarray], Callable[[np.ndarray], float]]] = {
    "ssimulacra2": ssimulacra2_from,
    "butteraugli": butteraugli_from,
}
"""By name: an original to what measures versions of it."""


class MetricJudge:
    """One original and a metric.

    Args:
        metric: gives the metric's value of a version, uint8 (H, W, 3).
        name: of its scale.
    """

    def __init__(self, metric: Callable[[np.ndarray], float], name: str) -> None:
        self._metric, self._scale = metric, SCALES[name]

    def score(self, distorted: np.ndarray) -> float:
        """See Judge."""
        return self._scale.score(self._metric(large_enough(distorted)))


class MetricPredictor:
    """A metric that was made for this question.

    Args:
        name: one of SCALES.

    Raises:
        ParameterError: there is no such metric.
        MetricError: its program is missing.
    """

    smooth, highest = True, math.inf

    def __init__(self, name: str) -> None:
        if name not in SCALES:
            raise ParameterError(f"no metric {name!r} to judge by; there are {', '.join(SCALES)}")
        if name == "butteraugli":
            from jndlic.metrics.butteraugli import find_program

            find_program()  # now rather than at every picture
        self.name = name

    def judge(self, reference: np.ndarray) -> MetricJudge:
        """See Predictor."""
        return MetricJudge(METRICS[self.name](large_enough(reference)), self.name)
