"""Quality of a decoded picture beside its original, by the libraries that the field uses.

Every function takes two uint8 arrays (H, W, 3) of RGB and gives a float. All but LPIPS are better
when higher.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jndlic.errors import JndlicError, ParameterError

Metric = Callable[[np.ndarray, np.ndarray], float]

PSNR = "psnr-rgb"
MS_SSIM = "ms-ssim-rgb"
LPIPS_SQUEEZE = "lpips-squeeze"
SSIMULACRA2 = "ssimulacra2"
NAMES = (PSNR, MS_SSIM, LPIPS_SQUEEZE, SSIMULACRA2)
"""As the result files spell them."""

LOWER_IS_BETTER = frozenset({LPIPS_SQUEEZE})

MS_SSIM_SMALLEST_SIDE = 161
"""Pixels: five scales of an 11-pixel window need more than 160."""


class MetricError(JndlicError):
    """A library that a metric needs is not installed."""


def psnr(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all channels, in dB; infinite for equal pictures."""
    _check(reference, distorted)
    error = float(np.mean((reference.astype(np.float64) - distorted) ** 2))
    return 10.0 * math.log10(255.0**2 / error) if error else math.inf


def ms_ssim(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Multi-scale structural similarity, mean of the RGB channels, at most 1.

    NaN for pictures with a side of 160 pixels or less.

    Source: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality
    assessment", Asilomar 2003, computed by `pytorch_msssim`.

    Raises:
        MetricError: `pytorch_msssim` is not installed.
    """
    _check(reference, distorted)
    if min(reference.shape[:2]) < MS_SSIM_SMALLEST_SIDE:
        return math.nan
    try:
        import pytorch_msssim
    except ImportError as error:
        raise _missing("pytorch-msssim") from error
    with torch.inference_mode():
        return float(pytorch_msssim.ms_ssim(_batch(reference), _batch(distorted), data_range=255.0))


def ssimulacra2(reference: np.ndarray, distorted: np.ndarray) -> float:
    """SSIMULACRA2 in points: 100 equal, 90 visually lossless, 70 high quality, 30 low.

    Source: Sneyers, SSIMULACRA 2 (Cloudinary, 2023), computed by the `ssimulacra2` package.
    `jndlic.training.ssimulacra2` gives the same points faster.

    Raises:
        MetricError: `ssimulacra2` is not installed.
    """
    _check(reference, distorted)
    try:
        from ssimulacra2 import compute_ssimulacra2
    except ImportError as error:
        raise _missing("ssimulacra2") from error
    return float(compute_ssimulacra2(_file(reference), _file(distorted)))


def lpips_squeeze(weights: str | Path | None = None, device: str = "cpu") -> Metric:
    """LPIPS v0.1 on SqueezeNet 1.1, in float32: 0 for equal pictures, lower is better.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric",
    CVPR 2018. Sides of at least 32 pixels.

    Args:
        weights: file of the trunk; None: the one that JNDLIC_LPIPS_WEIGHTS names.
        device: where the network runs.

    Returns:
        The metric: the network is loaded once.

    Raises:
        WeightsError: there is no such file, or `lpips` is not installed.
    """
    from jndlic.training.perceptual import LPIPS

    network = LPIPS(weights, full_precision=True).to(device)

    def distance(reference: np.ndarray, distorted: np.ndarray) -> float:
        _check(reference, distorted)
        with torch.inference_mode():
            return float(network(_batch(reference).to(device), _batch(distorted).to(device)))

    return distance


def select(
    names: Sequence[str], lpips_weights: str | Path | None = None, device: str = "cpu"
) -> dict[str, Metric]:
    """The metrics of these names, in this order.

    Args:
        names: some of NAMES.
        lpips_weights: as for `lpips_squeeze`.
        device: as for `lpips_squeeze`.

    Raises:
        ParameterError: there is no metric of that name.
    """
    unknown = set(names) - set(NAMES)
    if unknown:
        raise ParameterError(
            f"no metric {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )
    functions: dict[str, Metric] = {PSNR: psnr, MS_SSIM: ms_ssim, SSIMULACRA2: ssimulacra2}
    if LPIPS_SQUEEZE in names:
        functions[LPIPS_SQUEEZE] = lpips_squeeze(lpips_weights, device)
    return {name: functions[name] for name in names}


def _check(reference: np.ndarray, distorted: np.ndarray) -> None:
    for array in (reference, distorted):
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            raise ParameterError(
                f"a metric needs uint8 arrays (H, W, 3), got {array.dtype} {array.shape}"
            )
    if reference.shape != distorted.shape:
        raise ParameterError(
            f"the pictures differ in shape: {reference.shape} and {distorted.shape}"
        )


def _batch(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 to (1, 3, H, W) float32, 0..255."""
    return torch.tensor(pixels).permute(2, 0, 1)[None].to(torch.float32)


def _file(pixels: np.ndarray) -> io.BytesIO:
    """A picture file in memory, since the package reads files only; BMP takes no time to write."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file


def _missing(package: str) -> MetricError:
    return MetricError(f"this metric needs the `{package}` package: pip install 'jndlic[bench]'")
