"""Tables of a benchmark, and how they look in Markdown."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from jndlic.bench.report.summary import Comparison, Spread
from jndlic.bench.run.footprint import Footprint
from jndlic.bench.run.process import JOBS
from jndlic.bench.run.rows import Measured
from jndlic.bench.run.versions import Version
from jndlic.metrics.grid_visibility import GRID
from jndlic.metrics.registry import LOWER_IS_BETTER, title

DECIMALS = {
    "psnr-rgb": 2,
    "ms-ssim-rgb": 4,
    "ssimulacra2": 1,
    "butteraugli-3norm": 2,
    "cvvdp": 2,
    GRID: 2,
}

GRID_RATES = (0.1, 0.2, 0.4, 0.8)
"""Bits per pixel near which the visibility of the grid is compared."""
NEAR = 1.35
"""Largest ratio of two rates that count as near each other; levels lie some 1.3 to 1.6 apart."""


class Table(NamedTuple):
    """Words and numbers, all as text; a line feed in a cell begins a second line."""

    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    folded: bool = False
    """A page shows the title first and the rest when asked."""

    def markdown(self) -> str:
        """As Markdown, without the title."""
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        cells = (
            " | ".join(cell.replace("\n", "<br>").replace("|", "\\|") for cell in line)
            for line in lines
        )
        return "\n".join(f"| {line} |" for line in cells)


def rates(
    heading: str,
    note: str,
    comparisons: Sequence[Comparison],
    metrics: Sequence[str],
    by_anchor: bool,
    trained_on: Collection[str] = (),
) -> Table:
    """BD-rates: a row for each anchor (or for each codec under test), a column for each metric.

    Args:
        heading: title of the table.
        note: below it.
        comparisons: of all pairs and metrics.
        metrics: by name.
        by_anchor: which side of the comparisons the rows name.
        trained_on: metrics to mark.
    """
    names = dict.fromkeys(one.anchor if by_anchor else one.tested for one in comparisons)
    cells = {(one.anchor if by_anchor else one.tested, one.metric): one for one in comparisons}
    rows = [(name, *(_rate(cells[name, metric]) for metric in metrics)) for name in names]
    return Table(
        heading,
        note,
        ("against" if by_anchor else "codec", *_titles(metrics, trained_on)),
        tuple(rows),
    )


def kinds(
    comparisons: Mapping[str, Sequence[Comparison]],
    metrics: Sequence[str],
    trained_on: Collection[str] = (),
) -> Table:
    """BD-rates by kind of picture, a row for each kind and anchor.

    Args:
        comparisons: by the kind's name.
        metrics: by name.
        trained_on: metrics to mark.
    """
    rows = []
    for kind, found in comparisons.items():
        cells = {(one.anchor, one.metric): one for one in found}
        for anchor in dict.fromkeys(one.anchor for one in found):
            rows.append(
                (kind, anchor, *(percent(cells[anchor, metric].rate) for metric in metrics))
            )
    note = "BD-rate of the mean curves of the pictures of each kind, whose number stands behind it."
    return Table(
        "Bits at equal quality by kind of picture",
        note,
        ("kind", "against", *_titles(metrics, trained_on)),
        tuple(rows),
    )


def points(measured: Measured, metrics: Sequence[str], trained_on: Collection[str] = ()) -> Table:
    """Means of a codec at its levels.

    Args:
        measured: the codec.
        metrics: by name.
        trained_on: metrics to mark.
    """
    rows = []
    for place, level in enumerate(measured.levels):
        cells = [str(level)]
        for name in ("bpp", *metrics):
            values, digits = measured.values[name][:, place], DECIMALS.get(name, 3)
            cells.append(f"{values.mean():.{digits}f}")
        rows.append(tuple(cells))
    return Table(
        f"{measured.codec.name}: operating points",
        f"{measured.codec.settings}. Means over {len(measured.images)} pictures.",
        ("level", "bits per pixel", *_titles(metrics, trained_on)),
        tuple(rows),
        folded=True,
    )


def grids(measured: Sequence[Measured]) -> Table:
    """The visibility of the grid at rates near each other, which takes the place of a BD-rate; a
    row for each codec.

    Args:
        measured: codecs that have the metric.
    """
    rows = []
    for one in measured:
        bits, values = (one.values[name].mean(0) for name in ("bpp", GRID))
        cells = [one.codec.name]
        for rate in GRID_RATES:
            place = min(range(len(bits)), key=lambda place: abs(math.log(bits[place] / rate)))
            near = max(bits[place] / rate, rate / bits[place]) <= NEAR
            cells.append(
                f"{values[place]:.2f}\nlevel {one.levels[place]}, {bits[place]:.3f} bpp"
                if near
                else "n/a"
            )
        rows.append(tuple(cells))
    note = (
        "Mean step of the luma error across borders of 16-pixel blocks over the mean step away "
        "from borders of 8-pixel blocks: 1 means that"
        " no grid shows. Means over the pictures at the level whose mean rate is the nearest; n/a "
        "where none is near."
    )
    return Table(
        "Visibility of the grid",
        note,
        ("codec", *(f"about {rate:g} bpp" for rate in GRID_RATES)),
        tuple(rows),
    )


def equal_sizes(
    heading: str,
    note: str,
    groups: Mapping[str, Sequence[Version]],
    metrics: Sequence[str],
    trained_on: Collection[str] = (),
) -> Table:
    """Sizes and metrics of one picture's files, in each group about as large as its first.

    Args:
        heading: title of the table.
        note: below it.
        groups: by their names.
        metrics: by name.
        trained_on: metrics to mark.
    """
    rows = []
    for name, versions in groups.items():
        for one in versions:
            difference = percent(100 * (len(one.data) / len(versions[0].data) - 1))
            rows.append(
                (
                    name,
                    one.name,
                    str(one.level),
                    f"{len(one.data):,}",
                    f"{one.bpp:.3f}",
                    "" if one is versions[0] else difference,
                    *(_value(metric, one.metrics[metric]) for metric in metrics),
                )
            )
    columns = ("files", "codec", "level", "bytes", "bits per pixel", "beside jndlic")
    return Table(heading, note, (*columns, *_titles(metrics, trained_on)), tuple(rows))


def speed(footprints: Mapping[str, Mapping[str, Footprint]], picture: str) -> Table:
    """Time and memory of the codecs, by name."""
    rows = []
    for name, jobs in footprints.items():
        cells = [name]
        for job in JOBS:
            cells += [f"{jobs[job].seconds:.3f}", f"{jobs[job].peak / 2**20:.0f}"]
        rows.append(tuple(cells))
    columns = [column for job in JOBS for column in (f"{job}, s", f"{job}, MiB")]
    note = (
        f"{picture}, a middle level; each in a fresh process, alone on the machine, median of "
        "three runs after a first. Memory: growth of the"
        " process, or the size of the program that it runs."
    )
    return Table("Time and memory", note, ("codec", *columns), tuple(rows))


def percent(value: float) -> str:
    """A BD-rate, with a true minus sign; n/a where there is none."""
    return "n/a" if not math.isfinite(value) else f"{value:+.1f} %".replace("-", "−")


def _value(metric: str, value: float) -> str:
    """A metric's value; n/a where it does not apply."""
    return "n/a" if math.isnan(value) else f"{value:.{DECIMALS.get(metric, 3)}f}"


def _titles(metrics: Sequence[str], trained_on: Collection[str]) -> list[str]:
    return [
        f"{title(metric, trained_on)} {'↓' if metric in LOWER_IS_BETTER else '↑'}"
        for metric in metrics
    ]


def _rate(one: Comparison) -> str:
    return percent(one.rate) + (_spread(one.spread) if one.spread and one.spread.pictures else "")


def _spread(spread: Spread) -> str:
    interval = "" if math.isnan(spread.low) else f" [{spread.low:+.1f}, {spread.high:+.1f}]"
    deviation = "" if math.isnan(spread.deviation) else f" ± {spread.deviation:.1f}"
    return f"\n{spread.mean:+.1f}{deviation}{interval}".replace("-", "−")
