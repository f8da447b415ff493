"""The report and the comparison: one HTML file each that needs nothing else, of the templates,
style and scripts in page/.

    base.html ─┬─ look.html: two versions of a picture ─ viewer.js
               ├─ table.html
               └─ report.html adds curves ─ curves.js
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jndlic.bench.report.plots import colours
from jndlic.bench.report.tables import Table
from jndlic.bench.run.bdrate import Curve
from jndlic.metrics.registry import LOWER_IS_BETTER, SSIMULACRA2
from jndlic.metrics.registry import title as metric_title

if TYPE_CHECKING:
    from jinja2 import Environment

PARTS = Path(__file__).parent / "page"
OWN_TEXTS = {"style": "style.css", "curves": "curves.js", "viewer": "viewer.js"}
"""By their places on the page, into which they go as they are: scripts and style hold braces of
their own.
"""


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
            {
                "name": curve.name,
                "colour": shades[curve.name],
                "published": curve in published,
                "points": _finite(curve, metrics),
            }
            for curve in (*curves, *published)
        ],
        "metrics": [
            {
                "name": name,
                "title": metric_title(name, trained_on),
                "lower": name in LOWER_IS_BETTER,
            }
            for name in metrics
        ],
        "first": list(metrics).index(SSIMULACRA2) if SSIMULACRA2 in metrics else 0,
        "pictures": pictures,
    }
    return _page("report.html", title, subtitle, tables, notes, data)


def build_comparison(
    title: str,
    subtitle: str,
    tables: Sequence[Table],
    notes: dict[str, str],
    pictures: list[dict],
) -> str:
    """The text of a page to look at, without curves.

    Args:
        title, subtitle, tables, notes: as for `build_page`.
        pictures: of the viewer, as those of `gallery`.
    """
    return _page("base.html", title, subtitle, tables, notes, {"pictures": pictures})


def section(table: Table) -> str:
    """A table as a section of the page, in HTML."""
    return _environment().get_template("table.html").render(table=table)


def _page(
    template: str,
    title: str,
    subtitle: str,
    tables: Sequence[Table],
    notes: dict[str, str],
    data: dict,
) -> str:
    sources, pictures = _pooled(data["pictures"])
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            subtitle=subtitle,
            tables=tables,
            notes=notes,
            data=data | {"sources": sources, "pictures": pictures},
            **{
                place: (PARTS / name).read_text(encoding="utf-8")
                for place, name in OWN_TEXTS.items()
            },
        )
    )


def _pooled(pictures: list[dict]) -> tuple[list[str], list[dict]]:
    """The images of all layers, each once, and the pictures with numbers in their place: the
    original is the same at every rate.
    """
    numbers: dict[str, int] = {}

    def numbered(layer: dict) -> dict:
        return layer | {"source": numbers.setdefault(layer["source"], len(numbers))}

    pooled = [
        picture
        | {
            "rates": [
                rate | {"layers": [numbered(layer) for layer in rate["layers"]]}
                for rate in picture["rates"]
            ]
        }
        for picture in pictures
    ]
    return list(numbers), pooled


@cache
def _environment() -> Environment:
    """The templates of page/; their places hold text, never HTML, but for those that a template
    calls safe.
    """
    # Late: the benchmark says what is not installed
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(PARTS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    found.policies["json.dumps_kwargs"] = {"allow_nan": False}
    return found


def _finite(curve: Curve, metrics: Sequence[str]) -> dict[str, list[float | None]]:
    names = [name for name in ("bpp", "quality", *metrics) if name in curve.results]
    return {
        name: [value if math.isfinite(value) else None for value in curve.results[name]]
        for name in names
    }
