"""Quality of a decoded picture beside its original, by the libraries that the field uses.

Every function takes two uint8 arrays (H, W, 3) of RGB and gives a float. All but LPIPS, Butteraugli
and the visibility of the grid are better when higher.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from jndlic.errors import MetricError, ParameterError
from jndlic.metrics.cvvdp import CVVDP, DISPLAY
from jndlic.metrics.grid_visibility import GRID
from jndlic.metrics.judges import BUTTERAUGLI, BUTTERAUGLI_PROGRAM, FSIM, HAARPSI, JUDGES, VIF
from jndlic.metrics.pairs import check_pair, to_batch

Metric = Callable[[np.ndarray, np.ndarray], float]

PSNR = "psnr-rgb"
MS_SSIM = "ms-ssim-rgb"
LPIPS_SQUEEZE = "lpips-squeeze"
SSIMULACRA2 = "ssimulacra2"
USUAL = (PSNR, MS_SSIM, LPIPS_SQUEEZE, SSIMULACRA2)
NAMES = (*USUAL, *JUDGES)
"""As the result files spell them."""

LOWER_IS_BETTER = frozenset({LPIPS_SQUEEZE, BUTTERAUGLI, GRID})

WITHOUT_RATE = frozenset({GRID})
"""What tells of one fault and not of quality: bits at an equal value would mean nothing."""

TITLES = {
    PSNR: "PSNR of RGB, dB",
    MS_SSIM: "MS-SSIM of RGB",
    LPIPS_SQUEEZE: "LPIPS (SqueezeNet)",
    SSIMULACRA2: "SSIMULACRA2, points",
    FSIM: "FSIMc",
    VIF: "VIFp",
    HAARPSI: "HaarPSI",
    BUTTERAUGLI: "Butteraugli, 3-norm",
    CVVDP: "ColorVideoVDP, JOD",
    GRID: "grid visibility",
}
"""For tables and axes."""

MARK = "†"
MARK_NOTE = f"{MARK} The weights were trained on this metric: it is no judge of them, and no part of the summary."

_PACKAGES = {
    MS_SSIM: "pytorch-msssim", LPIPS_SQUEEZE: "lpips", SSIMULACRA2: "ssimulacra2", FSIM: "piq", VIF: "piq", HAARPSI: "piq",
    CVVDP: "cvvdp",
}

MS_SSIM_SMALLEST_SIDE = 161
"""Pixels: five scales of an 11-pixel window need more than 160."""


def psnr(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Peak signal-to-noise ratio over all channels, in dB; infinite for equal pictures."""
    check_pair(reference, distorted)
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
    check_pair(reference, distorted)
    if min(reference.shape[:2]) < MS_SSIM_SMALLEST_SIDE:
        return math.nan
    try:
        import pytorch_msssim
    except ImportError as error:
        raise _missing("pytorch-msssim") from error
    with torch.inference_mode():
        return float(pytorch_msssim.ms_ssim(to_batch(reference), to_batch(distorted), data_range=255.0))


def ssimulacra2(reference: np.ndarray, distorted: np.ndarray) -> float:
    """SSIMULACRA2 in points: 100 equal, 90 visually lossless, 70 high quality, 30 low.

    Source: Sneyers, SSIMULACRA 2 (Cloudinary, 2023), computed by the `ssimulacra2` package.
    `jndlic.metrics.ssimulacra2` gives the same points faster.

    Raises:
        MetricError: `ssimulacra2` is not installed.
    """
    check_pair(reference, distorted)
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
    from jndlic.metrics.lpips import LPIPS

    network = LPIPS(weights, full_precision=True).to(device)

    def distance(reference: np.ndarray, distorted: np.ndarray) -> float:
        check_pair(reference, distorted)
        with torch.inference_mode():
            return float(network(to_batch(reference).to(device), to_batch(distorted).to(device)))

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
    functions: dict[str, Metric] = {PSNR: psnr, MS_SSIM: ms_ssim, SSIMULACRA2: ssimulacra2} | JUDGES
    if LPIPS_SQUEEZE in names:
        functions[LPIPS_SQUEEZE] = lpips_squeeze(lpips_weights, device)
    return {name: functions[name] for name in names}


def title(name: str, trained_on: Collection[str] = ()) -> str:
    """A metric's title, with MARK where a codec under test was trained on it.

    Args:
        name: of the metric.
        trained_on: names of the metrics in the loss of its weights.
    """
    return TITLES.get(name, name) + MARK * (name in trained_on)


def made_by(name: str) -> str:
    """Library and version that compute a metric: values of different ones are not to be mixed."""
    if name in (PSNR, GRID):
        return f"numpy {np.__version__}"
    if name == BUTTERAUGLI:
        return BUTTERAUGLI_PROGRAM
    package = _PACKAGES[name]
    try:
        return f"{package} {version(package)}" + (f", {DISPLAY}" if name == CVVDP else "")
    except PackageNotFoundError as error:
        raise _missing(package) from error


def _file(pixels: np.ndarray) -> io.BytesIO:
    """A picture file in memory, since the package reads files only; BMP takes no time to write."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file


def _missing(package: str) -> MetricError:
    return MetricError(f"this metric needs the `{package}` package: pip install 'jndlic[bench]'")
