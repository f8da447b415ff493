"""ColorVideoVDP: differences that people see, in units of their own judgements.

    JOD: 10 = no visible difference; one less = three of four people prefer the other picture

A model of contrast sensitivity and masking whose few free numbers were fitted to judgements of
people (the data sets XR-DAVID, UPIQ and LIVE HDR). Its parameters come with the package `cvvdp`;
nothing is downloaded.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from jndlic.errors import MetricError
from jndlic.metrics.pairs import check_pair

if TYPE_CHECKING:
    from pycvvdp import cvvdp  # pyright: ignore[reportMissingImports]

CVVDP = "cvvdp"
DISPLAY = "standard_fhd"
"""24 inches of 1920×1080 pixels at 60 cm: 37.8 pixels a degree, 200 cd/m², 250 lux in the room. The
pixels of a 4K display are half as large, and differences harder to see."""


def colour_video_vdp(reference: np.ndarray, distorted: np.ndarray) -> float:
    """ColorVideoVDP of a still on the display DISPLAY, in JOD: 10 for equal pictures, less for
    visible differences.

    A shift of the whole picture by the same amount is no difference to it: it sees contrasts. NaN
    for pictures with a side of one pixel.

    Source: Mantiuk, Hanji, Ashraf, Asano, Chapiro, "ColorVideoVDP: A visual difference predictor
    for image, video and display distortions", ACM Transactions on Graphics 2024, computed by the
    `cvvdp` package.

    Args:
        reference: (H, W, 3) uint8 of sRGB.
        distorted: likewise.

    Raises:
        MetricError: `cvvdp` is not installed.
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    if min(reference.shape[:2]) < 2:
        return math.nan
    points, _ = _model().predict(distorted, reference, dim_order="HWC")
    return float(points)


def check_installed() -> None:
    """Loads the library, which takes seconds: it loads everything that reads videos too.

    Raises:
        MetricError: `cvvdp`, or something that it needs, is not installed.
    """
    try:
        import pycvvdp  # pyright: ignore[reportMissingImports]  # noqa: F401
    except ImportError as error:
        raise MetricError(
            f"{CVVDP} needs the `cvvdp` package: pip install 'jndlic[bench]' ({error})"
        ) from error


@lru_cache(maxsize=1)
def _model() -> cvvdp:
    import torch

    check_installed()
    import pycvvdp  # pyright: ignore[reportMissingImports]

    return pycvvdp.cvvdp(display_name=DISPLAY, device=torch.device("cpu"), quiet=True)
