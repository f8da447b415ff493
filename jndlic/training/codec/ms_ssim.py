"""Structural distance over five scales: MS-SSIM as a term of a loss that may weigh every pixel.

    D_M = Σ_s w_s mean_p [ λ_s(p) (1 - c_s(p)) ]        w = 0.0448, 0.2856, 0.3001, 0.2363, 0.1333

c_s is the product of contrast and structure at scale s (at the last scale that of luminance too),
λ_s the weight of the pixel, scaled down with the picture. MS-SSIM itself is the product of the
means of c_s to the powers w_s; near 1, 1 - MS-SSIM is D_M for λ = 1. Unlike the product, the sum
tells what each place costs. Windows that reach over the border are cut there and made to sum to
one, so small crops have all five scales.

Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality assessment",
Asilomar 2003.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as functional
from torch import Tensor

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW_SIGMA, WINDOW_REACH = 1.5, 5  # pixels
LUMINANCE_FLOOR, CONTRAST_FLOOR = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
SMALLEST_SIDE = 2 ** len(SCALE_WEIGHTS)


def distance(image: Tensor, reference: Tensor, weight: Tensor) -> Tensor:
    """D_M of each picture; differentiable in `image`.

    Args:
        image, reference: (B, 3, H, W) float32 grey levels; sides of 32 pixels at least.
        weight: λ of each pixel, (B, 1, H, W).

    Returns:
        (B,), 0 where the pictures are equal.
    """
    # Differences of squares need the digits of float32
    with torch.autocast(image.device.type, enabled=False):
        return _distance(image.float() - 128.0, reference.float() - 128.0, weight.float())


def _distance(image: Tensor, reference: Tensor, weight: Tensor) -> Tensor:
    """The same of pictures around mid-grey, which keeps squares small."""
    total = torch.zeros(len(image), device=image.device)
    for scale, share in enumerate(SCALE_WEIGHTS):
        if scale:
            image, reference, weight = (
                functional.avg_pool2d(planes, 2) for planes in (image, reference, weight)
            )
        last = scale == len(SCALE_WEIGHTS) - 1
        total = total + share * (weight * (1.0 - _similarity(image, reference, last))).mean(
            (1, 2, 3)
        )
    return total


def _similarity(image: Tensor, reference: Tensor, with_luminance: bool) -> Tensor:
    """Of each place, the same shape."""
    rows, columns = (_window(side, image.device) for side in image.shape[-2:])

    def blurred(planes: Tensor) -> Tensor:
        return rows @ planes @ columns.t()

    mean, mean_reference = blurred(image), blurred(reference)
    product = mean * mean_reference
    squares = mean.square() + mean_reference.square()
    covariance = blurred(image * reference) - product
    variances = blurred(image.square() + reference.square()) - squares
    similarity = (2.0 * covariance + CONTRAST_FLOOR) / (variances + CONTRAST_FLOOR)
    if with_luminance:
        # (a + 128)^2 + (b + 128)^2, 2 (a + 128) (b + 128)
        offset = 2.0 * 128.0 * (mean + mean_reference) + 2.0 * 128.0**2
        similarity = (
            similarity
            * (2.0 * product + offset + LUMINANCE_FLOOR)
            / (squares + offset + LUMINANCE_FLOOR)
        )
    return similarity


@lru_cache(maxsize=32)
def _window(side: int, device: torch.device) -> Tensor:
    """(side, side): a Gaussian blur along one axis as a product; a matrix is faster on a CPU than a
    depthwise convolution.
    """
    places = torch.arange(side, dtype=torch.float64)
    distance = (places[:, None] - places[None, :]).abs()
    weights = torch.exp(-0.5 * (distance / WINDOW_SIGMA).square()) * (distance <= WINDOW_REACH)
    return (weights / weights.sum(1, keepdim=True)).float().to(device)
