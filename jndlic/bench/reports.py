"""What a benchmark writes: curves and figures for programs, a page to look at, pages for a repository."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jndlic.bench import tables
from jndlic.bench.bdrate import Curve, to_json, write_curve
from jndlic.bench.footprint import Footprint
from jndlic.bench.gallery import gallery
from jndlic.bench.measure import Row
from jndlic.bench.page_builder import build_page
from jndlic.bench.plots import draw
from jndlic.bench.publish import refreshed, results_page
from jndlic.bench.rows import Measured
from jndlic.bench.store import Store
from jndlic.bench.summary import Comparison, compare_all
from jndlic.bench.tables import Table
from jndlic.files import write_atomically

SUMMARY_FILE = "benchmark.json"
NOTE = (
    "BD-rate of the mean curves: bits at equal quality, negative where fewer. Below it the mean of the single pictures' BD-rates, their"
    " standard deviation and the 95 % confidence interval of the mean (bootstrap over the pictures)."
)


@dataclass(frozen=True)
class Findings:
    """All that a benchmark found."""

    images: Sequence[Path]
    measured: Sequence[Measured]
    """The first is under test."""
    published: Sequence[Curve]
    anchor: str
    """Name of the codec that all are compared with."""
    metrics: Sequence[str]
    rows: Sequence[Row]
    footprints: dict[str, dict[str, Footprint]]
    """By codec and job; may be empty."""
    command: str
    machine: str

    @property
    def title(self) -> str:
        """Of the pages."""
        tested, *others = (one.codec.name for one in self.measured)
        return f"{tested} beside {', '.join(others)}" if others else tested

    @property
    def subtitle(self) -> str:
        """What was measured where."""
        pictures = f"{len(self.images)} picture{'s' * (len(self.images) > 1)} of {self.images[0].resolve().parent.name}"
        return f"{pictures}; bits of files on disk, decoded 8-bit pixels; {self.machine}"

    @cached_property
    def curves(self) -> list[Curve]:
        """Means of all codecs."""
        return [one.curve() for one in self.measured]

    @cached_property
    def against_tested(self) -> list[Comparison]:
        """The codec under test against every other."""
        rivals = (*self.measured[1:], *self.published)
        return [found for rival in rivals for found in compare_all(rival, self.measured[0], self.metrics)]

    @cached_property
    def against_anchor(self) -> list[Comparison]:
        """Every codec against the anchor."""
        base = next((one for one in self.measured if one.codec.name == self.anchor), self.measured[0])
        others = (*(one for one in self.measured if one is not base), *self.published)
        return [found for other in others for found in compare_all(base, other, self.metrics)]

    @cached_property
    def tables(self) -> list[Table]:
        """BD-rates, time and memory, operating points."""
        tested = self.measured[0]
        return [
            tables.rates(f"{tested.codec.name}: bits at equal quality", NOTE, self.against_tested, self.metrics, by_anchor=True),
            tables.rates(f"All codecs against {self.anchor}", "As above.", self.against_anchor, self.metrics, by_anchor=False),
            *([tables.speed(self.footprints, tested.largest_image())] if self.footprints else []),
            *(tables.points(one, self.metrics) for one in self.measured),
        ]


def write_reports(findings: Findings, out: Path, pictures: int, rates: Sequence[float]) -> None:
    """Writes curves, summary, plots and the report; prints the BD-rates.

    Args:
        findings: of the benchmark.
        out: an existing folder, with the store in "cache".
        pictures: how many the report shows.
        rates: bits per pixel that it shows them near.
    """
    curves = findings.curves
    (out / "curves").mkdir(exist_ok=True)
    for curve in curves:
        write_curve(out / "curves" / f"{_slug(curve.name)}.json", curve)
    write_atomically(out / SUMMARY_FILE, _json(findings))
    draw(curves, findings.published, findings.metrics, out / "curves")
    shown = findings.images[:: max(1, -(-len(findings.images) // pictures))] if pictures > 0 else []
    layers = gallery(shown, findings.measured, findings.rows, Store(out / "cache"), rates, findings.metrics)
    page = build_page(findings.title, findings.subtitle, curves, findings.published, findings.metrics, findings.tables, _notes(findings), layers)
    write_atomically(out / "report.html", page.encode())
    for table in findings.tables[:2]:
        print(f"\n{table.title}\n{table.markdown()}")
    print(f"\n{out / 'report.html'} shows it all; rows.tsv, {SUMMARY_FILE}, curves/, curves.png and curves.svg hold the figures")


def write_pages(findings: Findings, markdown: Path, readme: Path | None) -> None:
    """Writes the page of results and the folder of its figures, and refreshes a README.

    Args:
        findings: of the benchmark.
        markdown: the page; the folder has its name, without the suffix.
        readme: between whose marks operating points and BD-rates go.

    Raises:
        ParameterError: the README has no marks.
    """
    figures = markdown.with_suffix("")
    if readme:
        lines = refreshed(readme.read_text(encoding="utf-8"), _headline(findings))
    figures.mkdir(parents=True, exist_ok=True)
    draw(findings.curves, findings.published, findings.metrics, figures / "curves")
    write_atomically(figures / SUMMARY_FILE, _json(findings))
    page = results_page(
        findings.title, f"{findings.subtitle}.", findings.command, findings.tables, _notes(findings), findings.metrics, f"{figures.name}/curves.png"
    )
    write_atomically(markdown, page.encode())
    if readme:
        write_atomically(readme, lines.encode())


def _headline(findings: Findings) -> list[Table]:
    """Operating points and BD-rates without their spread, for a README."""
    tested = findings.measured[0]
    plain = [one._replace(spread=None) for one in findings.against_tested]
    where = f"Means over {findings.subtitle}. Weights: SHA-256 {tested.codec.weights}…" if tested.codec.weights else findings.subtitle
    whole = tables.points(tested, findings.metrics)
    rows = tuple(tuple(cell.partition("\n")[0] for cell in row) for row in whole.rows)
    note = "BD-rate over the common range, negative where jndlic needs fewer bits:"
    return [Table("", where, whole.columns, rows), tables.rates("", note, plain, findings.metrics, by_anchor=True)]


def _json(findings: Findings) -> bytes:
    """Everything in numbers."""
    content = {
        "command": findings.command,
        "machine": findings.machine,
        "pictures": len(findings.images),
        "weights": {one.codec.name: one.codec.weights for one in findings.measured if one.codec.weights},
        "curves": [to_json(curve) for curve in findings.curves],
        "bd_rates": [_comparison(one) for one in dict.fromkeys((*findings.against_tested, *findings.against_anchor))],
        "footprints": {name: {job: found._asdict() for job, found in jobs.items()} for name, jobs in findings.footprints.items()},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _comparison(one: Comparison) -> dict:
    spread = {name: _rounded(value) for name, value in one.spread._asdict().items()} if one.spread else None
    return one._asdict() | {"rate": _rounded(one.rate), "spread": spread}


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 3)


def _notes(findings: Findings) -> dict[str, str]:
    return {curve.name: curve.description for curve in (*findings.curves, *findings.published)}


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-").lower()
