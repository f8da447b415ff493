"""Metrics that no loss here knows: judges of whether a loss only learned to please its own terms.

FSIM, VIF and HaarPSI come from the `piq` package, Butteraugli from libjxl's program `butteraugli_main`, which must be on PATH;
ColorVideoVDP and the visibility of the grid have files of their own.
Every function takes two uint8 arrays (H, W, 3) of RGB, original first, and gives a float.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from jndlic.errors import MetricError
from jndlic.metrics.cvvdp import CVVDP, colour_video_vdp
from jndlic.metrics.grid_visibility import GRID, grid_visibility
from jndlic.metrics.pairs import check_pair, to_batch

FSIM = "fsim"
VIF = "vif"
HAARPSI = "haarpsi"
BUTTERAUGLI = "butteraugli-3norm"
BUTTERAUGLI_PROGRAM = "butteraugli_main"


def fsim(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Feature similarity with colour (FSIMc), at most about 1.

    Source: Zhang, Zhang, Mou, Zhang, "FSIM: A Feature Similarity Index for Image Quality Assessment", IEEE TIP 2011.

    Raises:
        MetricError: `piq` is not installed.
    """
    return _by_piq("fsim", reference, distorted)


def vif(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Visual information fidelity in the pixel domain (VIFp), 1 for equal pictures.

    NaN for pictures with a side below 41 pixels, which its four scales need.

    Source: Sheikh, Bovik, "Image information and visual quality", IEEE TIP 2006.

    Raises:
        MetricError: `piq` is not installed.
    """
    return _by_piq("vif_p", reference, distorted) if min(reference.shape[:2]) >= 41 else float("nan")


def haarpsi(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Haar wavelet-based perceptual similarity, 0 to 1.

    NaN for pictures with a side below 16 pixels.

    Source: Reisenhofer, Bosse, Kutyniok, Wiegand, "A Haar wavelet-based perceptual similarity index for image quality
    assessment", Signal Processing: Image Communication 2018.

    Raises:
        MetricError: `piq` is not installed.
    """
    return _by_piq("haarpsi", reference, distorted) if min(reference.shape[:2]) >= 16 else float("nan")


def butteraugli_program() -> str:
    """Full path of Butteraugli's program.

    Raises:
        MetricError: it is not on PATH.
    """
    program = shutil.which(BUTTERAUGLI_PROGRAM)
    if program is None:
        raise MetricError(f"Butteraugli needs the program {BUTTERAUGLI_PROGRAM} of libjxl on PATH")
    return program


def butteraugli(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Butteraugli, the 3-norm over its map at 80 nits; 0 for equal pictures, lower is better.

    Source: libjxl, https://github.com/libjxl/libjxl, the program `butteraugli_main` with its default settings.

    Raises:
        MetricError: the program is not on PATH, or fails.
    """
    check_pair(reference, distorted)
    program = butteraugli_program()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("reference.ppm", "distorted.ppm")]
        for file, pixels in zip(files, (reference, distorted)):
            Image.fromarray(pixels).save(file)
        result = subprocess.run([program, *map(str, files)], capture_output=True, text=True, check=False)
    for line in result.stdout.splitlines():
        if line.startswith("3-norm:"):
            return float(line.split(":")[1])
    raise MetricError(f"{BUTTERAUGLI_PROGRAM} failed: {result.stderr.strip()[-200:] or result.returncode}")


JUDGES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    FSIM: fsim,
    VIF: vif,
    HAARPSI: haarpsi,
    BUTTERAUGLI: butteraugli,
    CVVDP: colour_video_vdp,
    GRID: grid_visibility,
}


def _by_piq(name: str, reference: np.ndarray, distorted: np.ndarray) -> float:
    check_pair(reference, distorted)
    try:
        import piq
    except ImportError as error:
        raise MetricError(f"{name} needs the `piq` package: pip install 'jndlic[bench]'") from error
    with torch.inference_mode():
        return float(getattr(piq, name)(to_batch(distorted), to_batch(reference), data_range=255.0))
