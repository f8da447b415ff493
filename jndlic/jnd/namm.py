"""Pixel-wise JND map: luminance adaptation and contrast masking, joined by the overlap term.

The formula is the one that JND-LIC (Pan et al. 2024) builds on: luminance adaptation after Chou and
Li (IEEE TCSVT 1995), the nonlinear additivity model (NAMM) after Yang et al. (Signal Processing:
Image Communication 2005) and the contrast term of Wu et al. (IEEE TIP 2017) with a constant pattern
complexity. Two of its published implementation's errors are absent here: gradients are kept in
floating point with their sign, and the dark branch carries Chou and Li's +3, so that both branches
meet at grey level 127.

Per channel, in 8-bit grey levels, with I the channel and borders replicated:

    Me = 5x5 box mean of I
    P  = (Gh^2 + Gv^2) / 2                   Gh, Gv = 3x3 Prewitt gradients / 3
    L  = 17 (1 - sqrt(Me / 127)) + 3         where Me <= 127
         3 (Me - 127) / 128 + 3              elsewhere
    V  = 1.84 P^1.2 / (P + 26^2) * 0.3 N^2.7 / (N^2 + 1)      N = 7
    JND = L + V - 0.3 min(L, V)
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.errors import ImageError

PATTERN_COMPLEXITY = 7.0
CONTRAST_GAIN = 1.84 * 0.3 * PATTERN_COMPLEXITY**2.7 / (PATTERN_COMPLEXITY**2 + 1.0)
CONTRAST_KNEE = 26.0**2
OVERLAP = 0.3
DARKEST_MEAN = 1e-8  # keeps the slope of the square root finite at black
POWER_GUARD = 1e-12  # keeps the logarithm finite where there is no gradient
BAND_VALUES = 150_000  # the picture is worked through in bands that stay in the processor's cache
BAND_ROWS_MIN = 16


def jnd_map(image: Tensor) -> Tensor:
    """Tolerance of every pixel and channel.

    Args:
        image: (B, C, H, W) floating point, grey levels 0..255, any H and W from 1.

    Returns:
        (B, C, H, W) grey levels, same type and device; differentiable.

    Raises:
        ImageError: the tensor is not four-dimensional, empty or not floating point.
    """
    if image.dim() != 4 or image.numel() == 0 or not image.is_floating_point():
        raise ImageError(
            f"need a floating (B, C, H, W) image, got {image.dtype} {tuple(image.shape)}"
        )
    rows = image.shape[-2]
    padded = functional.pad(image, (2, 2, 2, 2), mode="replicate")
    band = max(BAND_ROWS_MIN, BAND_VALUES // (image.numel() // rows))
    return torch.cat(
        [_band(padded[..., top : top + band + 4, :]) for top in range(0, rows, band)], -2
    )


def _band(padded: Tensor) -> Tensor:
    """The map of some rows, from those rows and two more on every side."""
    rows, columns = padded.shape[-2] - 4, padded.shape[-1] - 4
    vertical = cast(Tensor, sum(padded[..., shift : shift + rows, :] for shift in range(5)))
    # 25 Me
    box = cast(Tensor, sum(vertical[..., shift : shift + columns] for shift in range(5)))
    inner = padded[..., 1 : rows + 3, 1 : columns + 3]
    row_sums = inner[..., :-2, :] + inner[..., 1:-1, :] + inner[..., 2:, :]
    column_sums = inner[..., :-2] + inner[..., 1:-1] + inner[..., 2:]
    horizontal = row_sums[..., 2:] - row_sums[..., :-2]  # 3 Gh
    vertical = column_sums[..., 2:, :] - column_sums[..., :-2, :]  # 3 Gv
    power = (horizontal.square() + vertical.square()) * (1.0 / 18.0)
    raised = (1.2 * (power + POWER_GUARD).log()).exp()  # a third of the time that pow takes
    contrast = CONTRAST_GAIN * raised / (power + CONTRAST_KNEE)
    dark = 20.0 - 17.0 * (box * (1.0 / (25.0 * 127.0))).clamp(DARKEST_MEAN / 127.0, 1.0).sqrt()
    bright = (box - 25.0 * 127.0).clamp(min=0.0) * (3.0 / (25.0 * 128.0))
    luminance = dark + bright  # each branch stays at its value at 127 on the other's side
    return luminance + contrast - OVERLAP * torch.minimum(luminance, contrast)


def jnd_map_numpy(image: np.ndarray) -> np.ndarray:
    """The same map in numpy, written plainly from the formula; the reference for tests.

    Args:
        image: (H, W, C) grey levels 0..255, any numeric type.

    Returns:
        (H, W, C) float64 grey levels.

    Raises:
        ImageError: the array is not three-dimensional or empty.
    """
    if image.ndim != 3 or image.size == 0:
        raise ImageError(f"need an (H, W, C) image, got shape {image.shape}")
    rows, columns, _ = image.shape
    padded = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="edge")

    def window(down: int, right: int) -> np.ndarray:
        """The image moved by (down, right), -2..2."""
        return padded[2 + down : 2 + down + rows, 2 + right : 2 + right + columns]

    offsets = range(-2, 3)
    mean = sum(window(down, right) for down in offsets for right in offsets) / 25.0
    horizontal = sum(window(i, 1) - window(i, -1) for i in (-1, 0, 1)) / 3.0
    vertical = sum(window(1, i) - window(-1, i) for i in (-1, 0, 1)) / 3.0
    power = (horizontal**2 + vertical**2) / 2.0
    contrast = CONTRAST_GAIN * power**1.2 / (power + CONTRAST_KNEE)
    dark = 17.0 * (1.0 - np.sqrt(np.maximum(mean, DARKEST_MEAN) / 127.0)) + 3.0
    bright = 3.0 * (mean - 127.0) / 128.0 + 3.0
    luminance = np.where(mean <= 127.0, dark, bright)
    return luminance + contrast - OVERLAP * np.minimum(luminance, contrast)
