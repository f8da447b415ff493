"""Which metrics a study computes: those asked for, or all that can be computed here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jndlic.console import note
from jndlic.errors import JndlicError, ParameterError
from jndlic.metrics.registry import (
    BUTTERAUGLI,
    CVVDP,
    GRID,
    HAARPSI,
    LPIPS_SQUEEZE,
    USUAL,
    open_metric,
)


def usable_metrics(
    names: Sequence[str] | None,
    lpips_weights: str | None,
    left_out: Callable[[str], object] = note,
) -> list[str]:
    """The metrics asked for, checked; by default those whose libraries, weights and programs are
    here, with a line about each of the others.

    Args:
        names: of the registry, or None.
        lpips_weights: file of LPIPS, or None for the usual place.
        left_out: gets that line.

    Raises:
        ParameterError: there is no such metric, or the file cannot be used.
        MetricError, WeightsError: one asked for cannot be computed here.
    """
    if names:
        for name in names:
            open_metric(name, lpips_weights)
        return list(names)
    chosen = []
    for name in (*USUAL, HAARPSI, BUTTERAUGLI, CVVDP, GRID):
        try:
            open_metric(name, lpips_weights)
            chosen.append(name)
        except JndlicError as error:
            left_out(f"without {name}: {error}")
    if lpips_weights and LPIPS_SQUEEZE not in chosen:
        raise ParameterError(f"--lpips-weights {lpips_weights} cannot be used")
    return chosen
