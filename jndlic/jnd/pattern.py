"""JND map of enhanced pattern complexity: texture without order hides more than texture with order.

Source: Wu, Li, Dong, Shi, Lin, Kuo, "Enhanced just noticeable difference model for images with
pattern complexity", IEEE TIP 2017.

    LA = 0.7 T(B)                     B: background luminance, lifted to 32 at black; T: adaptation
    LC = 1.84 C^2.4 / (C^2 + 26^2)    C: standard deviation of 5x5 pixels
    CP = 0.3 P^2.7 / (P^2 + 1)        P: distinct orientations, 12 degrees each, among 3x3 pixels,
                                         smoothed
    PM = C CP E                       E: edge protection
    JND = LA + max(LC, PM) - 0.3 min(LA, max(LC, PM))

Pixels whose gradient is below 5 count together as one more orientation (the paper leaves them
open).
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.jnd.edges import edge_protection
from jndlic.jnd.luminance import adaptation, background, blur, box_mean, correlate, joined, luma

ADAPTATION_SHARE = 0.7
LIFT = 32.0
BIN = 12.0  # degrees
# Degrees that the bins are turned by, so that no multiple of 45, the commonest angles, lies on a
# border.
TURN = 1.5
GRADIENT_MIN = 5.0
PREWITT = ((-1, 0, 1), (-1, 0, 1), (-1, 0, 1))


def pattern_map(image: Tensor) -> Tensor:
    """Tolerance of luma.

    Args:
        image: (B, 1 or 3, H, W) floating point, grey levels 0..255, any size.

    Returns:
        (B, 1, H, W) grey levels; differentiable where the orientations of its pixels stay what they
        are.

    Raises:
        ImageError: it is no such image.
    """
    grey = luma(image)
    around = background(grey)
    lifted = torch.where(around <= 127.0, LIFT + around * (127.0 - LIFT) / 127.0, around)
    variance = (box_mean(grey.square(), 5) - box_mean(grey, 5).square()).clamp(min=1e-6)
    contrast = variance.sqrt()
    masking = 1.84 * variance.pow(1.2) / (variance + 26.0**2)
    complexity = blur(orientations(grey), 3, 1.0)
    pattern = (
        contrast * (0.3 * complexity.pow(2.7) / (complexity.square() + 1.0)) * edge_protection(grey)
    )
    return joined(ADAPTATION_SHARE * adaptation(lifted), torch.maximum(masking, pattern))


def orientations(grey: Tensor) -> Tensor:
    """How many orientations the pixels of a 3x3 window have: 1 to 9, (B, 1, H, W)."""
    with torch.no_grad():
        right = correlate(grey, PREWITT) / 3.0
        down = correlate(grey, tuple(zip(*PREWITT))) / 3.0
        angle = torch.atan2(down, right) * (180.0 / math.pi)
        count = round(180.0 / BIN)
        bins = torch.remainder(torch.round((angle + TURN) / BIN), count)
        bins = torch.where(torch.hypot(right, down) > GRADIENT_MIN - 1e-4, bins, float(count))
        seen = functional.pad(
            torch.bitwise_left_shift(torch.ones_like(bins, dtype=torch.int32), bins.int()),
            (1, 1, 1, 1),
        )
        # One bit for each orientation
        seen = seen[..., :-2, :] | seen[..., 1:-1, :] | seen[..., 2:, :]
        seen = seen[..., :-2] | seen[..., 1:-1] | seen[..., 2:]
        ones = sum(torch.bitwise_right_shift(seen, number) & 1 for number in range(count + 1))
        return cast(Tensor, ones).to(grey.dtype)
