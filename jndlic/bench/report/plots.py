"""Rate-distortion curves as pictures, PNG and SVG."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jndlic.bench.run.bdrate import Curve
from jndlic.files import write_atomically
from jndlic.metrics.registry import LOWER_IS_BETTER, MARK_NOTE, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OURS = "#d62839"
OTHERS = ("#1d3557", "#2a9d8f", "#e9a03b", "#7b5ea7", "#5f6c7b", "#8d5b4c", "#c77dba", "#3a86c8")
"""Colours that stay apart for colour-blind readers and in grey."""


def colours(curves: Sequence[Curve]) -> dict[str, str]:
    """A colour for each curve by name: the first, which is tested, stands out."""
    others = {curve.name: OTHERS[number % len(OTHERS)] for number, curve in enumerate(curves[1:])}
    return others | {curves[0].name: OURS}


def draw(
    curves: Sequence[Curve],
    published: Sequence[Curve],
    metrics: Sequence[str],
    stem: Path,
    trained_on: Collection[str] = (),
) -> list[Path]:
    """Draws all metrics in one figure.

    Args:
        curves: measured; the first is the one under test.
        published: from elsewhere, drawn with dashes.
        metrics: one panel each.
        stem: of the files, without suffix.
        trained_on: metrics to mark.

    Returns:
        The PNG and the SVG file.
    """
    from matplotlib.figure import Figure

    rows = -(-len(metrics) // 2)
    columns = min(2, len(metrics))
    figure = Figure(figsize=(6.4 * columns, 4.4 * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for axis, metric in zip(axes, metrics):
        _panel(axis, curves, published, metric)
        axis.set_title(title(metric, trained_on), fontsize=11)
    if set(trained_on) & set(metrics):
        figure.suptitle(MARK_NOTE, fontsize=9)
    for axis in axes[len(metrics) :]:
        axis.set_axis_off()
    handles = {line.get_label(): line for axis in axes for line in axis.get_lines()}
    names = [curve.name for curve in (*curves, *published) if curve.name in handles]
    figure.legend(
        [handles[name] for name in names],
        names,
        loc="outside lower center",
        ncols=min(6, len(names)),
        frameon=False,
    )
    written = [stem.with_name(f"{stem.name}.{form}") for form in ("png", "svg")]
    for path in written:
        save_figure(figure, path)
    return written


def save_figure(figure: Figure, path: Path) -> None:
    """Writes a figure: readable text in an SVG, and the same bytes for the same curves.

    Args:
        figure: drawn.
        path: of the file, .png or .svg.
    """
    import matplotlib

    form = path.suffix.removeprefix(".")
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "jndlic"}):
        write_atomically(path, partial(figure.savefig, format=form, dpi=110, metadata=metadata))


def _panel(axis: Axes, curves: Sequence[Curve], published: Sequence[Curve], metric: str) -> None:
    shades = colours([*curves, *published])
    tested = curves[0].results
    for curve in (*published, *reversed(curves)):
        if metric not in curve.results:
            continue
        ours = curve is curves[0]
        axis.plot(
            curve.results["bpp"],
            curve.results[metric],
            label=curve.name,
            color=shades[curve.name],
            marker="o",
            markersize=4 if ours else 3,
            linewidth=2.4 if ours else 1.4,
            linestyle="--" if curve in published else "-",
        )
    axis.set_xscale("log")
    ticks = [
        bits
        for bits in (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
        if tested["bpp"][0] * 0.6 <= bits <= tested["bpp"][-1] * 1.5
    ]
    axis.set_xticks(ticks, [f"{bits:g}" for bits in ticks])
    axis.minorticks_off()
    axis.set_xlim(tested["bpp"][0] * 0.8, tested["bpp"][-1] * 1.25)
    finite = [value for value in tested.get(metric, ()) if math.isfinite(value)]
    if finite:
        low, high = min(finite), max(finite)
        axis.set_ylim(low - 0.08 * (high - low), high + 0.08 * (high - low))
    if metric in LOWER_IS_BETTER:
        axis.invert_yaxis()
    axis.set_xlabel("bits per pixel")
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
