"""PSNR: the ratio of the largest value to the mean squared error. Needs numpy only."""

from __future__ import annotations

import math

import numpy as np

from jndlic.metrics.pairs import check_pair

PSNR = "psnr-rgb"


def psnr(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all channels, in dB; infinite for equal pictures.

    Args:
        reference: (H, W, 3) uint8 of RGB.
        distorted: likewise.

    Raises:
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    error = float(np.mean((reference.astype(np.float64) - distorted) ** 2))
    return 10.0 * math.log10(255.0**2 / error) if error else math.inf
