"""Rate-distortion loss: R + lambda(q) (MSE + w LPIPS), in the units of the paper.

lambda is log-spaced over the qualities and follows the quality of each place. The squared error may
be weighted by the tolerance map, weight 1 / (j + 2)^2 with mean one per image: that rewards the
codec for moving errors to where the map tolerates them. Errors of chroma may count less than those
of luma, as they do to the eye: squared errors of red, green and blue count both alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.luma import LUMA

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


def squared_error(
    image: Tensor,
    reference: Tensor,
    jnd: Tensor,
    jnd_weighting: float,
    chroma_weight: float = 1.0,
) -> Tensor:
    """Squared error of each pixel, in grey levels squared.

    Args:
        image, reference: (B, 3, H, W) grey levels.
        jnd: (B, 3, H, W) tolerance in grey levels.
        jnd_weighting: share of the weighted error, 0 (plain) to 1.
        chroma_weight: of the squared error of what differs in colour and not in luma, above 0; that
            of luma counts 1.

    Returns:
        (B, 3, H, W).
    """
    error = image - reference
    if chroma_weight != 1.0:
        luma = (error * error.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
        error = luma + chroma_weight**0.5 * (error - luma)
    error = error.square()
    if jnd_weighting:
        weight = (jnd + 2.0).square().reciprocal()
        weight = weight / weight.mean((1, 2, 3), keepdim=True)
        error = error * (1.0 + jnd_weighting * (weight - 1.0))
    return error
