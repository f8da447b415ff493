"""A pair of pictures as every metric gets it."""

from __future__ import annotations

import numpy as np

from jndlic.errors import ParameterError

SMALLEST_SIDE = 8
"""Pixels that SSIMULACRA2 and Butteraugli need."""


def check_pair(reference: np.ndarray, distorted: np.ndarray) -> None:
    """Both uint8 (H, W, 3) and of one shape.

    Raises:
        ParameterError: they are not.
    """
    for array in (reference, distorted):
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise ParameterError(
                f"a metric needs uint8 arrays (H, W, 3), got {array.dtype} {array.shape}"
            )
    if reference.shape != distorted.shape:
        raise ParameterError(
            f"the pictures differ in shape: {reference.shape} and {distorted.shape}"
        )


def large_enough(pixels: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) whose last row and column are repeated up to SMALLEST_SIDE: to those two
    metrics all smaller pictures are the same.
    """
    missing = [(0, max(0, SMALLEST_SIDE - side)) for side in pixels.shape[:2]]
    return np.pad(pixels, (*missing, (0, 0)), mode="edge") if np.any(missing) else pixels
