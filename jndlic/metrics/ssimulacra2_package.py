"""SSIMULACRA2 as the benchmark reports it, by the package `ssimulacra2`.

`jndlic.metrics.ssimulacra2` gives the same points faster, and gradients.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from jndlic.metrics.packages import missing
from jndlic.metrics.pairs import check_pair

SSIMULACRA2 = "ssimulacra2"


def ssimulacra2(reference: np.ndarray, distorted: np.ndarray) -> float:
    """SSIMULACRA2 in points: 100 equal, 90 visually lossless, 70 high quality, 30 low.

    Source: Sneyers, SSIMULACRA 2 (Cloudinary, 2023), computed by the `ssimulacra2` package.

    Args:
        reference: (H, W, 3) uint8 of sRGB.
        distorted: likewise.

    Raises:
        MetricError: `ssimulacra2` is not installed.
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise missing("ssimulacra2") from error
    return float(compute_ssimulacra2(_file(reference), _file(distorted)))


def _file(pixels: np.ndarray) -> io.BytesIO:
    """A picture file in memory, since the package reads files only; BMP takes no time to write."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file
