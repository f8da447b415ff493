"""A pair of pictures as every metric gets it."""

from __future__ import annotations

import numpy as np

from jndlic.errors import ParameterError


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
