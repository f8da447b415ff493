"""JND map after the free-energy principle: error hides in what cannot be predicted.

Source: Wu, Shi, Lin, Liu, Qi, "Just noticeable difference estimation for images with free-energy
principle", IEEE Trans. Multimedia 2013.

    predicted I' = sum_i w_i I_i         over the search window
                   w_i = exp(-d_i / s^2)    d_i: mean squared difference of the patches
    disorder  D  = |I - I'| E               E: edge protection
    order     O  = NAMM of luminance adaptation and contrast masking, both of I'
    JND = O + D - 0.3 min(O, D)

The paper's weights depend on a noise level that it leaves open; s is 10 grey levels here. It takes
440 passes over the picture: a reference, not a tool for large photos. OpenCV makes the passes, on
numpy arrays; no gradient runs through them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from jndlic.errors import JndlicError
from jndlic.jnd.edges import edge_protection
from jndlic.jnd.luminance import adaptation, background, edge_height, joined, luma

SEARCH = 10  # pixels in every direction
PATCH = 7
SPREAD = 10.0  # s, grey levels
KNEE = 80.0  # grey levels from which edges count less and less


def free_energy_map(image: Tensor, progress: Callable[[float], None] | None = None) -> Tensor:
    """Tolerance of luma.

    Args:
        image: (B, 1 or 3, H, W) floating point, grey levels 0..255, any size.
        progress: is told the share that is done, now and then.

    Returns:
        (B, 1, H, W) grey levels.

    Raises:
        ImageError: it is no such image.
        JndlicError: OpenCV is not installed.
    """
    grey = luma(image)
    predicted = prediction(grey, progress)
    disorder = (grey - predicted).abs() * edge_protection(grey)
    around = background(predicted)
    return joined(joined(adaptation(around), masking(edge_height(predicted), around)), disorder)


def masking(height: Tensor, around: Tensor) -> Tensor:
    """Threshold beside edges of some height over a luminance, in grey levels, not below 0 (Chou and
    Li 1995, with compressed heights).
    """
    compressed = KNEE * torch.log10(1.0 + height / KNEE) / math.log10(4.0)
    return (compressed * (1e-4 * around + 0.115) + 0.5 - 0.01 * around).clamp(min=0.0)


def prediction(grey: Tensor, progress: Callable[[float], None] | None = None) -> Tensor:
    """Each pixel from those around it whose patches are alike; arguments as for `free_energy_map`,
    luma only.
    """
    try:
        import cv2
    except ImportError as error:
        raise JndlicError(
            "the JND model free-energy needs OpenCV: pip install 'jndlic[jnd]'"
        ) from error
    planes = grey[:, 0].detach().cpu().numpy()
    rows, columns = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (SEARCH, SEARCH), (SEARCH, SEARCH)), mode="edge")
    total, weights = np.zeros_like(planes), np.zeros_like(planes)
    difference, weight = np.empty_like(planes), np.empty_like(planes)
    for down in range(2 * SEARCH + 1):
        for right in range(2 * SEARCH + 1):
            if (down, right) == (SEARCH, SEARCH):
                continue  # a pixel does not predict itself
            other = padded[:, down : down + rows, right : right + columns]
            np.subtract(planes, other, out=difference)
            np.square(difference, out=difference)
            for plane, mean in zip(difference, weight):
                cv2.blur(plane, (PATCH, PATCH), dst=mean, borderType=cv2.BORDER_REPLICATE)
            weight *= -1.0 / SPREAD**2
            np.exp(weight, out=weight)
            weights += weight
            weight *= other
            total += weight
        if progress:
            progress((down + 1) / (2 * SEARCH + 1))
    tiny = np.finfo(planes.dtype).tiny
    predicted = torch.from_numpy(total / np.maximum(weights, tiny))[:, None].to(grey.device)
    alone = torch.from_numpy(weights <= tiny)[:, None].to(grey.device)
    return torch.where(alone, background(grey), predicted)  # nothing is alike: what is around
