"""MS-SSIM as the benchmark reports it, by the package `pytorch-msssim`."""

from __future__ import annotations

import math

import numpy as np
import torch

from jndlic.metrics.packages import missing
from jndlic.metrics.pairs import check_pair
from jndlic.tensors import to_batch

MS_SSIM = "ms-ssim-rgb"
SMALLEST_SIDE = 161
"""Pixels: five scales of an 11-pixel window need more than 160."""


def ms_ssim(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Multi-scale structural similarity, mean of the RGB channels, at most 1.

    NaN for pictures with a side of 160 pixels or less.

    Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality
    assessment", Asilomar 2003, computed by `pytorch_msssim`.

    Args:
        reference: (H, W, 3) uint8 of RGB.
        distorted: likewise.

    Raises:
        MetricError: `pytorch_msssim` is not installed.
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    if min(reference.shape[:2]) < SMALLEST_SIDE:
        return math.nan
    try:
        import pytorch_msssim
    except ImportError as error:
        raise missing("pytorch-msssim") from error
    with torch.inference_mode():
        return float(
            pytorch_msssim.ms_ssim(to_batch(reference), to_batch(distorted), data_range=255.0)
        )
