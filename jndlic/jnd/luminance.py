"""What the models of grey pictures share: luma, windows, luminance adaptation.

All take and give (B, 1, H, W) floating point grey levels 0..255 unless told otherwise; borders are
replicated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.errors import ImageError
from jndlic.luma import LUMA

OVERLAP = 0.3
"""How much of the smaller of two thresholds is lost when both act on one pixel (Yang et al.
2005).
"""

BACKGROUND = ((1, 1, 1, 1, 1), (1, 2, 2, 2, 1), (1, 2, 0, 2, 1), (1, 2, 2, 2, 1), (1, 1, 1, 1, 1))
"""Weights of the surroundings of a pixel, of 32 in all (Chou and Li 1995)."""

DIRECTIONS = (
    ((0, 0, 0, 0, 0), (1, 3, 8, 3, 1), (0, 0, 0, 0, 0), (-1, -3, -8, -3, -1), (0, 0, 0, 0, 0)),
    ((0, 0, 1, 0, 0), (0, 8, 3, 0, 0), (1, 3, 0, -3, -1), (0, 0, -3, -8, 0), (0, 0, -1, 0, 0)),
    ((0, 0, 1, 0, 0), (0, 0, 3, 8, 0), (-1, -3, 0, 3, 1), (0, -8, -3, 0, 0), (0, 0, -1, 0, 0)),
    ((0, 1, 0, -1, 0), (0, 3, 0, -3, 0), (0, 8, 0, -8, 0), (0, 3, 0, -3, 0), (0, 1, 0, -1, 0)),
)
"""Gradients in four directions, over 16 (Chou and Li 1995)."""


def luma(image: Tensor) -> Tensor:
    """(B, 3, H, W) to its luma (B, 1, H, W); a picture of one channel is its own.

    Raises:
        ImageError: it is not floating point of one or three channels, or empty.
    """
    if (
        image.dim() != 4
        or image.shape[1] not in (1, 3)
        or image.numel() == 0
        or not image.is_floating_point()
    ):
        raise ImageError(
            f"need a floating (B, 1 or 3, H, W) image, got {image.dtype} {tuple(image.shape)}"
        )
    if image.shape[1] == 1:
        return image
    red, green, blue = image.split(1, 1)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def correlate(image: Tensor, kernel: Sequence[Sequence[float]]) -> Tensor:
    """Each pixel's surroundings weighted by a kernel with odd sides.

    As a sum of moved pictures: for one channel that is several times as fast as the library's
    convolution.
    """
    down, right = len(kernel) // 2, len(kernel[0]) // 2
    rows, columns = image.shape[-2:]
    padded = functional.pad(image, (right, right, down, down), mode="replicate")
    total = torch.zeros_like(image)
    for top, weights in enumerate(kernel):
        for left, weight in enumerate(weights):
            if weight:
                total.add_(
                    padded[..., top : top + rows, left : left + columns], alpha=float(weight)
                )
    return total


def blur(image: Tensor, side: int, sigma: float) -> Tensor:
    """Weighted by a normalised Gaussian of side x side pixels."""
    row = gaussian(side, sigma)
    return correlate(correlate(image, (row,)), tuple((weight,) for weight in row))


def box_mean(image: Tensor, side: int) -> Tensor:
    """Mean over a window of side x side pixels."""
    reach = side // 2
    return functional.avg_pool2d(functional.pad(image, (reach,) * 4, mode="replicate"), side, 1)


def gaussian(side: int, sigma: float) -> tuple[float, ...]:
    """Normalised weights of one row."""
    row = [math.exp(-((place - side // 2) ** 2) / (2.0 * sigma**2)) for place in range(side)]
    return tuple(weight / sum(row) for weight in row)


def background(image: Tensor) -> Tensor:
    """Luminance around each pixel."""
    return correlate(image, BACKGROUND) / 32.0


def adaptation(mean: Tensor) -> Tensor:
    """Visibility threshold over a luminance, in grey levels; both branches meet at 127.

    Source: Chou and Li, "A perceptually tuned subband image coder based on the measure of
    just-noticeable-distortion profile", IEEE TCSVT 1995.
    """
    dark = 17.0 * (1.0 - (mean / 127.0).clamp(1e-10, 1.0).sqrt()) + 3.0
    return dark + 3.0 / 128.0 * (mean - 127.0).clamp(min=0.0)


def edge_height(image: Tensor) -> Tensor:
    """Largest of the gradients in four directions, in grey levels (Chou and Li 1995)."""
    return torch.cat([correlate(image, kernel).abs() / 16.0 for kernel in DIRECTIONS], 1).amax(
        1, keepdim=True
    )


def joined(first: Tensor, second: Tensor) -> Tensor:
    """Two thresholds that act on the same pixels: NAMM, Yang et al., Signal Processing: Image
    Communication 2005.
    """
    return first + second - OVERLAP * torch.minimum(first, second)
