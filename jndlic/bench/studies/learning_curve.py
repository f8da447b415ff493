"""What training has brought: BD-rates of all weights so far over the pixels that they have seen.

The points stand in docs/results/learning-curve.json; `--add NAME --gigapixels N` takes those of new
weights from the results of the benchmark.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from jndlic.bench.report.plots import OTHERS, save_figure
from jndlic.console import run_command
from jndlic.errors import ParameterError
from jndlic.files import write_atomically
from jndlic.metrics.registry import TITLES

RESULTS = Path("docs/results")
POINTS, BENCHMARK, PLOT = "learning-curve.json", "benchmark.json", "learning-curve.svg"
RIVAL = "AVIF"

Point = dict[str, Any]
"""name; gigapixels, all that training has seen so far; bd_rates: by set and metric, in percent."""


def point(name: str, gigapixels: float, benchmark: dict[str, Any]) -> Point:
    """The point of the weights that a benchmark measured.

    Args:
        name: of the weights.
        gigapixels: seen by training so far.
        benchmark: content of benchmark.json.
    """
    sets = {part["set"]: part["bd_rates"] for part in (benchmark, *benchmark["further_sets"])}
    rates = {
        pictures: {
            rate["metric"]: round(rate["rate"], 1)
            for rate in every
            if rate["anchor"] == RIVAL and rate["tested"] == "jndlic" and rate["rate"] is not None
        }
        for pictures, every in sets.items()
    }
    return {"name": name, "gigapixels": gigapixels, "bd_rates": rates}


def draw(points: list[Point], path: Path) -> None:
    """A panel for each set, a line for each metric.

    Args:
        points: with the same sets, in any order.
        path: of the SVG file.
    """
    from matplotlib.figure import Figure

    points = sorted(points, key=lambda each: each["gigapixels"])
    seen = [each["gigapixels"] for each in points]
    sets = list(points[-1]["bd_rates"])
    figure = Figure(figsize=(5.6 * len(sets), 4.2), layout="constrained")
    axes = figure.subplots(1, len(sets), squeeze=False)[0]
    for axis, pictures in zip(axes, sets, strict=True):
        for colour, metric in zip(OTHERS, points[-1]["bd_rates"][pictures]):
            rates = [each["bd_rates"][pictures].get(metric) for each in points]
            axis.plot(seen, rates, color=colour, marker="o", markersize=4, label=TITLES[metric])
        axis.axhline(0.0, color="black", linewidth=0.8)
        axis.set_title(f"{pictures}: BD-rate against {RIVAL}, percent")
        axis.set_xlabel("gigapixels that training has seen")
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False
    )
    save_figure(figure, path)


def main(argv: list[str] | None = None) -> int:
    """Command line: add a point, and draw the curve anew."""
    parser = argparse.ArgumentParser(description="BD-rates over the pixels that training has seen")
    parser.add_argument("--results", type=Path, default=RESULTS, help="(default: %(default)s)")
    parser.add_argument("--add", metavar="NAME", help="of the weights in the benchmark's results")
    parser.add_argument("--gigapixels", type=float, help="that they have seen in all")
    options = parser.parse_args(argv)
    if (options.add is None) != (options.gigapixels is None):
        parser.error("--add and --gigapixels go together")
    return run_command("learning_curve", lambda: _run(options))


def _run(options: argparse.Namespace) -> None:
    points: list[Point] = json.loads((options.results / POINTS).read_text())
    if options.add is not None:
        if options.add in [each["name"] for each in points]:
            raise ParameterError(f"there is a point named {options.add} already")
        benchmark = json.loads((options.results / BENCHMARK).read_text())
        points.append(point(options.add, options.gigapixels, benchmark))
        write_atomically(options.results / POINTS, (json.dumps(points, indent=1) + "\n").encode())
    draw(points, options.results / PLOT)
    print(options.results / PLOT)
