"""What a benchmark writes: curves and figures for programs, a page to look at, pages for a
repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from jndlic.bench.report import tables
from jndlic.bench.report.findings import Findings, Study
from jndlic.bench.report.gallery import gallery
from jndlic.bench.report.page_builder import build_page
from jndlic.bench.report.plots import draw
from jndlic.bench.report.publish import Section, refreshed, results_page
from jndlic.bench.report.summary import Comparison
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import to_json, write_curve
from jndlic.bench.run.store import Store
from jndlic.files import write_atomically
from jndlic.metrics.registry import MARK_NOTE

SUMMARY_FILE = "benchmark.json"


def write_reports(study: Study, out: Path, pictures: int, rates: Sequence[float]) -> None:
    """Writes curves, summary, plots and the report; prints the BD-rates.

    The curves of the first set go to the folder curves/, those of the others to folders of their
    names in it.

    Args:
        study: the benchmark.
        out: an existing folder, with the store in "cache".
        pictures: how many the report shows.
        rates: bits per pixel that it shows them near.
    """
    main = study.main
    for one in study.sets:
        folder = out / "curves" if one is main else out / "curves" / _slug(one.name)
        folder.mkdir(parents=True, exist_ok=True)
        for curve in one.curves:
            write_curve(folder / f"{_slug(curve.name)}.json", curve)
    write_atomically(out / SUMMARY_FILE, _json(study))
    draw(main.curves, main.published, main.metrics, out / "curves", main.trained_on)
    images = [image for one in study.sets for image in one.images]
    shown = images[:: max(1, -(-len(images) // pictures))] if pictures > 0 else []
    layers = gallery(shown, main.measured, study.rows, Store(out / "cache"), rates, main.metrics)
    subtitle = ". ".join((study.subtitle, MARK_NOTE)) if study.trained_on else study.subtitle
    page = build_page(
        study.title,
        subtitle,
        main.curves,
        main.published,
        main.metrics,
        _titled(study),
        _notes(study),
        layers,
        main.trained_on,
    )
    write_atomically(out / "report.html", page.encode())
    for one in study.sets:
        for table in one.rates:
            print(f"\n{one.name}: {table.title}\n{table.markdown()}")
    if study.trained_on:
        print(f"\n{MARK_NOTE}")
    print(
        f"\n{out / 'report.html'} shows it all; rows.tsv, {SUMMARY_FILE}, curves/, curves.png and "
        "curves.svg hold the figures"
    )


def write_pages(study: Study, markdown: Path, readme: Path | None) -> None:
    """Writes the page of results and the folder of its figures, and refreshes a README.

    Args:
        study: the benchmark.
        markdown: the page; the folder has its name, without the suffix.
        readme: between whose marks BD-rates and operating points go.

    Raises:
        ParameterError: the README has no marks.
    """
    figures, main = markdown.with_suffix(""), study.main
    lines = refreshed(readme.read_text(encoding="utf-8"), _headline(study)) if readme else ""
    figures.mkdir(parents=True, exist_ok=True)
    draw(main.curves, main.published, main.metrics, figures / "curves", main.trained_on)
    write_atomically(figures / SUMMARY_FILE, _json(study))
    sections = [Section(one.name, one.pictures, one.tables) for one in study.sets]
    subtitle = "\n\n".join([f"{study.subtitle}.", *([MARK_NOTE] if study.trained_on else [])])
    page = results_page(
        study.title,
        subtitle,
        study.command,
        sections,
        _notes(study),
        main.metrics,
        f"{figures.name}/curves.png",
        main.trained_on,
    )
    write_atomically(markdown, page.encode())
    if readme:
        write_atomically(readme, lines.encode())


def _titled(study: Study) -> list[Table]:
    """The tables of all sets; their titles name the set where there are several."""
    if len(study.sets) == 1:
        return study.main.tables
    return [
        table._replace(title=f"{one.name}: {table.title}")
        for one in study.sets
        for table in one.tables
    ]


def _headline(study: Study) -> list[Table]:
    """BD-rates of every set without their spread, and the first set's operating points, for a
    README.
    """
    main = study.main
    weights = main.measured[0].codec.weights
    where = f"Means over {study.subtitle}." + (f" Weights: SHA-256 {weights}…" if weights else "")
    found = [Table("", f"{where}\n\n{MARK_NOTE}" if study.trained_on else where, (), ())]
    for one in study.sets:
        if one.rated:
            plain = [pair._replace(spread=None) for pair in one.against_tested]
            note = (
                f"BD-rate over the common range on {one.pictures}, negative where "
                f"{one.measured[0].codec.name} needs fewer bits."
            )
            note = " ".join(filter(None, (note, one.summary)))
            found.append(tables.rates("", note, plain, one.rated, True, one.trained_on))
    points = tables.points(main.measured[0], main.metrics, main.trained_on)
    return [*found, points._replace(note=f"{points.title} on {main.name}:")]


def _json(study: Study) -> bytes:
    """Everything in numbers: the first set, and the others under "further_sets" in the same
    form.
    """
    main = study.main
    content = {
        "command": study.command,
        "machine": study.machine,
        "weights": {
            one.codec.name: one.codec.weights for one in main.measured if one.codec.weights
        },
        "trained_on": {
            one.codec.name: list(one.codec.trained_on)
            for one in main.measured
            if one.codec.trained_on
        },
        **_set_json(main),
        "footprints": {
            name: {job: found._asdict() for job, found in jobs.items()}
            for name, jobs in main.footprints.items()
        },
        "further_sets": [_set_json(one) for one in study.sets[1:]],
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _set_json(one: Findings) -> dict:
    return {
        "set": one.name,
        "pictures": len(one.images),
        "curves": [to_json(curve) for curve in one.curves],
        "bd_rates": [
            _comparison(pair) for pair in dict.fromkeys((*one.against_tested, *one.against_anchor))
        ],
        "bd_rates_by_kind": {
            kind: [_comparison(pair) for pair in found] for kind, found in one.by_kind.items()
        },
    }


def _comparison(one: Comparison) -> dict:
    spread = (
        {name: _rounded(value) for name, value in one.spread._asdict().items()}
        if one.spread
        else None
    )
    return one._asdict() | {"rate": _rounded(one.rate), "spread": spread}


def _rounded(value: float) -> float | None:
    return None if value != value else round(value, 3)


def _notes(study: Study) -> dict[str, str]:
    return {
        curve.name: curve.description
        for one in reversed(study.sets)
        for curve in (*one.curves, *one.published)
    }


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-").lower()
