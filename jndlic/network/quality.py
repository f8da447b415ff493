"""The quality as the networks read it: a plane, one value for each 32 x 32 pixels, so that a
picture may spend more where it matters.

    plane Q (1..100, 1/32) ─► 8 hat functions
    8 hat functions ─┬─► integer planes 0..16 ─► step net (1/32), scale net (means, 1/64)
                     └─► weights 0..1 ─► gain table, gains of the float networks
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from jndlic.format.container import QUALITY_MAX, QUALITY_MIN
from jndlic.network.rules import QUALITY_NODES, QUALITY_UNIT


def quality_plane(quality: Tensor, height: int, width: int) -> Tensor:
    """A plane of qualities.

    Args:
        quality: (B,) integers 1..100, one for each picture, or (B, height, width).
        height, width: of the plane, in blocks of 32 x 32 pixels.

    Returns:
        (B, height, width).
    """
    return quality if quality.dim() == 3 else quality[:, None, None].expand(-1, height, width)


def quality_hats(quality: Tensor) -> Tensor:
    """Piecewise-linear basis over the quality.

    Args:
        quality: (B, h, w) integers 1..100.

    Returns:
        (B, 8, h, w) int64 in 0..99 that sum to 99 over the hats: hat i is
        max(0, 99 - |7 (quality - 1) - 99 i|).
    """
    span = QUALITY_MAX - QUALITY_MIN
    position = (quality.to(torch.int64) - QUALITY_MIN)[:, None] * (QUALITY_NODES - 1)
    nodes = span * torch.arange(QUALITY_NODES, device=quality.device)
    return (span - (position - nodes[:, None, None]).abs()).clamp(min=0)


def quality_weights(quality: Tensor) -> Tensor:
    """The hats as float32 interpolation weights, (B, h, w) to (B, 8, h, w), summing to one at each
    place.
    """
    return quality_hats(quality).to(torch.float32) / (QUALITY_MAX - QUALITY_MIN)


def quality_planes(quality: Tensor) -> Tensor:
    """The hats as integer planes of height 0..16 for the integer networks: (B, h, w) to (B, 8, h,
    w) float32.
    """
    span = QUALITY_MAX - QUALITY_MIN
    return ((quality_hats(quality) * QUALITY_UNIT + span // 2) // span).to(torch.float32)


def coarser_planes(planes: Tensor) -> Tensor:
    """Means of 2 x 2 integers, halves rounded up: (B, 8, 2 h, 2 w) to (B, 8, h, w), float32 that
    holds integers.
    """
    return torch.floor(functional.avg_pool2d(planes, 2) + 0.5)


class QualityGain(nn.Module):
    """Scale and offset of each channel that follow the quality of the place; begins without effect.

        x' = (1 + a(q)) x + b(q)         a, b: piecewise linear in the quality

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.modulation = nn.Conv2d(QUALITY_NODES, 2 * channels, 1, bias=False)
        nn.init.zeros_(self.modulation.weight)

    def forward(self, features: Tensor, weights: Tensor) -> Tensor:
        """Modulate features.

        Args:
            features: (B, C, H, W).
            weights: of `quality_weights`, (B, 8, h, w); H = h 2^n, W = w 2^n.

        Returns:
            (B, C, H, W).
        """
        if weights.shape[-1] != features.shape[-1]:
            weights = functional.interpolate(weights, features.shape[-2:], mode="nearest")
        scale, offset = self.modulation(weights).chunk(2, 1)
        return torch.addcmul(features + offset, features, scale)
