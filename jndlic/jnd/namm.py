"""The model of own_map.py on tensors: differentiable, in batches, on any device; for training and
for the studies.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as functional
from torch import Tensor

from jndlic.errors import ImageError
from jndlic.jnd.own_map import (
    CONTRAST_GAIN,
    CONTRAST_KNEE,
    DARKEST_MEAN,
    OVERLAP,
    POWER_GUARD,
)

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
