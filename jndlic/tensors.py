"""Pictures and maps as everything in torch gets them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_batch(planes: np.ndarray, device: str | torch.device = "cpu") -> Tensor:
    """(H, W, 3) to (1, 3, H, W) float32: the same values, copied.

    Args:
        planes: a picture or a map, any type of number.
        device: where the result lives.
    """
    return torch.tensor(planes, device=device).permute(2, 0, 1)[None].to(torch.float32)
