"""Results of a benchmark in Markdown: a page, and the lines of a README that sum it up."""

from __future__ import annotations

from collections.abc import Sequence

from jndlic.bench.metrics import LOWER_IS_BETTER, TITLES, made_by
from jndlic.bench.tables import Table
from jndlic.errors import ParameterError

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"


def results_page(
    title: str, subtitle: str, command: str, tables: Sequence[Table], notes: dict[str, str], metrics: Sequence[str], curves: str
) -> str:
    """The page's text.

    Args:
        title: of the page.
        subtitle: what was measured, where.
        command: that makes the figures anew.
        tables: in their order.
        notes: name and settings of each codec.
        metrics: that were used.
        curves: address of the picture of the curves.
    """
    parts = [f"# {title}", subtitle, f"```sh\n{command}\n```", f"![rate-distortion curves]({curves})"]
    for table in tables:
        parts += [f"## {table.title}", table.note, table.markdown()]
    better = {True: "lower is better", False: "higher is better"}
    parts += ["## Metrics", "\n".join(f"- {TITLES[name]}: {better[name in LOWER_IS_BETTER]}; {made_by(name)}" for name in metrics)]
    parts += ["## Codecs", "\n".join(f"- {name}: {text}" for name, text in notes.items())]
    return "\n\n".join(part for part in parts if part) + "\n"


def refreshed(readme: str, tables: Sequence[Table]) -> str:
    """A README with these tables between its marks.

    Raises:
        ParameterError: it has no marks, or not once each.
    """
    if readme.count(BEGIN) != 1 or readme.count(END) != 1 or readme.index(BEGIN) > readme.index(END):
        raise ParameterError(f"a README that is to be refreshed needs the lines {BEGIN} and {END}, once each")
    before, _, rest = readme.partition(BEGIN)
    parts = [part for table in tables for part in (table.note, table.markdown()) if part]
    return before + BEGIN + "\n" + "\n\n".join(parts) + "\n" + END + rest.partition(END)[2]
