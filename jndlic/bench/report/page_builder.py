"""The report: one HTML file that needs nothing else, of the parts in page/."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from jndlic.bench.report.plots import colours
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import Curve
from jndlic.metrics.registry import LOWER_IS_BETTER, SSIMULACRA2
from jndlic.metrics.registry import title as metric_title

PARTS = Path(__file__).parent / "page"


def build_page(
    title: str,
    subtitle: str,
    curves: Sequence[Curve],
    published: Sequence[Curve],
    metrics: Sequence[str],
    tables: Sequence[Table],
    notes: dict[str, str],
    pictures: list[dict],
    trained_on: Collection[str] = (),
) -> str:
    """The page's text.

    Args:
        title: of the page.
        subtitle: under it.
        curves: measured; the first is the one under test.
        published: from elsewhere.
        metrics: one plot each.
        tables: below the plot.
        notes: name and description of every codec.
        pictures: of `gallery`.
        trained_on: metrics to mark.
    """
    shades = colours([*curves, *published])
    data = {
        "curves": [
            {"name": curve.name, "colour": shades[curve.name], "published": curve in published, "points": _finite(curve, metrics)}
            for curve in (*curves, *published)
        ],
        "metrics": [{"name": name, "title": metric_title(name, trained_on), "lower": name in LOWER_IS_BETTER} for name in metrics],
        "first": list(metrics).index(SSIMULACRA2) if SSIMULACRA2 in metrics else 0,
        "pictures": pictures,
    }
    described = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in notes.items())
    parts = {
        "title": html.escape(title),
        "subtitle": html.escape(subtitle),
        "style": _part("style.css"),
        "tables": "".join(table.html() for table in tables) + f"<section><h2>Settings</h2><dl>{described}</dl></section>",
        "data": json.dumps(data, allow_nan=False).replace("</", "<\\/"),  # so that no text in it ends the script
        "curves": _part("curves.js"),
        "viewer": _part("viewer.js"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], _part("page.html"))


def _finite(curve: Curve, metrics: Sequence[str]) -> dict[str, list[float | None]]:
    names = [name for name in ("bpp", "quality", *metrics) if name in curve.results]
    return {name: [value if math.isfinite(value) else None for value in curve.results[name]] for name in names}


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")
