"""Which of several crops has the most edges.

Much of a usual photo is sky, wall and blur, which a codec learns soon; lines and corners, of which
it needs most samples, are rare.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

CANDIDATES = 4
"""Crops of which the one with the most edges is taken."""

BLOCK = 8
"""Pixels: side of the places in which gradients have to agree to be an edge."""


def edge_amount(crops: Tensor) -> Tensor:
    """How much of crops is edges: the mean over blocks of the gradient's size, as far as it points
    one way within the block (the difference of the structure tensor's eigenvalues; Bigün and
    Granlund, "Optimal orientation detection of linear symmetry", ICCV 1987).

    Args:
        crops: (B, 3, S, S), grey levels of any type, S at least 10.

    Returns:
        (B,) float32, grey levels a pixel; 0 for flat crops and where directions are evenly mixed.
    """
    luma = crops.float().mean(1, keepdim=True)
    across = 0.5 * (luma[..., 1:-1, 2:] - luma[..., 1:-1, :-2])
    down = 0.5 * (luma[..., 2:, 1:-1] - luma[..., :-2, 1:-1])
    products = torch.cat((across.square() - down.square(), 2.0 * across * down), 1)
    return functional.avg_pool2d(products, BLOCK).norm(dim=1).sqrt().mean((1, 2))
