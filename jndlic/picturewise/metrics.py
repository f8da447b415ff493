"""Predictors that are a metric and a scale: SSIMULACRA2 and Butteraugli."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jndlic.errors import ParameterError
from jndlic.picturewise.scales import SCALES


def ssimulacra2_points(reference: np.ndarray, distorted: np.ndarray) -> float:
    """SSIMULACRA2 of two uint8 pictures (H, W, 3), in points."""
    import torch

    from jndlic.bench.pairs import to_batch
    from jndlic.training.ssimulacra2 import score

    with torch.inference_mode():
        return float(score(to_batch(reference), to_batch(distorted)))


def butteraugli_norm(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Butteraugli's 3-norm of two uint8 pictures (H, W, 3), by libjxl's program."""
    from jndlic.bench.judges import butteraugli

    return butteraugli(reference, distorted)


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {"ssimulacra2": ssimulacra2_points, "butteraugli": butteraugli_norm}


class MetricJudge:
    """One original and a metric."""

    def __init__(self, metric: Callable[[np.ndarray, np.ndarray], float], name: str, reference: np.ndarray) -> None:
        self._metric, self._scale, self._reference = metric, SCALES[name], reference

    def score(self, distorted: np.ndarray) -> float:
        """See Judge."""
        return self._scale.score(self._metric(self._reference, distorted))


class MetricPredictor:
    """A metric that was made for this question.

    Args:
        name: one of SCALES.

    Raises:
        ParameterError: there is no such metric.
    """

    smooth = True

    def __init__(self, name: str) -> None:
        if name not in SCALES:
            raise ParameterError(f"no metric {name!r} to judge by; there are {', '.join(SCALES)}")
        self.name = name
        self._metric = METRICS[name]

    def judge(self, reference: np.ndarray) -> MetricJudge:
        """See Predictor."""
        return MetricJudge(self._metric, self.name, reference)
