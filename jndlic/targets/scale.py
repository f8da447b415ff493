"""A metric as a search needs it: which way is better, and how far a picture is from good enough.

The one module of the codec that loads metrics, when a target names one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jndlic.errors import JndlicError, MetricError


class Scale:
    """A metric that is ready for use.

    Args:
        name: of the metric.
        measure: original and version, uint8 (H, W, 3), to a value.
        sign: 1 where higher values are better, -1 where lower ones are.
    """

    def __init__(
        self, name: str, measure: Callable[[np.ndarray, np.ndarray], float], sign: int
    ) -> None:
        self.name, self._measure, self._sign = name, measure, sign

    def value(self, reference: np.ndarray, distorted: np.ndarray) -> float:
        """The metric of a version of a picture.

        Raises:
            MetricError: it cannot be had of pictures of this kind.
        """
        height, width = reference.shape[:2]
        refused = f"{self.name} cannot judge a picture of {width} x {height} pixels"
        try:
            value = float(self._measure(reference, distorted))
        except (JndlicError, MemoryError):
            raise
        except Exception as error:  # of the metrics' libraries, by their own rules
            raise MetricError(f"{refused}: {error}") from error
        if np.isnan(value):
            raise MetricError(refused)
        return value

    def gain(self, value: float, wanted: float) -> float:
        """By how much a value is better than another, in the metric's units."""
        return self._sign * (value - wanted)


def open_scale(name: str, lpips_weights: str | None = None) -> Scale:
    """A metric of jndlic/metrics/registry.py.

    Args:
        name: of the metric.
        lpips_weights: file of LPIPS; None for the usual place.

    Raises:
        MetricError: its library or program is missing.
        WeightsError: LPIPS cannot be loaded.
    """
    try:
        from jndlic.metrics.pairs import large_enough
        from jndlic.metrics.registry import (
            BUTTERAUGLI,
            LOWER_IS_BETTER,
            SSIMULACRA2,
            open_metric,
        )
    except ModuleNotFoundError as error:
        raise MetricError(f"{name} needs {error.name}: pip install 'jndlic[bench]'") from error
    metric = open_metric(name, lpips_weights)

    def of_any_size(reference: np.ndarray, distorted: np.ndarray) -> float:
        return metric(large_enough(reference), large_enough(distorted))

    measure = of_any_size if name in (SSIMULACRA2, BUTTERAUGLI) else metric
    return Scale(name, measure, -1 if name in LOWER_IS_BETTER else 1)
