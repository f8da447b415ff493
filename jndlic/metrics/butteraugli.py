"""Butteraugli by libjxl's program `butteraugli_main`, which must be on PATH."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from jndlic.errors import MetricError
from jndlic.metrics.pairs import check_pair

BUTTERAUGLI = "butteraugli-3norm"
PROGRAM = "butteraugli_main"


def find_program() -> str:
    """Full path of Butteraugli's program.

    Raises:
        MetricError: it is not on PATH.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise MetricError(f"Butteraugli needs the program {PROGRAM} of libjxl on PATH")
    return program


def butteraugli(reference: np.ndarray, distorted: np.ndarray) -> float:
    """Butteraugli, the 3-norm over its map at 80 nits; 0 for equal pictures, lower is better.

    Source: libjxl, https://github.com/libjxl/libjxl, the program `butteraugli_main` with its
    default settings.

    Args:
        reference: (H, W, 3) uint8 of sRGB.
        distorted: likewise.

    Raises:
        MetricError: the program is not on PATH, or fails.
        ParameterError: the arrays are not such, or differ in shape.
    """
    check_pair(reference, distorted)
    program = find_program()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("reference.ppm", "distorted.ppm")]
        for file, pixels in zip(files, (reference, distorted)):
            Image.fromarray(pixels).save(file)
        result = subprocess.run(
            [program, *map(str, files)], capture_output=True, text=True, check=False
        )
    for line in result.stdout.splitlines():
        if line.startswith("3-norm:"):
            return float(line.split(":")[1])
    raise MetricError(f"{PROGRAM} failed: {result.stderr.strip()[-200:] or result.returncode}")
