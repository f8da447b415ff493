"""FSIM, VIF and HaarPSI, by the package `piq`.

Every function takes two uint8 arrays (H, W, 3) of RGB, original first, and gives a float; higher is
better.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from jndlic.metrics.packages import missing
from jndlic.metrics.pairs import check_pair
from jndlic.tensors import to_batch

FSIM = "fsim"
VIF = "vif"
HAARPSI = "haarpsi"


def fsim(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Feature similarity with colour (FSIMc), at most about 1.

    Source: Zhang, Zhang, Mou, Zhang, "FSIM: A Feature Similarity Index for Image Quality
    Assessment", IEEE TIP 2011.

    Raises:
        MetricError: `piq` is not installed.
        ParameterError: the arrays are not (H, W, 3) uint8, or differ in shape.
    """
    return _by_piq("fsim", reference, distorted)


def vif(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Visual information fidelity in the pixel domain (VIFp), 1 for equal pictures.

    NaN for pictures with a side below 41 pixels, which its four scales need.

    Source: Sheikh, Bovik, "Image information and visual quality", IEEE TIP 2006.

    Raises:
        MetricError: `piq` is not installed.
        ParameterError: the arrays are not (H, W, 3) uint8, or differ in shape.
    """
    return _by_piq("vif_p", reference, distorted) if min(reference.shape[:2]) >= 41 else math.nan


def haarpsi(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Haar wavelet-based perceptual similarity, 0 to 1.

    NaN for pictures with a side below 16 pixels.

    Source: Reisenhofer, Bosse, Kutyniok, Wiegand, "A Haar wavelet-based perceptual similarity index
    for image quality assessment", Signal Processing: Image Communication 2018.

    Raises:
        MetricError: `piq` is not installed.
        ParameterError: the arrays are not (H, W, 3) uint8, or differ in shape.
    """
    return _by_piq("haarpsi", reference, distorted) if min(reference.shape[:2]) >= 16 else math.nan


def _by_piq(name: str, reference: np.ndarray, distorted: np.ndarray) -> float:
    check_pair(reference, distorted)
    try:
        import piq
    except ImportError as error:
        raise missing("piq") from error
    with torch.inference_mode():
        return float(getattr(piq, name)(to_batch(distorted), to_batch(reference), data_range=255.0))
