"""Rate-distortion loss: R + lambda(q) (MSE + w LPIPS), in the units of the paper.

lambda is log-spaced over the qualities and follows the quality of each place. The squared error may
be weighted by the tolerance map, weight 1 / (j + 2)^2 with mean one per image: that rewards the
codec for moving errors to where the map tolerates them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN

LAMBDA_MIN, LAMBDA_MAX = 0.00012, 0.22


def rate_distortion_weight(quality: Tensor) -> Tensor:
    """lambda of each quality: integers 1..100 of any shape to float32, 0.00012 to 0.22 bits per
    squared grey level.
    """
    position = (quality.to(torch.float32) - QUALITY_MIN) / (QUALITY_MAX - QUALITY_MIN)
    return LAMBDA_MIN * (LAMBDA_MAX / LAMBDA_MIN) ** position


def balance(weight: Tensor, strength: float) -> Tensor:
    """Weight of each sample so that fine qualities, whose losses are large, do not own the
    gradient: (lambda / 0.0051)^-strength.

    Args:
        weight: lambda, (B, h, w); its geometric mean over the places counts.
        strength: 0 (no balance) to 1.

    Returns:
        (B,).
    """
    return torch.exp(-strength * (weight / (LAMBDA_MIN * LAMBDA_MAX) ** 0.5).log().mean((1, 2)))


def squared_error(image: Tensor, reference: Tensor, jnd: Tensor, jnd_weighting: float) -> Tensor:
    """Squared error of each pixel, in grey levels squared.

    Args:
        image, reference: (B, 3, H, W) grey levels.
        jnd: (B, 3, H, W) tolerance in grey levels.
        jnd_weighting: share of the weighted error, 0 (plain) to 1.

    Returns:
        (B, 3, H, W).
    """
    error = (image - reference).square()
    if jnd_weighting:
        weight = (jnd + 2.0).square().reciprocal()
        weight = weight / weight.mean((1, 2, 3), keepdim=True)
        error = error * (1.0 + jnd_weighting * (weight - 1.0))
    return error
