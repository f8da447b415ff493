"""Results of a benchmark in Markdown: a page, and the lines of a README that sum it up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from jndlic.bench.report.tables import Table
from jndlic.errors import ParameterError
from jndlic.metrics.registry import LOWER_IS_BETTER, made_by
from jndlic.metrics.registry import title as metric_title

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


class Section(NamedTuple):
    """What a page tells of one set of pictures."""

    name: str
    pictures: str
    """How many of which set."""
    tables: Sequence[Table]


def results_page(
    title: str,
    subtitle: str,
    command: str,
    sections: Sequence[Section],
    notes: dict[str, str],
    metrics: Sequence[str],
    curves: str,
    trained_on: Collection[str] = (),
) -> str:
    """The page's text.

    Args:
        title: of the page.
        subtitle: what was measured, where.
        command: that makes the figures anew.
        sections: in their order; the picture of the curves is of the first. A single one has no
            heading of its own.
        notes: name and settings of each codec.
        metrics: that were used.
        curves: address of the picture of the curves.
        trained_on: metrics to mark.
    """
    several = len(sections) > 1
    parts = [f"# {title}", subtitle, f"```sh\n{command}\n```"]
    for number, section in enumerate(sections):
        parts += [f"## {section.name}", f"{section.pictures}."] if several else []
        parts += [f"![rate-distortion curves]({curves})"] if number == 0 else []
        for table in section.tables:
            parts += [f"##{'#' * several} {table.title}", table.note, table.markdown()]
    better = {True: "lower is better", False: "higher is better"}
    parts += [
        "## Metrics",
        "\n".join(
            f"- {metric_title(name, trained_on)}: {better[name in LOWER_IS_BETTER]}; "
            f"{made_by(name)}"
            for name in metrics
        ),
    ]
    parts += ["## Codecs", "\n".join(f"- {name}: {text}" for name, text in notes.items())]
    return "\n\n".join(part for part in parts if part) + "\n"


def refreshed(readme: str, tables: Sequence[Table]) -> str:
    """A README with these tables between its marks, each below its note; one without columns is a
    note alone.

    Raises:
        ParameterError: it has no marks, or not once each.
    """
    if (
        readme.count(BEGIN) != 1
        or readme.count(END) != 1
        or readme.index(BEGIN) > readme.index(END)
    ):
        raise ParameterError(
            f"a README that is to be refreshed needs the lines {BEGIN} and {END}, once each"
        )
    before, _, rest = readme.partition(BEGIN)
    parts = [
        part
        for table in tables
        for part in (table.note, table.markdown() if table.columns else "")
        if part
    ]
    return before + BEGIN + "\n" + "\n\n".join(parts) + "\n" + END + rest.partition(END)[2]
