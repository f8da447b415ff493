"""What every predictor of visible change looks like to those who use it."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Judge(Protocol):
    """One original, made ready once, with which many versions are compared."""

    def score(self, distorted: np.ndarray) -> float:
        """How surely a version, uint8 (H, W, 3) RGB, looks like the original: a score of
        jndlic/optimize/predictors/profiles.py.
        """
        ...


class Predictor(Protocol):
    """Says from which level on a picture looks the same."""

    name: str
    """As on the command line."""
    smooth: bool
    """Its scores rise with a codec's level but for small waves, so that bisection finds the
    threshold.
    """

    highest: float
    """Beyond this score it cannot tell one version from another."""

    def judge(self, reference: np.ndarray) -> Judge:
        """Makes an original, uint8 (H, W, 3) RGB, ready.

        Raises:
            ImageError: it is no such picture, or too small.
        """
        ...
