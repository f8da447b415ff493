"""Pictures of what the codec does where: step sizes beside their mean, maps as pixels."""

from __future__ import annotations

import numpy as np

from jndlic.block_maps import step_sizes
from jndlic.format.grid import LATENT_STRIDE


def step_map(step_index: np.ndarray) -> np.ndarray:
    """Relative step size at each latent position.

    Args:
        step_index: d, integers (M, h, w).

    Returns:
        (h, w) float64: `mean_steps` (jndlic/block_maps.py), divided by its geometric mean over the
        picture. 1 is average; where it is larger the picture is quantised more coarsely.
    """
    return step_sizes(step_index.mean(0) - step_index.mean())


def to_pixels(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map of latent positions, (h, w), as (height, width) pixels: each value fills its square."""
    return values.repeat(LATENT_STRIDE, 0).repeat(LATENT_STRIDE, 1)[:height, :width]
