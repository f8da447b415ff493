"""Filters that mind small differences alone: a line does not leak into what lies beside it.

    luma ─► differences to 12 of the 24 pixels around ─► the small ones ─► filters of 5 x 5 ─► s_r

A linear filter near a line has the choice to leave the ripple that coding put beside it, or to
smear the line. Where a difference beyond a reach counts nothing (Tukey's biweight), neither
happens: the bilateral filter (Tomasi, Manduchi, ICCV 1998) and the constrained directional
enhancement filter of AV1 (Midtskogen, Valin, ICASSP 2018) work alike. The other 12 differences are
these, seen from the other pixel with the sign changed: the filters read them there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

TAPS = 5
"""Side of the filters, in pixels."""

STRIDE = 2
"""Pixels of a side that the filters compute together, see `at_half`."""

OFFSETS = tuple(
    (down, right)
    for down in range(-(TAPS // 2), 1)
    for right in range(-(TAPS // 2), TAPS // 2 + 1)
    if (down, right) < (0, 0)
)
"""From a pixel to the other one of each difference: those above it, and to the left of it."""


def at_half(kernels: Tensor) -> Tensor:
    """Kernels of 5 x 5 for pictures whose 2 x 2 pixels are channels: faster than filters of few
    channels.

    Args:
        kernels: (R, C, 5, 5).

    Returns:
        (4 R, 4 C, 3, 3), one for each of the four pixels of a place.
    """
    placed = [
        functional.pad(kernels, (right, 1 - right, down, 1 - down))
        for down in range(STRIDE)
        for right in range(STRIDE)
    ]
    return functional.pixel_unshuffle(torch.stack(placed, 1).flatten(0, 1), STRIDE)


class SmallDifferences(nn.Module):
    """The differences, as far as they are small."""

    kernels: Tensor
    in_channels, kernel_size = STRIDE**2, (3, 3)

    def __init__(self) -> None:
        super().__init__()
        middle = TAPS // 2
        kernels = torch.zeros(len(OFFSETS), 1, TAPS, TAPS)
        for kernel, (down, right) in zip(kernels, OFFSETS, strict=True):
            kernel[0, middle, middle], kernel[0, middle + down, middle + right] = -1.0, 1.0
        self.register_buffer("kernels", at_half(kernels), persistent=False)

    def forward(self, luma: Tensor, reach: Tensor) -> Tensor:
        """d (1 - (d / reach)²)² where a difference d is smaller than the reach, 0 elsewhere.

        Args:
            luma: (B, 1, H, W).
            reach: (B, 1, H/2, W/2), in the same unit.

        Returns:
            (B, 48, H/2 + 2, W/2 + 2), with a place more on every side: of each difference, the four
            pixels of a place.
        """
        planes = functional.pad(luma, (4, 4, 4, 4), mode="replicate")
        planes = functional.conv2d(functional.pixel_unshuffle(planes, STRIDE), self.kernels)
        around = functional.pad(reach.reciprocal(), (1, 1, 1, 1), mode="replicate")
        return planes * torch.relu(1.0 - (planes * around).square()).square()


class RobustBank(nn.Module):
    """The filters.

    Args:
        filters: R.
    """

    in_channels, kernel_size = STRIDE**2 * len(OFFSETS), (3, 3)

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.differences = SmallDifferences()
        self.weight = nn.Parameter(torch.empty(filters, len(OFFSETS), TAPS, TAPS))
        nn.init.orthogonal_(self.weight)

    def forward(self, luma: Tensor, reach: Tensor) -> Tensor:
        """Arguments as for SmallDifferences; to (B, 1, R, 4, H/2, W/2), the four pixels of each
        place together.
        """
        planes = functional.conv2d(self.differences(luma, reach), at_half(self.weight))
        return planes.unflatten(1, (1, -1, STRIDE**2))
