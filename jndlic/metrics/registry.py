"""The metrics by name: what they are called, which of them are better when lower, and what computes
them.

    PSNR, MS-SSIM, LPIPS, SSIMULACRA2      the usual ones
    FSIM, VIF, HaarPSI, Butteraugli,       in no loss here: they show whether a training
    ColorVideoVDP, visibility of the grid  overfitted the metrics of its loss
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from jndlic.errors import ParameterError
from jndlic.metrics.butteraugli import BUTTERAUGLI, PROGRAM, butteraugli, find_program
from jndlic.metrics.cvvdp import CVVDP, DISPLAY, check_installed, colour_video_vdp
from jndlic.metrics.grid_visibility import GRID, grid_visibility
from jndlic.metrics.lpips import LPIPS_SQUEEZE, lpips_squeeze
from jndlic.metrics.ms_ssim import MS_SSIM, ms_ssim
from jndlic.metrics.packages import name_and_version
from jndlic.metrics.piq_metrics import FSIM, HAARPSI, VIF, fsim, haarpsi, vif
from jndlic.metrics.psnr import PSNR, psnr
from jndlic.metrics.ssimulacra2_package import SSIMULACRA2, ssimulacra2

Metric = Callable[[np.ndarray, np.ndarray], float]
"""Two uint8 arrays (H, W, 3) of RGB, original first, to a value."""

USUAL = (PSNR, MS_SSIM, LPIPS_SQUEEZE, SSIMULACRA2)
OUTSIDE_THE_LOSS = (FSIM, VIF, HAARPSI, BUTTERAUGLI, CVVDP, GRID)
NAMES = (*USUAL, *OUTSIDE_THE_LOSS)
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
MARK_MEANING = f"{MARK} The weights were trained on this metric: it is no judge of them"
MARK_NOTE = f"{MARK_MEANING}, and no part of the summary."

_FUNCTIONS: dict[str, Metric] = {
    PSNR: psnr,
    MS_SSIM: ms_ssim,
    SSIMULACRA2: ssimulacra2,
    FSIM: fsim,
    VIF: vif,
    HAARPSI: haarpsi,
    BUTTERAUGLI: butteraugli,
    CVVDP: colour_video_vdp,
    GRID: grid_visibility,
}
"""All but LPIPS, which has weights to load."""

_PACKAGES = {
    MS_SSIM: "pytorch-msssim",
    LPIPS_SQUEEZE: "lpips",
    SSIMULACRA2: "ssimulacra2",
    FSIM: "piq",
    VIF: "piq",
    HAARPSI: "piq",
    CVVDP: "cvvdp",
}
"""Of the Python index; the other metrics need numpy or a program."""


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
        WeightsError: LPIPS is wanted and cannot be loaded.
    """
    unknown = set(names) - set(NAMES)
    if unknown:
        raise ParameterError(
            f"no metric {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}"
        )
    functions = dict(_FUNCTIONS)
    if LPIPS_SQUEEZE in names:
        functions[LPIPS_SQUEEZE] = lpips_squeeze(lpips_weights, device)
    return {name: functions[name] for name in names}


def open_metric(name: str, lpips_weights: str | Path | None = None) -> Metric:
    """A metric, once all that it needs was found: its library, its weights, its program.

    Args:
        name: one of NAMES.
        lpips_weights: as for `lpips_squeeze`.

    Raises:
        ParameterError: there is no metric of that name.
        MetricError: a library or program is missing.
        WeightsError: LPIPS cannot be loaded.
    """
    if name == BUTTERAUGLI:
        find_program()
    if name == CVVDP:
        check_installed()
    if name in NAMES:
        made_by(name)
    return select([name], lpips_weights)[name]


def title(name: str, trained_on: Collection[str] = ()) -> str:
    """A metric's title, with MARK where a codec under test was trained on it.

    Args:
        name: of the metric.
        trained_on: names of the metrics in the loss of its weights.
    """
    return TITLES.get(name, name) + MARK * (name in trained_on)


@cache
def made_by(name: str) -> str:
    """Library and version that compute a metric: values of different ones are not to be mixed.

    Args:
        name: one of NAMES.

    Raises:
        MetricError: the library is not installed.
    """
    if name in (PSNR, GRID):
        return f"numpy {np.__version__}"
    if name == BUTTERAUGLI:
        return PROGRAM
    made = name_and_version(_PACKAGES[name])
    return f"{made}, {DISPLAY}" if name == CVVDP else made
